// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The list that came before: records of a thousand bytes, linked, the newest at the head, compared by their names of 256 bytes
//! until one fits.

use pvd::PvdName;

use crate::bed::name;

/// A record of the list that came before.
pub(crate) struct Node {
    name: [u8; 256],
    /// What else its record had.
    _rest: [u8; 800],
    next: Option<Box<Node>>,
}

pub(crate) struct List(Option<Box<Node>>);

impl List {
    pub(crate) fn new(size: usize) -> List {
        let mut list = List(None);
        (0..size).for_each(|number| list.add(&name(number)));
        list
    }

    fn add(&mut self, name: &PvdName) {
        let mut octets = [0; 256];
        octets[..name.as_wire().len()].copy_from_slice(name.as_wire());
        self.0 = Some(Box::new(Node { name: octets, _rest: [0; 800], next: self.0.take() }));
    }

    pub(crate) fn find(&self, name: &PvdName) -> Option<&Node> {
        let wanted = name.as_wire();
        let mut node = self.0.as_deref();
        while let Some(found) = node {
            if found.name.starts_with(wanted) {
                return Some(found);
            }
            node = found.next.as_deref();
        }
        None
    }
}

impl Drop for List {
    /// One after the other: the list is longer than a stack is deep.
    fn drop(&mut self) {
        let mut node = self.0.take();
        while let Some(mut first) = node {
            node = first.next.take();
        }
    }
}
