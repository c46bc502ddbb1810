// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a sitting consists of, as the command line says it.

use super::scenario::{self, Scenario};
use super::switches::Peer;
use crate::cargo;
use crate::failure::Failure;
use clap::Args;
use std::path::PathBuf;

/// Options of `bench peers`.
#[derive(Args)]
pub(crate) struct Options {
    /// How often everything is measured; figures are medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rounds: u32,
    /// Length of one measurement
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seconds: u64,
    /// What is measured: "all", or names of scenarios, a wrong one lists them
    #[arg(long, visible_alias = "sizes", value_delimiter = ',', default_value = "64,512,1500")]
    scenarios: Vec<String>,
    /// Who is measured
    #[arg(long, value_delimiter = ',', value_enum, default_value = "weft,testpmd,ovs")]
    peers: Vec<Name>,
    /// A further weft, built before: its folder must hold weft and weftd (may be repeated)
    #[arg(long, value_name = "LABEL=DIR")]
    weft: Vec<Peer>,
    /// A Debian tree with the peers; made where it does not exist [default: .cache/trixie]
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,
    /// Runs each measurement under this command, which can keep a shared machine quiet meanwhile
    #[arg(long, value_name = "COMMAND")]
    pub(super) wrap: Option<PathBuf>,
    /// Adds to the rounds of earlier sittings, which target/bench/peers.json has
    #[arg(long)]
    pub(super) add: bool,
    /// Also rewrites the tables of docs/performance.md
    #[arg(long)]
    pub(super) record: bool,
    /// Install nothing; fail where something is missing
    #[arg(long)]
    pub(super) no_install: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    Weft,
    Testpmd,
    Ovs,
}

impl Options {
    /// The scenarios.
    ///
    /// # Errors
    /// A name that is not in the table, with those that are.
    pub(super) fn scenarios(&self) -> Result<Vec<&'static Scenario>, Failure> {
        if self.scenarios.iter().any(|name| name == "all") {
            return Ok(scenario::ALL.iter().collect());
        }
        self.scenarios.iter().map(|name| scenario::find(name)).collect()
    }

    /// Who takes part; `built` is asked for this tree's weft where that does.
    ///
    /// # Errors
    /// Those of `built`.
    pub(super) fn peers(&self, built: impl Fn() -> Result<PathBuf, Failure>) -> Result<Vec<Peer>, Failure> {
        // weft first: ratios are those of the first to the others.
        let mut peers = self.weft.clone();
        for name in &self.peers {
            peers.push(match name {
                Name::Weft => Peer::Weft { label: "weft".to_owned(), binaries: built()? },
                Name::Testpmd => Peer::Testpmd,
                Name::Ovs => Peer::Ovs,
            });
        }
        Ok(peers)
    }

    /// Where the peers live.
    pub(super) fn tree(&self) -> PathBuf {
        self.tree.clone().unwrap_or_else(tree)
    }
}

/// Options of `bench one`.
#[derive(Args)]
pub(crate) struct One {
    /// Who: testpmd, ovs, or LABEL=DIR of a weft
    pub(super) peer: Peer,
    /// The name of a scenario
    pub(super) scenario: String,
    /// How long it is measured
    #[arg(long, default_value_t = 5)]
    pub(super) seconds: u64,
    /// A Debian tree with the peers [default: .cache/trixie]
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,
}

impl One {
    /// Where the peers live.
    pub(super) fn tree(&self) -> PathBuf {
        self.tree.clone().unwrap_or_else(tree)
    }
}

fn tree() -> PathBuf {
    cargo::root().join(".cache/trixie")
}
