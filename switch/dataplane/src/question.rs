// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A question of the switch's own to a guest, by which it learns what that has taken: an ARP probe for an address of the guest's.
//!
//! Every host that has the address answers it, whoever asks (RFC 5227 section 2.1.1), and takes no note of who did. The answer goes
//! to the address of the asker, and that is the question: which of the guest's lanes it went by, and its number. What a guest makes up
//! is about itself.

use core::net::Ipv4Addr;

use wire::arp::{Arp, operation};
use wire::ether::ethertype;
use wire::{EtherHeader, MacAddr, build};

/// How the addresses of questions begin. It is a local one (IEEE 802), so nobody's.
const TAG: [u8; 2] = *b"vf";

/// In place of a queue pair: the other lane.
const OTHER_LANE: u8 = 0xff;

/// Bits of the number that an address has room for.
const NUMBER: u32 = 0x00ff_ffff;

/// The question with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question {
    /// The queue pair by whose receive ring it goes; `None`: by the other lane.
    pub(crate) pair: Option<u16>,
    /// Of those of a port, in order; the lower 24 bits count.
    pub(crate) number: u32,
}

impl Question {
    /// Who asks it.
    fn asker(self) -> MacAddr {
        let [_, a, b, c] = self.number.to_be_bytes();
        let pair = self.pair.map_or(OTHER_LANE, |pair| pair as u8);
        MacAddr([TAG[0], TAG[1], pair, a, b, c])
    }

    fn of(asker: MacAddr) -> Option<Self> {
        let MacAddr([tag @ .., pair, a, b, c]) = asker;
        let pair = (pair != OTHER_LANE).then_some(pair.into());
        (tag == TAG).then_some(Self { pair, number: u32::from_be_bytes([0, a, b, c]) })
    }

    /// The frame that asks it of `guest`, which has `address`.
    pub(crate) fn frame(self, guest: MacAddr, address: Ipv4Addr) -> [u8; 60] {
        build::arp_probe(self.asker(), guest, address)
    }

    /// The question that a frame answers.
    pub(crate) fn answered_by(frame: &[u8]) -> Option<Self> {
        let question = frame.first_chunk().and_then(|dst| Self::of(MacAddr(*dst)))?;
        let ether = EtherHeader::parse(frame).filter(|ether| ether.ethertype == ethertype::ARP)?;
        let arp = Arp::parse(frame.get(ether.l3..)?)?;
        let is_answer = arp.operation == operation::REPLY && arp.target == (ether.dst, Ipv4Addr::UNSPECIFIED);
        is_answer.then_some(question)
    }

    /// Its whole number, if it is one of those from `first` to `last`.
    pub(crate) fn among(self, first: u32, last: u32) -> Option<u32> {
        let ago = last.wrapping_sub(self.number) & NUMBER;
        (ago <= last.wrapping_sub(first)).then(|| last.wrapping_sub(ago))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GUEST: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    fn answer(question: Question) -> Vec<u8> {
        build::arp_reply((GUEST, ADDRESS), (question.asker(), Ipv4Addr::UNSPECIFIED))
    }

    #[test]
    fn an_answer_says_what_was_asked() {
        for pair in [None, Some(0), Some(15)] {
            for number in [0, 1, 0x0012_3456, NUMBER] {
                let question = Question { pair, number };
                assert!(question.asker().is_station(), "{}", question.asker());
                assert_eq!(Question::answered_by(&answer(question)), Some(question));
                assert_eq!(Question::answered_by(&question.frame(GUEST, ADDRESS)), None, "a question is none");
            }
        }
    }

    #[test]
    fn a_number_is_one_of_those_that_were_asked_or_none() {
        let is = |number| Question { pair: None, number };
        assert_eq!([4, 5, 7, 9, 10].map(|number| is(number).among(5, 9)), [None, Some(5), Some(7), Some(9), None]);
        let (first, last) = (NUMBER - 1, NUMBER + 3);
        assert_eq!(
            [NUMBER - 2, NUMBER, 2, 3].map(|number| is(number).among(first, last)),
            [None, Some(NUMBER), Some(NUMBER + 3), None]
        );
    }

    proptest! {
        #[test]
        fn any_other_frame_answers_nothing(mut octets in prop::collection::vec(any::<u8>(), 0..64), at in 0_usize..42) {
            prop_assume!(octets.get(..2) != Some(&TAG[..]));
            prop_assert_eq!(Question::answered_by(&octets), None);
            octets = answer(Question { pair: Some(1), number: 7 });
            prop_assert_eq!(Question::answered_by(&octets[..at]), None);
        }
    }
}
