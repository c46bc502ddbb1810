// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft pvd …`.

mod said;
mod watch;

use clap::{Args, Subcommand};

use self::said::StatementArgs;
use super::output::Output;
use super::{Context, DONE, Outcome};
use crate::client::ClientError;
use crate::proto::v1::{
    Fact, Information, InformationState, KnownInformation, PortSet, Pvd, PvdAnnouncement, PvdCreate, PvdDelete,
    PvdFetch, PvdList, PvdSet, PvdShow, PvdShowReply, PvdSource, PvdWhole, RouterParameters,
};
use crate::render::page::Page;
use crate::render::table::{Side, Table};
use crate::render::text::{counted, duration};

/// What an operator says, where a router would stand.
const OPERATOR: &str = "operator";

/// What stands below `pvd fetch`.
const FETCH_HELP: &str = "\
weftd does not ask a host again that has failed, unless a router says another sequence number of a \
PvD that had succeeded. This asks once more, at the earliest ten seconds after the last time, and \
does not wait for it: `weft pvd show` tells what has come of it.";

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
    /// Make a static PvD, which has no end and comes before what routers say
    #[command(after_help = said::HELP)]
    Create(Create),
    /// Say something else about a static PvD, all at once; what is not named stays
    #[command(after_help = said::HELP)]
    Set(Set),
    /// Delete a static PvD; what routers say of it stays
    Delete {
        /// Its name
        name: String,
        /// Its namespace
        #[arg(short, long, value_name = "NAMESPACE")]
        namespace: String,
        /// Succeed when there is no such static PvD
        #[arg(long)]
        if_exists: bool,
    },
    /// Fetch the Additional Information of a PvD again, also where that has failed
    #[command(after_help = FETCH_HELP)]
    Fetch {
        /// Its name
        name: String,
        /// Its namespace
        #[arg(short, long, value_name = "NAMESPACE")]
        namespace: String,
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

/// A static PvD to be made.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// Its name, a domain name
    name: String,
    /// Its namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: String,
    #[command(flatten)]
    said: StatementArgs,
}

/// A static PvD to be changed.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").args(said::CHANGES).required(true).multiple(true))]
pub(super) struct Set {
    /// Its name
    name: String,
    /// Its namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: String,
    #[command(flatten)]
    said: StatementArgs,
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
        Verb::Create(Create { name, namespace, said }) => {
            let pvd = client.call(&PvdCreate { namespace, name, said: said.said() })?.pvd;
            context
                .output
                .answer(&pvd, |_| format!("pvd {} in namespace {}, number {}\n", pvd.name, pvd.namespace, pvd.number))
        }
        Verb::Set(Set { name, namespace, said }) => {
            let pvd = client.call(&PvdSet { namespace, name, said: said.said() })?.pvd;
            context.output.answer(&pvd, |_| String::new())
        }
        Verb::Delete { name, namespace, if_exists } => {
            client.call(&PvdDelete { namespace, name, if_exists })?;
            context.output.done()
        }
        Verb::Fetch { name, namespace } => {
            client.call(&PvdFetch { namespace, name })?;
            context.output.done()
        }
    }
}

fn table(pvds: &[Pvd], output: &Output<'_>) -> String {
    let columns = [
        ("NAMESPACE", Side::Left),
        ("NAME", Side::Left),
        ("NUMBER", Side::Right),
        ("STATIC", Side::Left),
        ("ROUTERS", Side::Right),
        ("FACTS", Side::Right),
        ("PREFIXES", Side::Left),
        ("EXPIRES", Side::Right),
    ];
    let mut table = output.table(&columns);
    for Pvd { namespace, name, number, r#static, routers, facts, prefixes, expires_s, .. } in pvds {
        let prefixes = if prefixes.is_empty() { "-".to_owned() } else { prefixes.join(",") };
        let [routers, facts] = [routers, facts].map(u64::to_string);
        table.row([
            namespace.clone(),
            name.clone(),
            number.to_string(),
            if *r#static { "yes" } else { "-" }.to_owned(),
            routers,
            facts,
            prefixes,
            remaining(*expires_s),
        ]);
    }
    table.finish()
}

fn page(shown: &PvdShowReply, output: &Output<'_>) -> String {
    let Pvd { namespace, name, number, explicit, r#static, handle, age_s, expires_s, .. } = &shown.pvd;
    let mut page = Page::new("pvd", name);
    page.line("namespace", namespace);
    let named = match (explicit, r#static) {
        (_, true) => "by an operator",
        (true, false) => "by its routers",
        (false, false) => "after its router and port",
    };
    page.line("named", named);
    page.line("number", &number.to_string());
    page.line("handle", handle);
    page.line("known for", &duration(*age_s));
    page.line("expires", &remaining(*expires_s));
    let PvdWhole { flags, sequence, delay, ports, heard, holders } = &shown.whole;
    page.line("pvd flags", &format!("{}, sequence {sequence}, delay {delay}", words(flags)));
    page.line("ports", &words(ports));
    page.line("heard", &format!("{}; read by {holders}", counted(*heard, "time")));
    if !shown.bound.is_empty() {
        page.line("bound ports", &shown.bound.join(" "));
    }
    if let Some(announced) = &shown.announce {
        page.line("announced", &announced_line(announced));
    }
    page.line("facts", &facts_line(shown));
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

/// What there is, and of a static PvD how much of that only routers say.
fn facts_line(shown: &PvdShowReply) -> String {
    let all = shown.facts.len();
    let Some(own) = shown.sources.iter().find(|source| source.router.is_none()) else { return all.to_string() };
    let stated = |fact: &&Fact| own.facts.iter().any(|own| (own.kind, &own.value) == (fact.kind, &fact.value));
    let added = all - shown.facts.iter().filter(stated).count();
    format!("{all}, of which routers add {added}")
}

fn announced_line(PvdAnnouncement { router, mac, lifetime_s, inner }: &PvdAnnouncement) -> String {
    let lasts = match lifetime_s {
        0 => "no default router".to_owned(),
        seconds => format!("a default router for {}", duration(u64::from(*seconds))),
    };
    let inner = if *inner { " to hosts that know of PvDs" } else { "" };
    format!("as {router} ({mac}), {lasts}{inner}")
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
    page.line("from", &format!("{who}{}", if source.second { " (a second source)" } else { "" }));
    let heard = counted(*heard, "time");
    let times = format!("{heard}, first {} ago, last {} ago", duration(*first_s), duration(*last_s));
    page.line(if router.is_some() { "heard" } else { "said" }, &times);
    if router.is_some() {
        page.line("router", &if *router_s == 0 { "no".to_owned() } else { format!("for {}", duration(*router_s)) });
    }
    page.line("pvd flags", &format!("{}, sequence {sequence}, delay {delay}", words(flags)));
    match router {
        Some(_) => parameter_lines(page, parameters),
        None => link_lines(page, parameters),
    }
    page.below(&facts(&source.facts, output.table(&FACTS)));
}

/// What has no lifetime, as lines of a page.
pub(super) fn parameter_lines(page: &mut Page, parameters: &RouterParameters) {
    let RouterParameters { hop_limit, flags, preference, reachable_ms, retrans_ms, .. } = parameters;
    page.line("header", &format!("hop limit {hop_limit}, flags {}, preference {preference}", words(flags)));
    page.line("timers", &format!("reachable {reachable_ms} ms, retransmit {retrans_ms} ms"));
    link_lines(page, parameters);
}

/// What options say of the link.
fn link_lines(page: &mut Page, RouterParameters { mtu, captive_portal, .. }: &RouterParameters) {
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
