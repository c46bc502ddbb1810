// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Router Advertisements that the frame path has taken out: which ports get them, and in which shape.
//!
//! The router stays who speaks: its addresses are not touched, and where nothing is injected not an octet of the packet is. Who
//! has asked is answered by a frame to its own Ethernet address (RFC 6085), which leaves the packet and any signature as they
//! are. What goes into a link comes out at the other end as if the frame path had brought it there: by the role and the rules of
//! that end, and for its namespace to decide about.

use crate::arena::Handle;
use crate::control::Control;
use crate::plant::{Heard, Plant};
use crate::port::PortRecord;
use crate::snoop::{Copy, Ignored};
use crate::tree::Namespace;
use dataplane::{Emission, Instant, Port, Role};
use pvd::{Mediator, Reach};
use std::sync::Arc;
use std::time::Duration;
use wire::name::NameRef;
use wire::nd::NdPacket;
use wire::{EtherHeader, MacAddr, ip6};

/// The port that a copy is of.
#[derive(Clone, Copy)]
pub(crate) struct Speaker {
    pub(crate) home: Handle<Namespace>,
    pub(crate) record: Handle<PortRecord>,
    /// Its number in its namespace.
    pub(crate) port: u32,
}

/// A port that gets a frame.
struct Receiver {
    port: u32,
    device: Arc<Port>,
    /// Nothing is held back from it.
    watches: bool,
}

impl Control {
    /// Lets ports have an advertisement that was heard; `frame` is all of it, as they shall see it.
    pub(crate) fn mediate(&mut self, from: Speaker, heard: &Heard<'_>, copy: &Copy<'_>, frame: &[u8], now: Duration) {
        let to = EtherHeader::parse(frame).map_or(MacAddr::default(), |ether| ether.dst);
        let receivers = self.plant.receivers(from, to, heard.advert.name());
        let every = self.plant.tree.get(from.home).and_then(|home| home.spec().ra_throttle);
        let Some(mediator) = self.plant.mediator_mut(from.home) else { return };
        let counters = mediator.counters_mut(from.port);
        counters.heard += 1;
        counters.hidden += u64::from(receivers.is_empty());
        let seeing: Vec<u32> = receivers.iter().map(|receiver| receiver.port).collect();
        let to_all = Some(&seeing[..]).filter(|_| to.is_multicast());
        let chosen: Vec<(Receiver, Option<MacAddr>)> =
            match mediator.reach(&heard.advert, heard.octets, to_all, every, now) {
                Reach::All => receivers.into_iter().map(|receiver| (receiver, None)).collect(),
                Reach::Hosts(hosts) => {
                    let get = |receiver: &Receiver| {
                        let asked = hosts.iter().filter(|(port, _)| *port == receiver.port && !receiver.watches);
                        let own = asked.map(|(_, mac)| *mac).chain(receiver.watches.then_some(None));
                        own.map(|mac| (Receiver { device: Arc::clone(&receiver.device), ..*receiver }, mac))
                            .collect::<Vec<_>>()
                    };
                    receivers.iter().flat_map(get).collect()
                }
            };
        self.send_on(from, chosen, copy, frame, now);
    }

    /// Lets ports that see all PvDs have what says nothing of the namespace's own.
    pub(crate) fn pass_unread(&mut self, from: Speaker, copy: &Copy<'_>, now: Duration) {
        let to = EtherHeader::parse(copy.frame).map_or(MacAddr::default(), |ether| ether.dst);
        let mut receivers = self.plant.receivers(from, to, None);
        receivers.retain(|receiver| self.plant.sees_all(receiver.device.tag()));
        if let Some(mediator) = self.plant.mediator_mut(from.home) {
            mediator.counters_mut(from.port).heard += 1;
        }
        let all = receivers.into_iter().map(|receiver| (receiver, None)).collect();
        self.send_on(from, all, copy, copy.frame, now);
    }

    fn send_on(
        &mut self,
        from: Speaker,
        chosen: Vec<(Receiver, Option<MacAddr>)>,
        copy: &Copy<'_>,
        frame: &[u8],
        now: Duration,
    ) {
        let Some(mediator) = self.plant.mediator_mut(from.home) else { return };
        if !mediator.may_send(from.port, chosen.len(), now) {
            return;
        }
        let ports: Vec<u32> = chosen.iter().map(|(receiver, _)| receiver.port).collect();
        // What is said in a VLAN answers nobody outside it.
        if EtherHeader::parse(frame).is_some_and(|ether| ether.tags() == 0) {
            self.plant.router_reaches(from.home, &ports, frame);
        }
        for (Receiver { device: port, .. }, mac) in chosen {
            let mut frame = frame.to_vec();
            if let (Some(mac), Some(place)) = (mac, frame.get_mut(..mac_len())) {
                place.copy_from_slice(&mac.0);
            }
            if port.is_linked() {
                self.cross(&port, &frame, copy.hops, now);
            } else {
                self.emissions.push(Emission { port, frame });
            }
        }
    }

