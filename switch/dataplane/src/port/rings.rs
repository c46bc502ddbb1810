// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The receive rings of a port: started and stopped by its session, each behind a lock that workers take once a burst.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use sys::{Doorbell, Ring, RingFault, RingLog};

use super::{Busy, Port};
use crate::receiver::Receiver;
use crate::stats::Traffic;

impl Port {
    /// Whether a receive ring runs: the guest's driver is at work.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.pairs.any()
    }

    /// Whether a receive ring ever ran.
    pub(crate) fn has_run(&self) -> bool {
        self.pairs.has_run()
    }

    /// What its guest did to break a ring, until a ring of it is started anew.
    #[must_use]
    pub fn fault(&self) -> Option<RingFault> {
        RingFault::from_code(self.fault.load(Ordering::Relaxed))
    }

    /// Marks a ring of this port broken.
    pub(crate) fn set_fault(&self, fault: RingFault) {
        self.fault.store(fault as u8, Ordering::Relaxed);
    }

    /// Forgets the fault: a ring is started anew.
    pub(crate) fn clear_fault(&self) {
        self.fault.store(0, Ordering::Relaxed);
    }

    /// Has no receive ring start any more, for good: the port is about to be deleted. False: one runs, and nothing has changed. Of this and a
    /// ring that starts at the same moment one is first.
    #[must_use]
    pub fn turn_away(&self) -> bool {
        self.pairs.close()
    }

    /// Whether no ring starts any more.
    #[must_use]
    pub fn turns_away(&self) -> bool {
        self.pairs.is_closed()
    }

    /// Starts delivery into the receive ring of queue pair `pair`; a ring that was there is returned. A pair that the
    /// port does not have, and a port where none starts any more, returns the ring itself.
    pub fn attach_receiver(&self, pair: u16, ring: Ring) -> Option<Ring> {
        if usize::from(pair) >= self.inlets.len() {
            return Some(ring);
        }
        self.clear_fault();
        let before = self.lock(pair).replace(Receiver::new(ring, self.negotiated()));
        let other = if self.pairs.start(pair) { before } else { self.lock(pair).take() };
        other.map(Receiver::into_ring)
    }

    /// Ends delivery into a receive ring. When this has succeeded no worker touches the ring any more.
    ///
    /// # Errors
    /// [`Busy`]: try again.
    pub fn detach_receiver(&self, pair: u16) -> Result<Option<Ring>, Busy> {
        if usize::from(pair) >= self.inlets.len() {
            return Ok(None);
        }
        self.pairs.stop(pair);
        let mut receiver = self.lock(pair);
        if receiver.as_ref().is_some_and(Receiver::is_busy) {
            return Err(Busy);
        }
        Ok(receiver.take().map(Receiver::into_ring))
    }

    /// Marks what is written for a receive ring from now on in `log`. When this returns no worker marks anything in the one
    /// before, and no frame was kept from the ring meanwhile.
    pub fn relog_receiver(&self, pair: u16, log: Option<RingLog>) {
        if usize::from(pair) < self.inlets.len()
            && let Some(receiver) = self.lock(pair).as_mut()
        {
            receiver.set_log(log);
        }
    }

    /// Has a receive ring ring this bell from now on, and returns the one before. No frame is kept from the ring meanwhile.
    pub fn replace_call(&self, pair: u16, call: Option<Doorbell>) -> Option<Doorbell> {
        let receiver = (pair < self.queue_pairs()).then(|| self.lock(pair));
        receiver.and_then(|mut receiver| receiver.as_mut()?.replace_call(call))
    }

    /// The lock of a receive ring, taken once a burst; nobody holds it for longer than a burst.
    #[inline]
    pub(crate) fn lock(&self, pair: u16) -> MutexGuard<'_, Option<Receiver>> {
        // A panic while it was held has been reported already; the ring's own state is plain numbers.
        self.inlets[usize::from(pair)].receiver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its queue pairs, running or not.
    pub(crate) fn queue_pairs(&self) -> u16 {
        self.inlets.len() as u16
    }

    /// Whether delivery into a pair may begin, asked while its lock is held.
    #[inline]
    pub(crate) fn runs(&self, pair: u16) -> bool {
        self.pairs.runs(pair)
    }

    /// Whether all that it has do.
    pub(crate) fn runs_all(&self) -> bool {
        (0..self.queue_pairs()).all(|pair| self.runs(pair))
    }

    /// Counts what was delivered to a pair whose lock the caller holds.
    #[inline]
    pub(crate) fn count(&self, pair: u16, traffic: Traffic) {
        self.inlets[usize::from(pair)].tally.add(traffic);
    }

    /// The queue pair that all flows are delivered to; `None`: several run, and [`Port::steer`] tells.
    #[inline]
    pub(crate) fn only_pair(&self) -> Option<u16> {
        self.pairs.only()
    }

    /// The queue pair that a flow is delivered to: one of those whose receive ring runs.
    #[inline]
    pub(crate) fn steer(&self, flow: u32) -> u16 {
        self.pairs.of(flow)
    }
}
