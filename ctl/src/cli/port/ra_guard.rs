// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a port may say as a router, on the command line and as text.

use clap::Args;

use crate::proto::v1::{Preference, RaGuard, RaLearning, RaLearningState};
use crate::render::page::Page;
use crate::render::table::{Side, Table};

/// What stands below the options of `port add` and `port set`.
pub(super) const HELP: &str = "\
A list is separated by commas and takes the place of the one before; `none` empties it. An empty \
list allows anything. The rules hold for what a router, an uplink or an end of a link with the role \
router sends: what they do not allow is dropped as a whole and counted as ra-router, ra-mac, \
ra-prefix, ra-pvd, ra-pvd-size, ra-http or ra-preference, and what cannot be read without doubt as ra-malformed. \
When rules become stricter, what the port has taught against them is forgotten.

With --ra-guard-learn the guard finds out by itself which routers are behind a port (RFC 6105 section \
4). While it learns, none is heard, and what comes is counted as ra-learning; then those are heard that \
were there and that the rules allow, from their addresses and MACs and with their prefixes, and nobody \
if there were none, which counts as ra-blocked. The time counts while a guest runs its NIC. Routers are \
asked for when it begins, but not over a link: there it should be longer than the time between two \
advertisements. What was decided stays, over restarts too, until --ra-guard-relearn has it learn anew \
or `--ra-guard-learn off` lets the rules alone decide.";

/// Octets that a PvD Option can have inside at most, so that this is no rule.
const PVD_SIZE: u64 = 2040;

/// The rules.
#[derive(Debug, Args)]
#[command(next_help_heading = "RA guard")]
pub(super) struct RaGuardArgs {
    /// Link-local addresses from which it may send Router Advertisements and Redirects
    #[arg(long, value_name = "ADDRESS,…", value_delimiter = ',')]
    ra_guard_router: Option<Vec<String>>,
    /// MACs from which it may send them, and which advertisements may say that the router has
    #[arg(long, value_name = "MAC,…", value_delimiter = ',')]
    ra_guard_mac: Option<Vec<String>>,
    /// Prefixes within which those lie that it advertises, and its routes but for the default route
    #[arg(long, value_name = "PREFIX,…", value_delimiter = ',')]
    ra_guard_prefix: Option<Vec<String>>,
    /// PvDs that its advertisements may name
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    ra_guard_pvd: Option<Vec<String>>,
    /// Whether its advertisements have to name a PvD. At a new port they do not
    #[arg(long, value_name = "BOOL")]
    ra_guard_pvd_required: Option<bool>,
    /// Whether they may send hosts to fetch more about their PvD over HTTPS (H flag). At a new port they may
    #[arg(long, value_name = "BOOL")]
    ra_guard_http: Option<bool>,
    /// How many octets of options their PvD Option may have inside. At a new port that is all there can be, 2040
    #[arg(long, value_name = "OCTETS")]
    ra_guard_pvd_size: Option<u64>,
    /// The highest preference that its router and routes may have. At a new port that is high
    #[arg(long, value_name = "LOW|MEDIUM|HIGH")]
    ra_guard_preference: Option<Preference>,
    /// Whether IPv6 packets pass whose headers lead to one that nobody knows, from a host too (RFC 7113). At a new port
    /// they do not
    #[arg(long, value_name = "BOOL")]
    ra_guard_unrecognised: Option<bool>,
    /// For how long it is learnt which routers are behind the port, to hear those alone from then on; `off`: it is not
    #[arg(long, value_name = "SECONDS|off", value_parser = span)]
    ra_guard_learn: Option<u64>,
    /// Learn anew
    #[arg(long)]
    ra_guard_relearn: bool,
}

fn span(text: &str) -> Result<u64, String> {
    let expected = "expected seconds, 1 to 3600, or off";
    if text == "off" { Ok(0) } else { text.parse().ok().filter(|span| *span > 0).ok_or_else(|| expected.to_owned()) }
}

impl RaGuardArgs {
    /// The rules that were named, if any.
    pub(super) fn said(self) -> Option<RaGuard> {
        let rules = RaGuard {
            routers: self.ra_guard_router.map(list),
            macs: self.ra_guard_mac.map(list),
            prefixes: self.ra_guard_prefix.map(list),
            pvds: self.ra_guard_pvd.map(list),
            pvd_required: self.ra_guard_pvd_required,
            http: self.ra_guard_http,
            pvd_size: self.ra_guard_pvd_size,
            preference: self.ra_guard_preference,
            unrecognised: self.ra_guard_unrecognised,
            learn: self.ra_guard_learn,
            relearn: self.ra_guard_relearn.then_some(true),
        };
        (rules != RaGuard::default()).then_some(rules)
    }
}

/// `none` alone is no item.
fn list(items: Vec<String>) -> Vec<String> {
    if items == ["none"] { Vec::new() } else { items }
}

/// Adds the rules of a port to its page, one a line, but for those that allow everything.
pub(super) fn lines(page: &mut Page, rules: Option<&RaGuard>) {
    let Some(rules) = rules else { return page.line("ra guard", "no rules") };
    let list =
        |items: &Option<Vec<String>>| items.as_ref().filter(|items| !items.is_empty()).map(|items| items.join(" "));
    let preference = match rules.preference {
        Some(Preference::Low) => Some("at most low"),
        Some(Preference::Medium) => Some("at most medium"),
        Some(Preference::High) | None => None,
    };
    let said = [
        ("routers", list(&rules.routers)),
        ("macs", list(&rules.macs)),
        ("prefixes", list(&rules.prefixes)),
        ("pvds", list(&rules.pvds)),
        ("pvd", rules.pvd_required.filter(|required| *required).map(|_| "required".to_owned())),
        ("http", rules.http.filter(|http| !http).map(|_| "not allowed".to_owned())),
        (
            "pvd size",
            rules.pvd_size.filter(|size| *size < PVD_SIZE).map(|size| format!("at most {size} octets inside")),
        ),
        ("preference", preference.map(str::to_owned)),
        ("unrecognised", rules.unrecognised.filter(|pass| *pass).map(|_| "pass".to_owned())),
        ("learn", rules.learn.filter(|span| *span > 0).map(|span| format!("{span} s"))),
    ];
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)], false);
    let said: Vec<_> = said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    page.line("ra guard", &said.len().to_string());
    said.into_iter().for_each(|(name, value)| table.row([name.to_owned(), value]));
    page.below(&table.finish());
}

/// Adds to the page of a port how far its guard is with learning.
pub(super) fn learning(page: &mut Page, learning: &RaLearning) {
    let RaLearning { state, left_s, routers, macs, prefixes } = learning;
    let state = match (state, left_s) {
        (RaLearningState::Learning, left) => format!("learning, {} s left", left.unwrap_or(0)),
        (RaLearningState::Blocking, _) => "blocking".to_owned(),
        (RaLearningState::Forwarding, _) => "forwarding".to_owned(),
    };
    page.line("ra learning", &state);
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)], false);
    let heard = [("routers", routers), ("macs", macs), ("prefixes", prefixes)];
    let heard = heard.into_iter().filter(|(_, items)| !items.is_empty());
    heard.for_each(|(name, items)| table.row([name.to_owned(), items.join(" ")]));
    page.below(&table.finish());
}
