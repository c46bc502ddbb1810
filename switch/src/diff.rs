// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From one desired state to another: the list of things to do, and the list of things to tell the operator.
//!
//! [`diff`] compares two passive states and touches nothing. Its steps are ordered so that every prefix of them is a
//! valid state: what goes, goes leaf first (entries, ports, namespaces); what comes, comes root first. An object whose
//! change cannot be made in place is taken away and put back, together with everything that hangs on it.

use crate::desired::{Desired, FdbKey};
use crate::name::Name;
use crate::refusal::{Kind, Refusal};
use crate::spec::{NamespaceSpec, PortSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

mod describe;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    DelFdb(FdbKey, Name),
    DelPort(Name),
    DelNamespace(Name),
    AddNamespace(Name, NamespaceSpec),
    SetNamespace(Name, NamespaceSpec),
    AddPort(Name, PortSpec),
    SetPort(Name, PortSpec),
    AddFdb(FdbKey, Name),
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
        self.steps.iter().try_for_each(|step| step.apply_to(state))
    }
}

impl Step {
    pub(crate) fn apply_to(&self, state: &mut Desired) -> Result<(), Refusal> {
        match self.clone() {
            Step::DelFdb(key, _) => state.del_fdb(&key),
            Step::DelPort(name) => state.del_port(&name),
            Step::DelNamespace(name) => state.del_namespace(&name),
            Step::AddNamespace(name, spec) => state.add_namespace(name, spec),
            Step::SetNamespace(name, spec) => state.set_namespace(&name, spec),
            Step::AddPort(name, spec) => state.add_port(name, spec),
            Step::SetPort(name, spec) => state.set_port(&name, spec),
            Step::AddFdb(key, port) => state.add_fdb(key, port),
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
    namespaces: BTreeSet<Name>,
    ports: BTreeSet<Name>,
    fdb: BTreeMap<FdbKey, Name>,
}

impl Leaving {
    fn between(old: &Desired, new: &Desired) -> Leaving {
        // A MAC table keeps its size for life.
        let keeps =
            |name: &Name, spec: &NamespaceSpec| new.namespaces().get(name).is_some_and(|n| n.macs_max == spec.macs_max);
        let namespaces: BTreeSet<Name> =
            old.namespaces().iter().filter(|(n, s)| !keeps(n, s)).map(|(n, _)| n.clone()).collect();
        let stays = |name: &Name, spec: &PortSpec| {
            !namespaces.contains(&spec.namespace) && new.ports().get(name).is_some_and(|n| spec.can_become(n))
        };
        let ports: BTreeSet<Name> = old.ports().iter().filter(|(n, s)| !stays(n, s)).map(|(n, _)| n.clone()).collect();
        let fdb = old.fdb().iter().filter(|(key, port)| ports.contains(*port) || new.fdb().get(*key) != Some(*port));
        let fdb = fdb.map(|(key, port)| (key.clone(), port.clone())).collect();
        Leaving { namespaces, ports, fdb }
    }

    fn steps(&self) -> Vec<Step> {
        let fdb = self.fdb.iter().map(|(key, port)| Step::DelFdb(key.clone(), port.clone()));
        let ports = self.ports.iter().cloned().map(Step::DelPort);
        fdb.chain(ports).chain(self.namespaces.iter().cloned().map(Step::DelNamespace)).collect()
    }
}

fn arriving(old: &Desired, new: &Desired, leaving: &Leaving) -> Vec<Step> {
    let mut steps = Vec::new();
    for (name, spec) in new.namespaces() {
        match old.namespaces().get(name).filter(|_| !leaving.namespaces.contains(name)) {
            None => steps.push(Step::AddNamespace(name.clone(), spec.clone())),
            Some(before) if before != spec => steps.push(Step::SetNamespace(name.clone(), spec.clone())),
            Some(_) => {}
        }
    }
    for (name, spec) in new.ports() {
        match old.ports().get(name).filter(|_| !leaving.ports.contains(name)) {
            None => steps.push(Step::AddPort(name.clone(), spec.clone())),
            Some(before) if before != spec => steps.push(Step::SetPort(name.clone(), spec.clone())),
            Some(_) => {}
        }
    }
    let stays = |key: &FdbKey| old.fdb().contains_key(key) && !leaving.fdb.contains_key(key);
    let fdb = new.fdb().iter().filter(|(key, _)| !stays(key));
    steps.extend(fdb.map(|(key, port)| Step::AddFdb(key.clone(), port.clone())));
    steps
}

#[cfg(test)]
mod tests;
