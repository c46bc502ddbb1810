// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft vf …`.

mod render;

pub(super) use render::{asked, lane, losses};

use clap::Subcommand;

use super::{Context, Outcome};
use crate::proto::v1::{Lane, VfOffer, VfReply, VfRevoke, VfStatus, VfSwitch};

/// What can be done with VFs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Offer the VF of a port to its guest, which uses it as soon as it is ready
    Offer {
        /// The port, NAME or NAMESPACE:NAME
        port: String,
    },
    /// Take the VF of a port away from its guest, which goes on over the synthetic lane
    Revoke {
        /// The port, NAME or NAMESPACE:NAME
        port: String,
    },
    /// Have the frames of a guest on one of the two lanes of its port; the VF stays plugged
    Switch {
        /// The port, NAME or NAMESPACE:NAME
        port: String,
        /// The lane
        lane: Lane,
    },
    /// Show the VF of a port in full, or those of all ports: which lane is active and why, what each has carried
    Status {
        /// The port, NAME or NAMESPACE:NAME
        port: Option<String>,
    },
}

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    let mut client = context.client()?;
    let VfReply { vf } = match verb {
        Verb::Offer { port: name } => client.call(&VfOffer { name })?,
        Verb::Revoke { port: name } => client.call(&VfRevoke { name })?,
        Verb::Switch { port: name, lane } => client.call(&VfSwitch { name, lane })?,
        Verb::Status { port } => {
            let single = port.is_some();
            let vfs = client.call(&VfStatus { name: port })?.vfs;
            return match vfs.first().filter(|_| single) {
                Some(vf) => context.output.answer(vf, |_| render::page(vf)),
                None => context.output.answer(&vfs, |output| render::table(&vfs, output)),
            };
        }
    };
    context.output.answer(&vf, |_| render::line(&vf))
}
