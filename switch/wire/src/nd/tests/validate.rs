// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Each reason for which a packet is not a valid advertisement or solicitation.

use core::net::Ipv6Addr;

use proptest::prelude::*;

use super::vectors::figure_2;
use super::{ALL_NODES, ROUTER, option};
use crate::MacAddr;
use crate::build::{Ether, Ip};
use crate::ip6::{extension, protocol};
use crate::nd::{NdError, NdMessage, NdPacket, NdRefusal, kind, set_checksum};

const HOST: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);

fn packet(ip: Ip, src: Ipv6Addr, message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    set_checksum(&mut message, src, ALL_NODES);
    Ether::new(MacAddr::BROADCAST, MacAddr::ZERO).ip(ip).raw(protocol::ICMP6, &message).split_off(14)
}

fn from(src: Ipv6Addr, message: &[u8]) -> Vec<u8> {
    packet(Ip::v6(src, ALL_NODES).hops(255), src, message)
}

fn solicit(options: &[u8]) -> Vec<u8> {
    [&[133, 0, 0, 0, 0, 0, 0, 0], options].concat()
}

fn refusal(packet: &[u8]) -> NdRefusal {
    NdPacket::validate(packet).unwrap_err()
}

#[test]
fn valid_ones() {
    let advert = from(ROUTER, &figure_2());
    let valid = NdPacket::validate(&advert).unwrap();
    assert_eq!((valid.src, valid.dst, valid.octets), (ROUTER, ALL_NODES, &advert[40..]));
    assert!(matches!(valid.message, NdMessage::Advert(advert) if advert.pvd().unwrap().is_some()));

    let nobody = Ipv6Addr::UNSPECIFIED;
    let address = option(kind::SOURCE_LINK_LAYER, &[2, 0, 0, 0, 0, 9]);
    for packet in [
        from(HOST, &solicit(&address)),
        from(nobody, &solicit(&[])),
        from(nobody, &solicit(&[14, 1, 0, 0, 0, 0, 0, 0])),
    ] {
        assert!(matches!(NdPacket::validate(&packet).unwrap().message, NdMessage::Solicit(_)));
    }
}

#[test]
fn padding_of_the_frame_is_no_part_of_the_message() {
    let padded = [from(ROUTER, &figure_2()), vec![0; 6]].concat();
    assert_eq!(NdPacket::validate(&padded).unwrap().octets.len(), figure_2().len());
}

#[test]
fn an_advertisement_behind_extension_headers_is_as_valid_as_any() {
    let ip = Ip::v6(ROUTER, ALL_NODES).hops(255).extension(extension::DEST_OPTIONS, &[0, 1, 4, 0, 0, 0, 0]);
    assert!(NdPacket::validate(&packet(ip, ROUTER, &figure_2())).is_ok());
}

#[test]
fn fragments_are_refused_even_when_they_are_whole() {
    for offset in [0u8, 1] {
        let ip = Ip::v6(ROUTER, ALL_NODES).hops(255).extension(extension::FRAGMENT, &[0, 0, offset, 0, 0, 0, 1]);
        assert_eq!(refusal(&packet(ip, ROUTER, &figure_2())), NdRefusal::Fragmented);
    }
}

#[test]
fn what_comes_from_beyond_the_link_is_refused() {
    let far = Ip::v6(ROUTER, ALL_NODES).hops(254);
    assert_eq!(refusal(&packet(far, ROUTER, &figure_2())), NdRefusal::HopLimit);
    for src in ["2001:db8::1", "::", "ff02::1", "fec0::1"] {
        assert_eq!(refusal(&from(src.parse().unwrap(), &figure_2())), NdRefusal::Source, "{src}");
    }
    assert_eq!(refusal(&from(ALL_NODES, &solicit(&[]))), NdRefusal::Source);
}

#[test]
fn checksum_and_code() {
    let valid = from(ROUTER, &figure_2());
    for at in 40..valid.len() {
        let mut damaged = valid.clone();
        damaged[at] ^= 1;
        let expected = if at == 40 { NdRefusal::OtherPacket } else { NdRefusal::Checksum };
        assert_eq!(refusal(&damaged), expected, "octet {at}");
    }
    let mut message = figure_2();
    message[1] = 1;
    assert_eq!(refusal(&from(ROUTER, &message)), NdRefusal::Code);

    let mut unsummed = valid;
    unsummed[42] ^= 1;
    assert_eq!(refusal(&unsummed), NdRefusal::Checksum);
    assert!(NdPacket::validate_unsummed(&unsummed).is_ok());
    unsummed[41] = 1;
    assert_eq!(NdPacket::validate_unsummed(&unsummed), Err(NdRefusal::Code), "all else is judged");
}

#[test]
fn lengths() {
    let valid = from(ROUTER, &figure_2());
    for len in 0..valid.len() {
        assert_eq!(refusal(&valid[..len]), NdRefusal::Truncated, "{len} octets");
    }
    assert_eq!(refusal(&from(ROUTER, &figure_2()[..15])), NdRefusal::Message(NdError::Message));
    assert_eq!(refusal(&from(HOST, &solicit(&[])[..7])), NdRefusal::Message(NdError::Message));
    for message in [[figure_2(), vec![5, 0]].concat(), solicit(&[5, 0])] {
        assert_eq!(refusal(&from(ROUTER, &message)), NdRefusal::Message(NdError::ZeroLength));
    }
    assert_eq!(refusal(&from(HOST, &solicit(&[5, 2]))), NdRefusal::Message(NdError::Overrun));
}

#[test]
fn nobody_has_no_link_layer_address() {
    let address = option(kind::SOURCE_LINK_LAYER, &[2, 0, 0, 0, 0, 9]);
    assert_eq!(refusal(&from(Ipv6Addr::UNSPECIFIED, &solicit(&address))), NdRefusal::NobodysAddress);
}

#[test]
fn other_packets_are_other() {
    assert_eq!(refusal(&from(ROUTER, &[135; 24])), NdRefusal::OtherPacket);
    assert_eq!(refusal(&[0x45; 60]), NdRefusal::OtherPacket);
    let udp = Ether::new(MacAddr::BROADCAST, MacAddr::ZERO).ip(Ip::v6(ROUTER, ALL_NODES)).udp(1, 2, &[]).split_off(14);
    assert_eq!(refusal(&udp), NdRefusal::OtherPacket);
    // The middle of something: nobody can tell of what.
    let later = Ip::v6(ROUTER, ALL_NODES).hops(255).extension(extension::FRAGMENT, &[0, 0, 8, 0, 0, 0, 1]);
    assert_eq!(refusal(&packet(later, ROUTER, &figure_2())), NdRefusal::OtherPacket);
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = NdPacket::validate(&bytes);
        let _ = NdPacket::validate(&from(ROUTER, &[&figure_2(), &bytes[..]].concat()));
    }
}
