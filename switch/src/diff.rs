// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From one desired state to another: the list of things to do, and the list of things to tell the operator.
//!
//! [`diff`] compares two passive states and touches nothing. Its steps are ordered so that every prefix of them is a
//! valid state: what goes, goes leaf first (entries, PvDs, ports, namespaces); what comes, comes root first. An object whose
//! change cannot be made in place is taken away and put back, together with everything that hangs on it: a namespace with
//! its ports and all that lies in it.

use crate::desired::{Desired, FdbKey};
use crate::name::Name;
use crate::path::NamespacePath;
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::spec::{NamespaceSpec, PortSpec};
use crate::stated::PvdKey;
use pvd::Statement;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub(crate) mod describe;

/// One thing to do. What comes may ask for numbers in the innermost of the namespaces that will see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    DelFdb(FdbKey, Name),
    DelPort(PortPath),
    DelNamespace(NamespacePath),
    AddNamespace(NamespacePath, NamespaceSpec, Vec<u32>),
    SetNamespace(NamespacePath, NamespaceSpec),
    AddPort(Name, PortSpec, Vec<u32>),
    SetPort(PortPath, PortSpec),
    AddFdb(FdbKey, Name),
    DelPvd(PvdKey),
    AddPvd(PvdKey, Statement),
    SetPvd(PvdKey, Statement),
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// It goes.
    Del,
    /// It comes.
    Add,
    /// It changes.
    Set,
}

/// One line for the operator: what happens to which object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happens.
    pub op: Op,
    /// To which kind of object.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What exactly, such as `mtu 1500 -> 9000`; empty when the name says it all.
    pub detail: String,
    /// A guest loses frames or its connection by it.
    pub disrupts: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.op {
            Op::Del => '-',
            Op::Add => '+',
            Op::Set => '~',
        };
        write!(f, "{sign} {} {}", self.kind, self.name)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        f.write_str(if self.disrupts { " (disrupts)" } else { "" })
    }
}

/// The way from one desired state to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    pub(crate) steps: Vec<Step>,
    /// The same for the operator, deletions first.
    pub changes: Vec<Change>,
}

impl Diff {
    /// Nothing would change.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Carries the steps out on plain data.
    ///
    /// # Errors
    /// A step does not fit `state`; it then stands where the steps before it left it.
    pub fn apply_to(&self, state: &mut Desired) -> Result<(), Refusal> {
        self.steps.iter().try_for_each(|step| step.apply_to(state).map(drop))
    }
}

impl Step {
    /// Whether it makes a namespace that has sockets of its own, or one of which that is newly said.
    pub(crate) fn has_sockets(&self) -> bool {
        match self {
            Step::AddNamespace(_, spec, _) | Step::SetNamespace(_, spec) => {
                spec.delegation.is_some() || spec.pvdd.is_some()
            }
            _ => false,
        }
    }

    /// Carries the step out on plain data and returns the step that leads back.
    pub(crate) fn apply_to(&self, state: &mut Desired) -> Result<Step, Refusal> {
        match self.clone() {
            Step::DelFdb(key, port) => state.del_fdb(&key).map(|()| Step::AddFdb(key, port)),
            Step::AddFdb(key, port) => state.add_fdb(key.clone(), port.clone()).map(|()| Step::DelFdb(key, port)),
            Step::DelPort(path) => {
                let before = state.port(&path)?.clone();
                state.del_port(&path).map(|()| Step::AddPort(path.name, before, Vec::new()))
            }
            Step::AddPort(name, spec, _) => {
                let path = spec.path(name.clone());
                state.add_port(name, spec).map(|()| Step::DelPort(path))
            }
            Step::SetPort(path, spec) => {
                let before = state.port(&path)?.clone();
                state.set_port(&path, spec).map(|()| Step::SetPort(path, before))
            }
            Step::DelNamespace(path) => {
                let before = state.namespace(&path)?.clone();
                state.del_namespace(&path).map(|()| Step::AddNamespace(path, before, Vec::new()))
            }
            Step::AddNamespace(path, spec, _) => {
                state.add_namespace(path.clone(), spec).map(|()| Step::DelNamespace(path))
            }
            Step::SetNamespace(path, spec) => {
                let before = state.namespace(&path)?.clone();
                state.set_namespace(&path, spec).map(|()| Step::SetNamespace(path, before))
            }
            Step::DelPvd(key) => {
                let before = state.pvd(&key)?.clone();
                state.del_pvd(&key).map(|()| Step::AddPvd(key, before))
            }
            Step::AddPvd(key, said) => state.add_pvd(key.clone(), said).map(|()| Step::DelPvd(key)),
            Step::SetPvd(key, said) => {
                let before = state.pvd(&key)?.clone();
                state.set_pvd(&key, said).map(|()| Step::SetPvd(key, before))
            }
        }
    }
}

/// What must be done to get from `old` to `new`, in order.
pub fn diff(old: &Desired, new: &Desired) -> Diff {
    let leaving = Leaving::between(old, new);
    let mut steps = leaving.steps();
    steps.extend(arriving(old, new, &leaving));
    Diff { steps, changes: describe::changes(old, new, &leaving) }
}

/// What has to go, be it for good or to come back changed.
pub(super) struct Leaving {
    namespaces: BTreeSet<NamespacePath>,
    ports: BTreeSet<PortPath>,
    fdb: BTreeMap<FdbKey, Name>,
    pvds: BTreeSet<PvdKey>,
}

