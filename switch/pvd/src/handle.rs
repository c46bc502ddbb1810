// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Handles of PvDs, and the places that they name.

use std::fmt;

/// Names one PvD of one namespace for as long as it is registered, and nothing afterwards. The index is small and is
/// used again; with it goes a generation that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PvdHandle {
    index: u32,
    generation: u32,
}

impl PvdHandle {
    /// A handle out of its parts, as somebody outside sends them back. It need not name anything.
    pub const fn new(index: u32, generation: u32) -> PvdHandle {
        PvdHandle { index, generation }
    }

    /// The place; below the number of PvDs that were ever registered at the same time. The caller may keep tables by it.
    pub const fn index(self) -> u32 {
        self.index
    }

    /// How many PvDs had this place before.
    pub const fn generation(self) -> u32 {
        self.generation
    }
}

/// `index.generation`.
impl fmt::Display for PvdHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

/// Gives handles out and takes them back.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// The generation that the next user of each place gets.
    generations: Vec<u32>,
    free: Vec<u32>,
}

impl Places {
    pub(crate) fn take(&mut self) -> PvdHandle {
        let index = self.free.pop().unwrap_or_else(|| {
            self.generations.push(0);
            // The limits keep the number of PvDs far below this.
            (self.generations.len() - 1) as u32
        });
        PvdHandle { index, generation: self.generations[index as usize] }
    }

    /// A place whose generations have run out is never used again.
    pub(crate) fn give_back(&mut self, handle: PvdHandle) {
        let generation = &mut self.generations[handle.index as usize];
        if let Some(next) = generation.checked_add(1) {
            *generation = next;
            self.free.push(handle.index);
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_place_that_is_used_again_has_another_handle() {
        let mut places = Places::default();
        let old = places.take();
        places.give_back(old);
        let new = places.take();
        assert_eq!((old.index(), new.index()), (0, 0));
        assert_ne!(old, new);
        assert_eq!((places.take().index(), new.to_string()), (1, "0.1".to_owned()));
    }

    #[test]
    fn test_a_place_without_generations_left_is_retired() {
        let mut places = Places::default();
        places.take();
        places.generations[0] = u32::MAX;
        places.give_back(PvdHandle::new(0, u32::MAX));
        assert_eq!(places.take().index(), 1);
    }
}
