// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A port: what is shared between the workers that deliver to it, the session that drives it, and control. Its receive rings are in `rings`.

mod rings;

use core::net::Ipv6Addr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::Guard;
use wire::MacAddr;
use wire::nd::RouterAdvert;

use crate::addresses::AddressBook;
use crate::drops::DropReason;
use crate::features::Negotiated;
use crate::lanes::Lanes;
use crate::limits;
use crate::namespace::Namespace;
use crate::pairs::Pairs;
use crate::patch::{Far, Patch};
use crate::pause::Pause;
use crate::policing::Policers;
use crate::ra_guard::RaGuard;
use crate::rate::Limits;
use crate::receiver::Receiver;
use crate::router::Routers;
use crate::router_gate::{RouterGate, SharedGate};
use crate::snoop::{SnoopKind, Waiting};
use crate::stats::{Counters, Delta, PortStats, Tally};
use crate::swapped::Swapped;

/// A port's number inside its namespace: unique while the port lives, below [`limits::PORTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortSlot(pub u16);

/// A number that names one attachment of a source to a worker, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u64);

/// A number by which control knows a port again; the frame path hands it on and makes nothing of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortTag(pub u64);

/// What the owner of a port is to the tenant's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// An end host: must not advertise itself as a router.
    Host = 0,
    /// A router: may send Router Advertisements and Redirects.
    Router = 1,
    /// The way out of the machine: many MACs, routers among them.
    Uplink = 2,
    /// Who watches what routers say: a host in all that it sends, and shown each advertisement to all nodes that passes the RA guard.
    Monitor = 3,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Host, Self::Router, Self::Uplink, Self::Monitor];

    /// Whether it may speak as a router.
    #[must_use]
    pub const fn may_route(self) -> bool {
        matches!(self, Self::Router | Self::Uplink)
    }
}

/// Which source MACs a port may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum MacPolicy {
    /// Its own.
    Own = 0,
    /// Any unicast one that is not pinned to another port.
    Any = 1,
}

/// How a port is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortConfig {
    /// Its own address.
    pub mac: MacAddr,
    /// See [`Role`].
    pub role: Role,
    /// See [`MacPolicy`].
    pub macs: MacPolicy,
    /// Largest IP packet, in bytes ([`limits::MTU`]).
    pub mtu: u16,
    /// Queue pairs, 1 to [`limits::QUEUE_PAIRS`].
    pub queue_pairs: u16,
}

/// A worker is in the middle of a burst, which it will have finished in a moment. Nothing new begins meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// A port's policy at one moment; a worker reads it once a burst.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy<'a> {
    pub(crate) role: Role,
    pub(crate) macs: MacPolicy,
    pub(crate) mtu: u16,
    pub(crate) negotiated: Negotiated,
    pub(crate) ra_guard: &'a Swapped<RaGuard>,
    pub(crate) gate: &'a SharedGate,
}

impl<'a> Policy<'a> {
    /// What of routers may come from the port; what only they may say is dropped for the reason `rogue` if it is a host's.
    pub(crate) fn routers(&self, rogue: DropReason) -> Routers<'a> {
        let rogue = (!self.role.may_route()).then_some(rogue);
        Routers { rogue, gate: self.gate.get(), guard: self.ra_guard }
    }
}

/// Where frames are delivered to: the receive ring of a queue pair, while it runs, and what went into it.
#[derive(Default)]
struct Inlet {
    receiver: Mutex<Option<Receiver>>,
    tally: Tally,
}

/// One virtual NIC, in one namespace for its whole life. All methods may be called from any thread.
pub struct Port {
    slot: PortSlot,
    tag: AtomicU64,
    mac: MacAddr,
    role: AtomicU8,
    macs: AtomicU8,
    mtu: AtomicU16,
    features: AtomicU64,
    pairs: Pairs,
    inlets: Box<[Inlet]>,
    fault: AtomicU8,
    policing: Swapped<Policers>,
    ra_guard: Swapped<RaGuard>,
    gate: SharedGate,
    patch: Patch,
    lanes: Lanes,
    /// Copies of its frames that wait for control, of each kind by itself.
    waiting: [Waiting; SnoopKind::ALL.len()],
    mediated: AtomicBool,
    /// See [`Port::set_away`] …
    pub(crate) away: AtomicBool,
    /// … and [`Port::set_leaving`].
    pub(crate) leaving: AtomicBool,
    pub(crate) pause: Pause,
    pub(crate) addresses: AddressBook,
    pub(crate) counters: Counters,
}

