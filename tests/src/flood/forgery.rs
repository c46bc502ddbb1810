// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is forged, and what the router says that is what it says.

use std::net::Ipv6Addr;

use pvd::PvdName;
use wire::nd::{NdOption, PrefixInfo, PvdOption, encode};
use wire::{MacAddr, build};

/// The PvD of the router.
pub(super) const OURS: &str = "ours.example";

/// One of a router, a PvD and a prefix that no other has.
pub(super) fn forged(mac: MacAddr, number: u64) -> Vec<u8> {
    advertisement(mac, number + 2, &format!("forged{number}.example"), number + 2)
}

/// A Router Advertisement of this router, of a PvD with this prefix.
pub(super) fn advertisement(mac: MacAddr, router: u64, name: &str, prefix: u64) -> Vec<u8> {
    let name: PvdName = name.parse().expect("a good name");
    let prefix = Ipv6Addr::from((0x2001_0db8_u128 << 96) | (u128::from(prefix) << 64));
    let info = PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 1800, preferred: 1800 };
    let nested = encode([NdOption::Prefix(info)]).expect("a good prefix");
    let option = PvdOption::new(name.as_name(), &nested);
    let options = encode([NdOption::Pvd(option)]).expect("a good option");
    build::advertisement(mac, address(router), 1800, &options)
}

/// The link-local address of a router.
pub(super) fn address(router: u64) -> Ipv6Addr {
    Ipv6Addr::from((0xfe80_u128 << 112) | u128::from(router))
}
