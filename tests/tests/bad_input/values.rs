// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Duplicates, unknown names, values that cannot be meant, things in use.
use super::scene::{daemon, refused};
use tests::weftd::Weftd;

const EXISTS: (&str, i64) = ("Exists", 5);
const IN_USE: (&str, i64) = ("InUse", 5);
const INVALID: (&str, i64) = ("Invalid", 1);
const NOT_FOUND: (&str, i64) = ("NotFound", 2);

/// `weft port add` of a port that would be fine, but for `more` which comes instead of or beside what it names.
fn add<'a>(port: &'a str, path: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["port", "add", port, "--vhost-user", path], more].concat()
}

fn free_path(daemon: &Weftd) -> String {
    daemon.port_path("four").display().to_string()
}

#[test]
fn what_exists_is_not_made_again() {
    let daemon = daemon();
    let path = free_path(&daemon);
    refused(&daemon, &["namespace", "add", "red"], EXISTS, &["namespace", "red"]);
    refused(&daemon, &["namespace", "add", "red", "--may-exist", "--age", "20"], EXISTS, &["red"]);
    refused(&daemon, &add("one", &path, &["-n", "red"]), EXISTS, &["port", "one"]);
    refused(&daemon, &add("three", &path, &["-n", "blue"]), EXISTS, &["port", "blue:three"]);
    refused(&daemon, &add("one", &path, &["-n", "red", "--may-exist"]), EXISTS, &["port", "one"]);
    let entry = ["fdb", "add", "02:00:00:00:00:99", "-n", "red", "-p", "one"];
    refused(&daemon, &entry, EXISTS, &["02:00:00:00:00:99"]);
}

#[test]
fn what_others_use_is_not_taken_or_removed() {
    let daemon = daemon();
    let path = free_path(&daemon);
    refused(&daemon, &["namespace", "del", "red"], IN_USE, &["red", "port \"red:one\" and 1 more"]);
    refused(&daemon, &["namespace", "del", "blue"], IN_USE, &["blue", "port \"blue:three\""]);
    let taken = daemon.port_path("one").display().to_string();
    refused(&daemon, &add("four", &taken, &["-n", "blue"]), IN_USE, &["socket", &taken, "port \"red:one\""]);
    let mac = "02:77:65:66:74:01";
    refused(&daemon, &add("four", &path, &["-n", "red", "--mac", mac]), IN_USE, &["mac", mac, "port \"red:one\""]);
    let pinned = "02:00:00:00:00:99";
    refused(&daemon, &add("four", &path, &["-n", "red", "--mac", pinned]), IN_USE, &[pinned, "static entry"]);
    refused(&daemon, &["fdb", "add", mac, "-n", "red", "-p", "two"], IN_USE, &[mac, "port \"red:one\""]);
    refused(&daemon, &["fdb", "del", mac, "-n", "red"], IN_USE, &[mac, "port \"red:one\""]);
}

#[test]
fn a_port_with_a_guest_is_not_deleted_by_accident() {
    let daemon = daemon();
    let _guest = daemon.attach("one", 1);
    daemon.await_state("one", "up");
    refused(&daemon, &["port", "del", "one"], IN_USE, &["port", "one", "a connected guest"]);
}

