// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The destination's side: whether a port can come here, and what becomes of what it brings.
//!
//! Nothing that it says is believed. It is judged as what an operator says: by the same rules, all at once, and before anything
//! changes. What its namespace has learnt is judged as what a router says, by the rules of the port here that leads to that router;
//! of that each part stands alone, and what is not taken in is only counted.

use super::made::Made;
use super::{Handover, Missing, Move, MoveId, Passage, RaLeft};
use crate::arena::Handle;
use crate::control::{Action, Control};
use crate::desired::FdbKey;
use crate::diff::Diff;
use crate::name::Name;
use crate::path::NamespacePath;
use crate::plant::{Heard, Plant};
use crate::port::PortRecord;
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::spec::{PortSpec, check_mac};
use crate::stated::PvdKey;
use core::net::Ipv6Addr;
use dataplane::{Instant, Role};
use netvsc::{By, Event, Saved};
use pvd::{Advert, Cached, PvdName, Replayed};
use std::collections::BTreeSet;
use std::time::Duration;
use wire::nd::RouterAdvert;

/// What came of a move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Landed {
    /// The port had come by this very move, and nothing has changed.
    pub already: bool,
    /// Router Advertisements that were taken in.
    pub learnt: usize,
    /// Those about what the namespace knows from its routers itself.
    pub known: usize,
    /// Those that were not taken in: they have ended on the way, no port here leads to their router, its rules do not allow
    /// them, or other routers are here.
    pub refused: usize,
    /// Static PvDs that were made.
    pub pvds: usize,
}

impl Control {
    /// Makes the port of a move, and its namespace where `missing` says so, or stages one that has moved away from here before. What its namespace has learnt is another
    /// matter: [`Control::import_learnt`].
    ///
    /// # Errors
    /// A refusal; nothing has changed.
    pub fn import_port(&mut self, moved: &Move, missing: Missing) -> Result<Landed, Refusal> {
        if self.came_by(&moved.port, moved.id)? {
            return Ok(Landed { already: true, ..Landed::default() });
        }
        self.check_landing(moved, missing)?;
        let (diff, pvds) = self.landing(moved)?;
        let before = self.lay_ready(moved);
        let mut made = self.awaited.made.clone();
        made.extend(Made::by(&diff));
        if let Err(refusal) = self.carry_out(diff) {
            self.put_back(moved, before);
            return Err(refusal);
        }
        self.awaited.made = made;
        self.settle_in(moved);
        self.actions.push_back(Action::Save);
        Ok(Landed { pvds, ..Landed::default() })
    }

    /// A port that was imported cannot be had here after all: of its passage holds what held `before`. A request puts back the
    /// rest, or deletes it.
    pub fn import_failed(&mut self, port: &PortPath, before: Option<Passage>) {
        match before {
            Some(passage) => drop(self.moves.insert(port.clone(), passage)),
            None => drop(self.moves.remove(port)),
        }
        self.actions.push_back(Action::Save);
    }

    /// Teaches the namespace of a port that has come what it lacks of what the move, which was `way` on the way, has of its
    /// routers. Where there are other routers and none of those, nothing is learnt, and the guest is told when it comes that they
    /// are none any more.
    pub fn import_learnt(&mut self, moved: &Move, way: Duration, now: Instant) -> Landed {
        let home = &moved.port.namespace;
        let known = self.plant.spoken_of(home);
        let is_known = |ra: &RaLeft| known.iter().any(|(router, _)| *router == ra.router);
        if known.is_empty() || moved.ras.iter().any(is_known) {
            return self.plant.land_ras(home, &moved.ras, way, now.since_origin());
        }
        // Other routers are here, so it is another network. What the guest has heard of its own leads nowhere.
        let withdrawn = |ra: &RaLeft| {
            let octets = pvd::withdrawn(&ra.octets, ra.router)?;
            ra.router.is_unicast_link_local().then_some(Replayed { router: ra.router, mac: ra.mac, octets })
        };
        self.awaited.withdrawing.insert(moved.port.clone(), moved.ras.iter().filter_map(withdrawn).collect());
        Landed { refused: moved.ras.len(), ..Landed::default() }
    }

    /// Whether the port has come by this move.
    fn came_by(&self, path: &PortPath, id: MoveId) -> Result<bool, Refusal> {
        let passage = self.moves.get(path).filter(|_| self.desired.port(path).is_ok()).copied().unwrap_or_default();
        let Some(last) = passage.came else { return Ok(false) };
        if last == id && passage.stands() != Some(Handover::Moved) {
            return Ok(true);
        }
        if id.number <= last.number {
            // Not by which: who knows that may say where the guest is.
            let number = last.number;
            let expected =
                format!("one that was exported later than number {number}, as the one that came last: export it anew");
            return Err(Refusal::invalid("move", id.to_string(), expected));
        }
        Ok(false)
    }

