// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A VF comes, is used and goes, again and again, under a stream, and weft drives it.
//!
//! What is lost on a busy machine says how busy it is: an emulator that gets no processor takes nothing in. So that nothing at
//! all is lost is demanded only where somebody asks for cycles by `WEFT_VF_CYCLES`, on a machine with nothing else to do. What waited
//! comes to a guest all at once, and what it has heard and has no room to answer is not lost. That nothing comes twice or late is demanded
//! always, and that the guest hears its router whichever lane it has.

use std::collections::BTreeMap;

use tests::setup::setup_or_skip;
use tests::stream::{Report, unanswered};
use tests::wait::{Deadline, until};

use crate::router::{self, Router};
use crate::through_weft::Lab;

/// The variable that asks for more cycles than a test should take.
const CYCLES: &str = "WEFT_VF_CYCLES";
const CYCLES_DEFAULT: u64 = 2;
/// Requests after a change, which show that the guest goes on.
const AFTER: u64 = 200;
/// Requests while the VF is used.
const IN_USE: u64 = 500;

/// Sums over the cycles, by scene.
type Scenes = BTreeMap<&'static str, Sum>;

/// What became of the requests of a scene, and of what the router said meanwhile.
#[derive(Default)]
struct Sum {
    report: Report,
    /// Heard by the guest, and not answered.
    unanswered: u64,
    /// Advertisements: said, and heard by the guest.
    advertised: [u64; 2],
}

#[test]
fn a_vf_comes_and_goes_under_a_stream() {
    let Some(setup) = setup_or_skip() else { return };
    let lab = Lab::open(setup);
    let router = Router::start(&lab.daemon);
    let asked = std::env::var(CYCLES).ok().map(|count| count.parse().expect("a number of cycles"));
    let cycles = asked.unwrap_or(CYCLES_DEFAULT);
    for device in ["rtl8139", "e1000e"] {
        lab.give_vf(device);
        let mut scenes = Scenes::new();
        for _ in 0..cycles {
            lab.one_cycle(&router, &mut scenes);
        }
        for (scene, Sum { report, unanswered, advertised: [said, heard] }) in scenes {
            eprintln!(
                "{device:<8} {scene:<9} {report}; {unanswered} heard and not answered; {heard} of {said} Router Advertisements heard"
            );
            assert_eq!((report.duplicated, report.reordered), (0, 0), "{device}, {scene}: {report}");
            assert!(2 * report.answered > report.sent, "{device}, {scene}: {report}");
            let may_lose = if device == "rtl8139" { 0 } else { unanswered };
            assert!(asked.is_none() || report.lost() <= may_lose, "{device}, {scene}: {report}");
        }
    }
}

impl Lab {
    fn give_vf(&self, device: &str) {
        let place = self.daemon.folder().display();
        let lane = format!("dgram:{place}/far-vf.sock,peer={place}/far-vf.guest");
        let monitor = self.monitor.display().to_string();
        let vf = ["--vf", &lane, "--vf-model", "standby", "--vf-qmp", &monitor, "--vf-device", device];
        let place = ["--vf-bus", "slot0", "--vf-pair", "nic-sb"];
        self.daemon.weft(&[&["port", "set", "far"][..], &vf, &place].concat()).expect_ok();
    }

    fn one_cycle(&self, router: &Router, scenes: &mut Scenes) {
        let mut scene = |name, act: &dyn Fn(&Lab)| {
            let before = [router.said(), router::heard(&self.guest), unanswered(&self.guest)];
            let report = self.during(|lab| {
                act(lab);
                router::await_one(&lab.guest, name);
            });
            let after = [router.said(), router::heard(&self.guest), unanswered(&self.guest)];
            let [said, heard, unanswered] = [0, 1, 2].map(|count| after[count] - before[count]);
            scenes.entry(name).or_default().add(report, unanswered, [said, heard]);
        };
        scene("offer", &|lab| lab.vf("offer", "on-vf"));
        scene("in use", &|lab| lab.await_requests(IN_USE));
        scene("revoke", &|lab| lab.vf("revoke", "absent"));
    }

    /// Asks for something of the VF, and waits until it is done and the guest goes on.
    fn vf(&self, verb: &str, state: &str) {
        self.daemon.weft(&["vf", verb, "far"]).expect_ok();
        self.await_vf(state);
        self.await_answers(AFTER);
    }

    fn await_vf(&self, state: &str) {
        until(&format!("the VF to be {state}"), Deadline::patient(), || {
            self.daemon.json(&["vf", "status", "far"])["state"] == state
        });
    }
}

impl Sum {
    fn add(&mut self, report: Report, unanswered: u64, advertised: [u64; 2]) {
        self.unanswered += unanswered;
        let sum = &mut self.report;
        sum.sent += report.sent;
        sum.answered += report.answered;
        sum.duplicated += report.duplicated;
        sum.reordered += report.reordered;
        sum.longest_gap = sum.longest_gap.max(report.longest_gap);
        self.advertised = [0, 1].map(|way| self.advertised[way] + advertised[way]);
    }
}
