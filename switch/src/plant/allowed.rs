// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whether rules for a router, which may be newer than its words, allow what is remembered of these.

use dataplane::{PVD_SIZE, RaGuard};
use pvd::{CachedRa, Fact, Origin, Pvd, PvdName, Source};
use wire::nd::RouterAdvert;

/// Whether a port may still say what it has said.
pub(super) fn may_say(rules: &RaGuard, entry: &CachedRa) -> bool {
    let advert = RouterAdvert::parse(&entry.octets);
    // What was injected its router did not say: it named no PvD.
    let own = RaGuard { pvds: Default::default(), http: true, pvd_size: PVD_SIZE, ..rules.clone() };
    let (rules, named) = if entry.injected { (&own, !rules.pvd_required) } else { (rules, true) };
    let judged = || advert.is_ok_and(|advert| rules.judge(entry.mac, entry.router, &advert).is_ok());
    named && (rules.allows_all() || judged())
}

/// The same of what it has taught, which is remembered for longer than advertisements are: not each is kept. By what MAC it
/// was said is not known any more.
pub(super) fn may_have_taught(rules: &RaGuard, port: u32, pvd: &Pvd) -> bool {
    let attributes = pvd.attributes();
    let mut his = attributes.sources().iter().filter(|source| source.origin().port() == Some(port));
    his.all(|source| allows(rules, pvd.id().name(), source))
}

fn allows(rules: &RaGuard, name: Option<&PvdName>, source: &Source) -> bool {
    let Origin::Router { address, .. } = source.origin() else { return true };
    let own = name.filter(|_| !source.flags().injected);
    let named = match own {
        Some(name) => {
            let listed = || rules.pvds.iter().any(|allowed| allowed.as_name() == name.as_name());
            (rules.pvds.is_empty() || listed()) && (rules.http || !source.flags().http)
        }
        None => !rules.pvd_required,
    };
    let lies_within = |fact: &Fact| match fact {
        Fact::Prefix(prefix) => within(rules, *prefix),
        Fact::Route(prefix) => prefix.length() == 0 || within(rules, *prefix),
        Fact::Rdnss(_) | Fact::Dnssl(_) | Fact::Pref64(_) => true,
    };
    let router = rules.routers.is_empty() || rules.routers.contains(&address);
    router && named && source.entries().iter().all(|entry| lies_within(entry.fact()))
}

fn within(rules: &RaGuard, prefix: pvd::Prefix) -> bool {
    rules.prefixes.is_empty() || rules.prefixes.iter().any(|allowed| allowed.covers(prefix))
}
