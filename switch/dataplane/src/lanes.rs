// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The lanes of a port beside its rings: the sinks, what went through them, and what workers noticed for control.
//!
//! The MAC table leads to a port and knows no lanes. So control switches the data path by one atomic word ([`Steering`]):
//! nothing is flushed and nothing learnt anew. A sink that steering names and that is not there any more loses no frame: the
//! rings get it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wire::VnetHeader;

use crate::drops::DropReason;
use crate::hold::Hold;
use crate::lane::LaneSink;
use crate::payload::Payload;
use crate::stats::{Delta, LaneStats, Tally, Traffic};
use crate::steering::Wheel;
use crate::time::Instant;

/// A lane of a port, by who carries the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Lane {
    /// The virtio rings.
    Synthetic = 1,
    /// The other one.
    Vf = 2,
}

/// Why a frame is put into a sink: each is counted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    /// It is for the guest, and goes nowhere else.
    Sole,
    /// It is for the guest, and its rings get it too.
    Copy,
    /// It is the guest's own, on its way out.
    Outward,
    /// It is for the guest, whose rings got it already and who has not taken it from there.
    Again,
    /// It is a question of the switch's own …
    Question,
    /// … whether what was sent again has come.
    Check,
}

/// Beside the lanes that control wants to hear of: answers are looked out for. No news has this bit.
const ASKED: u8 = 1 << 7;

/// What workers noticed of a port's lanes since control last looked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneNews {
    /// A frame with the port's own address came over the rings.
    pub synthetic: bool,
    /// The same over the other lane.
    pub vf: bool,
    /// The other lane brings no more frames.
    pub gone: bool,
    /// Frames were to wait for the guest, and more came than may.
    pub overflowed: bool,
    /// The guest has answered over the other lane what it was asked there.
    pub answered: bool,
}

impl LaneNews {
    const GONE: u8 = 4;
    const OVERFLOWED: u8 = 8;
    const ANSWERED: u8 = 16;

    fn of_bits(bits: u8) -> Self {
        let has = |bit| bits & bit != 0;
        Self {
            synthetic: has(Lane::Synthetic as u8),
            vf: has(Lane::Vf as u8),
            gone: has(Self::GONE),
            overflowed: has(Self::OVERFLOWED),
            answered: has(Self::ANSWERED),
        }
    }
}

/// One queue of a lane: its sink, while there is one, and what went into all that were there.
#[derive(Default)]
pub(crate) struct Outlet {
    held: Mutex<Option<Held>>,
    sole: Tally,
    copies: Tally,
    outward: Tally,
    copies_lost: AtomicU64,
}

/// A sink, and what the frames that it holds were put for.
pub(crate) struct Held {
    sink: Box<dyn LaneSink>,
    errand: Errand,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Lanes {
    pub(crate) wheel: Wheel,
    pub(crate) hold: Hold,
    outlets: Box<[Outlet]>,
    /// How many outlets have sinks, the first ones.
    queues: AtomicU8,
    /// Which lanes control wants to hear of.
    watched: AtomicU8,
    news: AtomicU8,
    taken: [AtomicU64; 2],
    /// Frames come in that are for the guest, so those of others are none of ours.
    inward: AtomicBool,
    /// Answers to questions may come until then, in nanoseconds since the origin.
    asked_until: AtomicU64,
    /// The number of the last question.
    questions: AtomicU32,
}

/// For so long after a question its answer may come.
const ANSWER_MAX: Duration = Duration::from_secs(2);

impl Lanes {
    pub(crate) fn new(queues: u16) -> Self {
        Self { outlets: (0..queues).map(|_| Outlet::default()).collect(), ..Self::default() }
    }

    /// Queues that have sinks.
    pub(crate) fn queues(&self) -> u16 {
        self.queues.load(Ordering::Acquire).into()
    }

    /// The lock of queue `queue`, with the queue itself.
    pub(crate) fn outlet(&self, queue: u16) -> &Outlet {
        &self.outlets[usize::from(queue) % self.outlets.len()]
    }

