// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Rules for routers, to and from the wire.

use super::refusal;
use crate::config::MAC_EXPECTED;
use ctl::proto::v1;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;
use switch::{Mediation, RaGuardEdit, RaGuardState, RaLearningView, Refusal};
use wire::Prefix;
use wire::nd::Preference;

/// Rules that came over the wire: what is to change.
///
/// # Errors
/// [`v1::Error::Invalid`]: an item of a list is not what it should be.
pub(super) fn ra_guard(asked: Option<&v1::RaGuard>) -> Result<RaGuardEdit, v1::Error> {
    let Some(asked) = asked else { return Ok(RaGuardEdit::default()) };
    Ok(RaGuardEdit {
        routers: set("ra-guard-router", asked.routers.as_ref(), "a link-local address such as fe80::1")?,
        macs: set("ra-guard-mac", asked.macs.as_ref(), &format!("a MAC address, {MAC_EXPECTED}"))?,
        prefixes: set("ra-guard-prefix", asked.prefixes.as_ref(), Prefix::EXPECTED)?,
        pvds: set("ra-guard-pvd", asked.pvds.as_ref(), "a domain name such as corp.example")?,
        pvd_required: asked.pvd_required,
        http: asked.http,
        // What is more is refused, and what is more than can be said is more.
        pvd_size: asked.pvd_size.map(|size| u16::try_from(size).unwrap_or(u16::MAX)),
        preference: asked.preference.map(|preference| match preference {
            v1::Preference::Low => Preference::Low,
            v1::Preference::Medium => Preference::Medium,
            v1::Preference::High => Preference::High,
        }),
        unrecognised: asked.unrecognised,
    })
}

fn set<T: FromStr + Ord>(
    field: &str,
    said: Option<&Vec<String>>,
    expected: &str,
) -> Result<Option<BTreeSet<T>>, v1::Error> {
    let invalid = |text: &str| refusal(Refusal::invalid(field, text, expected));
    said.map(|items| items.iter().map(|text| text.parse().map_err(|_| invalid(text))).collect()).transpose()
}

/// Rules for the wire; `None`: there are none.
pub(super) fn ra_guard_said(mediation: &Mediation) -> Option<v1::RaGuard> {
    let (rules, learn) = (&mediation.guard, mediation.learn);
    let plain = Mediation::default();
    ((rules, learn) != (&plain.guard, plain.learn)).then(|| v1::RaGuard {
        routers: Some(texts(&rules.routers)),
        macs: Some(texts(&rules.macs)),
        prefixes: Some(texts(&rules.prefixes)),
        pvds: Some(texts(&rules.pvds)),
        pvd_required: Some(rules.pvd_required),
        http: Some(rules.http),
        pvd_size: Some(rules.pvd_size.into()),
        preference: Some(match rules.preference {
            Preference::Low => v1::Preference::Low,
            Preference::Medium => v1::Preference::Medium,
            Preference::High => v1::Preference::High,
        }),
        unrecognised: Some(rules.unrecognised),
        learn: Some(learn.map_or(0, |span| span.as_secs())),
        relearn: None,
    })
}

/// For how long is to be learnt, if anything is said of that.
pub(super) fn learn(asked: Option<&v1::RaGuard>) -> Option<Option<Duration>> {
    asked?.learn.map(|seconds| (seconds > 0).then(|| Duration::from_secs(seconds)))
}

/// How far learning is, for the wire; `None`: it is off.
pub(super) fn learning_said(view: &RaLearningView) -> Option<v1::RaLearning> {
    let state = match view.state {
        RaGuardState::Off => return None,
        RaGuardState::Learning => v1::RaLearningState::Learning,
        RaGuardState::Blocking => v1::RaLearningState::Blocking,
        RaGuardState::Forwarding => v1::RaLearningState::Forwarding,
    };
    Some(v1::RaLearning {
        state,
        // What is left of a second is not over.
        left_s: view.left.map(|left| left.as_secs() + u64::from(left.subsec_nanos() > 0)),
        routers: texts(&view.found.routers),
        macs: texts(&view.found.macs),
        prefixes: texts(&view.found.prefixes),
    })
}

fn texts<T: Display>(set: &BTreeSet<T>) -> Vec<String> {
    set.iter().map(ToString::to_string).collect()
}
