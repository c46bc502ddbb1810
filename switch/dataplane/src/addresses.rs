// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which IP addresses a port's guest has, by what it says of itself, and what is said for it when it has moved.
//!
//! A guest that goes on elsewhere does not know that it did. Switches find it again by its MAC address alone (RARP); hosts and
//! routers that watch addresses, or had given up on one, by announcements of each address, which the switch makes in the guest's
//! place (`announcing.rs`). For that it listens to ARP and Neighbor Discovery of the guest ([`wire::own_address`]), and keeps when
//! each address was claimed last: a guest does not say that it has let one go.
//!
//! # Why control gets no copies
//!
//! A worker writes an address down in the port's own list, and control looks there when it wants to know. So nothing waits
//! in between, nothing has to be read a second time, and a guest that floods with claims costs others nothing: it only works on
//! its own list, which was allocated with the port. There is one lock, taken once a burst that has a claim in it, and never
//! waited for: should control, or a worker with another queue of the port, look at the list at that moment, what the burst claims
//! is lost, and counted. Guests claim their addresses again and again.
//!
//! # What a guest can do with it
//!
//! Only a frame from the port's own address that may pass is listened to, and all that is made of it is from that address
//! again. So it can lie, as it can with its own ARP, and no further. Of each family the addresses last claimed are kept
//! ([`ADDRESSES_V4`], [`ADDRESSES_V6`]): who claims more makes it forget others of the same port. A router may answer for
//! others, so its answers say nothing of itself. Behind an uplink are others than the port's owner, so nothing there is an address of that
//! port's; but what one of them claims before all is no other guest's of the namespace any more: whoever claims it last has it, be it
//! here or there. A guest that has it still claims it again.

use core::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use wire::{MacAddr, OwnAddress, own_address};

use crate::announcing::Budgets;
use crate::bits::Bits;
use crate::burst::{Burst, Frame, Verdict};
use crate::limits::{ADDRESSES_V4, ADDRESSES_V6};
use crate::namespace::PortSet;
use crate::port::{Policy, Port, Role};
use crate::time::Instant;

/// An IP address of a port's guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The guest has advertised itself as a router with it (RFC 4861 section 4.4).
    pub is_router: bool,
    /// How long ago the guest has claimed it last.
    pub age: Duration,
}

/// One of them, as it is kept.
#[derive(Clone, Copy)]
struct Claimed {
    ip: IpAddr,
    /// `None`: the guest has not said.
    is_router: Option<bool>,
    /// It was known from then on …
    since: Instant,
    /// … as one that had been claimed so long before.
    before: Duration,
}

impl Claimed {
    fn age(&self, now: Instant) -> Duration {
        now.since(self.since).saturating_add(self.before)
    }

    fn at(&self, now: Instant) -> Address {
        Address { ip: self.ip, is_router: self.is_router == Some(true), age: self.age(now) }
    }
}

/// The addresses of one family, the one last claimed at the end.
struct Family {
    known: Vec<Claimed>,
    most: usize,
}

impl Family {
    fn new(most: usize) -> Self {
        Self { known: Vec::with_capacity(most), most }
    }

    /// Notes a claim. True: another had to go for it.
    fn note(&mut self, ip: IpAddr, is_router: Option<bool>, now: Instant) -> bool {
        let at = self.known.iter().position(|known| known.ip == ip);
        let at = at.or_else(|| (self.known.len() >= self.most).then_some(0));
        let gone = at.map(|at| self.known.remove(at));
        let before = gone.filter(|gone| gone.ip == ip);
        let is_router = is_router.or_else(|| before.and_then(|known| known.is_router));
        self.known.push(Claimed { ip, is_router, since: now, before: Duration::ZERO });
        gone.is_some() && before.is_none()
    }

    /// Somebody else has it.
    fn forget(&mut self, ip: IpAddr) {
        self.known.retain(|known| known.ip != ip);
    }

