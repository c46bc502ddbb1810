// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The document's format, version 1.

use super::{BadMove, DOCUMENT_MAX, ENTRIES_MAX, VERSION, hex};
use crate::store::format::{NamespaceV2, PortV2, hexadecimal, namespace_spec, namespace_v2, parse, port_spec, port_v2};
use crate::store::pvds::{self, PvdV2};
use crate::store::ra_guard::{FoundV2, found_meant, found_said};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use switch::limits::{MOVE_ADDRESSES, MOVE_PVDS, MOVE_RA_BYTES, MOVE_RAS, NAMESPACE_DEPTH_MAX};
use switch::{Address, Move, NumbersLeft, PortPath, PvdKey, RaLeft, VfLeft};

/// A move, and when it was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// When, in milliseconds since 1970.
    pub exported_ms: u64,
    /// What.
    pub moved: Move,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveV1 {
    version: u32,
    /// Of the rest, written without spaces.
    digest: String,
    #[serde(rename = "move")]
    body: BodyV1,
}

#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyV1 {
    id: String,
    exported_ms: u64,
    /// `NAMESPACE:NAME`
    port: String,
    numbers: Vec<u32>,
    /// Numbers of its namespaces, its own first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    namespaces: Vec<Vec<u32>>,
    /// Numbers of static PvDs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pvd_numbers: BTreeMap<String, Vec<u32>>,
    /// What its namespaces are configured with, its own first, where there is anything to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    homes: Vec<NamespaceV2>,
    spec: PortV2,
    /// In hexadecimal, as in the store.
    offered: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found: Option<FoundV2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vf: Option<VfV1>,
    entries: Vec<String>,
    /// IP addresses of its guest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<AddressV1>,
    learnt: LearntV1,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VfV1 {
    next_serial: u32,
    offered: bool,
}

/// An IP address of a guest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddressV1 {
    ip: String,
    /// The guest says that it is a router.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    router: bool,
    /// So long ago it was claimed last.
    #[serde(default, skip_serializing_if = "is_zero")]
    age_s: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LearntV1 {
    ras: Vec<RaV1>,
    pvds: BTreeMap<String, PvdV2>,
}

/// A Router Advertisement.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RaV1 {
    port: String,
    router: String,
    mac: String,
    injected: bool,
    /// The message, with what was left of its lifetimes at the export.
    hex: String,
}

/// The document of a move.
///
/// # Errors
/// It would be too long.
pub fn to_text(document: &Document) -> Result<String, BadMove> {
    let body = body_v1(document);
    let digest = digest(&body)?;
    let whole = MoveV1 { version: VERSION, digest, body };
    let text = serde_json::to_string_pretty(&whole).map_err(|why| BadMove::unreadable(&why))? + "\n";
    if text.len() > DOCUMENT_MAX { Err(BadMove::TooLong) } else { Ok(text) }
}

/// The move that a document says.
///
/// # Errors
/// It says none.
pub fn from_text(text: &str) -> Result<Document, BadMove> {
    if text.len() > DOCUMENT_MAX {
        return Err(BadMove::TooLong);
    }
    let any: AnyVersion = serde_json::from_str(text).map_err(|why| BadMove::unreadable(&why))?;
    if any.version != VERSION {
        return Err(BadMove::Version(any.version));
    }
    let whole: MoveV1 = serde_json::from_str(text).map_err(|why| BadMove::unreadable(&why))?;
    if digest(&whole.body)? != whole.digest {
        return Err(BadMove::Digest);
    }
    check_bounds(&whole.body)?;
    document(whole.body).map_err(BadMove::value)
}

fn digest(body: &BodyV1) -> Result<String, BadMove> {
    let octets = serde_json::to_vec(body).map_err(|why| BadMove::unreadable(&why))?;
    Ok(hex::digest(&octets))
}

fn check_bounds(body: &BodyV1) -> Result<(), BadMove> {
    let octets: usize = body.learnt.ras.iter().map(|ra| ra.hex.len() / 2).sum();
    let longest = body.namespaces.iter().map(Vec::len).max().unwrap_or_default();
    let longest_of_pvd = body.pvd_numbers.values().map(Vec::len).max().unwrap_or_default();
    let counts = [
        ("numbers", body.numbers.len(), NAMESPACE_DEPTH_MAX),
        ("namespaces", body.namespaces.len(), NAMESPACE_DEPTH_MAX),
        ("numbers of a namespace", longest, NAMESPACE_DEPTH_MAX),
        ("settings of namespaces", body.homes.len(), NAMESPACE_DEPTH_MAX),
        ("numbers of a static PvD", longest_of_pvd, NAMESPACE_DEPTH_MAX),
        ("numbers of static PvDs", body.pvd_numbers.len(), MOVE_PVDS),
        ("static entries", body.entries.len(), ENTRIES_MAX),
        ("addresses", body.addresses.len(), MOVE_ADDRESSES),
        ("Router Advertisements", body.learnt.ras.len(), MOVE_RAS),
        ("octets of Router Advertisements", octets, MOVE_RA_BYTES),
        ("static PvDs", body.learnt.pvds.len(), MOVE_PVDS),
    ];
    let over = counts.into_iter().find(|(_, count, limit)| count > limit);
    over.map_or(Ok(()), |(what, _, limit)| Err(BadMove::TooMany { what, limit }))
}

