// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Copies of Router Advertisements and Solicitations that the frame path hands to control, and what becomes of them.
//!
//! A copy says by a tag which port it came in from. The port may be gone by now, or its role another; then the copy
//! teaches nothing, as if it had come a moment later.

use crate::arena::Handle;
use crate::control::Control;
use crate::plant::Heard;
use crate::reference::PortPath;
use crate::refusal::Refusal;
use dataplane::{Emission, Instant, PortTag, Role};
use pvd::{Advert, Cached, Learnt, NotCached, Refused, Solicitation};
use std::time::Duration;
use wire::EtherHeader;
use wire::nd::{NdMessage, NdPacket, NdRefusal};

/// What became of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Snooped {
    /// A Router Advertisement: what it taught, and whether its octets are kept.
    Learnt(Learnt, Result<Cached, Ignored>),
    /// A Router Solicitation.
    Solicited,
    /// Nothing.
    Ignored(Ignored),
}

/// Why a copy teaches nothing, or is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// The port is gone.
    NoPort,
    /// The port is not a router's.
    NotRouter,
    /// It is of a VLAN, about which it says something, and not about the namespace.
    Tagged,
    /// It is not what RFC 4861 sections 6.1.1 and 6.1.2 call valid.
    Packet(NdRefusal),
    /// The namespace, or one that it lies in, may have no more.
    Quota(Refusal),
    /// The registry did not take it in.
    Registry(Refused),
    /// The cache did not take it in.
    Cache(NotCached),
}

/// The time as registries count it.
fn since_start(now: Instant) -> Duration {
    Duration::from_nanos(now.as_nanos())
}

impl Control {
    /// Takes in the copy of a frame that came in from the port of that tag.
    pub fn snooped(&mut self, tag: PortTag, frame: &[u8], now: Instant) -> Snooped {
        self.hear(tag, frame, since_start(now)).unwrap_or_else(Snooped::Ignored)
    }

    /// When [`Control::handle_due`] has something to do. It may be in the past.
    pub fn next_due(&self) -> Option<Instant> {
        self.plant.next_answer().map(|due| Instant::from_nanos(due.as_nanos() as u64))
    }

    /// Does what is due by now between ticks: hosts that no router has answered are answered from the cache.
    pub fn handle_due(&mut self, now: Instant) {
        let answers = self.plant.answer(since_start(now));
        self.emissions.extend(answers);
    }

    /// The guest of a port has just set its device up: it is told what routers have said, for it may have come from elsewhere
    /// and not ask.
    pub fn greet(&mut self, port: &PortPath, now: Instant) {
        self.plant.greet(port, since_start(now));
    }

    /// Frames that are to be delivered, each to one port, in this order.
    #[must_use]
    pub fn take_emissions(&mut self) -> Vec<Emission> {
        std::mem::take(&mut self.emissions)
    }

    fn hear(&mut self, tag: PortTag, frame: &[u8], now: Duration) -> Result<Snooped, Ignored> {
        let record = self.plant.port_at(Handle::from_bits(tag.0)).ok_or(Ignored::NoPort)?;
        let home = self.plant.tree.find(&record.spec.namespace).map_err(|_| Ignored::NoPort)?.handle();
        let (role, port) = (record.spec.role, record.ident.nr_at_home());
        let is_link = record.spec.far().is_some();
        let ether = EtherHeader::parse(frame).ok_or(Ignored::Packet(NdRefusal::Truncated))?;
        if ether.tags() > 0 {
            return Err(Ignored::Tagged);
        }
        let packet = NdPacket::validate(frame.get(ether.l3..).unwrap_or_default()).map_err(Ignored::Packet)?;
        let message = match packet.message {
            NdMessage::Advert(message) => message,
            NdMessage::Solicit(message) => {
                let option = message.source_link_layer();
                let solicitation = Solicitation { port, source: packet.src, mac: ether.src, option };
                // Who asks over a link is answered in his own namespace, of what may be heard there.
                self.plant.solicited(home, Some(&solicitation).filter(|_| !is_link), now);
                return Ok(Snooped::Solicited);
            }
        };
        if role == Role::Host {
            return Err(Ignored::NotRouter);
        }
        self.plant.router_answers(home, packet.dst);
        let advert = Advert::new(port, packet.src, message).map_err(|why| Ignored::Packet(NdRefusal::Message(why)))?;
        let heard = Heard { advert, mac: ether.src, octets: packet.octets };
        let learnt = self.plant.learn(home, &heard, now)?;
        Ok(Snooped::Learnt(learnt, self.plant.keep(home, &heard, now)))
    }
}
