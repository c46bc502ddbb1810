// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Namespaces that are made for ports which come, and the numbers that they get.

use super::handover::id;
use super::*;
use crate::handover::{Missing, Move};

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
