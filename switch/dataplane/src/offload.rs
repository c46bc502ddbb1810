// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a receiver cannot do itself: complete a checksum, segment a large frame. The slow path of delivery.

use wire::segment::Segmenter;
use wire::{VnetHeader, checksum};

use crate::drops::DropReason;
use crate::limits::FRAME_MAX;
use crate::payload::Payload;
use crate::receiver::Receiver;
use crate::stats::Delta;

/// Room for one whole frame; one a worker.
pub(crate) struct Scratch {
    frame: Vec<u8>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { frame: vec![0; FRAME_MAX] }
    }
}

/// Where the pieces of a frame go: a receive ring or another lane.
pub(crate) trait Destination {
    /// Takes a frame in.
    fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason>;
}

impl Destination for Receiver {
    fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        Receiver::put(self, header, payload)
    }
}

/// Delivers a frame whose receiver lacks what the frame asks for.
///
/// # Errors
/// Why the frame, or the rest of its segments, could not be delivered.
pub(crate) fn finish(
    receiver: &mut impl Destination,
    vnet: &VnetHeader,
    payload: &Payload<'_>,
    scratch: &mut Scratch,
    delta: &mut Delta,
) -> Result<(), DropReason> {
    let len = payload.copy_to(&mut scratch.frame).ok_or(DropReason::OffloadFailed)?;
    if vnet.gso().is_some() {
        return segment(receiver, vnet, &scratch.frame[..len], delta);
    }
    let (start, offset) = (usize::from(vnet.csum_start), usize::from(vnet.csum_offset));
    checksum::complete(&mut scratch.frame[..len], start, offset).map_err(|_| DropReason::OffloadFailed)?;
    receiver.put(&VnetHeader::default(), &Payload::held(&scratch.frame[..len], &[]))?;
    delta.checksums += 1;
    delta.traffic.count(len as u32);
    Ok(())
}

/// Delivers `frame` in pieces that need nothing more.
fn segment(
    receiver: &mut impl Destination,
    vnet: &VnetHeader,
    frame: &[u8],
    delta: &mut Delta,
) -> Result<(), DropReason> {
    for segment in Segmenter::new(frame, vnet).map_err(|_| DropReason::OffloadFailed)? {
        receiver.put(&VnetHeader::default(), &Payload::held(segment.head(), segment.body()))?;
        delta.segments += 1;
        delta.traffic.count(segment.frame_len() as u32);
    }
    Ok(())
}
