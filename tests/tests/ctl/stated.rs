// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Static PvDs: made, changed and deleted by an operator, before what a router's guest advertises.
use serde_json::{Value, json};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

use crate::learnt::advertise;
use crate::tenant::Scene;

fn shown(daemon: &Weftd, name: &str) -> Value {
    daemon.json(&["pvd", "show", name, "-n", "red"])
}

/// What is known of a PvD, each as `kind value flags`.
fn facts(shown: &Value) -> Vec<String> {
    let text = |fact: &Value| format!("{} {} {}", fact["kind"], fact["value"], fact["flags"]).replace('"', "");
    shown["facts"].as_array().expect("a list").iter().map(text).collect()
}

fn usage(daemon: &Weftd, namespace: &str) -> Value {
    let usage = daemon.json(&["namespace", "show", namespace])["usage"].clone();
    let own = usage.as_array().expect("a list").iter().find(|usage| usage["resource"] == "pvds").cloned();
    own.map_or(Value::Null, |usage| usage["used"].clone())
}

#[test]
fn a_pvd_is_made_changed_and_deleted() {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    let create = ["pvd", "create", "Work.example", "-n", "red", "--http", "--sequence", "3", "--delay", "2"];
    let more = ["--prefix", "2001:db8:1::/64", "--route", "2001:db8::/32,high", "--rdnss", "2001:db8:1::53"];
    let made = daemon.json(&[&create[..], &more, &["--dnssl", "corp.example"]].concat());
    let said = (&made["name"], &made["namespace"], &made["static"], &made["number"], made.get("expires_s"));
    assert_eq!(said, (&json!("work.example."), &json!("red"), &json!(true), &json!(1), None));
    assert!(made["age_s"].as_u64().is_some_and(|age| age < 60), "it is new: {made}");
    let before = shown(&daemon, "work.example");
    let expected = [
        "prefix 2001:db8:1::/64 [on-link,autonomous]",
        "route 2001:db8::/32 [high]",
        "rdnss 2001:db8:1::53 []",
        "dnssl corp.example. []",
    ];
    assert_eq!(facts(&before), expected);
    let source = &before["sources"][0];
    assert_eq!((source.get("router"), &source["sequence"], &source["flags"]), (None, &json!(3), &json!(["http"])));
    let list = ["--rdnss", "2001:db8:1::54", "--rdnss", "2001:db8:1::55", "--mtu", "1400"];
    daemon.weft(&[&["pvd", "set", "work.example", "-n", "red", "--sequence", "4"], &list[..]].concat()).expect_ok();
    let after = shown(&daemon, "work.example");
    let expected = [
        "prefix 2001:db8:1::/64 [on-link,autonomous]",
        "route 2001:db8::/32 [high]",
        "rdnss 2001:db8:1::54 []",
        "rdnss 2001:db8:1::55 []",
        "dnssl corp.example. []",
    ];
    assert_eq!(facts(&after), expected, "only what was named has changed");
    let source = &after["sources"][0];
    let said = (&source["sequence"], &source["delay"], &source["parameters"]["mtu"], &after["pvd"]["handle"]);
    assert_eq!(said, (&json!(4), &json!(2), &json!(1400), &before["pvd"]["handle"]), "it is the same PvD");
    let half = ["pvd", "set", "work.example", "-n", "red", "--sequence", "5", "--prefix", "none", "--rdnss", "nobody"];
    assert_eq!(daemon.refusal(&half)["error"], "org.weft.Switch1.Invalid");
    assert_eq!(facts(&shown(&daemon, "work.example")), expected, "nothing of it was done");
    assert_eq!(shown(&daemon, "work.example")["sources"][0]["sequence"], 4);
    daemon.weft(&["pvd", "set", "work.example", "-n", "red", "--prefix", "none", "--http=false"]).expect_ok();
    let after = shown(&daemon, "work.example");
    assert_eq!((facts(&after).len(), &after["sources"][0]["flags"]), (4, &json!([])));
    assert_eq!(usage(&daemon, "red"), 1);
    daemon.weft(&["pvd", "delete", "WORK.example", "-n", "red"]).expect_ok();
    assert_eq!((daemon.json(&["pvd", "list"]), usage(&daemon, "red")), (json!([]), Value::Null));
    daemon.weft(&["pvd", "delete", "work.example", "-n", "red", "--if-exists"]).expect_ok();
}

