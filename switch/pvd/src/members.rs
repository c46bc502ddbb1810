// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which PvDs a namespace has: by handle, by identity, in the order of their places.
//!
//! A version of the membership never changes once it is published, and a reader that holds one finds in it what was there at
//! one moment. Versions share all pages that are the same, so that a change copies a few of them however many PvDs
//! there are.

use crate::PvdName;
use crate::handle::PvdHandle;
use crate::id::{PvdId, PvdIdRef};
use crate::key::{Hasher, Tag};
use crate::paged::Paged;
use crate::pvd::Pvd;
use crate::table::Table;
use std::sync::Arc;

/// Who is in a place.
#[derive(Clone, Debug, Default)]
struct Place {
    /// The same as that of the PvD's handle, so that a handle is judged without a look at the PvD.
    generation: u32,
    pvd: Option<Arc<Pvd>>,
}

/// One version of the membership.
#[derive(Clone, Debug)]
pub struct Members {
    base_seq: u64,
    places: Paged<Place, 32>,
    table: Table,
    hasher: Hasher,
}

/// Where a listing goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// [`Members::base_seq`] when the listing began.
    pub base_seq: u64,
    /// The place to go on from.
    pub index: u32,
}

/// A part of a listing.
#[derive(Clone, Debug)]
pub struct Page {
    /// [`Members::base_seq`] of what the page is from.
    pub base_seq: u64,
    /// PvDs came or went since the listing began: some may be missing in it, none is there twice.
    pub interrupted: bool,
    /// The PvDs, in the order of their places.
    pub pvds: Vec<Arc<Pvd>>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<Cursor>,
}

impl Members {
    /// `seed` is random, so that nobody can foresee which identities meet.
    pub(crate) fn new(seed: u64) -> Members {
        Members { base_seq: 0, places: Paged::default(), table: Table::default(), hasher: Hasher::new(seed) }
    }

    /// Goes up with every PvD that comes or goes.
    pub fn base_seq(&self) -> u64 {
        self.base_seq
    }

    /// How many PvDs there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The PvD of this handle, if it is still registered.
    #[inline]
    pub fn get(&self, handle: PvdHandle) -> Option<&Arc<Pvd>> {
        let place = self.places.get(handle.index() as usize)?;
        place.pvd.as_ref().filter(|_| place.generation == handle.generation())
    }

    /// The PvD in this place now. To find the same one again, take its handle.
    #[inline]
    pub fn at(&self, index: u32) -> Option<&Arc<Pvd>> {
        self.places.get(index as usize)?.pvd.as_ref()
    }

    /// The explicit PvD of this name.
    pub fn by_name(&self, name: &PvdName) -> Option<&Arc<Pvd>> {
        self.table.find(Tag::of_name(name, &self.hasher), |_| true)
    }

    /// How many lines of the table [`Members::by_name`] looks at: what a look-up costs that does not fit into caches.
    pub fn lines_to(&self, name: &PvdName) -> usize {
        self.table.lines_to(Tag::of_name(name, &self.hasher))
    }

    /// The PvD of this identity.
    pub fn by_id(&self, id: &PvdId) -> Option<&Arc<Pvd>> {
        self.table.find(self.tag(id.borrowed()), |_| true)
    }

    /// The PvD of this identity, compared with it whole: for those who write, whom no tag may mislead.
    pub(crate) fn find_whole(&self, id: PvdIdRef<'_>) -> Option<&Arc<Pvd>> {
        self.table.find(self.tag(id), |pvd| *pvd.id() == id)
    }

    #[inline]
    fn tag(&self, id: PvdIdRef<'_>) -> Tag {
        Tag::of(id, &self.hasher)
    }

    /// All of them, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Pvd>> {
        self.from(0)
    }

    /// At most `size` of them, and at least one of those that are left. A listing begins without a cursor.
    pub fn page(&self, from: Option<Cursor>, size: usize) -> Page {
        let from = from.unwrap_or(Cursor { base_seq: self.base_seq, index: 0 });
        let mut rest = self.from(from.index as usize);
        let pvds: Vec<_> = rest.by_ref().take(size.max(1)).cloned().collect();
        let next = rest.next().map(|pvd| Cursor { index: pvd.handle().index(), ..from });
        Page { base_seq: self.base_seq, interrupted: self.base_seq != from.base_seq, pvds, next }
    }

    fn from(&self, index: usize) -> impl Iterator<Item = &Arc<Pvd>> {
        self.places.from(index).filter_map(|place| place.pvd.as_ref())
    }

    pub(crate) fn insert(&mut self, pvd: &Arc<Pvd>) {
        self.base_seq += 1;
        let handle = pvd.handle();
        *self.places.get_mut(handle.index() as usize) =
            Place { generation: handle.generation(), pvd: Some(Arc::clone(pvd)) };
        self.table.insert(self.tag(pvd.id().borrowed()), Arc::clone(pvd));
    }

    pub(crate) fn remove(&mut self, pvd: &Pvd) {
        self.base_seq += 1;
        *self.places.get_mut(pvd.handle().index() as usize) = Place::default();
        self.table.remove(self.tag(pvd.id().borrowed()), pvd);
    }
}
