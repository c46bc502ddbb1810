// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Links between namespaces. Their ends are ports, and listed with these.

use serde::{Deserialize, Serialize};

use super::port::Port;
use crate::proto::nullable;

/// Parameters of `LinkAdd`: makes both ends and joins them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkAdd {
    /// One end to be, `NAMESPACE:NAME`.
    pub one: String,
    /// The other, in another namespace.
    pub other: String,
    /// Largest frame that crosses in bytes, Ethernet header not counted; absent: 1500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
    /// Let Router Advertisements and Redirects cross.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub routers: bool,
}

/// A new link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReply {
    /// Its ends.
    pub ports: Vec<Port>,
}

/// Parameters of `LinkDel`: takes a link away and both its ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkDel {
    /// Either end.
    pub port: String,
    /// Succeed, and do nothing, when there is no such port.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub if_exists: bool,
}
