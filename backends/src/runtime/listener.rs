// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Copies of frames on their way from all workers to control, and the bell that wakes control for them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dataplane::{Snooped, Snoops};
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};

/// Rung by workers; once it rings it need not be rung again until control has looked.
pub(super) struct Bell {
    rings: AtomicBool,
    event: EventFd,
}

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { rings: AtomicBool::new(false), event: EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)? })
    }

    /// Something was handed over before.
    pub(super) fn ring(&self) {
        if !self.rings.swap(true, Ordering::AcqRel) {
            // It is never full: it is written once and then read.
            let _ = self.event.write(1);
        }
    }

    /// Before control looks: what is handed over after its look rings anew.
    fn hush(&self) {
        // An error only says that it does not ring.
        let _ = self.event.read();
        self.rings.swap(false, Ordering::AcqRel);
    }
}

/// Control's end of what all workers hand over.
pub struct Listener {
    bell: Arc<Bell>,
    workers: Vec<Snoops>,
    /// The worker whose turn it is.
    turn: usize,
}

impl Listener {
    pub(super) fn new(bell: Arc<Bell>, workers: Vec<Snoops>) -> Self {
        Self { bell, workers, turn: 0 }
    }

    /// What becomes readable when there is something to hear.
    #[must_use]
    pub fn wake(&self) -> &EventFd {
        &self.bell.event
    }

    /// Lets `hear` have up to `most` copies, of the workers in turn. True: there may be more, and nothing rings for them.
    pub fn hear(&mut self, most: usize, mut hear: impl FnMut(&Snooped)) -> bool {
        self.bell.hush();
        let (mut heard, mut silent) = (0, 0);
        while heard < most && silent < self.workers.len() {
            self.turn = (self.turn + 1) % self.workers.len();
            match self.workers[self.turn].hear(&mut hear) {
                Some(()) => (heard, silent) = (heard + 1, 0),
                None => silent += 1,
            }
        }
        heard == most
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_bell_is_written_once_until_it_was_looked_at() {
        let bell = Bell::new().unwrap();
        for _ in 0..3 {
            bell.ring();
            bell.ring();
            assert_eq!(bell.event.read().unwrap(), 1);
            bell.ring();
            assert!(bell.event.read().is_err(), "nobody has looked yet");
            bell.hush();
        }
        bell.ring();
        bell.hush();
        assert!(bell.event.read().is_err());
    }

    #[test]
    fn test_a_look_ends_where_nothing_is() {
        for workers in [0, 3] {
            let snoops = (0..workers).map(|_| dataplane::Worker::new().listen()).collect();
            let mut listener = Listener::new(Arc::new(Bell::new().unwrap()), snoops);
            assert!(!listener.hear(5, |_| unreachable!()));
        }
    }
}
