// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The desired state: everything that an operator said, as plain passive data.
//!
//! A `Desired` has no effect until it is applied. It is valid at all times: the only ways to change one are the methods
//! below, and each of them either keeps every rule or refuses and changes nothing. The rules between objects are
//! * a namespace lies in one that exists, ports and static PvDs name one that exists, and what has any of these in it cannot
//!   go;
//! * no subtree has more than the quotas on the way to the root allow;
//! * within one namespace no MAC address has two owners, be it a port or a static entry (the same address in two
//!   namespaces is normal: tenants do not know each other);
//! * within one namespace no two ports have the same name, and in the whole daemon no two things share a
//!   socket, but for that of a VMM, nor two lanes a netdev, a file or a PCI function;
//! * in the directory of a delegation are sockets of its namespace and of what is below it only;
//! * a link joins two namespaces between which there is no way over links yet;
//! * a static entry names a port of its own namespace, and goes with it;
//! * within one namespace no two static PvDs have the same prefix.

use crate::desired::index::Index;
use crate::limits;
use crate::name::Name;
use crate::path::NamespacePath;
use crate::quota::{Quotas, Resource, Usage};
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::spec::{NamespaceSpec, PortSpec, check_mac};
use crate::text::Text;
use std::collections::BTreeMap;
use wire::MacAddr;

mod delegations;
mod index;
mod lanes;
mod links;
mod pvds;

/// The key of a static MAC entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FdbKey {
    /// The namespace whose table it is in.
    pub namespace: NamespacePath,
    /// The address.
    pub mac: MacAddr,
}

impl FdbKey {
    /// How texts name it: `red/02:00:00:00:00:01`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.namespace, self.mac)
    }
}

/// What an operator wants to exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// What is said of the root: nothing. It is there before anybody says anything.
    root: Box<NamespaceSpec>,
    namespaces: BTreeMap<NamespacePath, NamespaceSpec>,
    ports: BTreeMap<PortPath, PortSpec>,
    fdb: BTreeMap<FdbKey, Name>,
    /// Boxed, for a whole state is part of one request in many.
    pvds: Box<pvds::StaticPvds>,
    index: Index,
}

impl Desired {
    /// All namespaces but the root, in tree order.
    pub fn namespaces(&self) -> &BTreeMap<NamespacePath, NamespaceSpec> {
        &self.namespaces
    }

    /// All ports, in tree order.
    pub fn ports(&self) -> &BTreeMap<PortPath, PortSpec> {
        &self.ports
    }

    /// All static MAC entries, each with the port of its namespace that it leads to.
    pub fn fdb(&self) -> &BTreeMap<FdbKey, Name> {
        &self.fdb
    }

    /// Adds a namespace.
    ///
    /// # Errors
    /// It exists, what it would lie in does not, its values are out of bounds, or there are too many or too deep.
    pub fn add_namespace(&mut self, path: impl Into<NamespacePath>, spec: NamespaceSpec) -> Result<(), Refusal> {
        let path = path.into();
        let parent = path.parent().filter(|_| !self.namespaces.contains_key(&path));
        let parent = parent.ok_or_else(|| Refusal::exists(Kind::Namespace, &path))?;
        self.namespace(&parent)?;
        if path.depth() > limits::NAMESPACE_DEPTH_MAX {
            return Err(Refusal::Depth { limit: limits::NAMESPACE_DEPTH_MAX as u64 });
        }
        if self.namespaces.len() >= limits::NAMESPACES_MAX {
            return Err(Refusal::everywhere(Resource::Namespaces, "namespaces", limits::NAMESPACES_MAX));
        }
        self.check_namespace(&path, &spec)?;
        let macs = u64::from(spec.macs_max);
        self.check_quotas(&parent, Resource::Namespaces, 1)?;
        check_quota(&path, &spec.quotas, Resource::Macs, macs)?;
        self.check_quotas(&parent, Resource::Macs, macs)?;
        self.index.charge(&parent, Resource::Namespaces, 1);
        self.index.charge(&path, Resource::Macs, macs);
        self.index.open(&path, &spec);
        self.namespaces.insert(path, spec);
        Ok(())
    }

    /// Replaces what is said about a namespace.
    ///
    /// # Errors
    /// It does not exist, is the root, its values are out of bounds, or it has more than its new quotas allow.
    pub fn set_namespace(&mut self, path: &NamespacePath, spec: NamespaceSpec) -> Result<(), Refusal> {
        self.check_namespace(path, &spec)?;
        let before = self.namespace(path)?.clone();
        if path.is_root() {
            return Err(Refusal::invalid("name", path.as_str(), "a namespace other than the root: it has no limits"));
        }
        let (old, new) = (u64::from(before.macs_max), u64::from(spec.macs_max));
        self.check_usage(path, &spec.quotas, new.saturating_sub(old))?;
        if let Some(parent) = path.parent().filter(|_| new > old) {
            self.check_quotas(&parent, Resource::Macs, new - old)?;
        }
        self.index.discharge(path, Resource::Macs, old);
        self.index.charge(path, Resource::Macs, new);
        self.index.close(&before);
        self.index.open(path, &spec);
        self.namespaces.insert(path.clone(), spec);
        Ok(())
    }

