// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft fdb …`.

use clap::Subcommand;

use super::output::Output;
use super::{Context, Outcome};
use crate::client::ClientError;
use crate::proto::v1::{FdbAdd, FdbDel, FdbEntry, FdbFlush, FdbKind, FdbList};
use crate::render::table::Side;
use crate::render::text::duration;

/// What can be done with MAC tables.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List the MACs that are known, and the ports behind which they are
    List {
        /// Only of this namespace
        #[arg(short, long, value_name = "NAMESPACE")]
        namespace: Option<String>,
    },
    /// Add a static entry, which does not age
    Add {
        /// The MAC address
        mac: String,
        /// Namespace of the MAC table
        #[arg(short, long, value_name = "NAMESPACE")]
        namespace: String,
        /// The port that frames for it go to
        #[arg(short, long, value_name = "PORT")]
        port: String,
    },
    /// Remove a static or learned entry
    Del {
        /// The MAC address
        mac: String,
        /// Namespace of the MAC table
        #[arg(short, long, value_name = "NAMESPACE")]
        namespace: String,
    },
    /// Forget what was learned; static entries and the ports' own MACs stay
    Flush {
        /// Only of this namespace
        #[arg(short, long, value_name = "NAMESPACE")]
        namespace: Option<String>,
    },
}

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    let mut client = context.client()?;
    match verb {
        Verb::List { namespace } => {
            let pages = client.stream(&FdbList { namespace })?.collect::<Result<Vec<_>, ClientError>>()?;
            let entries: Vec<FdbEntry> = pages.into_iter().flat_map(|page| page.entries).collect();
            context.output.answer(&entries, |output| table(&entries, output))
        }
        Verb::Add { mac, namespace, port } => {
            client.call(&FdbAdd { namespace, mac, port })?;
            context.output.done()
        }
        Verb::Del { mac, namespace } => {
            client.call(&FdbDel { namespace, mac })?;
            context.output.done()
        }
        Verb::Flush { namespace } => {
            let flushed = client.call(&FdbFlush { namespace })?;
            context.output.answer(&flushed, |_| format!("{} learned entries forgotten\n", flushed.removed))
        }
    }
}

fn table(entries: &[FdbEntry], output: &Output<'_>) -> String {
    let columns = [
        ("NAMESPACE", Side::Left),
        ("MAC", Side::Left),
        ("PORT", Side::Left),
        ("KIND", Side::Left),
        ("AGE", Side::Right),
    ];
    let mut table = output.table(&columns);
    for FdbEntry { namespace, mac, port, kind, age_s } in entries {
        let kind = match kind {
            FdbKind::Port => "port",
            FdbKind::Static => "static",
            FdbKind::Learned => "learned",
            FdbKind::Away => "away",
        };
        let age = age_s.map_or_else(|| "-".to_owned(), duration);
        table.row([namespace.clone(), mac.clone(), port.clone(), kind.to_owned(), age]);
    }
    table.finish()
}