    /// Gives the queues these sinks, in order, and returns those that they had. What those still held is lost, and counted in
    /// `delta`; a sink for which there is no queue is returned too.
    pub(crate) fn replace(&self, sinks: Vec<Box<dyn LaneSink>>, delta: &mut Delta) -> Vec<Box<dyn LaneSink>> {
        let mut sinks = sinks.into_iter();
        let queues = sinks.len().min(self.outlets.len());
        // Who delivers asks for the number first, and does well without a sink.
        self.queues.store(0, Ordering::Release);
        let mut before = Vec::new();
        for outlet in &self.outlets {
            let mut held = outlet.lock();
            held.as_mut().into_iter().for_each(|held| outlet.flush(held, delta));
            let next = sinks.next().map(|sink| Held { sink, errand: Errand::Sole });
            before.extend(std::mem::replace(&mut *held, next).map(|held| held.sink));
        }
        self.queues.store(queues as u8, Ordering::Release);
        before.extend(sinks);
        before
    }

    /// Notes which lanes control wants to hear of, each once until it looks.
    pub(crate) fn watch(&self, lane: Option<Lane>) {
        let asked = self.watched.fetch_and(ASKED, Ordering::Relaxed) & ASKED;
        self.watched.store(asked | lane.map_or(0, |lane| lane as u8), Ordering::Relaxed);
    }

    /// Whether frames that come in by that lane are to be looked at: control wants to hear of them and has not yet, or answers
    /// may be among them.
    #[inline]
    pub(crate) fn is_watched(&self, lane: Lane) -> bool {
        let bits = lane as u8 | ASKED;
        self.watched.load(Ordering::Relaxed) & !self.news.load(Ordering::Relaxed) & bits != 0
    }

    /// Whether control wants to hear of frames on that lane and has not yet.
    pub(crate) fn wants_to_see(&self, lane: Lane) -> bool {
        self.watched.load(Ordering::Relaxed) & !self.news.load(Ordering::Relaxed) & lane as u8 != 0
    }

