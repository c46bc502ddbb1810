// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What ports have moved and lost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a port has moved since it was added, seen from the port's owner (the guest); or all ports of a namespace since
/// that was added, those too that are gone.
///
/// A frame of the guest that the switch refuses is counted in `drops` of the *sender* (`spoofed-mac`), a frame that
/// could not be handed to a guest is counted in `drops` of the *receiver* (its ring was full); the text of the
/// reason says which. `tx_frames` and `tx_bytes` count what was taken from the guest, dropped or not; `rx_frames` and
/// `rx_bytes` what was delivered to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Frames delivered to the guest.
    pub rx_frames: u64,
    /// Frames the guest sent, dropped or not.
    pub tx_frames: u64,
    /// Bytes of `rx_frames`, Ethernet header included.
    pub rx_bytes: u64,
    /// Bytes of `tx_frames`, Ethernet header included.
    pub tx_bytes: u64,
    /// Checksums that the switch completed because the guest takes none that are unfinished.
    pub software_checksums: u64,
    /// Frames that the switch made by cutting up larger ones that the guest does not take (TSO).
    pub software_segments: u64,
    /// Router Advertisements that weftd has heard.
    pub snooped_advertisements: u64,
    /// Router Solicitations that weftd has heard.
    pub snooped_solicitations: u64,
    /// Of either, those that went on unheard: too many waited to be heard already, or the frame was too long.
    pub snoop_missed: u64,
    /// Frames lost, by reason; only reasons that occurred.
    pub drops: BTreeMap<String, u64>,
}