fn body_v1(Document { exported_ms, moved }: &Document) -> BodyV1 {
    BodyV1 {
        id: moved.id.to_string(),
        exported_ms: *exported_ms,
        port: moved.port.to_string(),
        numbers: moved.numbers.port.clone(),
        namespaces: moved.numbers.namespaces.clone(),
        pvd_numbers: moved.numbers.pvds.iter().map(|(name, numbers)| (name.to_string(), numbers.clone())).collect(),
        homes: moved.homes.iter().map(namespace_v2).collect(),
        spec: port_v2(&moved.spec),
        offered: format!("{:#x}", moved.offered),
        found: moved.found.as_ref().map(found_said),
        vf: moved.vf.map(|VfLeft { next, offered }| VfV1 { next_serial: next, offered }),
        entries: moved.entries.iter().map(ToString::to_string).collect(),
        addresses: addresses_v1(&moved.addresses),
        learnt: LearntV1 {
            ras: moved.ras.iter().map(ra_v1).collect(),
            pvds: moved.pvds.iter().map(|(name, said)| (name.to_string(), pvds::said(said))).collect(),
        },
    }
}

/// Addresses as they are written.
pub(crate) fn addresses_v1(addresses: &[Address]) -> Vec<AddressV1> {
    let said = |one: &Address| AddressV1 { ip: one.ip.to_string(), router: one.is_router, age_s: one.age.as_secs() };
    addresses.iter().map(said).collect()
}

/// A Router Advertisement as it is written.
pub(crate) fn ra_v1(ra: &RaLeft) -> RaV1 {
    RaV1 {
        port: ra.port.to_string(),
        router: ra.router.to_string(),
        mac: ra.mac.to_string(),
        injected: ra.injected,
        hex: hex::encode(&ra.octets),
    }
}

fn document(body: BodyV1) -> Result<Document, String> {
    let port: PortPath = parse("port", &body.port)?;
    if body.spec.namespace.is_some() {
        return Err("the namespace of a port is part of its name".to_owned());
    }
    let name = |name: &str| PvdKey::parse_name(name).map_err(|why| why.to_string());
    let pvd = |(pvd, said): (String, PvdV2)| Ok::<_, String>((name(&pvd)?, pvds::meant(said)?));
    let pvd_numbers = body.pvd_numbers.into_iter().map(|(pvd, numbers)| Ok::<_, String>((name(&pvd)?, numbers)));
    let numbers =
        NumbersLeft { port: body.numbers, namespaces: body.namespaces, pvds: pvd_numbers.collect::<Result<_, _>>()? };
    let moved = Move {
        id: parse("move", &body.id)?,
        homes: body.homes.into_iter().map(namespace_spec).collect::<Result<_, _>>()?,
        spec: port_spec(&port, body.spec)?,
        port,
        numbers,
        offered: hexadecimal(&body.offered)?,
        found: body.found.as_ref().map(found_meant).transpose()?,
        vf: body.vf.map(|VfV1 { next_serial, offered }| VfLeft { next: next_serial, offered }),
        entries: body.entries.iter().map(|mac| parse("MAC address", mac)).collect::<Result<_, _>>()?,
        addresses: addresses_left(&body.addresses)?,
        ras: body.learnt.ras.iter().map(ra_left).collect::<Result<_, _>>()?,
        pvds: body.learnt.pvds.into_iter().map(pvd).collect::<Result<_, _>>()?,
    };
    Ok(Document { exported_ms: body.exported_ms, moved })
}

/// Addresses as they are read.
pub(crate) fn addresses_left(said: &[AddressV1]) -> Result<Vec<Address>, String> {
    let address = |AddressV1 { ip, router, age_s }: &AddressV1| {
        Ok(Address { ip: parse("IP address", ip)?, is_router: *router, age: Duration::from_secs(*age_s) })
    };
    said.iter().map(address).collect()
}

/// A Router Advertisement as it is read.
pub(crate) fn ra_left(ra: &RaV1) -> Result<RaLeft, String> {
    Ok(RaLeft {
        port: parse("name", &ra.port)?,
        router: parse("address of a router", &ra.router)?,
        mac: parse("MAC address", &ra.mac)?,
        injected: ra.injected,
        octets: hex::decode(&ra.hex).ok_or_else(|| "a Router Advertisement is not in hexadecimal".to_owned())?,
    })
}

/// The rest of a document without what makes it whole.
#[cfg(test)]
pub(super) fn body_of(document: &Document) -> serde_json::Value {
    serde_json::to_value(body_v1(document)).unwrap_or_default()
}

/// A whole document of what may stand in one. `None`: it is not of the form.
pub(super) fn whole(body: serde_json::Value) -> Option<String> {
    let body: BodyV1 = serde_json::from_value(body).ok()?;
    let digest = digest(&body).ok()?;
    serde_json::to_string(&MoveV1 { version: VERSION, digest, body }).ok()
}
