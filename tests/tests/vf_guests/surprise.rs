// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A VF that is lost without weft's doing, under a stock guest: its lane dies, or its VMM takes it out. The guest goes on over
//! its standby, and gets a VF again.

use std::path::PathBuf;

use serde_json::Value;
use tests::setup::{Must, setup_or_skip};
use tests::wait::{Deadline, for_value};

use crate::relay::Relay;
use crate::router::{self, Router};
use crate::through_weft::Lab;

/// Requests that are answered after a change, which show that the guest goes on.
const AFTER: u64 = 200;
/// Requests while nothing happens.
const STEADY: u64 = 500;

/// How a VF is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Nobody is at the other end of its datagrams any more.
    Datagrams,
    /// Its connection ends.
    Connection,
    /// Its VMM takes the device out by itself.
    Device,
}

/// What is lost by whom. A driver does not see by which kind of socket its lane dies.
const LOSSES: [(Loss, &str); 5] = [
    (Loss::Datagrams, "rtl8139"),
    (Loss::Connection, "rtl8139"),
    (Loss::Device, "rtl8139"),
    (Loss::Datagrams, "e1000e"),
    (Loss::Device, "e1000e"),
];

#[test]
fn a_guest_whose_vf_is_lost_goes_on_and_gets_one_again() {
    let Some(setup) = setup_or_skip() else { return };
    let lab = Lab::open(setup);
    let router = Router::start(&lab.daemon);
    for (loss, nic) in LOSSES {
        let name = format!("{nic}, {loss:?}");
        give(&lab, loss, nic);
        let relay = offer(&lab, loss);
        let report = lab.during(|lab| {
            match relay {
                Some(relay) => relay.cut(),
                None => lab.guest.qmp().device_del(&device(lab)).must(),
            }
            let vf = await_state(lab, "absent");
            assert!(vf["trouble"].is_string() && vf["active"] == "synthetic", "{name}: {vf:#}");
            lab.await_answers(AFTER);
        });
        eprintln!("{nic:<8} {:<10} {report}", format!("{loss:?}"));
        assert_eq!((report.duplicated, report.reordered), (0, 0), "{name}: {report}");
        assert_eq!(lab.guest.run_ok("cd /sys/class/net/eth0; echo lower_*").must(), "lower_eth1", "it has no primary");
        goes_on(&lab, &name);
        offer(&lab, Loss::Device);
        lab.daemon.weft(&["vf", "revoke", "far"]).expect_ok();
        await_state(&lab, "absent");
        lab.await_answers(AFTER);
    }
    drop(router);
}

/// Whatever was lost with the VF: from then on the guest has its frames by the synthetic lane alone, and its router's.
fn goes_on(lab: &Lab, name: &str) {
    let by = || lab.daemon.json(&["vf", "status", "far"])["vf"]["rx_frames"].as_u64();
    let (before, report) = (by(), lab.during(|lab| lab.await_requests(STEADY)));
    eprintln!("{:<19} {report}", "afterwards");
    assert!(2 * report.answered > report.sent, "{name}, afterwards: {report}");
    assert_eq!((report.duplicated, report.reordered, by()), (0, 0, before), "{name}, afterwards: {report}");
    router::await_one(&lab.guest, name);
}

/// weft's end of the lane, and the NIC's.
fn ends(lab: &Lab) -> [PathBuf; 2] {
    ["far-vf.sock", "far-vf.guest"].map(|name| lab.daemon.folder().join(name))
}

/// What QEMU calls the VF.
fn device(lab: &Lab) -> String {
    format!("weft-vf-{}", lab.daemon.json(&["port", "show", "far"])["number"])
}

fn give(lab: &Lab, loss: Loss, model: &str) {
    let [weft, nic] = ends(lab).map(|end| end.display().to_string());
    let lane = if loss == Loss::Connection { format!("stream:{weft}") } else { format!("dgram:{weft},peer={nic}") };
    let monitor = lab.monitor.display().to_string();
    let vf = ["--vf", &lane, "--vf-model", "standby", "--vf-qmp", &monitor, "--vf-device", model];
    let place = ["--vf-bus", "slot0", "--vf-pair", "nic-sb"];
    lab.daemon.weft(&[&["port", "set", "far"][..], &vf, &place].concat()).expect_ok();
}

/// Offers the VF, on a lane that can be cut if that is how it will be lost, and waits until the guest uses it.
fn offer(lab: &Lab, loss: Loss) -> Option<Relay> {
    let [weft, nic] = ends(lab);
    let before = (loss == Loss::Datagrams).then(|| Relay::datagrams(&weft, &nic));
    lab.daemon.weft(&["vf", "offer", "far"]).expect_ok();
    let after = (loss == Loss::Connection).then(|| Relay::stream(&weft));
    await_state(lab, "on-vf");
    lab.await_answers(AFTER);
    before.or(after)
}

fn await_state(lab: &Lab, state: &str) -> Value {
    let deadline = Deadline::patient();
    for_value(&format!("the VF to be {state}"), deadline, || {
        let vf = lab.daemon.json(&["vf", "status", "far"]);
        assert!(vf["state"] == state || !deadline.passed(), "the VF stays like this: {vf:#}");
        (vf["state"] == state).then_some(vf)
    })
}
