// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that may change over to its VF at any moment, and is asked what it has taken.
//!
//! Nobody outside a guest with net_failover knows when it does that. Up to then it takes what comes by its rings; from then on it
//! drops that, and with it what it had not looked at yet. So, while its VF is on offer ([`Steering::asks`]):
//!
//! * Each frame goes into its ring, and a copy stays in the hold. Behind the frames of a burst goes a question (`question.rs`), shown
//!   to the guest together with them. With its answer the guest has taken all that lay before it: the copies go.
//! * The guest is asked by the other lane too. Who answers there has changed over, and hears it: control steers to it. What is left of the
//!   copies was never taken. It goes by the other lane now, and what came since behind it ([`Port::release`]).
//! * A guest that has answered nothing for a while (`asking.rs`), or of which no address is known, gets its frames by both lanes, and takes what
//!   it hears: some twice, and some not.
//!
//! A NIC may have room for a few frames only, and what is sent again comes all at once. So a guest that answers gets [`WINDOW`] of them, and
//! the next when it has answered a question behind those.
//!
//! A guest that looks at frames, and changes over before it looks at the question behind them, gets these twice: a driver that looks at so
//! many frames at a time may stop in between. A guest that lies harms itself: only its own copies depend on it. If more frames come than copies may be kept, the oldest are let go.

use core::net::Ipv4Addr;
use std::time::Duration;

use wire::VnetHeader;

use crate::asking::Asking;
use crate::burst::{Burst, Verdict};
use crate::deliver::publish;
use crate::drops::DropReason;
use crate::emit::CONTROL;
use crate::hold::{Refused, Room, Waiting};
use crate::lanes::{Errand, Lane};
use crate::limits::QUEUE_PAIRS;
use crate::payload::Payload;
use crate::port::{Port, SourceId};
use crate::question::Question;
use crate::stats::Delta;
use crate::steering::Steering;
use crate::time::Instant;

/// The time between two questions by the other lane.
const OTHER_LANE_GAP: Duration = Duration::from_millis(2);

/// Frames that are sent again before the guest is asked whether it has them: half of what the smallest NIC has room for (8139cp, 64).
const WINDOW: u32 = 32;

/// For so long it may leave that unanswered.
const WINDOW_MAX: Duration = Duration::from_millis(50);

/// The time after which what has no answer is asked again, and a guest that is silent once more.
const AGAIN: Duration = Duration::from_millis(10);

impl Room {
    /// The guest is to be asked from now on, unless it is already.
    pub(crate) fn begin_asking(&mut self, port: &Port) {
        self.asking.get_or_insert_with(|| Asking::new(port));
    }

    /// Whether what is left of copies was not taken; nobody knows of a guest that never answered.
    pub(crate) fn is_answered(&self) -> bool {
        self.asking.as_ref().is_some_and(|asking| asking.heard.is_some())
    }

    /// Whether the other lane may get another frame, without more of them than its NIC has room for. If not, the guest is asked.
    pub(crate) fn has_credit(&mut self, port: &Port, now: Instant, delta: &mut Delta) -> bool {
        let Some(asking) = self.asking.as_mut().filter(|asking| asking.heard.is_some()) else { return true };
        if asking.credit == 0 {
            let Some((number, until)) = asking.window else {
                asking.window =
                    port.ask_other_lane(asking, Errand::Check, now, delta).map(|asked| (asked, now + WINDOW_MAX));
                return asking.window.is_none();
            };
            if asking.other_answered < number && now < until {
                return false;
            }
            (asking.credit, asking.window) = (WINDOW, None);
        }
        asking.credit -= 1;
        true
    }

    /// Keeps a frame; the oldest copies go for it.
    fn keep(&mut self, vnet: &VnetHeader, payload: &Payload<'_>, port: &Port) -> Result<(), DropReason> {
        loop {
            match self.take(vnet, payload) {
                Err(_) if self.evict() => port.lanes().outlet(0).lose_copies(1),
                taken => return taken,
            }
        }
    }

