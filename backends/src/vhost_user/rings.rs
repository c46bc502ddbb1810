// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rings of one session: what the frontend has said about each, and whether it runs.
//!
//! Everything is built from two primitives, start and stop. Whatever changes under a running ring is stop, change, start;
//! a ring is made anew each time, from the memory map, its layout and its doorbells, and takes its place from the used
//! index in guest memory. So no order of messages is special, and nothing is ever half changed.
//!
//! A ring whose writes are to be logged does not begin before there is a log: QEMU gives the log of a device that starts in the
//! middle of a migration after the kicks, and what is written until then, by us or by who was killed meanwhile, would never be
//! copied. A log is one until all rings have stopped: QEMU has fetched what was in it by then, and throws it away.
//!
//! Two things change under a ring that runs on, since no frame may be lost by that: the dirty log, which a migration turns on,
//! renews and turns off under full load, and the bell of a receive ring, which is another each time when a guest masks an interrupt.
//!
//! All calls come from the daemon's one thread, but for those about the log and those by which another process takes over, which
//! are the control loop's, and [`Rings::close`]. So the lock is hardly ever contended.

use std::fs::File;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sys::{Doorbells, MemoryMap, Ring, RingLayout, RingLog};
use vmm_sys_util::eventfd::EventFd;

use super::budget::Ledger;
use super::features::{EVENT_IDX, LOG_ALL};
use super::host::RingHost;
use super::log::SessionLog;

/// What is known of one ring.
#[derive(Default)]
struct Record {
    /// A kick message came; a ring is live from then until GET_VRING_BASE.
    live: bool,
    /// The guest's bell; `None` on a live ring: we are to poll.
    kick: Option<EventFd>,
    /// Our bell to the guest; `None`: the guest polls.
    call: Option<EventFd>,
    enabled: bool,
    size: Option<u16>,
    /// Descriptor table, available ring, used ring; guest-physical.
    addresses: Option<[u64; 3]>,
    /// The address under which writes to the used ring are logged; `None`: its own.
    log_address: Option<u64>,
    /// What GET_VRING_BASE answers while the ring is stopped.
    base: u16,
    running: bool,
    /// It has run since the kick, so it waits for no log.
    begun: bool,
    /// GET_VRING_BASE is under way: the `vhost` crate takes the doorbells away afterwards, which is no new message.
    closing: bool,
}

/// Which way the frames of a ring go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// From the guest.
    Transmit = 0,
    /// To the guest.
    Receive = 1,
}

impl Side {
    /// Even rings are for receiving (virtio 1.2 section 5.1.2).
    fn of(index: u16) -> Side {
        if index.is_multiple_of(2) { Side::Receive } else { Side::Transmit }
    }
}

struct State {
    /// Those that do not run whatever is said of them: transmit rings, receive rings.
    suspended: [bool; 2],
    features: u64,
    memory: Option<Arc<MemoryMap>>,
    log: Option<SessionLog>,
    /// A log was waited for long enough.
    unlogged: bool,
    records: Vec<Record>,
    failure: Option<String>,
}

/// The rings of one session.
pub(super) struct Rings {
    host: Arc<dyn RingHost>,
    ledger: Arc<Ledger>,
    state: Mutex<State>,
    /// The relay's end of the connection to the daemon; shutting it down ends the session.
    link: UnixStream,
}

