// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Answers for routers that do not: which advertisements of the cache a host gets, and when.
//!
//! A host asks (a Router Solicitation), or its port has just come up and it may not know that it should. It waits for a
//! moment that the caller's random number chooses (RFC 4861 section 6.2.6); if a router speaks meanwhile, there is nothing
//! to say for routers, unless the policy wants it said always. What an operator has announced nobody else says. What is said is said to that port alone, whatever its
//! destination address: no other host hears it, so only what goes to all nodes of one port is spaced out, and not where a host
//! lands (`landings.rs`).

use crate::PvdName;
use crate::cache::{CachedRa, RaCache};
use crate::farewell::{Farewell, Farewells};
use crate::landings::Landings;
use crate::limits;
use crate::mediate::Sight;
use crate::registry::{Registry, Statement};
use crate::replay::replay;
use core::net::Ipv6Addr;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wire::MacAddr;

/// All nodes of a link (RFC 4291 section 2.7.1).
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The longest time that a host waits for an answer: `MAX_RA_DELAY_TIME` (RFC 4861 section 10); what [`Answering::within`]
/// is when nobody says otherwise.
pub const DELAY_MAX: Duration = Duration::from_millis(500);
/// The shortest time between two answers to all nodes: `MIN_DELAY_BETWEEN_RAS` (RFC 4861 section 10).
pub const ALL_NODES_GAP: Duration = Duration::from_secs(3);

/// When a namespace answers for its routers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerPolicy {
    /// Never.
    Off,
    /// When no router has answered.
    #[default]
    WhenSilent,
    /// Always.
    Always,
}

impl AnswerPolicy {
    /// All of them.
    pub const ALL: [AnswerPolicy; 3] = [AnswerPolicy::Off, AnswerPolicy::WhenSilent, AnswerPolicy::Always];

    /// The word for it in configuration and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            AnswerPolicy::Off => "off",
            AnswerPolicy::WhenSilent => "when-silent",
            AnswerPolicy::Always => "always",
        }
    }

    /// What a word means.
    pub fn of(word: &str) -> Option<AnswerPolicy> {
        AnswerPolicy::ALL.into_iter().find(|policy| policy.as_str() == word)
    }
}

/// How a namespace answers for its routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answering {
    /// When.
    pub policy: AnswerPolicy,
    /// How long a host waits at most, up to [`DELAY_MAX`]; zero: it is answered at once. A router has half of it for itself
    /// where its answer is enough.
    pub within: Duration,
}

impl Default for Answering {
    fn default() -> Answering {
        Answering { policy: AnswerPolicy::default(), within: DELAY_MAX }
    }
}

/// A host asks for routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Solicitation {
    /// The port that it is behind.
    pub port: u32,
    /// The source of its message; `::` when it has no address yet.
    pub source: Ipv6Addr,
    /// The Ethernet source of its frame.
    pub mac: MacAddr,
    /// What its source link-layer address option says.
    pub option: Option<MacAddr>,
}

/// Where an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    /// The host's address, or all nodes.
    pub address: Ipv6Addr,
    /// The host's Ethernet address, also when the address is that of all nodes (RFC 6085).
    pub mac: MacAddr,
}

/// What a host gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The port to send it to, and no other.
    pub port: u32,
    /// Where to.
    pub to: Destination,
    /// The advertisements. `wire::nd::split` cuts those that are too long for the port.
    pub adverts: Vec<Replayed>,
}

/// One advertisement of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The router for which it speaks: the source address.
    pub router: Ipv6Addr,
    /// The source of the frame.
    pub mac: MacAddr,
    /// The message from its ICMPv6 type on, with what is left of lifetimes.
    pub octets: Vec<u8>,
}

/// What has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponderCounters {
    /// Hosts that asked, and ports that came up.
    pub asked: u64,
    /// Of these, whom a router answered first; they are told of static PvDs, if those are announced.
    pub silenced: u64,
    /// Of these, who got an answer.
    pub answered: u64,
    /// Of these, for whom there was nothing to say.
    pub nothing: u64,
    /// Of these, who were not listened to, too many waiting already.
    pub refused: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    due: Duration,
    /// What its messages come from, which is where a router would answer to.
    source: Ipv6Addr,
    to: Destination,
    /// A router has answered: only what no router says is left to be said.
    silenced: bool,
    /// It lands: it need not wait for its turn, and is told once more later, for it may have missed it.
    lands: bool,
}

/// The hosts of one namespace that wait for an answer, or are to be told that something has ended.
#[derive(Debug, Default)]
pub struct Responder {
    answering: Answering,
    /// By port and destination: who asks twice waits once.
    waiting: BTreeMap<(u32, Ipv6Addr), Waiting>,
    due: BTreeSet<(Duration, u32, Ipv6Addr)>,
    /// When something was last said to all nodes of a port.
    said: BTreeMap<u32, Duration>,
    landings: Landings,
    counters: ResponderCounters,
    /// Of ports that do not see all PvDs, those that they see.
    sights: BTreeMap<u32, Sight>,
    farewells: Farewells,
    speaking: Speaking,
}

