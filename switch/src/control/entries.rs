// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Entries of MAC tables that were learned, and are to be forgotten.

use super::{Control, Reply};
use crate::desired::FdbKey;
use crate::path::NamespacePath;
use crate::refusal::{Kind, Refusal};
use crate::text::Text;
use dataplane::MacTable;
use wire::MacAddr;

impl Control {
    /// Removes a learned entry.
    pub(super) fn forget(&mut self, key: &FdbKey) -> Result<Reply, Refusal> {
        self.desired.namespace(&key.namespace)?;
        let own = self.desired.ports_of(&key.namespace).find(|(_, spec)| spec.mac == key.mac);
        if let Some((port, _)) = own {
            return Err(Refusal::in_use(Kind::Fdb, key, Text::from("port ").quoted(port).and(", whose own it is")));
        }
        let table = self.plant.set_of(&key.namespace)?.plane().fdb_if_made();
        match table.is_some_and(|table| table.remove(key.mac)) {
            true => Ok(Reply::Flushed(1)),
            false => Err(Refusal::not_found(Kind::Fdb, key)),
        }
    }

    /// Forgets what was learned, in one namespace or in all.
    pub(super) fn flush(&mut self, only: Option<&NamespacePath>) -> Result<Reply, Refusal> {
        let chosen = only.map(|path| self.plant.tree.find(path)).transpose()?;
        let all = chosen.is_none().then(|| self.plant.tree.subtree(&NamespacePath::root()));
        let tables = chosen.into_iter().chain(all.into_iter().flatten());
        let tables = tables.filter_map(|namespace| namespace.get(self.plant.macs)?.made());
        Ok(Reply::Flushed(tables.map(MacTable::flush).sum()))
    }
}

/// The key of an entry, for callers that have its parts.
impl From<(NamespacePath, MacAddr)> for FdbKey {
    fn from((namespace, mac): (NamespacePath, MacAddr)) -> FdbKey {
        FdbKey { namespace, mac }
    }
}
