// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The frames of one hold: those that wait, and before them copies of those that are in a ring and that the guest is not known to
//! have taken from there. All memory is allocated when the hold begins, and used again and again.

use std::collections::VecDeque;
use std::sync::Arc;

use wire::VnetHeader;

use crate::asking::Asking;
use crate::drops::DropReason;
use crate::limits::{HELD_BYTES, HELD_FRAMES};
use crate::offload::Scratch;
use crate::payload::Payload;
use crate::port::Port;
use crate::steering::Steering;
use crate::time::Instant;

/// See the module.
pub(crate) struct Room {
    /// Each frame in one piece, in order, the next behind the last or at the front.
    pub(crate) bytes: Vec<u8>,
    pub(crate) frames: VecDeque<Waiting>,
    /// How many of them, the first ones, are in a ring.
    pub(crate) sent: usize,
    pub(crate) scratch: Scratch,
    /// It is being let out.
    pub(super) ending: Option<Ending>,
    /// The guest has only just come: it is not known to be at work until it gives buffers.
    pub(crate) fresh: bool,
    /// The guest does not come: what waits leaves by these uplinks.
    pub(super) back: Option<Vec<Arc<Port>>>,
    /// How control wants frames steered that need not wait for a guest on its way.
    pub(crate) after: Steering,
    /// What the guest is asked, and has been since it was to change over.
    pub(crate) asking: Option<Asking>,
}

/// How what waits is let out.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    /// When that is given up.
    pub(super) until: Instant,
    /// How many buffers the guest had given when it began.
    pub(super) offered: u16,
}

/// A frame that waits, and where it lies.
#[derive(Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) vnet: VnetHeader,
    start: usize,
    len: usize,
    /// Of one that is in a ring: which, and the number of the question behind it.
    pub(crate) place: (u16, u32),
    /// The guest has it, or it is lost.
    pub(crate) is_done: bool,
}

impl Waiting {
    pub(crate) fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start..self.start + self.len).unwrap_or_default()
    }
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; HELD_BYTES],
            frames: VecDeque::with_capacity(HELD_FRAMES),
            sent: 0,
            scratch: Scratch::new(),
            ending: None,
            fresh: false,
            back: None,
            after: Steering::default(),
            asking: None,
        }
    }

    /// Puts a frame behind those that wait.
    pub(crate) fn take(&mut self, vnet: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        let len = payload.len();
        let start = self.place(len).ok_or(DropReason::HoldFull)?;
        let place = self.bytes.get_mut(start..start + len);
        place.and_then(|place| payload.copy_to(place)).ok_or(DropReason::HoldFull)?;
        self.frames.push_back(Waiting { vnet: *vnet, start, len, place: (0, 0), is_done: false });
        Ok(())
    }

    /// Where there is room for a frame.
    fn place(&self, len: usize) -> Option<usize> {
        if self.frames.len() >= HELD_FRAMES {
            return None;
        }
        let (Some(first), Some(last)) = (self.frames.front(), self.frames.back()) else {
            return (len <= self.bytes.len()).then_some(0);
        };
        let end = last.start + last.len;
        if last.start < first.start {
            (end + len <= first.start).then_some(end)
        } else if end + len <= self.bytes.len() {
            Some(end)
        } else {
            (len <= first.start).then_some(0)
        }
    }

    /// What waits is not to be let out any more, if it was.
    pub(crate) fn shut_in(&mut self) {
        self.ending = None;
    }

    /// Lets go of the first copy of what is in a ring already. False: there is none.
    pub(crate) fn evict(&mut self) -> bool {
        let evicts = self.sent > 0;
        if evicts {
            self.pop();
        }
        evicts
    }

    /// Lets go of the copies: what is in a ring is the guest's.
    pub(crate) fn forget_sent(&mut self) {
        while self.evict() {}
    }

    /// Takes out the first frame.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        self.sent = self.sent.saturating_sub(1);
        self.frames.pop_front()
    }

    /// How many wait that are in no ring.
    pub(crate) fn waiting(&self) -> usize {
        self.frames.len() - self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_lie_in_the_same_memory_again_and_none_over_another() {
        let (mut room, mut next, mut first) = (Room::new(), 0_u32, 0_u32);
        for round in 0..20_000_u32 {
            let len = 60 + (round as usize * 7919) % 9000;
            let frame: Vec<u8> = next.to_be_bytes().into_iter().cycle().take(len).collect();
            if room.take(&VnetHeader::PLAIN, &Payload::held(&frame, &[])).is_ok() {
                next += 1;
            } else {
                assert!(room.frames.len() > 300, "{} of {len} bytes", room.frames.len());
                for _ in 0..1 + round % 3 {
                    let gone = room.pop().unwrap();
                    let bytes = gone.of(&room.bytes);
                    assert!(bytes.chunks(4).all(|word| first.to_be_bytes().starts_with(word)), "frame {first}");
                    first += 1;
                }
            }
        }
        assert!(first > 1000, "it went round: {first}");
    }
}
