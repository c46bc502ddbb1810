// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 2: what a frame is, by its private copy, and whether its port may send it.

use sys::MemoryMap;
use wire::{EtherHeader, ether};

use crate::burst::{Burst, Frame, Verdict};
use crate::claims;
use crate::drops::DropReason;
use crate::port::{MacPolicy, Policy, Role};
use crate::router;

use wire::MacAddr;

/// Decides on every frame that its port may not send. `memory` is the sender's, for the frames that need a whole copy.
pub(crate) fn guard(burst: &mut Burst, memory: &MemoryMap, own: MacAddr, policy: &Policy) {
    for frame in burst.frames_mut() {
        // A frame shorter than a header did not enter the burst.
        frame.ether = EtherHeader::parse(frame.head()).unwrap_or_default();
        if let Err(reason) = check(frame, own, policy) {
            frame.decide(Verdict::Drop(reason));
        }
    }
    if policy.role == Role::Host {
        router::guard(burst, memory);
    }
}

#[inline]
fn check(frame: &mut Frame, own: MacAddr, policy: &Policy) -> Result<(), DropReason> {
    check_source(frame.ether.src, own, policy.macs)?;
    claims::check(frame, policy.negotiated)?;
    if fits(frame, policy.mtu) { Ok(()) } else { Err(DropReason::Oversize) }
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
