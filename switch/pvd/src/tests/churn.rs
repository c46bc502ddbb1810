// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! PvDs that come and go in great numbers: what a handle names, and what a reader sees meanwhile.

use super::build::{name, s};
use crate::{Limits, Members, PvdHandle, PvdName, Reader, Registry, Statement};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};

const NAMES: usize = 40;

fn names() -> Vec<PvdName> {
    (0..NAMES).map(|i| name(&format!("pvd{i}.example"))).collect()
}

/// What is there goes, what is not comes.
fn toggle(registry: &mut Registry, name: &PvdName) -> Option<PvdHandle> {
    match registry.members().by_name(name).map(|pvd| pvd.handle()) {
        Some(handle) => {
            assert!(registry.unset(handle, s(0)));
            None
        }
        None => Some(registry.set(name, &Statement::default(), s(0)).expect("there is room")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_handle_names_one_pvd_for_ever(steps in prop::collection::vec(0..NAMES, 0..4000)) {
        let (mut registry, names) = (Registry::new(Limits::default(), 1), names());
        let mut given: BTreeMap<PvdHandle, usize> = BTreeMap::new();
        for which in steps {
            if let Some(handle) = toggle(&mut registry, &names[which]) {
                prop_assert_eq!(given.insert(handle, which), None, "given twice");
            }
            // All that were ever given for the place of one of them.
            let index = which as u32;
            let all = given.range(PvdHandle::new(index, 0)..PvdHandle::new(index + 1, 0));
            let alive = all.filter(|(handle, which)| {
                let pvd = registry.members().get(**handle);
                assert!(pvd.is_none_or(|pvd| pvd.id().name() == Some(&names[**which]) && pvd.handle() == **handle));
                pvd.is_some()
            });
            prop_assert!(alive.count() <= 1);
        }
        prop_assert_eq!(registry.unreg_count(), 0);
    }
}

/// One version fits together: what is found under a name has that name, and its handle leads to it.
fn look(members: &Members, names: &[PvdName]) {
    let found: Vec<_> = names.iter().filter_map(|name| Some((name, members.by_name(name)?))).collect();
    for (name, pvd) in &found {
        assert_eq!(pvd.id().name(), Some(*name));
        assert!(members.get(pvd.handle()).is_some_and(|same| std::sync::Arc::ptr_eq(same, pvd)));
        assert_eq!(pvd.attributes().sources().len(), 1);
    }
    assert_eq!((found.len(), members.iter().count()), (members.len(), members.len()));
}

/// Counts the versions that it saw one after the other.
fn read(mut reader: Reader, names: &[PvdName], done: &AtomicBool, versions: &AtomicU64) {
    let mut last = 0;
    while !done.load(Ordering::Acquire) {
        let members = reader.members();
        assert!(members.base_seq() >= last, "time goes one way");
        versions.fetch_add(u64::from(members.base_seq() > last), Ordering::Relaxed);
        last = members.base_seq();
        look(members, names);
    }
}

#[test]
fn readers_see_whole_versions_while_the_writer_removes_what_they_look_up() {
    let (mut registry, names) = (Registry::new(Limits::default(), 1), names());
    let (done, versions) = (AtomicBool::new(false), AtomicU64::new(0));
    let (mut changes, mut which) = (0_u64, 0);
    thread::scope(|scope| {
        let (names, done, versions) = (&names, &done, &versions);
        let readers = [registry.reader(), registry.reader()];
        let readers = readers.map(|reader| scope.spawn(move || read(reader, names, done, versions)));
        // A reader that has found what it should not has ended.
        while (changes < 20_000 || versions.load(Ordering::Relaxed) < 100)
            && !readers.iter().any(ScopedJoinHandle::is_finished)
        {
            which = (which + 7) % NAMES;
            toggle(&mut registry, &names[which]);
            changes += 1;
        }
        done.store(true, Ordering::Release);
        readers.into_iter().for_each(|reader| reader.join().expect("a reader found what it should"));
    });
    assert_eq!((registry.members().base_seq(), registry.unreg_count()), (changes, 0));
}
