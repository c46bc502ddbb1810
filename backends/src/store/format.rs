// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The file's format, version 1. Its types are its own: the switch's may change without the file noticing.

use super::Saved;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;
use switch::{
    FdbKey, Limit, Limits, Mode, Name, NamespacePath, NamespaceSpec, PortSpec, Quotas, Rate, Resource, VhostUser,
};

/// The version that this daemon writes, and the only one that it reads.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileV1 {
    version: u32,
    /// In hexadecimal: a number above 2^53 is not safe in the hands of every JSON reader.
    offered: BTreeMap<String, String>,
    #[serde(default)]
    numbers: NumbersV1,
    #[serde(default)]
    namespaces: BTreeMap<String, Option<NamespaceV1>>,
    #[serde(default)]
    ports: BTreeMap<String, Option<PortV1>>,
    #[serde(default)]
    fdb: Vec<EntryV1>,
}

#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

/// Of each object, its number where it lives first.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NumbersV1 {
    namespaces: BTreeMap<String, Vec<u32>>,
    ports: BTreeMap<String, Vec<u32>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamespaceV1 {
    macs_max: u32,
    age_s: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    quotas: BTreeMap<String, u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortV1 {
    namespace: String,
    mac: String,
    role: String,
    macs: String,
    mtu: u16,
    queues: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<String, RateV1>,
    path: String,
    mode: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateV1 {
    per_second: u64,
    burst: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryV1 {
    namespace: String,
    mac: String,
    port: Option<String>,
}

pub(super) fn to_text(saved: &Saved) -> io::Result<String> {
    let overlay = &saved.overlay;
    let entry = |(key, port): (&FdbKey, &Option<Name>)| EntryV1 {
        namespace: key.namespace.to_string(),
        mac: key.mac.to_string(),
        port: port.as_ref().map(Name::to_string),
    };
    let file = FileV1 {
        version: VERSION,
        offered: saved.offered.iter().map(|(port, bits)| (port.to_string(), format!("{bits:#x}"))).collect(),
        numbers: NumbersV1 {
            namespaces: saved.numbers.namespaces.iter().map(|(path, of)| (path.to_string(), of.clone())).collect(),
            ports: saved.numbers.ports.iter().map(|(port, of)| (port.to_string(), of.clone())).collect(),
        },
        namespaces: overlay
            .namespaces
            .iter()
            .map(|(n, spec)| (n.to_string(), spec.as_ref().map(namespace_v1)))
            .collect(),
        ports: overlay.ports.iter().map(|(n, spec)| (n.to_string(), spec.as_ref().map(port_v1))).collect(),
        fdb: overlay.fdb.iter().map(entry).collect(),
    };
    Ok(serde_json::to_string_pretty(&file)? + "\n")
}

pub(super) fn from_text(text: &str) -> Result<Saved, String> {
    let unreadable = |why: serde_json::Error| why.to_string();
    let any: AnyVersion = serde_json::from_str(text).map_err(unreadable)?;
    if any.version != VERSION {
        return Err(format!("is of version {}, and this weftd reads version {VERSION}", any.version));
    }
    let file: FileV1 = serde_json::from_str(text).map_err(unreadable)?;
    let mut saved = Saved::default();
    for (port, bits) in file.offered {
        saved.offered.insert(name(&port)?, hexadecimal(&bits)?);
    }
    for (namespace, numbers) in file.numbers.namespaces {
        saved.numbers.namespaces.insert(path(&namespace)?, numbers);
    }
    for (port, numbers) in file.numbers.ports {
        saved.numbers.ports.insert(name(&port)?, numbers);
    }
    let overlay = &mut saved.overlay;
    for (namespace, spec) in file.namespaces {
        overlay.namespaces.insert(path(&namespace)?, spec.map(namespace_spec).transpose()?);
    }
    for (port, spec) in file.ports {
        overlay.ports.insert(name(&port)?, spec.map(port_spec).transpose()?);
    }
    for entry in file.fdb {
        let key = FdbKey { namespace: path(&entry.namespace)?, mac: parse("MAC address", &entry.mac)? };
        overlay.fdb.insert(key, entry.port.as_deref().map(name).transpose()?);
    }
    Ok(saved)
}

fn namespace_v1(spec: &NamespaceSpec) -> NamespaceV1 {
    let quota = |resource: Resource| Some((resource.as_str().to_owned(), spec.quotas.get(resource)?));
    let quotas = Resource::ALL.into_iter().filter_map(quota).collect();
    NamespaceV1 { macs_max: spec.macs_max, age_s: spec.age.as_secs(), quotas }
}

fn namespace_spec(namespace: NamespaceV1) -> Result<NamespaceSpec, String> {
    let mut quotas = Quotas::default();
    for (word, most) in namespace.quotas {
        let resource = Resource::of(&word).ok_or_else(|| format!("{word:?} is not a resource"))?;
        quotas.set(resource, Some(most));
    }
    Ok(NamespaceSpec { macs_max: namespace.macs_max, age: Duration::from_secs(namespace.age_s), quotas })
}

fn port_v1(spec: &PortSpec) -> PortV1 {
    PortV1 {
        namespace: spec.namespace.to_string(),
        mac: spec.mac.to_string(),
        role: switch::role_word(spec.role).to_owned(),
        macs: switch::macs_word(spec.macs).to_owned(),
        mtu: spec.mtu,
        queues: spec.queue_pairs,
        limits: spec.limits.iter().map(rate_v1).collect(),
        path: spec.vhost_user.path.clone(),
        mode: spec.vhost_user.mode.as_str().to_owned(),
    }
}

fn port_spec(port: PortV1) -> Result<PortSpec, String> {
    let mode = [Mode::Server, Mode::Client].into_iter().find(|mode| mode.as_str() == port.mode);
    let unknown = |what: &str, word: &str| format!("{word:?} is not a {what}");
    Ok(PortSpec {
        namespace: path(&port.namespace)?,
        mac: parse("MAC address", &port.mac)?,
        role: switch::role_of(&port.role).ok_or_else(|| unknown("role", &port.role))?,
        macs: switch::macs_of(&port.macs).ok_or_else(|| unknown("MAC policy", &port.macs))?,
        mtu: port.mtu,
        queue_pairs: port.queues,
        limits: limits(&port.limits)?,
        vhost_user: VhostUser { path: port.path, mode: mode.ok_or_else(|| unknown("mode", &port.mode))? },
    })
}

fn rate_v1((limit, Rate { per_second, burst }): (Limit, Rate)) -> (String, RateV1) {
    (limit.name().to_owned(), RateV1 { per_second, burst })
}

fn limits(rates: &BTreeMap<String, RateV1>) -> Result<Limits, String> {
    let mut limits = Limits::default();
    for (name, RateV1 { per_second, burst }) in rates {
        let limit = Limit::of_name(name).ok_or_else(|| format!("{name:?} is not a limit"))?;
        limits.set(limit, Some(Rate { per_second: *per_second, burst: *burst }));
    }
    Ok(limits)
}

fn path(text: &str) -> Result<NamespacePath, String> {
    parse("path of a namespace", text)
}

fn name(text: &str) -> Result<Name, String> {
    parse("name", text)
}

fn parse<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is not a {what}"))
}

fn hexadecimal(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16).map_err(|_| format!("{text:?} is not a set of features"))
}
