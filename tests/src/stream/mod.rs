// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Numbered echo requests at a steady pace: every frame that is lost, doubled or overtaken on either way shows.
//!
//! The kernel of a guest answers ICMP echo requests by itself, so that one stream of them is a stream each way. A request
//! carries its number in its payload, and so does the answer.
//!
//! [`Stream`] says what to send when, and [`Tally`] keeps what became of it; both know no socket and no clock.
//! [`Traffic`] plays streams over a [`Wire`] on a thread of its own, while the test does things to the path.
mod guest;
mod losses;
mod tally;
mod traffic;

use std::time::Duration;

pub use guest::unanswered;
pub use losses::{Losses, Still};
pub use tally::{Report, Tally};
pub use traffic::{Traffic, Wire};

use crate::frames::{ETHERNET_LEN, ETHERTYPE_IPV4, Host, Mac, checksum, echo_request};
use crate::frames6::{self, Host6};

/// Length of an IPv4 header without options, bytes.
const IPV4_LEN: usize = 20;
/// Length of an ICMP header, bytes.
const ICMP_LEN: usize = 8;
const ICMP_PROTOCOL: u8 = 1;
const ICMP_ECHO_REPLY: u8 = 0;

/// A stream of echo requests from one host to another, or to a broadcast address.
#[derive(Debug, Clone)]
pub struct Stream {
    id: u64,
    ends: Ends,
    pause: Duration,
    due: Duration,
    tally: Tally,
}

/// Who asks, and who answers.
#[derive(Debug, Clone, Copy)]
enum Ends {
    V4(Host, Host),
    V6(Host6, Host6),
}

impl Stream {
    /// A stream of so many requests a second. `id` tells it from other streams of the same host.
    pub fn new(id: u64, from: Host, to: Host, per_second: u32) -> Stream {
        Stream::between(id, Ends::V4(from, to), per_second)
    }

    /// The same over IPv6.
    pub fn over_ipv6(id: u64, from: Host6, to: Host6, per_second: u32) -> Stream {
        Stream::between(id, Ends::V6(from, to), per_second)
    }

    fn between(id: u64, ends: Ends, per_second: u32) -> Stream {
        let pause = Duration::from_secs(1) / per_second;
        Stream { id, ends, pause, due: Duration::ZERO, tally: Tally::default() }
    }

    /// When the next request is to be sent.
    pub fn due(&self) -> Duration {
        self.due
    }

    /// The request that is due, if one is. A sender that was held up does not catch up: that would be a burst, and it is
    /// not the burst that is on trial.
    pub fn poll(&mut self, now: Duration) -> Option<Vec<u8>> {
        if now < self.due {
            return None;
        }
        let missed = self.due + self.pause <= now;
        self.due = if missed { now } else { self.due } + self.pause;
        let number = self.tally.send(now);
        let payload = [self.id.to_be_bytes(), number.to_be_bytes()].concat();
        Some(match self.ends {
            Ends::V4(from, to) => echo_request(from, to, number as u16, &payload),
            Ends::V6(from, to) => frames6::echo_request(from, to, number as u16, &payload),
        })
    }

    /// Takes a frame from the wire; true when it is an answer to this stream.
    pub fn take(&mut self, frame: &[u8], now: Duration) -> bool {
        let number = frame.strip_prefix(&self.mac()).and_then(|_| self.answered(frame));
        number.inspect(|&number| self.tally.answer(number, now)).is_some()
    }

    fn mac(&self) -> Mac {
        match self.ends {
            Ends::V4(from, _) => from.mac,
            Ends::V6(from, _) => from.mac,
        }
    }

    /// The number in an answer to this stream; `None` for any other frame.
    fn answered(&self, frame: &[u8]) -> Option<u64> {
        let payload = match self.ends {
            Ends::V4(..) => echoed(frame)?,
            Ends::V6(..) => frames6::echoed(frame)?,
        };
        let word = |at: usize| payload.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes);
        word(8).filter(|_| word(0) == Some(self.id))
    }

    /// What became of the requests.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

/// The payload of an ICMP echo reply; `None` for any other frame.
///
/// # Panics
/// When the frame was damaged on its way.
fn echoed(frame: &[u8]) -> Option<&[u8]> {
    let ip = frame.get(ETHERNET_LEN..)?;
    let is_icmp = frame[12..ETHERNET_LEN] == ETHERTYPE_IPV4.to_be_bytes() && *ip.first()? == 0x45;
    if !is_icmp || *ip.get(9)? != ICMP_PROTOCOL || *ip.get(IPV4_LEN)? != ICMP_ECHO_REPLY {
        return None;
    }
    let end = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let icmp = ip.get(IPV4_LEN..end)?;
    assert!(
        checksum(&ip[..IPV4_LEN]) == 0 && checksum(icmp) == 0,
        "an echo reply was damaged on its way: {frame:02x?}"
    );
    icmp.get(ICMP_LEN..)
}

#[cfg(test)]
mod tests {
    use super::{Host, Stream};
    use crate::frames::echo_reply;
    use std::time::Duration;

    const A: Host = Host { mac: [2, 0, 0, 0, 0, 1], ip: [10, 0, 0, 1] };
    const B: Host = Host { mac: [2, 0, 0, 0, 0, 2], ip: [10, 0, 0, 2] };

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn requests_are_paced_and_a_sender_that_was_held_up_does_not_burst() {
        let mut stream = Stream::new(1, A, B, 100);
        let mut sent_at = |now| (stream.poll(ms(now)).is_some(), stream.due());
        assert_eq!(sent_at(0), (true, ms(10)));
        assert_eq!(sent_at(9), (false, ms(10)));
        assert_eq!(sent_at(12), (true, ms(20)), "a little late is made good");
        assert_eq!(sent_at(95), (true, ms(105)), "much is not");
        assert_eq!(sent_at(95), (false, ms(105)));
    }

    #[test]
    fn a_stream_knows_its_own_answers() {
        let (mut one, mut other) = (Stream::new(1, A, B, 1000), Stream::new(2, A, B, 1000));
        let requests: Vec<Vec<u8>> = (0..3).map(|now| one.poll(ms(now)).unwrap()).collect();
        other.poll(ms(0)).unwrap();
        let mut answers = requests.iter().map(|request| echo_reply(B, request).unwrap());
        let (first, last) = (answers.next().unwrap(), answers.next_back().unwrap());
        assert!(!one.take(&requests[0], ms(3)), "its own request is no answer");
        assert!(!other.take(&first, ms(3)));
        assert!(one.take(&first, ms(3)) && one.take(&last, ms(4)));
        let report = one.tally().report(0..3);
        assert_eq!((report.sent, report.answered, report.lost()), (3, 2, 1));
    }

    #[test]
    #[should_panic(expected = "damaged")]
    fn a_damaged_answer_is_an_error() {
        let mut stream = Stream::new(1, A, B, 1);
        let mut answer = echo_reply(B, &stream.poll(ms(0)).unwrap()).unwrap();
        *answer.get_mut(14 + 20 + 8 + 15).unwrap() ^= 1;
        stream.take(&answer, ms(1));
    }
}
