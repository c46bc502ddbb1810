// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A thread that gets workers out of doorbells that block ([`sys::interrupt`] says how that can happen).
//!
//! A worker counts its turns, and says when it sleeps. One that is awake and has made no turn for a while is
//! interrupted; if it was merely slow, that changes nothing.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sys::interrupt::Interruptible;

/// Between two looks: a burst takes microseconds, so a worker that is awake makes thousands of turns in it.
const PERIOD: Duration = Duration::from_millis(100);

/// What a worker shows of its progress.
#[derive(Default)]
pub(super) struct Pulse {
    turns: AtomicU64,
    asleep: AtomicBool,
    thread: OnceLock<Interruptible>,
}

impl Pulse {
    /// The calling thread is the one to be watched.
    pub(super) fn begin(&self) -> io::Result<()> {
        let thread = Interruptible::current()?;
        self.thread.get_or_init(|| thread);
        Ok(())
    }

    /// One more turn.
    pub(super) fn beat(&self) {
        // The only writer: no need for a locked add.
        self.turns.store(self.turns.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Calls `sleep`, which may take as long as it likes.
    pub(super) fn rest<T>(&self, sleep: impl FnOnce() -> T) -> T {
        self.asleep.store(true, Ordering::Relaxed);
        let woken = sleep();
        self.asleep.store(false, Ordering::Relaxed);
        woken
    }

    /// Whether the worker has made a turn since it was at `turns`, or sleeps and need not. `turns` becomes where it is.
    pub(super) fn is_alive(&self, turns: &mut u64) -> bool {
        // In this order: who wakes up in between makes a turn before he is looked at again.
        let asleep = self.asleep.load(Ordering::Relaxed);
        let before = std::mem::replace(turns, self.turns.load(Ordering::Relaxed));
        asleep || before != *turns
    }

    /// Interrupts the worker if it is stuck where it was at `turns`. Returns where it is.
    fn check(&self, turns: u64) -> u64 {
        let now = self.turns.load(Ordering::Relaxed);
        if now == turns && !self.asleep.load(Ordering::Relaxed) {
            self.thread.get().copied().into_iter().for_each(Interruptible::interrupt);
        }
        now
    }
}

/// The watching thread; ends when dropped.
pub(super) struct Watchdog {
    /// Dropped to end the thread.
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    pub(super) fn start(pulses: Vec<Arc<Pulse>>) -> io::Result<Self> {
        let (alive, ended) = channel();
        let thread = thread::Builder::new().name("watchdog".to_owned()).spawn(move || watch(&pulses, &ended))?;
        Ok(Self { alive: Some(alive), thread: Some(thread) })
    }
}

fn watch(pulses: &[Arc<Pulse>], ended: &Receiver<()>) {
    let mut turns = vec![u64::MAX; pulses.len()];
    while ended.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
        for (pulse, turns) in pulses.iter().zip(&mut turns) {
            *turns = pulse.check(*turns);
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.alive = None;
        if let Some(thread) = self.thread.take() {
            // It cannot panic, and nothing could be done about it here.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_makes_turns_or_sleeps_is_alive_and_who_is_stuck_is_not() {
        let (pulse, mut seen) = (Pulse::default(), u64::MAX);
        pulse.beat();
        assert!(pulse.is_alive(&mut seen));
        assert!(!pulse.is_alive(&mut seen), "no turn since");
        pulse.rest(|| assert!(pulse.is_alive(&mut seen) && pulse.is_alive(&mut seen)));
        assert!(!pulse.is_alive(&mut seen), "awake, and no turn");
        pulse.beat();
        assert!(pulse.is_alive(&mut seen));
    }
}
