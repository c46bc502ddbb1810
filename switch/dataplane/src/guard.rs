// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Stage 2 and 3: what a frame is, by its private copy, and whether its port may send it.

use sys::MemoryMap;
use wire::{EtherHeader, ether};

use crate::burst::{Burst, Frame, Verdict};
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
fn check(frame: &Frame, own: MacAddr, policy: &Policy) -> Result<(), DropReason> {
    check_source(frame.ether.src, own, policy.macs)?;
    check_offload(frame, policy)?;
    check_length(frame, policy.mtu)
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

#[inline]
fn check_offload(frame: &Frame, policy: &Policy) -> Result<(), DropReason> {
    let header = &frame.vnet;
    if header.is_plain() {
        return Ok(());
    }
    let sane = header.check(frame.len as usize).is_ok() && policy.negotiated.may_send(header);
    if sane { Ok(()) } else { Err(DropReason::BadOffload) }
}

/// A frame that is still to be segmented is as long as it likes; its segments are not.
#[inline]
fn check_length(frame: &Frame, mtu: u16) -> Result<(), DropReason> {
    let fits = match frame.vnet.gso() {
        None => frame.len as usize <= frame_limit(mtu, &frame.ether),
        Some(_) => frame.vnet.gso_size <= mtu,
    };
    if fits { Ok(()) } else { Err(DropReason::Oversize) }
}

/// Bytes of the longest frame with this header that an MTU allows. Tags are not part of the packet.
#[inline]
pub(crate) fn frame_limit(mtu: u16, header: &EtherHeader) -> usize {
    usize::from(mtu) + ether::MIN_LEN + header.tags() * ether::TAG_LEN
}
