// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Nothing is marked but what was written: the migration of a busy guest must come to an end.
use std::collections::BTreeSet;

use tests::frames::{ETHERNET_LEN, ethernet};
use tests::guest::{SyntheticGuest, ping};
use tests::memory::Window;
use tests::seed::Rng;
use tests::wait::{Deadline, until};

use crate::load::{Case, scene, stir, under_load};
use crate::log::{Log, PAGE};
use crate::migration::{Migration, set_log, set_logged};

/// The pages that a window lies in.
pub(crate) fn pages(window: &Window) -> impl Iterator<Item = u64> {
    (window.gpa() / PAGE..(window.gpa() + window.len() as u64).div_ceil(PAGE)).map(|page| page * PAGE)
}

/// The pages of a guest's used rings.
pub(crate) fn used_rings(guest: &mut SyntheticGuest) -> BTreeSet<u64> {
    let rings = |pair: &tests::guest::QueuePair| [pair.rx.queue().ring().clone(), pair.tx.queue().ring().clone()];
    let rings: Vec<_> = guest.pairs().iter().flat_map(rings).collect();
    rings.iter().flat_map(|ring| pages(ring.used()).collect::<Vec<_>>()).collect()
}

/// All memory, page by page.
pub(crate) fn snapshot(guest: &mut SyntheticGuest) -> Vec<(u64, Vec<u8>)> {
    let pages = |region: &tests::memory::Region| {
        let range = region.range();
        (0..range.size / PAGE)
            .map(|page| (range.gpa + page * PAGE, region.window(page * PAGE, PAGE as usize).read(0, PAGE as usize)))
            .collect::<Vec<_>>()
    };
    guest.memory().regions().iter().flat_map(pages).collect()
}

/// A guest at rest whose writes are marked.
pub(crate) fn logged(guest: &mut SyntheticGuest) -> Log {
    let log = Log::of(guest.memory());
    set_log(guest, &log);
    set_logged(guest, true);
    until("weft to be at rest", Deadline::patient(), || log.take().is_empty());
    log
}

#[test]
fn a_guest_at_rest_has_nothing_marked_whatever_others_do() {
    let (daemon, mut one, mut two) = scene(&Case::all()[0]);
    daemon.add_port("red", "three", 3, &[]);
    let mut three = daemon.attach("three", 3);
    // Everybody knows everybody, so nothing is flooded any more.
    ping(&mut two, &mut three, 1);
    ping(&mut one, &mut three, 2);
    let log = logged(&mut one);
    for sequence in 0..50 {
        ping(&mut two, &mut three, sequence);
        assert!(log.take().is_empty(), "after {sequence} pings of others");
    }
}

/// The guest itself does nothing meanwhile, so every page that changes is weft's doing.
#[test]
fn the_pages_that_are_marked_are_those_that_change() {
    for (number, case) in Case::all().iter().enumerate() {
        let (_daemon, mut one, mut two) = scene(case);
        let log = logged(&mut one);
        let used = used_rings(&mut one);
        let mut rng = Rng::from_env(0x61);
        for frames in [1, 2, 50] {
            let before = snapshot(&mut one);
            let index = |one: &mut SyntheticGuest| -> u16 {
                one.pairs().iter().map(|pair| pair.rx.queue().ring().used_index()).sum()
            };
            let all = index(&mut one) + frames;
            for _ in 0..frames {
                let len = rng.between(ETHERNET_LEN, 1400);
                let frame = ethernet(one.mac(), two.mac(), 0x88b5, &rng.bytes(len));
                two.send(&frame);
            }
            until("all frames to come", Deadline::patient(), || index(&mut one) == all);
            let mut marked = BTreeSet::new();
            // The index can be seen before it is marked; stopping would wait for that, but changes more.
            until("all marks to come", Deadline::patient(), || {
                let fresh = log.take();
                marked.extend(&fresh);
                fresh.is_empty()
            });
            let changed: BTreeSet<u64> = before
                .into_iter()
                .zip(snapshot(&mut one))
                .filter(|(old, new)| old != new)
                .map(|(old, _)| old.0)
                .collect();
            assert!(changed.is_subset(&marked), "case {number}: changed {changed:x?}, marked {marked:x?}");
            let allowed = &changed | &used;
            assert!(marked.is_subset(&allowed), "case {number}: marked {marked:x?}, changed {changed:x?}");
        }
    }
}

/// What VMMs rely on when they save the memory of a guest whose last ring has stopped.
#[test]
fn nothing_is_written_or_marked_once_the_rings_have_stopped() {
    for (seed, case) in (0x64..).step_by(2).zip(Case::all()) {
        let (daemon, mut one, two) = scene(&case);
        let (other, mut rng) = (two.mac(), Rng::from_env(seed));
        under_load(&mut one, two, seed + 1, |one| {
            let log = Log::of(one.memory());
            set_log(one, &log);
            set_logged(one, true);
            (0..20).for_each(|_| stir(one, other, &mut rng));
            one.pause(true).expect("rings stop");
            log.take();
            let (before, sent) = (snapshot(one), || daemon.port("two")["tx_frames"].as_u64().expect("a number"));
            let enough = sent() + 1000;
            until("others to send it more", Deadline::patient(), || sent() >= enough);
            assert!(snapshot(one) == before && log.take().is_empty(), "weft writes into a guest that has stopped");
            one.pause(false).expect("rings start again");
        });
    }
}

/// What a round finds is what the receive buffers and used rings of all pairs are, however long it took.
#[test]
fn rounds_under_full_load_stay_as_small_as_the_buffers() {
    let case = &Case::all()[1];
    let (_daemon, mut one, two) = scene(case);
    let other = two.mac();
    // 128 buffers of 1536 bytes with what lies between them, and a used ring that may lie across a border.
    let most = usize::from(case.pairs) * (128 * (1536 + 1024) / PAGE as usize + 4);
    under_load(&mut one, two, 0x62, |one| {
        let mut rng = Rng::from_env(0x63);
        let mut migration = Migration::begin(one);
        for round in 0..50 {
            (0..10).for_each(|_| stir(one, other, &mut rng));
            let found = migration.round(one).len();
            assert!(found <= most, "round {round} found {found} pages, the buffers are {most}");
        }
        migration.finish(one);
    });
}
