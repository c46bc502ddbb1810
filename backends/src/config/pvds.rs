// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The `[[pvd]]` tables of a configuration, read and written.

use super::low;
use super::mistake::Mistake;
use super::value::{Text, at_key, mac, not, number, path, small_number};
use serde::Serialize;
use std::ops::Range;
use switch::{Announcement, Desired, FactList, PvdKey, Refusal, Statement, limits};

/// Adds what a table says to `desired`.
pub(super) fn add(desired: &mut Desired, low: &low::Pvd) -> Result<(), Mistake> {
    let name = PvdKey::parse_name(low.name.get_ref());
    let name = name.map_err(|_| not(&low.name, "the name of a PvD", PvdKey::NAME))?;
    let key = PvdKey { namespace: path(&low.namespace)?, name };
    let prefixes = low.prefixes.first().unwrap_or(&low.name).span();
    let said = statement(low)?;
    let portal = low.captive_portal.as_ref().unwrap_or(&low.name).span();
    let (router, mac) = low.announce.as_ref().map_or((low.name.span(), low.name.span()), announce_spans);
    let keys = [
        ("namespace", low.namespace.span()),
        ("prefixes", prefixes),
        ("captive-portal", portal),
        ("announce.router", router),
        ("announce.mac", mac),
    ];
    desired.add_pvd(key, said).map_err(|refusal| at_key(&refusal, low.name.span(), &keys))
}

fn announce_spans(low: &low::Announce) -> (Range<usize>, Range<usize>) {
    (low.router.span(), low.mac.span())
}

fn statement(low: &low::Pvd) -> Result<Statement, Mistake> {
    let mut said = Statement::default();
    (said.flags.http, said.flags.legacy) = (low.http, low.legacy);
    said.flags.sequence = small_number(low.sequence.as_ref(), u16::MAX)?;
    said.flags.delay = small_number(low.delay.as_ref(), limits::DELAY_MAX)?;
    if let Some(mtu) = &low.mtu {
        said.parameters.mtu = number(mtu, limits::MTU_IPV6_MIN.into()..=limits::MTU_MAX.into())?;
    }
    if let Some(uri) = &low.captive_portal {
        said.parameters.captive_portal = uri.get_ref().as_bytes().into();
    }
    for (list, items) in lists(low) {
        let texts: Vec<&str> = items.iter().map(|item| item.get_ref().as_str()).collect();
        list.set(&mut said, &texts).map_err(|refusal| at_item(&refusal, items))?;
    }
    said.announcement = low.announce.as_ref().map(announcement).transpose()?;
    Ok(said)
}

fn lists(low: &low::Pvd) -> [(FactList, &[Text]); 5] {
    [
        (FactList::Prefixes, &low.prefixes),
        (FactList::Routes, &low.routes),
        (FactList::Rdnss, &low.rdnss),
        (FactList::Dnssl, &low.dnssl),
        (FactList::Pref64, &low.pref64),
    ]
}

/// Puts a refusal beside the item that it is about.
fn at_item(refusal: &Refusal, items: &[Text]) -> Mistake {
    let Refusal::Invalid { value, expected, .. } = refusal else { return Mistake::new(0..0, refusal.to_string()) };
    // Of two that are equal the second is one too many.
    let item = items.iter().rfind(|item| item.get_ref() == value);
    let message = format!("{value:?} is not valid (expected {expected})");
    Mistake::new(item.map_or(0..0, Text::span), message)
}

fn announcement(low: &low::Announce) -> Result<Announcement, Mistake> {
    let expected = "an IPv6 address such as fe80::1";
    let router = low.router.get_ref().parse().map_err(|_| not(&low.router, "the address of a router", expected))?;
    let lifetime = small_number(low.lifetime.as_ref(), u16::MAX)?;
    Ok(Announcement { router, mac: mac(&low.mac)?, lifetime, inner: low.inner })
}

/// One table, for writing.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Pvd {
    namespace: String,
    name: String,
    http: bool,
    legacy: bool,
    sequence: u16,
    delay: u8,
    #[serde(flatten)]
    lists: std::collections::BTreeMap<&'static str, Vec<String>>,
    #[serde(flatten)]
    parameters: Parameters,
    announce: Option<Announce>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Parameters {
    mtu: Option<u32>,
    captive_portal: Option<String>,
}

#[derive(Serialize)]
struct Announce {
    router: String,
    mac: String,
    lifetime: u16,
    inner: bool,
}

/// What is said of a PvD, as a table.
pub(super) fn said(key: &PvdKey, statement: &Statement) -> Pvd {
    let Statement { flags, parameters, announcement, .. } = statement;
    let list = |list: FactList| Some((list.as_str(), list.items(statement))).filter(|(_, items)| !items.is_empty());
    let portal = String::from_utf8_lossy(&parameters.captive_portal).into_owned();
    let announce = |said: Announcement| Announce {
        router: said.router.to_string(),
        mac: said.mac.to_string(),
        lifetime: said.lifetime,
        inner: said.inner,
    };
    Pvd {
        namespace: key.namespace.to_string(),
        name: key.name.to_string(),
        http: flags.http,
        legacy: flags.legacy,
        sequence: flags.sequence,
        delay: flags.delay,
        lists: FactList::ALL.into_iter().filter_map(list).collect(),
        parameters: Parameters {
            mtu: Some(parameters.mtu).filter(|mtu| *mtu > 0),
            captive_portal: Some(portal).filter(|uri| !uri.is_empty()),
        },
        announce: announcement.map(announce),
    }
}
