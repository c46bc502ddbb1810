// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The `ra-guard` of a port: what its router may say, read and written.

use super::mistake::Mistake;
use super::value::{MAC_EXPECTED, Number, Text, known, not, number};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::Ipv6Addr;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;
use switch::{Mediation, RaGuard};
use toml::Spanned;
use wire::name::DomainName;
use wire::{MacAddr, Prefix};

/// A list and its place.
type List = Spanned<Vec<Text>>;

/// The table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Rules {
    routers: Option<List>,
    macs: Option<List>,
    prefixes: Option<List>,
    pvds: Option<List>,
    pvd_required: Option<bool>,
    http: Option<bool>,
    pvd_size: Option<Number>,
    preference: Option<Text>,
    unrecognised: Option<bool>,
    learn: Option<Number>,
}

impl Rules {
    /// What it means.
    pub(super) fn meaning(&self) -> Result<RaGuard, Mistake> {
        let plain = RaGuard::default();
        let preference = |text| known(text, switch::preference_of, "low, medium or high");
        Ok(RaGuard {
            routers: set::<Ipv6Addr>(self.routers.as_ref(), "an IPv6 address", "a link-local one such as fe80::1")?,
            macs: set::<MacAddr>(self.macs.as_ref(), "a MAC address", MAC_EXPECTED)?,
            prefixes: set::<Prefix>(self.prefixes.as_ref(), "a prefix", Prefix::EXPECTED)?,
            pvds: set::<DomainName>(self.pvds.as_ref(), "a PvD", "a domain name such as corp.example")?,
            pvd_required: self.pvd_required.unwrap_or(plain.pvd_required),
            http: self.http.unwrap_or(plain.http),
            pvd_size: small_number_or(self.pvd_size.as_ref(), plain.pvd_size)?,
            preference: self.preference.as_ref().map_or(Ok(plain.preference), preference)?,
            unrecognised: self.unrecognised.unwrap_or(plain.unrecognised),
        })
    }

    /// For how long is learnt; 0 is not at all.
    pub(super) fn learn(&self) -> Result<Option<Duration>, Mistake> {
        let (_, high) = switch::limits::RA_LEARN_RANGE_SECONDS;
        let seconds = self.learn.as_ref().map(|learn| number(learn, 0..=high as i64)).transpose()?;
        Ok(seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs))
    }

    /// Where each list stands, for refusals of the switch.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'static str, Range<usize>)> {
        let all = [
            ("ra-guard-router", &self.routers),
            ("ra-guard-mac", &self.macs),
            ("ra-guard-prefix", &self.prefixes),
            ("ra-guard-pvd", &self.pvds),
        ];
        let learn = self.learn.as_ref().map(|learn| ("ra-guard-learn", learn.span()));
        all.into_iter().filter_map(|(name, list)| Some((name, list.as_ref()?.span()))).chain(learn)
    }
}

fn small_number_or(said: Option<&Number>, plain: u16) -> Result<u16, Mistake> {
    said.map_or(Ok(plain), |said| number(said, 0..=i64::from(plain)))
}

fn set<T: FromStr + Ord>(list: Option<&List>, what: &str, expected: &str) -> Result<BTreeSet<T>, Mistake> {
    let read = |text: &Text| text.get_ref().parse().map_err(|_| not(text, what, expected));
    list.into_iter().flat_map(List::get_ref).map(read).collect()
}

/// The table as it is written.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Said {
    routers: Vec<String>,
    macs: Vec<String>,
    prefixes: Vec<String>,
    pvds: Vec<String>,
    pvd_required: bool,
    http: bool,
    pvd_size: u16,
    preference: &'static str,
    unrecognised: bool,
    learn: u64,
}

impl Said {
    /// `None`: there are no rules.
    pub(super) fn of(mediation: &Mediation) -> Option<Said> {
        let (rules, learn) = (&mediation.guard, mediation.learn);
        let plain = Mediation::default();
        ((rules, learn) != (&plain.guard, plain.learn)).then(|| Said {
            routers: texts(&rules.routers),
            macs: texts(&rules.macs),
            prefixes: texts(&rules.prefixes),
            pvds: texts(&rules.pvds),
            pvd_required: rules.pvd_required,
            http: rules.http,
            pvd_size: rules.pvd_size,
            preference: switch::preference_word(rules.preference),
            unrecognised: rules.unrecognised,
            learn: learn.map_or(0, |span| span.as_secs()),
        })
    }
}

fn texts<T: Display>(set: &BTreeSet<T>) -> Vec<String> {
    set.iter().map(ToString::to_string).collect()
}
