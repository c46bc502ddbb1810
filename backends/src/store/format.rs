// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The file's format, version 2. Its types are its own: the switch's may change without the file noticing.

use super::delegation::{self, ConfinedV2, DelegationV2};
use super::limits::{RateV2, limits, rate_v2};
use super::mediation::{self, MediationV2};
use super::moves::{self, MadeV2, PassageV2};
use super::pvds::{self, PvdV2};
use super::ra_guard::{FoundV2, found_meant, found_said};
use super::vf::{self, VfV2};
use super::{Saved, upgrade};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;
use switch::{
    AnswerPolicy, Answering, Desired, FdbKey, Lane, Mode, Name, NamespacePath, NamespaceSpec, PortPath, PortSpec,
    Quotas, Resource, SecondSource, TextSocket, VhostUser,
};

/// The version that this daemon writes.
const VERSION: u32 = 2;
/// The oldest one that it reads.
const OLDEST: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileV2 {
    version: u32,
    /// In hexadecimal: a number above 2^53 is not safe in the hands of every JSON reader.
    pub(super) offered: BTreeMap<String, String>,
    /// Of ports whose RA guard has learnt, what.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    routers_found: BTreeMap<String, FoundV2>,
    #[serde(default)]
    pub(super) numbers: NumbersV2,
    #[serde(default)]
    namespaces: BTreeMap<String, Option<NamespaceV2>>,
    #[serde(default)]
    pub(super) ports: BTreeMap<String, Option<PortV2>>,
    #[serde(default)]
    fdb: Vec<EntryV2>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pvds: BTreeMap<String, Option<PvdV2>>,
    /// Where VFs are. One that makes no sense is one that is not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    vfs: BTreeMap<String, Value>,
    /// What hosts may have been told of static PvDs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    announced: Vec<AnnouncedV2>,
    /// Of which ports it was taken away by hand, where it is found by itself.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    vfs_revoked: BTreeSet<String>,
    /// Ports that came from other switches or go there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    moves: BTreeMap<String, PassageV2>,
    /// What was made for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<MadeV2>,
}

#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

/// Of each object, its number where it lives first.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NumbersV2 {
    namespaces: BTreeMap<String, Vec<u32>>,
    pub(super) ports: BTreeMap<String, Vec<u32>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pvds: BTreeMap<String, Vec<u32>>,
    /// Of each namespace, the numbers of those that it was linked with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    peers: BTreeMap<String, BTreeMap<String, u32>>,
}

/// One namespace.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamespaceV2 {
    macs_max: u32,
    age_s: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    quotas: BTreeMap<String, u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<String, RateV2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer_within_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ra_throttle_s: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    second_source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delegation: Option<DelegationV2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pvdd: Option<String>,
}

/// One port.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortV2 {
    /// Only in version 1: since then it is part of the name.
    #[serde(default, skip_serializing)]
    pub(crate) namespace: Option<String>,
    mac: String,
    role: String,
    macs: String,
    mtu: u16,
    queues: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<String, RateV2>,
    /// Of an end of a link there are neither, but the other end; of a port on a lane of the host, the lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    far: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lane: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vf: Option<VfV2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confined: Option<ConfinedV2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mediation: Option<MediationV2>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryV2 {
    namespace: String,
    mac: String,
    port: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnnouncedV2 {
    pvd: String,
    said: PvdV2,
}

pub(super) fn to_text(saved: &Saved) -> io::Result<String> {
    let overlay = &saved.overlay;
    let entry = |(key, port): (&FdbKey, &Option<Name>)| EntryV2 {
        namespace: key.namespace.to_string(),
        mac: key.mac.to_string(),
        port: port.as_ref().map(Name::to_string),
    };
    let file = FileV2 {
        version: VERSION,
        offered: saved.offered.iter().map(|(port, bits)| (port.to_string(), format!("{bits:#x}"))).collect(),
        routers_found: saved.routers_found.iter().map(|(port, found)| (port.to_string(), found_said(found))).collect(),
        numbers: NumbersV2 {
            namespaces: saved.numbers.namespaces.iter().map(|(path, of)| (path.to_string(), of.clone())).collect(),
            ports: saved.numbers.ports.iter().map(|(port, of)| (port.to_string(), of.clone())).collect(),
            pvds: saved.numbers.pvds.iter().map(|(key, of)| (key.label(), of.clone())).collect(),
            peers: saved.numbers.peers.iter().map(|(path, of)| (path.to_string(), peers_v2(of))).collect(),
        },
        namespaces: overlay
            .namespaces
            .iter()
            .map(|(n, spec)| (n.to_string(), spec.as_ref().map(namespace_v2)))
            .collect(),
        ports: overlay.ports.iter().map(|(n, spec)| (n.to_string(), spec.as_ref().map(port_v2))).collect(),
        fdb: overlay.fdb.iter().map(entry).collect(),
        pvds: overlay.pvds.iter().map(|(key, said)| (key.label(), said.as_ref().map(pvds::said))).collect(),
        announced: saved
            .announced
            .iter()
            .map(|(key, said)| AnnouncedV2 { pvd: key.label(), said: pvds::said(said) })
            .collect(),
        vfs: vf::states_v2(&saved.vfs.states)?,
        vfs_revoked: saved.vfs.revoked.iter().map(PortPath::to_string).collect(),
        moves: saved.moves.iter().map(|(port, passage)| (port.to_string(), moves::said(passage))).collect(),
        made: moves::made_said(&saved.made),
    };
    Ok(serde_json::to_string_pretty(&file)? + "\n")
}

