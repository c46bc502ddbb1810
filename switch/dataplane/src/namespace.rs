// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A namespace as the frame path sees it: its ports, its MAC table and its policers.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::mac_table::{Kind, MacTable, TableFull};
use crate::policing::NamespacePolicers;
use crate::port::{Port, PortSlot, Role};
use crate::snoop::SnoopShare;
use crate::time::Instant;

/// How a namespace is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamespaceConfig {
    /// Addresses that its MAC table may learn.
    pub macs_max: u32,
    /// How long a learned address lives without being seen.
    pub age: Duration,
    /// Random; keeps tenants from aiming at one bucket of the MAC table.
    pub seed: u64,
}

/// The ports of a namespace at one moment. Replaced as a whole, never changed.
#[derive(Default)]
pub(crate) struct PortSet {
    by_slot: Vec<Option<Arc<Port>>>,
    members: Vec<Arc<Port>>,
}

impl PortSet {
    #[inline]
    pub(crate) fn get(&self, slot: PortSlot) -> Option<&Arc<Port>> {
        self.by_slot.get(usize::from(slot.0))?.as_ref()
    }

    pub(crate) fn members(&self) -> &[Arc<Port>] {
        &self.members
    }

    fn from_members(members: Vec<Arc<Port>>) -> Self {
        let slots = members.iter().map(|port| usize::from(port.slot().0) + 1).max().unwrap_or(0);
        let mut by_slot = vec![None; slots];
        for port in &members {
            by_slot[usize::from(port.slot().0)] = Some(Arc::clone(port));
        }
        Self { by_slot, members }
    }
}

/// The place of a namespace's MAC table. A table takes hundreds of kilobytes and most namespaces of a large tree have no
/// ports, so it is made when it is first asked for: by control, which pins the address of the first port before any
/// worker knows that port.
pub struct MacTablePlace {
    table: OnceLock<MacTable>,
    macs_max: u32,
    seed: u64,
    age_seconds: AtomicU32,
}

impl MacTablePlace {
    /// A place without a table.
    #[must_use]
    pub fn new(config: &NamespaceConfig) -> Arc<Self> {
        let (table, age_seconds) = (OnceLock::new(), AtomicU32::new(0));
        let place = Self { table, macs_max: config.macs_max, seed: config.seed, age_seconds };
        place.set_age(config.age);
        Arc::new(place)
    }

    /// The table, made if there is none yet.
    #[inline]
    #[must_use]
    pub fn table(&self) -> &MacTable {
        self.table.get_or_init(|| MacTable::new(self.macs_max, self.seed))
    }

    /// The table, if it was ever asked for.
    #[must_use]
    pub fn made(&self) -> Option<&MacTable> {
        self.table.get()
    }

    /// Changes how long a learned address lives. Whole seconds, at least one.
    pub fn set_age(&self, age: Duration) {
        self.age_seconds.store(u32::try_from(age.as_secs()).unwrap_or(u32::MAX).max(1), Ordering::Relaxed);
    }

    /// How long a learned address lives.
    #[must_use]
    pub fn age(&self) -> Duration {
        Duration::from_secs(self.age_seconds.load(Ordering::Relaxed).into())
    }

    /// Forgets learned addresses that were not seen for too long.
    pub fn expire(&self, now: Instant) {
        if let Some(table) = self.made() {
            table.expire(now, self.age());
        }
    }
}

impl Port {
    /// Whether nobody is there: no receive ring runs, there is no link, and no other lane that gets its frames. The VF of a guest
    /// that was here is none, whatever is steered there still.
    pub(crate) fn is_vacant(&self) -> bool {
        let by_lane = || self.lanes().queues() > 0 && self.steering().unicast.vf && !self.has_run();
        !self.is_running() && !self.patch().is_on() && !by_lane()
    }

    /// The port's own address has just been let go. False: its guest came at the same moment, and has it back.
    pub(crate) fn stays_vacant(&self, table: &MacTable) -> bool {
        // With that in Namespace::take_home: of two who write first and look then, one at least sees the other.
        fence(Ordering::SeqCst);
        let vacant = self.is_vacant();
        if !vacant {
            // There is a place for it: that from which it was let go a moment ago.
            let _ = table.add_own(self.mac(), self.slot());
        }
        vacant
    }
}

/// A tenant's network. Workers read it, control changes it.
pub struct Namespace {
    pub(crate) ports: Arc<ArcSwap<PortSet>>,
    /// Replaced port sets that a worker may still hold; control drops them in [`Namespace::tick`], so that a worker
    /// never frees memory.
    retired: Mutex<Vec<Arc<PortSet>>>,
    macs: Arc<MacTablePlace>,
    policers: Arc<NamespacePolicers>,
    share: SnoopShare,
    mediated: AtomicBool,
}

impl Namespace {
    /// A namespace without ports.
    #[must_use]
    pub fn new(config: &NamespaceConfig) -> Arc<Self> {
        Self::over(MacTablePlace::new(config), NamespacePolicers::new(), SnoopShare::default())
    }

