// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where advertisements are mediated: told to the frame path, and to the responder, when what was asked for has changed.

use super::{Plant, Undo};
use crate::mediation::Mediation;
use crate::path::NamespacePath;
use crate::port::PortRecord;
use crate::reference::PortPath;
use crate::second_source::SecondSource;
use crate::tree::Namespace;
use std::collections::BTreeSet;

/// What steps have touched.
#[derive(Default)]
pub(super) struct Touched {
    homes: BTreeSet<NamespacePath>,
    /// Ports that came, or what was said of them before.
    ports: Vec<(PortPath, Option<Mediation>)>,
}

impl Touched {
    /// What the steps have touched that these undo.
    pub(super) fn by(journal: &[Undo]) -> Touched {
        let mut touched = Touched::default();
        for undo in journal {
            let home = match undo {
                Undo::RestorePort(record) => &record.spec.namespace,
                Undo::DropNamespace(path) | Undo::SetNamespace(path, _) => path,
                Undo::DropPort(path) => {
                    touched.ports.push((path.clone(), None));
                    &path.namespace
                }
                Undo::SetPort(path, before) => {
                    touched.ports.push((path.clone(), Some(before.mediation.clone())));
                    &path.namespace
                }
                Undo::AddStatic(..) | Undo::RemoveStatic(_) | Undo::RestoreNamespace(_) => continue,
            };
            touched.homes.insert(home.clone());
        }
        touched
    }
}

impl Plant {
    /// Goes by what is said now of what was touched.
    pub(super) fn mediate(&mut self, Touched { homes, ports }: &Touched) {
        ports.iter().for_each(|(path, before)| self.mediate_port(path, before.as_ref()));
        homes.iter().for_each(|home| self.mediate_namespace(home));
    }

    /// A namespace is mediated when it holds back repetitions or denies second sources, or when a port does not see all.
    fn mediate_namespace(&mut self, path: &NamespacePath) {
        let Ok(namespace) = self.tree.find(path) else { return };
        let Some(set) = namespace.get(self.sets) else { return };
        let narrow = |record: &PortRecord| record.spec.mediation.sight.is_narrow();
        let any = set.handles().filter_map(|handle| self.port_at(handle)).any(narrow);
        let spec = namespace.spec();
        // What is denied must not have been delivered already.
        let denies = spec.second_source == SecondSource::Deny;
        set.plane().set_mediated(any || spec.ra_throttle.is_some() || denies);
        let home = namespace.handle();
        // Who sees more now shall not have to wait for it.
        if let Some(mediator) = self.mediator_mut(home) {
            mediator.forget_told();
        }
    }

    /// A port has come, or is another than `before`.
    fn mediate_port(&mut self, path: &PortPath, before: Option<&Mediation>) {
        let Some(record) = self.port(path) else { return };
        let (port, now) = (record.ident.nr_at_home(), record.spec.mediation.clone());
        let Ok(home) = self.tree.find(&path.namespace).map(Namespace::handle) else { return };
        // Also when that is as before: what was forgotten of the port is forgotten with it.
        self.set_sight(home, port, &now.sight);
        // What was learnt from it is of another PvD now.
        if before.is_some_and(|before| before.inject != now.inject) {
            self.unlearn(home, port, &path.name);
        }
    }
}