/// `base` is the configuration that the file lies over.
pub(super) fn from_text(text: &str, base: &Desired) -> Result<Saved, String> {
    let unreadable = |why: serde_json::Error| why.to_string();
    let any: AnyVersion = serde_json::from_str(text).map_err(unreadable)?;
    if !(OLDEST..=VERSION).contains(&any.version) {
        return Err(format!("is of version {}, and this weftd reads versions {OLDEST} to {VERSION}", any.version));
    }
    let mut file: FileV2 = serde_json::from_str(text).map_err(unreadable)?;
    if any.version == OLDEST {
        upgrade::upgrade(&mut file, base);
    }
    let mut saved = Saved::default();
    for (port, bits) in file.offered {
        saved.offered.insert(port_path(&port)?, hexadecimal(&bits)?);
    }
    for (port, found) in &file.routers_found {
        saved.routers_found.insert(port_path(port)?, found_meant(found)?);
    }
    for (namespace, numbers) in file.numbers.namespaces {
        saved.numbers.namespaces.insert(path(&namespace)?, numbers);
    }
    for (port, numbers) in file.numbers.ports {
        saved.numbers.ports.insert(port_path(&port)?, numbers);
    }
    for (pvd, numbers) in file.numbers.pvds {
        saved.numbers.pvds.insert(pvds::key(&pvd)?, numbers);
    }
    for (namespace, peers) in file.numbers.peers {
        let peers = peers.iter().map(|(peer, nr)| Ok((path(peer)?, *nr))).collect::<Result<_, String>>()?;
        saved.numbers.peers.insert(path(&namespace)?, peers);
    }
    for AnnouncedV2 { pvd, said } in file.announced {
        saved.announced.push((pvds::key(&pvd)?, pvds::meant(said)?));
    }
    saved.vfs.states = vf::states(file.vfs);
    saved.vfs.revoked = file.vfs_revoked.iter().filter_map(|port| port.parse().ok()).collect();
    for (port, passage) in &file.moves {
        saved.moves.insert(port_path(port)?, moves::meant(passage)?);
    }
    saved.made = file.made.as_ref().map(moves::made_meant).transpose()?.unwrap_or_default();
    let overlay = &mut saved.overlay;
    for (namespace, spec) in file.namespaces {
        overlay.namespaces.insert(path(&namespace)?, spec.map(namespace_spec).transpose()?);
    }
    for (port, spec) in file.ports {
        let path = port_path(&port)?;
        let spec = spec.map(|spec| port_spec(&path, spec)).transpose()?;
        overlay.ports.insert(path, spec);
    }
    for entry in file.fdb {
        let key = FdbKey { namespace: path(&entry.namespace)?, mac: parse("MAC address", &entry.mac)? };
        overlay.fdb.insert(key, entry.port.as_deref().map(name).transpose()?);
    }
    for (pvd, said) in file.pvds {
        overlay.pvds.insert(pvds::key(&pvd)?, said.map(pvds::meant).transpose()?);
    }
    Ok(saved)
}

fn peers_v2(numbers: &BTreeMap<NamespacePath, u32>) -> BTreeMap<String, u32> {
    numbers.iter().map(|(peer, nr)| (peer.to_string(), *nr)).collect()
}

pub(crate) fn namespace_v2(spec: &NamespaceSpec) -> NamespaceV2 {
    let quota = |resource: Resource| Some((resource.as_str().to_owned(), spec.quotas.get(resource)?));
    let quotas = Resource::ALL.into_iter().filter_map(quota).collect();
    let delegation = spec.delegation.as_ref().map(delegation::said);
    let limits = spec.limits.iter().map(rate_v2).collect();
    let pvdd = spec.pvdd.as_ref().map(ToString::to_string);
    let answer = Some(spec.answering.policy.as_str().to_owned());
    let answer_within_ms = Some(spec.answering.within.as_millis() as u64);
    let (macs_max, age_s) = (spec.macs_max, spec.age.as_secs());
    let ra_throttle_s = spec.ra_throttle.map(|throttle| throttle.as_secs());
    let second_source = Some(spec.second_source).filter(|policy| *policy != SecondSource::default());
    let second_source = second_source.map(|policy| policy.as_str().to_owned());
    NamespaceV2 {
        macs_max,
        age_s,
        quotas,
        limits,
        answer,
        answer_within_ms,
        ra_throttle_s,
        second_source,
        delegation,
        pvdd,
    }
}

