// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Additional Information of PvDs ([`pvd::info`]), each namespace being a network of its own.
//!
//! Nothing is done about it until [`Control::fetch_information`] is called. Then what registries tell of their PvDs is
//! followed by their events, about once a second: a PvD whose routers set H is wanted, with the sequence number, the delay and
//! the prefixes that it has then.

use crate::arena::Handle;
use crate::control::Control;
use crate::path::NamespacePath;
use crate::plant::Plant;
use crate::stated::PvdKey;
use crate::subsystem::seeds::Seeds;
use crate::tree::Namespace;
use dataplane::Instant;
use pvd::info::{Fetches, Standing, State, Trouble, Want, host};
use pvd::{EventKind, Prefix, Pvd, PvdName, Registry, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is to be fetched of the PvDs of all namespaces.
pub(crate) struct Informing {
    fetches: Fetches<Handle<Namespace>>,
    /// The last event of each registry that was followed.
    followed: BTreeMap<Handle<Namespace>, u64>,
    random: Seeds,
}

/// What came of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The namespace.
    pub namespace: NamespacePath,
    /// The PvD.
    pub name: PvdName,
    /// How it stands with it now.
    pub state: State,
}

impl Informing {
    pub(crate) fn standing(&self, home: &Namespace, name: &PvdName, now: Duration) -> Option<Standing> {
        self.fetches.standing(home.handle(), name, now)
    }

    /// Takes in what has changed in all namespaces.
    fn follow(&mut self, plant: &Plant, now: Duration) {
        self.fetches.retain(|home| plant.tree.get(home).is_some());
        self.followed.retain(|home, _| plant.tree.get(*home).is_some());
        for home in plant.tree.subtree(&NamespacePath::root()) {
            if let Some(registry) = home.get(plant.learning.pvds).and_then(|place| place.made()) {
                self.follow_one(home.handle(), registry, now);
            }
        }
        self.fetches.expire(now);
    }

    fn follow_one(&mut self, home: Handle<Namespace>, registry: &Registry, now: Duration) {
        let seen = self.followed.insert(home, registry.last_event()).unwrap_or(0);
        if seen == registry.last_event() {
            return;
        }
        let touched: BTreeSet<PvdName> = match registry.events_since(seen) {
            Ok(events) => {
                let said = events.filter(|event| event.kind != EventKind::Fetched);
                said.filter_map(|event| event.id.name().cloned()).collect()
            }
            Err(_) => {
                let there = registry.members().iter().filter_map(|pvd| pvd.id().name().cloned());
                there.chain(self.fetches.names(home).cloned()).collect()
            }
        };
        for name in touched {
            let random = self.random.next();
            match registry.members().by_name(&name).filter(|pvd| pvd.attributes().flags().http) {
                Some(pvd) => self.want(home, &name, pvd, (now, random)),
                None => self.fetches.unwant(home, &name, now),
            }
        }
    }

    fn want(&mut self, home: Handle<Namespace>, name: &PvdName, pvd: &Pvd, (now, random): (Duration, u64)) {
        let attributes = pvd.attributes();
        let entries = attributes.sources().iter().flat_map(|source| Source::entries(source));
        let announced: BTreeSet<Prefix> = entries.filter_map(|entry| entry.fact().owned_prefix()).collect();
        let announced: Vec<Prefix> = announced.into_iter().collect();
        let flags = attributes.flags();
        let want = Want { sequence: flags.sequence, delay: flags.delay, announced: &announced };
        self.fetches.want(home, name, &want, now, random);
    }
}

impl Control {
    /// Has Additional Information fetched from now on. `seed` should be secret: fetches are spread by what follows from it.
    pub fn fetch_information(&mut self, seed: u64) {
        let (fetches, followed, random) = (Fetches::default(), BTreeMap::new(), Seeds::new(seed));
        self.informing = Some(Informing { fetches, followed, random });
    }

    /// Takes in what has changed of PvDs, and says whether there is something for [`Control::next_fetch`]. To be called
    /// about once a second.
    pub fn follow_information(&mut self, now: Instant) -> bool {
        let (informing, now) = (self.informing.as_mut(), now.since_origin());
        informing.is_some_and(|informing| {
            informing.follow(&self.plant, now);
            informing.fetches.is_ready(now)
        })
    }

    /// The host from which something is to be fetched now. It is to be told what came of it, by [`Control::fetched`] or
    /// [`Control::not_fetched`]; until then there is no other.
    pub fn next_fetch(&mut self, now: Instant) -> Option<String> {
        let informing = self.informing.as_mut()?;
        let now = now.since_origin();
        loop {
            let (home, name) = informing.fetches.next(now)?;
            if let Some(host) = host(&name) {
                return Some(host);
            }
            drop(informing.fetches.answer(Err(Trouble::NoHost), now, Duration::ZERO, 0));
            self.plant.tell_fetched(home, &name, Some(&Trouble::NoHost.to_string()), now);
        }
    }

    /// What came of [`Control::next_fetch`]; `wall` is the time since the beginning of 1970.
    pub fn fetched(&mut self, body: Result<&str, Trouble>, now: Instant, wall: Duration) -> Option<Fetched> {
        let informing = self.informing.as_mut()?;
        let (random, now) = (informing.random.next(), now.since_origin());
        let (home, name) = informing.fetches.answer(body.map(str::as_bytes), now, wall, random)?;
        let state = informing.fetches.standing(home, &name, now)?.state;
        match &state {
            State::Fetched(_) => self.plant.tell_fetched(home, &name, None, now),
            State::Failed(why) => self.plant.tell_fetched(home, &name, Some(&why.to_string()), now),
            // What has come is of an earlier sequence number.
            State::Waiting(_) | State::Fetching => {}
        }
        Some(Fetched { namespace: self.plant.tree.get(home)?.path().clone(), name, state })
    }

    /// Has the Additional Information of a PvD fetched again, also after a failure. False: it is never fetched, for nobody does
    /// or its routers do not set H.
    pub fn fetch_again(&mut self, key: &PvdKey, now: Instant) -> bool {
        self.follow_information(now);
        let home = self.plant.tree.find(&key.namespace).map(Namespace::handle).ok();
        let informing = self.informing.as_mut().zip(home);
        informing.is_some_and(|(informing, home)| informing.fetches.again(home, &key.name, now.since_origin()))
    }

    /// [`Control::next_fetch`] was not even tried, for a reason that is not the host's: it will be again.
    pub fn not_fetched(&mut self, now: Instant) {
        if let Some(informing) = &mut self.informing {
            informing.fetches.put_off(now.since_origin());
        }
    }
}
