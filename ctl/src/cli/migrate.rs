// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft migrate …`: a port is taken over by another weftd before its guest moves there.
//!
//! The command speaks with both, and they not with each other. So neither daemon needs the right to administer the other, nor a
//! channel that could be attacked; whoever arranges the migration of the guest has both rights anyway. The other's control socket
//! must be reachable as a Unix socket: over hosts, that is a matter of `ssh -L`, or of `weft port export` and `import` over any
//! channel that keeps what it carries.

use std::path::PathBuf;

use clap::Subcommand;

use super::failure::Failure;
use super::port::landing::{self, Landing};
use super::{Context, Outcome};
use crate::client::Client;
use crate::proto::v1::{PortExport, PortLeave, PortStay};

/// What can be done about a migration.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Have another weftd take a port over, before its guest is migrated. When that refuses, nothing has changed here
    #[command(after_help = PREPARE)]
    Prepare {
        /// The port, NAME or NAMESPACE:NAME
        port: String,
        /// Control socket of the other weftd
        #[arg(long, value_name = "SOCKET")]
        to: PathBuf,
        #[command(flatten)]
        landing: Box<Landing>,
    },
    /// Let a port stay that was to leave. The other weftd keeps the port that it has staged: delete it there
    Cancel {
        /// The port, NAME or NAMESPACE:NAME
        port: String,
    },
}

/// What stands below the options of `migrate prepare`.
const PREPARE: &str = "\
The guest goes on here until its VMM migrates it. There its port is staged: frames for it
leave by the namespace's uplink until it sends one there. Once it does not run here any more
and an uplink brings a frame of it, frames for it follow it by that uplink.";

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    let mut here = context.client()?;
    match verb {
        Verb::Prepare { port: name, to, landing } => {
            let exported = here.call(&PortExport { name: name.clone() })?;
            let elsewhere = |why| Failure::Elsewhere { socket: to.clone(), why };
            let mut there = Client::connect(&to, context.global.timeout()).map_err(elsewhere)?;
            let came = there.call(&landing.import(exported.text)?).map_err(elsewhere)?;
            here.call(&PortLeave { name, id: exported.id })?;
            context.output.answer(&came, |_| landing::line(&came))
        }
        Verb::Cancel { port: name } => {
            let port = here.call(&PortStay { name })?.port;
            context.output.answer(&port, |_| String::new())
        }
    }
}