    /// What an operator could say, and a guest that comes from elsewhere could not bear.
    fn check_landing(&self, moved: &Move, missing: Missing) -> Result<(), Refusal> {
        let Move { port, spec, .. } = moved;
        match missing {
            Missing::Refused => drop(self.desired.namespace(&port.namespace)?),
            Missing::Made => {}
        }
        if spec.vhost_user().is_none() || spec.namespace != port.namespace {
            return Err(Refusal::invalid("port", port.to_string(), "a port with a guest at a vhost-user socket"));
        }
        if let Some(nobodys) = moved.addresses.iter().find(|address| !wire::can_be_own(address.ip)) {
            return Err(Refusal::invalid("addresses", nobodys.ip.to_string(), "addresses that a host can have"));
        }
        self.check_numbers(moved)?;
        self.check_settings(moved)?;
        let ports = self.desired.ports_of(&port.namespace);
        let uplinks = ports.filter(|(path, other)| *path != port && other.role == Role::Uplink);
        match uplinks.map(|(_, uplink)| uplink.mtu).max().filter(|largest| *largest < spec.mtu) {
            Some(largest) => {
                let expected = format!("{largest} at most, which is what the namespace's uplink here carries");
                Err(Refusal::invalid("mtu", spec.mtu.to_string(), expected))
            }
            None => Ok(()),
        }
    }

    /// The steps that make the port and what belongs to it, and how many static PvDs are among that.
    fn landing(&self, moved: &Move) -> Result<(Diff, usize), Refusal> {
        let Move { port, spec, numbers, .. } = moved;
        let mut diff = self.homes_lacking(moved);
        diff.append(match self.plant.port(port) {
            Some(there) => self.coming_back(there, moved)?,
            None => Diff::add_port(port.name.clone(), spec.clone(), numbers.port.clone()),
        });
        for mac in &moved.entries {
            check_mac("entries", *mac)?;
            let key = FdbKey { namespace: port.namespace.clone(), mac: *mac };
            if self.desired.fdb().get(&key) != Some(&port.name) {
                diff.append(Diff::add_fdb(key, port.name.clone()));
            }
        }
        let key = |name: &PvdName| PvdKey { namespace: port.namespace.clone(), name: name.clone() };
        let lacking = moved.pvds.iter().map(|(name, said)| (key(name), said));
        let lacking: Vec<_> = lacking.filter(|(key, _)| self.desired.pvd(key).is_err()).collect();
        let count = lacking.len();
        lacking.into_iter().for_each(|(key, said)| diff.append(Diff::add_pvd(key, said.clone())));
        Ok((diff, count))
    }

    /// A port of that name is there already, which is right only for one whose guest has left it and comes back.
    fn coming_back(&self, there: &PortRecord, moved: &Move) -> Result<Diff, Refusal> {
        if !there.device.is_away() {
            return Err(Refusal::exists(Kind::Port, &moved.port));
        }
        let numbers = there.ident.to_restore();
        if !there.spec.can_become(&moved.spec) || !numbers.starts_with(&moved.numbers.port) {
            let by = match self.handover(there) {
                Some(Handover::Staged) => "a move that came before and differs; `weft port del` makes way for this one",
                _ => "a guest that has left, and comes back as another; `weft port del` makes way for it",
            };
            return Err(Refusal::in_use(Kind::Port, &moved.port, by));
        }
        self.check_vf_change(&moved.port, &moved.spec)?;
        Diff::set_port(&self.desired, moved.port.clone(), moved.spec.clone())
    }

    /// Lays ready what the port finds when it comes. Answers what was there before.
    fn lay_ready(&mut self, moved: &Move) -> Option<u64> {
        let path = &moved.port;
        let before = self.offered.get(path).copied();
        *self.offered.entry(path.clone()).or_default() |= moved.offered;
        let left = moved.vf.filter(|_| self.vfs.get(path).is_none());
        self.vfs.saved.extend(left.map(|left| (path.clone(), Saved::landed(left.next))));
        self.plant.decided.extend(moved.found.clone().map(|found| (path.clone(), found)));
        self.plant.away.insert(path.clone());
        self.lay_numbers_ready(moved);
        before
    }

    fn put_back(&mut self, moved: &Move, before: Option<u64>) {
        let path = &moved.port;
        match before {
            Some(offered) => drop(self.offered.insert(path.clone(), offered)),
            None => drop(self.offered.remove(path)),
        }
        self.forget_laid_ready(moved);
    }

