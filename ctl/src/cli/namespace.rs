// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft namespace …`.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use super::failure::Failure;
use super::output::Output;
use super::path::for_daemon;
use super::port::limits::{HELP, LimitArgs};
use super::{Context, Outcome};
use crate::client::Client;
use crate::proto::v1::{
    Amount, Delegation, Grant, Namespace, NamespaceAdd, NamespaceDel, NamespaceDelegate, NamespaceList, NamespaceSet,
    NamespaceUndelegate, NamespaceZombies, Quota, Usage,
};
use crate::render::page::Page;
use crate::render::table::Side;
use crate::render::text::{duration, parse_duration};

/// How often a deleted namespace is asked after.
const INTERVAL: Duration = Duration::from_millis(50);

/// What can be done with namespaces.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Create a namespace, alone or inside another: `red`, then `red/dev`
    Add(Add),
    /// Delete a namespace that has nothing in it, and wait until it is gone
    Del {
        /// Its path
        name: String,
        /// Delete the ports and namespaces in it, too
        #[arg(long)]
        recursive: bool,
        /// Delete it although guests are connected to ports in it
        #[arg(long, requires = "recursive")]
        force: bool,
        /// Succeed when there is no such namespace
        #[arg(long)]
        if_exists: bool,
        /// Do not wait until no session and no worker uses it any more
        #[arg(long)]
        no_wait: bool,
    },
    /// Change a namespace while it is in use; what is not named stays
    Set(Set),
    /// Put a namespace into somebody's hands: over a control socket of its own he sees it as /, and nothing else
    #[command(after_help = HELP)]
    Delegate(Delegate),
    /// Take a delegated namespace back: its control socket is closed
    Undelegate {
        /// Its path
        name: String,
    },
    /// List all namespaces, each followed by what lies in it
    List,
    /// Show one namespace, or all of them, in full: what it and all below it have and may have
    Show {
        /// Its path; / is the one that all lie in
        name: Option<String>,
    },
}

/// A namespace to be created.
#[derive(Debug, Args)]
pub(super) struct Add {
    /// Its path: names with / between them
    name: String,
    /// The number that it shall have among those in the same namespace [default: the next one]
    #[arg(long, value_name = "N")]
    number: Option<u32>,
    /// How many MACs it may hold [default: 8192]
    #[arg(long, value_name = "N")]
    macs_max: Option<u64>,
    /// When a MAC that is not seen again is forgotten: seconds, or 5m, 1h [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    age: Option<u64>,
    #[command(flatten)]
    quotas: Quotas,
    /// Succeed when an equal namespace exists
    #[arg(long)]
    may_exist: bool,
}

/// A namespace to be changed.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").args(["age", "quota"]).required(true).multiple(true))]
pub(super) struct Set {
    /// Its path
    name: String,
    /// When a MAC that is not seen again is forgotten: seconds, or 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    age: Option<u64>,
    #[command(flatten)]
    quotas: Quotas,
}

/// A namespace to be delegated.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("who").args(["uid", "gid"]).required(true))]
pub(super) struct Delegate {
    /// Its path
    name: String,
    /// Path of the control socket that weftd opens for it
    #[arg(long, value_name = "PATH")]
    listen: PathBuf,
    /// Directory that the sockets of the delegate's ports have to be in; made when it is not there [default: PATH.d]
    #[arg(long, value_name = "DIR")]
    sockets: Option<PathBuf>,
    /// The user who may use it, by number
    #[arg(long, value_name = "N")]
    uid: Option<u32>,
    /// The group whose members may use it, by number
    #[arg(long, value_name = "N")]
    gid: Option<u32>,
    /// What the delegate may do
    #[arg(long, value_enum, default_value_t = Grant::Admin)]
    role: Grant,
    #[command(flatten)]
    limits: LimitArgs,
}

/// Quotas to be set.
#[derive(Debug, Args)]
struct Quotas {
    /// How much it and all below it may have of namespaces, ports, macs, pvds or ra-entries; `ports=none` lifts a
    /// quota. May be given several times
    #[arg(long, value_name = "WHAT=N", value_parser = parse_quota)]
    quota: Vec<Quota>,
}

