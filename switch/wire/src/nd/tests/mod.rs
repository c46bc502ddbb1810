// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Tests of the codec, one idea a file.

mod defects;
mod dissector;
mod lifetimes;
mod malformed;
mod round_trip;
mod sample;
mod split;
mod totality;
mod validate;
mod vectors;

use core::net::Ipv6Addr;

use super::{NdError, NdOption, RaHeader, RouterAdvert, kind};

/// The router of these tests.
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
/// Whom it advertises to.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

fn address(text: &str) -> [u8; 16] {
    text.parse::<Ipv6Addr>().unwrap().octets()
}

/// An option of this type with this content, zeros at its end.
fn option(kind: u8, content: &[u8]) -> Vec<u8> {
    let len = (2 + content.len()).next_multiple_of(8);
    let mut bytes = [&[kind, (len / 8) as u8], content].concat();
    bytes.resize(len, 0);
    bytes
}

/// A PvD Option with these octets from its flags on, padding and all.
fn pvd(flags: u16, name: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut content = [&flags.to_be_bytes(), &[0, 7], name].concat();
    content.resize((2 + content.len()).next_multiple_of(8) - 2, 0);
    content.extend(rest);
    option(kind::PVD, &content)
}

/// A Router Advertisement of a default router for 1800 seconds with these options; its checksum is zero.
fn advert(options: &[&[u8]]) -> Vec<u8> {
    let header = RaHeader { hop_limit: 64, lifetime: 1800, ..RaHeader::default() };
    [&header.to_bytes(), options.concat().as_slice()].concat()
}

/// What the options of a message are.
fn options(message: &[u8]) -> Vec<Result<NdOption<'_>, NdError>> {
    RouterAdvert::parse(message).unwrap().options().collect()
}
