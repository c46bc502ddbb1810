// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How fast each kind of lane is, in each direction, beside the same path without weft.
//!
//! ```text
//! cargo run --release -p tests --example lanes [SECONDS]
//! ```
//!
//! One thread sends as fast as it can and another takes what comes; frames that came are counted. The far end is always the
//! same, a program that has one system call for each frame. What a lane brings is copied once more, as into a guest.
use std::io::{Read, Write};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use backends::lane::{Kind, Opened, open};
use backends::place::Place;
use dataplane::{LaneSink, LaneSource, Payload};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use tests::netns::{Netns, can_have_namespaces};
use vm_memory::{Bytes, GuestAddress};
use wire::VnetHeader;

/// Sends some frames, or takes some; tells how many.
type End = Box<dyn FnMut() -> u64 + Send>;

const SIZES: [usize; 2] = [64, 1514];
/// Turns of an end between two looks at the clock.
const TURNS: usize = 64;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let span = Duration::from_secs_f64(seconds);
    println!("{:<8} {:>6} {:<14} {:>12} {:>9}", "kind", "bytes", "path", "frames/s", "Gbit/s");
    for size in SIZES {
        sockets(size, span);
        if can_have_namespaces() {
            netdevs(size, span);
        }
        let Opened { mut sinks, mut sources, .. } = open(&Kind::Loopback).expect("descriptors");
        report("loopback", size, "out and in", span, into(sinks.remove(0), size), out_of(sources.remove(0)));
    }
}

/// Runs both ends for a while and prints what came.
fn report(kind: &str, size: usize, path: &str, span: Duration, mut sender: End, mut receiver: End) {
    let (stop, start) = (AtomicBool::new(false), Instant::now());
    let frames: u64 = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                (0..TURNS).for_each(|_| _ = sender());
            }
        });
        let mut frames = 0;
        while start.elapsed() < span {
            frames += (0..TURNS).map(|_| receiver()).sum::<u64>();
        }
        stop.store(true, Ordering::Relaxed);
        frames
    });
    let rate = frames as f64 / start.elapsed().as_secs_f64();
    println!("{kind:<8} {size:>6} {path:<14} {rate:>12.0} {:>9.3}", rate * size as f64 * 8.0 / 1e9);
}

/// A burst into a lane.
fn into(mut sink: Box<dyn LaneSink>, size: usize) -> End {
    let frame = frame(size);
    Box::new(move || {
        for _ in 0..64 {
            let _ = sink.put(&VnetHeader::PLAIN, &Payload::held(&frame, &[]));
        }
        sink.flush().sent.frames
    })
}

/// A turn of a lane.
fn out_of(mut source: Box<dyn LaneSource>) -> End {
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
fn frame(size: usize) -> Vec<u8> {
    let head = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 7], &[0x88, 0xb5]].concat();
    head.into_iter().chain(std::iter::repeat(0x55)).take(size).collect()
}

fn sockets(size: usize, span: Duration) {
    let folder = tempfile::tempdir().expect("a directory");
    let path = |name: &str| folder.path().join(name);
    let lane = |local: &str, remote: &str| {
        let [local, remote] = [local, remote].map(|name| Place::new(path(name), None));
        open(&Kind::Dgram { local, remote }).expect("a socket")
    };
    let far = UnixDatagram::bind(path("far")).expect("a socket");
    let near = lane("near", "far");
    let Opened { mut sinks, mut sources, .. } = near;
    report(
        "dgram",
        size,
        "lane to peer",
        span,
        into(sinks.remove(0), size),
        hears(far.try_clone().expect("a descriptor")),
    );
    far.set_nonblocking(true).expect("a socket");
    far.connect(path("near")).expect("the lane is there");
    report("dgram", size, "peer to lane", span, says(far, size), out_of(sources.remove(0)));
    let (one, other) = UnixDatagram::pair().expect("sockets");
    one.set_nonblocking(true).expect("a socket");
    report("dgram", size, "without weft", span, says(one, size), hears(other));

    let stream = |place: &str| Kind::Stream { place: Place::new(path(place), None), listen: false };
    let listener = UnixListener::bind(path("stream")).expect("a socket");
    let Opened { mut sinks, sources: _sources, .. } = open(&stream("stream")).expect("somebody listens");
    let (far, _) = listener.accept().expect("it is connected");
    report("stream", size, "lane to peer", span, into(sinks.remove(0), size), reads(far, size));
    let Opened { sinks: _sinks, mut sources, .. } = open(&stream("stream")).expect("somebody listens");
    let (far, _) = listener.accept().expect("it is connected");
    report("stream", size, "peer to lane", span, writes(far, size), out_of(sources.remove(0)));
    let (one, other) = UnixStream::pair().expect("sockets");
    report("stream", size, "without weft", span, writes(one, size), reads(other, size));
}

