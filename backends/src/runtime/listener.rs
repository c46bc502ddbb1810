// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Copies of frames on their way from all workers to control, news of guests that have landed or stopped to leave, and the bell
//! that wakes control for all of it.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dataplane::{PortTag, Snooped, Snoops};
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

/// Ports whose guests have landed since control last looked: at most all that there are. And whether others have stopped.
pub(super) struct Landings {
    bell: Arc<Bell>,
    ports: Mutex<BTreeSet<PortTag>>,
    /// Guests that are to leave have stopped, or gone on.
    departures: AtomicBool,
}

impl Landings {
    pub(super) fn new(bell: &Arc<Bell>) -> Arc<Self> {
        Arc::new(Self { bell: Arc::clone(bell), ports: Mutex::default(), departures: AtomicBool::default() })
    }

    /// The guest of that port has landed.
    pub(super) fn tell(&self, port: PortTag) {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).insert(port);
        self.bell.ring();
    }

    /// A guest that is to leave has stopped, or goes on. Who says so waits for nobody.
    pub(super) fn tell_departure(&self) {
        self.departures.store(true, Ordering::Release);
        self.bell.ring();
    }

    fn take(&self) -> BTreeSet<PortTag> {
        std::mem::take(&mut self.ports.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Control's end of what all workers hand over.
pub struct Listener {
    bell: Arc<Bell>,
    landings: Arc<Landings>,
    workers: Vec<Snoops>,
    /// The worker whose turn it is.
    turn: usize,
}

impl Listener {
    pub(super) fn new(bell: Arc<Bell>, landings: Arc<Landings>, workers: Vec<Snoops>) -> Self {
        Self { bell, landings, workers, turn: 0 }
    }

    /// Ports whose guests have landed since the last call: they go on from where they were at another host, or where they were
    /// before weftd was started. To be asked after [`Listener::hear`], which listens for the bell again.
    pub fn take_landings(&self) -> BTreeSet<PortTag> {
        self.landings.take()
    }

    /// Whether a guest that is to leave has stopped, or gone on, since the last call; asked as [`Listener::take_landings`] is.
    pub fn take_departures(&self) -> bool {
        self.landings.departures.swap(false, Ordering::AcqRel)
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
    fn test_a_landing_rings_and_is_told_once() {
        let bell = Arc::new(Bell::new().unwrap());
        let landings = Landings::new(&bell);
        let mut listener = Listener::new(bell, Arc::clone(&landings), Vec::new());
        for _ in 0..2 {
            landings.tell(PortTag(7));
            landings.tell(PortTag(7));
            assert_eq!(listener.wake().read().unwrap(), 1);
            assert!(!listener.hear(5, |_| unreachable!()));
            assert_eq!(listener.take_landings(), BTreeSet::from([PortTag(7)]));
            assert!(listener.take_landings().is_empty());
        }
    }

    #[test]
    fn test_a_guest_that_stops_rings_and_is_told_once() {
        let bell = Arc::new(Bell::new().unwrap());
        let landings = Landings::new(&bell);
        let listener = Listener::new(bell, Arc::clone(&landings), Vec::new());
        assert!(!listener.take_departures());
        landings.tell_departure();
        landings.tell_departure();
        assert_eq!(listener.wake().read().unwrap(), 1);
        assert!(listener.take_departures() && !listener.take_departures());
    }

    #[test]
    fn test_a_look_ends_where_nothing_is() {
        for workers in [0, 3] {
            let snoops = (0..workers).map(|_| dataplane::Worker::new().listen()).collect();
            let bell = Arc::new(Bell::new().unwrap());
            let mut listener = Listener::new(Arc::clone(&bell), Landings::new(&bell), snoops);
            assert!(!listener.hear(5, |_| unreachable!()));
        }
    }
}
