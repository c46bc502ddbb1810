// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a port lets pass, what it counts, and what a tenant never sees of another.
use serde_json::Value;
use tests::frames::{BROADCAST, number_of, numbered};
use tests::guest::{SyntheticGuest, ping};
use tests::wait::Deadline;
use tests::weftd::Weftd;

/// A port's entry in `weft port list --json`.
fn listed(daemon: &Weftd, name: &str) -> Value {
    let list = daemon.json(&["port", "list"]);
    let found = list.as_array().expect("a list").iter().find(|port| port["name"] == name).cloned();
    found.unwrap_or_else(|| panic!("port {name} is not in {list}"))
}

fn drops(port: &Value) -> u64 {
    port["drops"].as_object().expect("an object").values().filter_map(Value::as_u64).sum()
}

/// Receives until this number has come.
fn receive(guest: &mut SyntheticGuest, number: u64) {
    let name = guest.name().to_owned();
    let seen = guest.recv_until(Deadline::patient(), |got| number_of(&got.frame) == Some(number));
    assert!(seen.is_some(), "{name} never saw frame {number}");
}

#[test]
fn what_is_too_long_or_from_another_address_is_dropped_and_counted() {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &["--macs", "any", "--mtu", "9000"]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    let (ours, theirs) = (one.mac(), two.mac());
    (0..10).for_each(|number| one.send(&numbered(theirs, ours, number, 1514)));
    (0..3).for_each(|number| one.send(&numbered(theirs, [2, 0, 0, 0, 0, 0x66], number, 100)));
    one.send(&numbered(theirs, theirs, 0, 100));
    (0..2).for_each(|number| one.send(&numbered(theirs, ours, number, 1515)));
    one.send(&numbered(theirs, BROADCAST, 0, 100));
    one.send(&numbered(ours, ours, 0, 100));
    one.send(&numbered(theirs, ours, 99, 100));
    one.drain(Deadline::patient());
    receive(&mut two, 99);
    // Two's MTU is larger; what it sends is too long for its receiver.
    two.send(&numbered(ours, theirs, 0, 4000));
    two.send(&numbered(ours, [2, 0, 0, 0, 0, 0x77], 1, 100));
    two.drain(Deadline::patient());
    receive(&mut one, 1);
    let [one, two] = ["one", "two"].map(|name| listed(&daemon, name));
    let expected =
        [("oversize", 2), ("spoofed-mac", 4), ("bad-source", 1), ("hairpin", 1), ("too-big-for-receiver", 1)];
    assert_eq!(one["drops"], Value::from_iter(expected), "{one:#}");
    assert_eq!(two["drops"], Value::Object(serde_json::Map::new()), "{two:#}");
    let count = |port: &Value, key: &str| port[key].as_u64().unwrap_or_else(|| panic!("{key} of {port}"));
    assert_eq!((count(&two, "rx_frames"), count(&one, "rx_frames")), (11, 1));
    assert_eq!((count(&two, "rx_bytes"), count(&one, "rx_bytes")), (10 * 1514 + 100, 100));
    let sent = count(&one, "tx_frames") + count(&two, "tx_frames");
    assert_eq!(sent, 21, "what the guests sent, dropped or not");
    assert_eq!(sent, 12 + drops(&one) + drops(&two), "what was sent and not delivered is in the drops");
}

/// Two tenants with the very same addresses.
#[test]
fn namespaces_with_equal_addresses_never_meet() {
    let daemon = Weftd::start();
    let mut tenants: Vec<[SyntheticGuest; 2]> = Vec::new();
    for tenant in ["red", "blue"] {
        daemon.add_namespace(tenant);
        let names = [format!("{tenant}1"), format!("{tenant}2")];
        daemon.add_port(tenant, &names[0], 1, &[]);
        daemon.add_port(tenant, &names[1], 2, &[]);
        tenants.push([daemon.attach(&names[0], 1), daemon.attach(&names[1], 2)]);
    }
    let [red, blue] = &mut tenants[..] else { panic!("there are two tenants") };
    for round in 0..50 {
        // To everybody, to nobody, to an address that both tenants have.
        for to in [BROADCAST, [2, 0, 0, 0, 0, 9], red[1].mac(), [0x33, 0x33, 0, 0, 0, 1]] {
            let from = red[0].mac();
            red[0].send(&numbered(to, from, round, 100));
            receive(&mut red[1], round);
        }
    }
    let [blue1, blue2] = blue;
    for number in 1000..1010 {
        blue1.send(&numbered(BROADCAST, blue1.mac(), number, 100));
        let first = blue2.recv_until(Deadline::patient(), |_| true).expect("blue hears itself");
        assert_eq!(number_of(&first.frame), Some(number), "and nobody else");
    }
    assert!(blue1.recv().is_none() && red[0].recv().is_none(), "nothing came to those who asked for nothing");
    let [blue1, blue2] = blue;
    ping(blue1, blue2, 1);
    for (port, expected) in [("red2", 200), ("blue1", 1), ("blue2", 11)] {
        assert_eq!(listed(&daemon, port)["rx_frames"], expected, "{port}");
    }
    let entries = daemon.json(&["fdb", "list", "--namespace", "blue"]);
    let ports: Vec<&str> = entries.as_array().expect("a list").iter().filter_map(|e| e["port"].as_str()).collect();
    assert_eq!(ports, ["blue1", "blue2"]);
}