impl Leaving {
    fn between(old: &Desired, new: &Desired) -> Leaving {
        let mut namespaces = BTreeSet::new();
        for (path, spec) in old.namespaces() {
            // A MAC table keeps its size for life. In tree order, so the parent is decided on already.
            let keeps = new.namespaces().get(path).is_some_and(|n| n.macs_max == spec.macs_max);
            if !keeps || path.parent().is_some_and(|parent| namespaces.contains(&parent)) {
                namespaces.insert(path.clone());
            }
        }
        let stays = |path: &PortPath, spec: &PortSpec| {
            !namespaces.contains(&path.namespace) && new.ports().get(path).is_some_and(|n| spec.can_become(n))
        };
        let ports = old.ports().iter().filter(|(path, spec)| !stays(path, spec));
        let ports: BTreeSet<PortPath> = ports.map(|(path, _)| path.clone()).collect();
        let goes = |key: &FdbKey, port: &Name| ports.contains(&PortPath::new(key.namespace.clone(), port.clone()));
        let fdb = old.fdb().iter().filter(|(key, port)| goes(key, port) || new.fdb().get(*key) != Some(*port));
        let fdb = fdb.map(|(key, port)| (key.clone(), port.clone())).collect();
        let goes = |key: &&PvdKey| namespaces.contains(&key.namespace) || !new.pvds().contains_key(key);
        let pvds = old.pvds().keys().filter(goes).cloned().collect();
        Leaving { namespaces, ports, fdb, pvds }
    }

    fn steps(&self) -> Vec<Step> {
        let fdb = self.fdb.iter().map(|(key, port)| Step::DelFdb(key.clone(), port.clone()));
        let ports = self.ports.iter().cloned().map(Step::DelPort);
        let pvds = self.pvds.iter().cloned().map(Step::DelPvd);
        fdb.chain(pvds).chain(ports).chain(self.namespaces.iter().rev().cloned().map(Step::DelNamespace)).collect()
    }
}

/// Sockets of namespaces that end or change, so that another may take over a socket or a directory.
fn taken_back<'a>(old: &'a Desired, new: &'a Desired, leaving: &'a Leaving) -> impl Iterator<Item = Step> + use<'a> {
    let stays = old.namespaces().iter().filter(|(path, _)| !leaving.namespaces.contains(path));
    let ends = stays.filter(|(path, spec)| {
        let keeps = |now: &NamespaceSpec| now.delegation == spec.delegation && now.pvdd == spec.pvdd;
        let any = spec.delegation.is_some() || spec.pvdd.is_some();
        any && !new.namespaces().get(*path).is_some_and(keeps)
    });
    let none = |spec: &NamespaceSpec| NamespaceSpec { delegation: None, pvdd: None, ..spec.clone() };
    ends.map(move |(path, spec)| Step::SetNamespace(path.clone(), none(spec)))
}

/// VFs that end or become others, so that another port may have what theirs is made of.
fn ceded<'a>(old: &'a Desired, new: &'a Desired, leaving: &'a Leaving) -> impl Iterator<Item = Step> + use<'a> {
    let stays = old.ports().iter().filter(|(path, _)| !leaving.ports.contains(path));
    let ends = stays.filter(|(path, spec)| {
        let lane = |spec: &'a PortSpec| spec.vf.as_ref().map(|vf| &vf.lane);
        let keeps = |now: &'a PortSpec| lane(now) == lane(spec) && now.vmm_socket() == spec.vmm_socket();
        spec.vf.is_some() && !new.ports().get(*path).is_some_and(keeps)
    });
    ends.map(|(path, spec)| Step::SetPort(path.clone(), PortSpec { vf: None, ..spec.clone() }))
}

fn arriving(old: &Desired, new: &Desired, leaving: &Leaving) -> Vec<Step> {
    let mut steps: Vec<Step> = ceded(old, new, leaving).chain(taken_back(old, new, leaving)).collect();
    for (name, spec) in new.namespaces() {
        match old.namespaces().get(name).filter(|_| !leaving.namespaces.contains(name)) {
            None => steps.push(Step::AddNamespace(name.clone(), spec.clone(), Vec::new())),
            Some(before) if before != spec => steps.push(Step::SetNamespace(name.clone(), spec.clone())),
            Some(_) => {}
        }
    }
    for (path, spec) in new.ports() {
        match old.ports().get(path).filter(|_| !leaving.ports.contains(path)) {
            None => steps.push(Step::AddPort(path.name.clone(), spec.clone(), Vec::new())),
            Some(before) if before != spec => steps.push(Step::SetPort(path.clone(), spec.clone())),
            Some(_) => {}
        }
    }
    let stays = |key: &FdbKey| old.fdb().contains_key(key) && !leaving.fdb.contains_key(key);
    let fdb = new.fdb().iter().filter(|(key, _)| !stays(key));
    steps.extend(fdb.map(|(key, port)| Step::AddFdb(key.clone(), port.clone())));
    steps.extend(stated(old, new, leaving));
    steps
}

/// What is said of PvDs. Prefixes that go from one to another are given up first.
fn stated(old: &Desired, new: &Desired, leaving: &Leaving) -> Vec<Step> {
    let stays = |key: &PvdKey| old.pvds().get(key).filter(|_| !leaving.pvds.contains(key));
    let ceding = new.pvds().keys().filter(|key| stays(key).is_some());
    let ceding = ceding.filter_map(|key| Some(Step::SetPvd(key.clone(), old.without_ceded(key, new)?)));
    let saying = new.pvds().iter().filter_map(|(key, said)| match stays(key) {
        None => Some(Step::AddPvd(key.clone(), said.clone())),
        Some(before) => (before != said).then(|| Step::SetPvd(key.clone(), said.clone())),
    });
    ceding.chain(saying).collect()
}

#[cfg(test)]
mod tests;
