// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! MAC tables: own, static and learned entries, and how they go.
use std::time::Duration;

use serde_json::{Value, json};
use tests::frames::{number_of, numbered};
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

const BEHIND: [u8; 6] = [2, 0, 0, 0, 0, 0x55];

/// Three ports; behind the second may be many addresses.
fn scene(age: &str) -> (Weftd, [SyntheticGuest; 3]) {
    let daemon = Weftd::start();
    daemon.weft(&["namespace", "add", "red", "--age", age]).expect_ok();
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &["--macs", "any"]);
    daemon.add_port("red", "three", 3, &[]);
    let guests = [("one", 1), ("two", 2), ("three", 3)].map(|(name, number)| daemon.attach(name, number));
    (daemon, guests)
}

fn entry(daemon: &Weftd, mac: &str) -> Option<Value> {
    let list = daemon.json(&["fdb", "list", "--namespace", "red"]);
    list.as_array().expect("a list").iter().find(|entry| entry["mac"] == mac).cloned()
}

/// Makes port two known as the way to [`BEHIND`].
fn teach([one, two, _]: &mut [SyntheticGuest; 3]) {
    two.send(&numbered(one.mac(), BEHIND, 1, 60));
    assert!(one.recv_until(Deadline::patient(), |got| got.frame[6..12] == BEHIND).is_some());
}

fn sees(guest: &mut SyntheticGuest, number: u64) -> bool {
    guest.recv_until(Deadline::patient(), |got| number_of(&got.frame) == Some(number)).is_some()
}

#[test]
fn a_learned_address_is_listed_used_and_flushed() {
    let (daemon, mut guests) = scene("300");
    teach(&mut guests);
    let learned = entry(&daemon, "02:00:00:00:00:55").expect("it was learned");
    assert_eq!(
        (&learned["port"], &learned["kind"], &learned["namespace"]),
        (&json!("two"), &json!("learned"), &json!("red"))
    );
    assert!(learned["age_s"].as_u64().is_some(), "{learned}");
    let own = entry(&daemon, "02:77:65:66:74:01").expect("a port's own address");
    assert_eq!((&own["port"], &own["kind"], own.get("age_s")), (&json!("one"), &json!("port"), None));
    let [one, two, three] = &mut guests;
    one.send(&numbered(BEHIND, one.mac(), 2, 60));
    assert!(sees(two, 2));
    assert_eq!(daemon.json(&["fdb", "flush", "--namespace", "red"]), json!({ "removed": 1 }));
    assert_eq!(entry(&daemon, "02:00:00:00:00:55"), None);
    assert!(entry(&daemon, "02:77:65:66:74:01").is_some(), "own addresses stay");
    one.send(&numbered(BEHIND, one.mac(), 3, 60));
    assert!(sees(two, 3) && sees(three, 3), "an unknown destination is flooded");
    assert!(three.recv().is_none(), "and a known one is not");
}

#[test]
fn a_static_entry_wins_over_learning_until_it_is_deleted() {
    let (daemon, mut guests) = scene("300");
    assert_eq!(daemon.json(&["fdb", "add", "02:00:00:00:00:55", "--namespace", "red", "--port", "three"]), json!({}));
    let pinned = entry(&daemon, "02:00:00:00:00:55").expect("it was added");
    assert_eq!((&pinned["port"], &pinned["kind"]), (&json!("three"), &json!("static")));
    let [one, two, three] = &mut guests;
    two.send(&numbered(one.mac(), BEHIND, 1, 60));
    two.drain(Deadline::patient());
    daemon.await_port("two", |port| port["drops"]["spoofed-mac"] == 1);
    one.send(&numbered(BEHIND, one.mac(), 2, 60));
    assert!(sees(three, 2) && two.recv().is_none(), "it goes where the operator said");
    daemon.weft(&["fdb", "flush"]).expect_ok();
    assert!(entry(&daemon, "02:00:00:00:00:55").is_some(), "a flush leaves it");
    assert_eq!(daemon.json(&["fdb", "del", "02:00:00:00:00:55", "--namespace", "red"]), json!({}));
    assert_eq!(entry(&daemon, "02:00:00:00:00:55"), None);
    teach(&mut guests);
    assert_eq!(entry(&daemon, "02:00:00:00:00:55").expect("learned")["port"], "two");
    daemon.weft(&["fdb", "del", "02:00:00:00:00:55", "--namespace", "red"]).expect_ok();
    assert_eq!(entry(&daemon, "02:00:00:00:00:55"), None, "a learned entry can be deleted too");
    let own = daemon.refusal(&["fdb", "del", "02:77:65:66:74:01", "--namespace", "red"]);
    assert_eq!(own["error"], "org.weft.Switch1.InUse", "a port's own address cannot");
}

#[test]
fn a_learned_address_ages_and_a_static_one_does_not() {
    let (daemon, mut guests) = scene("10");
    daemon.weft(&["fdb", "add", "02:00:00:00:00:66", "--namespace", "red", "--port", "two"]).expect_ok();
    teach(&mut guests);
    assert!(entry(&daemon, "02:00:00:00:00:55").is_some());
    until("the learned address to age", Deadline::after(Duration::from_secs(60)), || {
        entry(&daemon, "02:00:00:00:00:55").is_none()
    });
    assert!(entry(&daemon, "02:00:00:00:00:66").is_some());
    assert!(entry(&daemon, "02:77:65:66:74:01").is_some());
}

/// More entries than one message carries come in pages.
#[test]
fn a_large_table_is_listed_whole() {
    let (daemon, mut guests) = scene("300");
    let [one, two, _] = &mut guests;
    for number in 0..1500_u16 {
        let [high, low] = number.to_be_bytes();
        two.send(&numbered(one.mac(), [2, 1, 0, 0, high, low], number.into(), 60));
        one.recv();
    }
    two.drain(Deadline::patient());
    let list = daemon.json(&["fdb", "list"]);
    let entries = list.as_array().expect("a list");
    assert_eq!(entries.len(), 1503);
    assert_eq!(daemon.json(&["status"])["counts"]["fdb_entries"], 1503);
    let macs: Vec<&str> = entries.iter().filter_map(|entry| entry["mac"].as_str()).collect();
    assert!(macs.is_sorted(), "by address");
    let table = daemon.weft(&["fdb", "list"]).expect_ok();
    assert_eq!(table.lines().count(), 1504);
}

/// A guest that floods its tenant's table takes entries from itself and not from the others.
#[test]
fn a_full_table_is_fair() {
    let daemon = Weftd::start();
    daemon.weft(&["namespace", "add", "red", "--macs-max", "64"]).expect_ok();
    daemon.add_port("red", "one", 1, &["--macs", "any"]);
    daemon.add_port("red", "two", 2, &["--macs", "any"]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    one.send(&numbered(two.mac(), BEHIND, 1, 60));
    assert!(sees(&mut two, 1));
    for number in 0..5000_u16 {
        let [high, low] = number.to_be_bytes();
        two.send(&numbered(one.mac(), [2, 1, 0, 0, high, low], number.into(), 60));
        one.recv();
    }
    two.drain(Deadline::patient());
    let red = daemon.json(&["namespace", "show", "red"]);
    assert!(red["macs"].as_u64() <= red["macs_max"].as_u64(), "{red}");
    assert_eq!(entry(&daemon, "02:00:00:00:00:55").expect("it was not pushed out")["port"], "one");
}
