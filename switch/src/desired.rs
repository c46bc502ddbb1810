// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The desired state: everything that an operator said, as plain passive data.
//!
//! A `Desired` has no effect until it is applied. It is valid at all times: the only ways to change one are the methods
//! below, and each of them either keeps every rule or refuses and changes nothing. The rules between objects are
//! * a port names a namespace that exists, and a namespace with ports cannot go;
//! * within one namespace no MAC address has two owners, be it a port or a static entry (the same address in two
//!   namespaces is normal: tenants do not know each other);
//! * no two ports share a socket;
//! * a static entry names a port of its own namespace, and goes with it.

use crate::desired::index::Index;
use crate::limits;
use crate::name::Name;
use crate::refusal::{Kind, Refusal};
use crate::spec::{NamespaceSpec, PortSpec, check_mac};
use std::collections::BTreeMap;
use wire::MacAddr;

mod index;

/// The key of a static MAC entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FdbKey {
    /// The namespace whose table it is in.
    pub namespace: Name,
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
    namespaces: BTreeMap<Name, NamespaceSpec>,
    ports: BTreeMap<Name, PortSpec>,
    fdb: BTreeMap<FdbKey, Name>,
    index: Index,
}

impl Desired {
    /// All namespaces by name.
    pub fn namespaces(&self) -> &BTreeMap<Name, NamespaceSpec> {
        &self.namespaces
    }

    /// All ports by name.
    pub fn ports(&self) -> &BTreeMap<Name, PortSpec> {
        &self.ports
    }

    /// All static MAC entries, each with the port that it leads to.
    pub fn fdb(&self) -> &BTreeMap<FdbKey, Name> {
        &self.fdb
    }

    /// Adds a namespace.
    ///
    /// # Errors
    /// It exists, its values are out of bounds, or there are too many.
    pub fn add_namespace(&mut self, name: Name, spec: NamespaceSpec) -> Result<(), Refusal> {
        if self.namespaces.contains_key(&name) {
            return Err(Refusal::exists(Kind::Namespace, name.as_str()));
        }
        if self.namespaces.len() >= limits::NAMESPACES_MAX {
            return Err(Refusal::limit("namespaces", limits::NAMESPACES_MAX));
        }
        spec.check()?;
        self.namespaces.insert(name, spec);
        Ok(())
    }

    /// Replaces what is said about a namespace.
    ///
    /// # Errors
    /// It does not exist, or its values are out of bounds.
    pub fn set_namespace(&mut self, name: &Name, spec: NamespaceSpec) -> Result<(), Refusal> {
        spec.check()?;
        let slot = self.namespaces.get_mut(name);
        *slot.ok_or_else(|| Refusal::not_found(Kind::Namespace, name.as_str()))? = spec;
        Ok(())
    }

    /// Removes a namespace.
    ///
    /// # Errors
    /// It does not exist, or has ports.
    pub fn del_namespace(&mut self, name: &Name) -> Result<(), Refusal> {
        self.namespace(name)?;
        if let Some(by) = self.users(name) {
            return Err(Refusal::in_use(Kind::Namespace, name.as_str(), by));
        }
        self.namespaces.remove(name);
        Ok(())
    }

    /// Adds a port.
    ///
    /// # Errors
    /// It exists, its namespace does not, a value is out of bounds, its address or socket is taken, or there are too many.
    pub fn add_port(&mut self, name: Name, spec: PortSpec) -> Result<(), Refusal> {
        if self.ports.contains_key(&name) {
            return Err(Refusal::exists(Kind::Port, name.as_str()));
        }
        if self.ports.len() >= limits::PORTS_MAX {
            return Err(Refusal::limit("ports", limits::PORTS_MAX));
        }
        if self.index.ports_of(&spec.namespace) >= limits::NAMESPACE_PORTS_MAX {
            let what = format!("ports in namespace {:?}", spec.namespace.as_str());
            return Err(Refusal::limit(what, limits::NAMESPACE_PORTS_MAX));
        }
        self.check_port(&name, &spec)?;
        self.index.add_port(&name, &spec);
        self.ports.insert(name, spec);
        Ok(())
    }

    /// Replaces what is said about a port. Its namespace stays what it is.
    ///
    /// # Errors
    /// It does not exist, the namespace differs, a value is out of bounds, or its address or socket is taken.
    pub fn set_port(&mut self, name: &Name, spec: PortSpec) -> Result<(), Refusal> {
        let before = self.port(name)?.clone();
        if before.namespace != spec.namespace {
            let expected = format!("{}: a port stays in its namespace for its whole life", before.namespace);
            return Err(Refusal::invalid("namespace", spec.namespace.as_str(), expected));
        }
        self.check_port(name, &spec)?;
        self.index.del_port(&before);
        self.index.add_port(name, &spec);
        self.ports.insert(name.clone(), spec);
        Ok(())
    }