    /// Takes in one that was claimed before all that are here, as far as there is room.
    fn restore(&mut self, address: &Address, now: Instant) {
        if let Some(known) = self.known.iter_mut().find(|known| known.ip == address.ip) {
            known.is_router = known.is_router.or(Some(address.is_router));
        } else if self.known.len() < self.most {
            let Address { ip, is_router, age } = *address;
            self.known.insert(0, Claimed { ip, is_router: Some(is_router), since: now, before: age });
        }
    }
}

/// All of them, of one port.
struct Known {
    v4: Family,
    v6: Family,
    /// They came before their guest, at this time.
    staged: Option<Instant>,
}

impl Known {
    fn family(&mut self, ip: IpAddr) -> &mut Family {
        if ip.is_ipv4() { &mut self.v4 } else { &mut self.v6 }
    }

    fn all(&self) -> impl Iterator<Item = &Claimed> {
        self.v4.known.iter().chain(&self.v6.known)
    }

    /// The guest is here of which all was known that was staged: the time in which nobody here could hear it makes nothing older. What is
    /// not in `kept` others have claimed meanwhile.
    fn land(&mut self, kept: &[Address], now: Instant) {
        let Some(staged) = self.staged.take() else { return };
        for Family { known, .. } in [&mut self.v4, &mut self.v6] {
            known.retain(|one| kept.iter().any(|kept| kept.ip == one.ip));
            known.iter_mut().filter(|one| one.since <= staged).for_each(|one| one.since = now);
        }
    }
}

/// What a port keeps of it.
pub(crate) struct AddressBook {
    known: Mutex<Known>,
    lost: AtomicU64,
    pub(crate) budgets: Mutex<Budgets>,
    /// Announcements that were too many.
    pub(crate) unannounced: AtomicU64,
}

impl Default for AddressBook {
    fn default() -> Self {
        let known = Known { v4: Family::new(ADDRESSES_V4), v6: Family::new(ADDRESSES_V6), staged: None };
        Self {
            known: Mutex::new(known),
            lost: AtomicU64::new(0),
            budgets: Mutex::default(),
            unannounced: AtomicU64::new(0),
        }
    }
}