    /// Lets an advertisement come out at the other end of a link.
    fn cross(&mut self, near: &Port, frame: &[u8], hops: u8, now: Duration) {
        let Some(record) = self.plant.port_at(Handle::from_bits(near.tag().0)) else { return };
        let Some(far) = record.spec.far().and_then(|far| self.plant.port(far)) else { return };
        let (device, at) = (Arc::clone(&far.device), Instant::default() + now);
        let Ok(namespace) = self.plant.set_of(&far.spec.namespace).map(|set| Arc::clone(set.plane())) else { return };
        let carried = near.carry_in(frame, hops, at).and_then(|()| device.carry_out(&namespace, frame, at));
        if carried.is_ok() {
            let copy = Copy { tag: device.tag(), frame, taken: true, hops: hops + 1 };
            // What that end's role or rules do not let pass teaches nothing and goes nowhere.
            let _ = self.hear(&copy, now);
        }
    }

    /// What has come out of a link and may: the table there learns from it, and limits hold for how it spreads.
    ///
    /// # Errors
    /// It goes no further, which the port has counted.
    pub(crate) fn come_out(&self, from: Speaker, copy: &Copy<'_>, now: Duration) -> Result<(), Ignored> {
        let port = self.plant.port_at(from.record).filter(|_| copy.hops > 0);
        let Some(port) = port else { return Ok(()) };
        let set = self.plant.set_of(&port.spec.namespace).map_err(|_| Ignored::NoPort)?;
        let at = Instant::default() + now;
        port.device.carry_on(set.plane(), copy.frame, at).map_err(Ignored::Guarded)
    }
}

/// Octets of an Ethernet address, which a frame begins with.
const fn mac_len() -> usize {
    size_of::<MacAddr>()
}

impl Plant {
    /// The mediator of a namespace.
    pub(crate) fn mediator_mut(&mut self, home: Handle<Namespace>) -> Option<&mut Mediator> {
        self.tree.get_mut(home)?.get_mut(self.mediators)
    }

    /// The frame with the PvD Option that its port's routers get. `None`: it stays as it is.
    pub(crate) fn inject(&mut self, from: Speaker, frame: &[u8], packet: &NdPacket<'_>) -> Option<Vec<u8>> {
        let record = self.port_at(from.record)?;
        let (injection, mtu) = (record.spec.mediation.inject.clone()?, usize::from(record.spec.mtu));
        let injected = injection.inject(packet.octets, packet.src, packet.dst, mtu);
        let whole = injected.map(|octets| with_message(frame, packet, &octets));
        let counters = self.mediator_mut(from.home)?.counters_mut(from.port);
        match whole {
            Ok(Some(frame)) => {
                counters.injected += 1;
                Some(frame)
            }
            Err(pvd::NotInjected::HasOne) => None,
            Ok(None) | Err(_) => {
                counters.not_injected += 1;
                None
            }
        }
    }

    /// The ports of a namespace that a frame to `to` is for, and that see the PvD of this name.
    fn receivers(&self, from: Speaker, to: MacAddr, name: Option<NameRef<'_>>) -> Vec<Receiver> {
        let set = self.tree.get(from.home).and_then(|home| home.get(self.sets));
        let Some(set) = set else { return Vec::new() };
        let table = set.plane().fdb_if_made().filter(|_| !to.is_multicast());
        let only = table.and_then(|table| table.lookup(to));
        let others = set.handles().filter(|handle| *handle != from.record).filter_map(|handle| self.port_at(handle));
        let get = others.filter(|record| {
            only.is_none_or(|slot| record.device.slot() == slot) && record.spec.mediation.sight.sees(name)
        });
        let receiver = |record: &PortRecord| Receiver {
            port: record.ident.nr_at_home(),
            device: Arc::clone(&record.device),
            watches: record.spec.role == Role::Monitor,
        };
        get.map(receiver).collect()
    }

    fn sees_all(&self, tag: dataplane::PortTag) -> bool {
        let record = self.port_at(Handle::from_bits(tag.0));
        record.is_some_and(|record| !record.spec.mediation.sight.is_narrow())
    }
}

/// The frame with another message. `None`: something stands between its IPv6 header and the message, which may vouch for it.
fn with_message(frame: &[u8], packet: &NdPacket<'_>, octets: &[u8]) -> Option<Vec<u8>> {
    const PAYLOAD_LEN: usize = 4;
    let l3 = EtherHeader::parse(frame)?.l3;
    let header = frame.get(..l3 + ip6::HEADER_LEN)?;
    let plain = frame.get(header.len()..)?.starts_with(packet.octets);
    let payload = header.get(l3 + PAYLOAD_LEN..)?.first_chunk::<2>().map(|len| u16::from_be_bytes(*len))?;
    if !plain || usize::from(payload) != packet.octets.len() {
        return None;
    }
    let mut whole = [header, octets].concat();
    whole.get_mut(l3 + PAYLOAD_LEN..)?[..2].copy_from_slice(&u16::try_from(octets.len()).ok()?.to_be_bytes());
    Some(whole)
}