#[test]
fn what_is_not_there_is_named() {
    let daemon = daemon();
    let path = free_path(&daemon);
    for arguments in
        [&["port", "show", "nobody"][..], &["port", "del", "nobody"], &["port", "set", "nobody", "--mtu", "1400"]]
    {
        refused(&daemon, arguments, NOT_FOUND, &["port", "nobody"]);
    }
    for arguments in [
        &["namespace", "show", "nowhere"][..],
        &["namespace", "del", "nowhere"],
        &["port", "list", "-n", "nowhere"],
        &add("four", &path, &["-n", "nowhere"]),
        &["fdb", "list", "-n", "nowhere"],
        &["fdb", "flush", "-n", "nowhere"],
        &["fdb", "add", "02:00:00:00:00:77", "-n", "nowhere", "-p", "one"],
        &["fdb", "del", "02:00:00:00:00:77", "-n", "nowhere"],
    ] {
        refused(&daemon, arguments, NOT_FOUND, &["namespace", "nowhere"]);
    }
    refused(&daemon, &["fdb", "add", "02:00:00:00:00:77", "-n", "red", "-p", "nobody"], NOT_FOUND, &["nobody"]);
    refused(&daemon, &["fdb", "del", "02:00:00:00:00:77", "-n", "red"], NOT_FOUND, &["fdb entry", "02:00:00:00:00:77"]);
    refused(&daemon, &["explain", "bad-luck"], NOT_FOUND, &["drop reason", "bad-luck"]);
}

#[test]
fn values_that_cannot_be_meant_are_refused_with_what_is_expected() {
    let daemon = daemon();
    let path = free_path(&daemon);
    let red = ["-n", "red"];
    for mac in ["", "02:00", "02:00:00:00:00:0g", "02:00:00:00:00:00:01", "x"] {
        refused(
            &daemon,
            &add("four", &path, &[&red[..], &["--mac", mac]].concat()),
            INVALID,
            &["mac", "six hex pairs"],
        );
        refused(&daemon, &["fdb", "add", mac, "-n", "red", "-p", "one"], INVALID, &["mac", "six hex pairs"]);
    }
    for mac in ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"] {
        refused(&daemon, &add("four", &path, &[&red[..], &["--mac", mac]].concat()), INVALID, &[mac, "one NIC"]);
        refused(&daemon, &["fdb", "add", mac, "-n", "red", "-p", "one"], INVALID, &[mac, "one NIC"]);
    }
    for name in ["", "Four", "fo ur", "../four", ".four", "four\n", "f\u{1b}[31m", &"x".repeat(64)] {
        refused(&daemon, &add(name, &path, &red), INVALID, &["name", "a-z 0-9"]);
        refused(&daemon, &["namespace", "add", name], INVALID, &["name", "a-z 0-9"]);
    }
    for (option, value, expected) in [
        ("--mtu", "67", "68 to 9216"),
        ("--mtu", "9217", "68 to 9216"),
        ("--queues", "0", "1 to 8"),
        ("--queues", "9", "1 to 8"),
        ("--tx-frames", "1001G", "a rate of 1 to 1000000000000 a second"),
        ("--flood-bytes", "10k:65556", "a burst of 65557 to"),
        ("--rx-frames", "10:1001G", "a burst of 1 to 1000000000000"),
    ] {
        refused(&daemon, &add("four", &path, &[&red[..], &[option, value]].concat()), INVALID, &[expected]);
    }
    refused(&daemon, &["port", "set", "one", "--mtu", "67"], INVALID, &["67", "68 to 9216"]);
    let set = ["port", "set", "one", "--mtu", "1400", "--tx-bytes", "1:1"];
    refused(&daemon, &set, INVALID, &["tx-bytes", "1:1", "a burst of 65557 to"]);
    for (option, value, expected) in
        [("--age", "9", "10 to 1000000"), ("--macs-max", "63", "64 to 1048576"), ("--macs-max", "99999999999", "64 to")]
    {
        refused(&daemon, &["namespace", "add", "green", option, value], INVALID, &[expected]);
    }
    refused(
        &daemon,
        &["fdb", "add", "02:00:00:00:00:77", "-n", "red", "-p", "blue:three"],
        INVALID,
        &["port", "namespace red"],
    );
}

