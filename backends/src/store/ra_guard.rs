// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Rules for routers in the file.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;
use switch::{RaGuard, RoutersFound};

/// The rules of a port that has some.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RaGuardV2 {
    routers: Vec<String>,
    macs: Vec<String>,
    prefixes: Vec<String>,
    pvds: Vec<String>,
    pvd_required: bool,
    http: bool,
    /// Absent where all is allowed, as in files from before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pvd_size: Option<u16>,
    preference: String,
    unrecognised: bool,
}

/// Rules, for the file. `None`: there are none.
pub(super) fn said(rules: &RaGuard) -> Option<RaGuardV2> {
    (*rules != RaGuard::default()).then(|| RaGuardV2 {
        routers: texts(&rules.routers),
        macs: texts(&rules.macs),
        prefixes: texts(&rules.prefixes),
        pvds: texts(&rules.pvds),
        pvd_required: rules.pvd_required,
        http: rules.http,
        pvd_size: Some(rules.pvd_size).filter(|size| *size != RaGuard::default().pvd_size),
        preference: switch::preference_word(rules.preference).to_owned(),
        unrecognised: rules.unrecognised,
    })
}

/// What rules in a file mean.
pub(super) fn meant(rules: &RaGuardV2) -> Result<RaGuard, String> {
    let word = &rules.preference;
    Ok(RaGuard {
        routers: set("address of a router", &rules.routers)?,
        macs: set("MAC address", &rules.macs)?,
        prefixes: set("prefix", &rules.prefixes)?,
        pvds: set("PvD", &rules.pvds)?,
        pvd_required: rules.pvd_required,
        http: rules.http,
        pvd_size: rules.pvd_size.unwrap_or(RaGuard::default().pvd_size),
        preference: switch::preference_of(word).ok_or_else(|| format!("{word:?} is not a preference"))?,
        unrecognised: rules.unrecognised,
    })
}

/// What RA guard has learnt of a port; without routers it heard none.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FoundV2 {
    routers: Vec<String>,
    macs: Vec<String>,
    prefixes: Vec<String>,
}

pub(crate) fn found_said(found: &RoutersFound) -> FoundV2 {
    FoundV2 { routers: texts(&found.routers), macs: texts(&found.macs), prefixes: texts(&found.prefixes) }
}

pub(crate) fn found_meant(said: &FoundV2) -> Result<RoutersFound, String> {
    Ok(RoutersFound {
        routers: set("address of a router", &said.routers)?,
        macs: set("MAC address", &said.macs)?,
        prefixes: set("prefix", &said.prefixes)?,
    })
}

fn texts<T: Display>(set: &BTreeSet<T>) -> Vec<String> {
    set.iter().map(ToString::to_string).collect()
}

fn set<T: FromStr + Ord>(what: &str, texts: &[String]) -> Result<BTreeSet<T>, String> {
    texts.iter().map(|text| text.parse().map_err(|_| format!("{text:?} is not a {what}"))).collect()
}
