// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The registry against one that is obviously right: a list of who says what until when, and nothing else.

use super::build::{Net, Ra, name, prefix, router, s};
use crate::{EventKind, Fact, Origin, Prefix, PvdHandle, PvdId, Statement};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const PREFIXES: [&str; 3] = ["2001:db8:1::/64", "2001:db8:2::/64", "2001:db8:3::/64"];
const SERVERS: [&str; 2] = ["2001:db8::53", "2001:db8::54"];
const NAMES: [&str; 3] = ["a.example", "B.example", "b.Example"];

/// Who says something about which PvD.
type Voice = (PvdId, Origin);

/// Until when, in seconds; `None`: for ever.
type Until = Option<u64>;

#[derive(Default)]
struct Model {
    facts: BTreeMap<(Voice, Fact), Until>,
    routers: BTreeMap<Voice, u64>,
    statics: BTreeSet<PvdId>,
}

#[derive(Clone, Debug)]
struct Said {
    port: u32,
    host: u16,
    name: Option<usize>,
    lifetime: u16,
    prefixes: Vec<(usize, u32)>,
    servers: Vec<(usize, u32)>,
}

#[derive(Clone, Debug)]
enum Step {
    Hear(Said),
    Pass(u64),
    ForgetPort(u32),
    Set(usize, Vec<usize>),
    Unset(usize),
}

impl Said {
    fn ra(&self) -> Ra {
        let ra = Ra::new(self.lifetime);
        let ra = self.name.map_or(ra.clone(), |name| ra.pvd(NAMES[name]));
        let ra = self.prefixes.iter().fold(ra, |ra, (which, lifetime)| ra.prefix(PREFIXES[*which], *lifetime));
        self.servers.iter().fold(ra, |ra, (which, lifetime)| ra.rdnss(&[SERVERS[*which]], *lifetime))
    }

    fn voice(&self) -> Voice {
        let address = router(self.host);
        let id = match self.name {
            Some(which) => PvdId::Explicit(name(NAMES[which])),
            None => PvdId::implicit(self.port, address).unwrap(),
        };
        (id, Origin::Router { port: self.port, address })
    }

    fn facts(&self) -> impl Iterator<Item = (Fact, u32)> {
        let prefixes =
            self.prefixes.iter().map(|(which, lifetime)| (Fact::Prefix(prefix(PREFIXES[*which])), *lifetime));
        let servers = self.servers.iter();
        prefixes.chain(servers.map(|(which, lifetime)| (Fact::Rdnss(SERVERS[*which].parse().unwrap()), *lifetime)))
    }
}

impl Model {
    fn owner(&self, wanted: Prefix) -> Option<&Voice> {
        self.facts.keys().find(|(_, fact)| fact.owned_prefix() == Some(wanted)).map(|(voice, _)| voice)
    }

    fn is_pinned(&self, id: &PvdId, fact: &Fact) -> bool {
        let pinned = |(other, by): &Voice, theirs: &Fact| theirs == fact && other != id && *by == Origin::Operator;
        fact.owned_prefix().is_some() && self.facts.keys().any(|(voice, theirs)| pinned(voice, theirs))
    }

    fn say(&mut self, voice: &Voice, fact: Fact, until: Until) {
        if fact.owned_prefix().is_some() {
            self.facts.retain(|((id, _), theirs), _| *theirs != fact || *id == voice.0);
        }
        self.facts.insert((voice.clone(), fact), until);
    }

    fn hear(&mut self, said: &Said, now: u64) {
        let voice = said.voice();
        self.routers.remove(&voice);
        if said.lifetime > 0 {
            self.routers.insert(voice.clone(), now + u64::from(said.lifetime));
        }
        let told: BTreeMap<Fact, u32> = said.facts().collect();
        for (fact, lifetime) in told {
            match lifetime {
                0 => drop(self.facts.remove(&(voice.clone(), fact))),
                _ if self.is_pinned(&voice.0, &fact) => {}
                u32::MAX => self.say(&voice, fact, None),
                finite => self.say(&voice, fact, Some(now + u64::from(finite))),
            }
        }
    }

    fn expire(&mut self, now: u64) {
        self.facts.retain(|_, until| until.is_none_or(|until| until > now));
        self.routers.retain(|_, until| *until > now);
    }

    fn forget(&mut self, gone: impl Fn(&Voice) -> bool) {
        self.facts.retain(|(voice, _), _| !gone(voice));
        self.routers.retain(|voice, _| !gone(voice));
    }

    /// `false`: refused.
    fn set(&mut self, which: usize, facts: &[usize]) -> bool {
        let id = PvdId::Explicit(name(NAMES[which]));
        let facts: Vec<_> = facts.iter().map(|which| Fact::Prefix(prefix(PREFIXES[*which]))).collect();
        if facts.iter().any(|fact| self.is_pinned(&id, fact)) {
            return false;
        }
        let voice = (id.clone(), Origin::Operator);
        self.forget(|other| *other == voice);
        self.statics.insert(id);
        facts.into_iter().for_each(|fact| self.say(&voice, fact, None));
        true
    }

    fn pvds(&self) -> BTreeSet<PvdId> {
        let voices = self.facts.keys().map(|(voice, _)| voice).chain(self.routers.keys());
        voices.map(|(id, _)| id.clone()).chain(self.statics.iter().cloned()).collect()
    }

