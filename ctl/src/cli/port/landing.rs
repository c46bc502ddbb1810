// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft port export` and `weft port import`: what may be said of a port where it lands, on the command line.

use std::path::PathBuf;

use clap::Args;

use super::vf::VfArgs;
use crate::cli::failure::Failure;
use crate::cli::path::for_daemon;
use crate::proto::v1::{Mode, PortImport, PortImportReply, VhostUser};
use crate::render::text::printable;

/// What differs where the port lands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Landing {
    /// The namespace to put it into [default: that of the same path]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Add the namespace there if it is missing, and those that it lies in, with the numbers and settings that they have here
    #[arg(long)]
    add_namespace: bool,
    /// The number that it shall have in its namespace [default: the same, which must be free]
    #[arg(long, value_name = "N")]
    number: Option<u32>,
    /// Path of the vhost-user socket there [default: the same]
    #[arg(long, value_name = "PATH")]
    vhost_user: Option<PathBuf>,
    /// The VMM listens on that socket and weftd connects
    #[arg(long, requires = "vhost_user")]
    client: bool,
    #[command(flatten)]
    vf: VfArgs,
}

impl Landing {
    /// The call that imports this document.
    pub(in crate::cli) fn import(self, text: String) -> Result<PortImport, Failure> {
        let Landing { namespace, add_namespace, number, vhost_user, client, vf } = self;
        let mode = if client { Mode::Client } else { Mode::Server };
        let vhost_user = vhost_user.map(for_daemon).transpose()?.map(|path| VhostUser { path, mode });
        Ok(PortImport { text, namespace, add_namespace, number, vhost_user, vf: vf.said()? })
    }
}

/// What came of an import, in a line.
pub(in crate::cli) fn line(came: &PortImportReply) -> String {
    let PortImportReply { port, already, learnt, known, refused, pvds } = came;
    let name = format!("{}:{}", port.spec.namespace, port.spec.name);
    let name = printable(&name);
    if *already {
        return format!("{name}: had come by this export already\n");
    }
    let state = port.handover.map_or("here", super::render::handover);
    format!(
        "{name}: {state}; {learnt} advertisements learnt, {known} known, {refused} not taken in; {pvds} static PvDs\n"
    )
}
