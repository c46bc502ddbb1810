// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft pvd …`.

mod watch;

use clap::{Args, Subcommand};

use super::output::Output;
use super::{Context, DONE, Outcome};
use crate::client::ClientError;
use crate::proto::v1::{
    Fact, Information, InformationState, KnownInformation, PortSet, Pvd, PvdList, PvdShow, PvdShowReply, PvdSource,
    PvdWhole, RouterParameters,
};
use crate::render::page::Page;
use crate::render::table::{Side, Table};
use crate::render::text::duration;

/// What an operator says, where a router would stand.
const OPERATOR: &str = "operator";

/// What can be done with PvDs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List PvDs, and for how much longer anything is known of them
    List {
        /// Only of this namespace
        #[arg(value_name = "NAMESPACE")]
        namespace: Option<String>,
    },
    /// Show what is known of a PvD, and which router says what
    Show {
        /// Its name: corp.example, or fe80::1%PORT of one that its router does not name
        name: String,
        /// Its namespace; needed where several have a PvD of that name
        #[arg(short, long, value_name = "NAMESPACE")]
        namespace: Option<String>,
    },
    /// Let a port see some PvDs only: of no other it gets Router Advertisements any more
    Bind(Bind),
    /// Tell what happens to the PvDs of a namespace: what comes, changes and goes, and who said so
    #[command(after_help = watch::HELP)]
    Watch(watch::Watch),
}

/// The PvDs that a port is to see. What its guest knows of others already it knows until that ends.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").args(["pvd", "all", "none"]).required(true))]
pub(super) struct Bind {
    /// The port, or NAMESPACE:NAME
    port: String,
    /// Name of a PvD, `work.example`; `implicit` for all that have none. May be given several times, and with several names
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pvd: Vec<String>,
    /// All PvDs
    #[arg(long)]
    all: bool,
    /// No PvD: the port gets no Router Advertisements at all
    #[arg(long)]
    none: bool,
}

impl Bind {
    fn said(self) -> PortSet {
        let Bind { port: name, pvd, all, .. } = self;
        let pvds = if all { vec!["all".to_owned()] } else { pvd };
        PortSet { name, pvds: Some(pvds), ..PortSet::default() }
    }
}

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    let mut client = context.client()?;
    match verb {
        Verb::List { namespace } => {
            let pages = client.stream(&PvdList { namespace })?.collect::<Result<Vec<_>, ClientError>>()?;
            if pages.iter().any(|page| page.interrupted) {
                context.note("PvDs came or went meanwhile: some may be missing");
            }
            let pvds: Vec<Pvd> = pages.into_iter().flat_map(|page| page.pvds).collect();
            context.output.answer(&pvds, |output| table(&pvds, output))
        }
        Verb::Show { name, namespace } => {
            let shown = client.call(&PvdShow { name, namespace })?;
            context.output.answer(&shown, |output| page(&shown, output))
        }
        Verb::Bind(bind) => {
            let port = client.call(&bind.said())?.port;
            context.output.answer(&port, |_| String::new())
        }
        Verb::Watch(asked) => watch::run(asked, client, context),
    }
}

fn table(pvds: &[Pvd], output: &Output<'_>) -> String {
    let columns = [
        ("NAMESPACE", Side::Left),
        ("NAME", Side::Left),
        ("NUMBER", Side::Right),
        ("ROUTERS", Side::Right),
        ("FACTS", Side::Right),
        ("PREFIXES", Side::Left),
        ("EXPIRES", Side::Right),
    ];
    let mut table = output.table(&columns);
    for Pvd { namespace, name, number, routers, facts, prefixes, expires_s, .. } in pvds {
        let prefixes = if prefixes.is_empty() { "-".to_owned() } else { prefixes.join(",") };
        let [routers, facts] = [routers, facts].map(u64::to_string);
        table.row([
            namespace.clone(),
            name.clone(),
            number.to_string(),
            routers,
            facts,
            prefixes,
            remaining(*expires_s),
        ]);
    }
    table.finish()
}

