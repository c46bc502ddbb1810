// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is made and unmade, in which order, also when something fails half-way.

use super::*;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn test_devices_come_last_and_go_first_whenever_they_were_registered() {
    let log = Log::default();
    let (mut tree, _keys) = world(&log);
    assert_eq!(tree.subsystems().collect::<Vec<_>>(), ["numbers of namespaces", "a", "b", "d"]);
    create(&mut tree, "red").unwrap();
    assert_eq!(log.lines(), ["Init a red", "Init b red", "Init d red"]);
    destroy(&mut tree, "red").unwrap();
    assert_eq!((log.lines(), tree.zombie_count()), (vec![], 1), "it waits for its batch");
    tree.reap();
    let passes = ["PreExit d red", "PreExit b red", "PreExit a red", "Exit d red", "Batch d red", "Exit b red"];
    let rest = ["Batch b red", "Exit a red", "Batch a red", "Free d red", "Free b red", "Free a red"];
    assert_eq!((log.lines(), tree.zombie_count()), ([passes, rest].concat().iter().map(|s| (*s).into()).collect(), 0));
}

#[test]
fn test_one_pass_serves_a_whole_batch_children_before_parents() {
    let log = Log::default();
    let mut tree = Tree::new();
    tree.register_subsystem(Probe::new("a", &log)).unwrap();
    for text in ["red", "red/dev", "blue"] {
        create(&mut tree, text).unwrap();
    }
    log.take();
    for text in ["red/dev", "red", "blue"] {
        destroy(&mut tree, text).unwrap();
    }
    tree.reap();
    let order = |event: &str| ["red/dev", "red", "blue"].map(|path| format!("{event} a {path}"));
    assert_eq!(log.lines(), [order("PreExit"), order("Exit"), order("Batch"), order("Free")].concat());
}

#[test]
fn test_what_is_in_use_cannot_go_and_the_root_never() {
    let (mut tree, _keys) = world(&Log::default());
    create(&mut tree, "red").unwrap();
    create(&mut tree, "red/dev").unwrap();
    assert!(matches!(destroy(&mut tree, "red"), Err(Refusal::InUse { .. })));
    assert!(matches!(destroy(&mut tree, "/"), Err(Refusal::InUse { .. })));
    assert!(matches!(create(&mut tree, "green/dev"), Err(Refusal::NotFound { .. })));
    assert!(matches!(create(&mut tree, "red"), Err(Refusal::Exists { .. })));
    assert_eq!(paths(&tree), ["/", "red", "red/dev"]);
}

#[test]
fn test_a_zombie_says_what_it_waits_for_and_holds_its_parent() {
    let (log, mut tree) = (Log::default(), Tree::new());
    let probe = Probe::new("a", &log);
    let reader = Arc::clone(&probe.reader);
    tree.register_subsystem(probe).unwrap();
    for text in ["red", "red/dev"] {
        create(&mut tree, text).unwrap();
    }
    ["red/dev", "red"].into_iter().for_each(|text| destroy(&mut tree, text).unwrap());
    log.take();
    tree.reap();
    assert_eq!(log.lines(), ["PreExit a red/dev", "PreExit a red"], "and no more");
    let told: Vec<_> =
        tree.zombies().iter().map(|z| format!("{}: {}", z.namespace.path(), z.waits_for.join(", "))).collect();
    assert_eq!(told, ["red/dev: a reader of a", "red: a reader of a, namespace \"red/dev\" in it"]);
    create(&mut tree, "red").unwrap();
    drop(reader);
    tree.reap();
    assert_eq!((tree.zombie_count(), paths(&tree)), (0, vec!["/".to_owned(), "red".to_owned()]));
}

#[test]
fn test_unregistering_unmakes_all_instances_those_of_zombies_too() {
    let log = Log::default();
    let (mut tree, keys) = world(&log);
    create(&mut tree, "red").unwrap();
    create(&mut tree, "blue").unwrap();
    destroy(&mut tree, "blue").unwrap();
    log.take();
    assert!(tree.unregister(keys[0]));
    let freed: Vec<_> = log.lines().into_iter().filter(|line| line.starts_with("Free")).collect();
    assert_eq!(freed, ["Free a /", "Free a red", "Free a blue"]);
    assert!(!tree.unregister(keys[0]) && tree.root().get(keys[0]).is_none());
    assert!(tree.root().get(keys[1]).is_some());
}

/// What is done to a tree. Numbers choose among few names, so that operations meet.
#[derive(Clone, Debug)]
enum Action {
    Create(usize),
    Destroy(usize),
    Reap,
    /// The next `init` but so many fails, whoever's it is.
    Fail(usize),
}

const NAMES: [&str; 7] = ["a", "a/b", "a/b/c", "a/d", "e", "e/f", "e/f/g"];

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        4 => (0..NAMES.len()).prop_map(Action::Create),
        3 => (0..NAMES.len()).prop_map(Action::Destroy),
        1 => Just(Action::Reap),
        1 => (0..4usize).prop_map(Action::Fail),
    ];
    proptest::collection::vec(action, 0..60)
}

/// The subsystems of [`world`], and one fuse for all of them.
fn fused(log: &Log) -> (Tree, Arc<AtomicUsize>) {
    let (mut tree, shared) = (Tree::new(), Arc::new(AtomicUsize::new(usize::MAX)));
    let probe = |name| Probe { fuse: Arc::clone(&shared), ..Probe::new(name, log) };
    tree.register_device(probe("d")).unwrap();
    tree.register_subsystem(probe("a")).unwrap();
    tree.register_subsystem(probe("b")).unwrap();
    (tree, shared)
}

