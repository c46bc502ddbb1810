// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a namespace thinks of its routers, for the wire.

use ctl::proto::v1;
use pvd::{Refused, Severity};
use std::collections::BTreeMap;
use switch::{FindingView, LearntCounters, RaCheck};

/// What was found.
pub fn ra_checked(checked: &RaCheck) -> v1::RaCheckReply {
    let findings = checked.findings.iter().map(finding).collect();
    v1::RaCheckReply { findings, more: checked.more, looked_at: checked.looked_at }
}

fn finding(FindingView { fault, routers, pvd }: &FindingView) -> v1::Finding {
    let router = |(port, router): &(Option<switch::Name>, core::net::Ipv6Addr)| v1::RouterAt {
        router: router.to_string(),
        port: port.as_ref().map(ToString::to_string),
    };
    v1::Finding {
        severity: match fault.severity() {
            Severity::Warning => v1::Severity::Warning,
            Severity::Error => v1::Severity::Error,
        },
        code: fault.code().to_owned(),
        text: fault.to_string(),
        rule: fault.rule().to_owned(),
        routers: routers.iter().map(router).collect(),
        pvd: pvd.clone(),
    }
}

/// What a namespace has counted of its routers; nothing is said of what has not occurred.
pub(super) fn learnt(counters: &LearntCounters) -> BTreeMap<String, u64> {
    let LearntCounters { solicitations, over_quota, pvds, ras, answers, too_long, second_sources } = counters;
    let refused = Refused::ALL.map(|why| (refused_word(why), pvds.refused(why)));
    let all = [
        ("solicitations", *solicitations),
        ("over-quota", *over_quota),
        ("second-source", *second_sources),
        ("changed", pvds.changed),
        ("refreshed", pvds.refreshed),
        ("void", pvds.void),
        ("cache-evicted", ras.evicted),
        ("cache-full", ras.full),
        ("cache-too-long", ras.too_long),
        ("asked", answers.asked),
        ("answered", answers.answered),
        ("silenced", answers.silenced),
        ("nothing", answers.nothing),
        ("refused-hosts", answers.refused),
        ("answer-too-long", *too_long),
    ];
    let occurred = all.into_iter().chain(refused).filter(|(_, count)| *count > 0);
    occurred.map(|(word, count)| (word.to_owned(), count)).collect()
}

fn refused_word(why: Refused) -> &'static str {
    match why {
        Refused::NotLinkLocal => "refused-not-link-local",
        Refused::Pvds => "refused-pvds",
        Refused::Routers => "refused-routers",
        Refused::RouterEntries => "refused-router-entries",
        Refused::Entries => "refused-entries",
        Refused::Pinned => "refused-pinned",
        Refused::Zombies => "refused-zombies",
    }
}
