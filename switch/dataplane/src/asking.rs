// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How it stands with the questions to one guest (`confirm.rs`): what it is asked for, and whether it answers.

use core::net::Ipv4Addr;
use std::time::Duration;

use crate::limits::{ADDRESSES_V4, QUEUE_PAIRS};
use crate::port::Port;
use crate::time::Instant;

/// For so long a guest may leave the first questions unanswered: an emulated one on a busy host.
const SILENCE: Duration = Duration::from_millis(250);

/// What a guest is asked.
pub(crate) struct Asking {
    /// Addresses that it has said are its own, and how many there are.
    pub(crate) addresses: [Ipv4Addr; ADDRESSES_V4],
    pub(crate) known: usize,
    /// The number of the first question.
    pub(crate) first: u32,
    /// When that was.
    began: Option<Instant>,
    /// It has answered one, about this one of the addresses.
    pub(crate) heard: Option<usize>,
    /// Queue pairs that want a question: their rings had no room for it, or there was no answer.
    pub(crate) owed: u32,
    /// Before this the other lane is not asked again …
    pub(crate) other: Instant,
    /// … and what has no answer neither.
    pub(crate) again: Instant,
    /// The last question of the other lane that was answered there.
    pub(crate) other_answered: u32,
    /// The last question of each ring that was answered.
    answered: [u32; QUEUE_PAIRS as usize],
    /// How many frames may be sent again before it is asked whether it has them.
    pub(crate) credit: u32,
    /// It was asked so: the number of the question, and until when its answer is waited for.
    pub(crate) window: Option<(u32, Instant)>,
}

impl Asking {
    pub(crate) fn new(port: &Port) -> Self {
        let (addresses, known) = port.askable();
        let first = port.lanes().last_question().wrapping_add(1);
        let never = Instant::default();
        Self {
            addresses,
            known,
            first,
            began: None,
            heard: None,
            owed: 0,
            other: never,
            again: never,
            other_answered: 0,
            answered: [0; QUEUE_PAIRS as usize],
            credit: 0,
            window: None,
        }
    }

    /// Whether copies are kept: it answers, or may be about to.
    pub(crate) fn may_answer(&mut self, now: Instant) -> bool {
        let began = *self.began.get_or_insert(now);
        self.heard.is_some() || (self.known > 0 && now.since(began) < SILENCE)
    }

    /// The address that question `number` is about: any of them may have gone.
    pub(crate) fn address(&self, number: u32) -> Option<Ipv4Addr> {
        let known = self.addresses.get(..self.known)?;
        known.get(self.heard.unwrap_or(number as usize % known.len().max(1))).copied()
    }

    /// Whether an answer to a question of this ring says anything new. A guest can say the same as often as it likes, and what it says is
    /// looked up among all copies.
    pub(crate) fn is_news(&mut self, pair: u16, number: u32) -> bool {
        let last = self.answered.get_mut(usize::from(pair)).filter(|last| number > **last);
        last.map(|last| *last = number).is_some()
    }

    /// Question `number` was answered.
    pub(crate) fn hear(&mut self, number: u32) {
        let at = number as usize % self.known.max(1);
        self.heard.get_or_insert(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{MacPolicy, PortConfig, PortSlot, Role};
    use wire::MacAddr;

    #[test]
    fn what_a_guest_says_again_or_of_rings_that_no_port_has_is_not_looked_up() {
        let mac = MacAddr([2, 0, 0, 0, 0, 1]);
        let config = PortConfig { mac, role: Role::Host, macs: MacPolicy::Own, mtu: 1500, queue_pairs: 1 };
        let mut asking = Asking::new(&Port::new(PortSlot(0), &config));
        let said = [(0, 5), (0, 5), (0, 4), (1, 4), (0, 6), (QUEUE_PAIRS, 7), (u16::MAX, 8)];
        let news = said.map(|(pair, number)| asking.is_news(pair, number));
        assert_eq!(news, [true, false, false, true, true, false, false]);
    }
}
