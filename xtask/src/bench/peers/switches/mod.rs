// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The switches that are compared, and what they have in common.

mod io;
mod ovs;
mod weft;

use super::load::{Listener, PORTS_MAX};
use super::scenario::Scenario;
use super::site::Site;
use crate::failure::Failure;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Somebody who takes part.
#[derive(Debug, Clone)]
pub(crate) enum Peer {
    /// weft.
    Weft {
        /// In tables; there may be several.
        label: String,
        /// The folder of its weft and weftd.
        binaries: PathBuf,
    },
    /// DPDK's testpmd in `io` mode: it copies from port to port and switches nothing.
    Testpmd,
    /// OVS with its DPDK datapath, as a learning switch.
    Ovs,
}

impl Peer {
    /// In tables.
    pub(crate) fn label(&self) -> &str {
        match self {
            Peer::Weft { label, .. } => label,
            Peer::Testpmd => "testpmd io",
            Peer::Ovs => "OVS-DPDK",
        }
    }

    /// Who listens on the sockets when this one switches.
    pub(crate) fn listener(&self, scenario: &Scenario) -> Listener {
        if matches!(self, Peer::Ovs) { ovs::listener(scenario) } else { Listener::Switch }
    }

    /// Why it cannot do this at all.
    pub(crate) fn obstacle(&self, scenario: &Scenario) -> Option<&'static str> {
        let too_many = matches!(self, Peer::Testpmd) && scenario.ports > PORTS_MAX;
        too_many.then_some("a testpmd has at most 32 ports")
    }

    /// Starts it with all ports of the scenario.
    ///
    /// # Errors
    /// It does not come up.
    pub(crate) fn start<'a>(&self, site: &'a Site<'a>, scenario: &Scenario) -> Result<Box<dyn Switch + 'a>, Failure> {
        Ok(match self {
            Peer::Weft { binaries, .. } => Box::new(weft::Weftd::start(site, scenario, binaries)?),
            Peer::Testpmd => Box::new(io::Copier::start(site, scenario)?),
            Peer::Ovs => Box::new(ovs::Ovs::start(site, scenario)?),
        })
    }
}

/// As [`Peer::from_str`] reads it.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Weft { label, binaries } => write!(f, "{label}={}", binaries.display()),
            Peer::Testpmd => f.write_str("testpmd"),
            Peer::Ovs => f.write_str("ovs"),
        }
    }
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Peer, String> {
        match text.split_once('=') {
            Some((label, folder)) => {
                let binaries = Path::new(folder).canonicalize().map_err(|error| format!("{folder}: {error}"))?;
                Ok(Peer::Weft { label: label.to_owned(), binaries })
            }
            None if text == "testpmd" => Ok(Peer::Testpmd),
            None if text == "ovs" => Ok(Peer::Ovs),
            None => Err("testpmd, ovs, or LABEL=DIR of a weft is expected".to_owned()),
        }
    }
}

/// A running switch; gone when dropped.
pub(crate) trait Switch {
    /// Cycles are counted from now on.
    ///
    /// # Errors
    /// It gives no answer.
    fn begin(&mut self) -> Result<(), Failure>;

    /// The process whose time and memory count.
    fn process(&self) -> u32;

    /// Cycles a frame that its core was busy since [`Switch::begin`], by its own account; none when it keeps none.
    ///
    /// # Errors
    /// It gives no answer, or one that is not understood.
    fn cycles(&mut self) -> Result<Option<f64>, Failure>;
}
