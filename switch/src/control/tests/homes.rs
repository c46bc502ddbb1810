// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Namespaces that are made for ports which come, and the numbers that they get.

use super::handover::id;
use super::stated::said;
use super::*;
use crate::handover::{Missing, Move};
use crate::stated::PvdKey;

/// A port of red/dev/web, which is 2 in red/dev and 4 in red, while red/dev is 3 in red.
fn moved() -> Move {
    let mut control = switch();
    let mut add =
        |text: &str| control.handle_request(Request::NamespaceAdd(path(text), NamespaceSpec::default())).unwrap();
    for text in ["red/a", "red/b", "red/dev", "red/dev/a", "red/dev/web"] {
        add(text);
    }
    control.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "red/dev/web"))).unwrap();
    control.export_port(&port("red/dev/web:vm1"), id(1), Instant::default()).unwrap()
}

/// The numbers of a namespace, its parent's first.
fn numbers(control: &Control, text: &str) -> Vec<u32> {
    control.numbers().namespaces[&path(text)].clone()
}

#[test]
fn test_namespaces_are_made_with_the_numbers_that_they_had() {
    let moved = moved();
    assert_eq!(moved.numbers.namespaces, [vec![2, 5], vec![3]]);
    let mut there = switch();
    let refused = there.import_port(&moved, Missing::Refused).unwrap_err().to_string();
    assert_eq!(refused, r#"namespace "red/dev/web" not found"#);
    there.import_port(&moved, Missing::Made).unwrap();
    assert_eq!((&numbers(&there, "red/dev")[..1], &numbers(&there, "red/dev/web")[..2]), (&[3][..], &[2, 5][..]));
    assert!(there.desired().port(&moved.port).is_ok());
}

#[test]
fn test_one_that_is_there_keeps_its_number_and_a_number_that_is_taken_is_refused() {
    let moved = moved();
    let mut there = switch();
    there.handle_request(Request::NamespaceAdd(path("red/dev"), NamespaceSpec::default())).unwrap();
    let kept = numbers(&there, "red/dev");
    assert_ne!(kept[0], 3);
    there.import_port(&moved, Missing::Made).unwrap();
    assert_eq!((numbers(&there, "red/dev"), numbers(&there, "red/dev/web")[0]), (kept, 2));
    let mut there = switch();
    let other = Request::NamespaceAddAs(path("red/other"), NamespaceSpec::default(), vec![3]);
    there.handle_request(other).unwrap();
    let before = (there.desired().clone(), there.numbers());
    let refused = there.import_port(&moved, Missing::Made).unwrap_err().to_string();
    assert_eq!(refused, r#"number "3" is in use by another of namespace "red""#);
    assert_eq!((there.desired().clone(), there.numbers()), before, "nothing is left behind");
}

#[test]
fn test_numbers_of_the_root_are_not_for_others_to_say() {
    for namespaces in [vec![vec![2, 5, 9]], vec![vec![], vec![3, 9]], vec![vec![], vec![], vec![1]], vec![vec![]; 4]] {
        let mut moved = moved();
        moved.numbers.namespaces = namespaces;
        let refused = switch().import_port(&moved, Missing::Made).unwrap_err().to_string();
        assert!(refused.starts_with("namespaces: "), "{refused}");
    }
}

/// A static PvD of red/dev.
fn pvd(name: &str) -> PvdKey {
    PvdKey { namespace: path("red/dev"), name: name.parse().unwrap() }
}

fn with_pvds(control: &mut Control, names: &[&str]) {
    control.handle_request(Request::NamespaceAdd(path("red/dev"), NamespaceSpec::default())).unwrap();
    for name in names {
        control.handle_request(Request::PvdAdd(pvd(name), said(&[]))).unwrap();
    }
}

#[test]
fn test_static_pvds_come_with_their_numbers_as_far_as_these_are_free() {
    let mut source = switch();
    with_pvds(&mut source, &["a.example", "b.example", "c.example"]);
    source.handle_request(Request::PvdDel(pvd("a.example"))).unwrap();
    source.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "red/dev"))).unwrap();
    let moved = source.export_port(&port("red/dev:vm1"), id(1), Instant::default()).unwrap();
    let left: Vec<_> = moved.numbers.pvds.values().cloned().collect();
    assert_eq!(left, [vec![2, 2], vec![3, 3]], "the root's are this host's");
    let of = |control: &Control, name: &str| control.numbers().pvds[&pvd(name)][..2].to_vec();
    let mut there = switch();
    there.import_port(&moved, Missing::Made).unwrap();
    assert_eq!((of(&there, "b.example"), of(&there, "c.example")), (vec![2, 2], vec![3, 3]));
    // What is there keeps its own, and what is taken is another's.
    let mut there = switch();
    with_pvds(&mut there, &["c.example", "x.example"]);
    there.import_port(&moved, Missing::Refused).unwrap();
    assert_eq!(["c", "x", "b"].map(|name| of(&there, &format!("{name}.example"))[0]), [1, 2, 3]);
    // A number is not kept for one that may come later.
    there.handle_request(Request::PvdDel(pvd("c.example"))).unwrap();
    there.handle_request(Request::PvdAdd(pvd("c.example"), said(&[]))).unwrap();
    assert_eq!(of(&there, "c.example")[0], 4);
    // The root's numbers are not for others to say.
    let mut lie = moved;
    lie.numbers.pvds.values_mut().for_each(|numbers| numbers.push(9));
    let refused = switch().import_port(&lie, Missing::Made).unwrap_err().to_string();
    assert!(refused.contains("the root aside"), "{refused}");
}

