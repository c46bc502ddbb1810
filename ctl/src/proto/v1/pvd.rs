// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Provisioning domains: what namespaces have learnt from their routers.

use super::Information;
use serde::{Deserialize, Serialize};

use super::PvdAnnouncement;

/// PvDs in one message of a streamed `PvdList`, as [`super::FDB_PAGE`].
pub const PVD_PAGE: usize = 256;

/// One PvD, briefly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pvd {
    /// Its namespace.
    pub namespace: String,
    /// `corp.example.`, or of one without a name router and port, `fe80::1%vm1`; its own in its namespace only.
    pub name: String,
    /// Whether its routers name it.
    pub explicit: bool,
    /// Whether an operator made it; routers may speak of it as well.
    pub r#static: bool,
    /// Its number among all PvDs that the caller sees; 0 when all numbers were taken.
    pub number: u32,
    /// What names it in its namespace for as long as it lives, and nothing afterwards.
    pub handle: String,
    /// Goes up with every PvD that comes or goes in its namespace.
    pub base_seq: u64,
    /// Seconds since it was registered.
    pub age_s: u64,
    /// From how many routers it is heard.
    pub routers: u64,
    /// Prefixes that are known of it, `2001:db8::/64`.
    pub prefixes: Vec<String>,
    /// How much is known of it: prefixes, routes, resolvers and the like.
    pub facts: u64,
    /// Seconds until the last of what is known ends; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u64>,
}

/// What kind of thing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactKind {
    /// A prefix of the link.
    Prefix,
    /// A route through the router.
    Route,
    /// A recursive DNS server.
    Rdnss,
    /// A DNS search domain.
    Dnssl,
    /// A NAT64 prefix.
    Pref64,
}

impl FactKind {
    /// The word for it in texts and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FactKind::Prefix => "prefix",
            FactKind::Route => "route",
            FactKind::Rdnss => "rdnss",
            FactKind::Dnssl => "dnssl",
            FactKind::Pref64 => "pref64",
        }
    }
}

/// One thing that is known, and for how much longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What kind of thing.
    pub kind: FactKind,
    /// The thing: a prefix, an address or a domain name.
    pub value: String,
    /// Of a prefix: on-link, autonomous; of a route its preference: low, medium, high.
    pub flags: Vec<String>,
    /// Seconds for which it is valid still; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_s: Option<u64>,
    /// Seconds for which addresses from this prefix are preferred still; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_s: Option<u64>,
    /// How many say it.
    pub sources: u64,
}

/// Who says something about a PvD, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PvdSource {
    /// The port that the router is behind; absent: an operator says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The router's link-local address; absent: an operator says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<String>,
    /// Whether the PvD was heard from another port before.
    #[serde(default)]
    pub second: bool,
    /// Flags of the PvD Option: http, legacy, header; injected: it is not the router's own.
    pub flags: Vec<String>,
    /// Sequence number of the Additional Information.
    pub sequence: u16,
    /// Delay exponent of the Additional Information.
    pub delay: u8,
    /// The header and what has no lifetime.
    pub parameters: RouterParameters,
    /// Seconds for which it is a default router still; 0: it is none.
    pub router_s: u64,
    /// Seconds since it was first heard.
    pub first_s: u64,
    /// Seconds since it was last heard.
    pub last_s: u64,
    /// How often it was heard.
    pub heard: u64,
    /// What it says.
    pub facts: Vec<Fact>,
}

/// What a router says that has no lifetime of its own. 0 is unspecified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterParameters {
    /// Hop limit for hosts.
    pub hop_limit: u8,
    /// Flags of the header: managed, other, home-agent, proxy.
    pub flags: Vec<String>,
    /// Preference as default router: low, medium, high.
    pub preference: String,
    /// Milliseconds for which a neighbour counts as reachable.
    pub reachable_ms: u32,
    /// Milliseconds between solicitations of neighbours.
    pub retrans_ms: u32,
    /// MTU of the link in bytes.
    pub mtu: u32,
    /// The captive portal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captive_portal: Option<String>,
}

/// Parameters of `PvdList`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PvdList {
    /// Only this namespace; `NotFound` when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// One page of PvDs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PvdListReply {
    /// The PvDs, by namespace.
    pub pvds: Vec<Pvd>,
    /// PvDs came or went since the list began: some may be missing in it, none is there twice.
    pub interrupted: bool,
    /// Of a list of one namespace: what goes up with every PvD that comes or goes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_seq: Option<u64>,
    /// Of a list of one namespace: the number of the last event there, from which `PvdWatch` goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// Parameters of `PvdShow`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PvdShow {
    /// Its name, as in [`Pvd::name`].
    pub name: String,
    /// Its namespace; absent: the only one where there is a PvD of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// A PvD in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PvdShowReply {
    /// The PvD.
    pub pvd: Pvd,
    /// Ports of its namespace that are bound to it; those that see all PvDs are not among them.
    pub bound: Vec<String>,
    /// What is known of it, from all who say it, each thing once.
    pub facts: Vec<Fact>,
    /// Who says something: an operator first, then routers in the order in which they were first heard.
    pub sources: Vec<PvdSource>,
    /// Its Additional Information; absent: its routers have none, or it is not fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub information: Option<Information>,
    /// What holds for all of it.
    pub whole: PvdWhole,
    /// In whose name hosts are told of it, of a static one that they are told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announce: Option<PvdAnnouncement>,
}

/// What holds for a PvD, whoever says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PvdWhole {
    /// Flags of the PvD Option, by whoever is to be believed: http, legacy, header.
    pub flags: Vec<String>,
    /// Sequence number of the Additional Information.
    pub sequence: u16,
    /// Delay exponent of the Additional Information.
    pub delay: u8,
    /// The ports that it is heard from.
    pub ports: Vec<String>,
    /// How many advertisements of it were heard, of those who say something now.
    pub heard: u64,
    /// How many read it at this moment, beside who answers this.
    pub holders: u64,
}
