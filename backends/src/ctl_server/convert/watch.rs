// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What happened to PvDs for the wire. Times of control become those of the day here.

use super::learnt::{fact_kind, fact_value, parameters, prefix_flags, route_preference};
use super::times::unix_ms;
use ctl::proto::v1::{self, Operation};
use pvd::{EventKind, Fact, Parameters, PvdFlags, What, Why};
use std::collections::BTreeMap;
use std::time::Duration;
use switch::{ChangeView, PvdEventView, PvdNews};

/// What happened, as seen at `now`.
pub fn pvd_news(news: &PvdNews, now: Duration) -> v1::PvdWatchReply {
    let events = news.events.iter().map(|view| event(view, now)).collect();
    v1::PvdWatchReply { namespace: None, events, seq: news.seq, missed: news.missed, known: BTreeMap::new() }
}

fn event(view: &PvdEventView, now: Duration) -> v1::PvdEvent {
    v1::PvdEvent {
        seq: view.seq,
        at_ms: unix_ms(view.at, now),
        kind: match view.kind {
            EventKind::New => v1::PvdEventKind::New,
            EventKind::Update => v1::PvdEventKind::Update,
            EventKind::Delete => v1::PvdEventKind::Delete,
            EventKind::Fetched => v1::PvdEventKind::Fetched,
        },
        name: view.name.clone(),
        handle: view.handle.to_string(),
        changes: view.changes.iter().flat_map(changes).collect(),
        more: view.more,
        failed: view.failed.clone(),
    }
}

/// One thing that changed, and who said it.
fn changes(view: &ChangeView) -> Vec<v1::PvdChange> {
    let (port, router) = view.router.clone().unzip();
    let (port, router) = (port.flatten().map(|port| port.to_string()), router.map(|router| router.to_string()));
    let said = |change: v1::PvdChange| v1::PvdChange { port: port.clone(), router: router.clone(), ..change };
    said_by_nobody(&view.what).into_iter().map(said).collect()
}

fn said_by_nobody(what: &What) -> Vec<v1::PvdChange> {
    match what {
        What::Came => vec![change(Operation::Add, "source")],
        What::Gone(why) => vec![because(*why, change(Operation::Del, "source"))],
        What::Added(fact) => vec![of_fact(Operation::Add, fact)],
        What::Removed(fact, why) => vec![because(*why, of_fact(Operation::Del, fact))],
        What::Flagged(fact, before, after) => {
            let [before, after] = [before, after].map(|flags| Some(fact_flags(fact, *flags)));
            vec![v1::PvdChange { before, after, ..of_fact(Operation::Change, fact) }]
        }
        What::PvdFlags(before, after) => differing(pvd_flags(before), pvd_flags(after)),
        What::Parameters(both) => {
            let [before, after] = &**both;
            differing(said_in(before), said_in(after))
        }
        What::DefaultRouter(true) => vec![change(Operation::Add, "default-router")],
        What::DefaultRouter(false) => vec![change(Operation::Del, "default-router")],
    }
}

fn change(op: Operation, what: &str) -> v1::PvdChange {
    let (value, before, after, why, port, router) = (None, None, None, None, None, None);
    v1::PvdChange { op, what: what.to_owned(), value, before, after, why, port, router }
}

fn of_fact(op: Operation, fact: &Fact) -> v1::PvdChange {
    v1::PvdChange { value: Some(fact_value(fact)), ..change(op, fact_kind(fact).as_str()) }
}

fn because(why: Why, change: v1::PvdChange) -> v1::PvdChange {
    let why = match why {
        Why::Withdrawn => "withdrawn",
        Why::Expired => "expired",
        Why::Moved => "moved",
        Why::PortGone => "port-gone",
        Why::Forgotten => "forgotten",
    };
    v1::PvdChange { why: Some(why.to_owned()), ..change }
}

fn fact_flags(fact: &Fact, flags: u8) -> String {
    match fact {
        Fact::Prefix(_) => words(&prefix_flags(flags)),
        _ => route_preference(flags).to_owned(),
    }
}

/// A change of each of these that differs.
fn differing<const N: usize>(before: [(&str, String); N], after: [(&str, String); N]) -> Vec<v1::PvdChange> {
    let both = before.into_iter().zip(after).filter(|((_, before), (_, after))| before != after);
    let told = both.map(|((what, before), (_, after))| v1::PvdChange {
        before: Some(before),
        after: Some(after),
        ..change(Operation::Change, what)
    });
    told.collect()
}

fn pvd_flags(flags: &PvdFlags) -> [(&'static str, String); 5] {
    let yes = |set: bool| if set { "yes" } else { "no" }.to_owned();
    [
        ("http", yes(flags.http)),
        ("legacy", yes(flags.legacy)),
        ("header", yes(flags.header)),
        ("sequence", flags.sequence.to_string()),
        ("delay", flags.delay.to_string()),
    ]
}

fn said_in(said: &Parameters<Box<[u8]>>) -> [(&'static str, String); 7] {
    let said = parameters(said);
    [
        ("hop-limit", said.hop_limit.to_string()),
        ("flags", words(&said.flags)),
        ("preference", said.preference),
        ("reachable-ms", said.reachable_ms.to_string()),
        ("retrans-ms", said.retrans_ms.to_string()),
        ("mtu", said.mtu.to_string()),
        ("portal", said.captive_portal.unwrap_or_default()),
    ]
}

fn words(words: &[String]) -> String {
    if words.is_empty() { "-".to_owned() } else { words.join(",") }
}
