// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How what an operator says of PvDs comes to the registries.
//!
//! A static PvD takes prefixes away from those that were learnt, and nothing could give them back. So a step says only what
//! is to be done, and it is done when all steps of the request were accepted. By then it cannot be refused: the desired
//! state has kept the rules, and there is room that no router can take.

use super::Plant;
use crate::arena::Handle;
use crate::refusal::Refusal;
use crate::stated::PvdKey;
use crate::subsystem::pvds::PvdPlace;
use crate::tree::Namespace;
use pvd::{ALL_NODES_GAP, PvdHandle, PvdId, PvdName, Registry, Statement, limits};
use std::collections::BTreeMap;
use std::time::Duration;

/// What too many of keep others from coming.
const ZOMBIES: &str = "PvDs that are gone and still being read";

/// What is to be said of PvDs when the request is accepted, in order; `None`: nothing any more.
pub(super) type Stating = Vec<(PvdKey, Option<Statement>)>;

impl Plant {
    /// Says something about a PvD, or nothing any more, when all else is accepted.
    ///
    /// # Errors
    /// It would be a new one, and too many that are gone are still being read; or it would be announced in the name of a router
    /// of the namespace.
    pub(super) fn will_state(&mut self, key: PvdKey, said: Option<Statement>) -> Result<(), Refusal> {
        let registry = self.pvd_place(&key).and_then(PvdPlace::made);
        let is_new = |registry: &&Registry| registry.members().by_name(&key.name).is_none();
        if said.is_some() && registry.filter(is_new).is_some_and(|new| new.unreg_count() >= limits::ZOMBIES) {
            return Err(Refusal::limit(ZOMBIES, limits::ZOMBIES));
        }
        if let Some((registry, said)) = registry.zip(said.as_ref()) {
            self.check_name(registry, &key, said)?;
        }
        self.learning.stating.push((key, said));
        Ok(())
    }

    /// A name that was said before may stay: its router may have come later, and `weft ra check` tells.
    fn check_name(&self, registry: &Registry, key: &PvdKey, said: &Statement) -> Result<(), Refusal> {
        let Some(router) = said.announcement.map(|said| said.router) else { return Ok(()) };
        if registry.announces_as(&key.name) == Some(router) || !registry.has_router(router, self.learning.now) {
            return Ok(());
        }
        let why = "a router of the namespace speaks from there, and hosts that know no PvDs would hear from it that it is none";
        Err(Refusal::conflict(format!("announce.router: {router}: {why}; name another link-local address")))
    }

    /// Says what is to be said. What was said of a namespace that is gone by now is gone with it.
    pub(super) fn state_pvds(&mut self) {
        let now = self.learning.now;
        for (key, said) in std::mem::take(&mut self.learning.stating) {
            let home = self.tree.find(&key.namespace).map(Namespace::handle);
            let Ok(home) = home else { continue };
            self.with_learnt(home, |pvds, ras| {
                if let Some(farewell) = pvds.state(&key.name, said.as_ref(), now) {
                    ras.responder.take_back(farewell, now);
                }
            });
            self.see_who_waits(home);
        }
    }

    /// What an earlier process told hosts of static PvDs, and what is not said any more by now: it is taken back, as soon as their
    /// guests have had time to come back themselves.
    pub(crate) fn take_back_told(&mut self, told: &[(PvdKey, Statement)], now: Duration) {
        for (key, said) in told {
            let home = self.tree.find(&key.namespace).map(Namespace::handle);
            let Ok(home) = home else { continue };
            self.with_learnt(home, |pvds, ras| {
                if let Some(farewell) = pvds.told_before(&key.name, said) {
                    ras.responder.take_back(farewell, now + ALL_NODES_GAP);
                }
            });
            self.see_who_waits(home);
        }
    }

    /// What hosts are still to be told that it has ended.
    pub(crate) fn untold(&self) -> Vec<(PvdKey, Statement)> {
        let root = crate::path::NamespacePath::root();
        let homes = self.tree.subtree(&root);
        let key = |home: &Namespace, name: &PvdName| PvdKey { namespace: home.path().clone(), name: name.clone() };
        let untold = homes.filter_map(|home| Some((home, home.get(self.learning.ras)?)));
        untold.flat_map(|(home, ras)| ras.responder.untold().map(move |(name, said)| (key(home, name), said))).collect()
    }

    /// Whether a namespace knows a PvD, static or not.
    pub(crate) fn knows_pvd(&self, key: &PvdKey) -> bool {
        let registry = self.pvd_place(key).and_then(PvdPlace::made);
        registry.is_some_and(|registry| registry.members().by_name(&key.name).is_some())
    }

    /// The numbers of static PvDs, to be asked for again after a restart.
    pub(crate) fn save_pvds(&self) -> BTreeMap<PvdKey, Vec<u32>> {
        let mut all = BTreeMap::new();
        for namespace in self.tree.subtree(&crate::path::NamespacePath::root()) {
            let Some(place) = namespace.get(self.learning.pvds) else { continue };
            let numbered = place.stated().filter_map(|(name, handle)| {
                let record = self.learning.record(place.record(handle)?)?;
                let key = PvdKey { namespace: namespace.path().clone(), name: name.clone() };
                Some((key, record.ident.to_restore()))
            });
            all.extend(numbered);
        }
        all
    }

    /// The numbers that a PvD had in an earlier process, told once.
    pub(super) fn saved_numbers(&mut self, home: Handle<Namespace>, pvd: PvdHandle) -> Option<Vec<u32>> {
        if self.saved.pvds.is_empty() {
            return None;
        }
        let namespace = self.tree.get(home)?;
        let registry = namespace.get(self.learning.pvds)?.made()?;
        let PvdId::Explicit(name) = registry.members().get(pvd)?.id() else { return None };
        self.saved.pvds.remove(&PvdKey { namespace: namespace.path().clone(), name: name.clone() })
    }

    fn pvd_place(&self, key: &PvdKey) -> Option<&PvdPlace> {
        self.tree.find(&key.namespace).ok()?.get(self.learning.pvds)
    }
}