impl Rings {
    /// `count` rings that nothing is known of. `link` is shut down when one of them cannot be served.
    pub(super) fn new(host: Arc<dyn RingHost>, count: u16, link: UnixStream, ledger: Arc<Ledger>) -> Self {
        let records = (0..count).map(|_| Record::default()).collect();
        let (suspended, unlogged) = ([false; 2], false);
        let state = State { suspended, features: 0, memory: None, log: None, unlogged, records, failure: None };
        Self { host, ledger, state: Mutex::new(state), link }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of the daemon's thread must not keep the supervisor from stopping the rings.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// SET_FEATURES: other features are other rings, but for the one that is no ring's.
    pub(super) fn negotiated(&self, features: u64) {
        let mut state = self.lock();
        let changed = std::mem::replace(&mut state.features, features) ^ features;
        if changed & !LOG_ALL != 0 {
            self.stop_all(&mut state);
            self.host.negotiated(features & !LOG_ALL);
            self.start_all(&mut state);
        } else if changed != 0 {
            self.relog_all(&state);
            self.start_all(&mut state);
        }
    }

    /// SET_LOG_BASE. When this returns nothing is marked in the log before any more, it is unmapped, and rings that have waited
    /// for this one run.
    pub(super) fn set_log(&self, log: SessionLog) {
        let mut state = self.lock();
        let before = state.log.replace(log);
        state.unlogged = false;
        if state.features & LOG_ALL != 0 {
            self.relog_all(&state);
        }
        self.start_all(&mut state);
        drop(before);
    }

    /// Has rings run that wait for a log. False: there are none.
    pub(super) fn start_unlogged(&self) -> bool {
        let mut state = self.lock();
        let waiting = (0..state.count()).any(|index| state.records[usize::from(index)].awaits_log(&state));
        if waiting {
            state.unlogged = true;
            self.start_all(&mut state);
        }
        waiting
    }

    /// Whether a ring that is kicked now would wait for a log.
    pub(super) fn wants_log(&self) -> bool {
        self.lock().wants_log()
    }

    /// What SET_VRING_ADDR says of the log.
    pub(super) fn set_log_address(&self, index: u16, address: Option<u64>) {
        let mut state = self.lock();
        let Some(record) = state.records.get_mut(usize::from(index)) else { return };
        let changed = std::mem::replace(&mut record.log_address, address) != address;
        if changed && state.features & LOG_ALL != 0 {
            self.relog(&state, index);
            self.start(&mut state, index);
        }
    }

    /// The memory table changed. The old mapping is let go when the last ring that used it is stopped, which is before
    /// this returns.
    pub(super) fn set_memory(&self, memory: Arc<MemoryMap>) {
        let mut state = self.lock();
        self.stop_all(&mut state);
        state.memory = Some(memory);
        self.ledger.advance();
        self.start_all(&mut state);
    }

    /// SET_VRING_NUM.
    pub(super) fn set_size(&self, index: u16, size: u16) {
        self.change(index, |record| record.size = Some(size));
    }

    /// SET_VRING_ADDR, guest-physical: descriptor table, available ring, used ring.
    pub(super) fn set_addresses(&self, index: u16, addresses: [u64; 3]) {
        // As whoever migrates the guest says it again, for the log.
        if self.lock().records.get(usize::from(index)).is_some_and(|record| record.addresses == Some(addresses)) {
            return;
        }
        self.change(index, |record| record.addresses = Some(addresses));
    }

    /// SET_VRING_BASE. Only remembered: where a ring really stands is in guest memory.
    pub(super) fn set_base(&self, index: u16, base: u16) {
        self.change(index, |record| record.base = base);
    }

    /// SET_VRING_ENABLE.
    pub(super) fn set_enabled(&self, index: u16, enabled: bool) {
        if self.lock().records.get(usize::from(index)).is_some_and(|record| record.enabled == enabled) {
            return;
        }
        self.change(index, |record| record.enabled = enabled);
    }

    /// SET_VRING_KICK.
    pub(super) fn set_kick(&self, index: u16, file: Option<File>) {
        let kick = self.doorbell(file);
        self.change(index, |record| {
            record.kick = kick;
            record.live = !record.closing;
        });
    }

    /// SET_VRING_CALL.
    pub(super) fn set_call(&self, index: u16, file: Option<File>) {
        let call = self.doorbell(file);
        if Side::of(index) == Side::Receive && self.change_call(index, call.as_ref()) {
            return;
        }
        self.change(index, |record| {
            record.call = call;
            // The last step of GET_VRING_BASE in `vhost-user-backend`.
            record.closing = false;
        });
    }

    /// Gives a running receive ring another bell, and rings that, as the ring may have rung the one before in vain. False: the
    /// ring does not run, or has to be made anew.
    fn change_call(&self, index: u16, call: Option<&EventFd>) -> bool {
        let mut state = self.lock();
        let record = state.records.get_mut(usize::from(index)).filter(|record| record.running);
        let Some(record) = record else { return false };
        let [Ok(kept), Ok(given)] = [0, 1].map(|_| call.map(EventFd::try_clone).transpose()) else { return false };
        record.call = kept;
        self.host.set_call(index, given);
        drop(state);
        // A full doorbell is rung already.
        call.into_iter().for_each(|call| _ = call.write(1));
        true
    }

    /// GET_VRING_BASE begins: the ring stops and is not live any more. With the last one the log ends.
    pub(super) fn retire(&self, index: u16) {
        let mut was_live = false;
        self.change(index, |record| {
            was_live = std::mem::take(&mut record.live);
            record.begun = false;
            record.closing = true;
        });
        let mut state = self.lock();
        if was_live && state.records.iter().all(|record| !record.live) {
            (state.log, state.unlogged) = (None, false);
        }
    }

    /// Where the stopped ring stands.
    pub(super) fn base(&self, index: u16) -> u16 {
        self.lock().records.get(usize::from(index)).map_or(0, |record| record.base)
    }

    /// Stops the rings of one side, whatever is said of them, until [`Rings::resume`]: another process may serve them meanwhile.
    pub(super) fn suspend(&self, side: Side) {
        let mut state = self.lock();
        state.suspended[side as usize] = true;
        (0..state.count()).filter(|index| Side::of(*index) == side).for_each(|index| self.stop(&mut state, index));
    }

    /// The rings of one side are ours again. Where they stand is in guest memory.
    pub(super) fn resume(&self, side: Side) {
        let mut state = self.lock();
        state.suspended[side as usize] = false;
        self.start_all(&mut state);
    }

    /// Why the rings ended the session, if they did.
    pub(super) fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }

