// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Names that somebody may not know: that asking for one is the same work as asking for one that nobody has.

use super::*;
use crate::desired::FdbKey;
use crate::{Mode, Request, VhostUser};
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, prop_assume, proptest};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

fn path(text: &str) -> NamespacePath {
    text.parse().unwrap()
}

fn any_path() -> impl Strategy<Value = NamespacePath> {
    let name = "[ab0][ab0._-]{0,2}";
    proptest::collection::vec(name, 1..4).prop_map(|names| path(&names.join("/")))
}

/// How many bytes two paths have in common before they differ.
fn common(one: &NamespacePath, other: &NamespacePath) -> usize {
    one.as_str().bytes().zip(other.as_str().bytes()).take_while(|(a, b)| a == b).count()
}

proptest! {
    /// A look-up that compares in this order comes to the same place among what lies outside, whatever is asked for, and
    /// reads no byte of it on the way there.
    #[test]
    fn test_what_lies_outside_compares_alike_with_all_that_can_be_asked_for(
        base in any_path(), outside in any_path(), said in [any_path(), any_path()]
    ) {
        prop_assume!(!outside.is_within(&base));
        let asked = said.map(|said| base.join(&said));
        let name = |text: &str| -> Name { text.parse().unwrap() };
        let port = |at: &NamespacePath, text: &str| PortPath::new(at.clone(), name(text));
        let entry = |at: &NamespacePath, last| FdbKey::from((at.clone(), MacAddr([2, 0, 0, 0, 0, last])));
        let order = asked[0].cmp(&outside);
        prop_assert_eq!(order, base.cmp(&outside));
        for (at, last) in asked.iter().zip([1, 200]) {
            prop_assert!(at.is_within(&base) && common(at, &outside) <= base.as_str().len());
            prop_assert_eq!(at.cmp(&outside), order);
            prop_assert_eq!(port(at, if last == 1 { "a" } else { "z" }).cmp(&port(&outside, "m")), order);
            prop_assert_eq!(entry(at, last).cmp(&entry(&outside, 100)), order);
        }
    }
}

/// Comparisons of [`Counted`] paths; one test makes them.
static STEPS: AtomicUsize = AtomicUsize::new(0);

/// A path that counts how often it is compared.
struct Counted(NamespacePath);

impl Ord for Counted {
    fn cmp(&self, other: &Counted) -> Ordering {
        STEPS.fetch_add(1, Relaxed);
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Counted {
    fn partial_cmp(&self, other: &Counted) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Counted) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Counted {}

/// Tenants `x0`, `x2`, ... with a port `p0`, `p2`, ... each, and red, who sees `dev` and his own two ports.
fn switch() -> Control {
    let mut control = Control::new(1, BTreeMap::new());
    let tenants = (0..200).map(|i| format!("x{}", 2 * i));
    for namespace in tenants.chain(["red".to_owned(), "red/dev".to_owned()]) {
        control.handle_request(Request::NamespaceAdd(path(&namespace), NamespaceSpec::default())).unwrap();
    }
    let ports = (0..100).map(|i| (format!("x{}", 2 * i), format!("p{}", 2 * i)));
    for (home, port) in ports.chain([("red".to_owned(), "one".to_owned()), ("red/dev".to_owned(), "two".to_owned())]) {
        let socket = VhostUser { path: format!("/run/{port}"), mode: Mode::Server };
        let name: Name = port.parse().unwrap();
        let spec = PortSpec::new(&name, path(&home), socket);
        control.handle_request(Request::PortAdd(name, spec)).unwrap();
    }
    control
}

#[test]
fn test_a_name_of_others_takes_as_many_steps_as_one_that_nobody_has() {
    let control = switch();
    let red = control.view(control.operator().observer(&path("red")).unwrap()).unwrap();
    let all = control.plant.tree.subtree(&NamespacePath::root());
    let all: BTreeMap<Counted, ()> = all.map(|namespace| (Counted(namespace.path().clone()), ())).collect();
    let steps = |said: &str| {
        let asked = Counted(red.absolute(&path(said)));
        STEPS.store(0, Relaxed);
        assert!(!all.contains_key(&asked) && red.namespace(&path(said)).is_err(), "{said}");
        STEPS.load(Relaxed)
    };
    for i in 0..200 {
        let (theirs, nobodys) = (format!("x{}", 2 * i), format!("x{}", 2 * i + 1));
        assert!(control.operator().namespace(&path(&theirs)).is_ok());
        assert_eq!(steps(&theirs), steps(&nobodys), "{theirs}, {nobodys}");
    }
}

#[test]
fn test_a_port_of_others_is_looked_for_among_ones_own_only() {
    let control = switch();
    let red = control.view(control.operator().observer(&path("red")).unwrap()).unwrap();
    for said in ["p0", "p1", "x0:p0", "x1:p1", "x0:p1", "red:one", "dev:one"] {
        let said: PortRef = said.parse().unwrap();
        let mut looked_at = Vec::new();
        let seen = red.within().inspect(|port| looked_at.push(port.to_string()));
        assert!(said.resolve(&path("red"), seen).is_err() && red.port(&said).is_err(), "{said}");
        assert_eq!(looked_at, ["red:one", "red/dev:two"], "{said}");
    }
}
