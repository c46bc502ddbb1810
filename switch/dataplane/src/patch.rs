// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Links between namespaces: a port that has no guest and leads to a port of another namespace.
//!
//! What is delivered to such a port *crosses*: it comes out of the port at the far end as if that port's guest had sent
//! it, within the same burst and still as one copy from the sender's memory into the last receiver's. The far namespace
//! decides anew: its port's limits, its own and Router Advertisements, its own table learns and is asked, its own ports are
//! flooded. A worker keeps what has still to cross in a list, never on the stack, and both the list and the crossings of
//! one frame are bounded ([`LINK_HOPS`], [`CROSSINGS`](crate::limits::CROSSINGS)); control lets no loop of links come to be,
//! so only a burst that runs while links are changed can meet the bounds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwapOption, Guard};

use crate::bits::Bits;
use crate::burst::{Burst, Verdict};
use crate::deliver::{Delivery, Sender};
use crate::drops::DropReason;
use crate::forward::{From, ask, forward};
use crate::limits::LINK_HOPS;
use crate::namespace::Namespace;
use crate::policing::SendPolicers;
use crate::port::Port;
use crate::router;
use crate::snoop::{Tap, snoop};
use crate::stats::Delta;

/// The other end of a link.
pub(crate) struct Far {
    pub(crate) namespace: Arc<Namespace>,
    pub(crate) port: Arc<Port>,
}

/// Where a port leads to, if it leads anywhere.
#[derive(Default)]
pub(crate) struct Patch {
    on: AtomicBool,
    far: ArcSwapOption<Far>,
    /// Ends that a worker may still hold; control drops them, so that a worker never frees memory.
    retired: Mutex<Vec<Arc<Far>>>,
}

impl Patch {
    /// Whether the port is the end of a link.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// The other end; `None`: the link has just been taken away.
    pub(crate) fn far(&self) -> Guard<Option<Arc<Far>>> {
        self.far.load()
    }

    pub(crate) fn set(&self, far: Option<Far>) {
        self.on.store(far.is_some(), Ordering::Relaxed);
        let before = self.far.swap(far.map(Arc::new));
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).extend(before);
        self.drop_retired();
    }

    /// Drops ends that no worker holds any more.
    pub(crate) fn drop_retired(&self) {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).retain(|far| Arc::strong_count(far) > 1);
    }
}

/// Frames that have gone into a link and have not come out of it.
#[derive(Clone)]
pub(crate) struct Crossing {
    /// The near end.
    pub(crate) port: Arc<Port>,
    /// Which frames of the burst.
    pub(crate) frames: Bits,
    /// Links that they have crossed when they come out.
    pub(crate) hops: u8,
}

impl Crossing {
    /// Whether the frames may cross one more link.
    pub(crate) fn may_go_on(hops: u8) -> bool {
        hops < LINK_HOPS
    }
}

/// Lets all frames that were delivered to ends of links come out at the other ends, and so on.
#[cold]
pub(crate) fn cross(delivery: &mut Delivery, burst: &mut Burst, tap: &mut Tap, sender: Sender) {
    let mut at = 0;
    while let Some(crossing) = delivery.crossing(at) {
        come_out(&crossing, delivery, burst, tap, sender);
        at += 1;
    }
    delivery.end_crossings();
}

/// The far end's stages, as for a burst of its own guest.
fn come_out(crossing: &Crossing, delivery: &mut Delivery, burst: &mut Burst, tap: &mut Tap, sender: Sender) {
    let mut delta = Delta::default();
    let guard = crossing.port.patch().far();
    let Some(far) = guard.as_ref() else {
        delta.drops.add_many(DropReason::PortDown, crossing.frames.len() as u64);
        return crossing.port.counters.add_rx(&delta);
    };
    let port = &far.port;
    for (number, frame) in burst.frames_mut().iter_mut().enumerate() {
        let mine = crossing.frames.has(number);
        frame.verdict = if mine { Verdict::Undecided } else { Verdict::Elsewhere };
        if mine {
            delta.traffic.count(frame.len);
        }
    }
    let policers = SendPolicers::of(port, &far.namespace);
    policers.transmit(burst, sender.now);
    let (mut heard, routers) = (crossing.frames, port.policy().routers(DropReason::LinkRouter));
    heard.retain(|number| router::guard(burst, number, routers));
    let from = From { slot: port.slot(), own: port.mac(), uplink: None };
    ask(burst.frames(), far.namespace.fdb(), from.own);
    forward(burst, far.namespace.fdb(), from, sender.now);
    policers.flood(burst, sender.now);
    snoop(burst, heard, (port, &far.namespace), tap);
    let sender = Sender { slot: port.slot(), hops: crossing.hops, ..sender };
    delivery.deliver(burst, sender, &far.namespace.ports.load(), &mut delta);
    port.counters.add_tx(&delta);
}
