// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A migration that begins, renews its log and is cancelled costs no frame.
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tests::frames::{Mac, number_of, numbered};
use tests::guest::SyntheticGuest;
use tests::wait::Deadline;

use crate::load::{Case, scene};
use crate::log::Log;
use crate::migration::{set_log, set_logged};

/// Frames each way.
const FRAMES: u64 = 20_000;
/// Frames that may be under way: they fit into one receive queue, so none has a reason to be lost.
const WINDOW: u64 = 64;

/// Sends and receives until both have had all, and does `meanwhile` now and then.
fn exchange(
    guest: &mut SyntheticGuest,
    to: Mac,
    (own, others): (&AtomicU64, &AtomicU64),
    mut meanwhile: impl FnMut(&mut SyntheticGuest),
) {
    let (deadline, mut sent) = (Deadline::patient(), 0);
    while sent < FRAMES || own.load(Ordering::Relaxed) < FRAMES {
        assert!(!deadline.passed(), "{}: {own:?} frames have come, {others:?} of {sent} have arrived", guest.name());
        while sent < FRAMES && sent - others.load(Ordering::Relaxed) < WINDOW {
            let frame = numbered(to, guest.mac(), sent, 60 + sent as usize % 1000);
            guest.send(&frame);
            sent += 1;
        }
        while let Some(got) = guest.recv() {
            let (number, due) = (number_of(&got.frame), own.fetch_add(1, Ordering::Relaxed));
            assert_eq!(number, Some(due), "{}: frames come once each and in order", guest.name());
        }
        meanwhile(guest);
    }
}

#[test]
fn no_frame_is_lost_or_doubled_when_logging_is_switched() {
    for case in [&Case::all()[0], &Case::all()[1]] {
        let (daemon, mut one, mut two) = scene(case);
        let (to_one, to_two) = (AtomicU64::new(0), AtomicU64::new(0));
        let (first, second) = (one.mac(), two.mac());
        let mut switched = 0_usize;
        thread::scope(|scope| {
            scope.spawn(|| exchange(&mut two, first, (&to_two, &to_one), |_| thread::yield_now()));
            let mut log = Log::of(one.memory());
            exchange(&mut one, second, (&to_one, &to_two), |one| {
                match switched % 4 {
                    0 => set_log(one, &log),
                    1 => set_logged(one, true),
                    2 => {
                        log = Log::of(one.memory());
                        set_log(one, &log);
                    }
                    _ => set_logged(one, false),
                }
                switched += 1;
            });
        });
        assert!(switched > 100, "only {switched} changes under load");
        for name in ["one", "two"] {
            let port = daemon.port(name);
            assert_eq!(port["drops"], serde_json::json!({}), "{port:#}");
        }
    }
}
