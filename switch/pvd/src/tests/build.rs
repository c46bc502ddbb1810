// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Router Advertisements for tests, as octets, and a registry that hears them.

use crate::{Advert, Fact, Known, Learnt, Limits, Prefix, Pvd, PvdId, PvdName, Refused, Registry};
use core::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;
use wire::nd::{RaHeader, RouterAdvert, kind, pio_flag};

pub(crate) const HTTP: u16 = 0x8000;
pub(crate) const LEGACY: u16 = 0x4000;

/// An advertisement in the making.
#[derive(Clone, Default)]
pub(crate) struct Ra {
    header: RaHeader,
    outside: Vec<u8>,
    pvd: Option<Inside>,
}

#[derive(Clone, Default)]
struct Inside {
    flags: u16,
    sequence: u16,
    name: Vec<u8>,
    header: Option<RaHeader>,
    options: Vec<u8>,
}

pub(crate) fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').unwrap();
    Prefix::of(address.parse().unwrap(), length.parse().unwrap())
}

pub(crate) fn name(text: &str) -> PvdName {
    text.parse().unwrap()
}

pub(crate) fn router(host: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, host)
}

pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A name on the wire, in the case in which it is written.
fn labels(text: &str) -> Vec<u8> {
    let labels = text.trim_end_matches('.').split('.');
    labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).chain([0]).collect()
}

fn padded(mut option: Vec<u8>) -> Vec<u8> {
    option.resize(option.len().next_multiple_of(8), 0);
    option[1] = (option.len() / 8) as u8;
    option
}

impl Ra {
    /// From a router that is a default router for so many seconds.
    pub(crate) fn new(lifetime: u16) -> Ra {
        Ra { header: RaHeader { hop_limit: 64, lifetime, ..RaHeader::default() }, ..Ra::default() }
    }

    /// From a router of an explicit PvD.
    pub(crate) fn of(name: &str, lifetime: u16) -> Ra {
        Ra::new(lifetime).pvd(name)
    }

    /// Everything that follows stands in a PvD Option of this name.
    pub(crate) fn pvd(mut self, name: &str) -> Ra {
        self.pvd = Some(Inside { name: labels(name), ..Inside::default() });
        self
    }

    fn inside(&mut self) -> &mut Inside {
        self.pvd.as_mut().expect("call `pvd` first")
    }

    pub(crate) fn flags(mut self, flags: u16, sequence: u16) -> Ra {
        (self.inside().flags, self.inside().sequence) = (flags, sequence);
        self
    }

    pub(crate) fn inner_header(mut self, lifetime: u16) -> Ra {
        self.inside().header = Some(RaHeader { lifetime, ..RaHeader::default() });
        self
    }

    pub(crate) fn header(mut self, change: impl FnOnce(&mut RaHeader)) -> Ra {
        change(&mut self.header);
        self
    }

    pub(crate) fn raw(mut self, option: &[u8]) -> Ra {
        match &mut self.pvd {
            Some(inside) => inside.options.extend_from_slice(option),
            None => self.outside.extend_from_slice(option),
        }
        self
    }

    pub(crate) fn prefix(self, text: &str, valid: u32) -> Ra {
        self.prefix_with(text, (valid, valid), pio_flag::ON_LINK | pio_flag::AUTONOMOUS)
    }

    pub(crate) fn prefix_with(self, text: &str, (valid, preferred): (u32, u32), flags: u8) -> Ra {
        let prefix = prefix(text);
        let head = [kind::PREFIX, 4, prefix.length(), flags];
        let lifetimes = [valid.to_be_bytes(), preferred.to_be_bytes(), [0; 4]].concat();
        self.raw(&[&head[..], &lifetimes, &prefix.address().octets()].concat())
    }

    pub(crate) fn route(self, text: &str, lifetime: u32) -> Ra {
        let prefix = prefix(text);
        let head = [kind::ROUTE, 3, prefix.length(), 0];
        self.raw(&[&head[..], &lifetime.to_be_bytes(), &prefix.address().octets()].concat())
    }

    pub(crate) fn rdnss(self, servers: &[&str], lifetime: u32) -> Ra {
        let servers = servers.iter().flat_map(|text| text.parse::<Ipv6Addr>().unwrap().octets());
        let option = [kind::RDNSS, 0, 0, 0].into_iter().chain(lifetime.to_be_bytes()).chain(servers).collect();
        self.raw(&padded(option))
    }

    pub(crate) fn dnssl(self, domains: &[&str], lifetime: u32) -> Ra {
        let domains = domains.iter().flat_map(|text| labels(text));
        let option = [kind::DNSSL, 0, 0, 0].into_iter().chain(lifetime.to_be_bytes()).chain(domains).collect();
        self.raw(&padded(option))
    }

    pub(crate) fn mtu(self, mtu: u32) -> Ra {
        self.raw(&[&[kind::MTU, 1, 0, 0][..], &mtu.to_be_bytes()].concat())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let inside = self.pvd.as_ref().map(Inside::bytes).unwrap_or_default();
        [&self.header.to_bytes()[..], &self.outside, &inside].concat()
    }
}

impl Inside {
    fn bytes(&self) -> Vec<u8> {
        let flags = self.flags | if self.header.is_some() { 0x2000 } else { 0 };
        let head = [&[kind::PVD, 0][..], &flags.to_be_bytes(), &self.sequence.to_be_bytes(), &self.name].concat();
        let header = self.header.map(|header| header.to_bytes().to_vec()).unwrap_or_default();
        padded([padded(head), header, self.options.clone()].concat())
    }
}

/// A registry whose clock the test turns.
pub(crate) struct Net {
    pub(crate) registry: Registry,
    pub(crate) now: Duration,
}

impl Net {
    pub(crate) fn new() -> Net {
        Net::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Net {
        Net { registry: Registry::new(limits, 7), now: s(1000) }
    }

    /// Hears a message, as the switch would.
    pub(crate) fn hear(&mut self, port: u32, host: u16, ra: &Ra) -> Result<Learnt, Refused> {
        let bytes = ra.bytes();
        let message = RouterAdvert::parse(&bytes).expect("the test makes advertisements");
        let advert = Advert::new(port, router(host), message).expect("the test makes good ones");
        self.registry.learn(&advert, self.now)
    }

    /// Hears a message that must be taken in.
    pub(crate) fn say(&mut self, port: u32, host: u16, ra: &Ra) {
        self.hear(port, host, ra).expect("there is room");
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now += s(seconds);
        self.registry.expire(self.now);
    }

    pub(crate) fn pvd(&self, text: &str) -> Option<Arc<Pvd>> {
        self.registry.members().by_name(&name(text)).cloned()
    }

    pub(crate) fn implicit(&self, port: u32, host: u16) -> Option<Arc<Pvd>> {
        self.registry.members().by_id(&PvdId::implicit(port, router(host)).unwrap()).cloned()
    }

    pub(crate) fn known(&self, pvd: &Pvd) -> Vec<Known> {
        pvd.attributes().known(self.now)
    }

    pub(crate) fn facts(&self, text: &str) -> Vec<Fact> {
        self.pvd(text).map(|pvd| self.known(&pvd)).unwrap_or_default().into_iter().map(|known| known.fact).collect()
    }
}
