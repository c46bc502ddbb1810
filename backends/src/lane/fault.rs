// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Another lane that does not do as it should: frames are lost, come twice, late or in another order, and at last the lane goes.
//! What happens follows from a seed alone, so that a test can have it again.
//!
//! It lies: what it loses it says to have sent, as a wire would.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dataplane::limits::{BURST, FRAME_MAX};
use dataplane::{DropReason, Flushed, LaneGone, LaneSink, LaneSource, Negotiated, Payload};
use sys::MemoryMap;
use wire::VnetHeader;

use super::error::LaneError;
use super::link::{Link, LinkState};
use super::pool::{Pool, read};
use super::queue::{Queue, count};
use super::{Opened, WITHIN};

/// Frames that may be late at a time, and how many of the longest. What is late beyond that is lost.
const LATE: usize = 4 * BURST;
const WHOLE: usize = 16;

/// What goes wrong. Shares are of 1000 frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plan {
    /// What all of it follows from.
    pub seed: u64,
    /// Frames that are lost.
    pub lost: u16,
    /// Frames that come twice.
    pub twice: u16,
    /// Frames that come behind those of the next burst.
    pub late: u16,
    /// Frames that come behind the one that follows them.
    pub swapped: u16,
    /// Bursts that bring nothing although there is something.
    pub stalled: u16,
    /// The lane goes when so many frames have crossed it, both ways counted.
    pub dies_after: Option<u64>,
}

/// What becomes of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    Lost,
    Twice,
    Late,
    Swapped,
}

/// Numbers that look random (xorshift64*).
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        // Zero is the one state that leads nowhere.
        Self((seed ^ 0x9e37_79b9_7f4a_7c15).max(1))
    }

    /// Below 1000.
    fn roll(&mut self) -> u16 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % 1000) as u16
    }

    fn fate(&mut self, plan: &Plan) -> Fate {
        let mut left = self.roll();
        for (share, fate) in
            [(plan.lost, Fate::Lost), (plan.twice, Fate::Twice), (plan.late, Fate::Late), (plan.swapped, Fate::Swapped)]
        {
            match left.checked_sub(share) {
                None => return fate,
                Some(rest) => left = rest,
            }
        }
        Fate::Well
    }
}

/// Lets `plan` happen to what crosses `inner`.
///
/// # Errors
/// No address space left.
pub(super) fn open(inner: Opened, plan: Plan) -> Result<Opened, LaneError> {
    let life = Arc::new(Life { link: Arc::clone(&inner.link), crossed: AtomicU64::new(0), plan });
    let mut seed = plan.seed;
    let mut dice = || {
        seed = seed.wrapping_add(1);
        Dice::new(seed)
    };
    let mut opened = Opened { mtu: inner.mtu, ..Opened::none(inner.link) };
    for inner in inner.sinks {
        let (trouble, flushed) = (Trouble::new(dice()), Flushed::default());
        let sink = Sink { inner, life: Arc::clone(&life), trouble, flushed };
        opened.sinks.push(Box::new(sink));
    }
    for inner in inner.sources {
        let pool = Pool::new().map_err(|why| WITHIN.on("a fault lane", why))?;
        let whole = vec![0; VnetHeader::LEN + FRAME_MAX];
        let source = Source { inner, life: Arc::clone(&life), trouble: Trouble::new(dice()), pool, whole };
        opened.sources.push(Box::new(source));
    }
    Ok(opened)
}

/// How long the lane lives.
struct Life {
    link: Arc<Link>,
    crossed: AtomicU64,
    plan: Plan,
}

impl Life {
    /// Whether one more frame may cross.
    fn spend(&self) -> bool {
        let before = self.crossed.fetch_add(1, Ordering::Relaxed);
        let lives = self.plan.dies_after.is_none_or(|last| before < last);
        if !lives {
            self.link.set(LinkState::Gone);
        }
        lives
    }

    fn is_over(&self) -> bool {
        self.plan.dies_after.is_some_and(|last| self.crossed.load(Ordering::Relaxed) >= last)
    }
}

/// What goes wrong in one direction: frames in, and out again in the order and number in which they are to go. Each stands
/// behind its virtio-net header.
struct Trouble {
    dice: Dice,
    /// What goes now.
    now: Queue,
    /// What goes behind the frame that comes next.
    held: Queue,
    /// What goes behind this burst, and behind the next.
    due: Queue,
    late: Queue,
}