/// A switch that has nothing but `red`, and what a port brings which is not wanted then: two namespaces and a static PvD.
fn brought(act: impl FnOnce(&mut Control, &Move)) -> Vec<String> {
    let mut source = switch();
    with_pvds(&mut source, &["a.example"]);
    source.handle_request(Request::NamespaceAdd(path("red/dev/web"), NamespaceSpec::default())).unwrap();
    source
        .handle_request(Request::PvdAdd(PvdKey { namespace: path("red/dev/web"), ..pvd("b.example") }, said(&[])))
        .unwrap();
    source.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "red/dev/web"))).unwrap();
    let moved = source.export_port(&port("red/dev/web:vm1"), id(1), Instant::default()).unwrap();
    let mut there = switch();
    there.import_port(&moved, Missing::Made).unwrap();
    act(&mut there, &moved);
    there.handle_request(Request::PortDel { port: moved.port.clone(), force: true }).unwrap();
    if let Some(rest) = there.without_made(&moved.port) {
        there.handle_request(Request::Apply(rest)).unwrap();
    }
    assert_eq!(there.without_made(&moved.port), None, "once is enough");
    let namespaces = there.desired().namespaces().keys().map(ToString::to_string);
    namespaces.filter(|path| path.starts_with("red/")).chain(there.desired().pvds().keys().map(PvdKey::label)).collect()
}

#[test]
fn test_what_was_made_for_a_port_that_does_not_stay_goes_with_it() {
    assert_eq!(brought(|_, _| ()), [""; 0]);
    let all = ["red/dev", "red/dev/web", "red/dev/web:b.example."];
    let ask = |request: Request| brought(|there, _| drop(there.handle_request(request).unwrap()));
    let add = |text: &str| Request::NamespaceAdd(path(text), NamespaceSpec::default());
    let add_port = |home: &str| Request::PortAdd(name("vm9"), spec("vm9", home));
    assert_eq!(ask(add("red/dev/b")), ["red/dev", "red/dev/b"], "what holds something else stays");
    assert_eq!(ask(add_port("red/dev")), ["red/dev"]);
    assert_eq!(ask(add_port("red/dev/web")), all, "and whatever is used");
    assert_eq!(ask(add_port("red")), [""; 0], "elsewhere");
    let key = PvdKey { namespace: path("red/dev/web"), ..pvd("b.example") };
    assert_eq!(ask(Request::PvdSet(key.clone(), said(&["2001:db8:7::/64"]))), all, "and whatever was changed");
    assert_eq!(ask(Request::PvdDel(key)), [""; 0]);
    let change = NamespaceChange { age: Some(Duration::from_secs(99)), ..NamespaceChange::default() };
    assert_eq!(ask(Request::NamespaceSet(path("red/dev"), change)), ["red/dev"]);
}

#[test]
fn test_what_was_made_for_a_port_is_known_after_a_restart() {
    let restart = |there: &mut Control, more: &dyn Fn(&mut Control), base: &Desired| {
        let mut next = Control::restored(1, there.offered().clone(), there.numbers());
        next.restore_moves(there.moves().clone());
        next.handle_request(Request::Apply(there.desired().clone())).unwrap();
        more(&mut next);
        next.restore_made(there.made().clone());
        next.made_by_operator(base);
        *there = next;
    };
    let nothing = Desired::default();
    assert_eq!(brought(|there, _| restart(there, &|_| (), &nothing)), [""; 0]);
    let all = ["red/dev", "red/dev/web", "red/dev/web:b.example."];
    let add_port = |next: &mut Control| {
        next.handle_request(Request::PortAdd(name("vm9"), spec("vm9", "red/dev/web"))).unwrap();
    };
    assert_eq!(brought(|there, _| restart(there, &add_port, &nothing)), all, "somebody has a port there by now");
    let mut base = Desired::default();
    for home in ["red", "red/dev"] {
        base.add_namespace(path(home), NamespaceSpec::default()).unwrap();
    }
    assert_eq!(brought(|there, _| restart(there, &|_| (), &base)), ["red/dev"], "it stands in the configuration");
    let gone = |next: &mut Control| {
        next.handle_request(Request::PvdDel(PvdKey { namespace: path("red/dev/web"), ..pvd("b.example") })).unwrap();
    };
    let known = |there: &mut Control| {
        restart(there, &gone, &nothing);
        there.made().pvds.len()
    };
    assert_eq!(brought(|there, _| assert_eq!(known(there), 0)), [""; 0]);
}

#[test]
fn test_what_was_made_for_a_port_stays_while_another_is_to_come() {
    let other = |there: &mut Control, moved: &Move| {
        let vm2 = PortPath::new(moved.port.namespace.clone(), name("vm2"));
        let spec = spec("vm2", "red/dev/web");
        let another = Move {
            id: id(2),
            port: vm2,
            spec,
            numbers: crate::handover::NumbersLeft { port: vec![9], ..moved.numbers.clone() },
            ..moved.clone()
        };
        there.import_port(&another, Missing::Made).unwrap();
    };
    let all = ["red/dev", "red/dev/web", "red/dev/web:b.example."];
    assert_eq!(brought(other), all);
}
