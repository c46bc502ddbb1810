// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft migrate …`: a port is taken over by another weftd before its guest moves there.
//!
//! The command speaks with both, and they not with each other. So neither daemon needs the right to administer the other, nor a
//! channel of its own that could be attacked. The other one is reached by its control socket, of which whoever arranges the migration
//! must be an administrator, or over TLS by the `weft-peer` of its host ([`channel`]), which lets him do nothing else there.

mod channel;

use clap::Subcommand;

use super::port::landing::{self, Landing};
use super::{Context, Outcome};
use crate::proto::v1::{PortExport, PortLeave, PortStay};
pub(super) use channel::Place;
use channel::{Channel, Way};

/// What can be done about a migration.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Have another weftd take a port over, before its guest is migrated. When that refuses, nothing has changed here
    #[command(after_help = PREPARE)]
    Prepare {
        /// The port, NAME or NAMESPACE:NAME
        port: String,
        #[command(flatten)]
        way: Way,
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
and an uplink brings a frame of it, frames for it follow it by that uplink.

--to tls:HOST:PORT reaches another host whose weft-peer listens there. Each side shows the
other a certificate, of an authority in --ca: that of this host must have a name that
weft-peer there has on its list, and that of the other host the name HOST, or --peer.";

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    let mut here = context.client()?;
    match verb {
        Verb::Prepare { port: name, way, landing } => {
            let exported = here.call(&PortExport { name: name.clone() })?;
            let mut there = Channel::open(way, context.global.timeout())?;
            let came = there.call(&landing.import(exported.text)?)?;
            here.call(&PortLeave { name, id: exported.id })?;
            context.output.answer(&came, |_| landing::line(&came))
        }
        Verb::Cancel { port: name } => {
            let port = here.call(&PortStay { name })?.port;
            context.output.answer(&port, |_| String::new())
        }
    }
}
