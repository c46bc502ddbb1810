// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A device with what is around it: a frame path that answers as it is told to, and a record of all that was done.

use netvsc::{Action, Device, Event, GuestModel, Lane, Refused, State, Status, Steering, Timing, Told, Trouble};
use std::collections::VecDeque;
use std::time::Duration;

/// A device, its clock, and the frame path.
pub(crate) struct Rig {
    pub(crate) device: Device,
    pub(crate) now: Duration,
    /// What came out, in order.
    pub(crate) done: Vec<Action>,
    /// What frames do.
    pub(crate) frames: Steering,
    /// How the frame path answers.
    pub(crate) workers: Workers,
    /// What it was told and has not answered.
    unanswered: VecDeque<Steering>,
}

/// How the frame path answers to a change of the steering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workers {
    Obey,
    Fail,
    /// Only when the test says so.
    Silent,
}

impl Rig {
    pub(crate) fn new(model: impl Into<Option<GuestModel>>) -> Rig {
        Rig::of(Device::new(model.into(), Timing::default()))
    }

    pub(crate) fn of(device: Device) -> Rig {
        let workers = Workers::Obey;
        let mut rig = Rig {
            device,
            now: Duration::ZERO,
            done: Vec::new(),
            frames: Steering::SYNTHETIC,
            workers,
            unanswered: VecDeque::new(),
        };
        rig.drain();
        rig
    }

    /// Takes an event in, and carries out what comes of it.
    pub(crate) fn on(&mut self, event: Event) -> Result<(), Refused> {
        let taken = match event {
            Event::Switched | Event::SwitchFailed => self.answer(&event),
            _ => self.device.on(event, self.now),
        };
        self.drain();
        taken
    }

    /// As [`Rig::on`], of events that must be accepted.
    pub(crate) fn all(&mut self, events: impl IntoIterator<Item = Event>) -> &mut Rig {
        for event in events {
            let words = format!("{event:?} in {:?}", self.device.status());
            assert_eq!(self.on(event), Ok(()), "{words}");
        }
        self
    }

    /// Time passes, and nothing that is due on the way is missed.
    pub(crate) fn pass(&mut self, time: Duration) -> &mut Rig {
        let end = self.now + time;
        while let Some(due) = self.device.next_due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.device.handle_due(self.now);
            self.drain();
        }
        self.now = end;
        self
    }

    fn drain(&mut self) {
        while let Some(action) = self.device.poll_action() {
            self.done.push(action.clone());
            if let Action::Steer(steering) = action {
                self.steer(steering);
            }
        }
    }

    fn steer(&mut self, steering: Steering) {
        self.unanswered.push_back(steering);
        let answer = match self.workers {
            Workers::Obey => Event::Switched,
            Workers::Fail => Event::SwitchFailed,
            Workers::Silent => return,
        };
        while !self.unanswered.is_empty() {
            self.answer(&answer).expect("the frame path was asked");
        }
    }

    /// The frame path answers to the oldest of what it was told.
    fn answer(&mut self, answer: &Event) -> Result<(), Refused> {
        let told = self.unanswered.pop_front();
        self.frames = told.filter(|_| *answer == Event::Switched).unwrap_or(self.frames);
        self.device.on(answer.clone(), self.now)
    }

    /// Another daemon, whose frame path begins anew.
    pub(crate) fn restart(&mut self, device: Device) {
        (self.device, self.frames) = (device, Steering::SYNTHETIC);
        self.unanswered.clear();
        self.drain();
    }

    /// Confirms what the frame path was told and has not answered.
    pub(crate) fn confirm(&mut self) -> &mut Rig {
        while !self.unanswered.is_empty() {
            self.on(Event::Switched).expect("the frame path was asked");
        }
        self
    }

    pub(crate) fn status(&self) -> Status {
        self.device.status()
    }

    pub(crate) fn state(&self) -> State {
        self.device.status().state
    }

    pub(crate) fn active(&self) -> Lane {
        self.device.status().active
    }

    /// What was done since this was asked last.
    pub(crate) fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.done)
    }

    /// What was told since this was asked last.
    pub(crate) fn told(&mut self) -> Vec<Told> {
        let told = |action| if let Action::Tell(told) = action { Some(told) } else { None };
        self.take().into_iter().filter_map(told).collect()
    }

    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.device.status().trouble
    }
}
