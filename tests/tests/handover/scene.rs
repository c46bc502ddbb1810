// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Two daemons with the same namespace, whose uplinks are the two ends of a pair of datagram sockets.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tests::frames::{Mac, numbered};
use tests::guest::SyntheticGuest;
use tests::weftd::{Outcome, Waiting, Weftd};
use wire::nd::{NdOption, PrefixInfo, PvdOption, encode};
use wire::{MacAddr, build};

/// A limit of the port that moves, which is never reached.
const TX_BYTES: &str = "1000000000";

/// The guest that moves, and its port.
pub(crate) const MOVING: (&str, u8) = ("moving", 3);

pub(crate) struct Scene {
    pub(crate) source: Weftd,
    pub(crate) destination: Weftd,
}

impl Scene {
    /// At the source the port that moves, one that stays and a router; at the destination one that stays.
    pub(crate) fn new() -> Scene {
        let (source, destination) = (Weftd::start(), Weftd::start());
        let wires = [&source, &destination].map(|daemon| daemon.folder().join("wire").display().to_string());
        for (daemon, [own, peer]) in [(&source, [&wires[0], &wires[1]]), (&destination, [&wires[1], &wires[0]])] {
            daemon.add_namespace("red");
            let lane = format!("dgram:{own},peer={peer}");
            daemon.weft(&["port", "add", "red:up", "--role", "uplink", "--lane", &lane]).expect_ok();
        }
        source.add_port("red", "here", 1, &[]);
        source.add_port("red", MOVING.0, MOVING.1, &["--tx-bytes", TX_BYTES]);
        source.add_port("red", "gw", 9, &["--role", "router"]);
        destination.add_port("red", "there", 2, &[]);
        Scene { source, destination }
    }

    /// Has the destination take the port over.
    pub(crate) fn prepare(&self, more: &[&str]) -> Outcome {
        self.source.hand_over(MOVING.0, &self.destination, more)
    }

    /// The same by who waits until the guest has moved.
    pub(crate) fn prepare_and_wait(&self) -> Waiting {
        self.source.hand_over_and_wait(MOVING.0, &self.destination)
    }

    /// Where the move of the port stands, at the source and at the destination.
    pub(crate) fn stands(&self) -> [Value; 2] {
        [&self.source, &self.destination].map(|daemon| daemon.port(MOVING.0)["handover"].clone())
    }

    /// A file with what the port takes along.
    pub(crate) fn exported(&self) -> PathBuf {
        let path = self.source.folder().join("move.json");
        fs::write(&path, self.source.weft(&["port", "export", MOVING.0]).expect_ok()).expect("the folder is ours");
        path
    }
}

/// A Router Advertisement of a PvD with one prefix. Everything lasts for 1800 s.
pub(crate) fn advertise(router: &mut SyntheticGuest, pvd: &str) {
    let info = PrefixInfo {
        prefix: "2001:db8:1::".parse().expect("an address"),
        prefix_len: 64,
        flags: 0xc0,
        valid: 1800,
        preferred: 1800,
    };
    let inside = encode([NdOption::Prefix(info)]).expect("it fits");
    let name: wire::name::DomainName = pvd.parse().expect("a name");
    let options = encode([NdOption::Pvd(PvdOption::new(name.as_name(), &inside))]).expect("it fits");
    let mac = MacAddr(router.mac());
    router.send(&build::advertisement(mac, "fe80::1".parse().expect("an address"), 1800, &options));
}

/// A frame that announces where a guest is, as a gratuitous ARP would.
pub(crate) fn announce(guest: &mut SyntheticGuest) {
    let everybody: Mac = [0xff; 6];
    guest.send(&numbered(everybody, guest.mac(), 0, 60));
}
