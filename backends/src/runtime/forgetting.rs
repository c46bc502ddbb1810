// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! When the IP addresses of a port's guest are forgotten: another one begins there, or the same one from its beginning.
//!
//! A ring tells by where it begins, and one that begins at its beginning need not be new: a guest of many queues leaves some idle,
//! and an index comes round. So what is known is only set aside at the first ring of a session, and comes back with a ring of it
//! that was in use, if that starts soon; a driver that is new has used none by then. For a guest that is expected from elsewhere
//! nothing is forgotten at all: what is known of it came just for this.

use std::time::Duration;

use dataplane::{Address, Instant, Port};

/// A VMM starts the rings of a guest one after the other, within so long.
const STARTING_MAX: Duration = Duration::from_secs(1);

/// What of a port's guest is on the way to be forgotten.
#[derive(Default)]
pub(super) struct Forgetting {
    /// A ring was in use, of those that run.
    in_use: bool,
    /// What was known, and when it was set aside.
    aside: Option<(Instant, Vec<Address>)>,
}

impl Forgetting {
    /// A ring of the port is about to start. `is_first`: none runs.
    pub(super) fn judge(&mut self, port: &Port, is_first: bool, was_in_use: bool, now: Instant) {
        if is_first {
            *self = Self::default();
        }
        if was_in_use {
            self.in_use = true;
            let aside = self.aside.take().filter(|(since, _)| now.since(*since) <= STARTING_MAX);
            aside.into_iter().for_each(|(since, known)| port.restore_addresses(&known, since));
        } else if !self.in_use && self.aside.is_none() && !port.is_running() && !port.is_away() {
            self.aside = Some((now, port.addresses(now)));
            port.forget_addresses();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dataplane::{MacPolicy, PortConfig, PortSlot, Role};
    use wire::MacAddr;

    use super::*;

    const NOW: Instant = Instant::from_nanos(1_000_000_000_000);

    fn port() -> Arc<Port> {
        let mac = MacAddr([2, 0, 0, 0, 0, 1]);
        let config = PortConfig { mac, role: Role::Host, macs: MacPolicy::Own, mtu: 1500, queue_pairs: 2 };
        let port = Port::new(PortSlot(0), &config);
        let address = Address { ip: "192.0.2.1".parse().unwrap(), is_router: false, age: Duration::ZERO };
        port.restore_addresses(&[address], NOW);
        port
    }

    /// Starts rings a millisecond apart; whether each was in use. How many addresses are known then.
    fn known_after(port: &Port, rings: &[bool]) -> usize {
        let mut forgetting = Forgetting::default();
        let mut now = NOW;
        for (number, was_in_use) in rings.iter().enumerate() {
            now = now + Duration::from_millis(1);
            forgetting.judge(port, number == 0, *was_in_use, now);
        }
        port.addresses(now).len()
    }

    #[test]
    fn only_a_guest_none_of_whose_rings_was_in_use_begins_anew() {
        assert_eq!(known_after(&port(), &[false, false, false, false]), 0);
        for number in 0..4 {
            let rings: Vec<_> = (0..4).map(|other| other == number).collect();
            assert_eq!(known_after(&port(), &rings), 1, "its ring {number} was in use");
        }
    }

    #[test]
    fn of_a_guest_that_is_expected_all_is_kept() {
        let port = port();
        port.set_away(true);
        assert_eq!(known_after(&port, &[false, false, false, false]), 1);
        port.set_away(false);
        assert_eq!(known_after(&port, &[false, false]), 0);
    }

    #[test]
    fn what_a_new_driver_has_used_brings_nothing_back() {
        let port = port();
        let mut forgetting = Forgetting::default();
        forgetting.judge(&port, true, false, NOW);
        forgetting.judge(&port, false, true, NOW + STARTING_MAX * 2);
        assert!(port.addresses(NOW).is_empty());
        // Nor does what was known in the session before.
        let port = self::port();
        forgetting.judge(&port, true, false, NOW);
        forgetting.judge(&port, true, true, NOW);
        assert!(port.addresses(NOW).is_empty());
    }
}
