// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is done with Router Advertisements on their way to hosts, beside forwarding them.

use serde::{Deserialize, Serialize};

use crate::proto::nullable;

/// The PvD Option that advertisements of a router get which have none (RFC 8801).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectPvd {
    /// The name of the PvD, `work.example`. In a request `none` is no option at all.
    pub name: String,
    /// H: there is Additional Information at `https://NAME/.well-known/pvd`.
    #[serde(default, deserialize_with = "nullable")]
    pub http: bool,
    /// L: what DHCPv4 gives belongs to this PvD.
    #[serde(default, deserialize_with = "nullable")]
    pub legacy: bool,
    /// Changes with the Additional Information; 0 without `http`.
    #[serde(default, deserialize_with = "nullable")]
    pub sequence: u16,
    /// How far hosts spread fetching it, 0 to 15; 0 without `http`.
    #[serde(default, deserialize_with = "nullable")]
    pub delay: u8,
    /// R: everything moves into the option, and only hosts that know PvDs make use of it.
    #[serde(default, deserialize_with = "nullable")]
    pub r_flag: bool,
}

/// What became of Router Advertisements of a port of which weftd itself decided who gets them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mediated {
    /// Advertisements that it decided about.
    pub heard: u64,
    /// Frames that came of them, one for each port that got one.
    pub sent: u64,
    /// Of those heard, repetitions that not all hosts were told.
    pub held: u64,
    /// Of those heard, which nobody sees whom they were for.
    pub hidden: u64,
    /// Of those heard, which were lost because the port may not cause so many frames.
    pub beyond: u64,
    /// Of those heard, which are not valid, and went to nobody.
    pub invalid: u64,
    /// Advertisements that got a PvD Option.
    pub injected: u64,
    /// Advertisements that should have got one and went on as they were: signed, or too long with one.
    pub not_injected: u64,
}