    /// The session is over: stops every ring and lets the memory go.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        self.stop_all(&mut state);
        for record in &mut state.records {
            *record = Record::default();
        }
        (state.memory, state.log, state.unlogged) = (None, None, false);
        state.features = 0;
        self.host.negotiated(0);
    }

    fn doorbell(&self, file: Option<File>) -> Option<EventFd> {
        let taken = sys::fd::into_eventfd(file?.into());
        taken.inspect_err(|error| self.fail(&mut self.lock(), format!("a doorbell cannot be used: {error}"))).ok()
    }

    fn change(&self, index: u16, edit: impl FnOnce(&mut Record)) {
        let mut state = self.lock();
        self.stop(&mut state, index);
        if let Some(record) = state.records.get_mut(usize::from(index)) {
            edit(record);
        }
        self.start(&mut state, index);
    }

    fn stop_all(&self, state: &mut State) {
        (0..state.count()).for_each(|index| self.stop(state, index));
    }

    fn start_all(&self, state: &mut State) {
        (0..state.count()).for_each(|index| self.start(state, index));
    }

    fn relog_all(&self, state: &State) {
        (0..state.count()).for_each(|index| self.relog(state, index));
    }

    fn relog(&self, state: &State, index: u16) {
        if state.records.get(usize::from(index)).is_some_and(|record| record.running) {
            self.host.relog(index, state.ring_log(index));
        }
    }

    fn stop(&self, state: &mut State, index: u16) {
        let Some(record) = state.records.get_mut(usize::from(index)).filter(|record| record.running) else { return };
        record.running = false;
        if let Some(ring) = self.host.stop(index) {
            record.base = ring.next_avail();
        }
    }

    fn start(&self, state: &mut State, index: u16) {
        match state.build(index) {
            None => {}
            Some(Ok(ring)) => {
                let record = &mut state.records[usize::from(index)];
                (record.running, record.begun) = (true, true);
                self.host.start(index, ring, state.expects_receiver());
            }
            Some(Err(reason)) => self.fail(state, format!("ring {index}: {reason}")),
        }
        if state.memory.as_ref().is_some_and(|memory| memory.poisoned()) {
            self.fail(state, "guest memory faulted: its file was truncated, or weft could not guard it".to_owned());
        }
    }

    /// Ends the session; the first reason counts.
    fn fail(&self, state: &mut State, reason: String) {
        state.failure.get_or_insert(reason);
        // It fails only when the session has ended already.
        let _ = self.link.shutdown(Shutdown::Both);
    }
}

