// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Router Advertisements as namespaces remember them.

use serde::{Deserialize, Serialize};

use super::RouterParameters;

/// Router Advertisements in one message of a streamed `RaList`, as [`super::FDB_PAGE`].
pub const RA_PAGE: usize = 1024;

/// One Router Advertisement, briefly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ra {
    /// Its namespace.
    pub namespace: String,
    /// Its number in that namespace.
    pub number: u64,
    /// The port that it came in from.
    pub port: String,
    /// The router: its source address.
    pub router: String,
    /// The Ethernet source of its frame.
    pub mac: String,
    /// The name of its PvD, as of [`super::Pvd`].
    pub pvd: String,
    /// Whether its PvD Option was injected, and is not the router's own.
    pub injected: bool,
    /// Bytes of the message.
    pub len: u64,
    /// Seconds until the last of what it says has ended; absent: it never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u64>,
    /// Seconds for which its router is a default router still; absent: it is none, and it is handed out to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router_left_s: Option<u64>,
    /// Seconds since it, or what it took the place of, was first heard.
    pub first_s: u64,
    /// Seconds since it was last heard.
    pub last_s: u64,
    /// How often it was heard.
    pub heard: u64,
    /// How often it was handed out.
    pub hits: u64,
    /// When it was last heard, in milliseconds since 1970 (UTC).
    pub last_at_ms: u64,
}

/// One option of a Router Advertisement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaOption {
    /// Its type as on the wire.
    pub code: u8,
    /// What the type means: prefix, route, mtu and so on; unknown.
    pub name: String,
    /// Whether it stands inside the PvD Option.
    pub nested: bool,
    /// What it says; absent when that is not known or cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Seconds that are left of its lifetime, 0 when it has ended; absent: it has none, or it lasts for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_s: Option<u64>,
    /// Of a prefix the same of its preferred lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_s: Option<u64>,
    /// The option whole, in hexadecimal.
    pub hex: String,
}

/// Parameters of `RaList`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaList {
    /// Only this namespace; `NotFound` when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// One page of Router Advertisements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaListReply {
    /// The Router Advertisements, by namespace and number.
    pub ras: Vec<Ra>,
}

/// Parameters of `RaShow`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaShow {
    /// Its namespace.
    pub namespace: String,
    /// Its number there.
    pub number: u64,
}

/// A Router Advertisement in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaShowReply {
    /// The Router Advertisement.
    pub ra: Ra,
    /// Its own header, whatever its PvD Option has instead, and its MTU and captive portal.
    pub parameters: RouterParameters,
    /// Seconds for which its sender said to be a default router.
    pub router_s: u64,
    /// Its options, each PvD Option followed by those inside.
    pub options: Vec<RaOption>,
    /// The message from its ICMPv6 type to its end, in hexadecimal.
    pub hex: String,
    /// A frame that carries it to all nodes, whoever it was sent to, with the checksum for that, in hexadecimal.
    pub frame: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Hosts will do something, and perhaps not what is meant.
    Warning,
    /// It must not be, or hosts ignore it.
    Error,
}

/// A router of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterAt {
    /// Its link-local address.
    pub router: String,
    /// The port that it is behind; absent: that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
}

/// Something that routers say and should not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A word for it, for programs: `differs`, `prefix-lifetime` and so on.
    pub code: String,
    /// It in a sentence.
    pub text: String,
    /// Where it is said that it should not be: `RFC 4861 section 6.2.7`.
    pub rule: String,
    /// Who says it: one router, or those that contradict each other.
    pub routers: Vec<RouterAt>,
    /// The name of the PvD that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvd: Option<String>,
}

/// Parameters of `RaCheck`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaCheck {
    /// The namespace.
    pub namespace: String,
}

/// What is wrong with what routers say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaCheckReply {
    /// What was found.
    pub findings: Vec<Finding>,
    /// How much more there is.
    pub more: u64,
    /// How many Router Advertisements were looked at.
    pub looked_at: u64,
}
