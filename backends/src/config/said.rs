// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A configuration in words: what runs as a file that [`Config::parse`](super::Config::parse) reads, every default filled in.

use super::CONFIG_MAX;
use super::fetch::PvdFetch;
use super::mediation::{self, Injected};
use super::pvds;
use super::ra_guard::Said;
use super::settings::Settings;
use super::vf;
use serde::Serialize;
use std::collections::BTreeMap;
use switch::{
    Confined, Delegate, Delegation, Desired, Limits, NamespacePath, NamespaceSpec, PortPath, PortSpec, Rate, Resource,
    macs_word, role_word,
};

#[derive(Serialize)]
struct File {
    daemon: Daemon,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    worker: Vec<Worker>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    namespace: Vec<Namespace>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    port: Vec<Port>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    link: Vec<Link>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fdb: Vec<Fdb>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pvd: Vec<pvds::Pvd>,
}

#[derive(Serialize)]
struct Daemon {
    workers: Option<usize>,
    #[serde(flatten)]
    texts: BTreeMap<&'static str, String>,
    #[serde(rename = "pvd-fetch")]
    pvd_fetch: Option<PvdFetch>,
}

#[derive(Serialize)]
struct Worker {
    id: usize,
    #[serde(flatten)]
    texts: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Namespace {
    name: String,
    macs_max: u32,
    age: u64,
    answer: &'static str,
    answer_within: u64,
    ra_throttle: Option<u64>,
    second_source: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    quotas: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<&'static str, String>,
    delegation: Option<Delegated>,
    pvdd: Option<String>,
}

#[derive(Serialize)]
struct Delegated {
    listen: String,
    sockets: String,
    #[serde(flatten)]
    to: BTreeMap<&'static str, u32>,
    role: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<&'static str, String>,
    confined: Option<Beneath>,
}

#[derive(Serialize)]
struct Beneath {
    beneath: String,
    #[serde(flatten)]
    owner: BTreeMap<&'static str, u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Port {
    name: String,
    namespace: String,
    vhost_user: Option<String>,
    mode: Option<&'static str>,
    lane: Option<String>,
    vf: Option<vf::Said<Beneath>>,
    mac: String,
    role: &'static str,
    macs: &'static str,
    mtu: u16,
    queues: u16,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<&'static str, String>,
    pvds: Option<Vec<String>>,
    inject_pvd: Option<Injected>,
    ra_guard: Option<Said>,
    confined: Option<Beneath>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Link {
    one: String,
    other: String,
    at_one: End,
    at_other: End,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct End {
    role: &'static str,
    mtu: u16,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<&'static str, String>,
    pvds: Option<Vec<String>>,
    inject_pvd: Option<Injected>,
    ra_guard: Option<Said>,
}

#[derive(Serialize)]
struct Fdb {
    namespace: String,
    mac: String,
    port: String,
}

/// `desired` and `settings` as a file.
///
/// # Errors
/// It would be longer than what is read, or a number is too large for TOML.
pub(super) fn text(desired: &Desired, settings: &Settings) -> Result<String, String> {
    let ports = desired.ports();
    let guests = ports.iter().filter(|(_, spec)| spec.far().is_none()).map(|(path, spec)| port(path, spec));
    // Each link once, at the first of its ends.
    let links = ports.iter().filter_map(|(path, spec)| {
        let far = spec.far().filter(|far| path < far)?;
        Some(link([(path, spec), (far, ports.get(far)?)]))
    });
    let entries = desired.fdb().iter().map(|(key, port)| Fdb {
        namespace: key.namespace.to_string(),
        mac: key.mac.to_string(),
        port: port.to_string(),
    });
    let file = File {
        daemon: daemon(settings),
        worker: settings.single.iter().flatten().map(|(id, said)| Worker { id: *id, texts: said.said() }).collect(),
        namespace: desired.namespaces().iter().map(|(path, spec)| namespace(path, spec)).collect(),
        port: guests.collect(),
        link: links.collect(),
        fdb: entries.collect(),
        pvd: desired.pvds().iter().map(|(key, statement)| pvds::said(key, statement)).collect(),
    };
    let text = toml::to_string(&file).map_err(|why| why.to_string())?;
    if text.len() > CONFIG_MAX {
        return Err(format!("the file would be larger than {CONFIG_MAX} bytes, and could not be applied"));
    }
    Ok(text)
}

fn daemon(settings: &Settings) -> Daemon {
    let mut texts = settings.said();
    texts.retain(|key, _| !matches!(*key, "workers" | "worker" | "pvd-fetch"));
    Daemon { workers: settings.workers, texts, pvd_fetch: settings.pvd_fetch.clone() }
}

fn namespace(path: &NamespacePath, spec: &NamespaceSpec) -> Namespace {
    let quota = |resource: Resource| Some((resource.as_str(), spec.quotas.get(resource)?));
    Namespace {
        name: path.to_string(),
        macs_max: spec.macs_max,
        age: spec.age.as_secs(),
        answer: spec.answering.policy.as_str(),
        answer_within: spec.answering.within.as_millis() as u64,
        ra_throttle: spec.ra_throttle.map(|throttle| throttle.as_secs()),
        second_source: spec.second_source.as_str(),
        quotas: Resource::ALL.into_iter().filter_map(quota).collect(),
        limits: rates(&spec.limits),
        delegation: spec.delegation.as_ref().map(delegated),
        pvdd: spec.pvdd.as_ref().map(ToString::to_string),
    }
}

fn delegated(delegation: &Delegation) -> Delegated {
    Delegated {
        listen: delegation.socket.clone(),
        sockets: delegation.directory.clone(),
        to: who(delegation.to),
        role: delegation.grant.as_str(),
        limits: rates(&delegation.limits),
        confined: delegation.confined.as_ref().map(beneath),
    }
}

fn beneath(confined: &Confined) -> Beneath {
    Beneath { beneath: confined.beneath.clone(), owner: who(confined.owner) }
}

fn who(delegate: Delegate) -> BTreeMap<&'static str, u32> {
    match delegate {
        Delegate::Uid(uid) => BTreeMap::from([("uid", uid)]),
        Delegate::Gid(gid) => BTreeMap::from([("gid", gid)]),
    }
}

fn port(path: &PortPath, spec: &PortSpec) -> Port {
    let socket = spec.vhost_user();
    let (pvds, inject_pvd) = mediation::said(&spec.mediation);
    Port {
        name: path.name.to_string(),
        namespace: path.namespace.to_string(),
        vhost_user: socket.map(|socket| socket.path.clone()),
        mode: socket.map(|socket| socket.mode.as_str()),
        lane: spec.device_lane().map(ToString::to_string),
        vf: spec.vf.as_ref().map(|vf| vf::Said::of(vf, beneath)),
        mac: spec.mac.to_string(),
        role: role_word(spec.role),
        macs: macs_word(spec.macs),
        mtu: spec.mtu,
        queues: spec.queue_pairs,
        limits: rates(&spec.limits),
        pvds,
        inject_pvd,
        ra_guard: Said::of(&spec.mediation),
        confined: spec.confined.as_ref().map(beneath),
    }
}

fn link([one, other]: [(&PortPath, &PortSpec); 2]) -> Link {
    let end = |spec: &PortSpec| {
        let (pvds, inject_pvd) = mediation::said(&spec.mediation);
        let (limits, ra_guard) = (rates(&spec.limits), Said::of(&spec.mediation));
        End { role: role_word(spec.role), mtu: spec.mtu, limits, pvds, inject_pvd, ra_guard }
    };
    Link { one: one.0.to_string(), other: other.0.to_string(), at_one: end(one.1), at_other: end(other.1) }
}

fn rates(limits: &Limits) -> BTreeMap<&'static str, String> {
    limits.iter().map(|(limit, Rate { per_second, burst })| (limit.name(), format!("{per_second}:{burst}"))).collect()
}
