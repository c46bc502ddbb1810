// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Copies of Router Advertisements and Solicitations that the frame path hands to control, and what becomes of them.
//!
//! A copy says by a tag which port it came in from. The port may be gone by now, or its role another, or its rules
//! stricter; then the copy teaches nothing, as if it had come a moment later.

use crate::arena::Handle;
use crate::control::Control;
use crate::mediate::Speaker;
use crate::plant::Heard;
use crate::reference::PortPath;
use crate::refusal::Refusal;
use dataplane::{DropReason, Emission, Instant, Port, PortTag};
use pvd::{Advert, Cached, Learnt, NotCached, Refused, Solicitation};
use std::sync::Arc;
use std::time::Duration;
use wire::nd::{NdMessage, NdPacket, NdRefusal, RouterAdvert};
use wire::{EtherHeader, ip6};

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
    /// The rules of the port, or of the end of a link where it came out, do not allow that.
    Guarded(DropReason),
    /// It is not what RFC 4861 sections 6.1.1 and 6.1.2 call valid.
    Packet(NdRefusal),
    /// The namespace, or one that it lies in, may have no more.
    Quota(Refusal),
    /// It is of a PvD that is known from another port, which the namespace does not allow.
    SecondSource,
    /// The registry did not take it in.
    Registry(Refused),
    /// The cache did not take it in.
    Cache(NotCached),
}

/// The copy of a frame.
#[derive(Clone, Copy)]
pub(crate) struct Copy<'a> {
    /// The port that it came in from, or the end of a link where it came out.
    pub(crate) tag: PortTag,
    /// All of it.
    pub(crate) frame: &'a [u8],
    /// It was delivered to nobody.
    pub(crate) taken: bool,
    /// Links that it has crossed here.
    pub(crate) hops: u8,
}

impl Control {
    /// Takes in the copy of a frame that came in from the port of that tag.
    pub fn snooped(&mut self, tag: PortTag, frame: &[u8], now: Instant) -> Snooped {
        let copy = Copy { tag, frame, taken: false, hops: 0 };
        self.hear(&copy, now.since_origin()).unwrap_or_else(Snooped::Ignored)
    }

    /// The same of a Router Advertisement that was delivered to nobody ([`dataplane::Snooped::taken`]): whoever is to get it
    /// gets it from here.
    pub fn taken(&mut self, tag: PortTag, frame: &[u8], now: Instant) -> Snooped {
        let copy = Copy { tag, frame, taken: true, hops: 0 };
        self.hear(&copy, now.since_origin()).unwrap_or_else(Snooped::Ignored)
    }

    /// When [`Control::handle_due`] has something to do. It may be in the past.
    pub fn next_due(&self) -> Option<Instant> {
        let dues = self.plant.next_answer().into_iter().chain(self.vfs.next_due()).chain(self.again.next_due());
        dues.min().map(|due| Instant::from_nanos(due.as_nanos() as u64))
    }

    /// Does what is due by now between ticks: hosts that no router has answered are answered from the cache, and lanes of ports
    /// are switched when guests, workers or time say so.
    pub fn handle_due(&mut self, now: Instant) {
        // Whoever has come is told what does not hold here before he is told what does.
        self.follow_moves(now);
        let answers = self.plant.answer(now.since_origin());
        self.emissions.extend(answers);
        self.tend_lanes(now.since_origin());
        self.say_again(now);
    }

    /// The guest of a port has just set its device up: it is told what routers have said, for it may have come from elsewhere
    /// and not ask.
    pub fn greet(&mut self, port: &PortPath, now: Instant) {
        self.plant.greet(port, now.since_origin());
    }

    /// Frames that are to be delivered, each to one port, in this order.
    #[must_use]
    pub fn take_emissions(&mut self) -> Vec<Emission> {
        std::mem::take(&mut self.emissions)
    }

    /// Takes in a copy.
    ///
    /// # Errors
    /// It teaches nothing, and why.
    pub(crate) fn hear(&mut self, copy: &Copy<'_>, now: Duration) -> Result<Snooped, Ignored> {
        let record = Handle::from_bits(copy.tag.0);
        let spoken = self.plant.port_at(record).ok_or(Ignored::NoPort)?;
        let home = self.plant.tree.find(&spoken.spec.namespace).map_err(|_| Ignored::NoPort)?.handle();
        let (role, port) = (spoken.spec.role, spoken.ident.nr_at_home());
        let is_link = spoken.spec.far().is_some();
        let from = Speaker { home, record, port };
        let ether = EtherHeader::parse(copy.frame).ok_or(Ignored::Packet(NdRefusal::Truncated))?;
        if copy.taken && !role.may_route() {
            if copy.hops > 0 {
                spoken.device.refuse_router(DropReason::LinkRouter);
            }
            return Err(Ignored::NotRouter);
        }
        if ether.tags() > 0 {
            if copy.taken {
                self.admit_unread(from, copy)?;
                self.come_out(from, copy, now)?;
                self.pass_unread(from, copy, now);
            }
            return Err(Ignored::Tagged);
        }
        let packet = NdPacket::validate(copy.frame.get(ether.l3..).unwrap_or_default());
        let packet = packet.map_err(|why| self.refuse(from, copy, why))?;
        match packet.message {
            NdMessage::Solicit(message) => {
                let option = message.source_link_layer();
                let solicitation = Solicitation { port, source: packet.src, mac: ether.src, option };
                // Who asks over a link is answered in his own namespace, of what may be heard there.
                self.plant.solicited(home, &solicitation, !is_link, now);
                Ok(Snooped::Solicited)
            }
            NdMessage::Advert(_) if !role.may_route() => Err(Ignored::NotRouter),
            NdMessage::Advert(message) => self.hear_router(from, copy, &packet, message, now),
        }
    }

