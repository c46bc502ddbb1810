// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From a request about a few objects to the steps that it takes, without looking at the others: with ten thousand
//! namespaces there, one more costs what the first one did. The steps may still be refused when they are carried out.

use crate::delegation::Delegation;
use crate::desired::{Desired, FdbKey};
use crate::diff::{Diff, Op, Step, describe};
use crate::name::Name;
use crate::path::NamespacePath;
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::spec::{NamespaceSpec, PortSpec};
use crate::stated::PvdKey;
use crate::text::Text;
use pvd::Statement;

impl Diff {
    pub(crate) fn add_namespace(path: NamespacePath, spec: NamespaceSpec, numbers: Vec<u32>) -> Diff {
        let changes = vec![describe::namespace(Op::Add, &path)];
        Diff { steps: vec![Step::AddNamespace(path, spec, numbers)], changes }
    }

    pub(crate) fn set_namespace(old: &Desired, path: NamespacePath, spec: NamespaceSpec) -> Result<Diff, Refusal> {
        let before = old.namespace(&path)?;
        if *before == spec {
            return Ok(Diff::default());
        }
        let changes = vec![describe::namespace_set(&path, before, &spec, false)];
        Ok(Diff { steps: vec![Step::SetNamespace(path, spec)], changes })
    }

    /// When it is taken from whoever has it, so is what he delegated of it. Other limits than before hold for the ports that
    /// he has as well, or they would be his no more.
    pub(crate) fn delegate(old: &Desired, path: &NamespacePath, to: Option<Delegation>) -> Result<Diff, Refusal> {
        let before = old.namespace(path)?;
        let taken = before.delegation.is_some() && before.delegation != to;
        let below = old.namespaces_within(path).filter(|(inner, spec)| *inner != path && spec.delegation.is_some());
        let below = below.filter(|_| taken).map(|(inner, spec)| (inner, spec, None));
        let (was, is) = (before.delegation.as_ref(), to.as_ref());
        let limits = was.zip(is).map(|(was, is)| (was.limits, is.limits)).filter(|(was, is)| was != is);
        let mut diff = Diff::default();
        if let Some((was, limits)) = limits {
            let his = old.ports_within(path).filter(|(_, spec)| spec.confined.is_some() && spec.limits == was);
            for (port, spec) in his {
                diff.append(Diff::set_port(old, port.clone(), PortSpec { limits, ..spec.clone() })?);
            }
        }
        for (path, spec, delegation) in below.chain([(path, before, to)]) {
            let spec = NamespaceSpec { delegation, ..spec.clone() };
            diff.append(Diff::set_namespace(old, path.clone(), spec)?);
        }
        Ok(diff)
    }

    /// With `recursive` all that is in it goes first, leaves before what they hang on.
    pub(crate) fn del_namespace(old: &Desired, top: &NamespacePath, recursive: bool) -> Result<Diff, Refusal> {
        old.namespace(top)?;
        let users = if top.is_root() { Some(Text::from("all others")) } else { old.users(top).filter(|_| !recursive) };
        if let Some(by) = users {
            return Err(Refusal::in_use(Kind::Namespace, top, by));
        }
        let mut diff = Diff::default();
        // Links first, with their other ends wherever these are.
        for far in old.ports_within(top).filter_map(|(path, _)| old.far_of(path)) {
            if !far.namespace.is_within(top) {
                diff.push_del_port(old, far, old.port(far)?);
            }
        }
        for (key, _) in old.pvds_within(top) {
            diff.append(Diff::del_pvd(old, &key)?);
        }
        for (path, spec) in old.ports_within(top) {
            diff.push_del_port(old, path, spec);
        }
        let doomed: Vec<&NamespacePath> = old.namespaces_within(top).map(|(path, _)| path).collect();
        diff.changes.extend(doomed.iter().map(|path| describe::namespace(Op::Del, path)));
        diff.steps.extend(doomed.into_iter().rev().cloned().map(Step::DelNamespace));
        Ok(diff)
    }