impl Trouble {
    fn new(dice: Dice) -> Self {
        let queue = || Queue::new(LATE, WHOLE, VnetHeader::LEN);
        Self { dice, now: queue(), held: queue(), due: queue(), late: queue() }
    }

    /// Lets one frame meet its fate.
    fn meet(&mut self, plan: &Plan, header: &[u8; VnetHeader::LEN], frame: &Payload<'_>) {
        let mut fate = self.dice.fate(plan);
        if fate == Fate::Swapped && !self.held.is_empty() {
            fate = Fate::Well;
        }
        let (queue, times) = match fate {
            Fate::Lost => return,
            Fate::Well => (&mut self.now, 1),
            Fate::Twice => (&mut self.now, 2),
            Fate::Late => (&mut self.late, 1),
            Fate::Swapped => (&mut self.held, 1),
        };
        (0..times).for_each(|_| _ = queue.push(header, frame));
        if matches!(fate, Fate::Well | Fate::Twice) {
            self.now.append(&mut self.held);
        }
    }

    /// The burst is over.
    fn turn(&mut self) {
        self.now.append(&mut self.held);
        self.now.append(&mut self.due);
        std::mem::swap(&mut self.due, &mut self.late);
    }
}

struct Sink {
    inner: Box<dyn LaneSink>,
    life: Arc<Life>,
    trouble: Trouble,
    flushed: Flushed,
}

impl LaneSink for Sink {
    fn negotiated(&self) -> Negotiated {
        self.inner.negotiated()
    }

    fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        if self.life.spend() {
            self.trouble.meet(&self.life.plan, &header.to_bytes(), payload);
            count(&mut self.flushed.sent, payload.len());
        } else {
            self.flushed.lost += 1;
            self.life.link.lost.add(1);
        }
        Ok(())
    }

    fn set_spare(&mut self, spare: bool) {
        self.inner.set_spare(spare);
    }

    fn is_clear(&mut self) -> bool {
        self.inner.is_clear()
    }

    fn has_parted(&mut self) -> bool {
        self.inner.has_parted()
    }

    fn flush(&mut self) -> Flushed {
        self.trouble.turn();
        while let Some(whole) = self.trouble.now.pop() {
            if let Some((header, frame)) = whole.split_first_chunk() {
                // What the lane refuses for ever is one more loss.
                let _ = self.inner.put(&VnetHeader::from_bytes(header), &Payload::held(frame, &[]));
            }
        }
        self.inner.flush();
        std::mem::take(&mut self.flushed)
    }
}

struct Source {
    inner: Box<dyn LaneSource>,
    life: Arc<Life>,
    trouble: Trouble,
    pool: Pool,
    /// A frame behind its header.
    whole: Vec<u8>,
}

impl Source {
    /// Takes in what the lane brings.
    fn take(&mut self) -> Result<(), LaneGone> {
        if self.life.is_over() {
            self.life.link.set(LinkState::Gone);
            return Err(LaneGone);
        }
        for number in 0..self.inner.receive()? {
            let whole = read(self.inner.memory(), self.inner.frame(number), &mut self.whole)
                .and_then(|len| self.whole.get(..len)?.split_first_chunk());
            let Some((header, frame)) = whole.filter(|_| self.life.spend()) else { break };
            self.trouble.meet(&self.life.plan, header, &Payload::held(frame, &[]));
        }
        self.inner.release();
        Ok(())
    }
}

impl LaneSource for Source {
    fn receive(&mut self) -> Result<usize, LaneGone> {
        self.pool.clear();
        // How often it is looked follows from no seed.
        if self.life.plan.stalled > 0 && self.trouble.dice.roll() < self.life.plan.stalled {
            return Ok(0);
        }
        let mut gone = Ok(());
        if self.trouble.now.is_empty() {
            gone = self.take();
            self.trouble.turn();
        }
        while self.pool.has_room() {
            let Some(whole) = self.trouble.now.pop() else { break };
            self.pool.put_whole(whole);
        }
        // What it had brought is delivered first.
        match gone {
            Err(gone) if self.pool.len() == 0 => Err(gone),
            _ => Ok(self.pool.len()),
        }
    }

    fn memory(&self) -> &Arc<MemoryMap> {
        self.pool.memory()
    }

    fn frame(&self, number: usize) -> (u64, u32) {
        self.pool.frame(number)
    }

    fn release(&mut self) {
        self.pool.clear();
    }

    fn negotiated(&self) -> Negotiated {
        self.inner.negotiated()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        // What is late comes without anybody knocking.
        None
    }
}
