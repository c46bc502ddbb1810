// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What cannot be said of a PvD.
use super::scene::{daemon, refused};

const INVALID: (&str, i64) = ("Invalid", 1);

#[test]
fn what_cannot_be_said_of_a_pvd_is_refused_with_what_is_expected() {
    let daemon = daemon();
    let prefix = "2001:db8:1::/64";
    daemon.weft(&["pvd", "create", "work.example", "-n", "red", "--prefix", prefix]).expect_ok();
    let red = |verb: &'static str, name: &'static str, more: &[&'static str]| {
        [&["pvd", verb, name, "-n", "red"], more].concat()
    };
    refused(&daemon, &red("create", "Work.example.", &[]), ("Exists", 5), &["PvD \"red:work.example.\""]);
    let taken = red("create", "b.example", &["--prefix", "2001:db8:1::/64"]);
    refused(&daemon, &taken, ("InUse", 5), &["prefix \"2001:db8:1::/64\"", "PvD \"red:work.example.\""]);
    for verb in [red("set", "b.example", &["--http"]), red("delete", "b.example", &[])] {
        refused(&daemon, &verb, ("NotFound", 2), &["PvD \"red:b.example.\""]);
    }
    for verb in ["create", "delete"] {
        refused(&daemon, &["pvd", verb, "b.example", "-n", "nowhere"], ("NotFound", 2), &["namespace \"nowhere\""]);
    }
    refused(&daemon, &["namespace", "del", "red"], ("InUse", 5), &["red", "port \"red:one\" and 2 more"]);
    let long = "a.".repeat(127) + "b";
    for name in ["", ".", "a..b", "a b", "fe80::1%one", "b\u{1b}[31m", &"x".repeat(64), &long] {
        refused(&daemon, &["pvd", "create", name, "-n", "red"], INVALID, &["name", "labels of 1 to 63"]);
    }
    for (option, value, expected) in [
        ("--prefix", "2001:db8:2::1/64", "a prefix such as"),
        ("--prefix", "fe80::/64", "a prefix such as"),
        ("--prefix", "2001:db8:2::/48", ",autonomous (of 64 bits only)"),
        ("--route", "2001:db8::/32,best", ",high or ,low"),
        ("--rdnss", "192.0.2.53", "the IPv6 address"),
        ("--rdnss", "ff02::1", "the IPv6 address"),
        ("--dnssl", "a..b", "a domain name"),
        ("--pref64", "64:ff9b::/97", "96, 64, 56, 48, 40 or 32 bits"),
        ("--mtu", "1279", "1280 to 9216"),
        ("--delay", "16", "0 to 15"),
        ("--captive-portal", "two words", "a URI"),
    ] {
        for verb in ["create", "set"] {
            let name = if verb == "set" { "work.example" } else { "b.example" };
            refused(&daemon, &["pvd", verb, name, "-n", "red", option, value], INVALID, &[expected]);
        }
    }
    for (router, mac, expected) in
        [("2001:db8::1", "02:00:00:00:00:01", "a link-local address"), ("fe80::1", "01:00:5e:00:00:01", "one NIC")]
    {
        let announce = ["--announce", router, "--announce-mac", mac];
        refused(&daemon, &[&["pvd", "set", "work.example", "-n", "red"], &announce[..]].concat(), INVALID, &[expected]);
    }
    let servers: Vec<String> = (0..64).map(|i| format!("--rdnss=2001:db8::{i:x}1")).collect();
    let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
    let many = [&["pvd", "set", "work.example", "-n", "red"], &servers[..]].concat();
    refused(&daemon, &many, ("Limit", 5), &["prefixes, routes and resolvers of one PvD", "64"]);
    let list = daemon.json(&["pvd", "list"]);
    assert_eq!((list.as_array().map(Vec::len), &list[0]["facts"]), (Some(1), &serde_json::json!(1)));
}
