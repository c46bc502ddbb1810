// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Links: what may be joined, and that both ends come and go together.

use super::*;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::collections::BTreeSet;

pub(super) fn link(one: &str, other: &str) -> Request {
    Request::LinkAdd { ends: [port(one), port(other)], mtu: None, routers: false }
}

/// A chain of three namespaces, red - blue - green, and one that is not linked.
pub(super) fn linked() -> Control {
    let mut control = switch();
    for namespace in ["green", "grey", "red/dev"] {
        control.handle_request(Request::NamespaceAdd(path(namespace), NamespaceSpec::default())).unwrap();
    }
    control.handle_request(link("red:up", "blue:down")).unwrap();
    control.handle_request(link("blue:up", "green:down")).unwrap();
    actions(&mut control);
    control
}

fn state(control: &Control, end: &str) -> (State, Option<PortPath>) {
    let view = control.operator().port(&port(end).into()).unwrap();
    (view.state, view.far)
}

#[test]
fn test_a_link_is_two_ports_that_lead_to_each_other() {
    let mut control = linked();
    assert_eq!(state(&control, "red:up"), (State::Up, Some(port("blue:down"))));
    assert_eq!(state(&control, "blue:down"), (State::Up, Some(port("red:up"))));
    assert!(control.opening(&port("red:up")).is_none(), "nobody attaches to it");
    let set = |mtu| Request::PortSet(port("red:up"), PortChange { mtu, limits: limited(10), ..PortChange::default() });
    control.handle_request(set(Some(9000))).unwrap();
    assert_eq!(state(&control, "red:up").0, State::Up);
    control.handle_request(Request::LinkDel(port("blue:down"))).unwrap();
    assert_eq!(ports(&control), ["green:down", "blue:up", "red:vm1"]);
    control.handle_tick(NOW);
    assert_eq!(control.retired(), 0, "neither end holds the other");
}

