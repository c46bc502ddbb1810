// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the rules between objects ask for, kept beside the objects, so that each question costs about the same however
//! many objects there are. Without it a configuration of thousands of lines would take the square of that in time, and
//! everybody who may read may have one checked.

use super::FdbKey;
use crate::delegation::is_inside;
use crate::name::Name;
use crate::path::NamespacePath;
use crate::quota::{Resource, UsageBook};
use crate::reference::PortPath;
use crate::spec::{NamespaceSpec, PortSpec};
use crate::text_socket::TextSocket;
use std::collections::{BTreeMap, BTreeSet};

/// Follows from the objects of a [`super::Desired`], so two that are equal have equal ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// The port whose own each address is.
    macs: BTreeMap<FdbKey, Name>,
    /// The port of each socket.
    sockets: BTreeMap<String, PortPath>,
    /// The namespace that each control socket of a delegation is bound to.
    delegations: BTreeMap<String, NamespacePath>,
    /// The namespace that each text socket is of.
    text_sockets: BTreeMap<TextSocket, NamespacePath>,
    /// Static MAC entries by the port that they lead to.
    entries: BTreeMap<PortPath, BTreeSet<FdbKey>>,
    /// Static MAC entries of each namespace that has any.
    counts: BTreeMap<NamespacePath, usize>,
    /// What each namespace and all below it have by order; what they learn is not among it.
    usage: UsageBook,
}

impl Index {
    pub(super) fn mac_owner(&self, key: &FdbKey) -> Option<&Name> {
        self.macs.get(key)
    }

    pub(super) fn socket_owner(&self, path: &str) -> Option<&PortPath> {
        self.sockets.get(path)
    }

    pub(super) fn delegations(&self) -> &BTreeMap<String, NamespacePath> {
        &self.delegations
    }

    pub(super) fn text_sockets(&self) -> &BTreeMap<TextSocket, NamespacePath> {
        &self.text_sockets
    }

    /// The ports whose sockets are in a directory or below it.
    pub(super) fn sockets_in<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = &'a PortPath> {
        let from = self.sockets.range(directory.to_owned()..);
        from.take_while(move |(path, _)| path.starts_with(directory))
            .filter(move |(path, _)| is_inside(path, directory))
            .map(|(_, port)| port)
    }

    /// Takes note of the sockets of a namespace itself.
    pub(super) fn open(&mut self, path: &NamespacePath, spec: &NamespaceSpec) {
        self.delegations.extend(spec.delegation.as_ref().map(|d| (d.socket.clone(), path.clone())));
        self.text_sockets.extend(spec.pvdd.iter().map(|socket| (socket.clone(), path.clone())));
    }

    pub(super) fn close(&mut self, spec: &NamespaceSpec) {
        spec.delegation.as_ref().map(|delegation| self.delegations.remove(&delegation.socket));
        spec.pvdd.as_ref().map(|socket| self.text_sockets.remove(socket));
    }

    pub(super) fn entries_of(&self, namespace: &NamespacePath) -> usize {
        self.counts.get(namespace).copied().unwrap_or(0)
    }

    pub(super) fn entries_to(&self, port: &PortPath) -> Vec<FdbKey> {
        self.entries.get(port).into_iter().flatten().cloned().collect()
    }

    pub(super) fn usage(&self) -> &UsageBook {
        &self.usage
    }

    pub(super) fn charge(&mut self, path: &NamespacePath, resource: Resource, count: u64) {
        self.usage.charge(path, resource, count);
    }

    pub(super) fn discharge(&mut self, path: &NamespacePath, resource: Resource, count: u64) {
        self.usage.discharge(path, resource, count);
    }

    pub(super) fn add_port(&mut self, path: &PortPath, spec: &PortSpec) {
        self.macs.insert(own_key(spec), path.name.clone());
        if let Some(vhost_user) = spec.vhost_user() {
            self.sockets.insert(vhost_user.path.clone(), path.clone());
        }
        self.charge(&spec.namespace, Resource::Ports, 1);
    }

    pub(super) fn del_port(&mut self, spec: &PortSpec) {
        self.macs.remove(&own_key(spec));
        if let Some(vhost_user) = spec.vhost_user() {
            self.sockets.remove(&vhost_user.path);
        }
        self.discharge(&spec.namespace, Resource::Ports, 1);
    }

    pub(super) fn add_entry(&mut self, key: &FdbKey, port: &Name) {
        self.entries.entry(path_of(key, port)).or_default().insert(key.clone());
        *self.counts.entry(key.namespace.clone()).or_default() += 1;
    }

    pub(super) fn del_entry(&mut self, key: &FdbKey, port: &Name) {
        let path = path_of(key, port);
        if let Some(keys) = self.entries.get_mut(&path) {
            keys.remove(key);
            if keys.is_empty() {
                self.entries.remove(&path);
            }
        }
        let Some(count) = self.counts.get_mut(&key.namespace) else { return };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&key.namespace);
        }
    }
}

fn own_key(spec: &PortSpec) -> FdbKey {
    FdbKey { namespace: spec.namespace.clone(), mac: spec.mac }
}

/// The port that an entry leads to: one of its own namespace.
fn path_of(key: &FdbKey, port: &Name) -> PortPath {
    PortPath::new(key.namespace.clone(), port.clone())
}
