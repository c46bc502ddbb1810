// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What can be typed: global options and the objects. The verbs of an object stand in its own module.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use super::call::CallArgs;
use super::global::Global;
use super::{config, fdb, link, log, migrate, namespace, port, pvd, ra, vf, worker};

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    wrong usage, or a value or configuration that is not valid
  2    not found; `config diff`: there are differences; `ra check`: something is wrong
  3    weftd cannot be reached, or the connection broke
  4    refused: no permission
  5    conflict: exists, is in use, a limit is reached, or not as things stand
  6    ambiguous: there are several of that name
  65   tried, and failed as a whole or in part: the error says what was done
  124  timeout

Verbs and objects may be shortened as long as they are unique: `weft po li`.";

/// Controls weftd, the multi-tenant vhost-user switch.
#[derive(Debug, Parser)]
#[command(name = "weft", version, after_help = AFTER_HELP, infer_subcommands = true, max_term_width = 100)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) object: Object,
}

/// What weft can be asked about.
#[derive(Debug, Subcommand)]
pub(super) enum Object {
    /// Show the state of weftd: version, workers, counts, warnings
    Status,
    /// Workers: the threads that move frames
    #[command(infer_subcommands = true)]
    Worker {
        #[command(subcommand)]
        verb: worker::Verb,
    },
    /// Namespaces: the virtual networks of tenants
    #[command(infer_subcommands = true)]
    Namespace {
        #[command(subcommand)]
        verb: namespace::Verb,
    },
    /// Ports: the virtual NICs of guests. The name of one is its own in its namespace only: say NAME, or NAMESPACE:NAME
    /// where there are several
    #[command(infer_subcommands = true)]
    Port {
        #[command(subcommand)]
        verb: port::Verb,
    },
    /// VFs: second lanes of ports, which come and go while the guest keeps its NIC. `weft port set --vf` gives a port one
    #[command(infer_subcommands = true)]
    Vf {
        #[command(subcommand)]
        verb: vf::Verb,
    },
    /// Migrations of guests: their ports are taken over by another weftd
    #[command(infer_subcommands = true)]
    Migrate {
        #[command(subcommand)]
        verb: migrate::Verb,
    },
    /// Links: ways from one namespace into another
    #[command(infer_subcommands = true)]
    Link {
        #[command(subcommand)]
        verb: link::Verb,
    },
    /// MAC tables: which MAC is behind which port
    #[command(infer_subcommands = true)]
    Fdb {
        #[command(subcommand)]
        verb: fdb::Verb,
    },
    /// Provisioning domains (PvDs): what routers teach about the networks behind them, and what operators say
    #[command(infer_subcommands = true)]
    Pvd {
        #[command(subcommand)]
        verb: pvd::Verb,
    },
    /// Router Advertisements that are remembered
    #[command(infer_subcommands = true)]
    Ra {
        #[command(subcommand)]
        verb: ra::Verb,
    },
    /// The configuration as a whole
    #[command(infer_subcommands = true)]
    Config {
        #[command(subcommand)]
        verb: config::Verb,
    },
    /// Have the weftd program that is installed now take over from the one that runs; guests stay attached
    Upgrade {
        /// End sessions of guests that cannot go on, and drop frames that wait for a guest, rather than not to upgrade
        #[arg(long)]
        force: bool,
    },
    /// What weftd logs
    #[command(infer_subcommands = true)]
    Log {
        #[command(subcommand)]
        verb: log::Verb,
    },
    /// Explain why frames are dropped
    Explain {
        /// Name of a drop reason, as `weft port show` prints it; all of them when left out
        reason: Option<String>,
    },
    /// Call any varlink method and print its reply as JSON
    Call(CallArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}
