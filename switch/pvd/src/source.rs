// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What one router, or the operator, says about one PvD.
//!
//! Each router's word is kept apart, with the lifetimes that this router gave: it may take back what it has said and
//! nothing else, and when it falls silent what others say goes on.

use crate::advert::{Advert, Origin, Parameters, PvdFlags, Saying};
use crate::announcement::Announcement;
use crate::fact::{Fact, FactRef};
use crate::lifetime::{Deadline, Lifetime};
use crate::moment::{SharedCount, SharedDeadline, SharedTime};
use std::time::Duration;

/// One fact, and until when it is true. Deadlines move while others read them; the rest never changes.
#[derive(Clone, Debug)]
pub struct Entry {
    fact: Fact,
    flags: u8,
    valid: SharedDeadline,
    preferred: SharedDeadline,
}

impl Entry {
    pub(crate) fn new(fact: Fact, flags: u8, valid: Deadline, preferred: Deadline) -> Entry {
        Entry { fact, flags, valid: SharedDeadline::new(valid), preferred: SharedDeadline::new(preferred) }
    }

    /// What it is about.
    pub fn fact(&self) -> &Fact {
        &self.fact
    }

    /// Of a prefix its [`wire::nd::pio_flag`]s; of a route its [`wire::nd::Preference`] as a number, 0 being low; of
    /// anything else 0.
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Until when it is true.
    pub fn valid(&self) -> Deadline {
        self.valid.get()
    }

    /// Until when addresses from this prefix are preferred; for other facts the same as [`Entry::valid`].
    pub fn preferred(&self) -> Deadline {
        self.preferred.get()
    }

    fn renew(&self, saying: &Saying<'_>, valid: Lifetime, now: Duration) {
        self.valid.set(valid.deadline(now));
        self.preferred.set(until(saying.preferred, now));
    }
}

/// The deadline of a router that is no default router.
pub(crate) const NO_ROUTER: Deadline = Deadline::At(Duration::ZERO);

/// Nothing is a deadline that has passed.
pub(crate) fn until(lifetime: Option<Lifetime>, now: Duration) -> Deadline {
    lifetime.map_or(Deadline::At(now), |lifetime| lifetime.deadline(now))
}

/// The word of one origin.
#[derive(Debug)]
pub struct Source {
    pub(crate) origin: Origin,
    pub(crate) flags: PvdFlags,
    pub(crate) parameters: Parameters<Box<[u8]>>,
    pub(crate) entries: Box<[Entry]>,
    pub(crate) router: SharedDeadline,
    pub(crate) first: Duration,
    pub(crate) last: SharedTime,
    pub(crate) heard: SharedCount,
    /// Of the operator's only.
    pub(crate) announcement: Option<Announcement>,
}

impl Source {
    /// What the operator says of facts alone.
    pub(crate) fn of_operator(flags: PvdFlags, entries: Vec<Entry>) -> Source {
        Source {
            origin: Origin::Operator,
            flags,
            parameters: Parameters::default(),
            entries: entries.into(),
            router: SharedDeadline::new(NO_ROUTER),
            first: Duration::ZERO,
            last: SharedTime::new(Duration::ZERO),
            heard: SharedCount::new(0),
            announcement: None,
        }
    }

    /// Who says it.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// What its PvD Option says.
    pub fn flags(&self) -> PvdFlags {
        self.flags
    }

    /// What has no lifetime.
    pub fn parameters(&self) -> &Parameters<Box<[u8]>> {
        &self.parameters
    }

    /// What has a lifetime. Entries that have just expired may still be there.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Until when it is a default router; a time that has passed when it is none.
    pub fn router_until(&self) -> Deadline {
        self.router.get()
    }

    /// When it was first heard.
    pub fn first_heard(&self) -> Duration {
        self.first
    }

    /// When it was last heard.
    pub fn last_heard(&self) -> Duration {
        self.last.get()
    }

    /// How many advertisements of this PvD came from it.
    pub fn heard(&self) -> u64 {
        self.heard.get()
    }

    /// How hosts are told of it, if they are; of the operator's word only.
    pub fn announcement(&self) -> Option<Announcement> {
        self.announcement
    }

    /// It was heard more than once: it is somebody who goes on, not a single forged message.
    pub fn confirmed(&self) -> bool {
        self.heard() > 1
    }

