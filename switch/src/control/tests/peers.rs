// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Peers: by which numbers linked namespaces know each other, for how long, and what that tells to whom.

use super::links::{link, linked};
use super::*;
use crate::view::PeerView;

/// What a namespace is linked with, as somebody in `base` sees it: `1 blue`, `2 ?`.
fn peers(control: &Control, base: &str, namespace: &str) -> Vec<String> {
    let view = control.view(control.operator().observer(&path(base)).unwrap()).unwrap();
    let said = |PeerView { number, path }: PeerView| {
        format!("{number} {}", path.map_or("?".to_owned(), |path| path.to_string()))
    };
    view.namespace(&path(namespace)).unwrap().peers.into_iter().map(said).collect()
}

fn add(control: &mut Control, namespace: &str) {
    control.handle_request(Request::NamespaceAdd(path(namespace), NamespaceSpec::default())).unwrap();
}

fn kill(control: &mut Control, namespace: &str) {
    let del = Request::NamespaceDel { path: path(namespace), recursive: true, force: false };
    control.handle_request(del).unwrap();
}

#[test]
fn test_each_namespace_numbers_its_peers_for_itself() {
    let mut control = linked();
    assert_eq!(peers(&control, "/", "blue"), ["1 red", "2 green"]);
    assert_eq!(
        (peers(&control, "/", "red"), peers(&control, "/", "green")),
        (vec!["1 blue".into()], vec!["1 blue".into()])
    );
    assert!(peers(&control, "/", "grey").is_empty());
    control.handle_request(link("red/dev:up", "green:up")).unwrap();
    assert_eq!(peers(&control, "/", "green"), ["1 blue", "2 red/dev"]);
    assert_eq!(peers(&control, "red", "dev"), ["1 ?"]);
    control.handle_request(Request::LinkDel(port("green:up"))).unwrap();
    control.handle_request(Request::LinkDel(port("blue:down"))).unwrap();
    control.handle_request(link("red/dev:out", "red:in")).unwrap();
    assert_eq!(peers(&control, "red", "dev"), ["2 /"], "its second");
}

#[test]
fn test_a_peer_keeps_its_number_while_it_lives_and_nobody_sees_it_without_a_link() {
    let mut control = linked();
    control.handle_request(Request::LinkDel(port("red:up"))).unwrap();
    assert_eq!((peers(&control, "/", "blue"), peers(&control, "/", "red")), (vec!["2 green".into()], vec![]));
    control.handle_request(link("grey:up", "blue:x")).unwrap();
    control.handle_request(link("blue:y", "red:z")).unwrap();
    assert_eq!(peers(&control, "/", "blue"), ["1 red", "2 green", "3 grey"]);
}

#[test]
fn test_a_peer_that_dies_is_forgotten_everywhere() {
    let mut control = linked();
    control.handle_request(Request::LinkDel(port("red:up"))).unwrap();
    kill(&mut control, "blue");
    for namespace in control.plant.tree.subtree(&NamespacePath::root()) {
        assert_eq!(namespace.get(control.plant.peers).unwrap().iter().count(), 0, "{}", namespace.path());
    }
    add(&mut control, "blue");
    control.handle_request(link("blue:x", "red:z")).unwrap();
    assert_eq!(peers(&control, "/", "red"), ["2 blue"], "another one of that path, and the number rests");
    assert_eq!(peers(&control, "/", "blue"), ["1 red"]);
}

#[test]
fn test_a_request_that_is_refused_introduces_nobody() {
    let mut control = linked();
    control.register_subsystem(Picky("z")).unwrap();
    let mut next = control.desired().clone();
    for (name, spec) in crate::link_ends(&[port("red/dev:a"), port("grey:b")], None, false) {
        next.add_port(name, spec).unwrap();
    }
    next.add_namespace(path("z"), NamespaceSpec::default()).unwrap();
    control.handle_request(Request::Apply(next)).unwrap_err();
    control.handle_request(link("red:x", "green:x")).unwrap_err();
    control.handle_request(link("grey:up", "green:x")).unwrap();
    assert_eq!(
        (peers(&control, "/", "grey"), peers(&control, "/", "green")),
        (vec!["1 green".into()], vec!["1 blue".into(), "2 grey".into()])
    );
}

#[test]
fn test_who_does_not_see_a_peer_has_its_number_and_no_more() {
    let control = linked();
    assert_eq!(
        (peers(&control, "red", "/"), peers(&control, "blue", "/")),
        (vec!["1 ?".into()], vec!["1 ?".into(), "2 ?".into()])
    );
    let red = control.view(control.operator().observer(&path("red")).unwrap()).unwrap();
    let end = red.port(&port("/:up").into()).unwrap();
    assert_eq!((end.far, end.peer), (None, Some(1)));
    let all = control.operator().ports(None).unwrap();
    let numbers: Vec<_> = all.iter().map(|port| (port.path().to_string(), port.peer)).collect();
    let expected =
        [("blue:down", Some(1)), ("green:down", Some(1)), ("blue:up", Some(2)), ("red:up", Some(1)), ("red:vm1", None)];
    assert_eq!(numbers, expected.map(|(port, peer)| (port.to_owned(), peer)));
}

#[test]
fn test_numbers_of_peers_survive_a_restart_and_not_a_namespace() {
    let mut control = linked();
    control.handle_request(link("grey:up", "blue:x")).unwrap();
    control.handle_request(Request::LinkDel(port("red:up"))).unwrap();
    control.handle_request(Request::LinkDel(port("blue:up"))).unwrap();
    let mut after = Control::restored(1, BTreeMap::new(), control.numbers());
    after.handle_request(Request::Apply(control.desired().clone())).unwrap();
    assert_eq!(after.numbers(), control.numbers());
    after.handle_request(link("blue:y", "red:z")).unwrap();
    assert_eq!(peers(&after, "/", "blue"), ["1 red", "3 grey"]);
    kill(&mut after, "green");
    let known: Vec<NamespacePath> = after.numbers().peers.into_values().flat_map(BTreeMap::into_keys).collect();
    assert!(!known.contains(&path("green")), "whatever comes under that name is another: {known:?}");
}
