// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A VF that somebody else plugs, at a socket: weft sees by what the guest sends that it is used.

use super::{Nic, Scene, await_number};
use tests::frames;

#[test]
fn a_vf_is_used_as_soon_as_the_guest_speaks_over_it_and_no_more_when_it_is_revoked() {
    let (mut scene, nic) = Scene::with_vf("bond");
    // Nothing has changed for the guest yet.
    scene.vm2.send(&scene.to_vm1(1));
    await_number(&mut scene.vm1, 1);
    nic.send(&scene.to_vm2(2));
    await_number(&mut scene.vm2, 2);
    let vf = scene.await_vf("on-vf");
    assert_eq!(
        (&vf["active"], &vf["model"], &vf["lane"]["up"]),
        (&"vf".into(), &"bond".into(), &true.into()),
        "{vf:#}"
    );
    let (there, all) = (scene.to_vm1(3), frames::numbered([0xff; 6], scene.vm2.mac(), 4, 100));
    scene.vm2.send(&there);
    scene.vm2.send(&all);
    assert_eq!([nic.recv(), nic.recv()], [there, all]);
    scene.weft(&["vf", "revoke", "vm1"]);
    scene.vm1.send(&scene.to_vm2(5));
    await_number(&mut scene.vm2, 5);
    scene.await_vf("absent");
    scene.vm2.send(&scene.to_vm1(6));
    await_number(&mut scene.vm1, 6);
    assert_eq!(nic.received(), [[0_u8; 0]; 0], "nothing more goes there");
    let vf = scene.vf();
    assert_eq!((&vf["switches"], &vf["vf"]["rx_frames"], &vf["vf"]["tx_frames"]), (&2.into(), &2.into(), &1.into()));
}

#[test]
fn a_standby_guest_gets_both_lanes_until_it_is_heard_on_the_vf() {
    let (mut scene, nic) = Scene::with_vf("standby");
    scene.vm2.send(&scene.to_vm1(1));
    await_number(&mut scene.vm1, 1);
    // Before copies go there, it has to take in two frames that no guest listens to.
    let probes = [nic.recv(), nic.recv()];
    assert!(probes.iter().all(|probe| probe[12..14] == [0x88, 0xb5]), "{probes:?}");
    scene.vm2.send(&scene.to_vm1(2));
    await_number(&mut scene.vm1, 2);
    assert_eq!(nic.recv(), scene.to_vm1(2));
    nic.send(&scene.to_vm2(3));
    scene.await_vf("on-vf");
    scene.vm2.send(&scene.to_vm1(4));
    assert_eq!(nic.recv(), scene.to_vm1(4));
    let vf = scene.vf();
    assert_eq!(vf["vf"]["copies"], 1, "{vf:#}");
    let port = scene.weftd.port("vm1");
    assert_eq!(port["rx_frames"], 3, "each frame counts once: {port:#}");
}

#[test]
fn a_nic_that_vanishes_leaves_the_synthetic_lane() {
    let (mut scene, nic) = Scene::with_vf("bond");
    nic.send(&scene.to_vm2(1));
    scene.await_vf("on-vf");
    drop(nic);
    // It shows when something is sent there; what comes after that goes the other way.
    let mut number = 10;
    tests::wait::until("frames to come by the rings again", tests::wait::Deadline::patient(), || {
        number += 1;
        scene.vm2.send(&scene.to_vm1(number));
        scene.vm1.recv().is_some()
    });
    assert_eq!(scene.vf()["active"], "synthetic");
    assert!(scene.vf()["lane"]["reason"].is_string(), "{:#}", scene.vf());
}

#[test]
fn a_standby_guest_that_is_heard_on_its_rings_gets_both_lanes_until_it_is_heard_on_the_vf_again() {
    let (mut scene, nic) = Scene::with_vf("standby");
    nic.send(&scene.to_vm2(1));
    scene.await_vf("on-vf");
    let patient = tests::wait::Deadline::patient;
    let mut number = 10;
    scene.vm1.send(&scene.to_vm2(2));
    tests::wait::until("frames by the rings too", patient(), || {
        number += 1;
        scene.vm2.send(&scene.to_vm1(number));
        scene.vm1.recv().is_some()
    });
    nic.send(&scene.to_vm2(3));
    tests::wait::until("frames by the VF alone", patient(), || {
        let counts = |scene: &Scene| ["copies", "rx_frames"].map(|key| scene.vf()["vf"][key].as_u64());
        let [copies, frames] = counts(&scene);
        number += 1;
        scene.vm2.send(&scene.to_vm1(number));
        nic.received();
        counts(&scene)[0] == copies && counts(&scene)[1] > frames
    });
}

#[test]
fn what_a_lane_loses_at_its_far_end_is_shown_and_not_forgotten_when_it_goes() {
    let (scene, nic) = Scene::with_vf("bond");
    let counted = |key: &str, count: u64| {
        tests::wait::until(&format!("{count} {key}"), tests::wait::Deadline::patient(), || {
            scene.vf()["losses"][key] == count && scene.weftd.port("vm1")["lane_losses"][key] == count
        });
    };
    nic.send(&[1; 13]);
    counted("malformed", 1);
    scene.weft(&["vf", "revoke", "vm1"]);
    scene.await_vf("absent");
    counted("malformed", 1);
    scene.weft(&["vf", "offer", "vm1"]);
    scene.await_vf("plugged");
    nic.send(&[1; 13]);
    counted("malformed", 2);
    let text = scene.weft(&["port", "show", "vm1"]);
    assert!(text.contains("2 malformed"), "{text}");
}

/// How often each of the first frames over a lane with faults comes out at the other guest.
fn fates(scene: &mut Scene, nic: &Nic, lane: &str) -> [u8; 64] {
    scene.weft(&["port", "set", "vm1", "--vf", lane, "--vf-model", "bond"]);
    scene.weft(&["vf", "offer", "vm1"]);
    scene.await_vf("plugged");
    let (mut came, mut sent, mut is_over) = ([0; 64], 0, false);
    tests::wait::until("a frame behind all these", tests::wait::Deadline::patient(), || {
        nic.send(&scene.to_vm2(sent));
        sent += 1;
        while let Some(number) = scene.vm2.recv().and_then(|got| frames::number_of(&got.frame)) {
            came.get_mut(number as usize).map_or_else(|| is_over = true, |count| *count += 1);
        }
        is_over
    });
    scene.weft(&["vf", "revoke", "vm1"]);
    scene.await_vf("absent");
    while scene.vm2.recv().is_some() {}
    came
}

#[test]
fn a_lane_with_faults_loses_and_doubles_what_it_was_told_to_and_the_same_again_with_the_same_seed() {
    let mut scene = Scene::new();
    let (nic, lane) = Nic::new(&scene);
    let came = fates(&mut scene, &nic, &format!("fault:7,loss=500,dup=500:{lane}"));
    assert!(came.contains(&0) && came.contains(&2) && !came.contains(&1), "{came:?}");
    assert_eq!(fates(&mut scene, &nic, &format!("fault:7,loss=500,dup=500:{lane}")), came);
    assert_ne!(fates(&mut scene, &nic, &format!("fault:8,loss=500,dup=500:{lane}")), came);
    assert_eq!(fates(&mut scene, &nic, &format!("fault:7:{lane}")), [1; 64], "nothing goes wrong by itself");
}
