// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the router behind a port may say: what an operator may ask for, how it changes, and its difference in words.

use crate::limits::RA_GUARD_MAX;
use crate::refusal::Refusal;
use core::net::Ipv6Addr;
use dataplane::{PVD_SIZE, RaGuard};
use std::collections::BTreeSet;
use std::fmt::Display;
use wire::name::DomainName;
use wire::nd::Preference;
use wire::{MacAddr, Prefix};

/// What is to change of the rules for a router; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RaGuardEdit {
    /// See [`RaGuard::routers`]; so for all fields.
    pub routers: Option<BTreeSet<Ipv6Addr>>,
    /// Its MACs.
    pub macs: Option<BTreeSet<MacAddr>>,
    /// Its prefixes.
    pub prefixes: Option<BTreeSet<Prefix>>,
    /// Its PvDs.
    pub pvds: Option<BTreeSet<DomainName>>,
    /// Whether it has to name a PvD.
    pub pvd_required: Option<bool>,
    /// Whether it may set the H flag.
    pub http: Option<bool>,
    /// How many octets a PvD Option may have inside.
    pub pvd_size: Option<u16>,
    /// The highest preference.
    pub preference: Option<Preference>,
    /// Whether headers that nobody knows pass.
    pub unrecognised: Option<bool>,
}

impl RaGuardEdit {
    /// The rules that `before` becomes by it.
    #[must_use]
    pub fn of(self, before: &RaGuard) -> RaGuard {
        RaGuard {
            routers: self.routers.unwrap_or_else(|| before.routers.clone()),
            macs: self.macs.unwrap_or_else(|| before.macs.clone()),
            prefixes: self.prefixes.unwrap_or_else(|| before.prefixes.clone()),
            pvds: self.pvds.unwrap_or_else(|| before.pvds.clone()),
            pvd_required: self.pvd_required.unwrap_or(before.pvd_required),
            http: self.http.unwrap_or(before.http),
            pvd_size: self.pvd_size.unwrap_or(before.pvd_size),
            preference: self.preference.unwrap_or(before.preference),
            unrecognised: self.unrecognised.unwrap_or(before.unrecognised),
        }
    }
}

/// The word for a preference in configuration and on the wire.
pub const fn preference_word(preference: Preference) -> &'static str {
    match preference {
        Preference::Low => "low",
        Preference::Medium => "medium",
        Preference::High => "high",
    }
}

/// The preference that a word stands for.
pub fn preference_of(word: &str) -> Option<Preference> {
    [Preference::Low, Preference::Medium, Preference::High].into_iter().find(|known| preference_word(*known) == word)
}

/// Refuses rules by which no advertisement could ever pass, and lists that are too long.
pub(crate) fn check(rules: &RaGuard) -> Result<(), Refusal> {
    let RaGuard { routers, macs, prefixes, pvds, pvd_size, .. } = rules;
    crate::spec::in_range("ra-guard-pvd-size", u64::from(*pvd_size), 0, u64::from(PVD_SIZE))?;
    let lists = [
        ("ra-guard-router", routers.len()),
        ("ra-guard-mac", macs.len()),
        ("ra-guard-prefix", prefixes.len()),
        ("ra-guard-pvd", pvds.len()),
    ];
    if let Some((field, len)) = lists.into_iter().find(|(_, len)| *len > RA_GUARD_MAX) {
        return Err(Refusal::invalid(field, format!("{len} of them"), format!("at most {RA_GUARD_MAX}")));
    }
    if let Some(router) = routers.iter().find(|router| !router.is_unicast_link_local()) {
        let expected = "a link-local address such as fe80::1: routers advertise themselves from no other";
        return Err(Refusal::invalid("ra-guard-router", router.to_string(), expected));
    }
    macs.iter().try_for_each(|mac| crate::spec::check_mac("ra-guard-mac", *mac))
}

