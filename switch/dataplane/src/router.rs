// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! RA guard (RFC 6105, RFC 7113): a host must not speak as a router, nor as a DHCPv6 server (RFC 7610), and a router says what its port
//! allows. And for everybody: Neighbor Discovery is not fragmented (RFC 6980).

use wire::ip6::{Ip6Header, Walk, walk};
use wire::nd::{NdMessage, NdPacket};
use wire::{NdKind, is_fragmented_nd, nd_kind, packet_at};

use crate::burst::{Burst, Frame, Verdict};
use crate::drops::DropReason;
use crate::ra_guard::RaGuard;
use crate::router_gate::RouterGate;
use crate::snoop::of_interest;
use crate::swapped::Swapped;

/// Where an ICMPv6 message has its checksum (RFC 4443 section 2.1).
const CHECKSUM_AT: u16 = 2;

/// What of routers' messages may come from somewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Routers<'a> {
    /// Why what only routers may say is dropped; `None`: it may come.
    pub(crate) rogue: Option<DropReason>,
    /// Whether any of it may.
    pub(crate) gate: RouterGate,
    /// What they may say.
    pub(crate) guard: &'a Swapped<RaGuard>,
}

/// Drops frame `index` if it speaks as a router and may not, or says what its port does not allow. A frame whose header
/// chain does not end within its head is judged by a whole copy, and so is what a router says.
///
/// True: it passes, and control wants to hear of it.
pub(crate) fn guard(burst: &mut Burst, index: usize, routers: Routers<'_>) -> bool {
    let frame = &burst.frames()[index];
    frame.verdict == Verdict::Undecided && !frame.is_everyday() && classify(burst, index, routers)
}

/// Finds out what frame `index` is, and drops it if its port may not send that. True: as of [`guard`].
pub(crate) fn classify(burst: &mut Burst, index: usize, routers: Routers<'_>) -> bool {
    let kind = match kind_of(burst, index) {
        NdKind::Unclassified if burst.privatise(index) => kind_of(burst, index),
        kind => kind,
    };
    let objection = object(kind, routers).or_else(|| object_to_fragment(burst, index, kind));
    let objection = objection.or_else(|| object_to_content(burst, index, kind, routers.guard));
    if let Some(reason) = objection {
        burst.frames_mut()[index].decide(Verdict::Drop(reason));
    }
    objection.is_none() && (of_interest(kind).is_some() || kind == NdKind::Unclassified)
}

/// What frame `index` is by its private copy.
pub(crate) fn kind_of(burst: &Burst, index: usize) -> NdKind {
    let frame = &burst.frames()[index];
    nd_kind(burst.bytes(frame), &frame.ether())
}

fn object(kind: NdKind, Routers { rogue, gate, guard }: Routers<'_>) -> Option<DropReason> {
    // Who may be heard as a router and say anything has no need to hide what he says.
    let watched =
        || rogue.is_some() || gate != RouterGate::Open || guard.get().is_some_and(|rules| !rules.allows_all());
    match kind {
        NdKind::RouterAdvertisement => rogue.or(gate.objection_to_advert()),
        NdKind::Redirect => rogue.or(gate.objection()),
        NdKind::DhcpToClient => rogue.map(|_| DropReason::RogueDhcp),
        NdKind::Unclassified => watched().then_some(DropReason::Unclassifiable),
        NdKind::Unrecognised => {
            let passes = guard.get().is_some_and(|rules| rules.unrecognised) || !watched();
            (!passes).then_some(DropReason::UnrecognisedHeader)
        }
        NdKind::Other | NdKind::RouterSolicitation | NdKind::NeighborSolicitation | NdKind::NeighborAdvertisement => {
            None
        }
    }
}

/// Objects to what a router says, if its port has rules for that.
fn object_to_content(burst: &mut Burst, index: usize, kind: NdKind, guard: &Swapped<RaGuard>) -> Option<DropReason> {
    let rules = guard.get().filter(|rules| !rules.allows_all())?;
    match kind {
        NdKind::RouterAdvertisement => judge_advertisement(burst, index, &rules).err(),
        NdKind::Redirect => judge_redirect(burst, index, &rules).err(),
        _ => None,
    }
}

#[cold]
fn judge_advertisement(burst: &mut Burst, index: usize, rules: &RaGuard) -> Result<(), DropReason> {
    if !burst.make_whole(index) {
        return Err(DropReason::RaMalformed);
    }
    let frame = burst.frame(index);
    let (at, packet) = packet(burst, frame);
    let valid = if !frame.vnet.needs_csum() {
        NdPacket::validate(packet)
    } else if sums_itself(frame, at, packet) {
        NdPacket::validate_unsummed(packet)
    } else {
        return Err(DropReason::RaMalformed);
    };
    match valid.map(|packet| (packet.src, packet.message)) {
        Ok((src, NdMessage::Advert(advert))) => rules.judge(frame.src(), src, &advert),
        _ => Err(DropReason::RaMalformed),
    }
}

#[cold]
fn judge_redirect(burst: &Burst, index: usize, rules: &RaGuard) -> Result<(), DropReason> {
    let frame = burst.frame(index);
    let header = Ip6Header::parse(packet(burst, frame).1).ok_or(DropReason::RaMalformed)?;
    rules.check_sender(frame.src(), header.src)
}

/// Where the IPv6 packet of a frame begins, and what there is of it in the private copy.
fn packet<'a>(burst: &'a Burst, frame: &'a Frame) -> (usize, &'a [u8]) {
    let bytes = burst.bytes(frame);
    let at = packet_at(bytes, &frame.ether()).unwrap_or(bytes.len());
    (at, bytes.get(at..).unwrap_or_default())
}

/// Whether the checksum that others are to complete is that of the ICMPv6 message in the packet at `at`: anywhere else they
/// would change what was judged.
fn sums_itself(frame: &Frame, at: usize, packet: &[u8]) -> bool {
    match walk(packet) {
        Walk::End(chain) => {
            usize::from(frame.vnet.csum_start) == at + chain.offset && frame.vnet.csum_offset == CHECKSUM_AT
        }
        Walk::Truncated | Walk::NotIp6 => false,
    }
}

fn object_to_fragment(burst: &Burst, index: usize, kind: NdKind) -> Option<DropReason> {
    let frame = &burst.frames()[index];
    let fragmented = kind != NdKind::Other && is_fragmented_nd(burst.bytes(frame), &frame.ether());
    fragmented.then_some(DropReason::FragmentedNd)
}
