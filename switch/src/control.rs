// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The one mutator. A request edits a copy of the desired state, the copy is compared with what is, and the difference
//! is carried out on the plant; so every request is all or nothing, whatever it asks for.

use crate::desired::{Desired, FdbKey};
use crate::diff::{Change, Diff, Op, diff};
use crate::name::Name;
use crate::plant::Plant;
use crate::port::{Notice, PortRecord};
use crate::refusal::{Kind, Refusal};
use crate::spec::{NamespaceSpec, PortSpec};
use dataplane::{Instant, Limit, MacPolicy, Rate, RingFault, Role};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use wire::MacAddr;

/// What may be asked of the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Make a namespace.
    NamespaceAdd(Name, NamespaceSpec),
    /// Remove a namespace without ports.
    NamespaceDel(Name),
    /// Make a port.
    PortAdd(Name, PortSpec),
    /// Remove a port, and only with `force` when a guest is attached to it.
    PortDel {
        /// The port.
        name: Name,
        /// Also when a guest is attached.
        force: bool,
    },
    /// Change what may change under a running guest; what is `None` stays.
    PortSet {
        /// The port.
        name: Name,
        /// Its role.
        role: Option<Role>,
        /// The source addresses it may use.
        macs: Option<MacPolicy>,
        /// Its MTU in bytes.
        mtu: Option<u16>,
        /// Limits, each with its new rate, or `None` to take it away.
        limits: Vec<(Limit, Option<Rate>)>,
    },
    /// Make a static MAC entry that leads to a port.
    FdbAdd(FdbKey, Name),
    /// Remove a static or a learned MAC entry.
    FdbDel(FdbKey),
    /// Forget what was learned, in one namespace or in all.
    FdbFlush(Option<Name>),
    /// Make everything as it is said here.
    Apply(Desired),
}

/// What a request that was carried out answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is done; this has changed.
    Changed(Vec<Change>),
    /// So many learned entries were forgotten.
    Flushed(usize),
}

/// What the caller of [`Control`] has to do next, in order.
pub enum Action {
    /// Close the session of a port.
    CloseEndpoint(Name),
    /// Open a session for a port.
    OpenEndpoint(Box<Opening>),
    /// Tell the guest of a port, when it next attaches, of this MTU.
    SetMtu(Name, u16),
    /// Store what an operator said and what was offered.
    Save,
}

/// What a session of a port needs.
pub struct Opening {
    /// The port's name.
    pub port: Name,
    /// What was asked for.
    pub spec: PortSpec,
    /// Virtio features that a guest of this port was ever offered; they must be offered again.
    pub offered: u64,
    /// The data-plane object of its namespace.
    pub namespace: Arc<dataplane::Namespace>,
    /// The data-plane object of the port.
    pub device: Arc<dataplane::Port>,
}

/// The control half of the switch. See the crate's theory of operation.
pub struct Control {
    pub(crate) desired: Desired,
    pub(crate) plant: Plant,
    offered: BTreeMap<Name, u64>,
    actions: VecDeque<Action>,
}

impl Control {
    /// An empty switch. `seed` should be secret: the MAC tables are hashed with it. `offered` is what an earlier
    /// process offered to the guests of each port, by [`Control::offered`].
    pub fn new(seed: u64, offered: BTreeMap<Name, u64>) -> Control {
        Control { desired: Desired::default(), plant: Plant::new(seed), offered, actions: VecDeque::new() }
    }

    /// What an operator wants, and what therefore exists.
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// Virtio features that the guests of each port were ever offered, to be stored.
    pub fn offered(&self) -> &BTreeMap<Name, u64> {
        &self.offered
    }

    /// Carries out a request. [`Control::poll_action`] must be called afterwards until it has no more.
    ///
    /// # Errors
    /// A refusal; nothing has changed.
    pub fn handle_request(&mut self, request: Request) -> Result<Reply, Refusal> {
        let mut next = self.desired.clone();
        match request {
            Request::NamespaceAdd(name, spec) => next.add_namespace(name, spec)?,
            Request::NamespaceDel(name) => next.del_namespace(&name)?,
            Request::PortAdd(name, spec) => next.add_port(name, spec)?,
            Request::PortDel { name, force } => {
                self.check_deletable(&name, force)?;
                next.del_port(&name)?;
            }
            Request::PortSet { name, role, macs, mtu, limits } => {
                let mut spec = next.port(&name)?.clone();
                spec.role = role.unwrap_or(spec.role);
                spec.macs = macs.unwrap_or(spec.macs);
                spec.mtu = mtu.unwrap_or(spec.mtu);
                limits.into_iter().for_each(|(limit, rate)| spec.limits.set(limit, rate));
                next.set_port(&name, spec)?;
            }
            Request::FdbAdd(key, port) => next.add_fdb(key, port)?,
            Request::FdbDel(key) if next.fdb().contains_key(&key) => next.del_fdb(&key)?,
            Request::FdbDel(key) => return self.forget(&key),
            Request::FdbFlush(namespace) => return self.flush(namespace.as_ref()),
            Request::Apply(desired) => next = desired,
        }
        self.become_desired(next)
    }

    /// Takes note of what a session tells. A port that is gone has no more to tell.
    pub fn handle_notice(&mut self, port: &Name, notice: Notice) {
        if let Some(record) = self.plant.ports.get_mut(port) {
            record.note(notice);
        }
    }

