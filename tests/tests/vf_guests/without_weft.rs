// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a stock guest's net_failover accepts in each phase of a VF's life, with the test as the switch.
//!
//! It is why weft steers as it does. While a primary is registered, whatever comes over the standby is dropped, even when the
//! primary's link is down. A frame that is sent over both lanes is accepted once, unless the NIC was not open yet: what it
//! did not take then waits in its socket and comes a second time. A guest that lets a primary go hears nothing for a while,
//! on either lane; what is held meanwhile reaches it afterwards.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use qemu::{Guest, GuestSpec, Mac, Model, Nic};
use tests::frames::{BROADCAST, Host};
use tests::setup::{Must, setup_or_skip};
use tests::stream::{Stream, Traffic};
use tests::wait::{Deadline, until};

use crate::lanes::{Lane, Lanes, Steering, Synthetic, Vf, attach};

const SWITCH: Host = Host { mac: [2, 0, 0, 0, 0, 0xfe], ip: [10, 0, 0, 254] };
const GUEST: Host = Host { mac: [2, 0, 0, 0, 0, 1], ip: [10, 0, 0, 1] };
const EVERYBODY: Host = Host { mac: BROADCAST, ip: [10, 0, 0, 255] };
/// Requests a second, to the guest alone and to everybody.
const PACE: [u32; 2] = [100, 10];
/// Requests of each stream in a phase in which nothing happens.
const STEADY: [u64; 2] = [60, 6];
/// Frames over a lane that show that the guest uses it: a few more than it sends by itself when it takes one into use.
const IN_USE: u64 = 30;

/// What must become of the requests of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    /// Each is answered once.
    All,
    /// Each is answered once or is lost.
    Some,
    /// As many are answered twice as the socket of a NIC that is not open yet holds.
    SomeTwice,
    /// Each is lost.
    None,
}

/// The requests of a phase, by stream.
struct Phase {
    name: &'static str,
    requests: [Range<u64>; 2],
    answered: Answered,
}

struct Experiment {
    traffic: Traffic,
    steering: Arc<Steering>,
    guest: Guest,
    phases: Vec<Phase>,
}

#[test]
fn a_failover_guest_accepts_one_lane_and_drops_the_other() {
    let Some(setup) = setup_or_skip() else { return };
    let folder = tempfile::tempdir().expect("room for sockets");
    let standby = Nic::new("sb", Mac(GUEST.mac), attach(folder.path(), Synthetic)).standby();
    let mut spec = GuestSpec::new("pair", folder.path()).with_nic(standby.clone());
    spec.pci_slots = 1;
    let mut experiment = Experiment::open(setup.start(&spec).must(), folder.path());
    for model in [Model::Rtl8139, Model::E1000e, Model::Igb] {
        if model == Model::Igb && experiment.guest.run("grep -q '^igb ' /proc/modules").must().status != 0 {
            eprintln!("no igb in the guest's image, which is an older one");
            continue;
        }
        experiment.one_life(&standby.primary("vf", model, 0, attach(folder.path(), Vf)));
        experiment.judge(model);
    }
}

impl Experiment {
    fn open(guest: Guest, folder: &Path) -> Experiment {
        let (lanes, steering) = Lanes::open(folder);
        guest.wait_ready().must();
        guest.configure("eth0", &["10.0.0.1/24"]).must();
        guest
            .run_ok("arp -s 10.0.0.254 02:00:00:00:00:fe; echo 0 >/proc/sys/net/ipv4/icmp_echo_ignore_broadcasts")
            .must();
        let streams = [(GUEST, PACE[0]), (EVERYBODY, PACE[1])];
        let streams = (0..).zip(streams).map(|(id, (to, pace))| Stream::new(id, SWITCH, to, pace));
        Experiment { traffic: Traffic::start(lanes, streams.collect()), steering, guest, phases: Vec::new() }
    }

