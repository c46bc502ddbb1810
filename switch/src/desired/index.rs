// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the rules between objects ask for, kept beside the objects, so that each question costs about the same however
//! many objects there are. Without it a configuration of thousands of lines would take the square of that in time, and
//! everybody who may read may have one checked.

use super::FdbKey;
use crate::name::Name;
use crate::spec::PortSpec;
use std::collections::BTreeMap;

/// Follows from the ports and entries of a [`super::Desired`], so two that are equal have equal ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// The port whose own each address is.
    macs: BTreeMap<FdbKey, Name>,
    /// The port of each socket.
    sockets: BTreeMap<String, Name>,
    /// Ports of each namespace that has any.
    ports: BTreeMap<Name, usize>,
    /// Static MAC entries of each namespace that has any.
    entries: BTreeMap<Name, usize>,
}

impl Index {
    pub(super) fn mac_owner(&self, key: &FdbKey) -> Option<&Name> {
        self.macs.get(key)
    }

    pub(super) fn socket_owner(&self, path: &str) -> Option<&Name> {
        self.sockets.get(path)
    }

    pub(super) fn ports_of(&self, namespace: &Name) -> usize {
        self.ports.get(namespace).copied().unwrap_or(0)
    }

    pub(super) fn entries_of(&self, namespace: &Name) -> usize {
        self.entries.get(namespace).copied().unwrap_or(0)
    }

    pub(super) fn add_port(&mut self, name: &Name, spec: &PortSpec) {
        self.macs.insert(own_key(spec), name.clone());
        self.sockets.insert(spec.vhost_user.path.clone(), name.clone());
        *self.ports.entry(spec.namespace.clone()).or_default() += 1;
    }

    pub(super) fn del_port(&mut self, spec: &PortSpec) {
        self.macs.remove(&own_key(spec));
        self.sockets.remove(&spec.vhost_user.path);
        lower(&mut self.ports, &spec.namespace, 1);
    }

    pub(super) fn add_entry(&mut self, namespace: &Name) {
        *self.entries.entry(namespace.clone()).or_default() += 1;
    }

    pub(super) fn del_entries(&mut self, namespace: &Name, count: usize) {
        lower(&mut self.entries, namespace, count);
    }
}

fn own_key(spec: &PortSpec) -> FdbKey {
    FdbKey { namespace: spec.namespace.clone(), mac: spec.mac }
}

/// A count of zero is none, so that equal states have equal counts.
fn lower(counts: &mut BTreeMap<Name, usize>, namespace: &Name, by: usize) {
    let Some(count) = counts.get_mut(namespace) else { return };
    *count = count.saturating_sub(by);
    if *count == 0 {
        counts.remove(namespace);
    }
}
