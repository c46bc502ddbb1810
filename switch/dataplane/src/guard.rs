// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 2: what a frame is, by its private copy, and whether its port may send it.
//!
//! Nearly every frame is an ordinary one, of which nothing has to be said: whether it is, is asked of the whole burst first,
//! without a branch for each question. The others are looked at one by one.

use wire::MacAddr;

use crate::addresses::says_address;
use crate::bits::Bits;
use crate::burst::{Burst, Frame, Verdict};
use crate::claims;
use crate::drops::DropReason;
use crate::port::{MacPolicy, Policy};
use crate::router;

/// Decides on every frame that its port may not send. Returns those of which control wants to hear, or that say an
/// address of its guest.
pub(crate) fn guard(burst: &mut Burst, own: MacAddr, policy: &Policy<'_>) -> Bits {
    let mut suspects = Bits::NONE;
    for (number, frame) in (0..).zip(burst.frames_mut()) {
        frame.note_longest(frame.len, 0);
        suspects.set(number, !is_ordinary(frame, own, policy));
    }
    suspects.retain(|number| judge(burst, number, own, policy));
    suspects
}

/// Whether a frame may pass whatever else it is.
#[inline(always)]
fn is_ordinary(frame: &Frame, own: MacAddr, policy: &Policy<'_>) -> bool {
    let src = frame.src();
    let mine = src == own || (policy.macs == MacPolicy::Any && src.is_station());
    mine & frame.is_everyday() & frame.vnet.is_plain() & frame.fits(policy.mtu)
}

/// True: the frame passes, and has something to say to the switch itself.
#[inline(never)]
fn judge(burst: &mut Burst, number: usize, own: MacAddr, policy: &Policy<'_>) -> bool {
    let frame = &mut burst.frames_mut()[number];
    let asks = !frame.vnet.is_plain();
    match check(frame, own, policy) {
        Err(DropReason::Unclassifiable) if frame.verdict == Verdict::Undecided => check_whole(burst, number, policy),
        Err(reason) => frame.decide(Verdict::Drop(reason)),
        Ok(()) => (),
    }
    if asks {
        burst.mark(number);
    }
    router::guard(burst, number, policy.routers(DropReason::RogueRouter))
        || says_address(burst.frame(number), own, policy)
}

fn check(frame: &mut Frame, own: MacAddr, policy: &Policy<'_>) -> Result<(), DropReason> {
    check_source(frame.src(), own, policy.macs)?;
    claims::check(frame, policy.negotiated)?;
    if frame.fits(policy.mtu) { Ok(()) } else { Err(DropReason::Oversize) }
}

/// Checks the offloads of a frame once more whose headers did not end within its head.
#[cold]
fn check_whole(burst: &mut Burst, number: usize, policy: &Policy<'_>) {
    let claims = if burst.privatise(number) {
        let frame = &burst.frames()[number];
        claims::judge(frame, burst.bytes(frame), policy.negotiated)
    } else {
        Err(DropReason::Unclassifiable)
    };
    let frame = &mut burst.frames_mut()[number];
    frame.verdict = match claims {
        Err(reason) => Verdict::Drop(reason),
        Ok(claims) => {
            claims.note(frame);
            if frame.fits(policy.mtu) { Verdict::Undecided } else { Verdict::Drop(DropReason::Oversize) }
        }
    };
}

#[inline]
fn check_source(source: MacAddr, own: MacAddr, macs: MacPolicy) -> Result<(), DropReason> {
    if source == own {
        Ok(())
    } else if !source.is_station() {
        Err(DropReason::BadSource)
    } else if macs == MacPolicy::Own {
        Err(DropReason::SpoofedMac)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::VnetHeader;

    use super::*;
    use crate::features::Negotiated;
    use crate::port::Role;
    use crate::router_gate::SharedGate;
    use crate::swapped::Swapped;

    const OWN: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

    /// What stands behind the addresses: tags or none, an ethertype, and a packet that may be Neighbor Discovery.
    fn rest() -> impl Strategy<Value = Vec<u8>> {
        let tag = prop::sample::select(vec![vec![], vec![0x81, 0, 0, 1], vec![0x88, 0xa8, 0, 1, 0x81, 0, 0, 2]]);
        let kind = prop::sample::select(vec![[8, 0], [8, 6], [0x86, 0xdd], [0, 40], [0x81, 0]]);
        let next = prop::sample::select(vec![0_u8, 6, 17, 43, 44, 58, 59, 60]);
        let parts = (
            tag,
            kind,
            next,
            0..=90_usize,
            prop::collection::vec(prop::sample::select(vec![0_u8, 2, 0x22, 58, 134]), 50),
        );
        parts.prop_map(|(tag, kind, next, cut, behind)| {
            let packet = [&[0x60, 0, 0, 0, 0, 50, next, 255], &[0xfe; 32][..], &behind].concat();
            [&tag[..], &kind, &packet[..cut.min(packet.len())]].concat()
        })
    }

    proptest! {
        /// The short way says yes only where the long one does.
        #[test]
        fn what_is_ordinary_would_pass_every_check(
            station in any::<bool>(),
            macs in prop::sample::select(vec![MacPolicy::Own, MacPolicy::Any]),
            rest in rest(),
            flags in 0..=1_u8,
            gso_type in prop::sample::select(vec![0_u8, 1, 4, 0x80]),
        ) {
            let src = if station { OWN } else { MacAddr([3, 0, 0, 0, 0, 2]) };
            let bytes = [&[0x33, 0x33, 0, 0, 0, 1], &src.0[..], &rest].concat();
            let mut burst = Burst::of(&bytes, VnetHeader { flags, gso_type, ..VnetHeader::default() });
            let (ra_guard, gate) = (Swapped::default(), SharedGate::default());
            let (role, negotiated) = (Role::Host, Negotiated(0));
            let policy = Policy { role, macs, mtu: 68, negotiated, ra_guard: &ra_guard, gate: &gate };
            let frame = &mut burst.frames_mut()[0];
            frame.note_longest(frame.len, 0);
            if is_ordinary(frame, OWN, &policy) {
                prop_assert_eq!(check(frame, OWN, &policy), Ok(()));
                prop_assert!(!router::classify(&mut burst, 0, policy.routers(DropReason::RogueRouter)));
                prop_assert_eq!(burst.frames()[0].verdict, Verdict::Undecided);
            }
        }
    }
}
