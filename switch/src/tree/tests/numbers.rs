// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who sees whom under which number, and what becomes of numbers and handles.

use super::*;
use crate::ident::Ident;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

/// Something that has numbers and nothing else.
#[derive(Debug)]
struct Thing;

fn things(tree: &mut Tree) -> Key<Numbers<Thing>> {
    tree.register_subsystem(NumberSpace::new("numbers of things")).unwrap()
}

fn add(tree: &mut Tree, key: Key<Numbers<Thing>>, at: &str, wanted: &[u32]) -> Result<Ident<Thing>, Refusal> {
    let home = tree.find(&path(at))?.handle();
    let reserved = tree.reserve(key, home, wanted)?;
    Ok(tree.publish(key, reserved, Arena::default().reserve()))
}

fn red_dev_x() -> (Tree, Key<Numbers<Thing>>) {
    let mut tree = Tree::new();
    let key = things(&mut tree);
    for text in ["red", "red/dev", "red/dev/x", "blue"] {
        create(&mut tree, text).unwrap();
    }
    (tree, key)
}

#[test]
fn test_numbers_can_be_asked_for_innermost_first_and_come_all_or_none() {
    let (mut tree, key) = red_dev_x();
    let thing = add(&mut tree, key, "red/dev", &[7, 9]).unwrap();
    assert_eq!(thing.to_restore(), [7, 9, 1]);
    let taken = |tree: &Tree| ["/", "red", "red/dev"].map(|at| tree.find(&path(at)).unwrap().get(key).unwrap().len());
    // The innermost can be had, the next cannot.
    let refusal = add(&mut tree, key, "red/dev", &[8, 9]).unwrap_err();
    assert_eq!(refusal.to_string(), r#"number "9" is in use by another of namespace "red""#);
    assert_eq!(taken(&tree), [1, 1, 1], "the innermost was given back");
    let refusal = add(&mut tree, key, "red", &[1, 2, 3]).unwrap_err();
    assert!(refusal.to_string().ends_with("(expected at most 2 numbers, one for each namespace that sees it)"));
    assert!(add(&mut tree, key, "red", &[0]).is_err() && add(&mut tree, key, "red", &[u32::MAX]).is_err());
    tree.withdraw(key, &thing);
    assert_eq!(taken(&tree), [0, 0, 0]);
}

#[test]
fn test_a_reserved_number_is_seen_by_nobody() {
    let (mut tree, key) = red_dev_x();
    let home = tree.find(&path("red/dev")).unwrap().handle();
    let reserved = tree.reserve(key, home, &[]).unwrap();
    let seen = |tree: &Tree| {
        let all = tree.subtree(&NamespacePath::root());
        all.filter(|namespace| tree.look_up(key, namespace.handle(), 1).is_some()).count()
    };
    assert_eq!(seen(&tree), 0);
    let thing = tree.publish(key, reserved, Arena::default().reserve());
    assert_eq!(seen(&tree), 3, "red/dev, red and the root");
    tree.withdraw(key, &thing);
    assert_eq!(seen(&tree), 0);
}

#[test]
fn test_a_failing_init_gives_the_numbers_back() {
    let mut tree = Tree::new();
    create(&mut tree, "red").unwrap();
    tree.register_subsystem(Probe::new("x", &Log::default()).failing_after(3)).unwrap();
    create(&mut tree, "red/dev").unwrap();
    create(&mut tree, "red/prod").unwrap_err();
    let count = |tree: &Tree, at| tree.find(&path(at)).unwrap().get(tree.numbers).unwrap().len();
    assert_eq!((count(&tree, "/"), count(&tree, "red")), (2, 1));
}

#[test]
fn test_a_namespace_of_the_same_name_and_number_is_another_one() {
    let mut tree = Tree::new();
    let first = create(&mut tree, "red").unwrap();
    destroy(&mut tree, "red").unwrap();
    let second = tree.create(&path("red"), &NamespaceSpec::default(), &[1]).unwrap();
    assert!(tree.get(first).is_none() && first != second);
    assert_eq!(tree.find_numbered(tree.root(), 1).unwrap().handle(), second);
}

const NAMES: [&str; 7] = ["/", "a", "a/b", "a/b/c", "a/d", "e", "e/f"];

proptest! {
    /// Invariants a and b: a thing has a number exactly in its namespace and those that this lies in, a number leads to
    /// one thing, and to none of those that are gone.
    #[test]
    fn test_who_sees_whom(steps in proptest::collection::vec((0..NAMES.len(), any::<bool>(), 0..3u32), 0..40)) {
        let mut tree = Tree::new();
        let key = things(&mut tree);
        NAMES[1..].iter().for_each(|name| assert!(create(&mut tree, name).is_ok()));
        let mut arena: Arena<Thing> = Arena::default();
        let (mut alive, mut gone) = (Vec::<(usize, Ident<Thing>)>::new(), Vec::new());
        for (at, comes, wanted) in steps {
            if !comes && !alive.is_empty() {
                let (_, ident) = alive.remove(at % alive.len());
                tree.withdraw(key, &ident);
                arena.free(ident.object());
                gone.push(ident.object());
                continue;
            }
            let home = tree.find(&path(NAMES[at])).unwrap().handle();
            let wanted = if wanted == 0 { vec![] } else { vec![wanted] };
            let Ok(reserved) = tree.reserve(key, home, &wanted) else { continue };
            let object = arena.reserve();
            arena.put(object, Thing);
            alive.push((at, tree.publish(key, reserved, object)));
        }
        for (at, ident) in &alive {
            for observer in NAMES {
                let namespace = tree.find(&path(observer)).unwrap();
                let nr = ident.nr_in(namespace);
                prop_assert_eq!(nr > 0, path(NAMES[*at]).is_within(&path(observer)));
                prop_assert!(nr == 0 || tree.look_up(key, namespace.handle(), nr) == Some(ident.object()));
            }
        }
        let numbers: usize = NAMES.iter().map(|name| tree.find(&path(name)).unwrap().get(key).unwrap().len()).sum();
        prop_assert_eq!(numbers, alive.iter().map(|(_, ident)| ident.numbers().len()).sum::<usize>());
        prop_assert!(gone.iter().all(|object| arena.get(*object).is_none()));
    }
}
