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
    /// Seconds for which it may be handed out still; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u64>,
    /// Seconds since it, or what it took the place of, was first heard.
    pub first_s: u64,
    /// Seconds since it was last heard.
    pub last_s: u64,
    /// How often it was heard.
    pub heard: u64,
    /// How often it was handed out.
    pub hits: u64,
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
}
