// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 2: what a frame is, by its private copy, and whether its port may send it.

use wire::{EtherHeader, ether};

use crate::burst::{Burst, Frame, Verdict};
use crate::claims;
use crate::drops::DropReason;
use crate::port::{MacPolicy, Policy, Role};
use crate::router;

use wire::MacAddr;

/// Decides on every frame that its port may not send.
pub(crate) fn guard(burst: &mut Burst, own: MacAddr, policy: &Policy) {
    let mut cut = false;
    for frame in burst.frames_mut() {
        // A frame shorter than a header did not enter the burst.
        frame.ether = EtherHeader::parse(frame.head()).unwrap_or_default();
        if let Err(reason) = check(frame, own, policy) {
            frame.decide(Verdict::Drop(reason));
            cut |= reason == DropReason::Unclassifiable;
        }
    }
    if cut {
        check_whole(burst, policy);
    }
    if policy.role == Role::Host {
        router::guard(burst, DropReason::RogueRouter);
    }
}

#[inline]
fn check(frame: &mut Frame, own: MacAddr, policy: &Policy) -> Result<(), DropReason> {
    check_source(frame.ether.src, own, policy.macs)?;
    claims::check(frame, policy.negotiated)?;
    if fits(frame, policy.mtu) { Ok(()) } else { Err(DropReason::Oversize) }
}

/// Checks the offloads of frames once more whose headers did not end within their heads.
#[cold]
fn check_whole(burst: &mut Burst, policy: &Policy) {
    for index in 0..burst.frames().len() {
        if burst.frames()[index].verdict != Verdict::Drop(DropReason::Unclassifiable) || !burst.privatise(index) {
            continue;
        }
        let frame = &burst.frames()[index];
        let claims = claims::judge(frame, burst.bytes(frame), policy.negotiated);
        let frame = &mut burst.frames_mut()[index];
        frame.verdict = match claims {
            Err(reason) => Verdict::Drop(reason),
            Ok(claims) => {
                claims.note(frame);
                if fits(frame, policy.mtu) { Verdict::Undecided } else { Verdict::Drop(DropReason::Oversize) }
            }
        };
    }
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

/// Whether an MTU allows a frame. One that is still to be segmented is as long as it likes; its segments are not. Tags
/// are not part of the packet.
#[inline]
pub(crate) fn fits(frame: &Frame, mtu: u16) -> bool {
    let limit = usize::from(mtu) + ether::MIN_LEN + frame.ether.tags() * ether::TAG_LEN;
    frame.longest as usize <= limit
}
