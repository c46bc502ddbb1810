// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Everything that is to be fetched, in all networks: whose turn it is, and how fast that goes.

use super::fetching::{Fetching, Moment, Standing};
use super::message::Trouble;
use super::{FAILURES_MAX, RATE, RATE_SPAN};
use crate::PvdName;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use wire::Prefix;

/// What the routers of a PvD say about its Additional Information.
#[derive(Clone, Copy, Debug)]
pub struct Want<'a> {
    /// The sequence number: another one stands for another object.
    pub sequence: u16,
    /// The delay exponent, 0 to 15.
    pub delay: u8,
    /// Prefixes that they announce (in Prefix Information Options), all of which the object must list.
    pub announced: &'a [Prefix],
}

/// What is fetched in the networks `N`. See the [module](super).
#[derive(Debug)]
pub struct Fetches<N> {
    networks: BTreeMap<N, Network>,
    /// What is being fetched.
    busy: Option<(N, PvdName)>,
    /// When the latest fetches began, at most [`RATE`].
    started: VecDeque<Duration>,
    /// How many turns there have been.
    turns: u64,
}

#[derive(Debug, Default)]
struct Network {
    fetchings: BTreeMap<PvdName, Fetching>,
    /// Those that are to be fetched, the first due first.
    due: BTreeSet<(Duration, PvdName)>,
    failures: usize,
    /// The number of its last turn.
    turn: u64,
}

impl<N: Copy + Ord> Default for Fetches<N> {
    fn default() -> Fetches<N> {
        Fetches { networks: BTreeMap::new(), busy: None, started: VecDeque::new(), turns: 0 }
    }
}

impl<N: Copy + Ord> Fetches<N> {
    /// The PvD is there, its routers set H, and say this. To be told again whenever something of it changes.
    pub fn want(&mut self, network: N, name: &PvdName, want: &Want<'_>, now: Duration, random: u64) {
        let network = self.networks.entry(network).or_default();
        let Some(mut fetching) = network.take(name) else {
            return network.put(name, Fetching::new(want, now, random));
        };
        fetching.want(want, now, random);
        network.put(name, fetching);
    }

    /// The PvD is gone, or its routers do not set H.
    pub fn unwant(&mut self, network: N, name: &PvdName, now: Duration) {
        let Some(network) = self.networks.get_mut(&network) else { return };
        if let Some(mut fetching) = network.take(name) {
            fetching.unwant();
            if !fetching.is_over(now) {
                network.put(name, fetching);
            }
        }
    }

    /// An operator wants it fetched, also after a failure, and after so many that nothing is fetched any more: then once.
    /// False: there is no such PvD, or its routers do not set H.
    pub fn again(&mut self, network: N, name: &PvdName, now: Duration) -> bool {
        let Some(network) = self.networks.get_mut(&network) else { return false };
        let Some(mut fetching) = network.take(name) else { return false };
        let is_wanted = fetching.again(now);
        network.put(name, fetching);
        if is_wanted {
            network.failures = network.failures.min(FAILURES_MAX - 1);
        }
        is_wanted
    }

    /// Forgets every network that is gone, with all that is remembered of it.
    pub fn retain(&mut self, is_there: impl Fn(N) -> bool) {
        self.networks.retain(|network, _| is_there(*network));
    }

    /// Something is to be fetched now.
    pub fn is_ready(&self, now: Duration) -> bool {
        self.ready(now).is_some()
    }

    /// What is to be fetched now, if anything. Until it is answered nothing else is.
    pub fn next(&mut self, now: Duration) -> Option<(N, PvdName)> {
        let key = self.ready(now)?;
        let network = self.networks.get_mut(&key)?;
        let (_, name) = network.due.first().cloned()?;
        let mut fetching = network.take(&name)?;
        fetching.start(now);
        network.put(&name, fetching);
        self.turns += 1;
        network.turn = self.turns;
        if self.started.len() >= RATE {
            self.started.pop_front();
        }
        self.started.push_back(now);
        self.busy = Some((key, name.clone()));
        Some((key, name))
    }

    /// The network whose turn it is, if it is not too soon for any.
    fn ready(&self, now: Duration) -> Option<N> {
        let slow = self.started.front().is_some_and(|first| first.saturating_add(RATE_SPAN) > now);
        if self.busy.is_some() || (slow && self.started.len() >= RATE) {
            return None;
        }
        let ready = self.networks.iter().filter(|(_, network)| network.first_due().is_some_and(|at| at <= now));
        ready.min_by_key(|(_, network)| network.turn).map(|(key, _)| *key)
    }

    /// What came of the last [`Fetches::next`]; `wall` is the time since the beginning of 1970. Tells of which PvD.
    pub fn answer(
        &mut self,
        body: Result<&[u8], Trouble>,
        now: Duration,
        wall: Duration,
        random: u64,
    ) -> Option<(N, PvdName)> {
        let (key, name) = self.busy.take()?;
        let network = self.networks.get_mut(&key)?;
        let mut fetching = network.take(&name)?;
        let failed = fetching.take_in(&name, body, Moment { now, wall, random });
        network.failures += usize::from(failed);
        network.put(&name, fetching);
        Some((key, name))
    }

    /// The last [`Fetches::next`] was not tried, for a reason that is not the PvD's: it waits again.
    pub fn put_off(&mut self, now: Duration) {
        let Some((key, name)) = self.busy.take() else { return };
        let Some(network) = self.networks.get_mut(&key) else { return };
        if let Some(mut fetching) = network.take(&name) {
            fetching.put_off(now);
            network.put(&name, fetching);
        }
    }

    /// What has expired holds no longer, and what nobody wants is forgotten.
    pub fn expire(&mut self, now: Duration) {
        for network in self.networks.values_mut() {
            network.fetchings.retain(|_, fetching| {
                fetching.expire(now);
                !fetching.is_over(now)
            });
        }
    }

    /// The PvDs of which anything is remembered.
    pub fn names(&self, network: N) -> impl Iterator<Item = &PvdName> {
        self.networks.get(&network).into_iter().flat_map(|network| network.fetchings.keys())
    }

    /// How it stands with a PvD; `None`: its routers do not set H.
    pub fn standing(&self, network: N, name: &PvdName, now: Duration) -> Option<Standing> {
        let network = self.networks.get(&network)?;
        network.fetchings.get(name)?.standing(network.is_stopped(), now)
    }
}

impl Network {
    /// Takes one out, to be changed and put back.
    fn take(&mut self, name: &PvdName) -> Option<Fetching> {
        let fetching = self.fetchings.remove(name)?;
        if let Some(at) = fetching.due() {
            self.due.remove(&(at, name.clone()));
        }
        Some(fetching)
    }

    fn put(&mut self, name: &PvdName, fetching: Fetching) {
        if let Some(at) = fetching.due() {
            self.due.insert((at, name.clone()));
        }
        self.fetchings.insert(name.clone(), fetching);
    }

    fn is_stopped(&self) -> bool {
        self.failures >= FAILURES_MAX
    }

    fn first_due(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at).filter(|_| !self.is_stopped())
    }
}
