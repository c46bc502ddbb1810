// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! packet-dissector as the judge: it reads what the codec makes, and must see what the codec sees.
//!
//! It takes a PvD Option apart up to the options inside, which it leaves as octets: these are put into a message of
//! their own.

use packet_dissector_core::dissector::Dissector;
use packet_dissector_core::field::FieldValue;
use packet_dissector_core::packet::DissectBuffer;
use packet_dissector_icmpv6::Icmpv6Dissector;
use proptest::collection::vec;
use proptest::prelude::*;

use super::sample::{self, Sample};
use super::{ALL_NODES, ROUTER};
use crate::nd::prefix::PREF64_LENGTHS;
use crate::nd::{NdOption, PvdOption, RaHeader, RawOption, RouterAdvert, encode};

/// Names of fields, and their values as octets.
type Fields = Vec<(&'static str, Vec<u8>)>;

/// What the judge sees in a message, in the order of its octets.
fn judged(message: &[u8]) -> Fields {
    let mut buffer = DissectBuffer::new();
    Icmpv6Dissector.dissect(message, &mut buffer, 0).unwrap();
    let octets = |value: &FieldValue<'_>| match value {
        FieldValue::U8(number) => Some(vec![*number]),
        FieldValue::U16(number) => Some(number.to_be_bytes().to_vec()),
        FieldValue::U32(number) => Some(number.to_be_bytes().to_vec()),
        FieldValue::Ipv6Addr(address) => Some(address.to_vec()),
        FieldValue::Bytes(bytes) => Some(bytes.to_vec()),
        FieldValue::Str(text) => Some(text.as_bytes().to_vec()),
        _ => None,
    };
    buffer.fields().iter().filter_map(|field| Some((field.name(), octets(&field.value)?))).collect()
}

/// What it should see, going by what the codec sees.
fn expected(message: &[u8]) -> Fields {
    let advert = RouterAdvert::parse(message).unwrap();
    let mut fields = header_fields(message, advert.header);
    for (raw, option) in advert.raw_options().flatten().zip(advert.options()) {
        fields.extend([("type", vec![raw.kind]), ("length", vec![(raw.bytes.len() / 8) as u8])]);
        fields.extend(option_fields(raw, option.unwrap()));
    }
    fields
}

fn header_fields(message: &[u8], header: RaHeader) -> Fields {
    vec![
        ("type", vec![134]),
        ("code", vec![0]),
        ("checksum", message[2..4].to_vec()),
        ("cur_hop_limit", vec![header.hop_limit]),
        ("flags", vec![header.flags]),
        ("router_lifetime", header.lifetime.to_be_bytes().to_vec()),
        ("reachable_time", header.reachable.to_be_bytes().to_vec()),
        ("retrans_timer", header.retrans.to_be_bytes().to_vec()),
    ]
}

fn option_fields(raw: RawOption<'_>, option: NdOption<'_>) -> Fields {
    let seconds = |lifetime: u32| lifetime.to_be_bytes().to_vec();
    match option {
        NdOption::SourceLinkLayer(mac) => vec![("link_layer_address", mac.0.to_vec())],
        NdOption::Mtu(mtu) => vec![("mtu", mtu.to_be_bytes().to_vec())],
        NdOption::Prefix(prefix) => vec![
            ("prefix_length", vec![prefix.prefix_len]),
            ("flags", vec![prefix.flags]),
            ("valid_lifetime", seconds(prefix.valid)),
            ("preferred_lifetime", seconds(prefix.preferred)),
            ("prefix", prefix.prefix.octets().to_vec()),
        ],
        NdOption::Route(route) => vec![
            ("prefix_length", vec![route.prefix_len]),
            ("flags", vec![route.preference.bits()]),
            ("route_lifetime", seconds(route.lifetime)),
            ("prefix", route.prefix.octets().to_vec()),
        ],
        NdOption::Rdnss(rdnss) => {
            let servers = rdnss.servers().map(|server| ("addresses", server.octets().to_vec()));
            std::iter::once(("lifetime", seconds(rdnss.lifetime))).chain(servers).collect()
        }
        NdOption::Dnssl(dnssl) => {
            let domains = dnssl.domains().map(|name| ("domain_names", name.as_wire().to_vec()));
            std::iter::once(("lifetime", seconds(dnssl.lifetime))).chain(domains).collect()
        }
        NdOption::Pref64(pref64) => vec![
            ("scaled_lifetime", (pref64.lifetime / 8).to_be_bytes().to_vec()),
            ("plc", vec![PREF64_LENGTHS.iter().position(|len| *len == pref64.prefix_len).unwrap() as u8]),
            ("prefix_length", vec![pref64.prefix_len]),
            ("prefix", pref64.prefix.octets().to_vec()),
        ],
        NdOption::CaptivePortal(uri) if std::str::from_utf8(uri).is_ok() => vec![("uri", uri.to_vec())],
        NdOption::Flags(flags) => vec![("ra_flags", flags.to_be_bytes()[2..].to_vec())],
        NdOption::Pvd(pvd) => pvd_fields(&pvd),
        _ => vec![("value", raw.bytes[2..].to_vec())],
    }
}

fn pvd_fields(pvd: &PvdOption<'_>) -> Fields {
    let inside = [pvd.header.map(RaHeader::to_bytes).as_slice().as_flattened(), pvd.nested].concat();
    let mut fields = vec![
        ("pvd_flags", pvd.flags().unwrap().to_be_bytes().to_vec()),
        ("delay", vec![pvd.delay]),
        ("sequence_number", pvd.sequence.to_be_bytes().to_vec()),
        ("pvd_id", pvd.name.as_wire().to_vec()),
    ];
    fields.extend((!inside.is_empty()).then_some(("value", inside)));
    fields
}

/// Options that the judge takes apart as the codec does; others of SEND and the like it takes apart further.
fn known() -> impl Strategy<Value = Sample> {
    sample::option()
        .prop_filter("an option that the codec does not take apart", |sample| !matches!(sample, Sample::Raw(..)))
}

fn encode_all(samples: &[Sample]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.encode().unwrap()).collect()
}

proptest! {
    #[test]
    fn an_advertisement(header in sample::header(), samples in vec(known(), 0..8)) {
        let options = encode_all(&samples);
        let message = RouterAdvert { header, options: &options }.to_message(ROUTER, ALL_NODES).unwrap();
        prop_assert_eq!(judged(&message), expected(&message));
    }

    #[test]
    fn a_pvd_and_what_is_inside(header in sample::header(), pvd in sample::pvd(), samples in vec(known(), 0..6)) {
        let nested = encode_all(&samples);
        let options = encode([NdOption::Pvd(pvd.with(&nested))]).unwrap();
        let message = RouterAdvert { header, options: &options }.to_message(ROUTER, ALL_NODES).unwrap();
        prop_assert_eq!(judged(&message), expected(&message));

        let read = RouterAdvert::parse(&message).unwrap().pvd().unwrap().unwrap();
        let inside = [&read.header.unwrap_or(header).to_bytes(), read.nested].concat();
        prop_assert_eq!(judged(&inside), expected(&inside));
    }
}

#[test]
fn the_examples_of_rfc_8801() {
    for message in [super::vectors::figure_2(), super::vectors::section_5_2()] {
        assert_eq!(judged(&message), expected(&message));
    }
}
