// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is done with Router Advertisements from and to a port: `pvds` and `inject-pvd`, read and written.

use super::low::InjectPvd;
use super::mistake::Mistake;
use super::value::{Text, number};
use pvd::{Injection, PVD_DELAY_MAX};
use serde::Serialize;
use std::ops::Range;
use switch::{Mediation, Refusal};

/// What the keys mean.
pub(super) fn meaning(pvds: Option<&Vec<Text>>, inject: Option<&InjectPvd>) -> Result<Mediation, Mistake> {
    let mut mediation = Mediation::default();
    if let Some(words) = pvds {
        let at_word = |refusal: Refusal| {
            let wrong = words.iter().find(|word| switch::sight_of([word.get_ref().as_str()]).is_err());
            // Only `all` is right alone and wrong among others.
            let wrong = wrong.or_else(|| words.iter().find(|word| word.get_ref() == "all"));
            refused(wrong.map_or(0..0, Text::span), &refusal)
        };
        mediation.sight = switch::sight_of(words.iter().map(|word| word.get_ref().as_str())).map_err(at_word)?;
    }
    mediation.inject = inject.map(injection).transpose()?.flatten();
    Ok(mediation)
}

/// Where each stands, for refusals of the switch.
pub(super) fn keys(pvds: Option<&Vec<Text>>, inject: Option<&InjectPvd>) -> Vec<(&'static str, Range<usize>)> {
    let pvds = pvds.and_then(|words| words.first()).map(|word| ("pvds", word.span()));
    pvds.into_iter().chain(inject.map(|inject| ("inject-pvd", inject.name.span()))).collect()
}

fn injection(low: &InjectPvd) -> Result<Option<Injection>, Mistake> {
    let name = low.name.get_ref();
    let Some(mut injection) = switch::injection_of(name).map_err(|refusal| refused(low.name.span(), &refusal))? else {
        return Ok(None);
    };
    (injection.http, injection.legacy, injection.header) = (low.http, low.legacy, low.r_flag);
    let sequence = low.sequence.as_ref().map(|sequence| number(sequence, 0..=i64::from(u16::MAX))).transpose()?;
    let delay = low.delay.as_ref().map(|delay| number(delay, 0..=i64::from(PVD_DELAY_MAX))).transpose()?;
    (injection.sequence, injection.delay) = (sequence.unwrap_or(0), delay.unwrap_or(0));
    Ok(Some(injection))
}

fn refused(span: Range<usize>, refusal: &Refusal) -> Mistake {
    match refusal {
        Refusal::Invalid { value, expected, .. } => {
            Mistake::new(span, format!("{value:?} is not valid (expected {expected})"))
        }
        other => Mistake::new(span, other.to_string()),
    }
}

/// What is injected, as it is written.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Injected {
    name: String,
    http: bool,
    legacy: bool,
    sequence: u16,
    delay: u8,
    r_flag: bool,
}

/// What is written of a port: the PvDs that it sees, and what is injected.
pub(super) fn said(mediation: &Mediation) -> (Option<Vec<String>>, Option<Injected>) {
    let injected = |injection: &Injection| Injected {
        name: injection.name.to_string(),
        http: injection.http,
        legacy: injection.legacy,
        sequence: injection.sequence,
        delay: injection.delay,
        r_flag: injection.header,
    };
    (mediation.sight.words(), mediation.inject.as_ref().map(injected))
}