    /// Numbers a question that is put now, and has its answer looked out for.
    pub(crate) fn ask(&self, now: Instant) -> u32 {
        self.asked_until.store((now + ANSWER_MAX).as_nanos(), Ordering::Relaxed);
        self.watched.fetch_or(ASKED, Ordering::Relaxed);
        self.questions.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Whether answers may come; if not, nobody looks out for them any more.
    pub(crate) fn awaits_answers(&self, now: Instant) -> bool {
        let is_late = !self.wheel.is_asking() && now.as_nanos() > self.asked_until.load(Ordering::Relaxed);
        let before = if is_late { self.watched.fetch_and(!ASKED, Ordering::Relaxed) } else { ASKED };
        before & ASKED != 0
    }

    /// The number of the last question.
    pub(crate) fn last_question(&self) -> u32 {
        self.questions.load(Ordering::Relaxed)
    }

    /// Notes that the guest has answered over the other lane.
    pub(crate) fn answered(&self) {
        self.news.fetch_or(LaneNews::ANSWERED, Ordering::AcqRel);
    }

    /// Notes that the guest was heard on that lane.
    pub(crate) fn seen(&self, lane: Lane) {
        self.news.fetch_or(lane as u8, Ordering::AcqRel);
    }

    /// Notes that the lane brings no more frames.
    pub(crate) fn gone(&self) {
        self.news.fetch_or(LaneNews::GONE, Ordering::AcqRel);
    }

    /// Notes that more frames came than may wait.
    pub(crate) fn overflowed(&self) {
        self.news.fetch_or(LaneNews::OVERFLOWED, Ordering::AcqRel);
    }

    pub(crate) fn take_news(&self) -> LaneNews {
        LaneNews::of_bits(self.news.swap(0, Ordering::AcqRel))
    }

    /// Counts what came in.
    pub(crate) fn count_taken(&self, traffic: Traffic) {
        self.taken[0].fetch_add(traffic.frames, Ordering::Relaxed);
        self.taken[1].fetch_add(traffic.bytes, Ordering::Relaxed);
    }

    pub(crate) fn set_inward(&self, inward: bool) {
        self.inward.store(inward, Ordering::Relaxed);
    }

    pub(crate) fn is_inward(&self) -> bool {
        self.inward.load(Ordering::Relaxed)
    }

    /// Frames for the guest that went nowhere else.
    pub(crate) fn sole(&self) -> Traffic {
        self.outlets.iter().fold(Traffic::default(), |sum, outlet| sum + outlet.sole.read())
    }

    /// Goes on from what was counted elsewhere.
    pub(crate) fn add_stats(&self, earlier: &LaneStats) {
        self.count_taken(earlier.taken);
        if let Some(outlet) = self.outlets.first() {
            // Who has the lock is the only one who counts.
            let _alone = outlet.lock();
            outlet.sole.add(earlier.sole);
            outlet.copies.add(earlier.copies);
            outlet.outward.add(earlier.outward);
            outlet.copies_lost.fetch_add(earlier.copies_lost, Ordering::Relaxed);
        }
    }

    pub(crate) fn stats(&self) -> LaneStats {
        let [frames, bytes] = [0, 1].map(|at: usize| self.taken[at].load(Ordering::Relaxed));
        let mut stats = LaneStats { taken: Traffic { frames, bytes }, ..LaneStats::default() };
        for outlet in &self.outlets {
            stats.sole = stats.sole + outlet.sole.read();
            stats.copies = stats.copies + outlet.copies.read();
            stats.outward = stats.outward + outlet.outward.read();
            stats.copies_lost += outlet.copies_lost.load(Ordering::Relaxed);
        }
        stats
    }
}

impl Outlet {
    /// Its lock, taken once a burst; nobody holds it for longer than a burst.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<Held>> {
        // A panic while it was held has been reported already.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what the frames that come next are put for.
    pub(crate) fn begin(&self, held: &mut Held, errand: Errand, delta: &mut Delta) {
        if held.errand != errand {
            self.flush(held, delta);
            held.errand = errand;
            held.sink.set_spare(matches!(errand, Errand::Copy | Errand::Question));
        }
    }

    /// Counts a frame that could not be put.
    pub(crate) fn refuse(&self, held: &Held, reason: DropReason, delta: &mut Delta) {
        match held.errand {
            Errand::Copy | Errand::Again => self.lose_copies(1),
            Errand::Sole | Errand::Outward => delta.drops.add(reason),
            Errand::Question | Errand::Check => (),
        }
    }

    /// Sends what was put.
    pub(crate) fn flush(&self, held: &mut Held, delta: &mut Delta) {
        let flushed = held.sink.flush();
        match held.errand {
            Errand::Sole => self.sole.add(flushed.sent),
            Errand::Copy | Errand::Again => self.copies.add(flushed.sent),
            Errand::Question | Errand::Check => (),
            Errand::Outward => self.outward.add(flushed.sent),
        }
        match held.errand {
            Errand::Copy | Errand::Again => self.lose_copies(flushed.lost),
            Errand::Sole | Errand::Outward => delta.drops.add_many(DropReason::LaneFull, flushed.lost),
            Errand::Question | Errand::Check => (),
        }
    }

    /// Counts copies that do not come to the guest.
    pub(crate) fn lose_copies(&self, count: u64) {
        self.copies_lost.fetch_add(count, Ordering::Relaxed);
    }
}

impl Held {
    pub(crate) fn sink(&self) -> &dyn LaneSink {
        self.sink.as_ref()
    }

    /// [`LaneSink::is_clear`].
    pub(crate) fn is_clear(&mut self) -> bool {
        self.sink.is_clear()
    }

    /// [`LaneSink::has_parted`].
    pub(crate) fn has_parted(&mut self) -> bool {
        self.sink.has_parted()
    }

    pub(crate) fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        self.sink.put(header, payload)
    }
}