    /// Takes in what is only said again, and says whether that was all.
    ///
    /// On `false` some lifetimes may be new already, which is right: they were said.
    pub(crate) fn refresh(&self, advert: &Advert<'_>, now: Duration) -> bool {
        let lifetime = advert.header().lifetime;
        let was_router = !self.router.get().passed(now);
        if was_router != (lifetime > 0) || self.flags != advert.flags() || self.is_told_more(&advert.parameters()) {
            return false;
        }
        let mut hint = 0;
        for saying in advert.sayings() {
            let Some((index, entry)) = self.find(&saying.fact, hint) else {
                return false;
            };
            match saying.valid {
                Some(valid) if entry.flags == saying.flags && !entry.valid().passed(now) => {
                    entry.renew(&saying, valid, now);
                }
                _ => return false,
            }
            hint = index + 1;
        }
        self.router.set(router_until(lifetime, now));
        self.last.set(now);
        self.heard.add_one();
        true
    }

    /// The entry about this. Routers repeat themselves in the same order, so that the one after the last is tried first.
    fn find(&self, fact: &FactRef<'_>, hint: usize) -> Option<(usize, &Entry)> {
        let guess = self.entries.get(hint).filter(|entry| entry.fact.is(fact)).map(|entry| (hint, entry));
        guess.or_else(|| self.entries.iter().enumerate().find(|(_, entry)| entry.fact.is(fact)))
    }

    fn is_told_more(&self, new: &Parameters<&[u8]>) -> bool {
        let old = &self.parameters;
        let differs = |old: u32, new: u32| new != 0 && old != new;
        old.flags != new.flags
            || differs(old.hop_limit.into(), new.hop_limit.into())
            || differs(old.mtu, new.mtu)
            || differs(old.reachable, new.reachable)
            || differs(old.retrans, new.retrans)
            || (!new.captive_portal.is_empty() && *old.captive_portal != *new.captive_portal)
    }

    /// It still says something at `now`.
    pub(crate) fn is_alive(&self, now: Duration) -> bool {
        self.origin == Origin::Operator
            || !self.router.get().passed(now)
            || self.entries.iter().any(|entry| !entry.valid().passed(now))
    }

    /// Notes that it is no default router any more; `true`: it was one until now.
    pub(crate) fn router_ends(&self, now: Duration) -> bool {
        let ends = self.router_has_ended(now);
        if ends {
            self.router.set(NO_ROUTER);
        }
        ends
    }

    fn router_has_ended(&self, now: Duration) -> bool {
        self.router.get() != NO_ROUTER && self.router.get().passed(now)
    }

    /// Something that it said has ended, and is still here.
    pub(crate) fn has_ended(&self, now: Duration) -> bool {
        self.router_has_ended(now) || self.entries.iter().any(|entry| entry.valid().passed(now))
    }

    /// When the next thing it said ends. Of a router that is none the deadline has passed and does not count.
    pub(crate) fn next_deadline(&self, now: Duration) -> Option<Duration> {
        let router = Some(self.router.get()).filter(|deadline| !deadline.passed(now));
        let deadlines = self.entries.iter().map(Entry::valid).chain(router);
        deadlines.filter_map(|deadline| if let Deadline::At(end) = deadline { Some(end) } else { None }).min()
    }

    /// The same with fewer entries.
    pub(crate) fn retain(&self, keep: impl Fn(&Entry) -> bool) -> Source {
        let entries = self.entries.iter().filter(|entry| keep(entry)).cloned().collect();
        Source {
            origin: self.origin,
            flags: self.flags,
            parameters: self.parameters.clone(),
            entries,
            router: self.router.clone(),
            first: self.first,
            last: SharedTime::new(self.last.get()),
            heard: SharedCount::new(self.heard.get()),
            announcement: self.announcement,
        }
    }
}

/// Until when a router is a default router. The beginning of time stands for one that is none.
pub(crate) fn router_until(seconds: u16, now: Duration) -> Deadline {
    Lifetime::from_wire(seconds.into()).map_or(NO_ROUTER, |lifetime| lifetime.deadline(now))
}

/// What is said now, over what was said before.
pub(crate) fn parameters(before: Option<&Parameters<Box<[u8]>>>, now: &Parameters<&[u8]>) -> Parameters<Box<[u8]>> {
    let none = Parameters::default();
    let before = before.unwrap_or(&none);
    let or = |new: u32, old: u32| if new == 0 { old } else { new };
    Parameters {
        hop_limit: if now.hop_limit == 0 { before.hop_limit } else { now.hop_limit },
        flags: now.flags,
        reachable: or(now.reachable, before.reachable),
        retrans: or(now.retrans, before.retrans),
        mtu: or(now.mtu, before.mtu),
        captive_portal: match now.captive_portal {
            [] => before.captive_portal.clone(),
            uri => uri.into(),
        },
    }
}
