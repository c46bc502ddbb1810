// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What it costs this machine to take cache lines from its other core: the floor under every frame that two cores share.
//!
//! `cargo run --profile bench-count -p benches --bin lines` prints the cycles of each of many lines that are taken at once: the
//! median round. On a virtual machine it differs from one minute to the next, as its host places the CPUs.

#![forbid(unsafe_code)]

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use benches::{cpus, pin};
use sys::cycles;

/// Lines that are taken at once: two for each of a burst of frames.
const LINES: usize = 128;
/// Bytes from one to the next, so that no prefetcher of the processor guesses it.
const APART: usize = 2176;
const ROUNDS: usize = 2000;

/// One word in a line of its own.
#[repr(align(64))]
struct Line(AtomicU64);

/// What both threads share.
struct Shared {
    lines: Vec<Line>,
    /// Even: the measuring thread's turn; odd: the other's.
    turn: Line,
    stop: AtomicBool,
}

fn main() {
    let (here, there) = cpus();
    let lines = (0..LINES * APART / 64).map(|_| Line(AtomicU64::new(0))).collect();
    let shared = Shared { lines, turn: Line(AtomicU64::new(0)), stop: AtomicBool::new(false) };
    let cycles = thread::scope(|scope| {
        scope.spawn(|| {
            pin(there);
            serve(&shared);
        });
        pin(here);
        let cycles = measure(&shared);
        shared.stop.store(true, Ordering::Release);
        cycles
    });
    println!("{:.1} cycles for each of {LINES} lines, from CPU {there} to CPU {here}", cycles as f64 / LINES as f64);
}

/// The other core's part: whenever it is its turn, it writes to every line.
fn serve(shared: &Shared) {
    while !shared.stop.load(Ordering::Acquire) {
        let turn = shared.turn.0.load(Ordering::Acquire);
        if turn.is_multiple_of(2) {
            spin_loop();
            continue;
        }
        chosen(shared).for_each(|line| line.0.store(turn, Ordering::Relaxed));
        shared.turn.0.store(turn + 1, Ordering::Release);
    }
}

fn chosen(shared: &Shared) -> impl Iterator<Item = &Line> {
    // In no order that a prefetcher would follow.
    (0..LINES).map(|number| &shared.lines[number * 37 % LINES * (APART / 64)])
}

/// Median cycles of taking all lines.
fn measure(shared: &Shared) -> u64 {
    let mut spent = [0; ROUNDS];
    for spent in &mut spent {
        let_write(shared);
        let begin = cycles();
        chosen(shared).for_each(|line| {
            black_box(line.0.load(Ordering::Relaxed));
        });
        *spent = cycles() - begin;
    }
    spent.sort_unstable();
    spent[ROUNDS / 2]
}

/// Gives the other core its turn, and waits until it has had it.
fn let_write(shared: &Shared) {
    let turn = shared.turn.0.load(Ordering::Relaxed);
    shared.turn.0.store(turn + 1, Ordering::Release);
    while shared.turn.0.load(Ordering::Acquire) != turn + 2 {
        spin_loop();
    }
}
