// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The namespaces that a port lies in: their numbers go along, and where the port lands those that are missing can be made. How they
//! are configured is another matter (`settings.rs`).
//!
//! A tenant who knows the namespaces below his by their numbers finds them under the same at the destination. That can only be so
//! where they are made for the port, and it is refused where another has such a number. One that is there already keeps its own:
//! whoever looks at it there knows it by that, and no number changes while a thing lives. The same holds for static PvDs that the
//! port brings, but that one whose number is taken gets another: a tenant may ask for it by its name.

use super::Move;
use crate::control::Control;
use crate::diff::Diff;
use crate::path::NamespacePath;
use crate::refusal::Refusal;
use crate::stated::PvdKey;
use crate::tree::Namespace;
use pvd::{PvdName, Statement};
use std::collections::BTreeMap;

/// Numbers as users know them. Those of the root, which are the host's operator's own, are not among them unless the port is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumbersLeft {
    /// The port's, that in its own namespace first.
    pub port: Vec<u32>,
    /// Of each namespace that the port lies in, its own first, those in the namespaces that this one lies in, its parent first. Of
    /// one that lies in the root there are none, nor of those of which nothing is known.
    pub namespaces: Vec<Vec<u32>>,
    /// Of static PvDs, each as the port's.
    pub pvds: BTreeMap<PvdName, Vec<u32>>,
}

/// What becomes of namespaces that a port needs and that are not where it lands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// The port is refused.
    #[default]
    Refused,
    /// They are made, with the numbers that they had and configured as they were.
    Made,
}

impl Control {
    /// The numbers of a port's namespaces.
    pub(super) fn homes_left(&self, home: &NamespacePath) -> Vec<Vec<u32>> {
        let ways = home.and_ancestors().filter(|path| path.depth() > 1);
        let numbers = |path: NamespacePath| {
            let mut numbers = self.plant.tree.find(&path).map(Namespace::numbers).unwrap_or_default();
            // The root's are those of this host.
            numbers.pop();
            numbers
        };
        ways.map(numbers).collect()
    }

    /// The numbers of these static PvDs of a namespace.
    pub(super) fn pvd_numbers_left(
        &self,
        home: &NamespacePath,
        left: &[(PvdName, Statement)],
    ) -> BTreeMap<PvdName, Vec<u32>> {
        let mut all = self.plant.save_pvds();
        let numbers = left.iter().filter_map(|(name, _)| {
            let mut numbers = all.remove(&PvdKey { namespace: home.clone(), name: name.clone() })?;
            if !home.is_root() {
                numbers.pop();
            }
            Some((name.clone(), numbers))
        });
        numbers.collect()
    }

    /// Static PvDs that are about to come have the numbers that they had, if they can be had.
    pub(super) fn lay_numbers_ready(&mut self, moved: &Move) {
        let numbers = moved.numbers.pvds.iter().map(|(name, numbers)| (pvd_key(moved, name), numbers.clone()));
        self.plant.saved.pvds.extend(numbers);
    }

    /// Those that have not come by now do not.
    pub(super) fn forget_numbers(&mut self, moved: &Move) {
        moved.numbers.pvds.keys().for_each(|name| drop(self.plant.saved.pvds.remove(&pvd_key(moved, name))));
    }

    /// That there are as many numbers as namespaces which see them.
    pub(super) fn check_numbers(&self, moved: &Move) -> Result<(), Refusal> {
        let (NumbersLeft { port, namespaces, pvds }, depth) = (&moved.numbers, moved.port.namespace.depth());
        if port.is_empty() || port.len() > depth.max(1) {
            let expected = "a number for each namespace that sees the port, the root aside";
            return Err(Refusal::invalid("numbers", format!("{} of them", port.len()), expected));
        }
        if let Some(numbers) = pvds.values().find(|numbers| numbers.len() > depth.max(1)) {
            let expected = "a number for each namespace that sees a static PvD, the root aside";
            return Err(Refusal::invalid("numbers", format!("{} of them", numbers.len()), expected));
        }
        let fits = |(above, numbers): (usize, &Vec<u32>)| numbers.len() < depth.saturating_sub(above).max(1);
        if namespaces.len() <= depth && namespaces.iter().enumerate().all(fits) {
            return Ok(());
        }
        let expected = "a number for each namespace that sees one of the port's, the root aside";
        Err(Refusal::invalid("namespaces", format!("{namespaces:?}"), expected))
    }

    /// The steps that make the port's namespaces which are not here, the outermost first.
    pub(super) fn homes_lacking(&self, moved: &Move) -> Diff {
        let ways: Vec<NamespacePath> = moved.port.namespace.and_ancestors().collect();
        let mut diff = Diff::default();
        for (above, path) in ways.into_iter().enumerate().rev() {
            if self.desired.namespace(&path).is_err() {
                let numbers = moved.numbers.namespaces.get(above).cloned().unwrap_or_default();
                let spec = moved.homes.get(above).cloned().unwrap_or_default();
                diff.append(Diff::add_namespace(path, spec, numbers));
            }
        }
        diff
    }
}

fn pvd_key(moved: &Move, name: &PvdName) -> PvdKey {
    PvdKey { namespace: moved.port.namespace.clone(), name: name.clone() }
}
