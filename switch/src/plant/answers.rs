// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Answers for routers: what a namespace's responder decides to say, as frames for the port of whoever asked.
//!
//! The router stays the sender, by its MAC and its link-local address: weft repeats what it said, and is no router.

use super::Plant;
use crate::arena::Handle;
use crate::limits::EMISSIONS_AT_ONCE;
use crate::port::PortRecord;
use crate::reference::PortPath;
use crate::subsystem::ports::PortSet;
use crate::subsystem::pvds::PvdPlace;
use crate::subsystem::ras::Ras;
use crate::tree::Namespace;
use core::net::Ipv6Addr;
use dataplane::{Emission, PortTag, Role};
use pvd::{ALL_NODES, Answer, Answering, Destination, Registry, Replayed, Sight, Solicitation};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use wire::build::{Ether, Ip};
use wire::{EtherHeader, ip6, nd};

impl Plant {
    /// Somebody in a namespace looks for a router; `false`: he is not answered here.
    pub(crate) fn solicited(&mut self, home: Handle<Namespace>, who: &Solicitation, answered: bool, now: Duration) {
        let throttles = self.tree.get(home).is_some_and(|home| home.spec().ra_throttle.is_some());
        if let Some(mediator) = self.mediator_mut(home).filter(|_| throttles) {
            mediator.solicited(who.port, who.mac, now);
        }
        let who = Some(who).filter(|_| answered && self.can_answer(home));
        self.with_responder(home, |ras, jitter| {
            ras.solicitations += 1;
            if let Some(who) = who {
                ras.responder.solicited(who, now, jitter);
            }
        });
    }

    /// A router of a namespace says something to this address, so that who would have got an answer there needs none of ours.
    pub(crate) fn router_answers(&mut self, home: Handle<Namespace>, destination: Ipv6Addr) {
        self.with_responder(home, |ras, _| ras.responder.heard(destination));
    }

    /// The same of an advertisement that these ports got, and no others.
    pub(crate) fn router_reaches(&mut self, home: Handle<Namespace>, ports: &[u32], frame: &[u8]) {
        let at = EtherHeader::parse(frame).map_or(frame.len(), |ether| ether.l3);
        if let Some(header) = ip6::Ip6Header::parse(frame.get(at..).unwrap_or_default()) {
            self.with_responder(home, |ras, _| ras.responder.reached(header.dst, ports));
        }
    }

    /// The port of that number in a namespace sees these PvDs.
    pub(super) fn set_sight(&mut self, home: Handle<Namespace>, port: u32, sight: &Sight) {
        self.with_responder(home, |ras, _| ras.responder.set_sight(port, sight));
    }

    /// A guest is there that may know nothing of its namespace. Routers know better than what is said of them.
    pub(crate) fn greet(&mut self, path: &PortPath, now: Duration) {
        let Some(record) = self.port(path).filter(|record| !record.spec.role.may_route()) else { return };
        let (port, mac) = (record.ident.nr_at_home(), record.spec.mac);
        let Ok(home) = self.tree.find(&path.namespace).map(Namespace::handle) else { return };
        if self.can_answer(home) {
            self.with_responder(home, |ras, jitter| ras.responder.port_up(port, mac, now, jitter));
        }
    }

    /// The guest of the port of that tag goes on here.
    pub(crate) fn landed(&mut self, tag: PortTag, now: Duration) {
        let record = self.port_at(Handle::from_bits(tag.0)).filter(|record| !record.spec.role.may_route());
        let Some(PortRecord { ident, spec, .. }) = record else { return };
        let (port, mac) = (ident.nr_at_home(), spec.mac);
        let Ok(home) = self.tree.find(&spec.namespace).map(Namespace::handle) else { return };
        if self.can_answer(home) {
            self.with_responder(home, |ras, _| ras.responder.landed(port, mac, now));
        }
    }

    /// Whether there is anything that hosts of a namespace could be told.
    fn can_answer(&self, home: Handle<Namespace>) -> bool {
        let Some(namespace) = self.tree.get(home) else { return false };
        let registry = namespace.get(self.learning.pvds).and_then(PvdPlace::made);
        registry.is_some_and(Registry::announces)
            || namespace.get(self.learning.ras).is_some_and(|ras| !ras.cache.is_empty())
    }

    /// Answers in another way from now on.
    pub(super) fn set_answering(&mut self, home: Handle<Namespace>, answering: Answering) {
        self.with_responder(home, |ras, _| ras.responder.set(answering));
    }

    /// When an answer is due.
    pub(crate) fn next_answer(&self) -> Option<Duration> {
        self.learning.alarms.next()
    }

