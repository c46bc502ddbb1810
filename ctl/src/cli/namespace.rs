// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft namespace …`.

use clap::{Args, Subcommand};

use super::output::Output;
use super::{Context, Outcome};
use crate::proto::v1::{Namespace, NamespaceAdd, NamespaceDel, NamespaceList};
use crate::render::page::Page;
use crate::render::table::Side;
use crate::render::text::{duration, parse_duration};

/// What can be done with namespaces.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Create a namespace
    Add(Add),
    /// Delete a namespace that has no ports
    Del {
        /// Its name
        name: String,
        /// Succeed when there is no such namespace
        #[arg(long)]
        if_exists: bool,
    },
    /// List all namespaces
    List,
    /// Show one namespace, or all of them, in full
    Show {
        /// Its name
        name: Option<String>,
    },
}

/// A namespace to be created.
#[derive(Debug, Args)]
pub(super) struct Add {
    /// Its name
    name: String,
    /// How many MACs it may hold [default: 8192]
    #[arg(long, value_name = "N")]
    macs_max: Option<u64>,
    /// When a MAC that is not seen again is forgotten: seconds, or 5m, 1h [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    age: Option<u64>,
    /// Succeed when an equal namespace exists
    #[arg(long)]
    may_exist: bool,
}

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    let mut client = context.client()?;
    match verb {
        Verb::Add(Add { name, macs_max, age, may_exist }) => {
            let added = client.call(&NamespaceAdd { name, macs_max, age_s: age, may_exist })?;
            context.output.answer(&added.namespace, |_| String::new())
        }
        Verb::Del { name, if_exists } => {
            client.call(&NamespaceDel { name, if_exists })?;
            context.output.done()
        }
        Verb::List => {
            let listed = client.call(&NamespaceList { name: None })?.namespaces;
            context.output.answer(&listed, |output| table(&listed, output))
        }
        Verb::Show { name } => {
            let single = name.is_some();
            let found = client.call(&NamespaceList { name })?.namespaces;
            match found.first().filter(|_| single) {
                Some(one) => context.output.answer(one, |_| page(one)),
                None => context.output.answer(&found, |_| found.iter().map(page).collect::<Vec<_>>().join("\n")),
            }
        }
    }
}

fn table(namespaces: &[Namespace], output: &Output<'_>) -> String {
    let columns = [
        ("NAME", Side::Left),
        ("PORTS", Side::Right),
        ("MACS", Side::Right),
        ("MACS-MAX", Side::Right),
        ("AGE", Side::Right),
    ];
    let mut table = output.table(&columns);
    for Namespace { name, ports, macs, macs_max, age_s } in namespaces {
        table.row([name.clone(), ports.to_string(), macs.to_string(), macs_max.to_string(), duration(*age_s)]);
    }
    table.finish()
}

fn page(namespace: &Namespace) -> String {
    let Namespace { name, ports, macs, macs_max, age_s } = namespace;
    let mut page = Page::new("namespace", name);
    page.line("ports", &ports.to_string());
    page.line("MACs", &format!("{macs} of at most {macs_max}"));
    page.line("age limit", &duration(*age_s));
    page.finish()
}
