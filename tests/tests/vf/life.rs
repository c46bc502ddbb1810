// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What outlives whom: the VF the daemon, the port its VF.

use super::{Scene, await_number};
use tests::wait::Deadline;

#[test]
fn a_vf_in_use_is_in_use_again_after_kill_9() {
    let (mut scene, nic) = Scene::with_vf("bond");
    nic.send(&scene.to_vm2(1));
    let before = scene.await_vf("on-vf");
    scene.weftd.kill_9();
    scene.weftd.restart();
    scene.vm1.reconnect(Deadline::patient());
    scene.vm2.reconnect(Deadline::patient());
    nic.send(&scene.to_vm2(2));
    await_number(&mut scene.vm2, 2);
    let after = scene.await_vf("on-vf");
    assert_eq!(after["serial"], before["serial"], "it is the same VF");
    scene.vm2.send(&scene.to_vm1(3));
    assert_eq!(nic.recv(), scene.to_vm1(3));
}

#[test]
fn a_vf_that_is_offered_keeps_its_lane_and_goes_with_its_port() {
    let (scene, nic) = Scene::with_vf("bond");
    let refusal = scene.weftd.refusal(&["port", "set", "vm1", "--vf", "null"]);
    assert!(refusal["message"].as_str().unwrap().contains("`weft vf revoke` takes it away first"), "{refusal}");
    scene.weft(&["port", "del", "vm1", "--force"]);
    assert!(!nic.weft.exists(), "its socket is gone");
    assert_eq!(scene.weftd.json(&["vf", "status"]), serde_json::json!([]));
}
