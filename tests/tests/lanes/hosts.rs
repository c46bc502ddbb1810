// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Linux hosts at the other end of lanes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::thread;

use backends::lane::{Kind, LaneError, Opened, open};
use tests::netns::Netns;

/// The port that hosts talk by.
const PORT: u16 = 5001;
/// Bytes of a conversation each way: many large frames.
pub(crate) const MUCH: usize = 8 << 20;

/// A host in a network namespace, with one netdev.
pub(crate) struct Host {
    pub(crate) netns: Netns,
    number: u8,
}

impl Host {
    /// Gives `netdev` of a namespace an address, and everything else that a host has.
    pub(crate) fn new(netns: Netns, netdev: &str, number: u8) -> Host {
        netns.set(&format!("ipv6/conf/{netdev}/disable_ipv6"), "1");
        netns.ip(&format!("addr add 192.0.2.{number}/24 dev {netdev}"));
        netns.ip(&format!("link set {netdev} up"));
        Host { netns, number }
    }

    /// A connection from this host to another.
    pub(crate) fn connect(&self, other: &Host) -> [TcpStream; 2] {
        let address = format!("192.0.2.{}:{PORT}", other.number);
        let listener = other.netns.inside(|| TcpListener::bind(&address)).expect("a host has its address");
        let near = self.netns.inside(|| TcpStream::connect(&address)).expect("the hosts reach each other");
        [near, listener.accept().expect("it is connected").0]
    }
}

/// The number of a netdev of a namespace.
pub(crate) fn ifindex(netns: &Netns, netdev: &str) -> NonZeroU32 {
    let shown = netns.ip_json(&format!("link show dev {netdev}"));
    let number = shown[0]["ifindex"].as_u64().and_then(|number| u32::try_from(number).ok());
    number.and_then(NonZeroU32::new).expect("a netdev has a number")
}

/// Opens a lane in a namespace.
pub(crate) fn open_in(netns: &Netns, kind: &Kind) -> Result<Opened, LaneError> {
    netns.inside(|| open(kind))
}

/// Both ends say much at once, and hear all of it.
pub(crate) fn converse(ends: &[TcpStream; 2]) {
    let said: Vec<u8> = (0..MUCH).map(|at| (at / 251 + at) as u8).collect();
    thread::scope(|scope| {
        for end in ends {
            let (mut from, mut to, said) = (end, end, &said);
            scope.spawn(move || to.write_all(said).expect("the other end listens"));
            scope.spawn(move || {
                let mut heard = vec![0; MUCH];
                from.read_exact(&mut heard).expect("the other end speaks");
                assert!(heard == *said, "bytes were changed on the way");
            });
        }
    });
}
