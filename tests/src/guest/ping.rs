// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A ping between two synthetic guests, both played by the caller's thread.
use super::SyntheticGuest;
use crate::frames::{ETHERNET_LEN, Host, echo_reply, echo_request};
use crate::wait::Deadline;

/// The address that a guest answers to; its last bytes are those of its MAC.
pub fn host_of(guest: &SyntheticGuest) -> Host {
    let mac = guest.mac();
    Host { mac, ip: [10, mac[3], mac[4], mac[5]] }
}

/// `one` asks, `two` answers; both frames must arrive unchanged. Other frames that come meanwhile are dropped.
///
/// # Panics
/// When either does not arrive by the usual deadline.
pub fn ping(one: &mut SyntheticGuest, two: &mut SyntheticGuest, sequence: u16) {
    let (asker, answerer) = (host_of(one), host_of(two));
    let request = echo_request(asker, answerer, sequence, b"a frame that tests send");
    one.send(&request);
    let asked = two.recv_until(Deadline::patient(), |received| received.frame == request);
    assert!(asked.is_some(), "{} never saw echo request {sequence} of {}", two.name(), one.name());
    let reply = echo_reply(answerer, &request).expect("it is a request to this host");
    two.send(&reply);
    let answered =
        one.recv_until(Deadline::patient(), |received| received.frame[ETHERNET_LEN..] == reply[ETHERNET_LEN..]);
    assert!(answered.is_some(), "{} never saw echo reply {sequence} of {}", one.name(), two.name());
}

/// Two guests, of whom the one asks the other now and then whether it is still there.
pub struct Couple {
    /// Who asks.
    pub one: SyntheticGuest,
    /// Who answers.
    pub two: SyntheticGuest,
    asked: u16,
}

impl Couple {
    /// Of these two.
    pub fn new(one: SyntheticGuest, two: SyntheticGuest) -> Couple {
        Couple { one, two, asked: 0 }
    }

    /// [`ping`], with a number that was not used before.
    ///
    /// # Panics
    /// As that.
    pub fn ping(&mut self) {
        self.asked += 1;
        ping(&mut self.one, &mut self.two, self.asked);
    }
}
