// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Messages and options written out by hand from the layouts in the RFCs.

use core::net::Ipv6Addr;

use crate::nd::{NdOption, PrefixInfo, RaHeader, RouterAdvert, pio_flag, ra_flag};

/// RFC 8801, figure 2: example.org with H, delay 1, sequence 123, RDNSS (5 units) and a prefix (4 units) inside.
pub(super) fn figure_2() -> Vec<u8> {
    let mut bytes = vec![134, 0, 0, 0, 64, 0x80, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([21, 12, 0x80, 0x01, 0, 123]);
    bytes.extend(b"\x07example\x03org\x00");
    bytes.extend([0; 5]);
    bytes.extend([25, 5, 0, 0, 0, 0, 0x0e, 0x10]);
    bytes.extend(address("2001:db8:cafe::53"));
    bytes.extend(address("2001:db8:f00d::53"));
    bytes.extend([3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0]);
    bytes.extend(address("2001:db8:cafe::"));
    bytes
}

pub(super) fn address(text: &str) -> [u8; 16] {
    text.parse::<Ipv6Addr>().unwrap().octets()
}

#[test]
fn the_example_of_rfc_8801() {
    let bytes = figure_2();
    let advert = RouterAdvert::parse(&bytes).unwrap();
    let header = RaHeader { hop_limit: 64, flags: ra_flag::MANAGED, lifetime: 1800, ..RaHeader::default() };
    assert_eq!(advert.header, header);

    let pvd = advert.pvd().unwrap().unwrap();
    assert_eq!((pvd.http, pvd.legacy, pvd.header), (true, false, None));
    assert_eq!((pvd.delay, pvd.sequence, pvd.name.to_string()), (1, 123, "example.org.".to_owned()));
    let [Ok(NdOption::Rdnss(rdnss)), Ok(NdOption::Prefix(prefix))] = pvd.options().collect::<Vec<_>>()[..] else {
        panic!("{:?}", pvd.options().collect::<Vec<_>>());
    };
    assert_eq!(rdnss.lifetime, 3600);
    assert_eq!(rdnss.addresses, [address("2001:db8:cafe::53"), address("2001:db8:f00d::53")]);
    let expected = PrefixInfo {
        prefix: address("2001:db8:cafe::").into(),
        prefix_len: 64,
        flags: pio_flag::ON_LINK | pio_flag::AUTONOMOUS,
        valid: 86400,
        preferred: 14400,
    };
    assert_eq!(prefix, expected);
}
