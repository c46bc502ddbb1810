// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The source's side: what a port takes along, and that it is expected elsewhere.

use super::{Handover, Move, MoveId, NumbersLeft, Passage, RaLeft, VfLeft};
use crate::control::{Action, Control};
use crate::limits::{MOVE_PVDS, MOVE_RA_BYTES, MOVE_RAS};
use crate::path::NamespacePath;
use crate::plant::Plant;
use crate::port::PortRecord;
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::subsystem::pvds::PvdPlace;
use crate::vfs::Vf;
use dataplane::{Address, Instant};
use pvd::{CachedRa, PvdName, Statement};
use std::sync::Arc;
use std::time::Duration;

impl Control {
    /// All that a port takes along to another switch. Nothing changes by that. Of what its namespace knows the most recent is in
    /// it, as much as is bearable.
    ///
    /// # Errors
    /// There is no such port, it has no guest that could move, or its guest is not here.
    pub fn export_port(&self, path: &PortPath, id: MoveId, now: Instant) -> Result<Move, Refusal> {
        let record = self.movable(path)?;
        if record.device.is_away() {
            return Err(not_here(path));
        }
        let mut numbers = record.ident.to_restore();
        if !path.namespace.is_root() {
            // The root's are those of this host.
            numbers.pop();
        }
        let (home, pvds) = (&path.namespace, self.pvds_left(&path.namespace));
        let mut entries = self.desired.entries_to(path);
        entries.sort();
        Ok(Move {
            id,
            port: path.clone(),
            numbers: NumbersLeft {
                port: numbers,
                namespaces: self.homes_left(home),
                pvds: self.pvd_numbers_left(home, &pvds),
            },
            homes: self.settings_left(home),
            spec: record.spec.clone(),
            offered: self.offered().get(path).copied().unwrap_or(0),
            found: record.learning.decided().cloned(),
            vf: self.vfs.get(path).map(vf_left),
            entries: entries.into_iter().map(|key| key.mac).collect(),
            addresses: self.plant.addresses_left(record, now),
            ras: self.plant.ras_left(home, now.since_origin(), (MOVE_RAS, MOVE_RA_BYTES)),
            pvds,
        })
    }

    /// Another switch has taken the port over: as soon as its guest runs here no more and is heard there, it is there.
    ///
    /// # Errors
    /// There is no such port, it has no guest that could move, or its guest is not here.
    pub fn depart(&mut self, path: &PortPath, id: MoveId) -> Result<(), Refusal> {
        let device = Arc::clone(&self.movable(path)?.device);
        let passage = self.moves.get(path).copied().unwrap_or_default();
        if passage.away {
            // It may have gone before anybody said so.
            return if passage.went == Some(id) { Ok(()) } else { Err(not_here(path)) };
        }
        device.set_leaving(true);
        self.moves.insert(path.clone(), Passage { went: Some(id), ..passage });
        self.actions.push_back(Action::Save);
        Ok(())
    }

    /// The port stays after all. Returns the move by which it was to leave.
    ///
    /// # Errors
    /// There is no such port, it is not about to leave, or its guest was heard elsewhere already.
    pub fn stay(&mut self, path: &PortPath) -> Result<MoveId, Refusal> {
        let device = Arc::clone(&self.movable(path)?.device);
        let passage = self.moves.get(path).copied().unwrap_or_default();
        let expected = match (passage.stands(), passage.went) {
            (Some(Handover::Leaving), Some(id)) => {
                device.set_leaving(false);
                self.releases.extend(device.resume().then_some(device));
                self.moves.insert(path.clone(), Passage { went: None, ..passage });
                self.actions.push_back(Action::Save);
                return Ok(id);
            }
            (Some(Handover::Moved), _) => "a port that has not moved yet; a guest that runs here is at home again",
            (Some(Handover::Staged), _) => "a port that is leaving; `weft port del` takes away one that is staged",
            _ => "a port that is leaving: `weft migrate prepare` has one leave",
        };
        Err(Refusal::invalid("name", path.to_string(), expected))
    }

    pub(super) fn movable(&self, path: &PortPath) -> Result<&PortRecord, Refusal> {
        self.desired.port(path)?;
        let record = self.plant.port(path).ok_or_else(|| Refusal::not_found(Kind::Port, path))?;
        let expected = "a port with a guest at a vhost-user socket: nothing else moves";
        let guest = record.spec.vhost_user();
        guest.map(|_| record).ok_or_else(|| Refusal::invalid("name", path.to_string(), expected))
    }

    fn pvds_left(&self, home: &NamespacePath) -> Vec<(PvdName, Statement)> {
        let own = self.desired.pvds_within(home).filter(|(key, _)| key.namespace == *home);
        own.take(MOVE_PVDS).map(|(key, said)| (key.name, said.clone())).collect()
    }
}

fn not_here(path: &PortPath) -> Refusal {
    let expected = "a port whose guest is here; this one is at another switch, or has not come yet";
    Refusal::invalid("name", path.to_string(), expected)
}

fn vf_left(vf: &Vf) -> VfLeft {
    let saved = vf.device.save();
    VfLeft { next: saved.next(), offered: saved.is_offered() || vf.wanted }
}

impl Plant {
    /// The addresses of a port's guest, without those that another guest of its namespace has claimed since.
    fn addresses_left(&self, record: &PortRecord, now: Instant) -> Vec<Address> {
        let home = self.set_of(&record.spec.namespace);
        home.map(|set| set.plane().addresses_of(&record.device, now)).unwrap_or_default()
    }

    /// What routers have told a namespace, in the order in which a host is told of them: at most so many advertisements, and
    /// octets of all together.
    pub(super) fn ras_left(&self, home: &NamespacePath, now: Duration, (most, octets): (usize, usize)) -> Vec<RaLeft> {
        let Ok(namespace) = self.tree.find(home) else { return Vec::new() };
        let registry = namespace.get(self.learning.pvds).and_then(PvdPlace::made);
        let cache = namespace.get(self.learning.ras).map(|ras| &ras.cache);
        let (Some(registry), Some(cache)) = (registry, cache) else { return Vec::new() };
        let mut all: Vec<&CachedRa> = cache.iter().filter(|entry| !entry.router_until().passed(now)).collect();
        all.sort_by_key(|entry| std::cmp::Reverse((entry.confirmed(), entry.last, entry.serial)));
        let numbers = namespace.get(self.numbers);
        let left = all.into_iter().filter_map(|entry| {
            let port = self.port_at(numbers?.get(entry.port)?)?.name.clone();
            let CachedRa { router, mac, injected, .. } = *entry;
            Some(RaLeft { port, router, mac, injected, octets: entry.aged(registry, now)? })
        });
        let mut room = octets;
        let fits = |ra: &RaLeft| {
            let left = room.checked_sub(ra.octets.len());
            room = left.unwrap_or(room);
            left.is_some()
        };
        left.filter(fits).take(most).collect()
    }
}
