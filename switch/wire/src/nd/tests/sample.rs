// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Random advertisements that own what they are made of.

use core::net::Ipv6Addr;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::MacAddr;
use crate::name::DomainName;
use crate::nd::prefix::masked;
use crate::nd::{
    BuildError, Dnssl, NdOption, Pref64, Preference, PrefixInfo, PvdOption, RaHeader, RawOption, Rdnss, RouteInfo,
    encode,
};

/// An option, without what it would borrow.
#[derive(Clone, Debug)]
pub(super) enum Sample {
    Plain(NdOption<'static>),
    Rdnss(u32, Vec<[u8; 16]>),
    Dnssl(u32, Vec<DomainName>),
    Portal(Vec<u8>),
    /// Type and octets behind type and length.
    Raw(u8, Vec<u8>),
}

impl Sample {
    /// The octets of the option, made by the codec where it is one that the codec knows.
    pub(super) fn encode(&self) -> Result<Vec<u8>, BuildError> {
        match self {
            Sample::Plain(option) => encode([*option]),
            Sample::Rdnss(lifetime, addresses) => encode([NdOption::Rdnss(Rdnss { lifetime: *lifetime, addresses })]),
            Sample::Dnssl(lifetime, names) => {
                let names: Vec<u8> = names.iter().flat_map(|name| name.as_wire().to_vec()).collect();
                encode([NdOption::Dnssl(Dnssl::new(*lifetime, &names).unwrap())])
            }
            Sample::Portal(uri) => encode([NdOption::CaptivePortal(uri)]),
            Sample::Raw(kind, content) => Ok(super::option(*kind, content)),
        }
    }

    /// What the codec reads must be this.
    pub(super) fn is(&self, read: &NdOption<'_>) -> bool {
        match (self, read) {
            (Sample::Plain(option), read) => option == read,
            (Sample::Rdnss(lifetime, addresses), NdOption::Rdnss(read)) => {
                (*lifetime, &addresses[..]) == (read.lifetime, read.addresses)
            }
            (Sample::Dnssl(lifetime, names), NdOption::Dnssl(read)) => {
                *lifetime == read.lifetime && read.domains().map(DomainName::from).eq(names.iter().cloned())
            }
            (Sample::Portal(uri), NdOption::CaptivePortal(read)) => uri == read,
            (Sample::Raw(kind, content), NdOption::Send(read) | NdOption::Unknown(read)) => {
                *read == RawOption { kind: *kind, bytes: &super::option(*kind, content) }
            }
            _ => false,
        }
    }
}

/// A PvD Option without its options.
#[derive(Clone, Debug)]
pub(super) struct SamplePvd {
    pub(super) flags: (bool, bool),
    pub(super) delay: u8,
    pub(super) sequence: u16,
    pub(super) name: DomainName,
    pub(super) header: Option<RaHeader>,
}

impl SamplePvd {
    pub(super) fn with<'a>(&'a self, nested: &'a [u8]) -> PvdOption<'a> {
        let (http, legacy) = self.flags;
        let (delay, sequence, header) = (self.delay, self.sequence, self.header);
        PvdOption { http, legacy, delay, sequence, name: self.name.as_name(), header, nested }
    }
}

pub(super) fn pvd() -> impl Strategy<Value = SamplePvd> {
    (any::<(bool, bool)>(), 0..16u8, any::<u16>(), name(), proptest::option::of(header()))
        .prop_map(|(flags, delay, sequence, name, header)| SamplePvd { flags, delay, sequence, name, header })
}

pub(super) fn header() -> impl Strategy<Value = RaHeader> {
    any::<(u8, u8, u16, u32, u32)>().prop_map(|(hop_limit, flags, lifetime, reachable, retrans)| RaHeader {
        hop_limit,
        flags,
        lifetime,
        reachable,
        retrans,
    })
}

pub(super) fn name() -> impl Strategy<Value = DomainName> {
    vec(vec(any::<u8>(), 1..30), 1..5)
        .prop_map(|labels| DomainName::from_labels(labels.iter().map(Vec::as_slice)).unwrap())
}

pub(super) fn option() -> impl Strategy<Value = Sample> {
    let raw_kind = any::<u8>()
        .prop_filter("the codec knows it", |kind| !matches!(kind, 1 | 3 | 5 | 21 | 24 | 25 | 26 | 31 | 37 | 38));
    let server = any::<[u8; 16]>().prop_map(|mut octets| {
        octets[0] = 0x20;
        octets
    });
    prop_oneof![
        plain().prop_map(Sample::Plain),
        (any::<u32>(), vec(server, 1..9)).prop_map(|(lifetime, addresses)| Sample::Rdnss(lifetime, addresses)),
        (any::<u32>(), vec(name(), 1..9)).prop_map(|(lifetime, names)| Sample::Dnssl(lifetime, names)),
        vec(1..=255u8, 1..99).prop_map(Sample::Portal),
        (raw_kind, vec(any::<u8>(), 1..99)).prop_map(|(kind, content)| Sample::Raw(kind, content)),
    ]
}

fn plain() -> impl Strategy<Value = NdOption<'static>> {
    let prefix = || (any::<[u8; 16]>(), 0..=128u8).prop_map(|(octets, len)| (masked(octets, len), len));
    let route_preference = prop::sample::select(vec![Preference::Low, Preference::Medium, Preference::High]);
    let pref64_len = prop::sample::select(vec![96u8, 64, 56, 48, 40, 32]);
    prop_oneof![
        any::<[u8; 6]>().prop_map(|mac| NdOption::SourceLinkLayer(MacAddr(mac))),
        any::<u32>().prop_map(NdOption::Mtu),
        any::<u64>().prop_map(|flags| NdOption::Flags(flags >> 16)),
        (prefix(), any::<(u8, u32, u32)>()).prop_map(|((prefix, prefix_len), (flags, valid, preferred))| {
            NdOption::Prefix(PrefixInfo { prefix, prefix_len, flags, valid, preferred })
        }),
        (prefix(), route_preference, any::<u32>()).prop_map(|((prefix, prefix_len), preference, lifetime)| {
            NdOption::Route(RouteInfo { prefix, prefix_len, preference, lifetime })
        }),
        (any::<[u8; 16]>(), pref64_len, any::<u16>()).prop_map(|(octets, prefix_len, lifetime)| {
            let prefix: Ipv6Addr = masked(octets, prefix_len);
            NdOption::Pref64(Pref64 { prefix, prefix_len, lifetime: lifetime & !7 })
        }),
    ]
}
