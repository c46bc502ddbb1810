// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Delegations in the file, and what they confine.

use super::limits::{RateV2, limits, rate_v2};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use switch::{Confined, Delegate, Delegation, Grant};

/// To one user or one group.
#[derive(Serialize, Deserialize)]
pub(super) struct DelegationV2 {
    socket: String,
    sockets: String,
    #[serde(flatten)]
    to: DelegateV2,
    role: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<String, RateV2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confined: Option<ConfinedV2>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ConfinedV2 {
    beneath: String,
    #[serde(flatten)]
    owner: DelegateV2,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DelegateV2 {
    Uid(u32),
    Gid(u32),
}

pub(super) fn said(delegation: &Delegation) -> DelegationV2 {
    DelegationV2 {
        socket: delegation.socket.clone(),
        sockets: delegation.directory.clone(),
        to: to_said(delegation.to),
        role: delegation.grant.as_str().to_owned(),
        limits: delegation.limits.iter().map(rate_v2).collect(),
        confined: delegation.confined.as_ref().map(confined_said),
    }
}

pub(super) fn meant(said: DelegationV2) -> Result<Delegation, String> {
    Ok(Delegation {
        socket: said.socket,
        directory: said.sockets,
        to: to_meant(&said.to),
        grant: Grant::of(&said.role).ok_or_else(|| format!("{:?} is not a role", said.role))?,
        limits: limits(&said.limits)?,
        confined: said.confined.map(confined_meant),
    })
}

pub(super) fn confined_said(confined: &Confined) -> ConfinedV2 {
    ConfinedV2 { beneath: confined.beneath.clone(), owner: to_said(confined.owner) }
}

pub(super) fn confined_meant(said: ConfinedV2) -> Confined {
    Confined { beneath: said.beneath, owner: to_meant(&said.owner) }
}

fn to_said(to: Delegate) -> DelegateV2 {
    match to {
        Delegate::Uid(uid) => DelegateV2::Uid(uid),
        Delegate::Gid(gid) => DelegateV2::Gid(gid),
    }
}

fn to_meant(said: &DelegateV2) -> Delegate {
    match *said {
        DelegateV2::Uid(uid) => Delegate::Uid(uid),
        DelegateV2::Gid(gid) => Delegate::Gid(gid),
    }
}
