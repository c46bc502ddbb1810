// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use std::thread::yield_now;
use std::time::{Duration, Instant};

use super::super::held::hold;
use super::super::lanes::AttachedLane;
use super::*;

/// A worker that is awake may be between two turns when it is looked at: looked at again it is not.
fn until(what: &str, mut probe: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !probe() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        yield_now();
    }
}

#[test]
fn one_worker_that_is_held_is_seen_beside_one_that_is_not() {
    let (pool, _listener) = Pool::start(&[WorkerSpec::default(), WorkerSpec::default()]).unwrap();
    let (pool, mut seen) = (Arc::new(pool), Vec::new());
    until("nobody is held", || pool.are_alive(&mut seen) && pool.are_alive(&mut seen));
    let held = hold(|to, sources| AttachedLane::new(&pool, to, Vec::new(), sources, false));
    let mut seen = Vec::new();
    assert!(pool.are_alive(&mut seen), "at the first look nobody is known to stand still");
    let stuck = seen[0];
    for _ in 0..100 {
        assert!(!pool.are_alive(&mut seen), "one makes no turn");
    }
    assert_eq!((seen.len(), seen[0]), (2, stuck));
    let alive = |member: usize, seen: &mut u64| pool.members[member].gauges.pulse.is_alive(seen);
    until("its neighbour turns or sleeps", || alive(1, &mut seen[1]));
    assert!(!alive(0, &mut seen[0]), "whatever the neighbour does");
    drop(held);
    until("it turns again", || pool.are_alive(&mut seen) && pool.are_alive(&mut seen));
}
