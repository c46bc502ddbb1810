// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What hosts were told last, so that it need not be told to all of them again.
//!
//! An advertisement is the same as one before when nothing but lifetimes differs, none of them has become zero, and none is
//! shorter than what hosts still believe. A router whose word does not fit into one message sends parts that share
//! nothing but their header; each is told by itself. Whatever else a router says takes the place of what it said before.

use crate::PvdName;
use crate::advert::{Advert, PvdFlags};
use crate::cache::facts;
use crate::limits;
use core::net::Ipv6Addr;
use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use wire::nd::{self, RaHeader};

/// The most of a lifetime that may pass until it is told again: as much as a router lets pass that sends as seldom as it
/// may (RFC 4861 section 6.2.1, `AdvDefaultLifetime`).
const PART: u32 = 3;
/// Seconds by which lifetimes of the same thing may differ because each is a whole number.
const ROUNDING: u32 = 2;

/// One part of what a router says.
#[derive(Debug)]
struct Part {
    router: Ipv6Addr,
    pvd: Option<PvdName>,
    header: RaHeader,
    flags: PvdFlags,
    facts: Vec<u64>,
    said: Said,
    at: Duration,
}

/// What a message says, apart from how long, and how long.
#[derive(Debug)]
struct Said {
    content: u64,
    lifetimes: Vec<u32>,
}

impl Said {
    /// `None`: it is signed, and then each is another.
    fn read(advert: &Advert<'_>, message: &[u8]) -> Option<Said> {
        let (mut masked, lifetimes) = (message.to_vec(), RefCell::new(Vec::new()));
        let mask = |lifetime: u32| {
            lifetimes.borrow_mut().push(lifetime);
            if lifetime == 0 { 0 } else { u32::MAX }
        };
        nd::rewrite_lifetimes(&mut masked, advert.router, advert.router, mask).ok()?;
        let mut hasher = DefaultHasher::new();
        masked.hash(&mut hasher);
        Some(Said { content: hasher.finish(), lifetimes: lifetimes.into_inner() })
    }

    /// Whether hosts that believe this since `elapsed` seconds believe no more than `now` says.
    fn covers(&self, now: &Said, elapsed: u32) -> bool {
        let still = |(then, now): (&u32, &u32)| nd::aged(*then, elapsed).saturating_sub(ROUNDING) <= *now;
        self.content == now.content && self.lifetimes.iter().zip(&now.lifetimes).all(still)
    }

    /// How long it need not be told again if it need not be for `every`.
    fn rests(&self, every: Duration) -> Duration {
        let finite = self.lifetimes.iter().filter(|lifetime| ![0, u32::MAX].contains(*lifetime));
        finite.min().map_or(every, |shortest| every.min(Duration::from_secs((*shortest / PART).into())))
    }
}

/// What was told to all hosts of one router port's.
#[derive(Debug, Default)]
pub(super) struct Told {
    parts: Vec<Part>,
}

impl Told {
    /// Whether all hosts have been told this, and need not be told again yet. If not, they are told now. The number stands
    /// for what is said.
    pub(super) fn again(&mut self, advert: &Advert<'_>, message: &[u8], every: Duration, now: Duration) -> (bool, u64) {
        let Some(said) = Said::read(advert, message) else { return (false, 0) };
        let (content, mine) = (said.content, |part: &Part| part.is_of(advert));
        let same = |part: &&mut Part| mine(part) && part.said.content == content;
        if let Some(part) = self.parts.iter_mut().find(same) {
            let elapsed = now.saturating_sub(part.at);
            let seconds = u32::try_from(elapsed.as_secs()).unwrap_or(u32::MAX);
            if elapsed < part.said.rests(every) && part.said.covers(&said, seconds) {
                return (true, content);
            }
            (part.said, part.at) = (said, now);
            return (false, content);
        }
        let part = Part::new(advert, said, now);
        self.parts.retain(|other| !mine(other) || other.stands_beside(&part));
        if self.parts.len() >= limits::PORT_TOLD {
            let oldest = self.parts.iter().enumerate().min_by_key(|(_, part)| part.at).map_or(0, |(index, _)| index);
            self.parts.swap_remove(oldest);
        }
        self.parts.push(part);
        (false, content)
    }
}

impl Part {
    fn new(advert: &Advert<'_>, said: Said, at: Duration) -> Part {
        let mut facts = facts(advert);
        facts.truncate(limits::ROUTER_ENTRIES);
        let (router, pvd) = (advert.router, advert.name().map(PvdName::from));
        let header = RaHeader { lifetime: u16::from(advert.header().lifetime > 0), ..advert.header() };
        Part { router, pvd, header, flags: advert.flags(), facts, said, at }
    }

    fn is_of(&self, advert: &Advert<'_>) -> bool {
        self.router == advert.router && self.pvd.as_ref().map(PvdName::as_name) == advert.name()
    }

    /// Whether both are parts of one word, none of which replaces the other.
    fn stands_beside(&self, other: &Part) -> bool {
        let apart = !self.facts.iter().any(|fact| other.facts.contains(fact));
        let say_something = !self.facts.is_empty() && !other.facts.is_empty();
        self.header == other.header && self.flags == other.flags && apart && say_something
    }
}
