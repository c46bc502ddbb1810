// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft namespace …`: verbs and their calls.

mod limits;
mod render;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use super::counters::explanations;
use super::failure::{Failure, may_exist};
use super::path::for_daemon;
use super::port::limits::{HELP, LimitArgs};
use super::{Context, Outcome};
use crate::client::Client;
use crate::proto::v1::{
    Answer, Error, Grant, Namespace, NamespaceAdd, NamespaceDel, NamespaceDelegate, NamespaceList, NamespaceSet,
    NamespaceUndelegate, NamespaceZombies, Quota, SecondSource,
};
use crate::render::text::parse_duration;

/// How often a deleted namespace is asked after.
const INTERVAL: Duration = Duration::from_millis(50);

/// What can be done with namespaces.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Create a namespace, alone or inside another: `red`, then `red/dev`
    #[command(after_help = limits::HELP)]
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
    #[command(after_help = limits::HELP)]
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
    answering: Answering,
    #[command(flatten)]
    quotas: Quotas,
    #[command(flatten)]
    limits: limits::LimitArgs,
    /// Succeed when an equal namespace exists
    #[arg(long)]
    may_exist: bool,
}

/// A namespace to be changed.
#[derive(Debug, Args)]
pub(super) struct Set {
    /// Its path
    name: String,
    /// When a MAC that is not seen again is forgotten: seconds, or 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    age: Option<u64>,
    #[command(flatten)]
    answering: Answering,
    #[command(flatten)]
    quotas: Quotas,
    #[command(flatten)]
    limits: limits::LimitArgs,
}

/// How a namespace answers for its routers.
#[derive(Debug, Args)]
struct Answering {
    /// When hosts that look for a router are told what routers have said before: never, when no router has answered, or
    /// always. In a new namespace it is when-silent
    #[arg(long, value_name = "WHEN", value_enum)]
    answer: Option<Answer>,
    /// Milliseconds that they wait for that at most, up to 500; routers have half of it for themselves. A
    /// new namespace has 500
    #[arg(long, value_name = "MS")]
    answer_within: Option<u64>,
    /// For how long Router Advertisements are held back that only repeat, for a PvD and a router, what all hosts know:
    /// seconds, or 5m, up to 30m; `none`. Who asks gets them all the same. A new namespace has none
    #[arg(long, value_name = "TIME", value_parser = throttle)]
    ra_throttle: Option<u64>,
    /// What comes of a PvD that is heard from another port than the one that it is known from: it is heard as any; heard, counted and
    /// told in the log; or not heard by anybody, counted and told. In a new namespace it is accept
    #[arg(long, value_name = "POLICY", value_enum)]
    second_source: Option<SecondSource>,
}

/// Seconds; 0 for `none`.
fn throttle(text: &str) -> Result<u64, String> {
    if text == "none" {
        return Ok(0);
    }
    // On the wire 0 is none; typed, it is rather a mistake.
    parse_duration(text)
        .and_then(|seconds| if seconds > 0 { Ok(seconds) } else { Err("expected a time, or none".into()) })
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
    #[arg(long, value_name = "N", value_parser = id)]
    uid: Option<u32>,
    /// The group whose members may use it, by number
    #[arg(long, value_name = "N", value_parser = id)]
    gid: Option<u32>,
    /// What the delegate may do
    #[arg(long, value_enum, default_value_t = Grant::Admin)]
    role: Grant,
    #[command(flatten)]
    limits: LimitArgs,
}

/// A user or a group.
fn id(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "expected a number; `id NAME` tells it".to_owned())
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

impl Add {
    fn said(self) -> NamespaceAdd {
        let Add { name, number, macs_max, age, answering, quotas, limits, may_exist } = self;
        NamespaceAdd {
            name,
            number,
            macs_max,
            age_s: age,
            answer: answering.answer,
            answer_within_ms: answering.answer_within,
            ra_throttle_s: answering.ra_throttle,
            second_source: answering.second_source,
            quotas: quotas.quota,
            limits: limits.said(),
            may_exist,
        }
    }
}

impl Set {
    fn said(self) -> Result<NamespaceSet, Failure> {
        let Set { name, age, answering, quotas, limits } = self;
        let set = NamespaceSet {
            name,
            age_s: age,
            answer: answering.answer,
            answer_within_ms: answering.answer_within,
            ra_throttle_s: answering.ra_throttle,
            second_source: answering.second_source,
            quotas: quotas.quota,
            limits: limits.said(),
        };
        let nothing = set == NamespaceSet { name: set.name.clone(), ..NamespaceSet::default() };
        if nothing { Err(Failure::nothing("namespace set")) } else { Ok(set) }
    }
}

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    match verb {
        Verb::Add(add) => {
            let added = context.client()?.call(&add.said()).map_err(|why| Failure::advised(why, may_exist))?;
            context.output.answer(&added.namespace, |_| String::new())
        }
        Verb::Del { name, recursive, force, if_exists, no_wait } => {
            let mut client = context.client()?;
            let deleted = client.call(&NamespaceDel { name: name.clone(), recursive, force, if_exists });
            deleted.map_err(|why| Failure::advised(why, recursively))?;
            if !no_wait {
                await_end(&mut client, &name, &mut context)?;
            }
            context.output.done()
        }
        Verb::Set(set) => {
            let set = set.said()?;
            let set = context.client()?.call(&set)?;
            context.output.answer(&set.namespace, |_| String::new())
        }
        Verb::Delegate(Delegate { name, listen, sockets, uid, gid, role, limits }) => {
            let (socket, sockets) = (for_daemon(listen)?, sockets.map(for_daemon).transpose()?);
            let limits = limits.said();
            let asked = NamespaceDelegate { name, socket, sockets, uid, gid, role: Some(role), limits };
            let delegated = context.client()?.call(&asked)?;
            context.output.answer(&delegated.namespace, |_| String::new())
        }
        Verb::Undelegate { name } => {
            let undelegated = context.client()?.call(&NamespaceUndelegate { name })?;
            context.output.answer(&undelegated.namespace, |_| String::new())
        }
        Verb::List => {
            let listed = context.client()?.call(&NamespaceList { name: None })?.namespaces;
            context.output.answer(&listed, |output| render::table(&listed, output))
        }
        Verb::Show { name } => show(name, &mut context),
    }
}

/// What may be in the way of deleting a namespace, but for the one that all lie in.
fn recursively(why: &Error) -> Option<&'static str> {
    let inside = matches!(why, Error::InUse { kind, name, .. } if kind == "namespace" && name != "/");
    inside.then_some("--recursive deletes what is in it, too")
}

fn show(name: Option<String>, context: &mut Context<'_>) -> Outcome {
    let mut client = context.client()?;
    let single = name.is_some();
    let mut found = client.call(&NamespaceList { name })?.namespaces;
    if found.is_empty() {
        // Nothing lies in the caller's own, so that is all that there is to show.
        found = client.call(&NamespaceList { name: Some("/".to_owned()) })?.namespaces;
    }
    let counters = found.iter().map(|namespace| &namespace.counters);
    let reasons = if context.output.is_text() { explanations(counters, &mut client)? } else { Vec::new() };
    let page = |namespace: &Namespace| render::page(namespace, &reasons);
    match found.first().filter(|_| single) {
        Some(one) => context.output.answer(one, |_| page(one)),
        None => context.output.answer(&found, |_| found.iter().map(page).collect::<Vec<_>>().join("\n")),
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
