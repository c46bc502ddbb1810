// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A synthetic guest as the near end of a stream.

use std::time::Instant;

use super::Wire;
use crate::guest::SyntheticGuest;
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