/// Routers that speak for themselves. To find them is to look at all PvDs, so that it is done once for all who are answered together.
#[derive(Debug, Default)]
struct Speaking {
    /// When, and after which event.
    asked: Option<(Duration, u64)>,
    routers: BTreeSet<Ipv6Addr>,
}

impl Speaking {
    fn at(&mut self, registry: &Registry, now: Duration) -> &BTreeSet<Ipv6Addr> {
        let asked = Some((now, registry.last_event()));
        if registry.announces() && self.asked != asked {
            (self.asked, self.routers) = (asked, registry.routers(now));
        }
        &self.routers
    }
}

impl Responder {
    /// Nobody waits.
    pub fn new(answering: Answering) -> Responder {
        Responder { answering, ..Responder::default() }
    }

    /// Changes how it answers. Those who wait already are answered by the new policy, when they would have been; what is
    /// announced no more is not taken back where nothing is said.
    pub fn set(&mut self, answering: Answering) {
        self.answering = answering;
        if answering.policy == AnswerPolicy::Off {
            self.farewells = Farewells::default();
        }
    }

    /// How it answers.
    pub fn answering(&self) -> Answering {
        self.answering
    }

    /// What has happened.
    pub fn counters(&self) -> &ResponderCounters {
        &self.counters
    }

    /// Goes on from what was counted elsewhere.
    pub fn set_counters(&mut self, counters: ResponderCounters) {
        self.counters = counters;
    }

    /// A host asks. `jitter` is random, up to [`Answering::within`].
    pub fn solicited(&mut self, solicitation: &Solicitation, now: Duration, jitter: Duration) {
        let Solicitation { port, source, mac, option } = *solicitation;
        // RFC 7772 section 5.1: the host alone, if it said who it is.
        let to = match option.filter(|_| !source.is_unspecified()) {
            Some(mac) => Destination { address: source, mac },
            None => Destination { address: ALL_NODES, mac },
        };
        self.wait(port, Waiting { due: now + self.delay(jitter), source, to, silenced: false, lands: false });
    }

    /// A port came up, with a host behind it that has this Ethernet address and may not ask: it has been moved here.
    pub fn port_up(&mut self, port: u32, mac: MacAddr, now: Duration, jitter: Duration) {
        let to = Destination { address: ALL_NODES, mac };
        let source = Ipv6Addr::UNSPECIFIED;
        self.wait(port, Waiting { due: now + self.delay(jitter), source, to, silenced: false, lands: false });
    }

    /// The same of a host that was running elsewhere a moment ago: it is told at once, for it goes by what it was told there, and
    /// once more a little later, for its rings may still be being set up. Who lands again and again has to wait in the end.
    pub fn landed(&mut self, port: u32, mac: MacAddr, now: Duration) {
        let to = Destination { address: ALL_NODES, mac };
        self.give_up(|(other, address), _| *other == port && *address == ALL_NODES);
        let due = self.landings.due(port, now);
        self.wait(port, Waiting { due, source: Ipv6Addr::UNSPECIFIED, to, silenced: false, lands: true });
    }

    /// A port sees these PvDs: of no others its hosts are told.
    pub fn set_sight(&mut self, port: u32, sight: &Sight) {
        match sight {
            Sight::All => drop(self.sights.remove(&port)),
            narrow @ Sight::Only(_) => drop(self.sights.insert(port, narrow.clone())),
        }
    }

    /// Hosts may have been told what is announced no more: they are told that, as soon as hosts may be told something again that
    /// nobody asks for.
    pub fn take_back(&mut self, farewell: Farewell, now: Duration) {
        if self.answering.policy != AnswerPolicy::Off {
            self.farewells.add(farewell, now);
        }
    }

    /// What hosts are still to be told that it has ended, by PvD, as they were told of it.
    pub fn untold(&self) -> impl Iterator<Item = (&PvdName, Statement)> {
        self.farewells.told()
    }

    /// Whether hosts are to be told now that something has ended: before it is polled, [`Responder::bid_farewell`] is to say which.
    pub fn bids_farewell(&self, now: Duration) -> bool {
        self.farewells.is_to_begin(now)
    }

    /// It is the hosts behind these ports that may have been told.
    pub fn bid_farewell(&mut self, ports: BTreeSet<u32>, registry: &Registry, now: Duration) {
        self.farewells.begin(ports, registry, now);
    }

    /// A port is gone, and whoever waits behind it.
    pub fn forget_port(&mut self, port: u32) {
        self.farewells.forget_port(port);
        self.sights.remove(&port);
        self.give_up(|(other, _), _| *other == port);
        self.said.remove(&port);
        self.landings.forget(port);
    }

    /// A router has sent an advertisement to this address. Whoever gets it needs no answer for routers when one router's is
    /// enough.
    pub fn heard(&mut self, destination: Ipv6Addr) {
        self.silence(destination, |_| true);
    }

    /// The same of an advertisement that these ports got, and no others.
    pub fn reached(&mut self, destination: Ipv6Addr, ports: &[u32]) {
        self.silence(destination, |port| ports.contains(&port));
    }

