// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Two hosts with a wire between them: each a network namespace with a weftd, whose uplink is the end of the wire.

use core::net::Ipv6Addr;
use std::path::Path;

use tests::guest::{GuestOptions, SyntheticGuest};
use tests::netns::{Netns, can_have_namespaces};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;
use wire::nd::{NdOption, PrefixInfo, encode};
use wire::{MacAddr, build};

use crate::near::Near;

/// The last octet of the guest's MAC and IP addresses.
pub(crate) const GUEST: u8 = 1;
/// Those of who speaks with it, by host.
const NEAR: [u8; 2] = [0xfe, 0xfd];
/// The router of each host, and the prefix that it tells of.
pub(crate) const ROUTERS: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2)];
pub(crate) const PREFIXES: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0), Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0)];
/// The last octet of its Ethernet address at the first host.
const ROUTER: u8 = 9;
/// A router that there is not.
const NOBODY: &str = "fe80::ffff";
/// The MAC addresses of the wire's ends.
const WIRE: [[u8; 6]; 2] = [[2, 0, 0, 0, 9, 0], [2, 0, 0, 0, 9, 1]];

/// One of the hosts.
pub(crate) struct Host {
    pub(crate) daemon: Weftd,
    number: usize,
    netns: Netns,
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
        Host { daemon, number, netns }
    }

    /// Somebody at the port `near`, who speaks with the guest.
    pub(crate) fn near(&self) -> Near {
        Near::new(self.attach_near(), NEAR[self.number])
    }

    /// The same, who says nothing by himself.
    pub(crate) fn attach_near(&self) -> SyntheticGuest {
        self.daemon.attach("near", NEAR[self.number])
    }

    /// The host's router says what it has to say once, and ends. Both hosts hear it.
    pub(crate) fn speak_and_die(&self) {
        let number = ROUTER + self.number as u8;
        self.daemon.add_port("red", "router", number, &["--role", "router"]);
        let mut router = self.daemon.attach("router", number);
        let prefix = PREFIXES[self.number];
        let info = PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 3600, preferred: 1800 };
        let options = encode([NdOption::Prefix(info)]).expect("a good prefix");
        router.send(&build::advertisement(MacAddr(router.mac()), ROUTERS[self.number], 1800, &options));
        let listed = || self.daemon.json(&["ra", "list", "red"]).as_array().is_some_and(|list| list.len() == 1);
        until("the advertisement", Deadline::patient(), listed);
        router.hang_up();
        self.daemon.await_state("router", "down");
    }

    /// No router of the other host is heard here.
    pub(crate) fn keep_routers_out(&self) {
        self.daemon.weft(&["port", "set", "up", "--ra-guard-router", NOBODY]).expect_ok();
    }

    /// There is no port for the guest.
    pub(crate) fn lack_guest(&self) {
        self.daemon.weft(&["port", "del", "guest"]).expect_ok();
    }

    /// Gives the guest's port a VF, which weft plugs in over this monitor of QEMU. It may have it already.
    pub(crate) fn give_vf(&self, monitor: &Path) {
        let place = self.daemon.folder().display();
        let lane = format!("dgram:{place}/guest-vf.sock,peer={place}/guest-vf.guest");
        let monitor = monitor.display().to_string();
        let vf = ["--vf", &lane, "--vf-model", "standby", "--vf-qmp", &monitor, "--vf-device", "rtl8139"];
        let place = ["--vf-bus", "slot0", "--vf-pair", "nic-a"];
        self.daemon.weft(&[&["port", "set", "guest"][..], &vf, &place].concat()).expect_ok();
    }

    /// Offers the guest its VF, and waits until it uses it. A guest that comes back may be offered it already.
    pub(crate) fn offer_vf(&self) {
        let _ = self.daemon.weft(&["vf", "offer", "guest"]);
        self.await_vf();
    }

    /// Waits until the guest uses its VF.
    pub(crate) fn await_vf(&self) {
        let deadline = Deadline::patient();
        until("the guest to use its VF", deadline, || self.vf_state() == "on-vf" || deadline.passed());
        assert_eq!(self.vf_state(), "on-vf", "{}", self.report());
    }

    /// Where the guest's VF stands.
    pub(crate) fn vf_state(&self) -> String {
        self.daemon.json(&["vf", "status", "guest"])["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Kills weftd and starts it again.
    pub(crate) fn restart(&mut self) {
        let daemon = &mut self.daemon;
        self.netns.inside(|| daemon.restart());
    }

    /// What weft says of its ports and of who is where.
    pub(crate) fn report(&self) -> String {
        let said = |words: &[&str]| self.daemon.weft(words).stdout;
        format!("host {}\n{}{}", self.number, said(&["port", "list"]), said(&["fdb", "list"]))
    }
}

/// The guest's MAC address.
pub(crate) fn guest_mac() -> [u8; 6] {
    GuestOptions::new("guest", GUEST).mac
}
