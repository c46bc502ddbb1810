// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A stock guest with a failover pair on the real daemon, under a stream from another port of its namespace.

use std::path::PathBuf;

use qemu::{Attach, Guest, GuestSpec, Mac, Nic, Setup};
use tests::frames::Host;
use tests::guest::GuestOptions;
use tests::setup::{Must, setup_or_skip};
use tests::stream::{Report, Stream, Traffic};
use tests::wait::{Deadline, until};
use tests::weftd::{Weftd, mac_text};

/// Requests a second.
const PACE: u32 = 1000;
/// Requests of a scene in which nothing happens.
const STEADY: u64 = 1000;

/// The daemon, the guest and the stream to it.
pub(crate) struct Lab {
    traffic: Traffic,
    pub(crate) guest: Guest,
    pub(crate) daemon: Weftd,
    /// QEMU's monitor for weft.
    pub(crate) monitor: PathBuf,
}

#[test]
fn a_failover_guest_loses_nothing_by_its_standby() {
    let Some(setup) = setup_or_skip() else { return };
    let lab = Lab::open(setup);
    let report = lab.during(|lab| lab.await_requests(STEADY));
    eprintln!("by the standby: {report}");
    assert_eq!((report.lost(), report.duplicated, report.reordered), (0, 0, 0), "{report}");
    assert_eq!(lab.guest.run_ok("cd /sys/class/net/eth0; echo lower_*").must(), "lower_eth1", "it has no primary");
    let port = lab.daemon.json(&["port", "show", "far"]);
    assert!(port["rx_frames"].as_u64() >= Some(STEADY), "weft counts what it delivers: {port}");
}

impl Lab {
    pub(crate) fn open(setup: &Setup) -> Lab {
        let daemon = Weftd::start();
        daemon.add_namespace("red");
        daemon.add_port("red", "near", 0xfe, &[]);
        daemon.add_port("red", "far", 1, &[]);
        let host = |number| Host { mac: GuestOptions::new("", number).mac, ip: [10, 0, 0, number] };
        let (near, far) = (host(0xfe), host(1));
        let standby = Nic::new("sb", Mac(far.mac), Attach::SwitchListens(daemon.port_path("far"))).standby();
        let mut spec = GuestSpec::new("pair", daemon.folder()).with_nic(standby);
        (spec.pci_slots, spec.has_switch_monitor) = (1, true);
        let guest = setup.start(&spec).must();
        guest.wait_ready().must();
        guest.configure("eth0", &["10.0.0.1/24"]).must();
        guest.run_ok(&format!("arp -s 10.0.0.254 {}", mac_text(near.mac))).must();
        // By asking for somebody, who is not there, it says which address it has.
        guest.run_ok("ping -c 1 -W 1 10.0.0.253 || true").must();
        let wire = daemon.attach("near", 0xfe);
        let traffic = Traffic::start(wire, vec![Stream::new(0, near, far, PACE)]);
        let lab = Lab { traffic, guest, daemon, monitor: spec.switch_monitor() };
        lab.await_answers(1);
        lab
    }

    /// What became of the requests that were sent while something was done.
    pub(crate) fn during(&self, act: impl FnOnce(&Lab)) -> Report {
        let first = self.traffic.sent(0);
        act(self);
        let last = self.traffic.sent(0);
        // Answers come in order: with one to a later request they are all there, or never will be.
        self.await_answers(1);
        self.traffic.report(0, first..last)
    }

    pub(crate) fn await_requests(&self, count: u64) {
        let end = self.traffic.sent(0) + count;
        until("requests", Deadline::patient(), || self.traffic.sent(0) >= end);
    }

    /// Waits for answers to requests that are sent from now on.
    pub(crate) fn await_answers(&self, count: u64) {
        let first = self.traffic.sent(0);
        until("answers", Deadline::patient(), || self.traffic.report(0, first..u64::MAX).answered >= count);
    }
}
