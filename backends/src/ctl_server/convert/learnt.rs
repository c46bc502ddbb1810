// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! PvDs and Router Advertisements for the wire. Times become spans as seen from `now`, and lifetimes what is left of them,
//! rounded down.

use super::times::{left, since, unix_ms};
use ctl::proto::v1;
use pvd::info::{Standing, State};
use pvd::{ALL_NODES, Deadline, Fact, Known, Lifetime, Parameters, PvdFlags};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;
use switch::{Name, PvdView, RaView, SourceView};
use wire::MacAddr;
use wire::build::{Ether, Ip};
use wire::nd::{
    HOP_LIMIT, NdOption, Preference, RaHeader, RawOption, RawOptions, RouterAdvert, aged, kind, pio_flag, ra_flag,
};

/// The Ethernet address of all nodes (RFC 2464 section 7).
const ALL_NODES_MAC: MacAddr = MacAddr([0x33, 0x33, 0, 0, 0, 1]);

/// A PvD, briefly.
pub fn pvd(view: &PvdView, now: Duration) -> v1::Pvd {
    let known = view.known.iter().map(|known| known.valid);
    let routers = view.sources.iter().filter(|source| source.router.is_some());
    let own = view.sources.iter().map(|source| match source.router {
        Some(_) => source.router_until,
        None => Deadline::Never,
    });
    let last = known.chain(own).max().unwrap_or(Deadline::At(now));
    v1::Pvd {
        namespace: view.namespace.to_string(),
        name: view.name.clone(),
        explicit: view.is_explicit,
        r#static: view.sources.iter().any(|source| source.router.is_none()),
        number: view.number,
        handle: view.handle.to_string(),
        base_seq: view.base_seq,
        age_s: since(view.since, now),
        routers: routers.count() as u64,
        prefixes: view.known.iter().filter_map(|known| Some(known.fact.owned_prefix()?.to_string())).collect(),
        facts: view.known.len() as u64,
        expires_s: left(last, now),
    }
}

/// All about a PvD; these ports are bound to it.
pub fn pvd_shown(view: &PvdView, bound: &[Name], now: Duration) -> v1::PvdShowReply {
    v1::PvdShowReply {
        pvd: pvd(view, now),
        bound: bound.iter().map(Name::to_string).collect(),
        facts: view.known.iter().map(|known| fact(known, now)).collect(),
        sources: view.sources.iter().map(|view| source(view, now)).collect(),
        information: view.information.as_ref().map(|standing| information(standing, now)),
        whole: whole(view),
        announce: view.sources.iter().find_map(|source| source.announcement).as_ref().map(super::pvd_announcement),
    }
}

fn whole(view: &PvdView) -> v1::PvdWhole {
    let PvdFlags { sequence, delay, .. } = view.flags;
    let ports: BTreeSet<&Name> = view.sources.iter().filter_map(|source| source.router.as_ref()?.0.as_ref()).collect();
    v1::PvdWhole {
        flags: pvd_flags(view.flags),
        sequence,
        delay,
        ports: ports.into_iter().map(ToString::to_string).collect(),
        heard: view.sources.iter().map(|source| source.heard).sum(),
        holders: view.holders as u64,
    }
}

fn pvd_flags(PvdFlags { http, legacy, header, injected, .. }: PvdFlags) -> Vec<String> {
    named([(http, "http"), (legacy, "legacy"), (header, "header"), (injected, "injected")])
}

/// A Router Advertisement, briefly.
pub fn ra(view: &RaView, now: Duration) -> v1::Ra {
    let entry = &view.entry;
    v1::Ra {
        namespace: view.namespace.to_string(),
        number: entry.serial,
        port: view.port.to_string(),
        router: entry.router.to_string(),
        mac: entry.mac.to_string(),
        pvd: view.pvd.clone(),
        injected: entry.injected,
        len: entry.octets.len() as u64,
        expires_s: left(entry.until(), now),
        router_left_s: left(entry.router_until(), now).filter(|left| *left > 0),
        first_s: since(entry.first, now),
        last_s: since(entry.last, now),
        heard: entry.heard,
        hits: entry.hits,
        last_at_ms: unix_ms(entry.last, now),
    }
}

