// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Moves that are refused: before the source gives anything up, with the reason at both ends.

use serde_json::{Value, json};
use tests::guest::ping;

use crate::scene::{MOVING, Scene};

/// Everything that an operator has said at the destination.
fn said(scene: &Scene) -> String {
    scene.destination.weft(&["config", "show", "--running"]).expect_ok()
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason_at_both_ends() {
    let scene = Scene::new();
    let (mut here, mut guest) = (scene.source.attach("here", 1), scene.source.attach(MOVING.0, MOVING.1));
    let refuse = |reason: &str, code: i32, more: &[&str]| {
        let before = said(&scene);
        let refused = scene.prepare(more);
        assert_eq!((refused.status, refused.stdout.as_str()), (code, ""), "{reason}: {}", refused.stderr);
        assert!(refused.stderr.starts_with("error: the weftd at /"), "{}", refused.stderr);
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
        assert!(refused.stderr.contains("hint: nothing has changed here"), "{}", refused.stderr);
        assert!(scene.destination.log().contains("a port from another weftd was refused"));
        assert_eq!(said(&scene), before, "{reason}");
        assert_eq!(scene.source.port(MOVING.0)["handover"], Value::Null);
    };
    refuse(r#"namespace "green" not found"#, 2, &["--namespace", "green"]);
    refuse(r#"number "1" is in use"#, 5, &["--number", "1"]);
    refuse("expected", 1, &["--vf", "nonsense"]);
    let taken = scene.destination.port_path("there").display().to_string();
    let (source, destination) = (&scene.source, &scene.destination);
    let control = destination.folder().join("ctl.sock").display().to_string();
    let outcome = source.weft(&["migrate", "prepare", MOVING.0, "--to", &control, "--vhost-user", &taken]);
    assert!(outcome.status == 5 && outcome.stderr.contains("in use by port"), "{}", outcome.stderr);
    destination.weft(&["port", "set", "up", "--mtu", "1400"]).expect_ok();
    refuse("1400 at most, which is what the namespace's uplink here carries", 1, &[]);
    destination.weft(&["port", "set", "up", "--mtu", "1500"]).expect_ok();
    destination.weft(&["fdb", "add", "02:00:00:00:00:03", "-n", "red", "--port", "there"]).expect_ok();
    let mac = source.port(MOVING.0)["mac"].as_str().expect("a text").to_owned();
    destination.weft(&["port", "del", "there"]).expect_ok();
    destination.weft(&["port", "add", "red:thief", "--mac", &mac, "--vhost-user", &taken]).expect_ok();
    refuse("is in use by port", 5, &[]);
    destination.weft(&["port", "del", "thief"]).expect_ok();
    destination.weft(&["namespace", "set", "red", "--quota", "ports=1"]).expect_ok();
    refuse("its quota is ports=1", 5, &[]);
    ping(&mut here, &mut guest, 1);
}

#[test]
fn a_document_that_is_damaged_or_newer_or_a_lie_changes_nothing() {
    let scene = Scene::new();
    let _guest = scene.source.attach(MOVING.0, MOVING.1);
    let good = std::fs::read_to_string(scene.exported()).expect("it was written");
    let file = scene.source.folder().join("bad.json");
    let before = said(&scene);
    let import = |text: &str| {
        std::fs::write(&file, text).expect("the folder is ours");
        scene.destination.weft(&["port", "import", &file.display().to_string()])
    };
    for (bad, why) in [
        (String::new(), "may be cut off"),
        (good[..good.len() / 2].to_owned(), "may be cut off"),
        (good.replacen("\"version\": 1", "\"version\": 2", 1), "of version 2, and this weftd reads version 1"),
        (good.replacen("1500", "1501", 1), "its digest"),
        (good.replacen("\"id\"", "\"di\"", 1), "unknown field"),
        ("\u{1b}[31m".repeat(1000), "may be cut off"),
        ("[".repeat(100_000), "may be cut off"),
    ] {
        let refused = import(&bad);
        assert!(refused.status == 1 && refused.stderr.contains(why), "{why}: {}", refused.stderr);
        assert!(!refused.stderr.contains('\u{1b}') && refused.stderr.len() < 1000, "{}", refused.stderr);
        assert!(scene.destination.log().contains(why), "{why} is not in {}", scene.destination.log());
    }
    assert_eq!(said(&scene), before);
    let nobody = scene.destination.weft(&["port", "export", "there"]).expect_ok();
    assert!(nobody.contains("\"port\": \"red:there\""), "one that nobody is attached to can go, too");
    let uplink = scene.destination.refusal(&["port", "export", "up"]);
    assert!(uplink["message"].as_str().is_some_and(|text| text.contains("a port with a guest")), "{uplink}");
    let staying = scene.source.refusal(&["migrate", "cancel", MOVING.0]);
    assert_eq!(staying["exit_code"], json!(1));
}

/// A good document in which that text is another, whole again.
fn with(good: &str, from: &str, to: &str) -> String {
    let (_, body) = good.split_once("\"move\": ").expect("it has a body");
    let body = body.trim_end().strip_suffix('}').expect("it is an object").replacen(from, to, 1);
    let compact: String = body.lines().map(|line| line.trim().replacen("\": ", "\":", 1)).collect();
    let fnv = |hash: u64, octet: u8| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
    let digest = compact.bytes().fold(0xcbf2_9ce4_8422_2325, fnv);
    format!("{{ \"version\": 1, \"digest\": \"{digest:016x}\", \"move\": {compact} }}")
}

#[test]
fn a_guest_that_was_offered_more_than_there_is_here_stays_where_it_is() {
    let scene = Scene::new();
    let _guest = scene.source.attach(MOVING.0, MOVING.1);
    let good = std::fs::read_to_string(scene.exported()).expect("it was written");
    let document: Value = serde_json::from_str(&good).expect("JSON");
    let offered = document["move"]["offered"].as_str().expect("a text");
    let bits = u64::from_str_radix(offered.trim_start_matches("0x"), 16).expect("a number");
    let file = scene.source.folder().join("more.json");
    let import = |offered_there: u64| {
        std::fs::write(&file, with(&good, offered, &format!("{offered_there:#x}"))).expect("the folder is ours");
        let [file, socket] =
            [file.clone(), scene.destination.port_path(MOVING.0)].map(|path| path.display().to_string());
        scene.destination.weft(&["port", "import", &file, "--vhost-user", &socket])
    };
    let before = said(&scene);
    // VIRTIO_NET_F_NOTF_COAL, which no weftd offers.
    let refused = import(bits | 1 << 53);
    let why = "none but those that this weftd offers";
    assert!(refused.status == 1 && refused.stderr.contains(why), "{}", refused.stderr);
    assert!(scene.destination.log().contains(why), "{}", scene.destination.log());
    assert_eq!(said(&scene), before);
    // It may as well have been offered less.
    import(bits & !1).expect_ok();
}
