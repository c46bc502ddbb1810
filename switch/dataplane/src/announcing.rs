// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is said over uplinks of where a port's guest is, in its place: of its hardware (RARP), as VMMs do after a migration, and of
//! each of its IP addresses (gratuitous ARP, RFC 5227 section 2.3; unsolicited Neighbor Advertisements, RFC 4861 section 7.2.6).
//!
//! # Which addresses
//!
//! An announcement takes an address from whoever has it, so one that the guest has no more must not be announced: a service's that
//! went over to another host, or one whose lease ran out. Nobody says that he lets an address go. Therefore it is announced only
//! for a while after it was claimed last ([`ADDRESS_AGE`]), and not if another port of the namespace has claimed it since. The time in
//! which a move is prepared and nobody here could hear the guest does not count. Nor
//! if somebody behind an uplink has, where he does so before all: whoever takes over a service's address says so (RFC 5227 section 2.3, RFC 5798
//! section 7.1), and who answers one asker is no news.
//!
//! # How often
//!
//! Whoever announces does it twice, two seconds apart (RFC 5227 section 2.3), since a frame may get lost; control sees to the second.
//!
//! A tenant can make its guest land, or ask for announcements, as often as it likes, and what comes of that others get: all who are
//! behind the uplinks. So a port has a few announcements at once and one more each time a gap has passed, whatever sessions begin
//! and end meanwhile: of all addresses by one measure ([`LANDINGS`]), of its hardware alone by another ([`ANNOUNCEMENTS`]). What is
//! too many is counted ([`Port::unannounced`]).

use core::net::IpAddr;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wire::{MacAddr, build};

use crate::addresses::Address;
use crate::limits::{ADDRESS_AGE, ANNOUNCEMENT_GAP, ANNOUNCEMENTS, LANDING_GAP, LANDINGS};
use crate::namespace::Namespace;
use crate::port::Port;
use crate::time::Instant;

/// So many at once, and one more after each gap.
#[derive(Clone, Copy, Default)]
struct Budget {
    /// When all of it is there again.
    whole: Duration,
}

impl Budget {
    /// Takes one. False: there is none.
    fn spend(&mut self, (most, gap): (u32, Duration), now: Instant) -> bool {
        let now = now.since_origin();
        let whole = now.max(self.whole) + gap;
        let may = whole <= now + gap * most;
        self.whole = if may { whole } else { self.whole };
        may
    }
}

/// What a port has of them.
#[derive(Default)]
pub(crate) struct Budgets {
    hardware: Budget,
    addresses: Budget,
}

impl Port {
    fn spend(&self, from: fn(&mut Budgets) -> &mut Budget, measure: (u32, Duration), now: Instant) -> bool {
        let mut budgets = self.addresses.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let may = from(&mut budgets).spend(measure, now);
        drop(budgets);
        self.addresses.unannounced.fetch_add(u64::from(!may), Ordering::Relaxed);
        may
    }

    /// How often nothing was said of where its guest is, or nothing of its addresses: that had been said too often.
    #[must_use]
    pub fn unannounced(&self) -> u64 {
        self.addresses.unannounced.load(Ordering::Relaxed)
    }

    /// It was so often in a process whose place this one takes.
    pub fn add_unannounced(&self, earlier: u64) {
        self.addresses.unannounced.fetch_add(earlier, Ordering::Relaxed);
    }

    /// The frame that tells everybody that `mac` is behind this port now; `None`: the port has been announced too often.
    #[must_use]
    pub fn announcement(&self, mac: MacAddr, now: Instant) -> Option<Vec<u8>> {
        let may = self.spend(|budgets| &mut budgets.hardware, (ANNOUNCEMENTS, ANNOUNCEMENT_GAP), now);
        may.then(|| build::rarp_announcement(mac))
    }
}

impl Namespace {
    /// The addresses of the guest of `port`, one of its ports, as [`Port::addresses`] has them, without those that the guest of
    /// another has claimed since.
    #[must_use]
    pub fn addresses_of(&self, port: &Port, now: Instant) -> Vec<Address> {
        let mut addresses = port.addresses(now);
        let ports = self.ports.load();
        let others = ports.members().iter().filter(|other| other.slot() != port.slot());
        others.for_each(|other| other.contest(&mut addresses, now));
        addresses
    }

    /// The frames that tell everybody where the guest of `port` is now: that of its hardware first, and then one of each address.
    /// None: it has been announced too often; or that of its hardware alone.
    #[must_use]
    pub fn announcements(&self, port: &Port, now: Instant) -> Vec<Vec<u8>> {
        if port.has_staged_addresses() {
            port.land_addresses(&self.addresses_of(port, now), now);
        }
        let mac = port.mac();
        let mut frames: Vec<_> = port.announcement(mac, now).into_iter().collect();
        let may = || port.spend(|budgets| &mut budgets.addresses, (LANDINGS, LANDING_GAP), now);
        if !frames.is_empty() && may() {
            let known = self.addresses_of(port, now);
            frames.extend(known.iter().filter(|one| one.age <= ADDRESS_AGE).map(|one| announcement(mac, one)));
        }
        frames
    }
}

