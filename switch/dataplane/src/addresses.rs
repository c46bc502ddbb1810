// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which IP addresses a port's guest has, by what it says of itself, and what is said for it when it has moved.
//!
//! A guest that goes on elsewhere does not know that it did. Switches find it again by its MAC address alone (RARP); hosts and
//! routers that watch addresses, or had given up on one, by announcements of each address (gratuitous ARP, RFC 5227 section 2.3;
//! unsolicited Neighbor Advertisements, RFC 4861 section 7.2.6), which the switch makes in the guest's place
//! ([`Port::announcements`]). For that it listens to ARP and Neighbor Discovery of the guest ([`wire::own_address`]).
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
//! others, so its answers say nothing of itself. Behind an uplink are others than the port's owner, and nothing is listened to.

use core::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use wire::{MacAddr, OwnAddress, build, own_address};

use crate::bits::Bits;
use crate::burst::{Burst, Frame, Verdict};
use crate::limits::{ADDRESSES_V4, ADDRESSES_V6};
use crate::port::{Policy, Port, Role};

/// An IP address of a port's guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The guest has advertised itself as a router with it (RFC 4861 section 4.4).
    pub is_router: bool,
}

/// The addresses of one family, the one last claimed at the end.
struct Family {
    known: Vec<Address>,
    most: usize,
}

impl Family {
    fn new(most: usize) -> Self {
        Self { known: Vec::with_capacity(most), most }
    }

    /// Notes a claim. True: another had to go for it.
    fn note(&mut self, ip: IpAddr, is_router: Option<bool>) -> bool {
        let at = self.known.iter().position(|known| known.ip == ip);
        let at = at.or_else(|| (self.known.len() >= self.most).then_some(0));
        let gone = at.map(|at| self.known.remove(at));
        let before = gone.filter(|gone| gone.ip == ip);
        let is_router = is_router.unwrap_or_else(|| before.is_some_and(|known| known.is_router));
        self.known.push(Address { ip, is_router });
        gone.is_some() && before.is_none()
    }
}

/// All of them, of one port.
struct Known {
    v4: Family,
    v6: Family,
}

impl Known {
    fn note(&mut self, ip: IpAddr, is_router: Option<bool>) -> bool {
        let family = if ip.is_ipv4() { &mut self.v4 } else { &mut self.v6 };
        family.note(ip, is_router)
    }
}

/// What a port keeps of it.
pub(crate) struct AddressBook {
    known: Mutex<Known>,
    lost: AtomicU64,
}

impl Default for AddressBook {
    fn default() -> Self {
        let known = Known { v4: Family::new(ADDRESSES_V4), v6: Family::new(ADDRESSES_V6) };
        Self { known: Mutex::new(known), lost: AtomicU64::new(0) }
    }
}

impl AddressBook {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, claims: impl Iterator<Item = OwnAddress>) {
        let known = match self.known.try_lock() {
            Ok(known) => Some(known),
            Err(TryLockError::Poisoned(known)) => Some(known.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let lost = match known {
            Some(mut known) => claims.filter(|own| known.note(own.ip, own.is_router)).count(),
            None => claims.count(),
        };
        self.lost.fetch_add(lost as u64, Ordering::Relaxed);
    }
}

impl Port {
    /// The addresses that its guest has claimed, IPv4 first, and of each family the one last claimed at the end.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let known = self.addresses.lock();
        known.v4.known.iter().chain(&known.v6.known).copied().collect()
    }

    /// Claims that were lost, or for which an older one had to go.
    #[must_use]
    pub fn addresses_lost(&self) -> u64 {
        self.addresses.lost.load(Ordering::Relaxed)
    }

    /// Takes over what was known of its guest elsewhere, as [`Port::addresses`] had it there. What no host can have is left out.
    pub fn restore_addresses(&self, addresses: &[Address]) {
        let mut known = self.addresses.lock();
        for address in addresses.iter().filter(|address| wire::can_be_own(address.ip)) {
            known.note(address.ip, Some(address.is_router));
        }
    }

    /// Forgets them: another guest begins here, or the same one from its beginning.
    pub fn forget_addresses(&self) {
        let mut known = self.addresses.lock();
        known.v4.known.clear();
        known.v6.known.clear();
    }

    /// The frames that tell everybody where its guest is now: that of its MAC address first, which is the port's own, and then
    /// one of each address.
    #[must_use]
    pub fn announcements(&self) -> Vec<Vec<u8>> {
        let mac = self.mac();
        let addresses = self.addresses();
        std::iter::once(build::rarp_announcement(mac))
            .chain(addresses.iter().map(|one| announcement(mac, one)))
            .collect()
    }
}

