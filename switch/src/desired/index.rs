// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the rules between objects ask for, kept beside the objects, so that each question costs about the same however
//! many objects there are. Without it a configuration of thousands of lines would take the square of that in time, and
//! everybody who may read may have one checked.

use super::FdbKey;
use crate::delegation::is_inside;
use crate::lane::Claim;
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
    /// The port of each socket that one port has for itself.
    sockets: BTreeMap<String, PortPath>,
    /// The ports of each socket of a VMM.
    vmms: BTreeMap<String, BTreeSet<PortPath>>,
    /// The port of everything else of the host that one port has for itself.
    claims: BTreeMap<Claim, PortPath>,
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

    /// The port that has something for itself.
    pub(super) fn owner(&self, claim: &Claim) -> Option<&PortPath> {
        match claim {
            Claim::Socket(path) => self.sockets.get(path),
            other => self.claims.get(other),
        }
    }

    /// The ports whose VMM is at a socket.
    pub(super) fn vmm_users(&self, path: &str) -> impl Iterator<Item = &PortPath> {
        self.vmms.get(path).into_iter().flatten()
    }

    /// A port that a socket has to do with.
    pub(super) fn socket_user(&self, path: &str) -> Option<&PortPath> {
        self.sockets.get(path).or_else(|| self.vmm_users(path).next())
    }

    pub(super) fn delegations(&self) -> &BTreeMap<String, NamespacePath> {
        &self.delegations
    }

    pub(super) fn text_sockets(&self) -> &BTreeMap<TextSocket, NamespacePath> {
        &self.text_sockets
    }

    /// The ports whose sockets, or those of whose VMMs, are in a directory or below it.
    pub(super) fn sockets_in<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = &'a PortPath> {
        let own = self.sockets.range(directory.to_owned()..);
        let vmms = self.vmms.range(directory.to_owned()..);
        let vmms = vmms.take_while(move |(path, _)| path.starts_with(directory));
        let vmms = vmms.flat_map(|(path, ports)| ports.iter().map(move |port| (path, port)));
        own.take_while(move |(path, _)| path.starts_with(directory))
            .chain(vmms)
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
        for claim in spec.claims() {
            match claim {
                Claim::Socket(socket) => self.sockets.insert(socket, path.clone()),
                other => self.claims.insert(other, path.clone()),
            };
        }
        if let Some(socket) = spec.vmm_socket() {
            self.vmms.entry(socket.to_owned()).or_default().insert(path.clone());
        }
        self.charge(&spec.namespace, Resource::Ports, 1);
    }

    pub(super) fn del_port(&mut self, path: &PortPath, spec: &PortSpec) {
        self.macs.remove(&own_key(spec));
        for claim in spec.claims() {
            match claim {
                Claim::Socket(socket) => self.sockets.remove(&socket),
                other => self.claims.remove(&other),
            };
        }
        if let Some((socket, ports)) = spec.vmm_socket().and_then(|socket| Some((socket, self.vmms.get_mut(socket)?))) {
            ports.remove(path);
            if ports.is_empty() {
                self.vmms.remove(socket);
            }
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