    /// Answers that are due by `now`; all of them, or enough that others have their turn before the rest.
    pub(crate) fn answer(&mut self, now: Duration) -> Vec<Emission> {
        let mut frames = Vec::new();
        while frames.len() < EMISSIONS_AT_ONCE
            && let Some(home) = self.learning.alarms.due(now)
        {
            self.learning.alarms.clear(home);
            while frames.len() < EMISSIONS_AT_ONCE
                && let Some(answer) = self.poll_responder(home, now)
            {
                self.say(home, &answer, &mut frames);
            }
            self.see_who_waits(home);
        }
        frames
    }

    /// Sets the alarm for those who are left.
    pub(super) fn see_who_waits(&mut self, home: Handle<Namespace>) {
        self.with_responder(home, |_, _| ());
    }

    /// The ports of a namespace, by number, behind which somebody may have asked for a router and was answered here.
    fn hosts(&self, home: Handle<Namespace>) -> BTreeSet<u32> {
        let set = self.tree.get(home).and_then(|home| home.get(self.sets));
        let ports = set.into_iter().flat_map(PortSet::handles).filter_map(|handle| self.port_at(handle));
        let hosts = ports.filter(|record| record.spec.role != Role::Router && record.spec.far().is_none());
        hosts.map(|record| record.ident.nr_at_home()).collect()
    }

    fn poll_responder(&mut self, home: Handle<Namespace>, now: Duration) -> Option<Answer> {
        let (pvds, ras) = (self.learning.pvds, self.learning.ras);
        let bids_farewell = self.tree.get(home)?.get(ras)?.responder.bids_farewell(now);
        let hosts = bids_farewell.then(|| self.hosts(home));
        let (pvds, ras) = self.tree.get_mut(home)?.get_two_mut(pvds, ras)?;
        let registry = pvds.make(now);
        hosts.into_iter().for_each(|hosts| ras.responder.bid_farewell(hosts, registry, now));
        ras.responder.poll(&mut ras.cache, registry, now)
    }

    /// Frames that take back, to the guest of a port alone, what routers have told it elsewhere.
    pub(crate) fn take_back(&mut self, path: &PortPath, adverts: Vec<Replayed>) -> Vec<Emission> {
        let mut frames = Vec::new();
        let known = self.port(path).map(|record| (record.ident.nr_at_home(), record.spec.mac));
        if let (Some((port, mac)), Ok(home)) = (known, self.tree.find(&path.namespace).map(Namespace::handle)) {
            let to = Destination { address: ALL_NODES, mac };
            self.say(home, &Answer { port, to, adverts }, &mut frames);
        }
        frames
    }

    /// Makes frames of an answer.
    fn say(&mut self, home: Handle<Namespace>, answer: &Answer, frames: &mut Vec<Emission>) {
        let numbers = self.tree.get(home).and_then(|namespace| namespace.get(self.numbers));
        let port = numbers.and_then(|numbers| numbers.get(answer.port)).and_then(|handle| self.port_at(handle));
        let Some(device) = port.map(|port: &PortRecord| Arc::clone(&port.device)) else { return };
        let mut too_long = 0;
        for replayed in &answer.adverts {
            match packets(replayed, answer, device.mtu()) {
                Some(packets) => frames.extend(packets.map(|frame| Emission { port: Arc::clone(&device), frame })),
                None => too_long += 1,
            }
        }
        self.with_responder(home, |ras, _| ras.too_long += too_long);
    }

    /// Does something to what has been heard in a namespace; `jitter` is a random time within which it answers.
    fn with_responder(&mut self, home: Handle<Namespace>, what: impl FnOnce(&mut Ras, Duration)) {
        let ras = self.tree.get_mut(home).and_then(|namespace| namespace.get_mut(self.learning.ras));
        let Some(ras) = ras else { return };
        let within = ras.responder.answering().within.as_nanos() as u64;
        what(ras, Duration::from_nanos(self.learning.dice.next() % (within + 1)));
        self.learning.alarms.set(home, ras.responder.next_due());
    }
}

/// The frames of one advertisement; `None`: it does not fit.
fn packets(replayed: &Replayed, answer: &Answer, mtu: u16) -> Option<impl Iterator<Item = Vec<u8>>> {
    let (router, to, mac) = (replayed.router, answer.to, replayed.mac);
    let parts = nd::split(&replayed.octets, router, to.address, mtu.into()).ok()?;
    let frame = move |part: Vec<u8>| {
        let ip = Ip::v6(router, to.address).hops(nd::HOP_LIMIT);
        Ether::new(to.mac, mac).ip(ip).raw(ip6::protocol::ICMP6, &part)
    };
    Some(parts.into_iter().map(frame))
}