/// All about a Router Advertisement.
///
/// # Errors
/// What is remembered is none.
pub fn ra_shown(view: &RaView, now: Duration) -> Result<v1::RaShowReply, v1::Error> {
    let octets = &view.entry.octets;
    let message = RouterAdvert::parse(octets);
    let message = message.map_err(|why| v1::Error::Failed { message: why.to_string() })?;
    let header = message.header;
    let RaHeader { hop_limit, flags, reachable, retrans, lifetime } = header.with_preference(header.preference());
    let mut all = Parameters { hop_limit, flags, reachable, retrans, mtu: 0, captive_portal: Box::default() };
    for option in message.options().flatten() {
        match option {
            NdOption::Mtu(mtu) => all.mtu = mtu,
            NdOption::CaptivePortal(uri) => all.captive_portal = uri.into(),
            _ => {}
        }
    }
    let age = elapsed(view.entry.last, now);
    let options = message.raw_options().flatten().flat_map(|raw| with_nested(raw, age)).collect();
    let (parameters, router_s) = (parameters(&all), lifetime.into());
    Ok(v1::RaShowReply { ra: ra(view, now), parameters, router_s, options, hex: hex(octets), frame: hex(&frame(view)) })
}

/// A frame that carries the message to all nodes.
fn frame(RaView { entry, .. }: &RaView) -> Vec<u8> {
    let [icmp6_type, code, _, _, rest @ ..] = entry.octets.as_slice() else { return Vec::new() };
    let ip = Ip::v6(entry.router, ALL_NODES).hops(HOP_LIMIT);
    Ether::new(ALL_NODES_MAC, entry.mac).ip(ip).icmp6(*icmp6_type, *code, rest)
}

/// Seconds since then, begun ones included, so that nothing seems to last longer than it does.
fn elapsed(then: Duration, now: Duration) -> u32 {
    let elapsed = now.saturating_sub(then);
    u32::try_from(elapsed.as_secs() + u64::from(elapsed.subsec_nanos() > 0)).unwrap_or(u32::MAX)
}

/// What kind of thing is said.
pub(super) fn fact_kind(fact: &Fact) -> v1::FactKind {
    match fact {
        Fact::Prefix(_) => v1::FactKind::Prefix,
        Fact::Route(_) => v1::FactKind::Route,
        Fact::Rdnss(_) => v1::FactKind::Rdnss,
        Fact::Dnssl(_) => v1::FactKind::Dnssl,
        Fact::Pref64(_) => v1::FactKind::Pref64,
    }
}

/// The thing that is said.
pub(super) fn fact_value(fact: &Fact) -> String {
    match fact {
        Fact::Prefix(prefix) | Fact::Route(prefix) | Fact::Pref64(prefix) => prefix.to_string(),
        Fact::Rdnss(address) => address.to_string(),
        Fact::Dnssl(name) => name.to_string(),
    }
}

fn fact(known: &Known, now: Duration) -> v1::Fact {
    let (kind, value) = (fact_kind(&known.fact), fact_value(&known.fact));
    let flags = match known.fact {
        Fact::Prefix(_) => prefix_flags(known.flags),
        Fact::Route(_) => vec![route_preference(known.flags).to_owned()],
        _ => Vec::new(),
    };
    let (valid_s, preferred_s) = (left(known.valid, now), left(known.preferred, now));
    v1::Fact { kind, value, flags, valid_s, preferred_s, sources: known.sources as u64 }
}

