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
