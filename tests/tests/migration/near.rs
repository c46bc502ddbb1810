// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who speaks with the guest: a synthetic guest with an address of each family, that answers for its own.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use tests::frames::Host;
use tests::frames6::{Host6, neighbor_answer};
use tests::guest::SyntheticGuest;
use tests::stream::Wire;
use tests::wait::Deadline;

/// Frames that may be under way to the switch; more are lost.
const UNDER_WAY_MAX: usize = 128;

/// See the module.
pub(crate) struct Near {
    guest: SyntheticGuest,
    pub(crate) host: Host,
    pub(crate) host6: Host6,
    /// The switch has been started anew.
    is_cut_off: Arc<AtomicBool>,
    unsent: Arc<AtomicU64>,
}

/// A host with this last octet in each of its addresses.
pub(crate) fn addresses(mac: [u8; 6], last: u8) -> (Host, Host6) {
    (Host { mac, ip: [10, 0, 0, last] }, Host6 { mac, ip: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last.into()) })
}

impl Near {
    pub(crate) fn new(guest: SyntheticGuest, last: u8) -> Near {
        let (host, host6) = addresses(guest.mac(), last);
        Near { guest, host, host6, is_cut_off: Arc::default(), unsent: Arc::default() }
    }

    /// Set it when the switch has been started anew.
    pub(crate) fn cut_off(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_cut_off)
    }

    /// Counts frames that are lost before they come to the switch.
    pub(crate) fn unsent(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.unsent)
    }
}

impl Wire for Near {
    fn send(&mut self, frame: &[u8]) {
        let transmit = &mut self.guest.pairs()[0].tx;
        transmit.reclaim();
        if transmit.in_flight() < UNDER_WAY_MAX {
            self.guest.send(frame);
        } else {
            self.unsent.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn receive(&mut self, until: Instant) -> Option<Vec<u8>> {
        if self.is_cut_off.swap(false, Ordering::Relaxed) {
            self.guest.reconnect(Deadline::patient());
        }
        let frame = self.guest.receive(until)?;
        match neighbor_answer(self.host6, &frame) {
            Some(answer) => {
                self.send(&answer);
                None
            }
            None => Some(frame),
        }
    }
}