impl State {
    fn count(&self) -> u16 {
        u16::try_from(self.records.len()).unwrap_or(u16::MAX)
    }

    fn is_suspended(&self, index: u16) -> bool {
        self.suspended[Side::of(index) as usize]
    }

    /// Rings that are to be logged have no log, and nobody has got tired of waiting for one.
    fn wants_log(&self) -> bool {
        self.features & LOG_ALL != 0 && self.log.is_none() && !self.unlogged
    }

    /// The ring, when everything is known that it needs: a kick, its memory, its addresses and size, that it is enabled, and
    /// its log, if it is to have one.
    fn build(&self, index: u16) -> Option<Result<Ring, String>> {
        let record = self.records.get(usize::from(index))?;
        if !record.live || !record.enabled || record.running || self.is_suspended(index) || self.failure.is_some() {
            return None;
        }
        if record.awaits_log(self) {
            return None;
        }
        let (memory, [desc, avail, used]) = (self.memory.as_ref()?, record.addresses?);
        let layout = RingLayout { size: record.size?, desc, avail, used };
        let built = record.build(Arc::clone(memory), layout, self.features & EVENT_IDX != 0);
        Some(built.map(|mut ring| {
            ring.set_log(self.ring_log(index));
            ring
        }))
    }

    /// Whether there is a receive ring that was enabled or kicked, some VMMs do the one first and some the other, or waits for a
    /// log, and does not run.
    fn expects_receiver(&self) -> bool {
        let is_due = |record: &Record| record.live != record.enabled || record.awaits_log(self);
        self.records.iter().step_by(2).any(|record| !record.running && is_due(record))
    }

    /// Where what is written for the ring is marked, while that is wanted.
    fn ring_log(&self, index: u16) -> Option<RingLog> {
        let record = self.records.get(usize::from(index))?;
        let (log, [_, _, used]) = (self.log.as_ref()?, record.addresses?);
        let used = record.log_address.unwrap_or(used);
        (self.features & LOG_ALL != 0).then(|| RingLog { log: Arc::clone(&log.dirty), used })
    }
}

impl Record {
    /// Whether it is to begin and waits for a log. Who says LOG_ALL, as some do who take all that is offered, and not of the
    /// ring that it is logged, migrates nobody.
    fn awaits_log(&self, state: &State) -> bool {
        self.live && self.enabled && !self.begun && self.log_address.is_some() && state.wants_log()
    }

    fn build(&self, memory: Arc<MemoryMap>, layout: RingLayout, event_idx: bool) -> Result<Ring, String> {
        // The data plane gets duplicates, so that the ring can be made anew without the frontend.
        let copy = |bell: &Option<EventFd>| bell.as_ref().map(EventFd::try_clone).transpose();
        let bells = |error: std::io::Error| format!("its doorbells cannot be duplicated: {error}");
        let bells = Doorbells { kick: copy(&self.kick).map_err(bells)?, call: copy(&self.call).map_err(bells)? };
        Ring::new(memory, layout, event_idx, bells).map_err(|error| error.to_string())
    }
}