    /// Removes a namespace.
    ///
    /// # Errors
    /// It does not exist, is the root, or has ports, static PvDs or namespaces in it.
    pub fn del_namespace(&mut self, path: &NamespacePath) -> Result<(), Refusal> {
        let spec = self.namespace(path)?.clone();
        let users = if path.is_root() { Some(Text::from("all others")) } else { self.users(path) };
        if let Some(by) = users {
            return Err(Refusal::in_use(Kind::Namespace, path, by));
        }
        self.namespaces.remove(path);
        self.index.discharge(path, Resource::Macs, spec.macs_max.into());
        self.index.close(&spec);
        if let Some(parent) = path.parent() {
            self.index.discharge(&parent, Resource::Namespaces, 1);
        }
        Ok(())
    }

    /// Adds a port to the namespace that its spec names.
    ///
    /// # Errors
    /// One of that name exists there, the namespace does not, a value is out of bounds, its address or socket is taken, or there are too many.
    pub fn add_port(&mut self, name: Name, spec: PortSpec) -> Result<(), Refusal> {
        let path = spec.path(name);
        if self.ports.contains_key(&path) {
            return Err(Refusal::exists(Kind::Port, &path));
        }
        if self.ports.len() >= limits::PORTS_MAX {
            return Err(Refusal::everywhere(Resource::Ports, "ports", limits::PORTS_MAX));
        }
        if self.ports_of(&spec.namespace).count() >= limits::NAMESPACE_PORTS_MAX {
            let what = Text::from("ports in namespace ").quoted(&spec.namespace);
            return Err(Refusal::limit(what, limits::NAMESPACE_PORTS_MAX));
        }
        self.check_port(&path, &spec)?;
        self.check_quotas(&spec.namespace, Resource::Ports, 1)?;
        self.index.add_port(&path, &spec);
        self.ports.insert(path, spec);
        Ok(())
    }

    /// Replaces what is said about a port. Its namespace stays what it is.
    ///
    /// # Errors
    /// It does not exist, the namespace differs, a value is out of bounds, or its address or socket is taken.
    pub fn set_port(&mut self, path: &PortPath, spec: PortSpec) -> Result<(), Refusal> {
        let before = self.port(path)?.clone();
        if before.namespace != spec.namespace {
            let expected = format!("{}: a port stays in its namespace for its whole life", before.namespace);
            return Err(Refusal::invalid("namespace", spec.namespace.as_str(), expected));
        }
        self.check_port(path, &spec)?;
        self.index.del_port(path, &before);
        self.index.add_port(path, &spec);
        self.ports.insert(path.clone(), spec);
        Ok(())
    }

    /// Removes a port and the static entries that lead to it.
    ///
    /// # Errors
    /// It does not exist.
    pub fn del_port(&mut self, path: &PortPath) -> Result<(), Refusal> {
        let spec = self.port(path)?.clone();
        self.ports.remove(path);
        self.index.del_port(path, &spec);
        for key in self.index.entries_to(path) {
            self.fdb.remove(&key);
            self.index.del_entry(&key, &path.name);
        }
        Ok(())
    }

    /// Adds a static MAC entry.
    ///
    /// # Errors
    /// It exists, the address belongs to a port, the namespace has no such port, or there are too many.
    pub fn add_fdb(&mut self, key: FdbKey, port: Name) -> Result<(), Refusal> {
        self.namespace(&key.namespace)?;
        check_mac("mac", key.mac)?;
        self.port(&PortPath::new(key.namespace.clone(), port.clone()))?;
        if self.fdb.contains_key(&key) {
            return Err(Refusal::exists(Kind::Fdb, &key));
        }
        self.check_mac_free(&key, None)?;
        if self.index.entries_of(&key.namespace) >= limits::STATIC_MACS_MAX {
            let what = Text::from("static MAC entries in namespace ").quoted(&key.namespace);
            return Err(Refusal::limit(what, limits::STATIC_MACS_MAX));
        }
        self.index.add_entry(&key, &port);
        self.fdb.insert(key, port);
        Ok(())
    }

    /// Removes a static MAC entry.
    ///
    /// # Errors
    /// It does not exist.
    pub fn del_fdb(&mut self, key: &FdbKey) -> Result<(), Refusal> {
        let port = self.fdb.remove(key).ok_or_else(|| Refusal::not_found(Kind::Fdb, key))?;
        self.index.del_entry(key, &port);
        Ok(())
    }

    /// What is said about a namespace.
    ///
    /// # Errors
    /// It does not exist.
    pub fn namespace(&self, path: &NamespacePath) -> Result<&NamespaceSpec, Refusal> {
        let found = if path.is_root() { Some(&*self.root) } else { self.namespaces.get(path) };
        found.ok_or_else(|| Refusal::not_found(Kind::Namespace, path))
    }

    /// What is said about a port.
    ///
    /// # Errors
    /// It does not exist.
    pub fn port(&self, path: &PortPath) -> Result<&PortSpec, Refusal> {
        self.ports.get(path).ok_or_else(|| Refusal::not_found(Kind::Port, path))
    }

