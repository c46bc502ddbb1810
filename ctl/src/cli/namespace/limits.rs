// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The limits of a namespace on the command line.

use clap::Args;

use crate::cli::port::limits::rate;
use crate::proto::v1::{Limits, Rate};

/// What stands below the options of `namespace add` and `namespace set`.
pub(super) const HELP: &str = "\
Limits hold for what all ports of the namespace and of those in it send together, ends of links too, \
beside the limits that each port has. A RATE is said as for ports: 10000, 10k, 1G, 10k:2k or `none`. \
A new namespace has no limits. What is more than a limit allows is dropped and counted, at the port \
that sent it, as namespace-tx-policed or namespace-flood-policed.";

/// How much all ports of a namespace and below it may send and flood together.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// Frames a second that they may send
    #[arg(long, value_name = "RATE", value_parser = rate)]
    tx_frames: Option<Rate>,
    /// Bytes a second that they may send
    #[arg(long, value_name = "RATE", value_parser = rate)]
    tx_bytes: Option<Rate>,
    /// Frames a second that they may send to broadcast, multicast and unknown MACs
    #[arg(long, value_name = "RATE", value_parser = rate)]
    flood_frames: Option<Rate>,
    /// Bytes a second that they may send to broadcast, multicast and unknown MACs
    #[arg(long, value_name = "RATE", value_parser = rate)]
    flood_bytes: Option<Rate>,
}

impl LimitArgs {
    /// The limits that were named, if any.
    pub(super) fn said(self) -> Option<Limits> {
        let LimitArgs { tx_frames, tx_bytes, flood_frames, flood_bytes } = self;
        let limits = Limits { tx_frames, tx_bytes, flood_frames, flood_bytes, ..Limits::default() };
        (!limits.is_empty()).then_some(limits)
    }
}
