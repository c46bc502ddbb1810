// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device of ports: the ports of one namespace, in their slots, and the data-plane object that workers find them in.
//!
//! A port that was unplugged keeps its slot until nobody reads it any more: a burst that was under way may still deliver
//! to it, and may have learned addresses behind it again, which must not wait for the next owner of the slot.

use super::counters::Departed;
use super::{Key, Subsystem};
use crate::arena::Handle;
use crate::limits::SLOTS;
use crate::name::Name;
use crate::port::PortRecord;
use crate::refusal::{Kind, Refusal};
use crate::tree::Namespace;
use dataplane::{Instant, MacTablePlace, NamespacePolicers, PortSlot, PortStats, SnoopShare, TableFull};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Gives every namespace its set of ports.
pub(crate) struct Ports {
    pub(crate) macs: Key<Arc<MacTablePlace>>,
    pub(crate) policers: Key<Arc<NamespacePolicers>>,
    pub(crate) counters: Key<Arc<Departed>>,
    /// What each tenant has of the room for copies of frames: a namespace of the root's, with all that lies in it.
    pub(crate) shares: BTreeMap<String, SnoopShare>,
}

impl Subsystem for Ports {
    type Instance = PortSet;

    fn name(&self) -> &'static str {
        "ports"
    }

    fn init(&mut self, namespace: &Namespace) -> Result<PortSet, Refusal> {
        let missing = || Refusal::not_found(Kind::Namespace, namespace.path());
        let macs = namespace.get(self.macs).ok_or_else(missing)?;
        let policers = namespace.get(self.policers).ok_or_else(missing)?;
        let departed = namespace.get(self.counters).ok_or_else(missing)?;
        let share = self.shares.entry(tenant(namespace)).or_default().clone();
        let plane = dataplane::Namespace::over(Arc::clone(macs), Arc::clone(policers), share);
        Ok(PortSet::new(plane, Arc::clone(departed)))
    }

    fn pre_exit(&mut self, _: &Namespace, set: &mut PortSet) {
        let left: Vec<Name> = set.by_name.keys().cloned().collect();
        left.iter().for_each(|name| set.unplug(name));
        set.sweep();
    }

    /// Shares that nobody has any more go. Those of the namespaces that end just now do the next time; one of the same name that
    /// has come meanwhile has theirs.
    fn exit_batch(&mut self, _: &mut [&mut PortSet]) {
        self.shares.retain(|_, share| share.is_held());
    }

    fn waits_for(&self, set: &PortSet) -> Option<String> {
        let mut leaving = set.leaving.iter().filter(|(_, device)| is_read(device)).map(|(name, _)| name.as_str());
        match (leaving.next(), leaving.count()) {
            (Some(first), 0) => Some(format!("a session or worker of port {first:?}")),
            (Some(first), more) => Some(format!("sessions or workers of port {first:?} and {more} more")),
            (None, _) => is_read(&set.plane).then(|| "a session or worker that had a port in it".to_owned()),
        }
    }

    fn tick(&mut self, set: &mut PortSet, _: Instant) {
        set.sweep();
    }
}

/// The name of the outermost namespace that a namespace lies in, or its own; the root is a tenant of its own.
fn tenant(namespace: &Namespace) -> String {
    let path = namespace.path().as_str();
    path.split_once('/').map_or(path, |(outermost, _)| outermost).to_owned()
}

/// The ports of one namespace.
pub(crate) struct PortSet {
    plane: Arc<dataplane::Namespace>,
    by_name: BTreeMap<Name, (Handle<PortRecord>, PortSlot)>,
    /// Slots in use, those of ports that are leaving too.
    taken: BTreeSet<u16>,
    next_slot: u16,
    /// Ports that were unplugged and may still be read.
    leaving: Vec<(Name, Arc<dataplane::Port>)>,
    departed: Arc<Departed>,
}

impl PortSet {
    fn new(plane: Arc<dataplane::Namespace>, departed: Arc<Departed>) -> PortSet {
        let (by_name, taken, leaving) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        PortSet { plane, by_name, taken, next_slot: 0, leaving, departed }
    }

