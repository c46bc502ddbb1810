// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The queue pairs of a port whose receive ring runs, and which flows go to each.
//!
//! Flows are dealt out by shares, as receive-side scaling does it: the hash of a flow names a share, and a table names
//! the share's pair. When a pair stops, its shares alone go to others; when one starts, it takes as many as are its due
//! and no other moves. So a guest that changes the number of its queues sees as few flows as possible change their
//! queue, which is when their frames could overtake each other.
//!
//! The table depends on which pairs run and not on what was before. So a guest that has moved to another host gets each flow
//! by the pair by which it got it before, where frames of it may still wait.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Shares of a port; some of each for the most pairs that there can be.
const SHARES: usize = 128;

/// See the module. The table is written by whoever starts and stops rings, and read by every worker.
pub(crate) struct Pairs {
    /// Bit set of the pairs that run.
    running: AtomicU32,
    /// Whether any ever ran.
    has_run: AtomicBool,
    /// The pair of each share, which need not run at the very moment.
    shares: [AtomicU8; SHARES],
    /// Whether none is to start any more; held while shares are dealt.
    is_closed: Mutex<bool>,
}

impl Pairs {
    pub(crate) fn new() -> Self {
        let (running, has_run) = (AtomicU32::new(0), AtomicBool::new(false));
        Self { running, has_run, shares: std::array::from_fn(|_| AtomicU8::new(0)), is_closed: Mutex::new(false) }
    }

    /// Whether any pair runs.
    pub(crate) fn any(&self) -> bool {
        self.running.load(Ordering::Relaxed) != 0
    }

    /// Whether any pair ever ran: the port is one for a guest.
    pub(crate) fn has_run(&self) -> bool {
        self.has_run.load(Ordering::Relaxed)
    }

    /// From now on flows go to `pair` too. False: none is to start any more.
    pub(crate) fn start(&self, pair: u16) -> bool {
        let is_closed = self.lock();
        if !*is_closed {
            self.has_run.store(true, Ordering::Relaxed);
            self.deal(self.running.load(Ordering::Relaxed) | 1 << pair);
        }
        !*is_closed
    }

    /// From now on no flow goes to `pair`; who has asked before may still arrive.
    pub(crate) fn stop(&self, pair: u16) {
        let _dealing = self.lock();
        self.deal(self.running.load(Ordering::Relaxed) & !(1 << pair));
    }