    /// Puts what waits into the rings, in order, and a question behind what went into each. Returns in which something is to be
    /// published for `owner`, a bit for each pair.
    fn pump(&mut self, port: &Port, (owner, now): (SourceId, Instant), delta: &mut Delta) -> u32 {
        let number = port.lanes().ask(now);
        let mut touched = 0;
        let Self { bytes, frames, sent, scratch, .. } = self;
        while let Some(waiting) = frames.get_mut(*sent) {
            match port.deliver_held_to_ring(&waiting.vnet, waiting.of(bytes), owner, (scratch, delta)) {
                Ok(pair) => {
                    waiting.place = (pair, number);
                    touched |= 1 << pair;
                }
                Err(Refused { reason: DropReason::RingFull, whole: true }) => break,
                Err(Refused { reason, .. }) => {
                    waiting.is_done = true;
                    delta.drops.add(reason);
                }
            }
            *sent += 1;
        }
        self.settle();
        let Some(asking) = self.asking.as_mut() else { return touched };
        let wanted = touched | asking.owed;
        let asked = asking.address(number).map_or(0, |address| port.ask_by_rings(wanted, (number, address), owner));
        asking.owed = wanted & !asked;
        touched | asked
    }

    /// The guest has taken what lay before a question.
    fn confirm(&mut self, pair: u16, number: u32) {
        let before = self.frames.iter_mut().take(self.sent).filter(|waiting| waiting.place.0 == pair);
        // Numbers only grow.
        before.take_while(|waiting| waiting.place.1 <= number).for_each(|waiting| waiting.is_done = true);
        self.settle();
    }

    /// Lets go of copies that are not needed any more.
    fn settle(&mut self) {
        while self.sent > 0 && self.frames.front().is_some_and(|waiting| waiting.is_done) {
            self.pop();
        }
    }

    /// Rings with frames of which the guest has not said that it has taken them.
    fn unanswered(&self) -> u32 {
        self.frames.iter().take(self.sent).fold(0, |pairs, Waiting { place, .. }| pairs | 1 << place.0)
    }
}

impl Port {
    /// Has a guest that is asked get what was put into its room just now, and asks it. `None`: it does not answer, and nothing waits; what
    /// was not put in goes by both lanes.
    pub(crate) fn confirms(&self, room: &mut Room, now: Instant) -> bool {
        let answers = room.asking.as_mut().is_some_and(|asking| asking.may_answer(now));
        if !answers {
            room.forget_sent();
            self.probe(room, now);
        }
        answers || room.waiting() > 0
    }

    /// Puts a frame into the room of a guest that is asked.
    pub(crate) fn keep(&self, room: &mut Room, vnet: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        room.keep(vnet, payload, self)
    }

    /// Lets a guest that is asked have what was kept just now. Returns what is to be published for `owner`, as a bit for each pair.
    pub(crate) fn hand_over(&self, room: &mut Room, (owner, now): (SourceId, Instant), delta: &mut Delta) -> u32 {
        let touched = room.pump(self, (owner, now), delta);
        self.ask_by_other_lane(room, now, delta);
        touched
    }

    /// Asks a guest that does not answer, now and then.
    fn probe(&self, room: &mut Room, now: Instant) {
        let Some(asking) = room.asking.as_mut().filter(|asking| asking.again <= now) else { return };
        asking.again = now + AGAIN;
        let (addresses, known) = self.askable();
        if asking.heard.is_none() && known > 0 {
            (asking.addresses, asking.known) = (addresses, known);
        }
        let number = self.lanes().ask(now);
        let asked = asking.address(number).map_or(0, |address| self.ask_by_rings(1, (number, address), CONTROL));
        self.publish_pairs(asked, CONTROL);
    }

    /// What is to be done for a guest that is asked although no frame comes for it.
    pub(crate) fn ask_again(&self, room: &mut Room, now: Instant, delta: &mut Delta) {
        if !self.confirms(room, now) {
            return;
        }
        let unanswered = room.unanswered();
        if let Some(asking) = room.asking.as_mut().filter(|asking| asking.again <= now) {
            asking.again = now + AGAIN;
            asking.owed |= unanswered;
        }
        let touched =
            if unanswered != 0 || room.waiting() > 0 { self.hand_over(room, (CONTROL, now), delta) } else { 0 };
        self.publish_pairs(touched, CONTROL);
    }