    /// What was laid ready and not taken is not for another of that name.
    fn forget_laid_ready(&mut self, moved: &Move) {
        self.vfs.saved.remove(&moved.port);
        self.plant.decided.remove(&moved.port);
        self.plant.away.remove(&moved.port);
        self.forget_numbers(moved);
    }

    /// The port is there; its guest is not.
    fn settle_in(&mut self, moved: &Move) {
        let path = &moved.port;
        self.forget_laid_ready(moved);
        if let Some(record) = self.plant.port(path) {
            record.device.set_away(true);
            record.device.set_leaving(false);
            record.device.forget_addresses();
            record.device.restore_addresses(&moved.addresses, Instant::default() + self.now);
        }
        let last = self.moves.get(path).copied().unwrap_or_default();
        let before = if last.stands() == Some(Handover::Moved) { last.went } else { last.before };
        self.moves.insert(path.clone(), Passage { came: Some(moved.id), went: None, before, away: true });
        let offered = moved.vf.is_some_and(|left| left.offered);
        if let Some(vf) = self.vfs.get_mut(path).filter(|_| offered) {
            // One that cannot be offered now is as soon as it can be.
            vf.wanted = vf.device.on(Event::Offer(By::Auto), self.now).is_err();
            self.act_on_vf(path);
        }
    }
}

impl Plant {
    /// Teaches a namespace what it lacks of what another has learnt, by router and PvD.
    pub(super) fn land_ras(&mut self, home: &NamespacePath, ras: &[RaLeft], way: Duration, now: Duration) -> Landed {
        let known = self.spoken_of(home);
        let mut landed = Landed::default();
        for ra in ras {
            match self.land_ra(home, ra, &known, (way, now)) {
                Some(true) => landed.learnt += 1,
                Some(false) => landed.known += 1,
                None => landed.refused += 1,
            }
        }
        landed
    }

    /// Of which routers and PvDs a namespace has heard.
    fn spoken_of(&self, home: &NamespacePath) -> BTreeSet<(Ipv6Addr, Option<PvdName>)> {
        let ras = self.tree.find(home).ok().and_then(|home| home.get(self.learning.ras));
        ras.into_iter().flat_map(|ras| ras.cache.iter()).map(|entry| (entry.router, entry.pvd.clone())).collect()
    }

    /// `Some(false)`: that is known here; `None`: it is not taken in.
    fn land_ra(
        &mut self,
        home: &NamespacePath,
        ra: &RaLeft,
        known: &BTreeSet<(Ipv6Addr, Option<PvdName>)>,
        (way, now): (Duration, Duration),
    ) -> Option<bool> {
        check_mac("mac", ra.mac).ok().filter(|()| ra.router.is_unicast_link_local())?;
        let octets = pvd::aged_by(&ra.octets, ra.router, way)?;
        let record = self.port_at(self.leads_to_routers(home, &ra.port)?)?;
        let message = RouterAdvert::parse(&octets).ok()?;
        let advert = Advert::new(record.ident.nr_at_home(), ra.router, message).ok()?;
        if known.contains(&(ra.router, advert.name().map(PvdName::from))) {
            return Some(false);
        }
        let judged = || record.rules.allows_all() || record.rules.judge(ra.mac, ra.router, &message).is_ok();
        record.learning_objection().ok().filter(|()| judged())?;
        let heard =
            Heard { advert: if ra.injected { advert.injected() } else { advert }, mac: ra.mac, octets: &octets };
        let home = self.tree.find(home).ok()?.handle();
        self.learn(home, &heard, now).ok()?;
        self.keep(home, &heard, now).ok().filter(|kept| *kept != Cached::Resigned).map(|_| true)
    }

    /// The port of a namespace behind which a router is that was heard from one of that name elsewhere: that of the same name, or
    /// its only uplink.
    fn leads_to_routers(&self, home: &NamespacePath, name: &Name) -> Option<Handle<PortRecord>> {
        let set = self.set_of(home).ok()?;
        let speaking = |handle: &Handle<PortRecord>, role: fn(&PortSpec) -> bool| {
            self.port_at(*handle).is_some_and(|record| role(&record.spec))
        };
        let all = || set.handles();
        let same = all().find(|handle| self.port_at(*handle).is_some_and(|record| record.name == *name));
        let same = same.filter(|handle| speaking(handle, |spec| spec.role.may_route()));
        let mut uplinks = all().filter(|handle| speaking(handle, |spec| spec.role == Role::Uplink));
        same.or_else(|| uplinks.next().filter(|_| uplinks.next().is_none()))
    }
}