    /// Judges what comes out of an end of a link in a VLAN, if the end has rules. Nobody is learnt from it.
    fn admit_unread(&self, from: Speaker, copy: &Copy<'_>) -> Result<(), Ignored> {
        let end = self.plant.port_at(from.record).ok_or(Ignored::NoPort)?;
        end.learning_objection().map_err(|reason| withheld(&end.device, copy, reason))?;
        if copy.hops == 0 || end.rules.allows_all() {
            return Ok(());
        }
        let ether = EtherHeader::parse(copy.frame).unwrap_or_default();
        let packet = NdPacket::validate(copy.frame.get(ether.l3..).unwrap_or_default());
        match packet.map(|packet| (packet.src, packet.message)) {
            Ok((src, NdMessage::Advert(message))) => end.device.admits(ether.src, src, &message),
            _ => Err(DropReason::RaMalformed),
        }
        .map_err(Ignored::Guarded)
    }

    fn hear_router(
        &mut self,
        from: Speaker,
        copy: &Copy<'_>,
        packet: &NdPacket<'_>,
        message: RouterAdvert<'_>,
        now: Duration,
    ) -> Result<Snooped, Ignored> {
        let ether = EtherHeader::parse(copy.frame).unwrap_or_default();
        let mac = ether.src;
        let speaker = self.plant.port_at(from.record).ok_or(Ignored::NoPort)?;
        let admitted = match copy.hops {
            // Without rules nothing is judged but by the RFCs, which have a host use what it can of it.
            0 if speaker.rules.allows_all() => Ok(()),
            // A worker has judged it, by the rules of that moment.
            0 => speaker.rules.judge(mac, packet.src, &message),
            _ => speaker.device.admits(mac, packet.src, &message),
        };
        admitted.map_err(Ignored::Guarded)?;
        let device = Arc::clone(&speaker.device);
        let watched = self.plant.watch_router(from.record, mac, packet, &message);
        watched.map_err(|reason| withheld(&device, copy, reason))?;
        self.come_out(from, copy, now)?;
        let injected = copy.taken.then(|| self.plant.inject(from, copy.frame, packet)).flatten();
        let frame = injected.as_deref().unwrap_or(copy.frame);
        // Only what stands right behind its IPv6 header is changed.
        let behind = frame.get(ether.l3 + ip6::HEADER_LEN..).unwrap_or_default();
        let octets = if injected.is_some() { behind } else { packet.octets };
        let unreadable = |why| Ignored::Packet(NdRefusal::Message(why));
        let message = RouterAdvert::parse(octets).map_err(unreadable)?;
        let advert = Advert::new(from.port, packet.src, message).map_err(unreadable)?;
        let advert = if injected.is_some() { advert.injected() } else { advert };
        let heard = Heard { advert, mac, octets };
        self.plant.admit_source(from.home, &heard)?;
        if copy.taken {
            self.mediate(from, &heard, copy, frame, now);
        } else {
            self.plant.router_answers(from.home, packet.dst);
        }
        let learnt = self.plant.learn(from.home, &heard, now)?;
        Ok(Snooped::Learnt(learnt, self.plant.keep(from.home, &heard, now)))
    }

    /// Counts what is not valid, and was to be decided about.
    fn refuse(&mut self, from: Speaker, copy: &Copy<'_>, why: NdRefusal) -> Ignored {
        if copy.taken
            && let Some(mediator) = self.plant.mediator_mut(from.home)
        {
            mediator.counters_mut(from.port).invalid += 1;
        }
        Ignored::Packet(why)
    }
}

/// What RA guard lets go no further while it learns, or because of what it has learnt. The frame path has counted it, unless it
/// came out of a link here.
fn withheld(port: &Port, copy: &Copy<'_>, reason: DropReason) -> Ignored {
    if copy.hops > 0 {
        port.refuse_router(reason);
    }
    Ignored::Guarded(reason)
}
