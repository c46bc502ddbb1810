// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 2: what a frame is, by its private copy, and whether its port may send it.
//!
//! Nearly every frame is an ordinary one, of which nothing has to be said: whether it is, is asked of the whole burst first,
//! without a branch for each question. The others are looked at one by one.

use wire::MacAddr;

use crate::bits::Bits;
use crate::burst::{Burst, Frame, Verdict};
use crate::claims;
use crate::drops::DropReason;
use crate::port::{MacPolicy, Policy};
use crate::router;

/// Decides on every frame that its port may not send. Returns those of which control wants to hear.
pub(crate) fn guard(burst: &mut Burst, own: MacAddr, policy: &Policy) -> Bits {
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
fn is_ordinary(frame: &Frame, own: MacAddr, policy: &Policy) -> bool {
    let src = frame.src();
    let mine = src == own || (policy.macs == MacPolicy::Any && src.is_station());
    mine & frame.is_everyday() & frame.vnet.is_plain() & frame.fits(policy.mtu)
}

/// True: the frame passes, and control wants to hear of it.
#[inline(never)]
fn judge(burst: &mut Burst, number: usize, own: MacAddr, policy: &Policy) -> bool {
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
    router::guard(burst, number, policy.role.objection(DropReason::RogueRouter))
}

fn check(frame: &mut Frame, own: MacAddr, policy: &Policy) -> Result<(), DropReason> {
    check_source(frame.src(), own, policy.macs)?;
    claims::check(frame, policy.negotiated)?;
    if frame.fits(policy.mtu) { Ok(()) } else { Err(DropReason::Oversize) }
}

/// Checks the offloads of a frame once more whose headers did not end within its head.
#[cold]
fn check_whole(burst: &mut Burst, number: usize, policy: &Policy) {
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
