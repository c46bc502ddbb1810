// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Measurements. Figures belong to one machine and one sitting; what is worth quoting are ratios.

mod peers;

use crate::Outcome;
use clap::Subcommand;

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Measurement {
    /// Compare weft with OVS-DPDK and with DPDK's testpmd, one core each, in turns
    Peers(peers::Options),
    /// Measure one switch in one scenario, once; prints JSON
    One(peers::One),
}

/// Carries out one measurement.
pub(crate) fn run(measurement: &Measurement) -> Outcome {
    match measurement {
        Measurement::Peers(options) => peers::run(options),
        Measurement::One(options) => peers::one(options),
    }
}