fn announcement(mac: MacAddr, &Address { ip, is_router }: &Address) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => build::arp_announcement(mac, ip),
        IpAddr::V6(ip) => build::neighbor_announcement(mac, ip, is_router),
    }
}

/// What a frame that passes claims of its port's guest.
fn claim(frame: &Frame, own: MacAddr, role: Role) -> Option<OwnAddress> {
    let heard = frame.src() == own && role != Role::Uplink;
    let claim = heard.then(|| own_address(frame.head())).flatten();
    claim.filter(|claim| role == Role::Host || !claim.is_answer)
}

/// Whether [`note`] has something to do with a frame, of which the guard has nothing more to say.
pub(crate) fn says_address(frame: &Frame, own: MacAddr, policy: &Policy<'_>) -> bool {
    frame.verdict == Verdict::Undecided && claim(frame, own, policy.role).is_some()
}

/// Writes down what those of the frames `heard` claim that go on.
#[cold]
pub(crate) fn note(burst: &Burst, heard: Bits, port: &Port, role: Role) {
    let frames = heard.iter().map(|number| burst.frame(number));
    let passing = frames.filter(|frame| matches!(frame.verdict, Verdict::Port(_) | Verdict::Flood));
    let mut claims = passing.filter_map(|frame| claim(frame, port.mac(), role)).peekable();
    if claims.peek().is_some() {
        port.addresses.note(claims);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{MacPolicy, PortConfig, PortSlot};

    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

    fn port() -> std::sync::Arc<Port> {
        let config = PortConfig { mac: MAC, role: Role::Host, macs: MacPolicy::Own, mtu: 1500, queue_pairs: 1 };
        Port::new(PortSlot(0), &config)
    }

    fn claimed(ip: &str, is_router: Option<bool>) -> OwnAddress {
        OwnAddress { ip: ip.parse().unwrap(), is_router, is_answer: false }
    }

    fn known(port: &Port) -> Vec<String> {
        port.addresses().iter().map(|address| address.ip.to_string()).collect()
    }

    #[test]
    fn the_addresses_last_claimed_are_kept_and_others_counted() {
        let port = port();
        let four = |last: usize| claimed(&format!("192.0.2.{last}"), None);
        port.addresses.note((1..=ADDRESSES_V4).map(four));
        port.addresses.note([four(1), claimed("fe80::1", None)].into_iter());
        assert_eq!((known(&port).len(), port.addresses_lost()), (ADDRESSES_V4 + 1, 0), "all are known");
        port.addresses.note([four(100), four(101)].into_iter());
        let expected: Vec<_> = (4..=ADDRESSES_V4).chain([1, 100, 101]).map(|last| format!("192.0.2.{last}")).collect();
        assert_eq!(known(&port), [expected, vec!["fe80::1".to_owned()]].concat());
        assert_eq!(port.addresses_lost(), 2);
        let six = |last: usize| claimed(&format!("2001:db8::{last:x}"), None);
        port.addresses.note((1..10_000).map(six));
        assert_eq!(known(&port).len(), ADDRESSES_V4 + ADDRESSES_V6, "no flood makes it more");
        assert_eq!(port.addresses_lost(), 2 + 10_000 - ADDRESSES_V6 as u64);
    }

    #[test]
    fn who_looks_at_the_list_keeps_no_worker_waiting() {
        let port = port();
        let held = port.addresses.lock();
        port.addresses.note([claimed("fe80::1", None), claimed("fe80::2", None)].into_iter());
        drop(held);
        assert_eq!((port.addresses(), port.addresses_lost()), (vec![], 2));
    }

    #[test]
    fn a_router_is_one_until_it_says_otherwise() {
        let port = port();
        for (said, expected) in [(None, false), (Some(true), true), (None, true), (Some(false), false)] {
            port.addresses.note([claimed("fe80::1", said)].into_iter());
            assert_eq!(port.addresses(), [Address { ip: "fe80::1".parse().unwrap(), is_router: expected }]);
        }
    }

    #[test]
    fn what_is_announced_is_from_the_port_s_own_address() {
        let port = port();
        assert_eq!(port.announcements(), [build::rarp_announcement(MAC)]);
        let address = |ip: &str, is_router| Address { ip: ip.parse().unwrap(), is_router };
        let addresses = [address("192.0.2.1", false), address("2001:db8::1", true), address("ff02::1", true)];
        port.restore_addresses(&addresses);
        assert_eq!(port.addresses(), addresses[..2], "nobody has a group's");
        let expected = [
            build::rarp_announcement(MAC),
            build::arp_announcement(MAC, [192, 0, 2, 1].into()),
            build::neighbor_announcement(MAC, "2001:db8::1".parse().unwrap(), true),
        ];
        assert_eq!(port.announcements(), expected);
        port.forget_addresses();
        assert_eq!(port.announcements().len(), 1);
    }
}