    /// A namespace without ports over a MAC table and policers that somebody else keeps, and with the share of its tenant.
    #[must_use]
    pub fn over(macs: Arc<MacTablePlace>, policers: Arc<NamespacePolicers>, share: SnoopShare) -> Arc<Self> {
        let ports = Arc::new(ArcSwap::from_pointee(PortSet::default()));
        let (retired, mediated) = (Mutex::default(), AtomicBool::default());
        Arc::new(Self { ports, retired, macs, policers, share, mediated })
    }

    /// The policers that hold for what its ports send.
    #[inline]
    #[must_use]
    pub fn policers(&self) -> &NamespacePolicers {
        &self.policers
    }

    /// What its tenant has of the slots for copies.
    pub(crate) fn snoop_share(&self) -> &SnoopShare {
        &self.share
    }

    /// Lets control decide who gets the Router Advertisements of all ports, from the next burst on; see
    /// [`Port::set_mediated`].
    pub fn set_mediated(&self, mediated: bool) {
        self.mediated.store(mediated, Ordering::Relaxed);
    }

    /// Whether control decides who gets Router Advertisements.
    #[must_use]
    pub fn is_mediated(&self) -> bool {
        self.mediated.load(Ordering::Relaxed)
    }

    /// Its MAC table.
    #[inline]
    #[must_use]
    pub fn fdb(&self) -> &MacTable {
        self.macs.table()
    }

    /// Its MAC table, if it has one already: an empty namespace has none.
    #[must_use]
    pub fn fdb_if_made(&self) -> Option<&MacTable> {
        self.macs.made()
    }

    /// Changes how long a learned address lives. Whole seconds, at least one.
    pub fn set_age(&self, age: Duration) {
        self.macs.set_age(age);
    }

    /// Adds a port and pins its address. Called by control alone.
    ///
    /// # Errors
    /// [`TableFull`]: the port was not added.
    pub fn plug(&self, port: Arc<Port>) -> Result<(), TableFull> {
        self.fdb().add_own(port.mac(), port.slot())?;
        let mut members = self.ports.load().members.clone();
        members.retain(|other| other.slot() != port.slot());
        members.push(port);
        self.replace(members);
        Ok(())
    }

    /// Removes a port and all addresses behind it. Called by control alone. A burst that is under way may still
    /// deliver to the port; detach its receive rings to be sure.
    pub fn unplug(&self, slot: PortSlot) -> Option<Arc<Port>> {
        let mut members = self.ports.load().members.clone();
        let index = members.iter().position(|port| port.slot() == slot)?;
        let port = members.remove(index);
        self.replace(members);
        self.forget(slot);
        if let Some(table) = self.fdb_if_made() {
            table.forget_departed(port.mac());
        }
        Some(port)
    }

    /// The guest of a port is there: its address leads to the port again, should it have been elsewhere. To be called after
    /// its first receive ring, or its lane, was attached.
    pub fn take_home(&self, port: &Port) {
        fence(Ordering::SeqCst);
        if !matches!(self.fdb().pinned(port.mac()), Some((_, Kind::Port | Kind::Static))) {
            // Only a bucket full of pinned addresses has no place for it, and it is tried again.
            let _ = self.fdb().add_own(port.mac(), port.slot());
        }
    }

    /// The ports behind which others are than the guests of this host.
    #[must_use]
    pub fn uplinks(&self) -> Vec<Arc<Port>> {
        let ports = self.ports.load();
        ports.members.iter().filter(|port| port.policy().role == Role::Uplink).cloned().collect()
    }

    /// Sees to it that each port's address leads to it, or to where its guest is heard. Control calls it about once a second.
    pub fn look_after_home(&self) {
        for port in &self.ports.load().members {
            if !port.is_vacant() || self.fdb().lookup(port.mac()).is_none() {
                self.take_home(port);
            }
        }
    }

    /// Forgets every address behind a slot. For a port that was unplugged: once nobody holds it any more, because a
    /// burst that was under way may have learned an address again.
    pub fn forget(&self, slot: PortSlot) {
        if let Some(table) = self.fdb_if_made() {
            table.forget(slot);
        }
    }

    fn replace(&self, members: Vec<Arc<Port>>) {
        let old = self.ports.swap(Arc::new(PortSet::from_members(members)));
        self.lock_retired().push(old);
    }

    /// Ages the MAC table and drops what no worker holds any more. Control calls it about once a second.
    pub fn tick(&self, now: Instant) {
        self.macs.expire(now);
        let ports = self.ports.load();
        for port in &ports.members {
            port.lose_patience(now);
            self.give_up(port, now);
        }
        self.look_after_home();
        self.drop_retired();
    }

    /// Drops port sets, and ends of links, that no worker holds any more.
    pub fn drop_retired(&self) {
        self.ports.load().members.iter().for_each(|port| port.drop_retired());
        self.lock_retired().retain(|set| Arc::strong_count(set) > 1);
    }

    fn lock_retired(&self) -> std::sync::MutexGuard<'_, Vec<Arc<PortSet>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