    /// From now on none starts, unless one runs. True: so it is.
    pub(crate) fn close(&self) -> bool {
        let mut is_closed = self.lock();
        *is_closed |= !self.any();
        *is_closed
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These run. Called while the lock is held.
    fn deal(&self, running: u32) {
        self.running.store(running, Ordering::Release);
        for (place, share) in self.shares.iter().zip(table(running)) {
            place.store(share, Ordering::Release);
        }
    }

    /// Whether `pair` runs. Who asks while he holds the pair's lock is sure that it is not being stopped meanwhile: whoever
    /// stops it says so first and takes the lock then.
    #[inline]
    pub(crate) fn runs(&self, pair: u16) -> bool {
        self.running.load(Ordering::Acquire) >> pair & 1 == 1
    }

    /// The pair that every flow goes to; `None`: there is a choice. Where no pair runs, it is the first.
    #[inline]
    pub(crate) fn only(&self) -> Option<u16> {
        match self.running.load(Ordering::Acquire) {
            0 => Some(0),
            running if running.is_power_of_two() => Some(running.trailing_zeros() as u16),
            _ => None,
        }
    }

    /// The pair that a flow goes to.
    #[inline]
    pub(crate) fn of(&self, flow: u32) -> u16 {
        self.only().unwrap_or_else(|| self.shares[flow as usize % SHARES].load(Ordering::Acquire).into())
    }
}

/// Who has which share while these pairs run: as if they had started one after the other, from the first on, and those that are
/// missing had then stopped.
fn table(running: u32) -> [u8; SHARES] {
    let mut shares = [0; SHARES];
    let up_to = u32::BITS - running.leading_zeros();
    (1..=up_to).for_each(|pairs| deal(&mut shares, u32::MAX >> (u32::BITS - pairs)));
    deal(&mut shares, running);
    shares
}

/// Gives the shares of pairs that do not run to those that do, and evens out what each has, moving no other share.
fn deal(shares: &mut [u8; SHARES], running: u32) {
    if running == 0 {
        return;
    }
    let runs = |pair: u8| running >> pair & 1 == 1;
    let mut held = [0_usize; u32::BITS as usize];
    shares.iter().filter(|&&pair| runs(pair)).for_each(|&pair| held[usize::from(pair)] += 1);
    let pairs = || (0..u32::BITS as u8).filter(|&pair| runs(pair));
    let least = |held: &[usize]| pairs().min_by_key(|&pair| held[usize::from(pair)]).unwrap_or(0);
    let most = |held: &[usize]| pairs().max_by_key(|&pair| held[usize::from(pair)]).unwrap_or(0);
    for share in shares.iter_mut().filter(|pair| !runs(**pair)) {
        *share = least(&held);
        held[usize::from(*share)] += 1;
    }
    loop {
        let (from, to) = (most(&held), least(&held));
        if held[usize::from(from)] <= held[usize::from(to)] + 1 {
            return;
        }
        let moved = shares.iter_mut().find(|pair| **pair == from);
        moved.into_iter().for_each(|share| *share = to);
        held[usize::from(from)] -= 1;
        held[usize::from(to)] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pairs: &Pairs) -> Vec<u16> {
        (0..SHARES as u32).map(|flow| pairs.of(flow)).collect()
    }

    #[test]
    fn every_running_pair_has_its_due_whatever_started_and_stopped_before() {
        let pairs = Pairs::new();
        assert!(!pairs.any());
        let mut running = 0_u32;
        // Each step starts or stops one; sevens come by all sixteen.
        for pair in (0..200).map(|step| step * 7 % 16) {
            running ^= 1 << pair;
            match running >> pair & 1 {
                1 => assert!(pairs.start(pair)),
                _ => pairs.stop(pair),
            }
            if running != 0 {
                check_dues(&seen(&pairs), running);
            }
        }
    }

    #[test]
    fn each_flow_has_its_pair_again_whatever_stops_and_starts_meanwhile() {
        let pairs = Pairs::new();
        let start = || (0..4).for_each(|pair| assert!(pairs.start(pair)));
        start();
        let before = seen(&pairs);
        for stopped in [&[0][..], &[2, 1], &[3, 0, 1, 2]] {
            stopped.iter().for_each(|&pair| pairs.stop(pair));
            start();
            assert_eq!(seen(&pairs), before, "after {stopped:?}");
        }
    }

    #[test]
    fn of_who_starts_and_who_closes_at_the_same_moment_one_was_first() {
        for _ in 0..1000 {
            let pairs = Pairs::new();
            let (started, closed) = std::thread::scope(|scope| {
                let started = scope.spawn(|| pairs.start(0));
                let closed = pairs.close();
                (started.join().unwrap(), closed)
            });
            assert_eq!((started, pairs.any(), pairs.is_closed()), (!closed, !closed, closed));
        }
        let pairs = Pairs::new();
        assert!(pairs.start(1) && !pairs.close() && pairs.start(0), "one that runs keeps it open");
    }

    fn check_dues(table: &[u16], running: u32) {
        let due = SHARES / running.count_ones() as usize;
        for pair in 0..16 {
            let has = table.iter().filter(|&&other| other == pair).count();
            let dues = if running >> pair & 1 == 1 { due..=due + 1 } else { 0..=0 };
            assert!(dues.contains(&has), "{has} shares for pair {pair} of {running:#b}");
        }
    }

    #[test]
    fn a_pair_that_stops_or_starts_moves_no_flow_of_others() {
        let pairs = Pairs::new();
        (0..4).for_each(|pair| assert!(pairs.start(pair)));
        let four = seen(&pairs);
        pairs.stop(2);
        let three = seen(&pairs);
        assert!(four.iter().zip(&three).all(|(before, after)| before == after || *before == 2));
        assert!(pairs.start(2));
        let again = seen(&pairs);
        assert!(three.iter().zip(&again).all(|(before, after)| before == after || *after == 2));
    }
}