impl Port {
    /// A port without a session.
    #[must_use]
    pub fn new(slot: PortSlot, config: &PortConfig) -> Arc<Self> {
        let pairs = config.queue_pairs.clamp(1, limits::QUEUE_PAIRS);
        Arc::new(Self {
            slot,
            tag: AtomicU64::default(),
            mac: config.mac,
            role: AtomicU8::new(config.role as u8),
            macs: AtomicU8::new(config.macs as u8),
            mtu: AtomicU16::new(config.mtu),
            features: AtomicU64::new(0),
            pairs: Pairs::new(),
            inlets: (0..pairs).map(|_| Inlet::default()).collect(),
            fault: AtomicU8::new(0),
            policing: Swapped::default(),
            ra_guard: Swapped::default(),
            gate: SharedGate::default(),
            patch: Patch::default(),
            lanes: Lanes::new(pairs),
            waiting: Default::default(),
            mediated: AtomicBool::default(),
            away: AtomicBool::default(),
            leaving: AtomicBool::default(),
            pause: Pause::default(),
            addresses: AddressBook::default(),
            counters: Counters::default(),
        })
    }

    /// Its number in its namespace.
    #[must_use]
    pub fn slot(&self) -> PortSlot {
        self.slot
    }

    /// What control knows it by; 0 until it says so.
    #[must_use]
    pub fn tag(&self) -> PortTag {
        PortTag(self.tag.load(Ordering::Relaxed))
    }

    /// Sets what control knows it by, before the port is plugged in.
    pub fn set_tag(&self, tag: PortTag) {
        self.tag.store(tag.0, Ordering::Relaxed);
    }

    /// Its own address.
    #[must_use]
    pub fn mac(&self) -> MacAddr {
        self.mac
    }

    /// Its MTU in bytes.
    #[must_use]
    pub fn mtu(&self) -> u16 {
        self.mtu.load(Ordering::Relaxed)
    }

    /// Changes the MTU, from the next burst on.
    pub fn set_mtu(&self, mtu: u16) {
        self.mtu.store(mtu, Ordering::Relaxed);
    }

    /// Changes which source MACs it may use, from the next burst on.
    pub fn set_macs(&self, macs: MacPolicy) {
        self.macs.store(macs as u8, Ordering::Relaxed);
    }

    /// Changes its role, from the next burst on.
    pub fn set_role(&self, role: Role) {
        self.role.store(role as u8, Ordering::Relaxed);
    }

    /// Lets control decide who gets the Router Advertisements that come from here, from the next burst on: none is
    /// delivered by the frame path. The same can be said of a namespace.
    pub fn set_mediated(&self, mediated: bool) {
        self.mediated.store(mediated, Ordering::Relaxed);
    }

    /// Whether control decides who gets its Router Advertisements.
    pub(crate) fn is_mediated(&self) -> bool {
        self.mediated.load(Ordering::Relaxed)
    }

    /// Sets how much its guest may send and receive, from the next burst on. A new port is not limited. A limit that is
    /// new or changes begins with its whole burst; one that stays what it was goes on counting.
    pub fn set_limits(&self, limits: &Limits) {
        self.policing.set(limits);
    }

    /// Sets what its router may say, from the next burst on. A new port has no such rules: see [`RaGuard`].
    pub fn set_ra_guard(&self, guard: &RaGuard) {
        self.ra_guard.replace(|_| guard.clone(), *guard != RaGuard::default());
    }

    /// Sets whether routers are heard at all, from the next burst on. A new port hears them.
    pub fn set_router_gate(&self, gate: RouterGate) {
        self.gate.set(gate);
    }

    /// Whether routers are heard at all.
    pub(crate) fn router_gate(&self) -> RouterGate {
        self.gate.get()
    }

