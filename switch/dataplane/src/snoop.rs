// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Copies of Router Advertisements and Solicitations for control, which learns from them and may answer them.
//!
//! A worker and control share a ring of slots that were allocated once: filled ones go to control, and come back when it has
//! heard them. Neither waits for the other. A frame that finds no slot goes on without a copy, and that is counted.
//!
//! Who floods takes none of the slots that others need: no port may have more than a few copies of a kind wait, so that hosts
//! behind an uplink that ask and ask do not keep its routers from being heard; and no tenant, be it
//! over ever so many ports and namespaces of his, more than there are slots left. So the first who floods has half of them,
//! a second half of the others until control catches up, and as much as the first then; and some are left for the rest.
//!
//! Where control mediates ([`Port::set_mediated`], [`Namespace::set_mediated`]) the copy takes the frame's place: control
//! decides who gets it, and in which shape. There a frame that finds no slot is lost, for whom it is must not be left to chance.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};
use wire::{NdKind, VnetHeader, checksum};

use crate::bits::Bits;
use crate::burst::{Burst, Verdict};
use crate::drops::DropReason;
use crate::limits::{SNOOP_LEN, SNOOP_PORT};
use crate::namespace::Namespace;
use crate::port::{Port, PortTag};
use crate::router::kind_of;

/// What of Neighbor Discovery control wants to hear of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SnoopKind {
    /// Router Solicitation.
    #[default]
    Solicitation,
    /// Router Advertisement, from a port that may send it.
    Advertisement,
}

impl SnoopKind {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Solicitation, Self::Advertisement];
}

/// A copy of a frame as it is delivered: all of it, its checksum completed.
#[derive(Debug, Default)]
pub struct Snooped {
    /// The port that it came from, or the end of a link where it came out.
    pub tag: PortTag,
    /// What it is.
    pub kind: SnoopKind,
    /// The frame path has delivered it to nobody: who gets it is for control to decide.
    pub taken: bool,
    frame: Vec<u8>,
    claims: Option<[Claim; 2]>,
}

impl Snooped {
    /// The frame, from its Ethernet header on.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }
}

/// How many copies of a port's frames, or of a tenant's, wait for control.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting(Arc<AtomicUsize>);

/// What a tenant has of the slots: one that all of his namespaces share.
#[derive(Clone, Debug, Default)]
pub struct SnoopShare(pub(crate) Waiting);

impl SnoopShare {
    /// Whether there is another handle to the same share.
    #[must_use]
    pub fn is_held(&self) -> bool {
        Arc::strong_count(&self.0.0) > 1
    }
}

/// One of the copies that may wait; dropped, it makes room for another.
#[derive(Debug)]
struct Claim(Arc<AtomicUsize>);

