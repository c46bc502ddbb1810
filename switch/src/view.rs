// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Snapshots for the control socket: plain data, copied out, without a reference into the switch.

use crate::control::Control;
use crate::name::Name;
use crate::namespace::NamespaceRecord;
use crate::port::{PortRecord, State};
use crate::refusal::{Kind, Refusal};
use crate::spec::{NamespaceSpec, PortSpec};
use dataplane::{Instant, PortSlot, PortStats};
use std::collections::BTreeMap;
use std::time::Duration;
use wire::MacAddr;

/// One namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceView {
    /// Its name.
    pub name: Name,
    /// What was asked for.
    pub spec: NamespaceSpec,
    /// Ports in it.
    pub ports: usize,
    /// Entries in its MAC table.
    pub macs: u32,
}

/// One port.
#[derive(Clone, Debug)]
pub struct PortView {
    /// Its name.
    pub name: Name,
    /// What was asked for, defaults filled in.
    pub spec: PortSpec,
    /// Whether frames can flow.
    pub state: State,
    /// Why, when there is something to say; printable.
    pub reason: Option<String>,
    /// Virtio feature bits that its guest accepted; 0 while none is attached.
    pub features: u64,
    /// What it has moved and lost.
    pub stats: PortStats,
}

/// One entry of a MAC table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FdbView {
    /// The namespace of the table.
    pub namespace: Name,
    /// The address.
    pub mac: MacAddr,
    /// The port that it leads to.
    pub port: Name,
    /// How it came to be.
    pub kind: dataplane::Kind,
    /// How long ago it was last seen; of a learned entry only.
    pub age: Option<Duration>,
}

impl Control {
    /// All namespaces by name, or the one of that name.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn view_namespaces(&self, only: Option<&Name>) -> Result<Vec<NamespaceView>, Refusal> {
        let plant = &self.plant;
        let mut ports: BTreeMap<&Name, usize> = BTreeMap::new();
        plant.ports.values().for_each(|port| *ports.entry(&port.spec.namespace).or_default() += 1);
        let view = |(name, record): (&Name, &NamespaceRecord)| NamespaceView {
            name: name.clone(),
            spec: record.spec.clone(),
            ports: ports.get(name).copied().unwrap_or(0),
            macs: record.table.fdb().used(),
        };
        match only {
            None => Ok(plant.namespaces.iter().map(view).collect()),
            Some(name) => {
                let found = plant.namespaces.get_key_value(name).map(|found| vec![view(found)]);
                found.ok_or_else(|| Refusal::not_found(Kind::Namespace, name.as_str()))
            }
        }
    }

    /// All ports by name, or those of one namespace.
    ///
    /// # Errors
    /// There is no such namespace.
    pub fn view_ports(&self, namespace: Option<&Name>) -> Result<Vec<PortView>, Refusal> {
        if let Some(name) = namespace {
            self.desired.namespace(name)?;
        }
        let of = |record: &PortRecord| namespace.is_none_or(|name| record.spec.namespace == *name);
        let chosen = self.plant.ports.iter().filter(|(_, record)| of(record));
        Ok(chosen.map(|(name, record)| port_view(name, record)).collect())
    }

    /// One port.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn view_port(&self, name: &Name) -> Result<PortView, Refusal> {
        let found = self.plant.ports.get(name).map(|record| port_view(name, record));
        found.ok_or_else(|| Refusal::not_found(Kind::Port, name.as_str()))
    }

    /// At most `most` entries of the MAC table of one namespace, by address: the first of those behind `after`.
    ///
    /// # Errors
    /// There is no such namespace.
    pub fn view_fdb(
        &self,
        now: Instant,
        namespace: &Name,
        after: Option<MacAddr>,
        most: usize,
    ) -> Result<Vec<FdbView>, Refusal> {
        let record = self.plant.namespaces.get(namespace);
        let record = record.ok_or_else(|| Refusal::not_found(Kind::Namespace, namespace.as_str()))?;
        let owners = self.owners(namespace);
        let mut entries = record.table.fdb().entries(now);
        entries.retain(|entry| after.is_none_or(|mac| entry.mac > mac) && owners.contains_key(&entry.port));
        if entries.len() > most {
            entries.select_nth_unstable_by_key(most, |entry| entry.mac);
            entries.truncate(most);
        }
        entries.sort_by_key(|entry| entry.mac);
        let view = |entry: dataplane::Entry| {
            let age = (entry.kind == dataplane::Kind::Learned).then_some(entry.age);
            let port = owners.get(&entry.port)?.clone();
            Some(FdbView { namespace: namespace.clone(), mac: entry.mac, port, kind: entry.kind, age })
        };
        Ok(entries.into_iter().filter_map(view).collect())
    }

    /// Who sits in which slot of a namespace.
    fn owners(&self, namespace: &Name) -> BTreeMap<PortSlot, Name> {
        let ports = self.plant.ports.iter().filter(|(_, port)| port.spec.namespace == *namespace);
        ports.map(|(name, port)| (port.device.slot(), name.clone())).collect()
    }
}

fn port_view(name: &Name, record: &PortRecord) -> PortView {
    let (state, reason) = record.state();
    PortView {
        name: name.clone(),
        spec: record.spec.clone(),
        state,
        reason,
        features: record.session.features,
        stats: record.device.stats(),
    }
}
