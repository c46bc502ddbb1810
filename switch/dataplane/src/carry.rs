// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One frame that control carries over a link because the frame path has taken it out: it meets there what any frame does that
//! crosses ([`crate::patch`]), limits, MTU, counters and the far table.

use wire::EtherHeader;

use crate::drops::DropReason;
use crate::limits::LINK_HOPS;
use crate::mac_table::Learned;
use crate::namespace::Namespace;
use crate::policing::SendPolicers;
use crate::port::Port;
use crate::stats::Delta;
use crate::time::Instant;

impl Port {
    /// Lets a frame go into the link that this port is an end of; `hops` are those that it has crossed.
    ///
    /// # Errors
    /// It does not, which the port has counted.
    pub fn carry_in(&self, frame: &[u8], hops: u8, now: Instant) -> Result<(), DropReason> {
        let (mut delta, len) = (Delta::default(), frame.len() as u32);
        let may_cross = if hops < LINK_HOPS { Ok(()) } else { Err(DropReason::LinkLoop) };
        let carried = self.may_emit(frame, now).and(may_cross);
        match carried {
            Ok(()) => delta.traffic.count(len),
            Err(reason) => delta.drops.add(reason),
        }
        self.counters.add_rx(&delta);
        carried
    }

    /// Lets a frame come out of the link, here, into `namespace`. Nothing has looked at it yet.
    ///
    /// # Errors
    /// The limits of what comes from here do not allow it, which the port has counted.
    pub fn carry_out(&self, namespace: &Namespace, frame: &[u8], now: Instant) -> Result<(), DropReason> {
        let mut delta = Delta::default();
        delta.traffic.count(frame.len() as u32);
        let policed = SendPolicers::of(self, namespace).transmit_one(frame.len() as u32, now);
        if let Err(reason) = policed {
            delta.drops.add(reason);
        }
        self.counters.add_tx(&delta);
        policed
    }

    /// Lets the table of `namespace` learn from a frame that has come out here and may, and asks for how much is flooded.
    ///
    /// # Errors
    /// Its source is somebody else's, or too much is flooded, which the port has counted.
    pub fn carry_on(&self, namespace: &Namespace, frame: &[u8], now: Instant) -> Result<(), DropReason> {
        let (table, ether) = (namespace.fdb(), EtherHeader::parse(frame).unwrap_or_default());
        let spoofed = ether.src != self.mac() && table.learn(ether.src, self.slot(), now) == Learned::Pinned;
        let floods = ether.dst.is_multicast() || table.lookup(ether.dst).is_none();
        let admitted = match (spoofed, floods) {
            (true, _) => Err(DropReason::SpoofedMac),
            (false, true) => SendPolicers::of(self, namespace).flood_one(frame.len() as u32, now),
            (false, false) => Ok(()),
        };
        admitted.inspect_err(|reason| self.refuse_router(*reason))
    }
}