    /// Whether an advertisement of `src` in a frame of `mac`, which control lets come out of this end of a link, may: by the
    /// port's role and its rules. One that may not is a drop of this port's. What the gate says is for control to know.
    ///
    /// # Errors
    /// Why it may not.
    pub fn admits(&self, mac: MacAddr, src: Ipv6Addr, advert: &RouterAdvert<'_>) -> Result<(), DropReason> {
        let rogue = self.policy().routers(DropReason::LinkRouter).rogue;
        let rules = || self.ra_guard.get().map_or(Ok(()), |rules| rules.judge(mac, src, advert));
        let admitted = rogue.map_or_else(rules, Err);
        if let Err(reason) = admitted {
            self.count_drop(reason);
        }
        admitted
    }

    /// Counts an advertisement that came out here, of a link, and goes no further, as the frame path does.
    pub fn refuse_router(&self, reason: DropReason) {
        self.count_drop(reason);
    }

    fn count_drop(&self, reason: DropReason) {
        let mut delta = Delta::default();
        delta.drops.add(reason);
        self.counters.add_tx(&delta);
    }

    /// How many frames of each reason were dropped by the guard, of those reasons that occurred.
    pub fn guarded(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        let counted = DropReason::GUARD.iter().map(|&reason| (reason, self.counters.drops(reason)));
        counted.filter(|&(_, count)| count > 0)
    }

    /// Its policers; `None`: nothing is limited.
    #[inline]
    pub(crate) fn policers(&self) -> Option<Guard<Arc<Policers>>> {
        self.policing.get()
    }

    /// Makes the port an end of a link: what is delivered to it comes out of `far`, a port of another namespace, from the
    /// next burst on; `None` ends that. The far port leads back here only if it is told so too.
    pub fn link(&self, far: Option<(&Arc<Namespace>, &Arc<Port>)>) {
        let far = far.map(|(namespace, port)| Far { namespace: Arc::clone(namespace), port: Arc::clone(port) });
        self.patch.set(far);
    }

    /// Whether the port is an end of a link.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.patch.is_on()
    }

    /// Drops what the port has led to and no worker reads any more. Control calls it now and then.
    pub fn drop_retired(&self) {
        self.patch.drop_retired();
    }

    #[inline]
    pub(crate) fn patch(&self) -> &Patch {
        &self.patch
    }

    #[inline]
    pub(crate) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Copies of its frames that wait for control.
    pub(crate) fn waiting(&self, kind: SnoopKind) -> &Waiting {
        &self.waiting[kind as usize]
    }

    /// Sets what the session negotiated; 0 when there is none. Rings that are started later go by it.
    pub fn set_negotiated(&self, features: Negotiated) {
        if features == Negotiated(0) {
            // A fault is of one session and must not be held against the next.
            self.clear_fault();
        }
        self.features.store(features.0, Ordering::Relaxed);
    }

    /// What the session negotiated.
    #[must_use]
    pub fn negotiated(&self) -> Negotiated {
        Negotiated(self.features.load(Ordering::Relaxed))
    }

    pub(crate) fn policy(&self) -> Policy<'_> {
        let role = match self.role.load(Ordering::Relaxed) {
            0 => Role::Host,
            1 => Role::Router,
            2 => Role::Uplink,
            _ => Role::Monitor,
        };
        let macs = if self.macs.load(Ordering::Relaxed) == 0 { MacPolicy::Own } else { MacPolicy::Any };
        Policy {
            role,
            macs,
            mtu: self.mtu(),
            negotiated: self.negotiated(),
            ra_guard: &self.ra_guard,
            gate: &self.gate,
        }
    }

    /// Whether many are behind it, those of other switches among them.
    pub(crate) fn is_uplink(&self) -> bool {
        self.role.load(Ordering::Relaxed) == Role::Uplink as u8
    }

    /// Whether the port may use `mac` as its own: it is, or any will do.
    #[must_use]
    pub fn may_use(&self, mac: MacAddr) -> bool {
        mac == self.mac || (mac.is_station() && self.policy().macs == MacPolicy::Any)
    }

    /// The counters, now.
    #[must_use]
    pub fn stats(&self) -> PortStats {
        let delivered = self.inlets.iter().map(|inlet| inlet.tally.read());
        let delivered = delivered.chain([self.lanes.sole()]);
        delivered.fold(self.counters.read(), |stats, traffic| PortStats { rx: stats.rx + traffic, ..stats })
    }

    /// Goes on counting from what this port has counted elsewhere, in a process whose place this one takes.
    pub fn add_stats(&self, earlier: &PortStats) {
        self.counters.add(earlier);
    }
}