    /// Takes note of the features that a port now offers to its guests. The set never shrinks: a VMM that has seen a
    /// feature refuses to reconnect to a device without it.
    pub fn handle_offered(&mut self, port: &Name, features: u64) {
        if !self.plant.ports.contains_key(port) {
            return;
        }
        let known = self.offered.entry(port.clone()).or_default();
        if *known | features != *known {
            *known |= features;
            self.actions.push_back(Action::Save);
        }
    }

    /// What is due by time: ages learned entries, frees what nobody uses any more. To be called about once a second.
    pub fn handle_tick(&mut self, now: Instant) {
        self.plant.namespaces.values().for_each(|namespace| namespace.table.tick(now));
        self.plant.reap();
    }

    /// The next thing for the caller to do.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What a session of this port needs, to open it once more; `None` when there is no such port.
    pub fn opening(&self, port: &Name) -> Option<Opening> {
        let record = self.plant.ports.get(port)?;
        Some(Opening {
            port: port.clone(),
            spec: record.spec.clone(),
            offered: self.offered.get(port).copied().unwrap_or(0),
            namespace: Arc::clone(&self.plant.namespaces.get(&record.spec.namespace)?.table),
            device: Arc::clone(&record.device),
        })
    }

    /// Ports whose VMM did what no reset of the guest can mend, and what that was: their sessions have to be ended.
    pub fn ports_to_end(&self) -> Vec<(Name, RingFault)> {
        let fault = |record: &PortRecord| record.fault().filter(|fault| fault.ends_session());
        let ports = self.plant.ports.iter();
        ports.filter_map(|(name, record)| fault(record).map(|fault| (name.clone(), fault))).collect()
    }

    /// Whether a guest is attached to the port, or about to be.
    pub fn is_attached(&self, port: &Name) -> bool {
        self.plant.ports.get(port).is_some_and(PortRecord::attached)
    }

    /// Data-plane objects that were replaced and are still held by a session or a worker.
    pub fn retired(&self) -> usize {
        self.plant.retired()
    }

    fn become_desired(&mut self, next: Desired) -> Result<Reply, Refusal> {
        let Diff { steps, changes } = diff(&self.desired, &next);
        self.plant.apply(&steps)?;
        self.desired = next;
        for gone in changes.iter().filter(|change| (change.kind, change.op) == (Kind::Port, Op::Del)) {
            self.offered.retain(|port, _| port.as_str() != gone.name);
        }
        self.push_actions(&changes);
        Ok(Reply::Changed(changes))
    }

    /// Closes come before opens: a port may take over the socket of one that goes.
    fn push_actions(&mut self, changes: &[Change]) {
        let ports = || changes.iter().filter(|change| change.kind == Kind::Port);
        let name = |change: &Change| change.name.parse::<Name>().ok();
        for change in ports().filter(|change| change.op != Op::Add && change.disrupts) {
            self.actions.extend(name(change).map(Action::CloseEndpoint));
        }
        for change in ports().filter(|change| change.op != Op::Del) {
            let Some(opening) = name(change).and_then(|name| self.opening(&name)) else { continue };
            self.actions.push_back(match change.op == Op::Set && !change.disrupts {
                true => Action::SetMtu(opening.port, opening.spec.mtu),
                false => Action::OpenEndpoint(Box::new(opening)),
            });
        }
        if !changes.is_empty() {
            self.actions.push_back(Action::Save);
        }
    }

    /// Whether a port can be deleted, so that its session can be ended before its place in the namespace is given up.
    ///
    /// # Errors
    /// It does not exist, or a guest is attached to it and `force` is not given.
    pub fn check_deletable(&self, name: &Name, force: bool) -> Result<(), Refusal> {
        self.desired.port(name)?;
        match self.plant.ports.get(name) {
            Some(record) if record.attached() && !force => {
                Err(Refusal::in_use(Kind::Port, name.as_str(), "a connected guest"))
            }
            _ => Ok(()),
        }
    }

    /// Removes a learned entry.
    fn forget(&mut self, key: &FdbKey) -> Result<Reply, Refusal> {
        self.desired.namespace(&key.namespace)?;
        let own = self.desired.ports_of(&key.namespace).find(|(_, spec)| spec.mac == key.mac);
        if let Some((port, _)) = own {
            return Err(Refusal::in_use(Kind::Fdb, key.label(), format!("port {:?}, whose own it is", port.as_str())));
        }
        let table = self.plant.namespaces.get(&key.namespace).map(|record| &record.table);
        match table.is_some_and(|table| table.fdb().remove(key.mac)) {
            true => Ok(Reply::Flushed(1)),
            false => Err(Refusal::not_found(Kind::Fdb, key.label())),
        }
    }

    fn flush(&mut self, namespace: Option<&Name>) -> Result<Reply, Refusal> {
        if let Some(name) = namespace {
            self.desired.namespace(name)?;
        }
        let chosen = self.plant.namespaces.iter().filter(|(name, _)| namespace.is_none_or(|only| only == *name));
        Ok(Reply::Flushed(chosen.map(|(_, record)| record.table.fdb().flush()).sum()))
    }
}

/// The key of an entry, for callers that have its parts.
impl From<(Name, MacAddr)> for FdbKey {
    fn from((namespace, mac): (Name, MacAddr)) -> FdbKey {
        FdbKey { namespace, mac }
    }
}

#[cfg(test)]
mod tests;