    /// Removes a port and the static entries that lead to it.
    ///
    /// # Errors
    /// It does not exist.
    pub fn del_port(&mut self, name: &Name) -> Result<(), Refusal> {
        let spec = self.port(name)?.clone();
        self.ports.remove(name);
        let before = self.fdb.len();
        self.fdb.retain(|_, port| port != name);
        self.index.del_port(&spec);
        self.index.del_entries(&spec.namespace, before - self.fdb.len());
        Ok(())
    }

    /// Adds a static MAC entry.
    ///
    /// # Errors
    /// It exists, the address belongs to a port, the port is unknown or in another namespace, or there are too many.
    pub fn add_fdb(&mut self, key: FdbKey, port: Name) -> Result<(), Refusal> {
        self.namespace(&key.namespace)?;
        check_mac("mac", key.mac)?;
        if self.port(&port)?.namespace != key.namespace {
            let expected = format!("a port of namespace {}", key.namespace);
            return Err(Refusal::invalid("port", port.as_str(), expected));
        }
        if self.fdb.contains_key(&key) {
            return Err(Refusal::exists(Kind::Fdb, key.label()));
        }
        self.check_mac_free(&key, None)?;
        if self.index.entries_of(&key.namespace) >= limits::STATIC_MACS_MAX {
            let what = format!("static MAC entries in namespace {:?}", key.namespace.as_str());
            return Err(Refusal::limit(what, limits::STATIC_MACS_MAX));
        }
        self.index.add_entry(&key.namespace);
        self.fdb.insert(key, port);
        Ok(())
    }

    /// Removes a static MAC entry.
    ///
    /// # Errors
    /// It does not exist.
    pub fn del_fdb(&mut self, key: &FdbKey) -> Result<(), Refusal> {
        self.fdb.remove(key).ok_or_else(|| Refusal::not_found(Kind::Fdb, key.label()))?;
        self.index.del_entries(&key.namespace, 1);
        Ok(())
    }

    /// What is said about a namespace.
    ///
    /// # Errors
    /// It does not exist.
    pub fn namespace(&self, name: &Name) -> Result<&NamespaceSpec, Refusal> {
        self.namespaces.get(name).ok_or_else(|| Refusal::not_found(Kind::Namespace, name.as_str()))
    }

    /// What is said about a port.
    ///
    /// # Errors
    /// It does not exist.
    pub fn port(&self, name: &Name) -> Result<&PortSpec, Refusal> {
        self.ports.get(name).ok_or_else(|| Refusal::not_found(Kind::Port, name.as_str()))
    }

    /// The ports of one namespace, by name.
    pub fn ports_of(&self, namespace: &Name) -> impl Iterator<Item = (&Name, &PortSpec)> {
        self.ports.iter().filter(move |(_, spec)| spec.namespace == *namespace)
    }

    /// Who keeps a namespace in use, in words.
    fn users(&self, namespace: &Name) -> Option<String> {
        let mut ports = self.ports_of(namespace).map(|(port, _)| port.as_str());
        let first = ports.next()?;
        Some(match ports.count() {
            0 => format!("port {first:?}"),
            more => format!("port {first:?} and {more} more"),
        })
    }

    fn check_port(&self, name: &Name, spec: &PortSpec) -> Result<(), Refusal> {
        self.namespace(&spec.namespace)?;
        spec.check()?;
        let key = FdbKey { namespace: spec.namespace.clone(), mac: spec.mac };
        self.check_mac_free(&key, Some(name))?;
        if let Some(port) = self.fdb.get(&key) {
            let by = format!("a static entry of port {:?}", port.as_str());
            return Err(Refusal::in_use(Kind::Mac, key.mac.to_string(), by));
        }
        let path = &spec.vhost_user.path;
        match self.index.socket_owner(path).filter(|other| *other != name) {
            Some(other) => Err(Refusal::in_use(Kind::Socket, path, format!("port {:?}", other.as_str()))),
            None => Ok(()),
        }
    }

    fn check_mac_free(&self, key: &FdbKey, owner: Option<&Name>) -> Result<(), Refusal> {
        match self.index.mac_owner(key).filter(|port| Some(*port) != owner) {
            Some(port) => {
                let by = format!("port {:?} of namespace {:?}", port.as_str(), key.namespace.as_str());
                Err(Refusal::in_use(Kind::Mac, key.mac.to_string(), by))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
