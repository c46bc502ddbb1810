// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who sends and who takes: a lane, or a program that has one system call for each frame.

use std::io::{Read, Write};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use dataplane::{LaneSink, LaneSource, Payload};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use tests::netns::Netns;
use vm_memory::{Bytes, GuestAddress};
use wire::VnetHeader;

/// Sends some frames, or takes some; tells how many.
pub(crate) type End = Box<dyn FnMut() -> u64 + Send>;

/// A burst into a lane.
pub(crate) fn into(mut sink: Box<dyn LaneSink>, size: usize) -> End {
    let frame = frame(size);
    Box::new(move || {
        for _ in 0..64 {
            let _ = sink.put(&VnetHeader::PLAIN, &Payload::held(&frame, &[]));
        }
        sink.flush().sent.frames
    })
}

/// A turn of a lane.
pub(crate) fn out_of(mut source: Box<dyn LaneSource>) -> End {
    let mut guest = vec![0; 1 << 17];
    Box::new(move || {
        let frames = source.receive().unwrap_or(0);
        for number in 0..frames {
            let (address, len) = source.frame(number);
            let place = &mut guest[..len as usize];
            source.memory().mapping().read_slice(place, GuestAddress(address)).expect("it lies there");
        }
        source.release();
        frames as u64
    })
}

/// To everybody, of a protocol that no stack knows.
pub(crate) fn frame(size: usize) -> Vec<u8> {
    let head = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 7], &[0x88, 0xb5]].concat();
    head.into_iter().chain(std::iter::repeat(0x55)).take(size).collect()
}

pub(crate) fn says(socket: UnixDatagram, size: usize) -> End {
    let frame = frame(size);
    socket.set_nonblocking(true).expect("a socket");
    Box::new(move || u64::from(socket.send(&frame).is_ok()))
}

pub(crate) fn hears(socket: UnixDatagram) -> End {
    let mut bytes = vec![0; 1 << 16];
    socket.set_nonblocking(true).expect("a socket");
    Box::new(move || u64::from(socket.recv(&mut bytes).is_ok()))
}

pub(crate) fn writes(mut socket: UnixStream, size: usize) -> End {
    let whole = [&(size as u32).to_be_bytes()[..], &frame(size)].concat();
    socket.set_write_timeout(Some(Duration::from_millis(50))).expect("a socket");
    Box::new(move || u64::from(socket.write_all(&whole).is_ok()))
}

pub(crate) fn reads(mut socket: UnixStream, size: usize) -> End {
    let (mut bytes, mut left) = (vec![0; 1 << 16], 0);
    socket.set_nonblocking(true).expect("a socket");
    Box::new(move || {
        left += socket.read(&mut bytes).unwrap_or(0);
        let frames = left / (4 + size);
        left -= frames * (4 + size);
        frames as u64
    })
}

/// By a packet socket.
pub(crate) fn sends(socket: OwnedFd, size: usize) -> End {
    let frame = frame(size);
    Box::new(move || u64::from(send(&socket, &frame, SendFlags::DONTWAIT).is_ok()))
}

pub(crate) fn takes(socket: OwnedFd) -> End {
    let mut bytes = vec![0; 1 << 16];
    Box::new(move || u64::from(recv(&socket, &mut bytes[..], RecvFlags::DONTWAIT).is_ok()))
}

/// By a queue of a tap, each frame behind its virtio-net header.
pub(crate) fn fills(tap: OwnedFd, size: usize) -> End {
    let whole = [&[0; VnetHeader::LEN][..], &frame(size)].concat();
    Box::new(move || u64::from(rustix::io::write(&tap, &whole).is_ok()))
}

pub(crate) fn drains(tap: OwnedFd) -> End {
    let mut bytes = vec![0; 1 << 16];
    Box::new(move || u64::from(rustix::io::read(&tap, &mut bytes[..]).is_ok()))
}

/// The number of a netdev.
pub(crate) fn number(netns: &Netns, netdev: &str) -> NonZeroU32 {
    let shown = netns.ip_json(&format!("link show dev {netdev}"));
    shown[0]["ifindex"].as_u64().and_then(|number| NonZeroU32::new(number as u32)).expect("a netdev has a number")
}

/// A packet socket at a netdev of a network namespace.
pub(crate) fn socket(netns: &Netns, netdev: &str) -> OwnedFd {
    let ifindex = number(netns, netdev);
    netns.inside(|| {
        let socket = sys::packet::socket().expect("root may");
        sys::packet::bind(socket.as_fd(), ifindex.get()).expect("the netdev is there");
        socket
    })
}
