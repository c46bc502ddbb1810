// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Advertisements that are larger than an MTU.

use proptest::collection::vec;
use proptest::prelude::*;

use super::sample;
use super::{ALL_NODES, ROUTER, advert, option, pvd};
use crate::nd::build::sum;
use crate::nd::{BuildError, NdOption, RaHeader, RawOption, RouterAdvert, encode, kind, split};

const NAME: &[u8] = b"\x03pvd\x07example\0";

fn raw<'a>(options: impl Iterator<Item = Result<RawOption<'a>, crate::nd::NdError>>) -> Vec<Vec<u8>> {
    options.map(|option| option.unwrap()).filter(|o| o.kind != kind::PVD).map(|o| o.bytes.to_vec()).collect()
}

#[test]
fn each_part_has_the_header_and_the_pvd() {
    let header = RaHeader { lifetime: 900, ..RaHeader::default() }.to_bytes();
    let large = |octet| option(200, &[octet; 598]);
    let inside = [&header[..], &large(1), &large(2), &large(3)].concat();
    let message = advert(&[&large(4), &pvd(0xa003, NAME, &inside), &large(5)]);
    let parts = split(&message, ROUTER, ALL_NODES, 1280).unwrap();
    let whole = RouterAdvert::parse(&message).unwrap();
    let whole_pvd = whole.pvd().unwrap().unwrap();
    let (mut outside, mut nested) = (Vec::new(), Vec::new());
    for part in &parts {
        assert!(part.len() + 40 <= 1280, "{}", part.len());
        let read = RouterAdvert::parse(part).unwrap();
        let pvd = read.pvd().unwrap().unwrap();
        assert_eq!((read.header, pvd.header), (whole.header, whole_pvd.header));
        assert_eq!((pvd.name, pvd.http, pvd.delay, pvd.sequence), (whole_pvd.name, true, 3, 7));
        outside.extend(raw(read.raw_options()));
        nested.extend(raw(pvd.raw_options()));
    }
    assert_eq!((outside, nested), (raw(whole.raw_options()), raw(whole_pvd.raw_options())));
    assert_eq!(parts.len(), 5);
}

#[test]
fn what_fits_stays_one_message() {
    let message = advert(&[&pvd(0, NAME, &[])]);
    let parts = split(&message, ROUTER, ALL_NODES, message.len() + 40).unwrap();
    assert_eq!(parts.len(), 1);
    assert_eq!((&parts[0][..2], &parts[0][4..]), (&message[..2], &message[4..]));
}

#[test]
fn what_does_not_fit_alone_is_refused() {
    let message = advert(&[&option(200, &[1; 1998])]);
    assert_eq!(split(&message, ROUTER, ALL_NODES, 1280), Err(BuildError::Mtu));
    assert_eq!(split(&message, ROUTER, ALL_NODES, 0), Err(BuildError::Mtu));
}

#[test]
fn a_signed_message_is_never_cut() {
    let options = [option(kind::RSA_SIGNATURE, &[1; 600]), option(200, &[1; 700])];
    let message = advert(&[&options[0], &options[1]]);
    assert_eq!(split(&message, ROUTER, ALL_NODES, 1280), Err(BuildError::Signed));
    assert_eq!(split(&message, ROUTER, ALL_NODES, 1500), Ok(vec![message]));
}

proptest! {
    #[test]
    fn nothing_is_lost(
        header in sample::header(),
        pvd in proptest::option::of(sample::pvd()),
        outside in vec(sample::option(), 0..12),
        inside in vec(sample::option(), 0..4),
        mtu in 600usize..1500,
    ) {
        let nested: Vec<u8> = inside.iter().flat_map(|sample| sample.encode().unwrap()).collect();
        let mut options: Vec<u8> = outside.iter().flat_map(|sample| sample.encode().unwrap()).collect();
        if let Some(pvd) = &pvd {
            options.extend(encode([NdOption::Pvd(pvd.with(&nested))]).unwrap());
        }
        let whole = RouterAdvert { header, options: &options };
        prop_assume!(!whole.is_signed());
        let message = whole.to_message(ROUTER, ALL_NODES).unwrap();
        let parts = split(&message, ROUTER, ALL_NODES, mtu).unwrap();
        let (mut outside, mut nested) = (Vec::new(), Vec::new());
        for part in &parts {
            prop_assert!(part.len() + 40 <= mtu);
            prop_assert_eq!(sum(part, ROUTER, ALL_NODES).finish(), 0);
            let read = RouterAdvert::parse(part).unwrap();
            prop_assert_eq!(read.header, header);
            outside.extend(raw(read.raw_options()));
            let read = read.pvd().unwrap();
            prop_assert_eq!(read.map(|pvd| pvd.name), pvd.as_ref().map(|pvd| pvd.name.as_name()));
            nested.extend(read.into_iter().flat_map(|pvd| raw(pvd.raw_options())));
        }
        prop_assert_eq!(outside, raw(whole.raw_options()));
        prop_assert_eq!(nested, whole.pvd().unwrap().into_iter().flat_map(|p| raw(p.raw_options())).collect::<Vec<_>>());
    }
}
