// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Forged Router Advertisements without end, each of another router and another PvD, from a guest through the frame path
//! into the registry and the cache of its namespace; beside a router that is what it says.
//!
//! A round is a burst of frames and then what control hears of it, as in the daemon when control is no slower than that.
//! [`Siege`] does the same to a whole weftd.

mod forgery;
mod siege;

use dataplane::{DropReason, MacPolicy, PortTag, Role, SnoopStats};
use pvd::{Advert, Limits, PvdName, RaCache, Registry, limits};
use wire::EtherHeader;
use wire::nd::{NdMessage, NdPacket};

use crate::rig::{PortOptions, Rig, mac};
use forgery::{OURS, advertisement, forged};

pub use siege::{Besieged, Siege};

/// The port of the router, that of the one who forges, and that of a guest who hears both.
const ROUTER: usize = 0;
const FORGER: usize = 1;
const HOST: usize = 2;
/// Frames of one round: twice as many as control gets copies of.
const ROUND: u64 = 2 * dataplane::limits::SNOOP_PORT as u64;

/// A namespace that is flooded.
pub struct Flood {
    rig: Rig,
    registry: Registry,
    cache: RaCache,
    sent: u64,
    /// Copies that control has heard, those of the router among them.
    heard: u64,
    /// How often the router has spoken.
    spoken: u64,
    drops: u64,
    snooped: SnoopStats,
}

impl Flood {
    /// A namespace that knows its router. Then somebody forges who is behind a port of this role.
    pub fn new(role: Role) -> Flood {
        let mut rig = Rig::new();
        for (port, role) in [(ROUTER, Role::Router), (FORGER, role), (HOST, Role::Host)] {
            rig.add(0, &PortOptions { macs: MacPolicy::Own, ..PortOptions::with_role(role) });
            rig.port(port).port().set_tag(PortTag(port as u64));
        }
        let (registry, cache) = (Registry::new(Limits::default(), 7), RaCache::default());
        let mut flood =
            Flood { rig, registry, cache, sent: 0, heard: 0, spoken: 0, drops: 0, snooped: SnoopStats::default() };
        // Twice: who was heard once only could be forged as well.
        (0..2).for_each(|_| flood.router_speaks());
        flood
    }

    /// Forges so many more, rounded up to whole rounds.
    pub fn forge(&mut self, frames: u64) {
        for _ in 0..frames.div_ceil(ROUND) {
            let burst: Vec<_> = (self.sent..self.sent + ROUND).map(|number| forged(mac(FORGER), number)).collect();
            self.sent += ROUND;
            self.rig.send_all(FORGER, &burst);
            self.hear();
            [ROUTER, HOST].into_iter().for_each(|port| drop(self.rig.received(port)));
            let moved = self.rig.moved(FORGER);
            let of = |wanted| moved.drops.iter().filter(|(why, _)| *why == wanted).map(|(_, count)| count).sum::<u64>();
            self.drops += of(DropReason::RogueRouter);
            self.snooped.advertisements += moved.snooped.advertisements;
            self.snooped.lost += moved.snooped.lost;
        }
    }

    /// What must hold at any time, whoever has forged whatever.
    ///
    /// # Panics
    /// When it does not.
    pub fn check(&mut self, role: Role) {
        let heard = if role == Role::Host {
            assert_eq!((self.drops, self.snooped), (self.sent, SnoopStats::default()), "each is counted once");
            0
        } else {
            let SnoopStats { advertisements, lost, .. } = self.snooped;
            assert_eq!((self.drops, advertisements + lost), (0, self.sent), "each is copied or counted");
            advertisements
        };
        assert_eq!(self.heard, heard + self.spoken, "what was copied was heard");
        let counters = self.registry.counters();
        let refused = counters.refused(pvd::Refused::Pvds);
        let taken = counters.changed + counters.refreshed + counters.void;
        assert_eq!(taken + refused, self.heard, "what was heard was taken in or refused");
        assert!(self.registry.members().len() <= limits::PVDS + limits::PORT_PVDS);
        assert!(self.registry.entries() <= limits::ENTRIES + limits::PORT_ENTRIES);
        let port = |port: usize| self.cache.iter().filter(|ra| ra.port == port as u32).count();
        assert!(port(FORGER) <= limits::PORT_RAS && port(ROUTER) == 1);
        let ours: PvdName = OURS.parse().expect("a good name");
        let ours = self.registry.members().by_name(&ours).expect("the router's own is there").attributes().clone();
        assert_eq!((ours.sources().len(), ours.sources()[0].entries().len()), (1, 1), "and as it was");
        let refreshed = self.registry.counters().refreshed;
        self.router_speaks();
        assert_eq!(self.registry.counters().refreshed, refreshed + 1, "and its router is heard");
    }

    fn router_speaks(&mut self) {
        self.spoken += 1;
        self.rig.send(ROUTER, &advertisement(mac(ROUTER), 1, OURS, 1));
        self.hear();
        drop(self.rig.received(HOST));
        drop(self.rig.received(FORGER));
    }

    fn hear(&mut self) {
        let now = std::time::Duration::from_secs(1);
        for (tag, _, frame) in self.rig.snooped() {
            self.heard += 1;
            let ether = EtherHeader::parse(&frame).expect("it was delivered");
            let packet = NdPacket::validate(&frame[ether.l3..]).expect("a sound one");
            let NdMessage::Advert(message) = packet.message else { continue };
            let advert = Advert::new(tag.0 as u32, packet.src, message).expect("a sound one");
            // Refused or not: the counters tell.
            let _ = self.registry.learn(&advert, now);
            let _ = self.cache.hear(&advert, ether.src, packet.octets, now);
        }
    }
}
