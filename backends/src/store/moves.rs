// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports that came from other switches or go there, in the file: after a restart a guest is where it was, no move comes twice, and one
//! that is cancelled takes along what was made for it.

use super::pvds;
use serde::{Deserialize, Serialize};
use switch::{Made, MoveId, Passage, PvdKey};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PassageV2 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    came: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    went: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    away: bool,
}

pub(super) fn said(passage: &Passage) -> PassageV2 {
    let text = |id: Option<MoveId>| id.map(|id| id.to_string());
    PassageV2 { came: text(passage.came), went: text(passage.went), before: text(passage.before), away: passage.away }
}

pub(super) fn meant(said: &PassageV2) -> Result<Passage, String> {
    let id = |text: &Option<String>| text.as_deref().map(|text| super::format::parse("move", text)).transpose();
    Ok(Passage { came: id(&said.came)?, went: id(&said.went)?, before: id(&said.before)?, away: said.away })
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MadeV2 {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    namespaces: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pvds: Vec<String>,
}

pub(super) fn made_said(made: &Made) -> Option<MadeV2> {
    let namespaces = made.namespaces.iter().map(ToString::to_string).collect();
    let pvds = made.pvds.iter().map(PvdKey::label).collect();
    (*made != Made::default()).then_some(MadeV2 { namespaces, pvds })
}

pub(super) fn made_meant(said: &MadeV2) -> Result<Made, String> {
    let path = |text: &String| super::format::parse("path of a namespace", text);
    let namespaces = said.namespaces.iter().map(path).collect::<Result<_, _>>()?;
    let pvds = said.pvds.iter().map(|text| pvds::key(text)).collect::<Result<_, _>>()?;
    Ok(Made { namespaces, pvds })
}