fn source(view: &SourceView, now: Duration) -> v1::PvdSource {
    let PvdFlags { sequence, delay, .. } = view.flags;
    let (port, address) = view.router.clone().unzip();
    let router_s = if view.router_until.passed(now) { Some(0) } else { left(view.router_until, now) };
    v1::PvdSource {
        port: port.flatten().map(|port| port.to_string()),
        router: address.map(|address| address.to_string()),
        second: view.is_second,
        flags: pvd_flags(view.flags),
        sequence,
        delay,
        parameters: parameters(&view.parameters),
        // A router lifetime has 16 bits and no infinity.
        router_s: router_s.unwrap_or(0),
        first_s: since(view.first, now),
        last_s: since(view.last, now),
        heard: view.heard,
        facts: view.known.iter().map(|known| fact(known, now)).collect(),
    }
}

/// For the wire; the preference among the flags is one that counts, whatever the lifetime.
pub(super) fn parameters(said: &Parameters<Box<[u8]>>) -> v1::RouterParameters {
    let header = RaHeader { flags: said.flags, lifetime: u16::MAX, ..RaHeader::default() };
    let has = |flag| header.has(flag);
    v1::RouterParameters {
        hop_limit: said.hop_limit,
        flags: named([
            (has(ra_flag::MANAGED), "managed"),
            (has(ra_flag::OTHER), "other"),
            (has(ra_flag::HOME_AGENT), "home-agent"),
            (has(ra_flag::PROXY), "proxy"),
        ]),
        preference: preference(header.preference()).to_owned(),
        reachable_ms: said.reachable,
        retrans_ms: said.retrans,
        mtu: said.mtu,
        captive_portal: Some(text(&said.captive_portal)).filter(|uri| !uri.is_empty()),
    }
}

/// An option, and those inside it.
fn with_nested(raw: RawOption<'_>, age: u32) -> Vec<v1::RaOption> {
    let mut all = vec![option(raw, false, age)];
    if let Ok(NdOption::Pvd(pvd)) = raw.parse() {
        all.extend(RawOptions::new(pvd.nested).flatten().map(|inner| option(inner, true, age)));
    }
    all
}

fn option(raw: RawOption<'_>, nested: bool, age: u32) -> v1::RaOption {
    let parsed = raw.parse().ok();
    let left = |lifetime: u32| Some(aged(lifetime, age)).filter(|_| lifetime < u32::MAX).map(u64::from);
    let (valid_s, preferred_s) = match &parsed {
        Some(NdOption::Prefix(info)) => (left(info.valid), left(info.preferred)),
        Some(NdOption::Route(route)) => (left(route.lifetime), None),
        Some(NdOption::Rdnss(rdnss)) => (left(rdnss.lifetime), None),
        Some(NdOption::Dnssl(dnssl)) => (left(dnssl.lifetime), None),
        Some(NdOption::Pref64(pref64)) => (left(pref64.lifetime.into()), None),
        _ => (None, None),
    };
    let (name, value) = (option_name(raw.kind).to_owned(), parsed.as_ref().and_then(value));
    v1::RaOption { code: raw.kind, name, nested, value, valid_s, preferred_s, hex: hex(raw.bytes) }
}

fn option_name(code: u8) -> &'static str {
    match code {
        kind::SOURCE_LINK_LAYER => "source-link-layer",
        kind::PREFIX => "prefix",
        kind::ROUTE => "route",
        kind::MTU => "mtu",
        kind::RDNSS => "rdnss",
        kind::DNSSL => "dnssl",
        kind::PREF64 => "pref64",
        kind::CAPTIVE_PORTAL => "captive-portal",
        kind::FLAGS => "flags",
        kind::PVD => "pvd",
        kind::ENCRYPTED_DNS => "encrypted-dns",
        send if kind::is_send(send) => "send",
        _ => "unknown",
    }
}