#[test]
fn test_what_must_not_be_linked_is_refused_and_changes_nothing() {
    let mut control = linked();
    let before = control.desired().clone();
    let macs = Some(MacPolicy::Own);
    let own = Request::PortSet(port("red:up"), PortChange { macs, ..PortChange::default() });
    for (request, why) in [
        (link("red:a", "red:b"), "expected a port of another namespace than red"),
        (link("red:a", "none:b"), r#"namespace "none" not found"#),
        (link("none:a", "red:b"), r#"namespace "none" not found"#),
        (link("red:vm1", "grey:b"), r#"port "red:vm1" exists already"#),
        (link("grey:a", "red:vm1"), r#"port "red:vm1" exists already"#),
        (link("grey:a", "red:up"), r#"port "red:up" exists already"#),
        (link("red:a", "blue:b"), "one more would make a loop"),
        (link("red:a", "green:b"), r#"namespace "red" is in use by links with namespace "green" already"#),
        (link("green:a", "red:b"), "one more would make a loop"),
        (Request::PortDel { port: port("red:up"), force: true }, "`weft link del` takes both away"),
        (Request::LinkDel(port("red:vm1")), "expected an end of a link"),
        (own, "a whole namespace is behind an end of a link"),
        (Request::LinkDel(port("red:none")), "not found"),
    ] {
        let refusal = control.handle_request(request.clone()).expect_err(&format!("{request:?}")).to_string();
        assert!(refusal.contains(why), "{request:?}: {refusal}");
        assert_eq!(*control.desired(), before);
    }
    assert_eq!(state(&control, "red:up").0, State::Up, "what was taken back step by step is as it was");
    control.handle_request(link("grey:a", "green:up")).unwrap();
    control.handle_request(Request::LinkDel(port("blue:up"))).unwrap();
    control.handle_request(link("red:a", "grey:b")).unwrap();
}

#[test]
fn test_links_go_before_what_they_hang_on_and_their_other_ends_too() {
    let mut control = linked();
    control.handle_request(link("red/dev:up", "grey:down")).unwrap();
    let del = Request::NamespaceDel { path: path("red"), recursive: true, force: false };
    control.handle_request(del).unwrap();
    assert_eq!(ports(&control), ["green:down", "blue:up"]);
    control.reap();
    assert!(control.operator().zombies().is_empty(), "nobody reads them over a link");
}

#[test]
fn test_a_whole_configuration_links_and_parts_and_a_refused_one_restores() {
    let mut control = linked();
    let linked = control.desired().clone();
    let mut next = Desired::default();
    for namespace in ["red", "blue"] {
        next.add_namespace(path(namespace), NamespaceSpec::default()).unwrap();
    }
    for (name, spec) in crate::link_ends(&[port("red:a"), port("blue:b")], Some(9000), true) {
        next.add_port(name, spec).unwrap();
    }
    control.handle_request(Request::Apply(next.clone())).unwrap();
    assert_eq!((state(&control, "red:a").0, ports(&control)), (State::Up, vec!["red:a".into(), "blue:b".into()]));
    control.handle_request(Request::Apply(linked)).unwrap();
    assert_eq!(state(&control, "red:up").0, State::Up);
    // A table that is made anew takes the ends in it along, and they join again.
    let mut resized = control.desired().clone();
    let ends: Vec<_> = resized.ports_of(&path("blue")).map(|(path, spec)| (path.clone(), spec.clone())).collect();
    ends.iter().for_each(|(path, _)| resized.del_port(path).unwrap());
    resized.del_namespace(&path("blue")).unwrap();
    resized.add_namespace(path("blue"), NamespaceSpec { macs_max: 64, ..NamespaceSpec::default() }).unwrap();
    ends.into_iter().for_each(|(path, spec)| resized.add_port(path.name, spec).unwrap());
    control.handle_request(Request::Apply(resized.clone())).unwrap();
    for end in ["red:up", "blue:down", "blue:up", "green:down"] {
        assert_eq!(state(&control, end).0, State::Up, "{end}");
    }
    control.register_subsystem(Picky("z")).unwrap();
    let mut refused = next;
    refused.add_namespace(path("z"), NamespaceSpec::default()).unwrap();
    control.handle_request(Request::Apply(refused)).unwrap_err();
    assert_eq!(*control.desired(), resized);
    assert_eq!(state(&control, "red:up"), (State::Up, Some(port("blue:down"))));
}

#[test]
fn test_who_sees_one_end_does_not_learn_of_the_other() {
    let control = linked();
    let red = control.view(control.operator().observer(&path("red")).unwrap()).unwrap();
    let end = red.port(&port("/:up").into()).unwrap();
    assert_eq!((end.state, end.far), (State::Up, None));
    assert!(!format!("{:?}", end.spec).contains("blue"), "{:?}", end.spec);
}

/// Namespaces of the model.
const MANY: usize = 6;

#[derive(Clone, Debug)]
enum Act {
    Link(usize, usize),
    Part(usize),
    Destroy(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..MANY, 0..MANY).prop_map(|(a, b)| Act::Link(a, b)),
        1 => any::<usize>().prop_map(Act::Part),
        1 => (0..MANY).prop_map(Act::Destroy),
    ]
}

/// The end of the link from `a` to `b`.
fn end(a: usize, b: usize) -> PortPath {
    port(&format!("n{a}:to{b}"))
}

/// All that are linked with `from`, over any number of links.
fn reach(links: &BTreeSet<(usize, usize)>, from: usize) -> BTreeSet<usize> {
    let mut all = BTreeSet::from([from]);
    for _ in 0..MANY {
        let next = links.iter().filter(|(a, b)| all.contains(a) || all.contains(b)).flat_map(|&(a, b)| [a, b]);
        all.extend(next.collect::<Vec<_>>());
    }
    all
}

proptest! {
    #[test]
    fn test_links_are_what_a_plain_model_says(acts in proptest::collection::vec(act(), 1..60)) {
        let mut control = Control::new(1, BTreeMap::new());
        let add = |control: &mut Control, n| {
            let request = Request::NamespaceAdd(path(&format!("n{n}")), NamespaceSpec::default());
            control.handle_request(request).map(drop)
        };
        (0..MANY).for_each(|n| add(&mut control, n).unwrap());
        let mut links: BTreeSet<(usize, usize)> = BTreeSet::new();
        for act in acts {
            match act {
                Act::Link(a, b) => {
                    let ends = [end(a, b), end(b, a)];
                    let done = control.handle_request(Request::LinkAdd { ends, mtu: None, routers: false });
                    prop_assert_eq!(done.is_ok(), !reach(&links, a).contains(&b), "{} - {}: {:?}", a, b, done);
                    links.extend(done.is_ok().then_some((a, b)));
                }
                Act::Part(which) => {
                    let Some(&(a, b)) = links.iter().nth(which % links.len().max(1)) else { continue };
                    control.handle_request(Request::LinkDel(end(a, b))).unwrap();
                    links.remove(&(a, b));
                }
                Act::Destroy(n) => {
                    let del = Request::NamespaceDel { path: path(&format!("n{n}")), recursive: true, force: false };
                    control.handle_request(del).unwrap();
                    links.retain(|&(a, b)| a != n && b != n);
                    add(&mut control, n).unwrap();
                }
            }
            let views = control.operator().ports(None).unwrap();
            prop_assert_eq!(views.len(), 2 * links.len());
            prop_assert!(views.iter().all(|view| view.state == State::Up));
            control.handle_tick(NOW);
            prop_assert_eq!(control.retired(), 0);
            let books = control.plant.tree.subtree(&NamespacePath::root());
            let books: Vec<_> = books.map(|n| (n.handle(), n.get(control.plant.peers).unwrap())).collect();
            let known: BTreeSet<_> = books.iter().flat_map(|(n, book)| book.iter().map(|(peer, _)| (*n, peer))).collect();
            prop_assert!(known.iter().all(|&(one, other)| known.contains(&(other, one))), "both know or neither");
            prop_assert!(known.iter().all(|&(_, peer)| control.plant.tree.get(peer).is_some()), "nobody knows the dead");
            prop_assert!(views.iter().all(|view| view.peer.is_some()));
        }
    }
}
