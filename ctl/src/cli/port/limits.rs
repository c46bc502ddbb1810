// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The limits of a port on the command line.

use clap::Args;

use crate::proto::v1::{BadRate, Limits, Rate};

/// What stands below the options of `port add`, `port set` and `namespace delegate`.
pub(in crate::cli) const HELP: &str = "\
A RATE is a number a second, such as 10000, 10k, 125M or 1G (powers of ten), or `none`. Behind a \
colon may stand how much passes at once after a pause: 10k:2k. Without it that is a tenth of a \
second's worth, at least 64 frames or 65557 bytes. A new port has no limits. Bytes are those of the \
Ethernet frames: 1 Gbit/s is 125M. A frame that is still to be segmented (TSO) is one frame with all \
of its bytes. What is more than a limit allows is dropped and counted as tx-policed, rx-policed or \
flood-policed.";

/// How much a guest may send, receive and flood.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(in crate::cli) struct LimitArgs {
    /// Frames a second that the guest may send
    #[arg(long, value_name = "RATE", value_parser = rate)]
    tx_frames: Option<Rate>,
    /// Bytes a second that the guest may send
    #[arg(long, value_name = "RATE", value_parser = rate)]
    tx_bytes: Option<Rate>,
    /// Frames a second that are delivered to the guest
    #[arg(long, value_name = "RATE", value_parser = rate)]
    rx_frames: Option<Rate>,
    /// Bytes a second that are delivered to the guest
    #[arg(long, value_name = "RATE", value_parser = rate)]
    rx_bytes: Option<Rate>,
    /// Frames a second that the guest may send to broadcast, multicast and unknown MACs
    #[arg(long, value_name = "RATE", value_parser = rate)]
    flood_frames: Option<Rate>,
    /// Bytes a second that the guest may send to broadcast, multicast and unknown MACs
    #[arg(long, value_name = "RATE", value_parser = rate)]
    flood_bytes: Option<Rate>,
}

impl LimitArgs {
    /// The limits that were named, if any.
    pub(in crate::cli) fn said(self) -> Option<Limits> {
        let LimitArgs { tx_frames, tx_bytes, rx_frames, rx_bytes, flood_frames, flood_bytes } = self;
        let limits = Limits { tx_frames, tx_bytes, rx_frames, rx_bytes, flood_frames, flood_bytes };
        (!limits.is_empty()).then_some(limits)
    }
}

/// Parses a rate, or `none`.
pub(in crate::cli) fn rate(text: &str) -> Result<Rate, String> {
    // On the wire a rate of 0 takes a limit away; typed, it is rather a mistake.
    if text == "none" {
        return Ok(Rate::default());
    }
    text.parse().map_err(|BadRate| format!("expected {}, or none", BadRate::EXPECTED))
}
