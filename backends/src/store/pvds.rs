// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Static PvDs in the file.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use switch::{Announcement, FactList, PvdKey, Statement};

/// What an operator says about one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PvdV2 {
    http: bool,
    legacy: bool,
    sequence: u16,
    delay: u8,
    /// By list, as `prefixes`.
    facts: BTreeMap<String, Vec<String>>,
    mtu: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    captive_portal: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    announcement: Option<AnnouncementV2>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnnouncementV2 {
    router: String,
    mac: String,
    lifetime: u16,
    inner: bool,
}

pub(crate) fn said(statement: &Statement) -> PvdV2 {
    let list = |list: FactList| (list.as_str().to_owned(), list.items(statement));
    let Statement { flags, parameters, announcement, .. } = statement;
    PvdV2 {
        http: flags.http,
        legacy: flags.legacy,
        sequence: flags.sequence,
        delay: flags.delay,
        facts: FactList::ALL.map(list).into_iter().filter(|(_, items)| !items.is_empty()).collect(),
        mtu: parameters.mtu,
        captive_portal: String::from_utf8_lossy(&parameters.captive_portal).into_owned(),
        announcement: announcement.as_ref().map(announcement_said),
    }
}

pub(crate) fn meant(said: PvdV2) -> Result<Statement, String> {
    let mut statement = Statement::default();
    let flags = &mut statement.flags;
    (flags.http, flags.legacy, flags.sequence, flags.delay) = (said.http, said.legacy, said.sequence, said.delay);
    statement.parameters.mtu = said.mtu;
    statement.parameters.captive_portal = said.captive_portal.into_bytes().into();
    statement.announcement = said.announcement.map(announcement_meant).transpose()?;
    for (word, items) in said.facts {
        let list = FactList::ALL.into_iter().find(|list| list.as_str() == word);
        let list = list.ok_or_else(|| format!("{word:?} is not a list of facts"))?;
        list.set(&mut statement, &items).map_err(|why| why.to_string())?;
    }
    Ok(statement)
}

/// `red:work.example.`
pub(super) fn key(text: &str) -> Result<PvdKey, String> {
    let bad = || format!("{text:?} is not a PvD");
    let (namespace, name) = text.split_once(':').ok_or_else(bad)?;
    let namespace = namespace.parse().map_err(|_| bad())?;
    Ok(PvdKey { namespace, name: PvdKey::parse_name(name).map_err(|_| bad())? })
}

fn announcement_said(announcement: &Announcement) -> AnnouncementV2 {
    let Announcement { router, mac, lifetime, inner } = *announcement;
    AnnouncementV2 { router: router.to_string(), mac: mac.to_string(), lifetime, inner }
}

fn announcement_meant(said: AnnouncementV2) -> Result<Announcement, String> {
    let AnnouncementV2 { router, mac, lifetime, inner } = said;
    let router = router.parse().map_err(|_| format!("{router:?} is not an address"))?;
    let mac = mac.parse().map_err(|_| format!("{mac:?} is not a MAC address"))?;
    Ok(Announcement { router, mac, lifetime, inner })
}
