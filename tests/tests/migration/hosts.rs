// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Two hosts with a wire between them: each a network namespace with a weftd, whose uplink is the end of the wire.

use tests::guest::{GuestOptions, SyntheticGuest};
use tests::netns::{Netns, can_have_namespaces};
use tests::weftd::Weftd;

/// The last octet of the guest's MAC and IP addresses.
pub(crate) const GUEST: u8 = 1;
/// Those of who speaks with it, by host.
const NEAR: [u8; 2] = [0xfe, 0xfd];
/// The MAC addresses of the wire's ends.
const WIRE: [[u8; 6]; 2] = [[2, 0, 0, 0, 9, 0], [2, 0, 0, 0, 9, 1]];

/// One of the hosts.
pub(crate) struct Host {
    pub(crate) daemon: Weftd,
    number: usize,
    _netns: Netns,
}

/// Both; `None` where there can be no network namespaces, which is noted.
pub(crate) fn open(queue_pairs: u16) -> Option<[Host; 2]> {
    if !can_have_namespaces() {
        return None;
    }
    let netns = [Netns::make(), Netns::make()];
    Netns::wire((&netns[0], WIRE[0]), (&netns[1], WIRE[1]));
    for netns in &netns {
        netns.set("ipv6/conf/eth0/disable_ipv6", "1");
        netns.ip("link set eth0 up");
    }
    let [one, two] = netns;
    Some([(0, one), (1, two)].map(|(number, netns)| Host::start(number, netns, queue_pairs)))
}

impl Host {
    fn start(number: usize, netns: Netns, queue_pairs: u16) -> Host {
        let daemon = netns.inside(Weftd::start);
        daemon.add_namespace("red");
        let uplink = ["port", "add", "up", "--namespace", "red", "--role", "uplink", "--lane", "packet:eth0"];
        daemon.weft(&uplink).expect_ok();
        daemon.add_port("red", "guest", GUEST, &["--queues", &queue_pairs.to_string()]);
        daemon.add_port("red", "near", NEAR[number], &[]);
        daemon.await_state("up", "up");
        Host { daemon, number, _netns: netns }
    }

    /// Somebody at the port `near`, who speaks with the guest.
    pub(crate) fn attach_near(&self) -> SyntheticGuest {
        self.daemon.attach("near", NEAR[self.number])
    }
}

/// The guest's MAC address.
pub(crate) fn guest_mac() -> [u8; 6] {
    GuestOptions::new("guest", GUEST).mac
}
