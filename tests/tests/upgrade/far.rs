// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Far ends of uplinks whose lanes are no rings, which send and receive whole frames.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;

use nix::net::if_::if_nametoindex;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use sys::packet::{self, PacketOption};
use tests::netns::Netns;
use tests::weftd::Weftd;

/// The other end of a lane: as QEMU has it, or a host across a wire.
pub(crate) enum Far {
    Dgram {
        socket: UnixDatagram,
        weft: PathBuf,
    },
    Stream {
        socket: UnixStream,
        came: Vec<u8>,
        left: Vec<u8>,
    },
    /// Across a wire.
    Netdev(OwnedFd),
}

impl Far {
    /// Gives red an uplink over datagrams.
    pub(crate) fn dgram(daemon: &Weftd) -> Far {
        let [weft, far] = ["near", "far"].map(|name| daemon.port_path(name));
        let socket = UnixDatagram::bind(&far).expect("the folder is ours");
        socket.set_nonblocking(true).expect("a socket can be so");
        uplink(daemon, &format!("dgram:{},peer={}", weft.display(), far.display()));
        Far::Dgram { socket, weft }
    }

    /// Gives red an uplink over a connection.
    pub(crate) fn stream(daemon: &Weftd) -> Far {
        let path = daemon.port_path("near");
        uplink(daemon, &format!("stream:{}", path.display()));
        Far::connect(daemon)
    }

    /// Gives red an uplink over a netdev of the network namespace that weftd is in.
    pub(crate) fn netdev(netns: &Netns, daemon: &Weftd) -> Far {
        netns.ip("link add near type veth peer name far");
        for half in ["near", "far"] {
            netns.set(&format!("ipv6/conf/{half}/disable_ipv6"), "1");
            netns.ip(&format!("link set {half} up"));
        }
        uplink(daemon, "packet:near");
        let socket = netns.inside(|| packet::socket().expect("root may have one"));
        let index = netns.inside(|| if_nametoindex("far").expect("it was made a moment ago"));
        packet::set(socket.as_fd(), PacketOption::IgnoreOutgoing, 1).expect("the kernel knows it");
        packet::bind(socket.as_fd(), index).expect("it is there");
        Far::Netdev(socket)
    }

    /// Connects to the lane that is there.
    pub(crate) fn connect(daemon: &Weftd) -> Far {
        let socket = UnixStream::connect(daemon.port_path("near")).expect("weftd listens");
        socket.set_nonblocking(true).expect("a socket can be so");
        daemon.await_state("up", "up");
        Far::Stream { socket, came: Vec::new(), left: Vec::new() }
    }

    /// Sends a frame. False: there is no room just now.
    pub(crate) fn send(&mut self, frame: &[u8]) -> bool {
        match self {
            Far::Dgram { socket, weft } => socket.send_to(frame, weft).is_ok(),
            Far::Stream { socket, left, .. } => {
                left.extend_from_slice(&behind_its_length(frame));
                // Cut anywhere: what is left goes with the next one.
                let part = left.len() - left.len() / 3;
                let went = socket.write(&left[..part]).unwrap_or(0);
                left.drain(..went);
                true
            }
            Far::Netdev(socket) => send(socket, frame, SendFlags::empty()).is_ok(),
        }
    }

    /// Sends what is left.
    pub(crate) fn settle(&mut self) {
        if let Far::Stream { socket, left, .. } = self {
            let went = socket.write(left).unwrap_or(0);
            left.drain(..went);
        }
    }

    /// The next frame, if it has come as a whole.
    pub(crate) fn recv(&mut self) -> Option<Vec<u8>> {
        let mut buffer = [0; 4096];
        match self {
            Far::Dgram { socket, .. } => socket.recv(&mut buffer).ok().map(|len| buffer[..len].to_vec()),
            Far::Stream { socket, came, .. } => {
                match socket.read(&mut buffer) {
                    Ok(0) => panic!("the connection has ended"),
                    Ok(len) => came.extend_from_slice(&buffer[..len]),
                    Err(why) => assert_eq!(why.kind(), ErrorKind::WouldBlock),
                }
                let len = u32::from_be_bytes(*came.first_chunk()?) as usize;
                let frame = came.get(4..4 + len)?.to_vec();
                came.drain(..4 + len);
                Some(frame)
            }
            Far::Netdev(socket) => {
                recv(socket, &mut buffer[..], RecvFlags::empty()).ok().map(|(len, _)| buffer[..len].to_vec())
            }
        }
    }
}

pub(crate) fn behind_its_length(frame: &[u8]) -> Vec<u8> {
    let len = u32::try_from(frame.len()).expect("it is short");
    [&len.to_be_bytes()[..], frame].concat()
}

/// Gives red an uplink over this lane.
pub(crate) fn uplink(daemon: &Weftd, lane: &str) {
    daemon.weft(&["port", "add", "up", "-n", "red", "--role", "uplink", "--lane", lane]).expect_ok();
}