/// What an option says, in words; lifetimes as they were announced.
fn value(option: &NdOption<'_>) -> Option<String> {
    let lifetime = |seconds: u32| match Lifetime::from_wire(seconds) {
        Some(Lifetime::Infinite) => "for ever".to_owned(),
        _ => format!("for {seconds} s"),
    };
    Some(match option {
        NdOption::SourceLinkLayer(mac) => mac.to_string(),
        NdOption::Prefix(info) => {
            let flags = prefix_flags(info.flags).join(",");
            let (valid, preferred) = (lifetime(info.valid), lifetime(info.preferred));
            format!("{}/{} {flags} valid {valid}, preferred {preferred}", info.prefix, info.prefix_len)
        }
        NdOption::Route(route) => {
            let (preference, lifetime) = (preference(route.preference), lifetime(route.lifetime));
            format!("{}/{} {preference} {lifetime}", route.prefix, route.prefix_len)
        }
        NdOption::Mtu(mtu) => mtu.to_string(),
        NdOption::Rdnss(rdnss) => {
            let servers: Vec<String> = rdnss.servers().map(|server| server.to_string()).collect();
            format!("{} {}", servers.join(" "), lifetime(rdnss.lifetime))
        }
        NdOption::Dnssl(dnssl) => {
            let domains: Vec<String> = dnssl.domains().map(|name| name.to_string()).collect();
            format!("{} {}", domains.join(" "), lifetime(dnssl.lifetime))
        }
        NdOption::Pref64(pref64) => {
            format!("{}/{} {}", pref64.prefix, pref64.prefix_len, lifetime(pref64.lifetime.into()))
        }
        NdOption::CaptivePortal(uri) => text(uri),
        NdOption::Flags(flags) => format!("{flags:012x}"),
        NdOption::Pvd(pvd) => {
            let flags = [(pvd.http, "http"), (pvd.legacy, "legacy"), (pvd.header.is_some(), "header")];
            let flags: String = named(flags).iter().map(|flag| format!(" {flag}")).collect();
            format!("{}{flags} sequence {} delay {}", pvd.name, pvd.sequence, pvd.delay)
        }
        NdOption::Send(_) | NdOption::Unknown(_) => return None,
    })
}

pub(super) fn prefix_flags(flags: u8) -> Vec<String> {
    named([(flags & pio_flag::ON_LINK != 0, "on-link"), (flags & pio_flag::AUTONOMOUS != 0, "autonomous")])
}

fn named<const N: usize>(flags: [(bool, &str); N]) -> Vec<String> {
    flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name.to_owned()).collect()
}

fn preference(preference: Preference) -> &'static str {
    match preference {
        Preference::Low => "low",
        Preference::Medium => "medium",
        Preference::High => "high",
    }
}

/// Of a route's flags, which are its preference as a number.
pub(super) fn route_preference(number: u8) -> &'static str {
    let all = [Preference::Low, Preference::Medium, Preference::High];
    preference(all.into_iter().find(|preference| *preference as u8 == number).unwrap_or_default())
}

/// Octets that a router chose; what is no UTF-8 is replaced.
fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(2 * octets.len()), |mut text, octet| {
        // A String takes whatever is written.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// Additional Information. Where too much has failed, that is told instead of what would have been done.
fn information(standing: &Standing, now: Duration) -> v1::Information {
    let until = |at: Duration| Some(at.saturating_sub(now).as_secs());
    let stopped = "too much has failed in this namespace, so that nothing is fetched any more";
    let (state, reason, next_s) = match &standing.state {
        State::Failed(why) => (v1::InformationState::Failed, Some(why.to_string()), None),
        State::Fetching => (v1::InformationState::Fetching, None, None),
        _ if standing.stopped => (v1::InformationState::Failed, Some(stopped.to_owned()), None),
        State::Waiting(at) => (v1::InformationState::Waiting, None, until(*at)),
        State::Fetched(at) => (v1::InformationState::Fetched, None, until(*at)),
    };
    let known = standing.known.as_ref().map(|(information, fetched, expires)| v1::KnownInformation {
        age_s: since(*fetched, now),
        expires_s: expires.saturating_sub(now).as_secs(),
        prefixes: information.prefixes.iter().map(ToString::to_string).collect(),
        dns_zones: information.dns_zones.iter().map(ToString::to_string).collect(),
        no_internet: information.no_internet,
        object: information.text.to_string(),
    });
    v1::Information { state, reason, next_s, known }
}
