// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft link`, and guests of two namespaces that talk over one.

use std::sync::mpsc::channel;
use std::thread;

use serde_json::{Value, json};
use tests::frames::{BROADCAST, numbered};
use tests::guest::{SyntheticGuest, ping};
use tests::wait::Deadline;
use tests::weftd::{Weftd, toml};

use crate::traffic::Talkers;

/// Two workers, so that the two namespaces' guests are served by different ones.
fn daemon() -> Weftd {
    let daemon = Weftd::start_with(&["--workers", "2"]);
    for (number, namespace) in [(1, "red"), (2, "blue"), (3, "green")] {
        daemon.add_namespace(namespace);
        daemon.add_port(namespace, namespace, number, &[]);
    }
    daemon
}

fn link(daemon: &Weftd, one: &str, other: &str) {
    daemon.weft(&["link", "add", one, other]).expect_ok();
}

/// Everybody says this to all; who of the others hears it?
fn heard(from: &mut SyntheticGuest, to: &mut SyntheticGuest, number: u64) -> bool {
    from.send(&numbered(BROADCAST, from.mac(), number, 60));
    from.drain(Deadline::patient());
    // What was completed was delivered, and is not waited for.
    to.recv().is_some()
}

#[test]
fn guests_of_two_namespaces_talk_over_a_link_and_no_longer_than_it_is_there() {
    let mut daemon = daemon();
    let mut guests = [("red", 1), ("blue", 2), ("green", 3)].map(|(port, number)| daemon.attach(port, number));
    let [red, blue, green] = &mut guests;
    assert!(!heard(red, blue, 1));
    link(&daemon, "red:up", "blue:down");
    ping(red, blue, 1);
    ping(blue, red, 2);
    assert!(green.recv().is_none());
    let up = daemon.json(&["port", "show", "red:up"]);
    assert_eq!((&up["state"], &up["far"], up.get("vhost_user")), (&json!("up"), &json!("blue:down"), None));
    let down = daemon.json(&["port", "show", "blue:down"]);
    assert!(up["rx_frames"].as_u64() > Some(0));
    assert_eq!((&up["rx_frames"], &up["tx_frames"]), (&down["tx_frames"], &down["rx_frames"]), "both ends agree");
    daemon.restart();
    [&mut *red, &mut *blue].into_iter().for_each(|guest| guest.reconnect(Deadline::patient()));
    ping(red, blue, 3);
    daemon.weft(&["link", "del", "red:up"]).expect_ok();
    while blue.recv().is_some() {}
    assert!(!heard(red, blue, 4));
    assert_eq!(daemon.json(&["port", "list"]).as_array().map(Vec::len), Some(3), "both ends are gone");
}

#[test]
fn links_come_and_go_and_those_beside_them_lose_nothing() {
    let daemon = daemon();
    link(&daemon, "red:up", "blue:down");
    let mut talkers = Talkers::of(daemon.attach("red", 1), daemon.attach("blue", 2), 1);
    let mut green = daemon.attach("green", 3);
    thread::scope(|scope| {
        let (talk, told) = channel();
        let talking = scope.spawn(move || talkers.run(&told));
        for _ in 0..50 {
            (0..4).for_each(|_| talk.send(()).expect("they listen"));
            link(&daemon, "blue:up", "green:down");
            daemon.weft(&["link", "del", "blue:up"]).expect_ok();
            while green.recv().is_some() {}
        }
        drop(talk);
        assert_eq!(talking.join().expect("no frame is lost"), 50 * 4 * 32);
    });
    for port in ["red", "blue", "red:up", "blue:down"] {
        assert_eq!(daemon.port(port)["drops"], json!({}), "{port}");
    }
    daemon.weft(&["namespace", "del", "green", "--recursive", "--force"]).expect_ok();
    assert_eq!(daemon.json(&["status"])["counts"]["zombies"], 0);
}

#[test]
fn links_are_listed_once_and_go_with_their_namespaces() {
    let daemon = daemon();
    link(&daemon, "red:up", "blue:down");
    link(&daemon, "blue:up", "green:down");
    let table = daemon.weft(&["link", "list", "--no-header"]).expect_ok();
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines, [["blue:down", "red:up", "up", "0", "0"], ["blue:up", "green:down", "up", "0", "0"]]);
    let loops = daemon.refusal(&["link", "add", "red:x", "green:x"]);
    assert_eq!(loops["error"], "org.weft.Switch1.InUse");
    assert!(loops["message"].as_str().is_some_and(|text| text.contains("would make a loop")), "{loops}");
    let alone = daemon.refusal(&["port", "del", "red:up"]);
    assert_eq!(alone["error"], "org.weft.Switch1.InUse");
    assert_eq!(daemon.refusal(&["link", "add", "red:x", "x"])["error"], "org.weft.Switch1.Invalid");
    daemon.weft(&["link", "del", "red:none", "--if-exists"]).expect_ok();
    daemon.weft(&["namespace", "del", "blue", "--recursive"]).expect_ok();
    assert_eq!(daemon.json(&["link", "list"]), json!([]));
    assert_eq!(daemon.json(&["status"])["counts"]["zombies"], 0);
}

#[test]
fn a_configuration_has_links() {
    let link = "[[link]]\none = \"red:up\"\nother = \"blue:down\"\nmtu = 9000\nrouters = true\n";
    let base = toml::namespace("red") + &toml::namespace("blue");
    let daemon = Weftd::start_configured(&format!("{base}{link}"));
    let ends: Value = daemon.json(&["link", "list"]);
    let said = |end: &Value| (end["state"].clone(), end["mtu"].clone(), end["role"].clone());
    let ends = ends.as_array().expect("a list");
    assert!(ends.iter().all(|end| said(end) == (json!("up"), json!(9000), json!("router"))), "{ends:?}");
    let file = daemon.folder().join("other.toml");
    let check = |text: String| {
        std::fs::write(&file, text).expect("the folder is ours");
        daemon.weft(&["config", "check", &file.display().to_string()])
    };
    check(format!("{base}{link}")).expect_ok();
    let twice = check(format!("{base}{link}{}", link.replace("up", "up2").replace("down", "down2")));
    assert!(
        twice.status == 1 && twice.stderr.contains(":12: link: other: ") && twice.stderr.contains("loop"),
        "{twice:?}"
    );
    let missing = check(toml::namespace("red") + link);
    assert!(missing.status == 1 && missing.stderr.contains("does not exist"), "{missing:?}");
}