    fn known(&self, wanted: &PvdId) -> BTreeMap<Fact, Until> {
        let mut known: BTreeMap<Fact, Until> = BTreeMap::new();
        for ((_, fact), until) in self.facts.iter().filter(|(((id, _), _), _)| id == wanted) {
            let longest = known.entry(fact.clone()).or_insert(*until);
            *longest = longest.zip(*until).map(|(a, b)| a.max(b));
        }
        known
    }
}

fn take(net: &mut Net, model: &mut Model, step: &Step) {
    let (now, seconds) = (net.now, net.now.as_secs());
    match step {
        Step::Hear(said) => {
            net.say(said.port, said.host, &said.ra());
            model.hear(said, seconds);
        }
        Step::Pass(passed) => {
            net.pass(*passed);
            model.expire(net.now.as_secs());
        }
        Step::ForgetPort(port) => {
            net.registry.forget_port(*port, now);
            model.forget(|(_, origin)| origin.port() == Some(*port));
        }
        Step::Set(which, facts) => {
            let all = facts.iter().map(|which| (Fact::Prefix(prefix(PREFIXES[*which])), 0)).collect();
            let set = net.registry.set(&name(NAMES[*which]), &Statement { facts: all, ..Statement::default() }, now);
            assert_eq!(set.is_ok(), model.set(*which, facts));
        }
        Step::Unset(which) => {
            let id = PvdId::Explicit(name(NAMES[*which]));
            let handle = net.registry.members().by_id(&id).map(|pvd| pvd.handle());
            let was = handle.is_some_and(|handle| net.registry.unset(handle, now));
            assert_eq!(was, model.statics.remove(&id));
            model.forget(|voice| *voice == (id.clone(), Origin::Operator));
        }
    }
}

fn compare(net: &Net, model: &Model) {
    let members = net.registry.members();
    let ids: BTreeSet<_> = members.iter().map(|pvd| pvd.id().clone()).collect();
    assert_eq!((&ids, members.len()), (&model.pvds(), model.pvds().len()));
    for pvd in members.iter() {
        let deadline = |deadline| if let crate::Deadline::At(end) = deadline { Some(end.as_secs()) } else { None };
        let known = net.known(pvd).into_iter().map(|known| (known.fact, deadline(known.valid)));
        assert_eq!(known.collect::<BTreeMap<_, _>>(), model.known(pvd.id()), "{}", pvd.id());
        let same = |other: &std::sync::Arc<crate::Pvd>| std::sync::Arc::ptr_eq(other, pvd);
        assert!(members.by_id(pvd.id()).is_some_and(same) && members.get(pvd.handle()).is_some_and(same));
    }
    for text in PREFIXES {
        let owner = net.registry.owner(prefix(text)).and_then(|owner| members.get(owner));
        assert_eq!(owner.map(|pvd| pvd.id()), model.owner(prefix(text)).map(|(id, _)| id), "{text}");
    }
    assert_eq!(net.registry.entries(), model.facts.len());
}

/// Who was there by the events: each comes before it changes or goes, and goes once.
fn replay_events(net: &Net, seen: &mut (u64, BTreeSet<PvdHandle>)) {
    for event in net.registry.events_since(seen.0).expect("it looks after every step") {
        match event.kind {
            EventKind::New => assert!(seen.1.insert(event.handle)),
            EventKind::Update => assert!(seen.1.contains(&event.handle) && !event.changes.is_empty()),
            EventKind::Delete => assert!(seen.1.remove(&event.handle)),
            EventKind::Fetched => panic!("nothing is fetched here"),
        }
        seen.0 = event.seq;
    }
    let handles: BTreeSet<_> = net.registry.members().iter().map(|pvd| pvd.handle()).collect();
    assert_eq!(handles, seen.1);
}

fn said() -> impl Strategy<Value = Said> {
    let lifetime = || prop_oneof![2 => Just(0), 4 => 1..60_u32, 1 => Just(u32::MAX)];
    let prefixes = prop::collection::vec((0..PREFIXES.len(), lifetime()), 0..3);
    let servers = prop::collection::vec((0..SERVERS.len(), lifetime()), 0..3);
    let who = (1..4_u32, 1..3_u16, prop::option::of(0..NAMES.len()));
    let lifetime = prop_oneof![Just(0), 1..60_u16];
    (who, lifetime, prefixes, servers).prop_map(|((port, host, name), lifetime, prefixes, servers)| Said {
        port,
        host,
        name,
        lifetime,
        prefixes,
        servers,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    let facts = prop::collection::btree_set(0..PREFIXES.len(), 0..2);
    prop_oneof![
        12 => said().prop_map(Step::Hear),
        5 => (0..40_u64).prop_map(Step::Pass),
        1 => (1..4_u32).prop_map(Step::ForgetPort),
        1 => (name.clone(), facts).prop_map(|(name, facts)| Step::Set(name, facts.into_iter().collect())),
        1 => name.prop_map(Step::Unset),
    ]
}

proptest! {
    #[test]
    fn the_registry_equals_the_model(steps in prop::collection::vec(step(), 0..60)) {
        let (mut net, mut model, mut seen) = (Net::new(), Model::default(), (0, BTreeSet::new()));
        for step in &steps {
            take(&mut net, &mut model, step);
            compare(&net, &model);
            replay_events(&net, &mut seen);
        }
        prop_assert_eq!(net.registry.unreg_count(), 0);
        net.registry.clear(net.now);
        prop_assert!(net.registry.members().is_empty() && net.registry.entries() == 0);
        prop_assert_eq!(net.registry.next_expiry().map(|at| at > s(0)), None);
    }
}
