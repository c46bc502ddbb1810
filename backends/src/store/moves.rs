// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports that came from other switches or go there, in the file: after a restart a guest is where it was, and no move comes twice.

use serde::{Deserialize, Serialize};
use switch::{MoveId, Passage};

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
