// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The attributes of a PvD under the names that pvdd gives them, and some that it has not.
//!
//! pvdd runs on a host, and tells the host's own addresses. A switch has none to tell, so that `addresses` is always empty, and
//! what they would be made from is in `prefixes`. Not in pvdd are `routers`, of whom it knew the first, `delay`, `mtu`,
//! `pref64`, `captivePortal` and `static`. Lifetimes are in seconds from now; of what has no end it is 4294967295, as in
//! a Router Advertisement.

use pvd::{Deadline, Fact, Known, PvdFlags};
use serde_json::{Map, Value, json};
use std::time::Duration;
use switch::{PvdView, SourceView};
use wire::nd::Preference;

/// The attributes of a PvD.
pub fn attributes(pvd: &PvdView, now: Duration) -> Map<String, Value> {
    let foremost = foremost(pvd);
    let flags = foremost.map(|source| source.flags).unwrap_or_default();
    let mut all = Map::new();
    let mut put = |key: &str, value: Value| drop(all.insert(key.to_owned(), value));
    put("name", json!(pvd.name));
    put("id", json!(pvd.number));
    put("implicit", json!(!pvd.is_explicit));
    put("static", json!(pvd.sources.iter().any(|source| source.router.is_none())));
    put_flags(&mut put, flags);
    put("lla", json!(foremost.and_then(lla)));
    put("dev", json!(foremost.and_then(dev)));
    put("routers", pvd.sources.iter().filter(|source| source.router.is_some()).map(|it| router(it, now)).collect());
    put("addresses", json!([]));
    put("prefixes", Value::Object(prefixes(pvd, now)));
    put("routes", routes(pvd, now).collect());
    let values =
        |of: fn(&Fact) -> Option<String>| pvd.known.iter().filter_map(|known| of(&known.fact)).collect::<Value>();
    put("rdnss", values(|fact| if let Fact::Rdnss(server) = fact { Some(server.to_string()) } else { None }));
    put("dnssl", values(|fact| if let Fact::Dnssl(domain) = fact { Some(domain.to_string()) } else { None }));
    put("pref64", values(|fact| if let Fact::Pref64(prefix) = fact { Some(prefix.to_string()) } else { None }));
    put("extraInfo", extra_info(pvd));
    if let Some(parameters) = foremost.map(|source| &source.parameters) {
        put("mtu", Some(parameters.mtu).filter(|mtu| *mtu > 0).into());
        let uri = String::from_utf8_lossy(&parameters.captive_portal);
        put("captivePortal", Some(uri).filter(|uri| !uri.is_empty()).map(String::from).into());
    }
    all
}

/// The object of its Additional Information, once one was fetched.
fn extra_info(pvd: &PvdView) -> Value {
    let known = pvd.information.as_ref().and_then(|standing| standing.known.as_ref());
    known.and_then(|(information, ..)| serde_json::from_str(&information.text).ok()).unwrap_or_default()
}

/// pvdd has numbers for them.
fn put_flags(put: &mut impl FnMut(&str, Value), flags: PvdFlags) {
    put("sequenceNumber", json!(flags.sequence));
    put("hFlag", json!(u8::from(flags.http)));
    put("lFlag", json!(u8::from(flags.legacy)));
    // What the RFC calls R was A in the draft that pvdd follows.
    put("aFlag", json!(u8::from(flags.header)));
    put("delay", json!(flags.delay));
}

/// Who is to be believed where only one can be: an operator, or else the router that was heard last.
fn foremost(pvd: &PvdView) -> Option<&SourceView> {
    let operator = pvd.sources.iter().find(|source| source.router.is_none());
    operator.or_else(|| pvd.sources.iter().max_by_key(|source| source.last))
}

fn lla(source: &SourceView) -> Option<String> {
    source.router.as_ref().map(|(_, address)| address.to_string())
}

fn dev(source: &SourceView) -> Option<String> {
    source.router.as_ref().and_then(|(port, _)| port.as_ref()).map(ToString::to_string)
}

fn router(source: &SourceView, now: Duration) -> Value {
    let age = now.saturating_sub(source.last).as_secs();
    json!({ "lla": lla(source), "dev": dev(source), "lifetime": left(source.router_until, now), "age": age })
}

fn prefixes(pvd: &PvdView, now: Duration) -> Map<String, Value> {
    let prefix = |known: &Known| {
        let Fact::Prefix(prefix) = known.fact else { return None };
        let (valid, preferred) = (left(known.valid, now), left(known.preferred, now));
        // The length is a text in pvdd.
        let length = prefix.length().to_string();
        let value = json!({ "prefix": prefix.address().to_string(), "prefixLen": length, "valid": valid, "preferred": preferred });
        Some((prefix.to_string(), value))
    };
    pvd.known.iter().filter_map(prefix).collect()
}

/// To everywhere by each default router, and where else a router leads.
fn routes(pvd: &PvdView, now: Duration) -> impl Iterator<Item = Value> + use<'_> {
    let route = move |source: &SourceView, dst: String, until: Deadline| json!({ "dst": dst, "gateway": lla(source), "dev": dev(source), "lifetime": left(until, now) });
    pvd.sources.iter().flat_map(move |source| {
        let default = Some(source.router_until).filter(|until| !until.passed(now));
        let default = default.map(|until| route(source, "::/0".to_owned(), until));
        let others = source.known.iter().filter_map(move |known| {
            let Fact::Route(prefix) = known.fact else { return None };
            let mut value = route(source, prefix.to_string(), known.valid);
            value["preference"] = json!(preference(known.flags));
            Some(value)
        });
        default.into_iter().chain(others)
    })
}

fn preference(flags: u8) -> &'static str {
    const LOW: u8 = Preference::Low as u8;
    const HIGH: u8 = Preference::High as u8;
    match flags {
        LOW => "low",
        HIGH => "high",
        _ => "medium",
    }
}

/// Seconds that are left.
fn left(until: Deadline, now: Duration) -> u32 {
    until.remaining(now).map_or(0, pvd::Lifetime::to_wire)
}
