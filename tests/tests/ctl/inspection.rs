// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What routers say, looked into through weftd: lists that are complete, captures that others can read, contradictions,
//! and what was counted.
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};
use tests::guest::SyntheticGuest;
use tests::programs::Program;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;
use wire::nd::{NdOption, encode};
use wire::{MacAddr, build};

use crate::learnt::{ROUTER, advertise};

/// What a namespace has room for.
const MANY: usize = 4096;

fn routed() -> (Weftd, SyntheticGuest) {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "r1", 4, &["--role", "router"]);
    let router = daemon.attach("r1", 4);
    (daemon, router)
}

fn name(number: usize) -> String {
    format!("p{number}.example")
}

fn listed(daemon: &Weftd) -> BTreeSet<String> {
    let list = daemon.json(&["pvd", "list", "red"]);
    let all = list.as_array().expect("a list").iter();
    all.map(|pvd| pvd["name"].as_str().expect("a name").trim_end_matches('.').to_owned()).collect()
}

#[test]
fn as_many_pvds_as_there_is_room_for_are_listed_completely_and_an_interruption_is_told() {
    let (daemon, mut router) = routed();
    // Copies may be lost while many wait: a router repeats itself.
    until("all PvDs", Deadline::patient(), || {
        let known = listed(&daemon);
        (0..MANY).map(name).filter(|name| !known.contains(name)).for_each(|name| advertise(&mut router, &name, 1));
        known.len() == MANY
    });
    let stream = UnixStream::connect(daemon.folder().join("ctl.sock")).expect("weftd listens");
    let mut replies = BufReader::new(stream.try_clone().expect("there are descriptors"));
    let call = json!({ "method": "org.weft.Switch1.PvdList", "parameters": { "namespace": "red" }, "more": true });
    (&stream).write_all(format!("{call}\0").as_bytes()).expect("weftd reads");
    let mut next = || -> Value {
        let mut bytes = Vec::new();
        replies.read_until(0, &mut bytes).expect("weftd answers");
        bytes.pop();
        serde_json::from_slice(&bytes).expect("a reply")
    };
    let first = next();
    assert_eq!((&first["parameters"]["interrupted"], &first["continues"]), (&json!(false), &json!(true)));
    assert_eq!(first["parameters"]["pvds"].as_array().map(Vec::len), Some(256));
    // Pages are made as they are read, and far fewer than there are fit into the socket.
    daemon.weft(&["port", "del", "red:r1", "--force"]).expect_ok();
    let mut last = first;
    while last["continues"] == true {
        last = next();
    }
    assert_eq!(last["parameters"]["interrupted"], true);
    assert!(last["parameters"]["base_seq"].as_u64() > Some(MANY as u64), "{}", last["parameters"]["base_seq"]);
}

#[test]
fn contradictions_between_routers_are_found() {
    let (daemon, mut one) = routed();
    daemon.add_port("red", "r2", 5, &["--role", "router"]);
    let mut other = daemon.attach("r2", 5);
    let say = |router: &mut SyntheticGuest, mtu: u32| {
        let options = encode([NdOption::Mtu(mtu)]).expect("a good option");
        let mac = MacAddr(router.mac());
        router.send(&build::advertisement(mac, ROUTER, 1800, &options));
    };
    say(&mut one, 1500);
    let heard = |count: u64| {
        until("what was said", Deadline::patient(), || {
            daemon.json(&["namespace", "show", "red"])["learnt"]["changed"] == json!(count)
        });
    };
    heard(1);
    assert_eq!(daemon.weft(&["ra", "check"]).status, 0);
    say(&mut other, 1400);
    heard(2);
    let outcome = daemon.weft(&["ra", "check", "--json"]);
    assert_eq!(outcome.status, 2, "{}", outcome.stderr);
    let checked: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let finding = &checked[0]["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["text"]),
        (&json!("differs"), &json!("the MTU is 1500 here and 1400 there"))
    );
    let routers = json!([{ "port": "r1", "router": "fe80::1" }, { "port": "r2", "router": "fe80::1" }]);
    assert_eq!((&finding["routers"], &checked[0]["namespace"]), (&routers, &json!("red")));
    assert_eq!(daemon.weft(&["ra", "check", "/"]).status, 0);
    let port = daemon.port("red:r1");
    assert_eq!((&port["snooped_advertisements"], &port["snoop_missed"]), (&json!(1), &json!(0)));
    daemon.weft(&["port", "set", "red:r1", "--role", "host"]).expect_ok();
    let ports: Vec<Value> =
        daemon.json(&["ra", "list", "red"]).as_array().expect("a list").iter().map(|ra| ra["port"].clone()).collect();
    assert_eq!(ports, ["r2"], "what a host said before is forgotten");
}

#[test]
fn a_capture_file_is_read_by_tshark() {
    let Some(tshark) = Program::find_or_skip("tshark") else { return };
    let (daemon, mut router) = routed();
    advertise(&mut router, "a.example", 1);
    advertise(&mut router, "b.example", 2);
    until("both", Deadline::patient(), || listed(&daemon).len() == 2);
    let file = daemon.folder().join("ra.pcapng");
    daemon.weft(&["ra", "dump", "red", "--pcapng", &file.display().to_string()]).expect_ok();
    let fields =
        ["icmpv6.type", "icmpv6.checksum.status", "frame.interface_name", "ipv6.src", "eth.dst", "frame.comment"];
    let mut command = tshark.command();
    command.arg("-r").arg(&file).args(["-T", "fields", "-E", "separator=|"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = command.output().expect("tshark can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('|').collect()).collect();
    assert_eq!(lines.len(), 2, "{text}{}", String::from_utf8_lossy(&output.stderr));
    for (line, pvd) in lines.iter().zip(["a.example.", "b.example."]) {
        assert_eq!(line[..5], ["134", "1", "red:r1", "fe80::1", "33:33:00:00:00:01"], "{text}");
        assert!(line[5].contains("namespace red, number") && line[5].contains(pvd), "{text}");
    }
}