    /// A primary comes, is used, and goes.
    fn one_life(&mut self, primary: &Nic) {
        self.steady("without a primary, by the standby", &[Synthetic], Answered::All);
        self.plug_in(primary);
        self.steady("with a primary, by the standby", &[Synthetic], Answered::None);
        self.steady("with a primary, by the primary", &[Vf], Answered::All);
        self.steady("with a primary, by both", &[Synthetic, Vf], Answered::Some);
        self.guest.qmp().set_link("nic-vf", false).must();
        self.steady("the primary's link down, by the standby", &[Synthetic], Answered::None);
        self.guest.qmp().set_link("nic-vf", true).must();
        self.phase("the primary's link up, by both", &[Synthetic, Vf], Answered::Some, |lab| lab.await_use(Vf));
        self.phase("pulled out, by both", &[Synthetic, Vf], Answered::Some, |lab| {
            lab.guest.ask_unplug(primary).must();
            lab.guest.wait_unplugged(primary).must();
            lab.await_use(Synthetic);
        });
        self.steady("without a primary, by the standby", &[Synthetic], Answered::All);
        self.plug_in(primary);
        self.phase("pulled out, held meanwhile", &[], Answered::All, |lab| {
            lab.guest.ask_unplug(primary).must();
            lab.guest.wait_unplugged(primary).must();
        });
        self.steady("without a primary, by the standby", &[Synthetic], Answered::All);
    }

    fn plug_in(&mut self, primary: &Nic) {
        self.phase("plugged in, by both", &[Synthetic, Vf], Answered::SomeTwice, |lab| {
            lab.guest.plug_nic(primary).must();
            lab.await_use(Vf);
        });
    }

    /// What was sent while `during` ran, steered to these lanes.
    fn phase(&mut self, name: &'static str, lanes: &[Lane], answered: Answered, during: impl FnOnce(&Experiment)) {
        let first = self.traffic.between::<2>(|| self.steering.set(lanes));
        during(self);
        let last = self.traffic.between::<2>(|| ());
        let requests = [0, 1].map(|stream| first[stream]..last[stream]);
        self.phases.push(Phase { name, requests, answered });
    }

    fn steady(&mut self, name: &'static str, lanes: &[Lane], answered: Answered) {
        self.phase(name, lanes, answered, |lab| {
            let end = [0, 1].map(|stream| lab.traffic.sent(stream) + STEADY[stream]);
            until("requests", Deadline::patient(), || (0..2).all(|stream| lab.traffic.sent(stream) >= end[stream]));
        });
    }

    /// Waits until the guest sends over this lane.
    fn await_use(&self, lane: Lane) {
        let enough = self.steering.heard(lane) + IN_USE;
        until(&format!("frames over {lane:?}"), Deadline::patient(), || self.steering.heard(lane) >= enough);
    }

    /// Holds a life's phases against what was expected of them, and forgets them.
    fn judge(&mut self, model: Model) {
        // Answers come in order: with that to a new request the earlier ones are there, or never will be.
        let next = self.traffic.between::<2>(|| ());
        until("the last answers", Deadline::patient(), || {
            (0..2).all(|stream| self.traffic.report(stream, next[stream]..u64::MAX).answered > 0)
        });
        for Phase { name, requests, answered } in self.phases.drain(..) {
            for (stream, kind) in [(0, "unicast"), (1, "broadcast")] {
                let report = self.traffic.report(stream, requests[stream].clone());
                let line = format!("{:<8} {name:<39} {kind:<9} {report}", format!("{model:?}"));
                eprintln!("{line}");
                assert!(report.duplicated <= if answered == Answered::SomeTwice { in_socket() } else { 0 }, "{line}");
                assert!(answered != Answered::All || report.lost() == 0, "{line}");
                assert!(answered != Answered::None || report.answered == 0, "{line}");
            }
        }
    }
}

/// Frames that wait for a NIC that is not open: in its socket, and one in QEMU.
fn in_socket() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen").expect("Linux has Unix sockets");
    // The kernel lets one more in than it says.
    text.trim().parse::<u64>().expect("a number") + 2
}