#[test]
fn what_an_operator_says_comes_before_what_a_router_says() {
    let scene = Scene::new();
    let daemon = &scene.daemon;
    daemon.add_port("red", "r1", 4, &["--role", "router"]);
    let mut router = daemon.attach("r1", 4);
    advertise(&mut router, "a.example", 1);
    advertise(&mut router, "b.example", 2);
    let known = |name: &str| facts(&shown(daemon, name));
    let listed = || daemon.json(&["pvd", "list", "red"]).as_array().map_or(0, Vec::len);
    until("both PvDs of red", Deadline::patient(), || listed() == 2);
    let learnt = daemon.refusal(&["pvd", "delete", "a.example", "-n", "red"]);
    assert_eq!(
        (&learnt["error"], &learnt["parameters"]["field"]),
        (&json!("org.weft.Switch1.Invalid"), &json!("name"))
    );
    // It takes the prefix of the other one, and says something else of its own.
    let create = ["pvd", "create", "a.example", "-n", "red", "--sequence", "99", "--legacy"];
    let made = daemon.json(&[&create[..], &["--prefix", "2001:db8:2::/64,on-link"]].concat());
    assert_eq!((&made["static"], &made["routers"], &made["number"]), (&json!(true), &json!(1), &json!(1)));
    let both = ["prefix 2001:db8:1::/64 [on-link,autonomous]", "prefix 2001:db8:2::/64 [on-link]"];
    assert_eq!((known("a.example"), known("b.example")), (both.map(str::to_owned).to_vec(), vec![]));
    let page = daemon.weft(&["pvd", "show", "a.example", "-n", "red"]).expect_ok();
    for part in ["named        by an operator", "2, of which routers add 1", "from         operator", "behind port r1"]
    {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    // The router goes on, and gets neither back.
    let heard = |name: &str| {
        let sources = shown(daemon, name)["sources"].clone();
        sources.as_array().and_then(|all| all.last()).and_then(|last| last["heard"].as_u64()).unwrap_or(0)
    };
    let before = heard("b.example");
    advertise(&mut router, "b.example", 2);
    until("the router to be heard again", Deadline::patient(), || heard("b.example") > before);
    assert_eq!(known("b.example"), Vec::<String>::new());
    let first = shown(daemon, "a.example")["sources"][0].clone();
    assert_eq!((first.get("router"), &first["sequence"], &first["flags"]), (None, &json!(99), &json!(["legacy"])));
    daemon.weft(&["port", "del", "red:r1", "--force"]).expect_ok();
    assert_eq!((listed(), known("a.example").len()), (1, 1), "what the operator said is what is left");
}

#[test]
fn a_tenant_makes_pvds_in_his_namespaces_within_his_quota() {
    let scene = Scene::new();
    scene.daemon.weft(&["namespace", "set", "red", "--quota", "pvds=2"]).expect_ok();
    let create = |name: &str, namespace: &str| scene.weft(&["pvd", "create", name, "-n", namespace]);
    scene.weft(&["pvd", "create", "a.example", "-n", "/", "--prefix", "2001:db8::/64"]).expect_ok();
    create("a.example", "dev").expect_ok();
    let (error, code, whole) = scene.refusal(&["pvd", "create", "b.example", "-n", "dev"]);
    assert_eq!((error.as_str(), code), ("Limit", 5), "{whole}");
    let own = scene.json(&["pvd", "list"]);
    let names: Vec<String> = own.as_array().expect("a list").iter().map(|pvd| pvd["namespace"].to_string()).collect();
    assert_eq!(names, ["\"/\"", "\"dev\""]);
    let seen = scene.daemon.json(&["pvd", "show", "a.example", "-n", "red/dev"]);
    assert_eq!((&seen["pvd"]["static"], &seen["pvd"]["number"]), (&json!(true), &json!(2)));
    scene.weft(&["pvd", "set", "a.example", "-n", "dev", "--mtu", "1400"]).expect_ok();
    scene.weft(&["pvd", "delete", "a.example", "-n", "dev"]).expect_ok();
    let (error, _, whole) = scene.refusal(&["pvd", "create", "b.example", "-n", "/", "--prefix", "2001:db8::/64"]);
    assert_eq!((error.as_str(), &whole["parameters"]["by"]), ("InUse", &json!("PvD \"/:a.example.\"")));
    // What hosts are told is the operator's: who tells them speaks as a router.
    let announce = ["--announce", "fe80::1", "--announce-mac", "02:00:00:00:01:01"];
    let tell = |name: &'static str| [&["pvd", "set", name, "-n", "/"], &announce[..]].concat();
    assert_eq!(scene.refusal(&tell("a.example")).0, "Denied");
    scene.daemon.weft(&[&["pvd", "set", "a.example", "-n", "red"], &announce[..]].concat()).expect_ok();
    let shown = scene.json(&["pvd", "show", "a.example"]);
    let told = json!({ "router": "fe80::1", "mac": "02:00:00:00:01:01", "lifetime_s": 0, "inner": false });
    assert_eq!(shown["announce"], told);
    assert_eq!(scene.refusal(&["pvd", "delete", "a.example", "-n", "/"]).0, "Denied");
    scene.daemon.weft(&["pvd", "set", "a.example", "-n", "red", "--no-announce"]).expect_ok();
    scene.weft(&["pvd", "delete", "a.example", "-n", "/"]).expect_ok();
}