    /// The ports of one namespace, by name.
    pub fn ports_of<'a>(
        &'a self,
        namespace: &NamespacePath,
    ) -> impl Iterator<Item = (&'a PortPath, &'a PortSpec)> + use<'a> {
        let home = namespace.clone();
        self.ports_within(namespace).take_while(move |(path, _)| path.namespace == home)
    }

    /// The ports of a namespace and all below it, in tree order.
    pub fn ports_within<'a>(
        &'a self,
        top: &NamespacePath,
    ) -> impl Iterator<Item = (&'a PortPath, &'a PortSpec)> + use<'a> {
        let top = top.clone();
        self.ports.range(PortPath::before(&top)..).take_while(move |(path, _)| path.namespace.is_within(&top))
    }

    /// A namespace and all below it, in tree order; the root itself is not among them.
    pub fn namespaces_within<'a>(
        &'a self,
        top: &NamespacePath,
    ) -> impl Iterator<Item = (&'a NamespacePath, &'a NamespaceSpec)> + use<'a> {
        let top = top.clone();
        self.namespaces.range(top.clone()..).take_while(move |(path, _)| path.is_within(&top))
    }

    /// The static entries that lead to a port.
    pub(crate) fn entries_to(&self, port: &PortPath) -> Vec<FdbKey> {
        self.index.entries_to(port)
    }

    /// What a namespace and all below it have by order. What they have learnt is none of it.
    pub fn usage(&self, path: &NamespacePath) -> Usage {
        self.index.usage().usage(path)
    }

    /// Who keeps a namespace in use, in words.
    pub(crate) fn users(&self, path: &NamespacePath) -> Option<Text> {
        let usage = self.usage(path);
        let mut inside = self.namespaces_within(path).map(|(path, _)| path).filter(|inner| *inner != path);
        let port = self.ports_within(path).next().map(|(port, _)| Text::from("port ").quoted(port));
        let namespace = || inside.next().map(|inner| Text::from("namespace ").quoted(inner));
        let pvd = || self.pvds_within(path).next().map(|(key, _)| Text::from("PvD ").quoted(&key));
        let first = port.or_else(namespace).or_else(pvd)?;
        let counted = [Resource::Ports, Resource::Namespaces, Resource::Pvds];
        let more = counted.map(|resource| usage.get(resource)).iter().sum::<u64>() - 1;
        Some(if more == 0 { first } else { first.and(format!(" and {more} more")) })
    }

    /// Whether everybody on the way from `path` to the root may have so many more.
    fn check_quotas(&self, path: &NamespacePath, resource: Resource, more: u64) -> Result<(), Refusal> {
        path.and_ancestors().try_for_each(|owner| {
            let quotas = &self.namespace(&owner)?.quotas;
            check_quota(&owner, quotas, resource, self.usage(&owner).get(resource) + more)
        })
    }

    /// Whether a namespace has no more than `quotas` allow, with `more_macs` on top.
    fn check_usage(&self, path: &NamespacePath, quotas: &Quotas, more_macs: u64) -> Result<(), Refusal> {
        let usage = self.usage(path);
        for resource in Resource::ALL {
            let more = if resource == Resource::Macs { more_macs } else { 0 };
            let used = usage.get(resource) + more;
            if let Some(most) = quotas.get(resource).filter(|most| *most < used) {
                let expected = format!("at least {used}, which it has already");
                return Err(Refusal::invalid(format!("quotas.{}", resource.as_str()), most.to_string(), expected));
            }
        }
        Ok(())
    }

    fn check_port(&self, path: &PortPath, spec: &PortSpec) -> Result<(), Refusal> {
        self.namespace(&spec.namespace)?;
        spec.check()?;
        let key = FdbKey { namespace: spec.namespace.clone(), mac: spec.mac };
        self.check_mac_free(&key, Some(&path.name))?;
        if let Some(port) = self.fdb.get(&key) {
            let by = Text::from("a static entry of port ").quoted(&PortPath::new(key.namespace, port.clone()));
            return Err(Refusal::in_use(Kind::Mac, key.mac.to_string(), by));
        }
        self.check_claims(path, spec)?;
        spec.far().map_or(Ok(()), |far| self.check_link(path, far))
    }

    fn check_mac_free(&self, key: &FdbKey, owner: Option<&Name>) -> Result<(), Refusal> {
        match self.index.mac_owner(key).filter(|port| Some(*port) != owner) {
            Some(port) => {
                let by = Text::from("port ").quoted(&PortPath::new(key.namespace.clone(), port.clone()));
                Err(Refusal::in_use(Kind::Mac, key.mac.to_string(), by))
            }
            None => Ok(()),
        }
    }
}

fn check_quota(owner: &NamespacePath, quotas: &Quotas, resource: Resource, total: u64) -> Result<(), Refusal> {
    match quotas.get(resource).filter(|limit| total > *limit) {
        Some(limit) => Err(Refusal::Quota { resource, owner: owner.clone(), limit }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