fn parse_quota(text: &str) -> Result<Quota, String> {
    let expected = || format!("{text:?} is not a quota, such as ports=10 or ports=none");
    let (resource, max) = text.split_once('=').ok_or_else(expected)?;
    let max = if max == "none" { None } else { Some(max.parse().map_err(|_| expected())?) };
    Ok(Quota { resource: resource.to_owned(), max })
}

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    let mut client = context.client()?;
    match verb {
        Verb::Add(Add { name, number, macs_max, age, quotas: Quotas { quota: quotas }, may_exist }) => {
            let added = client.call(&NamespaceAdd { name, number, macs_max, age_s: age, quotas, may_exist })?;
            context.output.answer(&added.namespace, |_| String::new())
        }
        Verb::Del { name, recursive, force, if_exists, no_wait } => {
            client.call(&NamespaceDel { name: name.clone(), recursive, force, if_exists })?;
            if !no_wait {
                await_end(&mut client, &name, &mut context)?;
            }
            context.output.done()
        }
        Verb::Set(Set { name, age, quotas: Quotas { quota: quotas } }) => {
            let set = client.call(&NamespaceSet { name, age_s: age, quotas })?;
            context.output.answer(&set.namespace, |_| String::new())
        }
        Verb::Delegate(Delegate { name, listen, sockets, uid, gid, role, limits }) => {
            let (socket, sockets) = (for_daemon(listen)?, sockets.map(for_daemon).transpose()?);
            let limits = limits.said();
            let asked = NamespaceDelegate { name, socket, sockets, uid, gid, role: Some(role), limits };
            let delegated = client.call(&asked)?;
            context.output.answer(&delegated.namespace, |_| String::new())
        }
        Verb::Undelegate { name } => {
            let undelegated = client.call(&NamespaceUndelegate { name })?;
            context.output.answer(&undelegated.namespace, |_| String::new())
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

/// Waits until a deleted namespace is gone, and tells what it waits for whenever that changes.
fn await_end(client: &mut Client, name: &str, context: &mut Context<'_>) -> Result<(), Failure> {
    let deadline = Instant::now() + context.global.timeout();
    let mut told = String::new();
    loop {
        let zombies = client.call(&NamespaceZombies { name: Some(name.to_owned()) })?.zombies;
        if zombies.is_empty() {
            return Ok(());
        }
        let reasons: Vec<String> = zombies.into_iter().flat_map(|zombie| zombie.waits_for).collect();
        let reasons = if reasons.is_empty() { "its turn".to_owned() } else { reasons.join(", ") };
        if Instant::now() >= deadline {
            return Err(Failure::Waiting { name: name.to_owned(), reasons });
        }
        if told != reasons {
            context.note(&format!("waiting for: {reasons}"));
            told = reasons;
        }
        thread::sleep(INTERVAL);
    }
}

fn table(namespaces: &[Namespace], output: &Output<'_>) -> String {
    let columns = [
        ("NAME", Side::Left),
        ("NUMBER", Side::Right),
        ("PORTS", Side::Right),
        ("MACS", Side::Right),
        ("MACS-MAX", Side::Right),
        ("AGE", Side::Right),
    ];
    let mut table = output.table(&columns);
    for Namespace { name, number, ports, macs, macs_max, age_s, .. } in namespaces {
        let age = duration(*age_s);
        let [number, ports, macs, macs_max] =
            [u64::from(*number), *ports, *macs, *macs_max].map(|number| number.to_string());
        table.row([name.clone(), number, ports, macs, macs_max, age]);
    }
    table.finish()
}

fn page(namespace: &Namespace) -> String {
    let Namespace { name, number, ports, macs, macs_max, age_s, usage, delegation } = namespace;
    let mut page = Page::new("namespace", name);
    page.line("number", &number.to_string());
    page.line("ports", &ports.to_string());
    page.line("MACs", &format!("{macs} of at most {macs_max}"));
    page.line("age limit", &duration(*age_s));
    let usage: Vec<String> = usage.iter().filter_map(share).collect();
    page.line("subtree", &if usage.is_empty() { "-".to_owned() } else { usage.join(", ") });
    page.line("delegated", &delegation.as_ref().map_or_else(|| "-".to_owned(), delegate));
    page.finish()
}

/// To whom, for what and where.
fn delegate(Delegation { socket, sockets, uid, gid, role, limits }: &Delegation) -> String {
    let who = uid.map(|uid| format!("uid {uid}")).or_else(|| gid.map(|gid| format!("gid {gid}")));
    let role = match role {
        Grant::Reader => "reader",
        Grant::Admin => "admin",
    };
    let limits: String = limits.iter().map(|(name, rate)| format!(", {name} {}", Amount(rate.rate))).collect();
    format!("to {} as {role} at {socket}, sockets in {sockets}{limits}", who.unwrap_or_default())
}

/// What a subtree has of something; `None`: nothing, and nobody has said how much it may.
fn share(Usage { resource, used, max }: &Usage) -> Option<String> {
    match max {
        Some(max) => Some(format!("{used} of at most {max} {resource}")),
        None => (*used > 0).then(|| format!("{used} {resource}")),
    }
}
