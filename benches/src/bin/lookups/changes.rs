// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What it costs to find a PvD while another core makes PvDs come and go.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use benches::pin;
use pvd::{PvdName, Registry, Statement};

use crate::bed::{Bed, NOW, name};
use crate::timing::{READ, ROUNDS, median, nanos};

/// Changes a second of the one who writes while others read.
const CHANGES: u64 = 10_000;

/// What the other core does: nothing, or change PvDs that nobody reads, or those that are read.
pub(crate) const STATES: [&str; 3] = ["idle", "elsewhere", "changing"];

/// Look-ups by a reader in each of the [`STATES`], in turns, and the changes a second that were made of what is read.
///
/// Names lie ready and look-ups follow each other without a pause: between pauses there would be more changes to a look-up than
/// there are. Two CPUs may be one core. What a look-up loses to whatever the other does shows beside changes elsewhere, as many and as dear.
pub(crate) fn under_change(bed: Bed, (_, there): (usize, usize)) -> ([f64; 3], f64) {
    let Bed { names, mut registry, mut reader, .. } = bed;
    let names: Vec<PvdName> = names.into_iter().map(name).collect();
    let (state, done, made) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicU64::new(0));
    let (mut spent, mut took, mut from) = ([const { Vec::new() }; 3], Duration::ZERO, 0);
    let mut other = Bed::new(names.len()).registry;
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(there);
            change(&mut [&mut other, &mut registry], names.len(), (&state, &done, &made));
        });
        for round in 0..3 * ROUNDS {
            state.store(round % 3, Ordering::Release);
            let (begin, before) = (Instant::now(), from);
            // Long enough for a hundred changes.
            while begin.elapsed() < Duration::from_millis(10) {
                let name = |number| black_box(&names[(from + number) % names.len()]);
                nanos(READ, |number| reader.members().by_name(name(number)).is_some());
                from += READ;
            }
            let span = begin.elapsed();
            took += if round % 3 == 2 { span } else { Duration::ZERO };
            spent[round % 3].push(span.as_nanos() as f64 / (from - before) as f64);
        }
        done.store(true, Ordering::Release);
    });
    (spent.map(median), made.load(Ordering::Relaxed) as f64 / took.as_secs_f64())
}

/// One PvD comes and goes, so many times a second, in the registry that the state names.
fn change(
    registries: &mut [&mut Registry; 2],
    size: usize,
    (state, done, made): (&AtomicUsize, &AtomicBool, &AtomicU64),
) {
    let (new, pause) = (name(size), Duration::from_nanos(1_000_000_000 / CHANGES));
    let mut next = Instant::now();
    while !done.load(Ordering::Acquire) {
        let state = state.load(Ordering::Acquire);
        if state == 0 || Instant::now() < next {
            std::hint::spin_loop();
            next = if state == 0 { Instant::now() } else { next };
            continue;
        }
        next += pause;
        let registry = &mut *registries[state - 1];
        match registry.members().by_name(&new).map(|pvd| pvd.handle()) {
            Some(handle) => drop(registry.unset(handle, NOW)),
            None => drop(registry.set(&new, &Statement::default(), NOW)),
        }
        made.fetch_add(u64::from(state == 2), Ordering::Relaxed);
    }
}
