// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A weftd that is upgraded while a guest is on its way.

use serde_json::json;
use tests::wait::{Deadline, until};

use crate::moves::{arrive, stream};
use crate::scene::{MOVING, Scene};

#[test]
fn what_waits_for_a_guest_that_moves_is_lost_by_no_upgrade() {
    let mut scene = Scene::new();
    let (mut here, mut guest) = (scene.source.attach("here", 1), scene.source.attach(MOVING.0, MOVING.1));
    let mac = guest.mac();
    scene.prepare(&[]).expect_ok();
    guest.pause(true).expect("the switch answers");
    stream(&scene.source, ("here", &mut here), mac, 0..50);
    let why = scene.source.begin_upgrade().outcome().expect_err("frames wait for its guest");
    assert!(why.contains("port red:moving") && why.contains("--force"), "{why}");
    // The next one waits until the guest is here again.
    let upgrading = scene.source.begin_upgrade();
    let begun = || scene.source.log().matches("a successor was started").count();
    until("a successor to be started", Deadline::patient(), || begun() == 2);
    guest.pause(false).expect("the switch answers");
    let said = upgrading.outcome().unwrap_or_else(|why| panic!("{why}"));
    scene.source.succeeded_by(&said);
    stream(&scene.source, ("here", &mut here), mac, 50..60);
    assert_eq!(arrive(&mut guest, 59), (0..60).collect::<Vec<u64>>());
    // Nobody has to wait for a guest that does not come.
    guest.pause(true).expect("the switch answers");
    stream(&scene.source, ("here", &mut here), mac, 60..70);
    let said = scene.source.begin_upgrade_with(&["--force"]).outcome().unwrap_or_else(|why| panic!("{why}"));
    scene.source.succeeded_by(&said);
    guest.pause(false).expect("the switch answers");
    stream(&scene.source, ("here", &mut here), mac, 70..80);
    assert_eq!(arrive(&mut guest, 79), (70..80).collect::<Vec<u64>>());
    let port = scene.source.port(MOVING.0);
    assert_eq!(
        (&port["drops"], &port["rx_frames"]),
        (&json!({ "port-down": 10 }), &json!(70)),
        "all are accounted for"
    );
}
