// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft port …`: verbs and their calls.

pub(super) mod landing;
pub(super) mod limits;
mod mediation;
mod ra_guard;
mod render;
mod vf;

pub(super) use render::{UNSEEN, far, limits, state};

use std::path::PathBuf;

use clap::{Args, Subcommand};

use self::landing::Landing;
use self::limits::LimitArgs;
use self::mediation::MediationArgs;
use self::ra_guard::RaGuardArgs;
use self::vf::VfArgs;
use super::config::read;
use super::counters::explanations;
use super::failure::{Failure, may_exist};
use super::path::for_daemon;
use super::{Context, Outcome};
use crate::proto::v1::{MacPolicy, Mode, Port, PortAdd, PortDel, PortExport, PortList, PortSet, Role, VhostUser};

/// What can be done with ports.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Create a port
    #[command(after_help = format!("{}\n\n{}\n\n{}", limits::HELP, vf::HELP, ra_guard::HELP))]
    Add(Box<Add>),
    /// Delete a port
    Del {
        /// Its name, or NAMESPACE:NAME
        name: String,
        /// Delete it although its guest is connected
        #[arg(long)]
        force: bool,
        /// Succeed when there is no such port
        #[arg(long)]
        if_exists: bool,
    },
    /// Change a port while it runs; what is not named stays
    #[command(after_help = format!("{}\n\n{}\n\n{}", limits::HELP, vf::HELP, ra_guard::HELP))]
    Set(Box<Set>),
    /// List ports with their state and counters. NUMBER is the one that a port has for whoever asks
    List {
        /// Only of this namespace
        #[arg(short, long, value_name = "NAMESPACE")]
        namespace: Option<String>,
    },
    /// Print what a port takes along to another weftd: what was said of it, its numbers, and what its namespace has learnt.
    /// Nothing changes by that
    Export {
        /// Its name, or NAMESPACE:NAME
        name: String,
    },
    /// Make a port of what another weftd has exported. Its guest is taken to be there until it sends a frame here
    Import {
        /// The file, or - for the standard input
        file: PathBuf,
        #[command(flatten)]
        landing: Box<Landing>,
    },
    /// Show one port, or all of them, in full: state and its reason, features, drops explained
    Show {
        /// Its name, or NAMESPACE:NAME
        name: Option<String>,
    },
}

/// A port to be created.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("way").args(["vhost_user", "lane"]).required(true))]
pub(super) struct Add {
    /// Its name, or NAMESPACE:NAME
    name: String,
    /// The namespace it belongs to, `red` or `red/dev`, if that is not said with the name
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The number that it shall have in its namespace [default: the next one]. `weft port list` shows the one that it has
    /// for whoever asks, which is another for those who see more than that namespace
    #[arg(long, value_name = "N")]
    number: Option<u32>,
    /// Its MAC address [default: derived from the name]
    #[arg(long)]
    mac: Option<String>,
    /// Path of the vhost-user socket
    #[arg(long, value_name = "PATH")]
    vhost_user: Option<PathBuf>,
    /// The VMM listens on the socket and weftd connects [default: weftd listens]
    #[arg(long, conflicts_with = "lane")]
    client: bool,
    /// A lane of the host in place of a guest, as below: `packet:eth0` for an uplink
    #[arg(long, value_name = "LANE")]
    lane: Option<String>,
    /// Queue pairs [default: 1]
    #[arg(long, value_name = "N")]
    queues: Option<u16>,
    #[command(flatten)]
    policy: Policy,
    /// Succeed when an equal port exists
    #[arg(long)]
    may_exist: bool,
}

/// A port to be changed.
#[derive(Debug, Args)]
pub(super) struct Set {
    /// Its name, or NAMESPACE:NAME
    name: String,
    #[command(flatten)]
    policy: Policy,
}

