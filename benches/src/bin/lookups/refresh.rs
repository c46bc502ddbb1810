// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What it costs to hear a router again.

use pvd::{Advert, Registry};
use serde_json::{Value, json};
use wire::nd::{NdOption, PrefixInfo, PvdOption, RaHeader, Rdnss, RouterAdvert, encode};

use crate::bed::{LIMITS, NOW, name};
use crate::timing::{ROUNDS, median, nanos};

/// Nanoseconds of hearing again what is known, two prefixes and two resolvers, of one PvD and of 4096 in turns.
pub(crate) fn refresh() -> Value {
    let mut figures = json!({});
    for size in [1, 4096] {
        let mut registry = Registry::new(LIMITS, 7);
        let octets: Vec<Vec<u8>> = (0..size).map(advertisement).collect();
        let mut hear = |number: usize| registry.learn(&advert(&octets[number % size]), NOW).is_ok();
        let _ = nanos(size, &mut hear);
        figures[size.to_string()] = json!(median((0..ROUNDS).map(|_| nanos(4096, &mut hear)).collect()));
    }
    figures
}

const ROUTER: core::net::Ipv6Addr = core::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

fn advert(octets: &[u8]) -> Advert<'_> {
    Advert::new(1, ROUTER, RouterAdvert::parse(octets).expect("a message")).expect("a sound one")
}

fn advertisement(number: usize) -> Vec<u8> {
    let prefix = |n: u16| PrefixInfo {
        prefix: core::net::Ipv6Addr::new(0x2001, 0xdb8, number as u16, n, 0, 0, 0, 0),
        prefix_len: 64,
        flags: 0xc0,
        valid: 3600,
        preferred: 1800,
    };
    let servers = Rdnss { lifetime: 1800, addresses: &[[0x20; 16], [0x21; 16]] };
    let inside = [NdOption::Prefix(prefix(1)), NdOption::Prefix(prefix(2)), NdOption::Rdnss(servers)];
    let (nested, name) = (encode(inside).expect("options"), name(number));
    let (name, nested) = (name.as_name(), nested.as_slice());
    let plain = PvdOption::new(name, nested);
    let options = encode([NdOption::Pvd(plain)]).expect("an option");
    let header = RaHeader { hop_limit: 64, lifetime: 1800, ..RaHeader::default() };
    RouterAdvert { header, options: &options }.to_message(ROUTER, pvd::ALL_NODES).expect("a message")
}