fn carry_out(tree: &mut Tree, action: &Action, fuse: &AtomicUsize) {
    match action {
        Action::Create(n) => drop(create(tree, NAMES[*n])),
        Action::Destroy(n) => drop(destroy(tree, NAMES[*n])),
        Action::Reap => tree.reap(),
        Action::Fail(after) => fuse.store(*after, Ordering::Relaxed),
    }
    if fuse.load(Ordering::Relaxed) == 0 && !matches!(action, Action::Fail(_)) {
        fuse.store(usize::MAX, Ordering::Relaxed);
    }
}

/// What happened to each instance, in order.
fn by_instance(log: &Log) -> BTreeMap<Whose, Vec<Event>> {
    let mut all: BTreeMap<_, Vec<Event>> = BTreeMap::new();
    log.take().into_iter().for_each(|(event, whose)| all.entry(whose).or_default().push(event));
    all
}

const WHOLE_LIFE: [Event; 5] = [Event::Init, Event::PreExit, Event::Exit, Event::Batch, Event::Free];

proptest! {
    /// Invariant c: whatever fails, every instance lives a whole life, and exactly those of living namespaces are made.
    #[test]
    fn test_what_is_made_is_unmade(actions in actions()) {
        let log = Log::default();
        let (mut tree, fuse) = fused(&log);
        for action in &actions {
            carry_out(&mut tree, action, &fuse);
            let numbers = tree.subtree(&NamespacePath::root()).map(Namespace::numbers).collect::<Vec<_>>();
            prop_assert!(numbers.iter().all(|numbers| numbers.iter().all(|nr| *nr > 0)));
        }
        tree.reap();
        prop_assert_eq!(tree.zombie_count(), 0);
        for ((_, _, namespace), life) in by_instance(&log) {
            let alive = tree.get(namespace).is_some();
            prop_assert_eq!(&life[..], if alive { &WHOLE_LIFE[..1] } else { &WHOLE_LIFE[..] });
        }
    }

    /// Invariant e: no subsystem's `exit` runs while a device of that namespace has not had its own.
    #[test]
    fn test_devices_are_gone_before_any_subsystem_exits(actions in actions()) {
        let log = Log::default();
        let (mut tree, fuse) = fused(&log);
        actions.iter().for_each(|action| carry_out(&mut tree, action, &fuse));
        tree.reap();
        let mut devices = BTreeSet::new();
        for (event, (subsystem, path, namespace)) in log.take() {
            match (event, subsystem) {
                (Event::Init, "d") => assert!(devices.insert(namespace)),
                (Event::Batch, "d") => assert!(devices.remove(&namespace)),
                (Event::Exit | Event::Batch | Event::Free, _) => {
                    prop_assert!(subsystem == "d" || !devices.contains(&namespace), "{path} still has its device");
                }
                _ => {}
            }
        }
    }

    /// Invariant f: a batch ends as its members would one by one.
    #[test]
    fn test_a_batch_ends_as_its_members_would_one_by_one(actions in actions()) {
        let (together, apart) = (Log::default(), Log::default());
        let ((mut one, fuse), (mut other, other_fuse)) = (fused(&together), fused(&apart));
        for action in actions.iter().filter(|action| !matches!(action, Action::Reap)) {
            carry_out(&mut one, action, &fuse);
            carry_out(&mut other, action, &other_fuse);
            other.reap();
            prop_assert_eq!(paths(&one), paths(&other));
        }
        one.reap();
        prop_assert_eq!(one.zombie_count(), 0);
        prop_assert_eq!(by_instance(&together), by_instance(&apart));
    }

    /// Invariant d: whenever a subsystem is registered, the same instances are there; when it fails, none is.
    #[test]
    fn test_late_is_the_same_as_early(actions in actions(), at in any::<usize>(), fail in 0..8usize) {
        let (early, late) = (Log::default(), Log::default());
        let (mut one, mut other) = (Tree::new(), Tree::new());
        one.register_subsystem(Probe::new("x", &early)).unwrap();
        let never = AtomicUsize::new(usize::MAX);
        let actions: Vec<_> = actions.into_iter().filter(|action| !matches!(action, Action::Fail(_))).collect();
        let at = at % (actions.len() + 1);
        for action in &actions[..at] {
            carry_out(&mut one, action, &never);
            carry_out(&mut other, action, &never);
        }
        if fail < other.len() {
            other.register_subsystem(Probe::new("x", &late).failing_after(fail)).unwrap_err();
            let lives = by_instance(&late);
            prop_assert!(lives.len() == fail && lives.values().all(|life| *life == WHOLE_LIFE));
        }
        other.register_subsystem(Probe::new("x", &late)).unwrap();
        for action in &actions[at..] {
            carry_out(&mut one, action, &never);
            carry_out(&mut other, action, &never);
        }
        let open = |tree: &mut Tree, log: &Log| -> Vec<_> {
            tree.reap();
            let lives = by_instance(log).into_iter();
            lives.filter(|(_, life)| life.last() == Some(&Event::Init)).map(|(whose, _)| whose).collect()
        };
        prop_assert_eq!(open(&mut one, &early), open(&mut other, &late));
    }
}
