// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Reading a Router Advertisement does not allocate, whatever is in it.

use allocation_counter::measure;
use wire::MacAddr;
use wire::build::advertisement;
use wire::name::{DomainName, WIRE_MAX};
use wire::nd::{
    Dnssl, NdMessage, NdOption, NdPacket, Pref64, Preference, PrefixInfo, PvdOption, RaHeader, Rdnss, RouteInfo, encode,
};

/// One of each option but PvD and SEND, whose own are not taken apart.
fn one_of_each() -> Vec<u8> {
    let prefix = "2001:db8::".parse().expect("an address");
    encode([
        NdOption::Prefix(PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 9, preferred: 9 }),
        NdOption::Route(RouteInfo { prefix, prefix_len: 48, preference: Preference::Low, lifetime: 9 }),
        NdOption::Mtu(1500),
        NdOption::Rdnss(Rdnss { lifetime: 9, addresses: &[[0x20; 16]; 9] }),
        NdOption::Dnssl(Dnssl::new(9, b"\x03Org\0\x07Example\x03org\0").expect("names")),
        NdOption::Pref64(Pref64 { prefix, prefix_len: 96, lifetime: 8 }),
        NdOption::CaptivePortal(b"https://portal.example/"),
        NdOption::Flags(1),
    ])
    .expect("options")
}

/// An IPv6 packet with all of them, outside a PvD Option and inside it.
fn packet() -> Vec<u8> {
    let (nested, name) = (one_of_each(), "pvd.example".parse::<DomainName>().expect("a name"));
    let header = Some(RaHeader::default());
    let (name, nested) = (name.as_name(), &nested[..]);
    let pvd = PvdOption { http: true, legacy: true, delay: 1, sequence: 2, name, header, nested };
    let options = [one_of_each(), encode([NdOption::Pvd(pvd)]).expect("an option")].concat();
    let router = "fe80::1".parse().expect("an address");
    advertisement(MacAddr([2, 0, 0, 0, 0, 1]), router, 1800, &options).split_off(14)
}

/// Everything that is asked of an option: its octets, its addresses, its names.
fn read(option: NdOption<'_>, seen: &mut usize) {
    *seen += 1;
    match option {
        NdOption::Rdnss(rdnss) => *seen += rdnss.servers().count(),
        NdOption::Dnssl(dnssl) => {
            *seen += dnssl.domains().filter(|name| !name.fold_into(&mut [0; WIRE_MAX]).is_empty()).count();
        }
        NdOption::Pvd(pvd) => pvd.options().flatten().for_each(|option| read(option, seen)),
        _ => {}
    }
}

#[test]
fn reading_an_advertisement_does_not_allocate() {
    let packet = packet();
    let mut seen = 0;
    let allocated = measure(|| {
        let valid = NdPacket::validate(&packet);
        if let Ok(NdPacket { message: NdMessage::Advert(advert), .. }) = valid {
            advert.options().flatten().for_each(|option| read(option, &mut seen));
        }
    });
    // Two times eight options with nine resolvers and two names, a link-layer address and the PvD.
    assert_eq!(seen, 2 * (8 + 9 + 2) + 2);
    assert_eq!((allocated.count_total, allocated.bytes_total), (0, 0));
}
