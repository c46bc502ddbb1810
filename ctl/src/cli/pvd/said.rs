// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is said of a static PvD on the command line.

use clap::Args;

use crate::proto::v1::{PvdAnnouncement, PvdStatement};

/// The word that takes away what an option says.
const NONE: &str = "none";

/// What stands below the options of `pvd create` and `pvd set`.
pub(super) const HELP: &str = "\
A PREFIX is 2001:db8:1::/64: it is on the link, and hosts make addresses of it. Behind a comma stands \
what it is for unless that is both: on-link, autonomous, none. Behind that of a route may stand high \
or low. Options that list something may be there several times, and `none` takes all of it away: \
`weft pvd set work.example -n red --rdnss none`.";

/// Options of `pvd set`, one of which must be there.
pub(super) const CHANGES: [&str; 13] = [
    "http",
    "legacy",
    "sequence",
    "delay",
    "prefix",
    "route",
    "rdnss",
    "dnssl",
    "pref64",
    "mtu",
    "captive_portal",
    "announce",
    "no_announce",
];

/// What an operator says about a PvD.
#[derive(Debug, Args)]
pub(super) struct StatementArgs {
    #[command(flatten)]
    flags: FlagArgs,
    #[command(flatten)]
    facts: FactArgs,
    #[command(flatten)]
    announce: AnnounceArgs,
}

/// What the PvD Option says.
#[derive(Debug, Args)]
struct FlagArgs {
    /// There is more at `https://NAME/.well-known/pvd` (H flag)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    http: Option<bool>,
    /// DHCPv4 of the link belongs to it (L flag)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    legacy: Option<bool>,
    /// Changes with what there is over HTTPS
    #[arg(long, value_name = "N")]
    sequence: Option<u16>,
    /// How far hosts spread to fetch that, 0 to 15
    #[arg(long, value_name = "N")]
    delay: Option<u8>,
}

/// What is known of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is known of it")]
struct FactArgs {
    /// A prefix of the link
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<Vec<String>>,
    /// Where its router leads
    #[arg(long, value_name = "PREFIX")]
    route: Option<Vec<String>>,
    /// A DNS server
    #[arg(long, value_name = "ADDRESS")]
    rdnss: Option<Vec<String>>,
    /// A DNS search domain
    #[arg(long, value_name = "DOMAIN")]
    dnssl: Option<Vec<String>>,
    /// A NAT64 prefix
    #[arg(long, value_name = "PREFIX")]
    pref64: Option<Vec<String>>,
    /// MTU of the link in bytes, or `none`
    #[arg(long, value_name = "N", value_parser = mtu)]
    mtu: Option<u32>,
    /// The captive portal, or `none`
    #[arg(long, value_name = "URI")]
    captive_portal: Option<String>,
}

/// In whose name hosts are told.
#[derive(Debug, Args)]
#[command(next_help_heading = "What hosts are told")]
struct AnnounceArgs {
    /// Tell hosts that ask, in the name of this router: a link-local address that no router there speaks from
    #[arg(long, value_name = "ADDRESS", requires = "announce_mac")]
    announce: Option<String>,
    /// That router's MAC address
    #[arg(long, value_name = "MAC", requires = "announce")]
    announce_mac: Option<String>,
    /// Seconds for which it is a default router [default: 0, it is none]
    #[arg(long, value_name = "SECONDS", requires = "announce")]
    router_lifetime: Option<u16>,
    /// Say that to hosts only that know of PvDs (R flag); some of them then ignore the PvD
    #[arg(long, requires = "announce")]
    inner_header: bool,
    /// Tell hosts no more
    #[arg(long, conflicts_with = "announce")]
    no_announce: bool,
}

impl StatementArgs {
    /// What was named.
    pub(super) fn said(self) -> PvdStatement {
        let StatementArgs { flags, facts, announce } = self;
        let portal = |uri: String| if uri == NONE { String::new() } else { uri };
        PvdStatement {
            http: flags.http,
            legacy: flags.legacy,
            sequence: flags.sequence,
            delay: flags.delay,
            prefixes: facts.prefix.map(items),
            routes: facts.route.map(items),
            rdnss: facts.rdnss.map(items),
            dnssl: facts.dnssl.map(items),
            pref64: facts.pref64.map(items),
            mtu: facts.mtu,
            captive_portal: facts.captive_portal.map(portal),
            announce: announce.said(),
        }
    }
}

impl AnnounceArgs {
    fn said(self) -> Option<Vec<PvdAnnouncement>> {
        let AnnounceArgs { announce, announce_mac, router_lifetime, inner_header, no_announce } = self;
        match announce.zip(announce_mac) {
            Some((router, mac)) => {
                let lifetime_s = router_lifetime.unwrap_or(0);
                Some(vec![PvdAnnouncement { router, mac, lifetime_s, inner: inner_header }])
            }
            None => no_announce.then(Vec::new),
        }
    }
}

fn items(said: Vec<String>) -> Vec<String> {
    if said == [NONE] { Vec::new() } else { said }
}

fn mtu(text: &str) -> Result<u32, String> {
    let expected = |_| format!("expected a number of bytes, or {NONE}");
    if text == NONE { Ok(0) } else { text.parse().map_err(expected) }
}