    fn silence(&mut self, destination: Ipv6Addr, got: impl Fn(u32) -> bool) {
        if self.answering.policy == AnswerPolicy::Always {
            return;
        }
        let reached = |waiting: &Waiting| destination.is_multicast() || destination == waiting.source;
        for ((port, _), waiting) in &mut self.waiting {
            if !waiting.silenced && reached(waiting) && got(*port) {
                waiting.silenced = true;
                self.counters.silenced += 1;
            }
        }
    }

    /// When [`Responder::poll`] has something to do.
    pub fn next_due(&self) -> Option<Duration> {
        let waiting = self.due.first().map(|(due, ..)| *due);
        waiting.into_iter().chain(self.farewells.next_due()).min()
    }

    /// The next answer that is due. `None`: none is any more.
    pub fn poll(&mut self, cache: &mut RaCache, registry: &Registry, now: Duration) -> Option<Answer> {
        let sees = |port, name: &PvdName| self.sights.get(&port).is_none_or(|sight| sight.sees(Some(name.as_name())));
        if let Some(farewell) = self.farewells.poll(registry, sees, now) {
            self.said.insert(farewell.port, now);
            return Some(farewell);
        }
        while let Some((due, port, address)) = self.due.first().copied().filter(|(due, ..)| *due <= now) {
            self.due.remove(&(due, port, address));
            let Some(Waiting { to, silenced, lands, source, .. }) = self.waiting.remove(&(port, address)) else {
                continue;
            };
            let sight = self.sights.get(&port).unwrap_or(&Sight::All);
            let mut adverts = match self.answering.policy {
                AnswerPolicy::Off => Vec::new(),
                _ if silenced => Vec::new(),
                _ => replayed(cache, registry, (port, sight), address, now),
            };
            if self.answering.policy != AnswerPolicy::Off {
                let speaking = self.speaking.at(registry, now);
                let announced = registry.announcements(address, |name| sight.sees(Some(name)), speaking);
                adverts.extend(announced.take(limits::ANSWER));
            }
            if adverts.is_empty() {
                self.counters.nothing += u64::from(!silenced);
                continue;
            }
            self.counters.answered += 1;
            if address == ALL_NODES {
                self.said.insert(port, now);
            }
            if lands {
                self.landings.spend(port, now);
                self.wait(port, Waiting { due: now, source, to, silenced: false, lands: false });
            }
            return Some(Answer { port, to, adverts });
        }
        None
    }

    /// A router gets the first half of the time for itself where its answer is enough.
    fn delay(&self, jitter: Duration) -> Duration {
        let Answering { policy, within } = self.answering;
        let jitter = jitter.min(within);
        if policy == AnswerPolicy::WhenSilent { (within + jitter) / 2 } else { jitter }
    }

    fn wait(&mut self, port: u32, mut waiting: Waiting) {
        if self.answering.policy == AnswerPolicy::Off {
            return;
        }
        self.counters.asked += 1;
        let key = (port, waiting.to.address);
        if self.waiting.contains_key(&key) {
            return;
        }
        let range = (port, Ipv6Addr::UNSPECIFIED)..=(port, Ipv6Addr::from_bits(u128::MAX));
        let behind = self.waiting.range(range).count();
        if behind >= limits::PORT_SOLICITORS || self.waiting.len() >= limits::SOLICITORS {
            self.counters.refused += 1;
            return;
        }
        if let Some(said) = self.said.get(&port).filter(|_| waiting.to.address == ALL_NODES && !waiting.lands) {
            waiting.due = waiting.due.max(*said + ALL_NODES_GAP);
        }
        self.due.insert((waiting.due, port, waiting.to.address));
        self.waiting.insert(key, waiting);
    }

    /// Who matches waits no longer; how many that were.
    fn give_up(&mut self, matches: impl Fn(&(u32, Ipv6Addr), &Waiting) -> bool) -> usize {
        let before = self.waiting.len();
        let due = &mut self.due;
        self.waiting.retain(|key, waiting| {
            let goes = matches(key, waiting);
            if goes {
                due.remove(&(waiting.due, key.0, key.1));
            }
            !goes
        });
        before - self.waiting.len()
    }
}

/// What routers have said, for a port.
fn replayed(
    cache: &mut RaCache,
    registry: &Registry,
    (port, sight): (u32, &Sight),
    to: Ipv6Addr,
    now: Duration,
) -> Vec<Replayed> {
    let seen = |ra: &&mut CachedRa| sight.sees(ra.pvd.as_ref().map(PvdName::as_name));
    let replayed = cache.for_port(port, now, seen).filter_map(|ra| {
        let pvd = registry.members().by_id(&ra.id()).map(|pvd| pvd.handle());
        // A prefix that has moved to another PvD is not said to belong to this one.
        let octets = replay(ra, to, now, |prefix| registry.owner(prefix) == pvd)?;
        ra.hits += 1;
        Some(Replayed { router: ra.router, mac: ra.mac, octets })
    });
    replayed.collect()
}
