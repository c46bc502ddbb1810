// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The difference that an operator made with `weft`, as whole objects, so that it can be laid over another file.

use std::collections::BTreeMap;
use switch::{Desired, FdbKey, Name, NamespacePath, NamespaceSpec, PortPath, PortSpec, PvdKey, Refusal, Statement};

/// Objects that differ from the base. `None` stands for one that the base has and that was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Namespaces that were added, changed or deleted.
    pub namespaces: BTreeMap<NamespacePath, Option<NamespaceSpec>>,
    /// Ports that were added, changed or deleted.
    pub ports: BTreeMap<PortPath, Option<PortSpec>>,
    /// Static MAC entries that were added, changed or deleted.
    pub fdb: BTreeMap<FdbKey, Option<Name>>,
    /// Static PvDs that were added, changed or deleted.
    pub pvds: BTreeMap<PvdKey, Option<Statement>>,
}

impl Overlay {
    /// What leads from `base` to `running`.
    pub fn between(base: &Desired, running: &Desired) -> Overlay {
        Overlay {
            namespaces: differing(base.namespaces(), running.namespaces()),
            ports: differing(base.ports(), running.ports()),
            fdb: differing(base.fdb(), running.fdb()),
            pvds: differing(base.pvds(), running.pvds()),
        }
    }

    /// Lays it over `base`. What does not fit is left out, objects of the base last; the second value names it.
    pub fn over(&self, base: &Desired) -> (Desired, Vec<String>) {
        let mut whole = Whole::default();
        let mut namespaces: Vec<_> = merged(base.namespaces(), &self.namespaces).collect();
        // What a namespace lies in must come before it, whichever of the two says so.
        namespaces.sort_by_key(|(_, path, _)| *path);
        for (from_base, path, spec) in namespaces {
            let result = whole.state.add_namespace(path.clone(), spec.clone());
            whole.note(from_base, &format!("namespace {path}"), result);
        }
        for (from_base, path, spec) in merged(base.ports(), &self.ports) {
            let result = whole.state.add_port(path.name.clone(), spec.clone());
            whole.note(from_base, &format!("port {path}"), result);
        }
        for (from_base, key, port) in merged(base.fdb(), &self.fdb) {
            let result = whole.state.add_fdb(key.clone(), port.clone());
            whole.note(from_base, &format!("fdb entry {}", key.label()), result);
        }
        for (from_base, key, said) in merged(base.pvds(), &self.pvds) {
            let result = whole.state.add_pvd(key.clone(), said.clone());
            whole.note(from_base, &format!("PvD {}", key.label()), result);
        }
        (whole.state, whole.left_out)
    }
}

#[derive(Default)]
struct Whole {
    state: Desired,
    left_out: Vec<String>,
}

impl Whole {
    fn note(&mut self, from_base: bool, what: &str, result: Result<(), Refusal>) {
        if let Err(why) = result {
            let origin = if from_base { "of the configuration file" } else { "made with weft" };
            self.left_out.push(format!("{what} {origin} is left out: {why}"));
        }
    }
}

fn differing<K: Ord + Clone, V: PartialEq + Clone>(
    base: &BTreeMap<K, V>,
    running: &BTreeMap<K, V>,
) -> BTreeMap<K, Option<V>> {
    let gone = base.keys().filter(|key| !running.contains_key(key)).map(|key| (key.clone(), None));
    let new = running.iter().filter(|(key, value)| base.get(key) != Some(value));
    gone.chain(new.map(|(key, value)| (key.clone(), Some(value.clone())))).collect()
}

/// What the base has and the overlay does not touch, then what the overlay has; the first value says which.
fn merged<'a, K: Ord, V>(
    base: &'a BTreeMap<K, V>,
    over: &'a BTreeMap<K, Option<V>>,
) -> impl Iterator<Item = (bool, &'a K, &'a V)> {
    let untouched = base.iter().filter(|(key, _)| !over.contains_key(key)).map(|(key, value)| (true, key, value));
    let changed = over.iter().filter_map(|(key, value)| value.as_ref().map(|value| (false, key, value)));
    untouched.chain(changed)
}