    pub(crate) fn add_port(name: Name, spec: PortSpec, numbers: Vec<u32>) -> Diff {
        let changes = vec![describe::port(Op::Add, &spec.path(name.clone()), &spec)];
        Diff { steps: vec![Step::AddPort(name, spec, numbers)], changes }
    }

    /// What cannot be changed under a running guest must be as it was.
    pub(crate) fn set_port(old: &Desired, path: PortPath, spec: PortSpec) -> Result<Diff, Refusal> {
        let before = old.port(&path)?;
        if *before == spec {
            return Ok(Diff::default());
        }
        let changes = vec![describe::port_set(&path, before, &spec, false)];
        Ok(Diff { steps: vec![Step::SetPort(path, spec)], changes })
    }

    pub(crate) fn del_port(old: &Desired, path: &PortPath) -> Result<Diff, Refusal> {
        let mut diff = Diff::default();
        let spec = old.port(path)?;
        if let Some(far) = spec.far() {
            let by = Text::from("its link with ").quoted(far).and(": `weft link del` takes both away");
            return Err(Refusal::in_use(Kind::Port, path, by));
        }
        diff.push_del_port(old, path, spec);
        Ok(diff)
    }

    /// Two ports that lead to each other.
    pub(crate) fn add_link(ends: [(Name, PortSpec); 2]) -> Diff {
        let changes = ends.iter().map(|(name, spec)| describe::port(Op::Add, &spec.path(name.clone()), spec)).collect();
        Diff { steps: ends.map(|(name, spec)| Step::AddPort(name, spec, Vec::new())).into(), changes }
    }

    pub(crate) fn del_link(old: &Desired, end: &PortPath) -> Result<Diff, Refusal> {
        let mut diff = Diff::default();
        let far = old.port(end)?.far().ok_or_else(|| Refusal::invalid("link", end.to_string(), "an end of a link"))?;
        for path in [end, far] {
            if let Ok(spec) = old.port(path) {
                diff.push_del_port(old, path, spec);
            }
        }
        Ok(diff)
    }

    pub(crate) fn add_fdb(key: FdbKey, port: Name) -> Diff {
        let changes = vec![describe::entry(Op::Add, &key, &port)];
        Diff { steps: vec![Step::AddFdb(key, port)], changes }
    }

    /// `None`: no operator made such an entry.
    pub(crate) fn del_fdb(old: &Desired, key: &FdbKey) -> Option<Diff> {
        let port = old.fdb().get(key)?;
        let changes = vec![describe::entry(Op::Del, key, port)];
        Some(Diff { steps: vec![Step::DelFdb(key.clone(), port.clone())], changes })
    }

    pub(crate) fn add_pvd(key: PvdKey, said: Statement) -> Diff {
        let changes = vec![describe::pvd(Op::Add, &key)];
        Diff { steps: vec![Step::AddPvd(key, said)], changes }
    }

    pub(crate) fn set_pvd(old: &Desired, key: PvdKey, said: Statement) -> Result<Diff, Refusal> {
        let before = old.pvd(&key)?;
        if *before == said {
            return Ok(Diff::default());
        }
        let changes = vec![describe::pvd_set(&key, before, &said)];
        Ok(Diff { steps: vec![Step::SetPvd(key, said)], changes })
    }

    pub(crate) fn del_pvd(old: &Desired, key: &PvdKey) -> Result<Diff, Refusal> {
        old.pvd(key)?;
        let changes = vec![describe::pvd(Op::Del, key)];
        Ok(Diff { steps: vec![Step::DelPvd(key.clone())], changes })
    }

    pub(crate) fn append(&mut self, Diff { steps, changes }: Diff) {
        self.steps.extend(steps);
        self.changes.extend(changes);
    }

    fn push_del_port(&mut self, old: &Desired, path: &PortPath, spec: &PortSpec) {
        for key in old.entries_to(path) {
            self.changes.push(describe::entry(Op::Del, &key, &path.name));
            self.steps.push(Step::DelFdb(key, path.name.clone()));
        }
        self.changes.push(describe::port(Op::Del, path, spec));
        self.steps.push(Step::DelPort(path.clone()));
    }
}
