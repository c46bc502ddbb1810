// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Namespaces as text.

use crate::cli::counters;
use crate::cli::output::Output;
use crate::cli::port::{UNSEEN, limits};
use crate::proto::v1::{Amount, Answer, Delegation, DropReason, Grant, Namespace, Peer, SecondSource, Usage};
use crate::render::page::Page;
use crate::render::table::Side;
use crate::render::text::duration;

/// Namespaces as a table, one line each.
pub(super) fn table(namespaces: &[Namespace], output: &Output<'_>) -> String {
    let columns = [
        ("NAME", Side::Left),
        ("NUMBER", Side::Right),
        ("PORTS", Side::Right),
        ("MACS", Side::Right),
        ("MACS-MAX", Side::Right),
        ("AGE", Side::Right),
    ];
    let mut table = output.table(&columns);
    for Namespace { name, number, ports, macs, macs_max, age_s, .. } in namespaces {
        let age = duration(*age_s);
        let [number, ports, macs, macs_max] =
            [u64::from(*number), *ports, *macs, *macs_max].map(|number| number.to_string());
        table.row([name.clone(), number, ports, macs, macs_max, age]);
    }
    table.finish()
}

/// A namespace in full.
pub(super) fn page(namespace: &Namespace, reasons: &[DropReason]) -> String {
    let Namespace { name, number, ports, macs, macs_max, age_s, usage, .. } = namespace;
    let mut page = Page::new("namespace", name);
    page.line("number", &number.to_string());
    page.line("ports", &ports.to_string());
    page.line("MACs", &format!("{macs} of at most {macs_max}"));
    page.line("age limit", &duration(*age_s));
    page.line("answers", &answering(namespace));
    page.line("RA throttle", &namespace.ra_throttle_s.map_or_else(|| "-".to_owned(), duration));
    page.line(
        "2nd source",
        match namespace.second_source {
            SecondSource::Accept => "accepted",
            SecondSource::Alert => "accepted and told of",
            SecondSource::Deny => "denied",
        },
    );
    let usage: Vec<String> = usage.iter().filter_map(share).collect();
    page.line("subtree", &if usage.is_empty() { "-".to_owned() } else { usage.join(", ") });
    limits(&mut page, &namespace.limits);
    let peers: Vec<String> = namespace.peers.iter().map(peer).collect();
    page.line("linked with", &if peers.is_empty() { "-".to_owned() } else { peers.join(", ") });
    page.line("delegated", &namespace.delegation.as_ref().map_or_else(|| "-".to_owned(), delegate));
    let learnt: Vec<String> = namespace.learnt.iter().map(|(what, count)| format!("{what} {count}")).collect();
    page.line("routers", &if learnt.is_empty() { "-".to_owned() } else { learnt.join(", ") });
    counters::lines(&mut page, &namespace.counters, "its ports", reasons);
    page.finish()
}

/// When and how fast hosts are answered.
fn answering(Namespace { answer, answer_within_ms: within, .. }: &Namespace) -> String {
    match answer {
        Answer::Off => "never for its routers".to_owned(),
        Answer::WhenSilent => format!("for routers that are silent, within {within} ms"),
        Answer::Always => format!("always for its routers, within {within} ms"),
    }
}

/// A peer by its number, and by its name where that can be seen.
fn peer(Peer { number, name }: &Peer) -> String {
    format!("peer {number} ({})", name.as_deref().unwrap_or(UNSEEN))
}

/// To whom, for what and where.
fn delegate(Delegation { socket, sockets, uid, gid, role, limits }: &Delegation) -> String {
    let who = uid.map(|uid| format!("uid {uid}")).or_else(|| gid.map(|gid| format!("gid {gid}")));
    let role = match role {
        Grant::Reader => "reader",
        Grant::Admin => "admin",
    };
    let limits: String = limits.iter().map(|(name, rate)| format!(", {name} {}", Amount(rate.rate))).collect();
    format!("to {} as {role} at {socket}, sockets in {sockets}{limits}", who.unwrap_or_default())
}

/// What a subtree has of something; `None`: nothing, and nobody has said how much it may.
fn share(Usage { resource, used, max }: &Usage) -> Option<String> {
    match max {
        Some(max) => Some(format!("{used} of at most {max} {resource}")),
        None => (*used > 0).then(|| format!("{used} {resource}")),
    }
}