    pub(crate) fn publish_pairs(&self, pairs: u32, owner: SourceId) {
        (0..QUEUE_PAIRS).filter(|pair| pairs >> pair & 1 != 0).for_each(|pair| publish(self, pair, owner));
    }

    /// Asks by the rings of `wanted`. Returns by which there was room for it.
    fn ask_by_rings(&self, wanted: u32, (number, address): (u32, Ipv4Addr), owner: SourceId) -> u32 {
        let mut asked = 0;
        for pair in (0..self.queue_pairs()).filter(|pair| wanted >> pair & 1 != 0) {
            let frame = Question { pair: Some(pair), number }.frame(self.mac(), address);
            let mut held = self.lock(pair);
            if let Some(receiver) = held.as_mut().filter(|_| self.runs(pair)) {
                receiver.begin(owner, 1);
                let put = receiver.put(&VnetHeader::PLAIN, &Payload::held(&frame, &[]));
                receiver.end();
                asked |= u32::from(put.is_ok()) << pair;
            }
        }
        asked
    }

    /// Asks by the other lane, now and then, whether the guest hears it.
    fn ask_by_other_lane(&self, room: &mut Room, now: Instant, delta: &mut Delta) {
        let Some(asking) = room.asking.as_mut().filter(|asking| asking.other <= now) else { return };
        asking.other = now + OTHER_LANE_GAP;
        // A lane that takes none is asked again.
        let _ = self.ask_other_lane(asking, Errand::Question, now, delta);
    }

    /// Asks by the other lane, if there is one. Returns the number.
    fn ask_other_lane(&self, asking: &Asking, errand: Errand, now: Instant, delta: &mut Delta) -> Option<u32> {
        let number = self.lanes().ask(now);
        let address = asking.address(number).filter(|_| self.lanes().queues() > 0)?;
        let outlet = self.lanes().outlet(0);
        let mut held = outlet.lock();
        let held = held.as_mut()?;
        let frame = Question { pair: None, number }.frame(self.mac(), address);
        outlet.begin(held, errand, delta);
        let put = held.put(&VnetHeader::PLAIN, &Payload::held(&frame, &[]));
        outlet.flush(held, delta);
        put.ok().map(|()| number)
    }

    /// Takes the guest's answers out of a burst of its own. True: it is known to hear the other lane, and control is to look.
    #[cold]
    pub(crate) fn take_answers(&self, burst: &mut Burst, lane: Lane, now: Instant) -> bool {
        if !self.lanes().awaits_answers(now) {
            return false;
        }
        let mut has_crossed = false;
        for frame in burst.frames_mut().iter_mut().filter(|frame| frame.src() == self.mac()) {
            let Some(question) = Question::answered_by(frame.head()) else { continue };
            frame.decide(Verdict::Drop(DropReason::Answer));
            has_crossed |= self.take_answer(question, lane);
        }
        if has_crossed {
            self.lanes().answered();
        }
        has_crossed
    }

    fn take_answer(&self, question: Question, lane: Lane) -> bool {
        let mut hold = self.lanes().hold.lock();
        let Some(room) = hold.as_mut() else { return false };
        let first = room.asking.as_ref().map(|asking| asking.first);
        let number = first.and_then(|first| question.among(first, self.lanes().last_question()));
        let (Some(asking), Some(number)) = (room.asking.as_mut(), number) else { return false };
        // A question of the other lane that is answered by the rings was taken in before the guest changed over.
        if question.pair.is_none() && lane != Lane::Vf {
            return false;
        }
        asking.hear(number);
        match question.pair {
            Some(pair) if asking.is_news(pair, number) => room.confirm(pair, number),
            Some(_) => (),
            None => asking.other_answered = asking.other_answered.max(number),
        }
        question.pair.is_none()
    }
}

impl Steering {
    /// Whether what the guest has not taken from its rings goes to it by the other lane.
    pub(crate) fn sends_again(self) -> bool {
        self.unicast.vf && !self.unicast.synthetic && !self.asks
    }
}
