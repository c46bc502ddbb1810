// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a tenant sees of the namespaces that his are linked with, and what he does not.
use serde_json::{Value, json};

use crate::tenant::Scene;

#[test]
fn a_tenant_has_a_number_for_whom_he_is_linked_with_and_no_name() {
    let mut scene = Scene::new();
    for (one, other) in [("red:up", "blue:theirs"), ("red:in", "red/dev:out"), ("red/dev:up", "blue/dev:theirs")] {
        scene.daemon.weft(&["link", "add", one, other]).expect_ok();
    }
    let seen = |scene: &Scene| {
        let links = scene.weft(&["link", "list", "--no-header"]).expect_ok();
        let words = links.lines().map(|line| line.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
        (words.collect::<Vec<_>>(), scene.json(&["namespace", "show", "/"])["peers"].clone())
    };
    let peers = json!([{ "number": 1 }, { "number": 2, "name": "dev" }]);
    let links = ["/:in dev:out up", "/:up peer 1", "dev:up peer 2"].map(str::to_owned).to_vec();
    assert_eq!(seen(&scene), (links, peers));
    let end = scene.json(&["port", "show", "/:up"]);
    assert_eq!((&end["peer"], end.get("far"), end.get("vhost_user")), (&json!(1), None, None));
    let page = scene.weft(&["namespace", "show", "dev"]).expect_ok();
    assert!(page.contains("linked with  peer 1 (/), peer 2 (out of sight)"), "{page}");
    for arguments in [["link", "list"], ["port", "list"], ["namespace", "show"], ["port", "show"]] {
        let text = scene.weft(&[&arguments[..], &["--json"]].concat()).expect_ok();
        assert!(!text.contains("blue") && !text.contains("theirs"), "{arguments:?}: {text}");
    }
    let whole: Value = scene.daemon.json(&["namespace", "show", "red"]);
    assert_eq!(whole["peers"], json!([{ "number": 1, "name": "blue" }, { "number": 2, "name": "red/dev" }]));
    let before = seen(&scene);
    scene.daemon.kill_9();
    scene.daemon.restart();
    assert_eq!(seen(&scene), before, "the same numbers");
    scene.daemon.weft(&["namespace", "del", "blue", "--recursive", "--force"]).expect_ok();
    assert_eq!(seen(&scene), (vec!["/:in dev:out up".to_owned()], json!([{ "number": 2, "name": "dev" }])));
}
