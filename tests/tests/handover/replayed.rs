// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Documents that come again, or too late: at the wrong host, after the migration was called off, after the guest has come.

use std::path::Path;

use serde_json::{Value, json};
use tests::guest::ping;
use tests::wait::{Deadline, until};
use tests::weftd::{Outcome, Weftd};

use crate::scene::{MOVING, Scene, announce};

/// Has a daemon take the port of a document.
fn import(to: &Weftd, document: &Path) -> Outcome {
    let (document, socket) = (document.display().to_string(), to.port_path(MOVING.0).display().to_string());
    to.weft(&["port", "import", &document, "--vhost-user", &socket])
}

#[test]
fn a_document_of_a_migration_that_was_called_off_takes_nothing_from_the_guest() {
    let scene = Scene::new();
    let (source, destination) = (&scene.source, &scene.destination);
    let mut there = destination.attach("there", 2);
    let mut guest = source.attach(MOVING.0, MOVING.1);
    let document = scene.exported();
    import(destination, &document).expect_ok();
    destination.weft(&["port", "del", MOVING.0]).expect_ok();
    // Nobody at the source has heard of it, as when `weft migrate prepare` was cut off in the middle.
    let again = import(destination, &document).expect_ok();
    assert!(again.starts_with("red:moving: staged"), "{again}");
    assert_eq!(scene.stands(), [Value::Null, json!("staged")]);
    ping(&mut there, &mut guest, 1);
    scene.prepare(&[]).expect_ok();
    source.weft(&["migrate", "cancel", MOVING.0]).expect_ok();
    let old = import(destination, &document);
    assert!(old.status == 1 && old.stderr.contains("export it anew"), "{}", old.stderr);
    ping(&mut there, &mut guest, 2);
    scene.prepare(&[]).expect_ok();
    assert_eq!(scene.stands(), [json!("leaving"), json!("staged")], "and once more in earnest");
}

#[test]
fn a_document_that_comes_after_the_guest_changes_nothing() {
    let scene = Scene::new();
    let (source, destination) = (&scene.source, &scene.destination);
    let guest = source.attach(MOVING.0, MOVING.1);
    let (first, second) = (scene.exported(), source.folder().join("second.json"));
    let later = source.weft(&["port", "export", MOVING.0]).expect_ok();
    std::fs::write(&second, later).expect("the folder is ours");
    let at_home = import(source, &first);
    assert!(at_home.status == 5 && at_home.stderr.contains("exists"), "its guest is here: {}", at_home.stderr);
    import(destination, &first).expect_ok();
    guest.quit().expect("the switch answers");
    let (mut there, mut guest) = (destination.attach("there", 2), destination.attach(MOVING.0, MOVING.1));
    announce(&mut guest);
    until("it is known to be there", Deadline::patient(), || destination.port(MOVING.0)["handover"] == Value::Null);
    let before = destination.port(MOVING.0);
    assert_eq!(import(destination, &first).expect_ok(), "red:moving: had come by this export already\n");
    let late = import(destination, &second);
    assert!(late.status == 5 && late.stderr.contains("exists"), "{}", late.stderr);
    assert!(destination.log().contains("a port from another weftd was refused"), "{}", destination.log());
    for same in ["number", "mac", "mtu", "vhost_user", "handover", "state"] {
        assert_eq!(destination.port(MOVING.0)[same], before[same], "{same}");
    }
    ping(&mut there, &mut guest, 1);
}
