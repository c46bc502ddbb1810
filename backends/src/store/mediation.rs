// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is done with Router Advertisements from and to a port, in the file.

use super::ra_guard::{self, RaGuardV2};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use switch::{Mediation, Refusal};

/// What differs from a port of which nothing is said.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MediationV2 {
    /// Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pvds: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inject: Option<InjectV2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guard: Option<RaGuardV2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    learn_s: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InjectV2 {
    name: String,
    http: bool,
    legacy: bool,
    sequence: u16,
    delay: u8,
    r_flag: bool,
}

pub(super) fn said(mediation: &Mediation) -> Option<MediationV2> {
    let inject = mediation.inject.as_ref().map(|inject| InjectV2 {
        name: inject.name.to_string(),
        http: inject.http,
        legacy: inject.legacy,
        sequence: inject.sequence,
        delay: inject.delay,
        r_flag: inject.header,
    });
    let guard = ra_guard::said(&mediation.guard);
    let learn_s = mediation.learn.map(|span| span.as_secs());
    (*mediation != Mediation::default()).then(|| MediationV2 { pvds: mediation.sight.words(), inject, guard, learn_s })
}

pub(super) fn meant(said: MediationV2) -> Result<Mediation, String> {
    let unreadable = |why: Refusal| why.to_string();
    let guard = said.guard.as_ref().map(ra_guard::meant).transpose()?.unwrap_or_default();
    let learn = said.learn_s.map(Duration::from_secs);
    let mut mediation = Mediation { guard, learn, ..Mediation::default() };
    if let Some(words) = said.pvds {
        mediation.sight = switch::sight_of(words.iter().map(String::as_str)).map_err(unreadable)?;
    }
    if let Some(InjectV2 { name, http, legacy, sequence, delay, r_flag }) = said.inject {
        mediation.inject = switch::injection_of(&name).map_err(unreadable)?;
        if let Some(inject) = &mut mediation.inject {
            (inject.http, inject.legacy, inject.header) = (http, legacy, r_flag);
            (inject.sequence, inject.delay) = (sequence, delay);
        }
    }
    Ok(mediation)
}