#[test]
fn rules_that_no_router_could_keep_are_refused() {
    let daemon = daemon();
    let path = free_path(&daemon);
    let many: Vec<String> = (0..17).map(|number| format!("fe80::{number:x}")).collect();
    let long_name = format!("{}.example", "x".repeat(64));
    for (option, value, parts) in [
        ("--ra-guard-router", "2001:db8::1", ["ra-guard-router", "2001:db8::1", "a link-local address"]),
        ("--ra-guard-router", "fe80::1%eth0", ["ra-guard-router", "fe80::1%eth0", "such as fe80::1"]),
        ("--ra-guard-router", "fe80::1,none", ["ra-guard-router", "none", "such as fe80::1"]),
        ("--ra-guard-router", "", ["ra-guard-router", "\"\"", "such as fe80::1"]),
        ("--ra-guard-router", &many.join(","), ["ra-guard-router", "17 of them", "at most 16"]),
        ("--ra-guard-mac", "02:00", ["ra-guard-mac", "02:00", "six hex pairs"]),
        ("--ra-guard-mac", "33:33:00:00:00:01", ["ra-guard-mac", "33:33:00:00:00:01", "one NIC"]),
        ("--ra-guard-prefix", "2001:db8::1/64", ["ra-guard-prefix", "2001:db8::1/64", "bits behind its length zero"]),
        ("--ra-guard-prefix", "2001:db8::/129", ["ra-guard-prefix", "/129", "2001:db8::/32"]),
        ("--ra-guard-prefix", "192.0.2.0/24", ["ra-guard-prefix", "192.0.2.0/24", "an IPv6 prefix"]),
        ("--ra-guard-pvd", &long_name, ["ra-guard-pvd", "xxxx", "a domain name such as"]),
        ("--ra-guard-pvd", "a..b", ["ra-guard-pvd", "a..b", "a domain name such as"]),
    ] {
        refused(&daemon, &["port", "set", "one", "--mtu", "1400", option, value], INVALID, &parts);
        refused(&daemon, &add("four", &path, &["-n", "red", option, value]), INVALID, &parts);
    }
}

#[test]
fn paths_that_no_socket_can_have_are_refused() {
    let daemon = daemon();
    let long = format!("/tmp/{}", "x".repeat(103));
    assert_eq!(long.len(), 108);
    refused(&daemon, &add("four", &long, &["-n", "red"]), INVALID, &["vhost-user", &long, "at most 107 bytes"]);
    refused(&daemon, &add("four", &long, &["-n", "red", "--client"]), INVALID, &["at most 107 bytes"]);
    let folder = daemon.folder().display().to_string();
    let failed = ("Failed", 65);
    refused(
        &daemon,
        &add("four", &format!("{folder}/nowhere/x"), &["-n", "red"]),
        failed,
        &["nowhere", "does not exist"],
    );
    refused(&daemon, &add("four", &folder, &["-n", "red"]), failed, &["is not a socket"]);
    refused(&daemon, &add("four", &format!("{folder}/"), &["-n", "red"]), INVALID, &["path of a Unix socket"]);
}

/// What clap refuses never reaches the daemon.
#[test]
fn wrong_usage_is_1_and_says_how_it_is_meant() {
    let daemon = daemon();
    for arguments in [
        &["port", "add"][..],
        &["port", "add", "four", "--namespace", "red"],
        &["port", "set", "one"],
        &["port", "set", "one", "--mtu", "-1"],
        &["port", "set", "one", "--mtu", "70000"],
        &["port", "set", "one", "--role", "king"],
        &["port", "set", "one", "--ra-guard-http", "maybe"],
        &["port", "set", "one", "--ra-guard-preference", "none"],
        &["port", "set", "one", "--ra-guard-prefix"],
        &["port", "frobnicate"],
        &["namespace", "add", "green", "--age", "soon"],
        &["fdb", "add", "02:00:00:00:00:77"],
        &["-T", "0", "status"],
    ] {
        let outcome = daemon.weft(arguments);
        assert_eq!((outcome.status, &*outcome.stdout), (1, ""), "weft {arguments:?}");
        assert!(outcome.stderr.contains("error:") && outcome.stderr.contains("--help"), "{}", outcome.stderr);
    }
}
