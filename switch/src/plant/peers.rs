// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which namespaces know each other by number. Only what is done for good changes that: a request that is refused has
//! introduced nobody.

use super::Plant;
use crate::path::NamespacePath;
use crate::port::PortRecord;
use crate::reference::PortPath;
use crate::subsystem::peers::PeerBook;
use crate::tree::Namespace;
use std::collections::BTreeMap;

impl Plant {
    /// The number by which the namespace of an end of a link knows that of the other end; `None`: that is not there.
    pub(crate) fn peer_of(&self, near: &PortRecord) -> Option<u32> {
        let far = near.spec.far().filter(|far| self.port(far).is_some())?;
        let (here, there) = (self.tree.find(&near.spec.namespace).ok()?, self.tree.find(&far.namespace).ok()?);
        here.get(self.peers)?.number(there.handle())
    }

    /// A port has come: if it is an end of a link, the two namespaces know each other from now on.
    pub(super) fn introduce_ends(&mut self, near: &PortPath) {
        let far = self.port(near).and_then(|record| record.spec.far()).filter(|far| self.port(far).is_some());
        if let Some(far) = far.map(|far| far.namespace.clone()) {
            self.introduce(&near.namespace, &far);
        }
    }

    /// A namespace has come: it knows those again that it knew in an earlier process.
    pub(super) fn restore_peers(&mut self, path: &NamespacePath) {
        let before: Vec<_> = self.saved.peers.get(path).into_iter().flat_map(BTreeMap::keys).cloned().collect();
        before.iter().for_each(|there| self.introduce(path, there));
        self.saved.peers.remove(path);
    }

    /// A namespace has gone: nobody knows it any more.
    pub(super) fn forget_peer(&mut self, gone: &Namespace) {
        self.saved.peers.remove(gone.path());
        for (peer, _) in gone.get(self.peers).into_iter().flat_map(PeerBook::iter) {
            if let Some(book) = self.tree.get_mut(peer).and_then(|peer| peer.get_mut(self.peers)) {
                book.forget(gone.handle());
            }
        }
    }

    /// The numbers of all peers, to be asked for again after a restart.
    pub(super) fn save_peers(&self) -> BTreeMap<NamespacePath, BTreeMap<NamespacePath, u32>> {
        let known = |book: &PeerBook| -> BTreeMap<_, _> {
            book.iter().filter_map(|(peer, nr)| Some((self.tree.get(peer)?.path().clone(), nr))).collect()
        };
        let all = self.tree.subtree(&NamespacePath::root());
        let all = all.filter_map(|namespace| Some((namespace.path().clone(), known(namespace.get(self.peers)?))));
        all.filter(|(_, peers)| !peers.is_empty()).collect()
    }

    fn introduce(&mut self, one: &NamespacePath, other: &NamespacePath) {
        for (here, there) in [(one, other), (other, one)] {
            let wanted = self.saved.peers.get(here).and_then(|peers| peers.get(there)).copied();
            let handle = |path: &NamespacePath| self.tree.find(path).ok().map(Namespace::handle);
            let (Some(here), Some(there)) = (handle(here), handle(there)) else { return };
            if let Some(book) = self.tree.get_mut(here).and_then(|namespace| namespace.get_mut(self.peers)) {
                book.meet(there, wanted);
            }
        }
    }
}