impl Waiting {
    /// `None`: as many as may wait, `most`, do.
    fn claim(&self, most: usize) -> Option<Claim> {
        let more = |waiting| (waiting < most).then_some(waiting + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Claim(Arc::clone(&self.0)))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The worker's end.
pub(crate) struct Tap {
    empty: Consumer<Snooped>,
    filled: Producer<Snooped>,
    /// Something was handed over since [`Tap::take_news`].
    news: bool,
}

/// Control's end: what a worker has copied, in the order in which it came.
pub struct Snoops {
    filled: Consumer<Snooped>,
    empty: Producer<Snooped>,
}

/// Two ends that share `slots` slots.
pub(crate) fn tap(slots: usize) -> (Tap, Snoops) {
    let (mut put_back, empty) = RingBuffer::new(slots);
    let (filled, take) = RingBuffer::new(slots);
    // It has room for as many; the iterator ends there in any case.
    let fresh = || Snooped { frame: Vec::with_capacity(SNOOP_LEN), ..Snooped::default() };
    (0..slots).take_while(|_| put_back.push(fresh()).is_ok()).for_each(drop);
    (Tap { empty, filled, news: false }, Snoops { filled: take, empty: put_back })
}

impl Tap {
    /// A tap behind which nobody hears.
    pub(crate) fn closed() -> Self {
        tap(0).0
    }

    /// Lets control be woken to look at a port.
    pub(crate) fn note(&mut self) {
        self.news = true;
    }

    /// Whether something was handed over or noted since the last call.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// Copies frame `number` and hands the copy over. `None`: there is no room, or the frame is too long.
    fn copy(
        &mut self,
        burst: &mut Burst,
        number: usize,
        (port, namespace): (&Port, &Namespace),
        what: (SnoopKind, bool),
    ) -> Option<()> {
        let fits = burst.frame(number).len as usize <= SNOOP_LEN;
        let claims = [port.waiting(what.0).claim(SNOOP_PORT)?, namespace.snoop_share().0.claim(self.empty.slots())?];
        let mut slot = (fits && burst.make_whole(number)).then(|| self.empty.pop().ok()).flatten()?;
        (slot.tag, slot.claims) = (port.tag(), Some(claims));
        (slot.kind, slot.taken) = what;
        slot.frame.clear();
        slot.frame.extend_from_slice(burst.bytes(burst.frame(number)));
        complete(&mut slot.frame, &burst.frame(number).vnet);
        self.news = true;
        self.filled.push(slot).ok()
    }
}

/// Completes the checksum that a frame's sender has left to others.
fn complete(frame: &mut [u8], vnet: &VnetHeader) {
    if vnet.needs_csum() {
        let (start, offset) = (usize::from(vnet.csum_start), usize::from(vnet.csum_offset));
        // Cannot fail: it was judged to lie within the frame.
        let _ = checksum::complete(frame, start, offset);
    }
}

impl Snoops {
    /// Lets `hear` have the oldest copy; `None`: there is none.
    pub fn hear<T>(&mut self, hear: impl FnOnce(&Snooped) -> T) -> Option<T> {
        let mut slot = self.filled.pop().ok()?;
        let heard = hear(&slot);
        slot.claims = None;
        // Cannot fail: there are no more slots than it has room for.
        let _ = self.empty.push(slot);
        Some(heard)
    }
}

/// Hands copies of those of the frames `wanted` over that are to be delivered, if to nobody yet. `port` is where they came
/// from. Where control mediates, or learns whether a router is there, advertisements go no further than that.
#[cold]
pub(crate) fn snoop(burst: &mut Burst, wanted: Bits, (port, namespace): (&Port, &Namespace), tap: &mut Tap) {
    // The gate may have changed since the frames were judged.
    let withheld = port.router_gate().objection();
    let mediated = withheld.is_some() || port.is_mediated() || namespace.is_mediated();
    for number in wanted.iter() {
        let goes_on = matches!(burst.frame(number).verdict, Verdict::Port(_) | Verdict::Flood);
        let kind = kind_of(burst, number);
        if kind == NdKind::Unclassified && goes_on && mediated {
            // Whatever hides in it would go past control.
            burst.frames_mut()[number].verdict = Verdict::Drop(DropReason::Unclassifiable);
        } else if let Some(kind) = of_interest(kind).filter(|_| goes_on) {
            let taken = mediated && kind == SnoopKind::Advertisement;
            let copied = tap.copy(burst, number, (port, namespace), (kind, taken)).is_some();
            port.counters.add_snooped(copied.then_some(kind));
            if taken {
                let reason = if copied { DropReason::Mediated } else { DropReason::NotMediated };
                let reason = withheld.unwrap_or(reason);
                burst.frames_mut()[number].verdict = Verdict::Drop(reason);
            }
        }
    }
}

/// What control wants to hear of a message of this kind, if anything.
pub(crate) fn of_interest(kind: NdKind) -> Option<SnoopKind> {
    match kind {
        NdKind::RouterSolicitation => Some(SnoopKind::Solicitation),
        NdKind::RouterAdvertisement => Some(SnoopKind::Advertisement),
        NdKind::Other
        | NdKind::NeighborSolicitation
        | NdKind::NeighborAdvertisement
        | NdKind::Redirect
        | NdKind::DhcpToClient
        | NdKind::Unrecognised
        | NdKind::Unclassified => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_that_was_heard_comes_back_and_its_claim_goes() {
        let (mut tap, mut snoops) = tap(1);
        let waiting = Waiting::default();
        for byte in 0..10 {
            let mut slot = tap.empty.pop().unwrap();
            assert!(tap.empty.is_empty() && slot.frame.capacity() >= SNOOP_LEN);
            slot.claims = waiting.claim(9).zip(waiting.claim(9)).map(|(one, other)| [one, other]);
            slot.frame.clear();
            slot.frame.push(byte);
            tap.filled.push(slot).unwrap();
            assert_eq!(waiting.0.load(Ordering::Relaxed), 2);
            assert_eq!(snoops.hear(|snooped| snooped.frame().to_vec()), Some(vec![byte]));
            assert_eq!((waiting.0.load(Ordering::Relaxed), snoops.hear(|_| ())), (0, None));
        }
    }

    #[test]
    fn a_port_claims_so_many_and_a_closed_tap_has_none() {
        let waiting = Waiting::default();
        let mut claims: Vec<_> = std::iter::from_fn(|| waiting.claim(5)).collect();
        assert_eq!(claims.len(), 5);
        claims.pop();
        assert!(waiting.claim(5).is_some() && waiting.claim(0).is_none());
        assert!(Tap::closed().empty.is_empty());
    }
}