fn says(socket: UnixDatagram, size: usize) -> End {
    let frame = frame(size);
    Box::new(move || u64::from(socket.send(&frame).is_ok()))
}

fn hears(socket: UnixDatagram) -> End {
    let mut bytes = vec![0; 1 << 16];
    socket.set_nonblocking(true).expect("a socket");
    Box::new(move || u64::from(socket.recv(&mut bytes).is_ok()))
}

fn writes(mut socket: UnixStream, size: usize) -> End {
    let whole = [&(size as u32).to_be_bytes()[..], &frame(size)].concat();
    socket.set_write_timeout(Some(Duration::from_millis(50))).expect("a socket");
    Box::new(move || u64::from(socket.write_all(&whole).is_ok()))
}

fn reads(mut socket: UnixStream, size: usize) -> End {
    let (mut bytes, mut left) = (vec![0; 1 << 16], 0);
    socket.set_nonblocking(true).expect("a socket");
    Box::new(move || {
        left += socket.read(&mut bytes).unwrap_or(0);
        let frames = left / (4 + size);
        left -= frames * (4 + size);
        frames as u64
    })
}

fn netdevs(size: usize, span: Duration) {
    let netns = Netns::make();
    netns.ip("link add eth0 type veth peer name eth1");
    let lane = |kind: &Kind| netns.inside(|| open(kind)).expect("root may");
    let far = |netdev: &str| {
        netns.set(&format!("ipv6/conf/{netdev}/disable_ipv6"), "1");
        netns.ip(&format!("link set {netdev} up"));
        netns.inside(|| socket(number(&netns, netdev)))
    };
    let (near_raw, far_raw) = (far("eth0"), far("eth1"));
    report("packet", size, "without weft", span, sends(near_raw, size), takes(far_raw));
    let far_raw = || netns.inside(|| socket(number(&netns, "eth1")));
    let packet = Kind::Packet { ifindex: number(&netns, "eth0"), bypass: false };
    report("packet", size, "lane to peer", span, into(lane(&packet).sinks.remove(0), size), takes(far_raw()));
    report("packet", size, "peer to lane", span, sends(far_raw(), size), out_of(lane(&packet).sources.remove(0)));
    let Opened { mut sinks, mut sources, .. } = lane(&Kind::Tap { name: "weft0".into(), queues: 1 });
    report("tap", size, "lane to host", span, into(sinks.remove(0), size), takes(far("weft0")));
    report("tap", size, "host to lane", span, sends(far("weft0"), size), out_of(sources.remove(0)));
}

fn number(netns: &Netns, netdev: &str) -> NonZeroU32 {
    let shown = netns.ip_json(&format!("link show dev {netdev}"));
    shown[0]["ifindex"].as_u64().and_then(|number| NonZeroU32::new(number as u32)).expect("a netdev has a number")
}

fn socket(ifindex: NonZeroU32) -> OwnedFd {
    let socket = sys::packet::socket().expect("root may");
    sys::packet::bind(socket.as_fd(), ifindex.get()).expect("the netdev is there");
    socket
}

fn sends(socket: OwnedFd, size: usize) -> End {
    let frame = frame(size);
    Box::new(move || u64::from(send(&socket, &frame, SendFlags::DONTWAIT).is_ok()))
}

fn takes(socket: OwnedFd) -> End {
    let mut bytes = vec![0; 1 << 16];
    Box::new(move || u64::from(recv(&socket, &mut bytes[..], RecvFlags::DONTWAIT).is_ok()))
}