fn announcement(mac: MacAddr, &Address { ip, is_router, .. }: &Address) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => build::arp_announcement(mac, ip),
        IpAddr::V6(ip) => build::neighbor_announcement(mac, ip, is_router),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::namespace::NamespaceConfig;
    use crate::port::{MacPolicy, PortConfig, PortSlot, Role};

    const NOW: Instant = Instant::from_nanos(1_000_000_000_000);

    fn mac(number: u16) -> MacAddr {
        MacAddr([2, 0, 0, 0, 0, number as u8])
    }

    fn scene() -> (Arc<Namespace>, [Arc<Port>; 2]) {
        let namespace = Namespace::new(&NamespaceConfig { macs_max: 64, age: ADDRESS_AGE, seed: 1 });
        let port = |number| {
            let config =
                PortConfig { mac: mac(number), role: Role::Host, macs: MacPolicy::Own, mtu: 1500, queue_pairs: 1 };
            Port::new(PortSlot(number), &config)
        };
        let ports = [port(0), port(1)];
        ports.iter().for_each(|port| assert!(namespace.plug(Arc::clone(port)).is_ok()));
        (namespace, ports)
    }

    fn address(ip: &str, is_router: bool, age: Duration) -> Address {
        Address { ip: ip.parse().unwrap(), is_router, age }
    }

    fn arp(number: u16, last: u8) -> Vec<u8> {
        build::arp_announcement(mac(number), [192, 0, 2, last].into())
    }

    #[test]
    fn what_was_claimed_lately_is_announced_and_from_the_port_s_own_address() {
        let (namespace, [port, _]) = scene();
        assert_eq!(namespace.announcements(&port, NOW), [build::rarp_announcement(mac(0))]);
        let (second, old) = (Duration::from_secs(1), ADDRESS_AGE - Duration::from_secs(9));
        let known = [address("192.0.2.1", false, old), address("192.0.2.2", false, second)];
        port.restore_addresses(&[&known[..], &[address("2001:db8::1", true, second)]].concat(), NOW);
        let six = build::neighbor_announcement(mac(0), "2001:db8::1".parse().unwrap(), true);
        let hardware = build::rarp_announcement(mac(0));
        let expected = [hardware.clone(), arp(0, 1), arp(0, 2), six.clone()];
        assert_eq!(namespace.announcements(&port, NOW + second * 9), expected);
        assert_eq!(namespace.announcements(&port, NOW + second * 10), [hardware.clone(), arp(0, 2), six]);
        assert_eq!(namespace.announcements(&port, NOW + second * 10 + ADDRESS_AGE), [hardware]);
        assert_eq!(port.addresses(NOW + ADDRESS_AGE * 2).len(), 3, "it is not forgotten");
    }

    #[test]
    fn of_two_ports_that_claim_an_address_the_later_has_it() {
        let (namespace, [one, two]) = scene();
        let later = NOW + Duration::from_secs(60);
        one.restore_addresses(&[address("192.0.2.1", false, Duration::ZERO)], NOW);
        two.restore_addresses(&[address("192.0.2.1", false, Duration::ZERO)], later);
        assert_eq!(namespace.announcements(&one, later), [build::rarp_announcement(mac(0))]);
        assert_eq!(namespace.announcements(&two, later), [build::rarp_announcement(mac(1)), arp(1, 1)]);
        assert_eq!((one.addresses(later).len(), namespace.addresses_of(&one, later).len()), (1, 0));
    }

    #[test]
    fn who_lands_without_end_is_announced_now_and_then() {
        let (namespace, [port, other]) = scene();
        port.restore_addresses(&[address("192.0.2.1", false, Duration::ZERO)], NOW);
        let heard = |port: &Port, now: Instant| namespace.announcements(port, now).len();
        let second = Duration::from_secs(1);
        let row = |now| (0..20).map(|_| heard(&port, now)).collect::<Vec<_>>();
        assert_eq!(row(NOW), [vec![2; LANDINGS as usize], vec![0; 12]].concat());
        assert_eq!((port.unannounced(), other.unannounced()), (12, 0));
        assert_eq!(heard(&port, NOW + ANNOUNCEMENT_GAP), 1, "of its hardware there is one more");
        assert_eq!(port.unannounced(), 13, "and of its addresses none");
        assert_eq!(row(NOW + LANDING_GAP), [vec![2], vec![1; ANNOUNCEMENTS as usize - 1], vec![0; 12]].concat());
        let of_minute: usize =
            (0..6000_u32).map(|number| heard(&port, NOW + second * 60 + second * number / 100)).sum();
        assert!(of_minute <= 60 * 25 + 60 / 3 + 16, "{of_minute}");
        assert_eq!(heard(&other, NOW), 1, "others are none of its business");
        assert_eq!(port.announcement(mac(9), NOW + second * 200), Some(build::rarp_announcement(mac(9))));
    }
}