pub(crate) fn namespace_spec(namespace: NamespaceV2) -> Result<NamespaceSpec, String> {
    let mut quotas = Quotas::default();
    for (word, most) in namespace.quotas {
        let resource = Resource::of(&word).ok_or_else(|| format!("{word:?} is not a resource"))?;
        quotas.set(resource, Some(most));
    }
    let delegation = namespace.delegation.map(delegation::meant).transpose()?;
    let (age, limits) = (Duration::from_secs(namespace.age_s), limits(&namespace.limits)?);
    let answering = answering(namespace.answer.as_deref(), namespace.answer_within_ms)?;
    let text_socket = |text: String| TextSocket::parse(&text).map_err(|why| why.to_string());
    let pvdd = namespace.pvdd.map(text_socket).transpose()?;
    let (macs_max, ra_throttle) = (namespace.macs_max, namespace.ra_throttle_s.map(Duration::from_secs));
    let policy =
        |word: String| SecondSource::of(&word).ok_or_else(|| format!("{word:?} is no policy for second sources"));
    let second_source = namespace.second_source.map(policy).transpose()?.unwrap_or_default();
    Ok(NamespaceSpec { macs_max, age, quotas, limits, answering, ra_throttle, second_source, delegation, pvdd })
}

/// A file from before has neither.
fn answering(policy: Option<&str>, within_ms: Option<u64>) -> Result<Answering, String> {
    let unsaid = Answering::default();
    let meant = |word: &str| AnswerPolicy::of(word).ok_or_else(|| format!("{word:?} is not an answer policy"));
    let policy = policy.map_or(Ok(unsaid.policy), meant)?;
    Ok(Answering { policy, within: within_ms.map_or(unsaid.within, Duration::from_millis) })
}

pub(crate) fn port_v2(spec: &PortSpec) -> PortV2 {
    PortV2 {
        namespace: None,
        mac: spec.mac.to_string(),
        role: switch::role_word(spec.role).to_owned(),
        macs: switch::macs_word(spec.macs).to_owned(),
        mtu: spec.mtu,
        queues: spec.queue_pairs,
        limits: spec.limits.iter().map(rate_v2).collect(),
        path: spec.vhost_user().map(|socket| socket.path.clone()),
        mode: spec.vhost_user().map(|socket| socket.mode.as_str().to_owned()),
        far: spec.far().map(ToString::to_string),
        lane: spec.device_lane().map(ToString::to_string),
        vf: spec.vf.as_ref().map(vf::said),
        confined: spec.confined.as_ref().map(delegation::confined_said),
        mediation: mediation::said(&spec.mediation),
    }
}

pub(crate) fn port_spec(path: &PortPath, port: PortV2) -> Result<PortSpec, String> {
    let unknown = |what: &str, word: &str| format!("{word:?} is not a {what}");
    Ok(PortSpec {
        namespace: path.namespace.clone(),
        mac: parse("MAC address", &port.mac)?,
        role: switch::role_of(&port.role).ok_or_else(|| unknown("role", &port.role))?,
        macs: switch::macs_of(&port.macs).ok_or_else(|| unknown("MAC policy", &port.macs))?,
        mtu: port.mtu,
        queue_pairs: port.queues,
        limits: limits(&port.limits)?,
        lane: lane(port.path, port.mode, port.far, port.lane)?,
        vf: port.vf.map(vf::meant).transpose()?,
        confined: port.confined.map(delegation::confined_meant),
        mediation: port.mediation.map(mediation::meant).transpose()?.unwrap_or_default(),
    })
}

/// What is behind a port: what the file has of it.
fn lane(
    path: Option<String>,
    mode: Option<String>,
    far: Option<String>,
    device: Option<String>,
) -> Result<Lane, String> {
    if let Some(far) = far {
        return Ok(Lane::Link(parse("port", &far)?));
    }
    if let Some(device) = device {
        return Ok(Lane::Device(device.parse().map_err(|why: switch::Refusal| why.to_string())?));
    }
    let word = mode.unwrap_or_default();
    let mode = [Mode::Server, Mode::Client].into_iter().find(|mode| mode.as_str() == word);
    let mode = mode.ok_or_else(|| format!("{word:?} is not a mode"))?;
    Ok(Lane::VhostUser(VhostUser { path: path.unwrap_or_default(), mode }))
}

fn path(text: &str) -> Result<NamespacePath, String> {
    parse("path of a namespace", text)
}

fn port_path(text: &str) -> Result<PortPath, String> {
    parse("port", text)
}

fn name(text: &str) -> Result<Name, String> {
    parse("name", text)
}

pub(crate) fn parse<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is not a {what}"))
}

pub(crate) fn hexadecimal(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16).map_err(|_| format!("{text:?} is not a set of features"))
}