/// What can be said when a port is created and afterwards.
#[derive(Debug, Args)]
struct Policy {
    /// Whether it may speak as a router: only `router` and `uplink` send Router Advertisements, Redirects and what DHCPv6
    /// servers say. A new port is a host
    #[arg(long)]
    role: Option<Role>,
    /// Largest frame in bytes, Ethernet header not counted. A new port has 1500
    #[arg(long, value_name = "N", value_parser = mtu)]
    mtu: Option<u16>,
    /// Which source MACs it may use. A new port may use its own, a new uplink any
    #[arg(long)]
    macs: Option<MacPolicy>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    mediation: MediationArgs,
    #[command(flatten)]
    vf: VfArgs,
    #[command(flatten)]
    ra_guard: RaGuardArgs,
}

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    match verb {
        Verb::Add(add) => {
            let asked = request(*add)?;
            let added = context.client()?.call(&asked);
            let port = added.map_err(|why| Failure::advised(why, may_exist))?.port;
            context.output.answer(&port, |_| render::line(&port))
        }
        Verb::Del { name, force, if_exists } => {
            context.client()?.call(&PortDel { name, force, if_exists })?;
            context.output.done()
        }
        Verb::Set(set) => {
            let set = set.said()?;
            let port = context.client()?.call(&set)?.port;
            context.output.answer(&port, |_| String::new())
        }
        Verb::List { namespace } => {
            let ports = context.client()?.call(&PortList { name: None, namespace })?.ports;
            context.output.answer(&ports, |output| render::table(&ports, output))
        }
        Verb::Export { name } => {
            let exported = context.client()?.call(&PortExport { name })?;
            context.output.answer(&exported, |_| exported.text.clone())
        }
        Verb::Import { file, landing } => {
            let (text, _) = read(&file, context.input)?;
            let asked = landing.import(text)?;
            let came = context.client()?.call(&asked)?;
            context.output.answer(&came, |_| landing::line(&came))
        }
        Verb::Show { name } => show(name, context),
    }
}

impl Set {
    fn said(self) -> Result<PortSet, Failure> {
        let Set { name, policy: Policy { role, mtu, macs, limits, mediation, vf, ra_guard } } = self;
        let (limits, (pvds, inject_pvd), ra_guard) = (limits.said(), mediation.said(), ra_guard.said());
        let set = PortSet { name, macs, mtu, role, limits, pvds, inject_pvd, ra_guard, vf: vf.said()? };
        let nothing = set == PortSet { name: set.name.clone(), ..PortSet::default() };
        if nothing { Err(Failure::nothing("port set")) } else { Ok(set) }
    }
}

/// Turns the arguments of `port add` into its call.
fn request(add: Add) -> Result<PortAdd, Failure> {
    let Add { name, namespace, number, mac, vhost_user, client, lane, queues, policy, may_exist } = add;
    let (name, namespace) = home(name, namespace)?;
    let Policy { role, mtu, macs, limits, mediation, vf, ra_guard } = policy;
    let mode = if client { Mode::Client } else { Mode::Server };
    let vhost_user = vhost_user.map(for_daemon).transpose()?.map(|path| VhostUser { path, mode });
    let (limits, (pvds, inject_pvd), ra_guard) = (limits.said(), mediation.said(), ra_guard.said());
    Ok(PortAdd {
        name,
        namespace,
        number,
        mac,
        vhost_user,
        lane,
        vf: vf.said()?,
        queues,
        role,
        mtu,
        macs,
        limits,
        pvds,
        inject_pvd,
        ra_guard,
        may_exist,
    })
}

/// An MTU. Which there may be weftd knows.
pub(super) fn mtu(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "expected bytes, 68 to 9216".to_owned())
}

/// The name of a port to be, and its namespace, which is said with it or beside it.
fn home(name: String, namespace: Option<String>) -> Result<(String, String), Failure> {
    match (name.split_once(':'), namespace) {
        (Some((namespace, name)), None) => Ok((name.to_owned(), namespace.to_owned())),
        (None, Some(namespace)) => Ok((name, namespace)),
        (None, None) => {
            let whose = "which is / for a tenant who has it in his hands";
            Err(Failure::Usage(format!("say NAMESPACE:{name}, or the namespace with --namespace, {whose}")))
        }
        (Some(_), Some(_)) => Err(Failure::Usage(format!("{name} says its namespace, so leave out --namespace"))),
    }
}

fn show(name: Option<String>, mut context: Context<'_>) -> Outcome {
    let single = name.is_some();
    let mut client = context.client()?;
    let ports = client.call(&PortList { name, namespace: None })?.ports;
    let reasons = if context.output.is_text() {
        explanations(ports.iter().map(|port| &port.counters), &mut client)?
    } else {
        Vec::new()
    };
    let page = |port: &Port| render::page(port, &reasons);
    match ports.first().filter(|_| single) {
        Some(port) => context.output.answer(port, |_| page(port)),
        None => context.output.answer(&ports, |_| ports.iter().map(page).collect::<Vec<_>>().join("\n")),
    }
}
