// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Messages and options written out by hand from the layouts in the RFCs, read and made.

use super::{address, option, options};
use crate::MacAddr;
use crate::name::DomainName;
use crate::nd::{
    Dnssl, NdOption, Pref64, Preference, PrefixInfo, RaHeader, RawOption, Rdnss, RouteInfo, RouterAdvert,
    RouterSolicit, encode, kind, pio_flag, ra_flag,
};

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

/// RFC 8801, section 5.2: bar.example.org with R, a header (2 units), a prefix (4) and RDNSS (3) inside.
pub(super) fn section_5_2() -> Vec<u8> {
    let mut bytes = vec![134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([21, 12, 0x20, 0, 0, 0]);
    bytes.extend(b"\x03bar\x07example\x03org\x00");
    bytes.push(0);
    bytes.extend([134, 0, 0, 0, 64, 0x48, 0x06, 0x40, 0, 0, 0x75, 0x30, 0, 0, 0x03, 0xe8]);
    bytes.extend([3, 4, 64, 0xc0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x38, 0x40, 0, 0, 0, 0]);
    bytes.extend(address("2001:db8:f00d::"));
    bytes.extend([25, 3, 0, 0, 0, 0, 0x0e, 0x10]);
    bytes.extend(address("2001:db8:f00d::53"));
    bytes
}

#[test]
fn figure_2_of_rfc_8801() {
    let bytes = figure_2();
    let advert = RouterAdvert::parse(&bytes).unwrap();
    let header = RaHeader { hop_limit: 64, flags: ra_flag::MANAGED, lifetime: 1800, ..RaHeader::default() };
    assert_eq!(advert.header, header);

    let pvd = advert.pvd().unwrap().unwrap();
    assert_eq!((pvd.http, pvd.legacy, pvd.header), (true, false, None));
    assert_eq!((pvd.delay, pvd.sequence, pvd.name.to_string()), (1, 123, "example.org.".to_owned()));
    let addresses = [address("2001:db8:cafe::53"), address("2001:db8:f00d::53")];
    let prefix = PrefixInfo {
        prefix: address("2001:db8:cafe::").into(),
        prefix_len: 64,
        flags: pio_flag::ON_LINK | pio_flag::AUTONOMOUS,
        valid: 86400,
        preferred: 14400,
    };
    let expected = [NdOption::Rdnss(Rdnss { lifetime: 3600, addresses: &addresses }), NdOption::Prefix(prefix)];
    assert_eq!(pvd.options().collect::<Result<Vec<_>, _>>().unwrap(), expected);
    assert_eq!(encode(expected).unwrap(), pvd.nested);
    assert_eq!(encode([NdOption::Pvd(pvd)]).unwrap(), advert.options);
}

#[test]
fn section_5_2_of_rfc_8801() {
    let bytes = section_5_2();
    let advert = RouterAdvert::parse(&bytes).unwrap();
    let pvd = advert.pvd().unwrap().unwrap();
    let header = pvd.header.unwrap();
    assert_eq!((header.hop_limit, header.lifetime), (64, 1600));
    assert_eq!((header.reachable, header.retrans, header.preference()), (30_000, 1000, Preference::High));
    assert!(header.has(ra_flag::OTHER) && !header.has(ra_flag::MANAGED));
    assert_eq!((pvd.http, pvd.name.to_string()), (false, "bar.example.org.".to_owned()));
    assert_eq!(pvd.options().filter(Result::is_ok).count(), 2);
    assert_eq!(encode([NdOption::Pvd(pvd)]).unwrap(), advert.options);
}

/// Each of these octets is read as this option, which is made into the same octets again.
fn reads_and_makes(bytes: &[u8], expected: NdOption<'_>) {
    assert_eq!(options(&super::advert(&[bytes])), [Ok(expected)]);
    assert_eq!(encode([expected]).unwrap(), bytes);
}

#[test]
fn link_layer_address_and_mtu() {
    reads_and_makes(&[1, 1, 2, 0, 0, 0, 0, 9], NdOption::SourceLinkLayer(MacAddr([2, 0, 0, 0, 0, 9])));
    reads_and_makes(&[5, 1, 0, 0, 0, 0, 0x05, 0xdc], NdOption::Mtu(1500));
}

#[test]
fn a_route_takes_as_many_units_as_its_bits() {
    let whole = address("2001:db8:1:2:3:4:5:6");
    for (prefix_len, units, prefix) in [
        (0u8, 1u8, "::"),
        (1, 2, "::"),
        (64, 2, "2001:db8:1:2::"),
        (65, 3, "2001:db8:1:2::"),
        (128, 3, "2001:db8:1:2:3:4:5:6"),
    ] {
        let prefix = address(prefix);
        let route = RouteInfo { prefix: prefix.into(), prefix_len, preference: Preference::Low, lifetime: 0x0102_0304 };
        let cut = &prefix[..usize::from(units - 1) * 8];
        reads_and_makes(&[&[24, units, prefix_len, 0x18, 1, 2, 3, 4], cut].concat(), NdOption::Route(route));
        // What stands behind the prefix is no part of it.
        let dirty = [&[24, 3, prefix_len, 0x18, 1, 2, 3, 4], &whole[..]].concat();
        assert_eq!(options(&super::advert(&[&dirty])), [Ok(NdOption::Route(route))]);
    }
}

#[test]
fn names_of_a_search_list() {
    let octets = b"\x07example\x03org\0\x02a\0\0";
    let bytes = option(kind::DNSSL, &[&[0, 0, 0, 0, 0, 60], &octets[..]].concat());
    let dnssl = Dnssl::new(60, octets).unwrap();
    reads_and_makes(&bytes, NdOption::Dnssl(dnssl));
    let names = dnssl.domains().map(DomainName::from).collect::<Vec<_>>();
    // The second name ends in a zero that is part of its label.
    assert_eq!(names, ["example.org".parse().unwrap(), DomainName::from_labels([&b"a\0"[..]]).unwrap()]);
}

#[test]
fn each_length_code_of_pref64() {
    for (code, prefix_len) in [(0u8, 96u8), (1, 64), (2, 56), (3, 48), (4, 40), (5, 32)] {
        let mut bytes = vec![38, 2, 0x01, 0xf8 | code];
        bytes.extend([0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]);
        let prefix = "64:ff9b::".parse().unwrap();
        reads_and_makes(&bytes, NdOption::Pref64(Pref64 { prefix, prefix_len, lifetime: 504 }));
    }
}

#[test]
fn captive_portal_and_flags() {
    let uri = b"https://portal.example/api";
    reads_and_makes(&option(kind::CAPTIVE_PORTAL, uri), NdOption::CaptivePortal(uri));
    reads_and_makes(&[26, 1, 0x80, 0, 0, 0, 0, 1], NdOption::Flags(0x8000_0000_0001));
    let longer = [26, 2, 0x80, 0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255];
    assert_eq!(options(&super::advert(&[&longer])), [Ok(NdOption::Flags(0x8000_0000_0001))]);
}

#[test]
fn send_is_known_as_such_and_the_unknown_is_kept() {
    for kind in 0..=255 {
        let bytes = option(kind, &[7; 14]);
        let raw = RawOption { kind, bytes: &bytes };
        match kind {
            11..=14 => reads_and_makes(&bytes, NdOption::Send(raw)),
            1 | 3 | 5 | 21 | 24 | 25 | 26 | 31 | 37 | 38 => {}
            _ => reads_and_makes(&bytes, NdOption::Unknown(raw)),
        }
        let message = super::advert(&[&bytes]);
        assert_eq!(RouterAdvert::parse(&message).unwrap().is_signed(), (11..=14).contains(&kind));
    }
}

#[test]
fn a_solicitation_says_where_to_answer() {
    let with = [133, 0, 0, 0, 0, 0, 0, 0, 14, 1, 1, 2, 3, 4, 5, 6, 1, 1, 2, 0, 0, 0, 0, 9];
    assert_eq!(RouterSolicit::parse(&with).unwrap().source_link_layer(), Some(MacAddr([2, 0, 0, 0, 0, 9])));
    let without = &with[..16];
    assert_eq!(RouterSolicit::parse(without).unwrap().source_link_layer(), None);
    assert!(RouterSolicit::parse(&with[..7]).is_err() && RouterSolicit::parse(&super::advert(&[])).is_err());
}

#[test]
fn preferences() {
    let header = |flags| RaHeader { flags, lifetime: 1, ..RaHeader::default() };
    for (bits, preference) in
        [(0x08, Preference::High), (0x00, Preference::Medium), (0x18, Preference::Low), (0x10, Preference::Medium)]
    {
        assert_eq!(header(0xe7 | bits).preference(), preference);
    }
    let none = RaHeader { lifetime: 0, ..header(0x08) };
    assert_eq!(none.preference(), Preference::Medium);
    assert_eq!(header(0xff).with_preference(Preference::High).flags, 0xef);
    assert!(Preference::Low < Preference::Medium && Preference::Medium < Preference::High);
}
