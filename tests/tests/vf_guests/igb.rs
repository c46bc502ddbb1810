// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! An igb as a VF: QEMU takes none for a primary, and the guest takes it by its MAC all the same.

use tests::setup::{Must, setup_or_skip};
use tests::wait::{Deadline, until};

use crate::through_weft::Lab;

/// Requests that are answered after a change, which show that the guest goes on.
const AFTER: u64 = 200;

#[test]
fn an_igb_is_used_and_let_go_without_being_named_a_primary() {
    let Some(setup) = setup_or_skip() else { return };
    let lab = Lab::open(setup);
    if lab.guest.run("grep -q '^igb ' /proc/modules").must().status != 0 {
        return tests::skip::skip("no igb in the guest's image, which is an older one");
    }
    let [weft, nic] = ["far-vf.sock", "far-vf.guest"].map(|name| lab.daemon.folder().join(name).display().to_string());
    let (lane, monitor) = (format!("dgram:{weft},peer={nic}"), lab.monitor.display().to_string());
    let vf = ["--vf", &lane, "--vf-model", "standby", "--vf-qmp", &monitor, "--vf-device", "igb"];
    let place = ["--vf-bus", "slot0", "--vf-pair", "nic-sb"];
    lab.daemon.weft(&[&["port", "set", "far"][..], &vf, &place].concat()).expect_ok();
    for (verb, state) in [("offer", "on-vf"), ("revoke", "absent")] {
        lab.daemon.weft(&["vf", verb, "far"]).expect_ok();
        until(&format!("the VF to be {state}"), Deadline::patient(), || {
            lab.daemon.json(&["vf", "status", "far"])["state"] == state
        });
        lab.await_answers(AFTER);
    }
    let vf = lab.daemon.json(&["vf", "status", "far"]);
    assert!(vf["vf"]["tx_frames"].as_u64() >= Some(AFTER), "the guest did not use it: {vf:#}");
}
