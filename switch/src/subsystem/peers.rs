// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subsystem of peers: the numbers by which a namespace knows those that it was linked with.
//!
//! They are the namespace's own, 1 for the first one, and tell nothing else about a peer: so a tenant can tell the two
//! ways out of his namespace apart without a name that is not his to know. A number is given when two namespaces are first
//! linked, and stays with the peer while that lives, whatever becomes of the link. Both give one to each other, so who
//! dies finds in its own book everybody who knows it. The kernel has the same for net namespaces (`peernet2id_alloc`).

use super::Subsystem;
use crate::arena::Handle;
use crate::ident::Numbers;
use crate::refusal::Refusal;
use crate::tree::Namespace;
use std::collections::BTreeMap;

/// Gives every namespace its book of peers.
pub(crate) struct Peers;

impl Subsystem for Peers {
    type Instance = PeerBook;

    fn name(&self) -> &'static str {
        "peers"
    }

    fn init(&mut self, _: &Namespace) -> Result<PeerBook, Refusal> {
        Ok(PeerBook::default())
    }
}

/// The peers of one namespace.
#[derive(Default)]
pub(crate) struct PeerBook {
    numbers: Numbers<Namespace>,
    by_peer: BTreeMap<Handle<Namespace>, u32>,
}

impl PeerBook {
    /// Gives a peer a number, unless it has one: the wanted one if it is free.
    pub(crate) fn meet(&mut self, peer: Handle<Namespace>, wanted: Option<u32>) {
        if self.by_peer.contains_key(&peer) {
            return;
        }
        let wanted = wanted.and_then(|nr| self.numbers.reserve(Some(nr)).ok());
        // There are far more numbers than namespaces can live.
        let Some(nr) = wanted.or_else(|| self.numbers.reserve(None).ok()) else { return };
        self.numbers.publish(nr, peer);
        self.by_peer.insert(peer, nr);
    }

    /// The peer is no more.
    pub(crate) fn forget(&mut self, peer: Handle<Namespace>) {
        if let Some(nr) = self.by_peer.remove(&peer) {
            self.numbers.release(nr);
        }
    }

    /// The number of a peer, if the two were ever linked.
    pub(crate) fn number(&self, peer: Handle<Namespace>) -> Option<u32> {
        self.by_peer.get(&peer).copied()
    }

    /// All peers with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Handle<Namespace>, u32)> {
        self.by_peer.iter().map(|(peer, nr)| (*peer, *nr))
    }
}
