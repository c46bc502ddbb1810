// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Static PvDs: what an operator says about one.

use serde::{Deserialize, Serialize};

use super::Pvd;
use crate::proto::nullable;

/// What an operator says about a PvD. What is absent is not said by `PvdCreate` and stays as it was by `PvdSet`. A list takes
/// the place of all that it said before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PvdStatement {
    /// H: there is more at `https://NAME/.well-known/pvd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<bool>,
    /// L: DHCPv4 of the link belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy: Option<bool>,
    /// Changes with what there is over HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u16>,
    /// How far fetching that is to be spread, 0 to 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<u8>,
    /// Prefixes of the link, `2001:db8:1::/64`. Behind a comma stands what one is for unless that is both: `on-link`,
    /// `autonomous`, `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefixes: Option<Vec<String>>,
    /// Where its router leads, `2001:db8::/32`, with `,high` or `,low` behind it if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<String>>,
    /// Recursive DNS servers, by address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rdnss: Option<Vec<String>>,
    /// DNS search domains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnssl: Option<Vec<String>>,
    /// NAT64 prefixes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pref64: Option<Vec<String>>,
    /// MTU of the link in bytes; 0: not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// URI of the captive portal; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captive_portal: Option<String>,
    /// In whose name hosts are told of it: one at most; an empty list: they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announce: Option<Vec<PvdAnnouncement>>,
}

/// In whose name hosts are told of a static PvD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PvdAnnouncement {
    /// The router's link-local address.
    pub router: String,
    /// The router's MAC address.
    pub mac: String,
    /// Seconds for which it is a default router; 0: it is none.
    #[serde(default, deserialize_with = "nullable")]
    pub lifetime_s: u16,
    /// Whether that is said to hosts only that know of PvDs (R flag).
    #[serde(default, deserialize_with = "nullable")]
    pub inner: bool,
}

/// Parameters of `PvdCreate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PvdCreate {
    /// The namespace that it is in.
    pub namespace: String,
    /// Its name, a domain name.
    pub name: String,
    /// What is said about it.
    #[serde(default, deserialize_with = "nullable")]
    pub said: PvdStatement,
}

/// Parameters of `PvdSet`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PvdSet {
    /// The namespace that it is in.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What is said about it otherwise than before.
    pub said: PvdStatement,
}

/// Parameters of `PvdDelete`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PvdDelete {
    /// The namespace that it is in.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Succeed when there is no such static PvD.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub if_exists: bool,
}

/// Parameters of `PvdFetch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PvdFetch {
    /// The namespace that it is in.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The answer of `PvdCreate` and `PvdSet`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PvdReply {
    /// The PvD.
    pub pvd: Pvd,
}
