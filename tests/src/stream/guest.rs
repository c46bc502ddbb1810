// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests as ends of a stream: a synthetic one as the near end, and what an emulated one says of the far end.

use std::time::Instant;

use qemu::Guest;

use super::Wire;
use crate::guest::SyntheticGuest;
use crate::setup::Must;
use crate::wait::Deadline;

impl Wire for SyntheticGuest {
    fn send(&mut self, frame: &[u8]) {
        SyntheticGuest::send(self, frame);
    }

    fn receive(&mut self, until: Instant) -> Option<Vec<u8>> {
        let deadline = Deadline::after(until.saturating_duration_since(Instant::now()));
        self.recv_until(deadline, |_| true).map(|received| received.frame)
    }
}

/// Requests over IPv4 that an emulated guest has heard and did not answer, since it booted: Linux answers no more at a time than its
/// ICMP socket has room for (`OutErrors` in `/proc/net/snmp`).
///
/// # Panics
/// If the guest does not say.
pub fn unanswered(guest: &Guest) -> u64 {
    let counted = "awk '$1 == \"Icmp:\" { if (n) print $n; else for (i = 1; i <= NF; i++) if ($i == \"OutErrors\") n = i } ' \
                   /proc/net/snmp";
    guest.run_ok(counted).must().trim().parse().expect("a number")
}
