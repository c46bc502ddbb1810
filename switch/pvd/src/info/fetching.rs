// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How it stands with the Additional Information of one PvD.

use super::message::Trouble;
use super::object::{Flaw, Information};
use super::{PVD_GAP, Want, part, spread};
use crate::PvdName;
use std::time::Duration;
use wire::Prefix;

/// Why a fetch brought nothing that may be used. It is not tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing came.
    #[error("{0}")]
    Fetch(Trouble),
    /// What came is not to be believed.
    #[error(transparent)]
    Object(#[from] Flaw),
}

/// What is being done about a PvD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is to be fetched, not before this.
    Waiting(Duration),
    /// It is being fetched.
    Fetching,
    /// It was fetched, and will be again after this.
    Fetched(Duration),
    /// It will not be fetched.
    Failed(Failure),
}

/// How it stands, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What is being done.
    pub state: State,
    /// Too much failed in this network: nothing is fetched any more.
    pub stopped: bool,
    /// What is known and holds, since when, and until when.
    pub known: Option<(Information, Duration, Duration)>,
}

/// What was fetched, and still holds.
#[derive(Clone, Debug)]
pub(super) struct Known {
    information: Information,
    since: Duration,
    until: Duration,
}

/// One PvD of one network. It outlives the PvD where that has to be remembered.
#[derive(Debug)]
pub(super) struct Fetching {
    state: State,
    /// Sequence number of the object that is known, or being fetched.
    sequence: u16,
    /// The PvD is there, and its routers set H.
    wanted: bool,
    /// The sequence number changed while it was being fetched: what comes may be old.
    outdated: bool,
    /// Prefixes that its routers announce.
    announced: Box<[Prefix]>,
    known: Option<Known>,
    /// What is known does not fit what its routers announce by now. Unlike a failure that may pass.
    unfit: Option<Flaw>,
    started: Option<Duration>,
}

impl Fetching {
    pub(super) fn new(want: &Want<'_>, now: Duration, random: u64) -> Fetching {
        Fetching {
            state: State::Waiting(now.saturating_add(part(spread(want.delay), random))),
            sequence: want.sequence,
            wanted: true,
            outdated: false,
            announced: want.announced.into(),
            known: None,
            unfit: None,
            started: None,
        }
    }

    /// Its routers say this now.
    pub(super) fn want(&mut self, want: &Want<'_>, now: Duration, random: u64) {
        let again = now.saturating_add(part(spread(want.delay), random));
        if !self.wanted || self.sequence != want.sequence {
            self.known = None;
            match self.state {
                State::Failed(_) => {}
                State::Fetching => self.outdated = true,
                State::Waiting(_) | State::Fetched(_) => self.state = State::Waiting(self.later(again)),
            }
        }
        (self.wanted, self.sequence) = (true, want.sequence);
        if *self.announced != *want.announced {
            self.announced = want.announced.into();
        }
        self.unfit = self.known.as_ref().and_then(|known| known.information.check(&self.announced).err());
    }

    /// The PvD is gone, or there is no H any more. What is known holds no longer.
    pub(super) fn unwant(&mut self) {
        (self.wanted, self.known) = (false, None);
    }

    /// An operator wants it fetched, whatever came of it before: not sooner than [`PVD_GAP`] allows, and if that is now, before
    /// all others that wait. False: it is not wanted.
    pub(super) fn again(&mut self, now: Duration) -> bool {
        if self.wanted && self.state != State::Fetching {
            let at = self.later(Duration::ZERO);
            self.state = State::Waiting(if at <= now { Duration::ZERO } else { at });
        }
        self.wanted
    }

    /// When it is to be fetched, if ever.
    pub(super) fn due(&self) -> Option<Duration> {
        match self.state {
            State::Waiting(at) | State::Fetched(at) if self.wanted => Some(at),
            _ => None,
        }
    }

    pub(super) fn start(&mut self, now: Duration) {
        (self.state, self.started, self.outdated) = (State::Fetching, Some(now), false);
    }

    /// It was to be fetched and could not be tried at all.
    pub(super) fn put_off(&mut self, now: Duration) {
        self.state = State::Waiting(self.later(now));
    }

    /// Takes in what was fetched. `true`: that was a failure.
    pub(super) fn take_in(&mut self, name: &PvdName, body: Result<&[u8], Trouble>, at: Moment) -> bool {
        self.unfit = None;
        let judged = body.map_err(Failure::Fetch).and_then(|octets| {
            let information = Information::read(octets, name, at.wall)?;
            information.check(&self.announced)?;
            Ok(information)
        });
        match judged {
            Err(why) => {
                self.state = State::Failed(why);
                return true;
            }
            Ok(_) if self.outdated => self.state = State::Waiting(self.later(at.now)),
            Ok(information) => {
                let lasts = information.expires.saturating_sub(at.wall);
                let until = at.now.saturating_add(lasts);
                // Between the middle of its life and the end, so that not all come back at once (RFC 8801 section 4.1).
                let again = at.now.saturating_add(lasts / 2).saturating_add(part(lasts - lasts / 2, at.random));
                self.known = Some(Known { information, since: at.now, until });
                self.state = State::Fetched(self.later(again));
            }
        }
        false
    }

    /// What has expired holds no longer.
    pub(super) fn expire(&mut self, now: Duration) {
        if self.known.take_if(|known| known.until <= now).is_some() {
            self.unfit = None;
        }
    }

    /// Nobody wants it, and nothing of it has to be remembered.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        let rests = self.started.is_none_or(|at| at.saturating_add(PVD_GAP) <= now);
        !self.wanted && rests && !matches!(self.state, State::Failed(_) | State::Fetching)
    }

    pub(super) fn standing(&self, stopped: bool, now: Duration) -> Option<Standing> {
        let known = self.known.as_ref().filter(|known| known.until > now && self.unfit.is_none());
        let known = known.map(|known| (known.information.clone(), known.since, known.until));
        let state = match &self.unfit {
            Some(flaw) => State::Failed(flaw.clone().into()),
            None => self.state.clone(),
        };
        self.wanted.then_some(Standing { state, stopped, known })
    }

    /// At `at`, or when it may be fetched again.
    fn later(&self, at: Duration) -> Duration {
        self.started.map_or(at, |started| at.max(started.saturating_add(PVD_GAP)))
    }
}

/// A moment by two clocks, and a number that nobody foresees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Duration,
    /// Since the beginning of 1970.
    pub(super) wall: Duration,
    pub(super) random: u64,
}
