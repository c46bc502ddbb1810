// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Numbers that an earlier process gave, so that everybody finds his things under the numbers that he knows; and numbers that nobody
//! has come to know.

use crate::control::Control;
use crate::ident::Number;
use crate::path::NamespacePath;
use crate::reference::PortPath;
use crate::stated::PvdKey;
use std::collections::BTreeMap;

/// The numbers of all objects, those of the innermost namespace first. They are wishes: an object whose numbers cannot
/// be had any more gets others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedNumbers {
    /// Of namespaces, from the parent outwards.
    pub namespaces: BTreeMap<NamespacePath, Vec<u32>>,
    /// Of ports, from their namespace outwards.
    pub ports: BTreeMap<PortPath, Vec<u32>>,
    /// Of static PvDs, from their namespace outwards.
    pub pvds: BTreeMap<PvdKey, Vec<u32>>,
    /// Of the namespaces that one knows as peers, by the one that knows them.
    pub peers: BTreeMap<NamespacePath, BTreeMap<NamespacePath, u32>>,
}

impl Control {
    /// The numbers by which a port is known; none, if it is not there.
    pub fn numbers_of(&self, port: &PortPath) -> Vec<Number> {
        self.plant.port(port).map(|record| record.ident.numbers().to_vec()).unwrap_or_default()
    }

    /// Numbers of a port that is gone again before anybody could use it go to the next one.
    pub fn turn_back(&mut self, numbers: &[Number]) {
        self.plant.tree.turn_back(self.plant.numbers, numbers);
    }
}