impl AddressBook {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: somebody looks at it.
    fn try_lock(&self) -> Option<MutexGuard<'_, Known>> {
        match self.known.try_lock() {
            Ok(known) => Some(known),
            Err(TryLockError::Poisoned(known)) => Some(known.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Somebody else has claimed that address.
    fn cede(&self, ip: IpAddr) {
        match self.try_lock() {
            Some(mut known) => known.family(ip).forget(ip),
            None => drop(self.lost.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn note(&self, claims: impl Iterator<Item = OwnAddress>, now: Instant) {
        let lost = match self.try_lock() {
            Some(mut known) => claims.filter(|own| known.family(own.ip).note(own.ip, own.is_router, now)).count(),
            None => claims.count(),
        };
        self.lost.fetch_add(lost as u64, Ordering::Relaxed);
    }
}

impl Port {
    /// The addresses that its guest has claimed, IPv4 first, and of each family the one last claimed at the end.
    #[must_use]
    pub fn addresses(&self, now: Instant) -> Vec<Address> {
        self.addresses.lock().all().map(|known| known.at(now)).collect()
    }

    /// IPv4 addresses that its guest may be asked for, the one last claimed first, and how many there are: none while somebody looks
    /// at the list.
    pub(crate) fn askable(&self) -> ([Ipv4Addr; ADDRESSES_V4], usize) {
        let mut all = [Ipv4Addr::UNSPECIFIED; ADDRESSES_V4];
        let Some(known) = self.addresses.try_lock() else { return (all, 0) };
        let claimed = known.v4.known.iter().rev().filter_map(|known| match known.ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        });
        let count = all.iter_mut().zip(claimed).map(|(place, ip)| *place = ip).count();
        (all, count)
    }

    /// Takes those out of `addresses` that its guest has claimed since.
    pub(crate) fn contest(&self, addresses: &mut Vec<Address>, now: Instant) {
        let known = self.addresses.lock();
        let claimed_since = |one: &Address| known.all().any(|known| known.ip == one.ip && known.age(now) < one.age);
        addresses.retain(|one| !claimed_since(one));
    }

    /// Claims that were lost, or for which an older one had to go.
    #[must_use]
    pub fn addresses_lost(&self) -> u64 {
        self.addresses.lost.load(Ordering::Relaxed)
    }

    /// Whether its guest has come since its addresses did, and [`Port::land_addresses`] was not called yet.
    pub(crate) fn has_staged_addresses(&self) -> bool {
        self.is_running() && self.addresses.lock().staged.is_some()
    }

    /// Its guest has come, and of what is known has `kept`.
    pub(crate) fn land_addresses(&self, kept: &[Address], now: Instant) {
        self.addresses.lock().land(kept, now);
    }

    /// So many were lost elsewhere, in a process whose place this one takes.
    pub fn add_addresses_lost(&self, earlier: u64) {
        self.addresses.lost.fetch_add(earlier, Ordering::Relaxed);
    }

    /// Takes over what was known of its guest elsewhere, as [`Port::addresses`] had it there. What was claimed here since comes
    /// first, and what no host can have is left out. If the guest has not come yet, they are announced when it comes as if it had just been
    /// heard elsewhere.
    pub fn restore_addresses(&self, addresses: &[Address], now: Instant) {
        let mut known = self.addresses.lock();
        if self.is_away() {
            known.staged = Some(now);
        }
        for address in addresses.iter().rev().filter(|address| wire::can_be_own(address.ip)) {
            known.family(address.ip).restore(address, now);
        }
    }

    /// Forgets them: another guest begins here, or the same one from its beginning.
    pub fn forget_addresses(&self) {
        let mut known = self.addresses.lock();
        known.v4.known.clear();
        known.v6.known.clear();
        known.staged = None;
    }
}

/// What a frame that passes claims of its port's guest.
fn claim(frame: &Frame, own: MacAddr, role: Role) -> Option<OwnAddress> {
    let heard = frame.src() == own && role != Role::Uplink;
    let claim = heard.then(|| own_address(frame.head())).flatten();
    claim.filter(|claim| !role.may_route() || !claim.is_answer)
}

/// What a frame from an uplink claims before all. Who answers one asker, or asks for one, claims nothing anew, and may be a router that
/// speaks for others.
fn claim_from_outside(frame: &Frame) -> Option<OwnAddress> {
    let claim = frame.dst().is_multicast().then(|| own_address(frame.head())).flatten();
    claim.filter(|claim| !claim.is_answer)
}

/// Whether [`note`] has something to do with a frame, of which the guard has nothing more to say.
pub(crate) fn says_address(frame: &Frame, own: MacAddr, policy: &Policy<'_>) -> bool {
    let claim = || match policy.role {
        Role::Uplink => claim_from_outside(frame),
        role => claim(frame, own, role),
    };
    frame.verdict == Verdict::Undecided && claim().is_some()
}

/// Writes down what those of the frames `heard` claim that go on.
#[cold]
pub(crate) fn note(burst: &Burst, heard: Bits, port: &Port, (role, ports): (Role, &PortSet), now: Instant) {
    let frames = heard.iter().map(|number| burst.frame(number));
    let passing = frames.filter(|frame| matches!(frame.verdict, Verdict::Port(_) | Verdict::Flood));
    if role == Role::Uplink {
        return passing.for_each(|frame| take_away(frame, ports));
    }
    let mut claims = passing.filter_map(|frame| claim(frame, port.mac(), role)).peekable();
    if claims.peek().is_some() {
        port.addresses.note(claims, now);
    }
}

/// What is claimed outside is no other guest's here. A flood of it costs no more than that it goes to all of them.
fn take_away(frame: &Frame, ports: &PortSet) {
    let Some(claim) = claim_from_outside(frame) else { return };
    let others = ports.members().iter().filter(|port| port.mac() != frame.src());
    others.for_each(|port| port.addresses.cede(claim.ip));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{MacPolicy, PortConfig, PortSlot};

    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
    const NOW: Instant = Instant::from_nanos(7);

    fn port() -> std::sync::Arc<Port> {
        let config = PortConfig { mac: MAC, role: Role::Host, macs: MacPolicy::Own, mtu: 1500, queue_pairs: 1 };
        Port::new(PortSlot(0), &config)
    }

    fn claimed(ip: &str, is_router: Option<bool>) -> OwnAddress {
        OwnAddress { ip: ip.parse().unwrap(), is_router, is_answer: false }
    }

    fn known(port: &Port) -> Vec<String> {
        port.addresses(NOW).iter().map(|address| address.ip.to_string()).collect()
    }

    #[test]
    fn the_addresses_last_claimed_are_kept_and_others_counted() {
        let port = port();
        let four = |last: usize| claimed(&format!("192.0.2.{last}"), None);
        port.addresses.note((1..=ADDRESSES_V4).map(four), NOW);
        port.addresses.note([four(1), claimed("fe80::1", None)].into_iter(), NOW);
        assert_eq!((known(&port).len(), port.addresses_lost()), (ADDRESSES_V4 + 1, 0), "all are known");
        port.addresses.note([four(100), four(101)].into_iter(), NOW);
        let expected: Vec<_> = (4..=ADDRESSES_V4).chain([1, 100, 101]).map(|last| format!("192.0.2.{last}")).collect();
        assert_eq!(known(&port), [expected, vec!["fe80::1".to_owned()]].concat());
        assert_eq!(port.addresses_lost(), 2);
        let six = |last: usize| claimed(&format!("2001:db8::{last:x}"), None);
        port.addresses.note((1..10_000).map(six), NOW);
        assert_eq!(known(&port).len(), ADDRESSES_V4 + ADDRESSES_V6, "no flood makes it more");
        assert_eq!(port.addresses_lost(), 2 + 10_000 - ADDRESSES_V6 as u64);
    }

    #[test]
    fn who_looks_at_the_list_keeps_no_worker_waiting() {
        let port = port();
        let held = port.addresses.lock();
        port.addresses.note([claimed("fe80::1", None), claimed("fe80::2", None)].into_iter(), NOW);
        drop(held);
        assert_eq!((port.addresses(NOW), port.addresses_lost()), (vec![], 2));
    }

    #[test]
    fn a_router_is_one_until_it_says_otherwise() {
        let port = port();
        for (said, expected) in [(None, false), (Some(true), true), (None, true), (Some(false), false)] {
            port.addresses.note([claimed("fe80::1", said)].into_iter(), NOW);
            assert_eq!(
                port.addresses(NOW),
                [Address { ip: "fe80::1".parse().unwrap(), is_router: expected, age: Duration::ZERO }]
            );
        }
    }

    #[test]
    fn what_is_taken_over_is_behind_what_is_here_and_changes_none_of_it() {
        let port = port();
        let address = |ip: &str, is_router, age| Address { ip: ip.parse().unwrap(), is_router, age };
        let second = Duration::from_secs(1);
        let claims = [claimed("fe80::1", Some(true)), claimed("fe80::2", None), claimed("fe80::3", Some(false))];
        port.addresses.note(claims.into_iter(), NOW);
        let earlier = [
            address("fe80::1", false, second),
            address("fe80::9", false, second * 3),
            address("fe80::2", true, second),
            address("fe80::8", true, second * 2),
            address("ff02::1", true, second),
            address("fe80::3", true, second),
        ];
        port.restore_addresses(&earlier, NOW + second);
        let expected = [
            address("fe80::9", false, second * 4),
            address("fe80::8", true, second * 3),
            address("fe80::1", true, second * 2),
            address("fe80::2", true, second * 2),
            address("fe80::3", false, second * 2),
        ];
        assert_eq!(port.addresses(NOW + second * 2), expected, "nobody has a group's");
        let many: Vec<_> = (0..100).map(|last| address(&format!("fd00::{last}"), false, second)).collect();
        port.restore_addresses(&many, NOW);
        assert_eq!(known(&port).len(), ADDRESSES_V6);
        assert_eq!(known(&port)[ADDRESSES_V6 - 6..ADDRESSES_V6 - 4], ["fd00::99", "fe80::9"], "the last of them");
        port.forget_addresses();
        assert_eq!((known(&port).len(), port.addresses_lost()), (0, 0));
    }
}
