// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who watches PvDs is told what happens to them, and not that another weftd has heard of them.

use core::net::Ipv6Addr;

use serde_json::{Value, json};
use tests::guest::SyntheticGuest;
use tests::weftd::{Watch, Weftd};
use wire::nd::{NdOption, PrefixInfo, encode};
use wire::{MacAddr, build};

/// A router says that these prefixes are there.
fn advertise(router: &mut SyntheticGuest, prefixes: &[u16]) {
    let option = |number: &u16| {
        let prefix = Ipv6Addr::new(0x2001, 0xdb8, *number, 0, 0, 0, 0, 0);
        NdOption::Prefix(PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 1800, preferred: 900 })
    };
    let options = encode(prefixes.iter().map(option)).expect("good prefixes");
    let at = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    router.send(&build::advertisement(MacAddr(router.mac()), at, 1800, &options));
}

fn kind_and_seq(event: &Value) -> (Value, u64) {
    (event["kind"].clone(), event["seq"].as_u64().expect("each has a number"))
}

#[test]
fn a_watch_goes_on_where_it_was() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "r1", 4, &["--role", "router"]);
    let mut router = daemon.attach("r1", 4);
    let socket = daemon.folder().join("ctl.sock");
    let watch = Watch::start(&socket, &["red", "--since", "0"]);
    advertise(&mut router, &[1]);
    let (kind, first) = kind_and_seq(&watch.next("a PvD that is new"));
    assert_eq!(kind, json!("new"));
    daemon.weft(&["pvd", "create", "a.example", "-n", "red"]).expect_ok();
    assert_eq!(kind_and_seq(&watch.next("an operator's")), (json!("new"), first + 1));
    daemon.upgrade();
    // The router repeats itself, and that is no news.
    advertise(&mut router, &[1]);
    advertise(&mut router, &[1, 2]);
    assert_eq!(kind_and_seq(&watch.next("what changes then")), (json!("update"), first + 2));
    daemon.upgrade();
    daemon.weft(&["pvd", "delete", "a.example", "-n", "red"]).expect_ok();
    assert_eq!(kind_and_seq(&watch.next("what goes then")), (json!("delete"), first + 3));
    // What there was to be told before is not kept: whoever has not heard it is told so.
    let late = Watch::start(&socket, &["red", "--since", &first.to_string()]);
    assert_eq!(late.next("word that some are missed")["kind"], json!("missed"));
    assert_eq!(late.next("what there is")["kind"], json!("listed"));
}

/// A static PvD of the file goes while another weftd takes over: the numbers of the one before are of no use.
#[test]
fn a_watch_is_told_when_more_has_happened_than_was_said() {
    use tests::weftd::toml;
    let namespace = toml::namespace("red");
    let stated = namespace.clone() + "[[pvd]]\nnamespace = \"red\"\nname = \"a.example\"\n";
    let mut daemon = Weftd::start_configured(&stated);
    let watch = Watch::start(&daemon.folder().join("ctl.sock"), &["red", "--since", "0"]);
    assert_eq!(watch.next("the one of the file")["kind"], json!("new"));
    let text = namespace.replace("{dir}", &daemon.folder().display().to_string());
    std::fs::write(daemon.folder().join("weft.toml"), text).expect("the folder is ours");
    daemon.upgrade();
    assert_eq!(watch.next("word that some are missed")["kind"], json!("missed"));
}
