// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Namespaces and static PvDs that were made here for ports which come, and for nothing else yet: a move that is cancelled takes them
//! along again.
//!
//! They are an operator's, like all others, from the moment at which anybody uses them: a guest that came, a port that he adds or
//! changes among them, a word of his about one of them, his configuration. They are stored, so that a move can be cancelled after a
//! restart as well.

use crate::control::Control;
use crate::desired::Desired;
use crate::diff::{Change, Diff, Op, Step};
use crate::handover::{Handover, Passage};
use crate::path::NamespacePath;
use crate::reference::PortPath;
use crate::refusal::Kind;
use crate::stated::PvdKey;
use std::collections::BTreeSet;

/// Namespaces and static PvDs that go when the ports do not stay for which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Each with no more in it than what came with the ports.
    pub namespaces: BTreeSet<NamespacePath>,
    /// Of these namespaces and of others.
    pub pvds: BTreeSet<PvdKey>,
}

impl Made {
    /// What a port brings.
    pub(super) fn by(diff: &Diff) -> Made {
        let mut made = Made::default();
        for step in &diff.steps {
            match step {
                Step::AddNamespace(path, ..) => made.namespaces.extend([path.clone()]),
                Step::AddPvd(key, _) => made.pvds.extend([key.clone()]),
                _ => {}
            }
        }
        made
    }

    pub(super) fn extend(&mut self, more: Made) {
        self.namespaces.extend(more.namespaces);
        self.pvds.extend(more.pvds);
    }

    fn retain(&mut self, namespace: impl Fn(&NamespacePath) -> bool, pvd: impl Fn(&PvdKey) -> bool) {
        self.namespaces.retain(namespace);
        self.pvds.retain(pvd);
    }

    /// Somebody has a port in this namespace.
    pub(super) fn used(&mut self, home: &NamespacePath) {
        let ways: Vec<_> = home.and_ancestors().collect();
        self.namespaces.retain(|path| !ways.contains(path));
        self.pvds.retain(|key| key.namespace != *home);
    }

    /// An operator has said something else.
    pub(super) fn note(&mut self, change: &Change) {
        match change.kind {
            Kind::Namespace if change.op != Op::Add => self.namespaces.retain(|path| path.to_string() != change.name),
            Kind::Pvd => self.pvds.retain(|key| key.label() != change.name),
            Kind::Port if change.op != Op::Del => {
                let port = change.name.parse::<PortPath>();
                port.into_iter().for_each(|port| self.used(&port.namespace));
            }
            _ => {}
        }
    }

    /// `desired` without what was made for ports of `home` and does not hold anything else.
    fn out_of(&self, desired: &Desired, home: &NamespacePath) -> Desired {
        let mut rest = desired.clone();
        // One that is gone already need not go.
        self.pvds.iter().filter(|key| key.namespace == *home).for_each(|key| drop(rest.del_pvd(key)));
        let ways = home.and_ancestors().take_while(|path| self.namespaces.contains(path));
        // One in which there is something else refuses, and so do those around it.
        ways.for_each(|path| drop(rest.del_namespace(&path)));
        rest
    }
}

impl Control {
    /// What was made for ports that are to come and for nothing else, to be stored.
    pub fn made(&self) -> &Made {
        &self.awaited.made
    }

    /// Goes on with what an earlier process has remembered of that, by [`Control::made`], now that all is as it was there. What has a
    /// port by now is not among it any more.
    pub fn restore_made(&mut self, saved: Made) {
        let mut made = saved;
        made.retain(|path| self.desired.namespace(path).is_ok(), |key| self.desired.pvd(key).is_ok());
        let is_staged = |path: &PortPath| self.moves.get(path).and_then(Passage::stands) == Some(Handover::Staged);
        let settled = self.desired.ports().keys().filter(|path| !is_staged(path));
        settled.for_each(|path| made.used(&path.namespace));
        self.awaited.made = made;
    }

    /// What stands in the configuration is an operator's.
    pub fn made_by_operator(&mut self, base: &Desired) {
        self.awaited.made.retain(|path| base.namespace(path).is_err(), |key| base.pvd(key).is_err());
    }

    /// What is wanted without that which was made for the port of a move, and which nobody needs now that its guest stays where it is.
    /// `None`: there is no such thing.
    pub fn without_made(&self, port: &PortPath) -> Option<Desired> {
        let home = &port.namespace;
        let is_staged = |passage: &Passage| passage.stands() == Some(Handover::Staged);
        if self.moves.iter().any(|(path, passage)| path.namespace == *home && is_staged(passage)) {
            return None;
        }
        let rest = self.awaited.made.out_of(&self.desired, home);
        (rest != self.desired).then_some(rest)
    }
}