fn page(shown: &PvdShowReply, output: &Output<'_>) -> String {
    let Pvd { namespace, name, number, explicit, handle, age_s, expires_s, .. } = &shown.pvd;
    let mut page = Page::new("pvd", name);
    page.line("namespace", namespace);
    page.line("named", if *explicit { "by its routers" } else { "after its router and port" });
    page.line("number", &number.to_string());
    page.line("handle", handle);
    page.line("known for", &duration(*age_s));
    page.line("expires", &remaining(*expires_s));
    let PvdWhole { flags, sequence, delay, ports, heard, holders } = &shown.whole;
    page.line("pvd flags", &format!("{}, sequence {sequence}, delay {delay}", words(flags)));
    page.line("ports", &words(ports));
    page.line("heard", &format!("{heard} times; read by {holders}"));
    if !shown.bound.is_empty() {
        page.line("bound ports", &shown.bound.join(" "));
    }
    page.line("facts", &shown.facts.len().to_string());
    page.below(&facts(&shown.facts, output.table(&FACTS)));
    if let Some(information) = &shown.information {
        information_lines(&mut page, information);
    }
    shown.sources.iter().for_each(|source| source_lines(&mut page, source, output));
    page.finish()
}

fn information_lines(page: &mut Page, information: &Information) {
    let Information { state, reason, next_s, known } = information;
    let next = next_s.map(|seconds| format!(", next in {}", duration(seconds))).unwrap_or_default();
    let why = reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let state = match state {
        InformationState::Waiting => "waiting",
        InformationState::Fetching => "fetching",
        InformationState::Fetched => "fetched",
        InformationState::Failed => "failed",
    };
    page.line("information", &format!("{state}{why}{next}"));
    let Some(KnownInformation { age_s, expires_s, prefixes, dns_zones, no_internet, object }) = known else { return };
    page.line("fetched", &format!("{} ago, expires in {}", duration(*age_s), duration(*expires_s)));
    page.line("its prefixes", &words(prefixes));
    page.line("dns zones", &words(dns_zones));
    page.line("internet", if *no_internet { "no" } else { "yes" });
    page.line("object", object.trim_end());
}

const FACTS: [(&str, Side); 5] = [
    ("KIND", Side::Left),
    ("VALUE", Side::Left),
    ("FLAGS", Side::Left),
    ("VALID", Side::Right),
    ("PREFERRED", Side::Right),
];

fn facts(facts: &[Fact], mut table: Table) -> String {
    for Fact { kind, value, flags, valid_s, preferred_s, .. } in facts {
        table.row([
            kind.as_str().to_owned(),
            value.clone(),
            words(flags),
            remaining(*valid_s),
            remaining(*preferred_s),
        ]);
    }
    table.finish()
}

fn source_lines(page: &mut Page, source: &PvdSource, output: &Output<'_>) {
    let PvdSource { port, router, flags, sequence, delay, parameters, router_s, first_s, last_s, heard, .. } = source;
    let who = match (router, port) {
        (Some(router), Some(port)) => format!("{router} behind port {port}"),
        (Some(router), None) => router.clone(),
        (None, _) => OPERATOR.to_owned(),
    };
    page.line("from", &who);
    page.line("heard", &format!("{heard} times, first {} ago, last {} ago", duration(*first_s), duration(*last_s)));
    page.line("router", &if *router_s == 0 { "no".to_owned() } else { format!("for {}", duration(*router_s)) });
    page.line("pvd flags", &format!("{}, sequence {sequence}, delay {delay}", words(flags)));
    parameter_lines(page, parameters);
    page.below(&facts(&source.facts, output.table(&FACTS)));
}

/// What has no lifetime, as lines of a page.
pub(super) fn parameter_lines(page: &mut Page, parameters: &RouterParameters) {
    let RouterParameters { hop_limit, flags, preference, reachable_ms, retrans_ms, mtu, captive_portal } = parameters;
    page.line("header", &format!("hop limit {hop_limit}, flags {}, preference {preference}", words(flags)));
    page.line("timers", &format!("reachable {reachable_ms} ms, retransmit {retrans_ms} ms"));
    if *mtu > 0 {
        page.line("mtu", &mtu.to_string());
    }
    if let Some(portal) = captive_portal {
        page.line("portal", portal);
    }
}

/// How long something lasts still.
pub(super) fn remaining(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "never".to_owned(), duration)
}

fn words(flags: &[String]) -> String {
    if flags.is_empty() { "-".to_owned() } else { flags.join(",") }
}
