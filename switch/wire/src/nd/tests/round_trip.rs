// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is made is read as what it was made of, and what cannot be made is refused.

use proptest::collection::vec;
use proptest::prelude::*;

use super::sample::{self, Sample};
use super::{ALL_NODES, ROUTER};
use crate::nd::{
    BuildError, NdError, NdOption, Pref64, PrefixInfo, PvdOption, RaHeader, RawOption, Rdnss, RouterAdvert,
    RouterSolicit, encode, kind,
};

fn encode_all(samples: &[Sample]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.encode().unwrap()).collect()
}

fn same<'a>(samples: &[Sample], mut read: impl Iterator<Item = Result<NdOption<'a>, NdError>>) -> bool {
    samples.iter().all(|sample| read.next().is_some_and(|option| sample.is(&option.unwrap()))) && read.next().is_none()
}

proptest! {
    #[test]
    fn an_advertisement(header in sample::header(), samples in vec(sample::option(), 0..8)) {
        let octets = encode_all(&samples);
        let message = RouterAdvert { header, options: &octets }.to_message(ROUTER, ALL_NODES).unwrap();
        let read = RouterAdvert::parse(&message).unwrap();
        prop_assert_eq!(read.header, header);
        prop_assert!(same(&samples, read.options()));
        prop_assert_eq!(read.pvd(), Ok(None));
        prop_assert_eq!(encode(read.options().map(Result::unwrap)).unwrap(), octets);
    }

    #[test]
    fn a_pvd(pvd in sample::pvd(), samples in vec(sample::option(), 0..6)) {
        let nested = encode_all(&samples);
        let options = encode([NdOption::Pvd(pvd.with(&nested))]).unwrap();
        let advert = RouterAdvert { header: RaHeader::default(), options: &options };
        let read = advert.pvd().unwrap().unwrap();
        prop_assert_eq!(read, pvd.with(&nested));
        prop_assert!(same(&samples, read.options()));
    }

    #[test]
    fn a_solicitation(samples in vec(sample::option(), 0..4)) {
        let octets = encode_all(&samples);
        let message = RouterSolicit { options: &octets }.to_message(ROUTER, ALL_NODES).unwrap();
        let read = RouterSolicit::parse(&message).unwrap();
        prop_assert!(same(&samples, read.options()));
    }
}

fn pvd_around(nested: &[u8]) -> Vec<u8> {
    super::pvd(0, b"\x01a\0", nested)
}

#[test]
fn there_is_one_pvd_at_most() {
    let inner = pvd_around(&[]);
    let octets = pvd_around(&[]);
    let RawOption { bytes, .. } = RawOption { kind: kind::PVD, bytes: &octets };
    let pvd = RouterAdvert { header: RaHeader::default(), options: bytes }.pvd().unwrap().unwrap();
    assert_eq!(encode([NdOption::Pvd(PvdOption { nested: &inner, ..pvd })]), Err(BuildError::ManyPvds));
    let two = [inner.clone(), inner.clone()].concat();
    let advert = RouterAdvert { header: RaHeader::default(), options: &two };
    assert_eq!(advert.to_message(ROUTER, ALL_NODES), Err(BuildError::ManyPvds));
    assert_eq!(RouterSolicit { options: &inner }.to_message(ROUTER, ALL_NODES), Err(BuildError::ManyPvds));
    assert_eq!(encode([NdOption::Pvd(PvdOption { delay: 16, ..pvd })]), Err(BuildError::Delay));
}

#[test]
fn what_no_option_can_say_is_refused() {
    let prefix = PrefixInfo { prefix: ROUTER, prefix_len: 129, flags: 0, valid: 0, preferred: 0 };
    assert_eq!(encode([NdOption::Prefix(prefix)]), Err(BuildError::PrefixLength));
    let pref64 = Pref64 { prefix: ROUTER, prefix_len: 95, lifetime: 8 };
    assert_eq!(encode([NdOption::Pref64(pref64)]), Err(BuildError::PrefixLength));
    assert_eq!(encode([NdOption::Rdnss(Rdnss { lifetime: 1, addresses: &[] })]), Err(BuildError::NoServer));
    let servers = [super::address("2001:db8::1"); 128];
    assert_eq!(encode([NdOption::Rdnss(Rdnss { lifetime: 1, addresses: &servers })]), Err(BuildError::TooLong));
    assert!(encode([NdOption::Rdnss(Rdnss { lifetime: 1, addresses: &servers[1..] })]).is_ok());
    let broken = RouterAdvert { header: RaHeader::default(), options: &[5, 0] };
    assert_eq!(broken.to_message(ROUTER, ALL_NODES), Err(BuildError::Options(NdError::ZeroLength)));
}
