// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! For tests: a worker that makes no turn, held by a lane that does not return from reading.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use dataplane::{
    LaneGone, LaneSource, MacPolicy, Namespace, NamespaceConfig, Negotiated, Port, PortConfig, PortSlot, Role,
};
use sys::MemoryMap;
use wire::MacAddr;

use super::AttachedLane;
use crate::lane::{Kind, open};

/// A worker is held until this is dropped, however a test ends.
pub(crate) struct Held {
    /// Dropped before the lane, which ends only when the worker turns.
    _leave: Sender<()>,
    _lane: AttachedLane,
}

/// Gives a worker a lane that it does not return from. `attach` is what says to whom.
pub(crate) fn hold(
    attach: impl FnOnce((&Arc<Namespace>, &Arc<Port>), Vec<Box<dyn LaneSource>>) -> AttachedLane,
) -> Held {
    let namespace = Namespace::new(&NamespaceConfig { macs_max: 16, age: Duration::from_secs(300), seed: 1 });
    let mac = MacAddr([2, 0, 0, 0, 0, 1]);
    let config = PortConfig { mac, role: Role::Host, macs: MacPolicy::Own, mtu: 1500, queue_pairs: 1 };
    let port = Port::new(PortSlot(0), &config);
    let ((enter, entered), (_leave, leave)) = (channel(), channel());
    let inner = open(&Kind::Null).unwrap().sources.remove(0);
    let lane = attach((&namespace, &port), vec![Box::new(Source { inner, enter, leave })]);
    entered.recv().unwrap();
    Held { _leave, _lane: lane }
}

struct Source {
    inner: Box<dyn LaneSource>,
    enter: Sender<()>,
    leave: Receiver<()>,
}

impl LaneSource for Source {
    fn receive(&mut self) -> Result<usize, LaneGone> {
        let _ = self.enter.send(());
        // Nothing is ever sent: it ends when the other end does, and from then on at once.
        let _ = self.leave.recv();
        self.inner.receive()
    }

    fn memory(&self) -> &Arc<MemoryMap> {
        self.inner.memory()
    }

    fn frame(&self, number: usize) -> (u64, u32) {
        self.inner.frame(number)
    }

    fn release(&mut self) {
        self.inner.release();
    }

    fn negotiated(&self) -> Negotiated {
        self.inner.negotiated()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.inner.fd()
    }
}
