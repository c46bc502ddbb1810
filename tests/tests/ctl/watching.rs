// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft pvd watch` beside a real weftd: while routers speak, when weftd is killed and comes back, and for a tenant.
use serde_json::{Value, json};
use tests::wait::{Deadline, for_value};
use tests::weftd::{Watch, Weftd};

use crate::learnt::advertise;
use crate::tenant::Scene;

fn said(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_owned())
}

#[test]
fn a_watch_outlives_weftd_and_tells_what_there_is_then() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "r1", 4, &["--role", "router"]);
    let mut router = daemon.attach("r1", 4);
    let watch = Watch::start(&daemon.folder().join("ctl.sock"), &["red"]);
    assert_eq!(watch.next("the beginning"), json!({ "kind": "begin", "seq": 0 }));
    advertise(&mut router, "a.example", 1);
    let first = watch.next("a PvD that is new");
    assert_eq!((&first["kind"], &first["name"]), (&json!("new"), &json!("a.example.")));
    let whats: Vec<&Value> = first["changes"].as_array().expect("a list").iter().map(|it| &it["what"]).collect();
    assert_eq!(whats, ["source", "default-router", "prefix"]);
    advertise(&mut router, "a.example", 1);
    advertise(&mut router, "b.example", 1);
    let moved = watch.next("a prefix that moves");
    let gone = moved["changes"].as_array().expect("a list").iter().find(|change| change["what"] == "prefix");
    let gone = gone.unwrap_or_else(|| panic!("no prefix: {moved}"));
    assert_eq!((&moved["name"], &gone["op"], &gone["why"]), (&json!("a.example."), &json!("del"), &json!("moved")));
    assert_eq!(watch.event("the PvD that has it"), said("new", "b.example."));
    daemon.restart();
    let missed = watch.next("word that some are missed");
    assert_eq!(missed["kind"], "missed", "{missed}");
    drop(router);
    let mut router = daemon.attach("r1", 4);
    advertise(&mut router, "c.example", 3);
    let after = watch.next("a PvD of the new weftd");
    assert_eq!((&after["kind"], &after["name"]), (&json!("new"), &json!("c.example.")));
    assert!(after["seq"].as_u64() > first["seq"].as_u64(), "numbers go on: {after}");
    let since = first["seq"].to_string();
    let late = Watch::start(&daemon.folder().join("ctl.sock"), &["red", "--since", &since]);
    assert_eq!(late.next("word that some are missed")["kind"], "missed");
    let listed = late.next("what there is");
    assert_eq!((&listed["kind"], &listed["pvd"]["name"]), (&json!("listed"), &json!("c.example.")));
    daemon.weft(&["port", "del", "red:r1", "--force"]).expect_ok();
    for watch in [&watch, &late] {
        assert_eq!(watch.event("the end"), said("delete", "c.example."));
    }
    daemon.weft(&["namespace", "del", "red"]).expect_ok();
    let mut watch = watch;
    let code = for_value("the end of the watch", Deadline::patient(), || watch.ended());
    assert_eq!(code.code(), Some(2), "there is no such namespace");
}

#[test]
fn a_watch_of_all_below_says_where_and_goes_on_with_what_is_made_meanwhile() {
    let mut daemon = Weftd::start();
    for (namespace, router, number) in [("red", "r1", 4), ("red/dev", "r2", 5), ("blue", "r3", 6)] {
        daemon.add_namespace(namespace);
        daemon.add_port(namespace, router, number, &["--role", "router"]);
    }
    let mut routers = [("r1", 4), ("r2", 5), ("r3", 6)].map(|(port, number)| daemon.attach(port, number));
    let socket = daemon.folder().join("ctl.sock");
    let watch = Watch::start(&socket, &["red", "--recursive"]);
    assert_eq!(watch.next("the beginning"), json!({ "kind": "begin", "seq": 0 }));
    advertise(&mut routers[2], "c.example", 3);
    let place = |watch: &Watch, what: &str| {
        let event = watch.next(what);
        (event["namespace"].clone(), event["kind"].clone(), event["name"].clone())
    };
    advertise(&mut routers[1], "b.example", 2);
    assert_eq!(place(&watch, "one below"), (json!("red/dev"), json!("new"), json!("b.example.")));
    advertise(&mut routers[0], "a.example", 1);
    assert_eq!(place(&watch, "its own"), (json!("red"), json!("new"), json!("a.example.")));
    daemon.weft(&["namespace", "add", "red/qa"]).expect_ok();
    daemon.weft(&["pvd", "create", "d.example", "-n", "red/qa"]).expect_ok();
    assert_eq!(place(&watch, "a new one"), (json!("red/qa"), json!("new"), json!("d.example.")));
    let all = Watch::start(&socket, &["--recursive", "--since", "0"]);
    let mut told: Vec<String> = (0..4).map(|_| place(&all, "all that is known").0.to_string()).collect();
    told.sort();
    assert_eq!(told, ["\"blue\"", "\"red\"", "\"red/dev\"", "\"red/qa\""]);
    drop(routers);
    daemon.restart();
    let missed = for_value("word from the new weftd", Deadline::patient(), || {
        let document = watch.try_next()?;
        (document["kind"] == "missed" && document["namespace"] == "red/dev").then_some(document)
    });
    assert!(missed["seq"].is_u64(), "{missed}");
    let refused = daemon.weft(&["pvd", "watch", "red", "--recursive", "--since", "7"]);
    assert!(refused.status != 0 && refused.stderr.contains("since"), "{}", refused.stderr);
}

#[test]
fn a_tenant_watches_what_is_his() {
    let scene = Scene::new();
    scene.daemon.add_port("red", "r1", 4, &["--role", "router"]);
    scene.daemon.add_port("blue", "r2", 5, &["--role", "router"]);
    let (mut red, mut blue) = (scene.daemon.attach("r1", 4), scene.daemon.attach("r2", 5));
    let (own, operators) = (Watch::start(&scene.socket(), &["--since", "0"]), scene.daemon.folder().join("ctl.sock"));
    let others = Watch::start(&operators, &["blue", "--since", "0"]);
    advertise(&mut blue, "b.example", 2);
    assert_eq!(others.event("blue's"), said("new", "b.example."));
    advertise(&mut red, "a.example", 1);
    assert_eq!(own.event("his own"), said("new", "a.example."));
    assert_eq!(scene.refusal(&["pvd", "watch", "blue"]).0, "NotFound", "there is no blue");
    scene.daemon.weft(&["namespace", "undelegate", "red"]).expect_ok();
    assert!(own.try_next().is_none(), "and nothing of others");
}