/// Every rule in words: its name, what it was, what it is to be.
pub(crate) fn pairs(old: &RaGuard, new: &RaGuard) -> [(&'static str, String, String); 9] {
    let flag = |allowed: bool| allowed.to_string();
    [
        ("ra-guard-router", list(&old.routers), list(&new.routers)),
        ("ra-guard-mac", list(&old.macs), list(&new.macs)),
        ("ra-guard-prefix", list(&old.prefixes), list(&new.prefixes)),
        ("ra-guard-pvd", list(&old.pvds), list(&new.pvds)),
        ("ra-guard-pvd-required", flag(old.pvd_required), flag(new.pvd_required)),
        ("ra-guard-http", flag(old.http), flag(new.http)),
        ("ra-guard-pvd-size", old.pvd_size.to_string(), new.pvd_size.to_string()),
        ("ra-guard-preference", preference_word(old.preference).to_owned(), preference_word(new.preference).to_owned()),
        ("ra-guard-unrecognised", flag(old.unrecognised), flag(new.unrecognised)),
    ]
}

fn list<T: Display>(all: &BTreeSet<T>) -> String {
    match all.is_empty() {
        true => "none".to_owned(),
        false => all.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_rules_that_no_router_could_keep_are_refused_by_name() {
        let refused = |rules: RaGuard| check(&rules).err().map(|refusal| refusal.to_string());
        assert_eq!(refused(RaGuard::default()), None);
        let router = |text: &str| RaGuard { routers: [text.parse().unwrap()].into(), ..RaGuard::default() };
        assert_eq!(refused(router("fe80::1")), None);
        for bad in ["2001:db8::1", "::", "ff02::1", "fec0::1"] {
            let why = refused(router(bad)).unwrap();
            assert!(why.starts_with(&format!("ra-guard-router: {bad:?} is not valid (expected a link-local")), "{why}");
        }
        let sized = |pvd_size| refused(RaGuard { pvd_size, ..RaGuard::default() });
        assert_eq!((sized(0), sized(PVD_SIZE)), (None, None));
        assert!(sized(PVD_SIZE + 1).is_some_and(|why| why.starts_with("ra-guard-pvd-size: ")));
        let macs = RaGuard { macs: [MacAddr::BROADCAST].into(), ..RaGuard::default() };
        assert!(refused(macs).unwrap().starts_with("ra-guard-mac: \"ff:ff:ff:ff:ff:ff\" is not valid"));
        let prefixes = |count| {
            let prefixes = (0..count).map(|n| format!("2001:db8:{n:x}::/48").parse().unwrap()).collect();
            RaGuard { prefixes, ..RaGuard::default() }
        };
        assert_eq!(refused(prefixes(RA_GUARD_MAX)), None);
        let expected = "ra-guard-prefix: \"17 of them\" is not valid (expected at most 16)";
        assert_eq!(refused(prefixes(RA_GUARD_MAX + 1)).as_deref(), Some(expected));
    }

    #[test]
    fn test_an_edit_changes_what_it_names_and_the_words_tell_that() {
        let before = RaGuard { http: false, routers: ["fe80::1".parse().unwrap()].into(), ..RaGuard::default() };
        assert_eq!(RaGuardEdit::default().of(&before), before);
        let edit = RaGuardEdit {
            routers: Some(BTreeSet::new()),
            pvds: Some(["Corp.Example".parse().unwrap()].into()),
            preference: Some(Preference::Low),
            ..RaGuardEdit::default()
        };
        let after = edit.of(&before);
        let differing = pairs(&before, &after).into_iter().filter(|(_, old, new)| old != new);
        let told: Vec<String> = differing.map(|(name, old, new)| format!("{name} {old} -> {new}")).collect();
        let expected = [
            "ra-guard-router fe80::1 -> none",
            "ra-guard-pvd none -> corp.example.",
            "ra-guard-preference high -> low",
        ];
        assert_eq!(told, expected);
        assert!(Preference::Low == preference_of("low").unwrap() && preference_of("LOW").is_none());
    }
}
