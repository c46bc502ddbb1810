// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any bytes at all, and real messages with a few octets changed.

use proptest::collection::vec;
use proptest::prelude::*;

use super::vectors::{figure_2, section_5_2};
use super::{ALL_NODES, ROUTER};
use crate::nd::{RaHeader, RawOptions, RouterAdvert, encode, fuzz};

/// What a chain of options may begin with.
fn corpus() -> Vec<Vec<u8>> {
    let mut search_list = vec![134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    search_list.extend(b"\x1f\x03\0\0\0\0\0\x09\x03org\0\x01a\x01b\0\0\0\0\0\0\0");
    let signed = [figure_2(), vec![12, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    let solicitation = vec![133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 9];
    vec![
        figure_2(),
        section_5_2(),
        [figure_2(), section_5_2().split_off(16)].concat(),
        search_list,
        signed,
        solicitation,
    ]
}

#[test]
fn the_corpus_and_each_octet_of_it_changed() {
    for message in corpus() {
        fuzz::message(&message);
        for at in 0..message.len() {
            let mut damaged = message.clone();
            for value in [0, 1, 2, 0x20, 0x3f, 0x40, 0xc0, 0xff] {
                damaged[at] = value;
                fuzz::message(&damaged);
            }
            fuzz::message(&message[..at]);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..600)) {
        fuzz::message(&bytes);
        prop_assert!(RawOptions::new(&bytes).count() <= bytes.len() / 8 + 1);
    }

    #[test]
    fn any_options(
        options in vec((prop::sample::select(vec![1u8, 3, 5, 14, 21, 24, 25, 26, 31, 37, 38]), vec(any::<u8>(), 0..60)), 0..9),
    ) {
        let options: Vec<u8> = options.iter().flat_map(|(kind, content)| super::option(*kind, content)).collect();
        fuzz::message(&[&RaHeader::default().to_bytes(), &options[..]].concat());
    }

    #[test]
    fn what_was_read_can_be_made_again(
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), which in any::<prop::sample::Index>(),
    ) {
        let mut message = which.get(&corpus()).clone();
        for (at, value) in damage {
            let at = at.index(message.len());
            message[at] = value;
        }
        fuzz::message(&message);
        // Only a second PvD Option, or one inside, is left out; so what was read can be sent.
        if let Ok(advert) = RouterAdvert::parse(&message) && advert.check().is_ok() {
            for option in advert.options().flatten() {
                let _ = encode([option]).map(|octets| {
                    RouterAdvert { header: advert.header, options: &octets }.to_message(ROUTER, ALL_NODES).unwrap()
                });
            }
        }
    }
}