    /// What workers read.
    pub(crate) fn plane(&self) -> &Arc<dataplane::Namespace> {
        &self.plane
    }

    /// The ports, by name.
    pub(crate) fn handles(&self) -> impl Iterator<Item = Handle<PortRecord>> {
        self.by_name.values().map(|(handle, _)| *handle)
    }

    /// Who sits in which slot.
    pub(crate) fn owners(&self) -> BTreeMap<PortSlot, &Name> {
        self.by_name.iter().map(|(name, (_, slot))| (*slot, name)).collect()
    }

    /// How many ports there are.
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Ports that were unplugged and are read still.
    pub(crate) fn leaving(&self) -> usize {
        self.leaving.len()
    }

    /// What ports have counted that were unplugged, since the namespace is there.
    pub(crate) fn unplugged(&self) -> PortStats {
        let leaving = self.leaving.iter().map(|(_, device)| device.stats());
        leaving.chain([self.departed.stats()]).sum()
    }

    /// Counts what ports have counted that are gone.
    pub(crate) fn keep(&self, stats: PortStats) {
        self.departed.keep(stats);
    }

    /// A slot for a new port. They are handed out in turn, so that a number is not used again while a frame that was
    /// looked up a moment ago may still carry it. `None` when all are taken.
    pub(crate) fn free_slot(&mut self) -> Option<PortSlot> {
        let slot = (0..SLOTS).map(|i| (self.next_slot + i) % SLOTS).find(|slot| !self.taken.contains(slot))?;
        self.next_slot = (slot + 1) % SLOTS;
        Some(PortSlot(slot))
    }

    /// Lets frames come to a port.
    ///
    /// # Errors
    /// There is no room for its address in the MAC table; nothing has changed.
    pub(crate) fn plug(
        &mut self,
        name: Name,
        handle: Handle<PortRecord>,
        device: &Arc<dataplane::Port>,
    ) -> Result<(), TableFull> {
        self.plane.plug(Arc::clone(device))?;
        let slot = device.slot();
        self.taken.insert(slot.0);
        self.leaving.retain(|(_, other)| !Arc::ptr_eq(other, device));
        self.by_name.insert(name, (handle, slot));
        Ok(())
    }

    /// Ends that frames come to a port.
    pub(crate) fn unplug(&mut self, name: &Name) {
        let slot = self.by_name.remove(name).map(|(_, slot)| slot);
        let device = slot.and_then(|slot| self.plane.unplug(slot));
        self.leaving.extend(device.map(|device| (name.clone(), device)));
    }

    /// Gives up the slots of ports that nobody reads any more, and keeps what they counted.
    fn sweep(&mut self) {
        self.plane.drop_retired();
        self.plane.look_after_home();
        self.leaving.iter().for_each(|(_, device)| device.drop_retired());
        let gone = |(_, device): &mut (Name, Arc<dataplane::Port>)| !is_read(device);
        for (_, device) in self.leaving.extract_if(.., gone) {
            self.plane.forget(device.slot());
            self.taken.remove(&device.slot().0);
            // Taken out of the last reference, so that nothing that anybody counted is missed.
            if let Some(port) = Arc::into_inner(device) {
                self.departed.keep(port.stats());
            }
        }
    }
}

/// Whether somebody else holds what control has given up.
fn is_read<T>(object: &Arc<T>) -> bool {
    Arc::strong_count(object) > 1
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_slots_are_handed_out_in_turn_and_run_out() {
        let config = dataplane::NamespaceConfig { macs_max: 64, age: std::time::Duration::from_secs(1), seed: 1 };
        let mut set = PortSet::new(dataplane::Namespace::new(&config), Arc::default());
        assert_eq!(set.free_slot(), Some(PortSlot(0)));
        assert_eq!(set.free_slot(), Some(PortSlot(1)), "slot 0 is free again, and rests");
        for _ in 0..SLOTS {
            let slot = set.free_slot().unwrap();
            assert!(set.taken.insert(slot.0));
        }
        assert_eq!(set.free_slot(), None);
    }
}
