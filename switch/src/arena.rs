// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Places for objects that are named by handles. A handle carries the generation of its place, which goes up when the
//! object goes; so a handle that outlives its object names nothing, and never the object that comes after it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// Names one object of an [`Arena`] for as long as it lives, and nothing afterwards.
pub struct Handle<T> {
    index: u32,
    generation: u32,
    of: PhantomData<fn() -> T>,
}

struct Place<T> {
    generation: u32,
    object: Option<T>,
}

/// Objects by handle.
pub struct Arena<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Default for Arena<T> {
    fn default() -> Arena<T> {
        Arena { places: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl<T> Arena<T> {
    /// A place for an object that is still to be made, so that it can know its own handle. [`Arena::put`] fills it.
    pub fn reserve(&mut self) -> Handle<T> {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, object: None });
            // Limits of control keep the number of objects far below this.
            (self.places.len() - 1) as u32
        });
        Handle { index, generation: self.places[index as usize].generation, of: PhantomData }
    }

    /// Puts an object into a place that was reserved for it, or that it was taken from. A stale handle drops it.
    pub fn put(&mut self, handle: Handle<T>, object: T) {
        if let Some(place) = self.place(handle) {
            let before = place.object.replace(object);
            self.len += usize::from(before.is_none());
        }
    }

    /// Takes an object out. Its place stays its own until [`Arena::free`].
    pub fn take(&mut self, handle: Handle<T>) -> Option<T> {
        let object = self.place(handle)?.object.take()?;
        self.len -= 1;
        Some(object)
    }

    /// Gives a place up. From now on the handle names nothing, whatever comes into the place.
    pub fn free(&mut self, handle: Handle<T>) -> Option<T> {
        let object = self.take(handle);
        if let Some(place) = self.place(handle) {
            // A place whose generations have run out is never used again.
            if let Some(next) = place.generation.checked_add(1) {
                place.generation = next;
                self.free.push(handle.index);
            }
        }
        object
    }

    /// The object, if it lives.
    pub fn get(&self, handle: Handle<T>) -> Option<&T> {
        let place = self.places.get(handle.index as usize)?;
        place.object.as_ref().filter(|_| place.generation == handle.generation)
    }

    /// The object, if it lives.
    pub fn get_mut(&mut self, handle: Handle<T>) -> Option<&mut T> {
        self.place(handle)?.object.as_mut()
    }

    /// All objects, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|place| place.object.as_ref())
    }

    /// All objects, in no particular order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().filter_map(|place| place.object.as_mut())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn place(&mut self, handle: Handle<T>) -> Option<&mut Place<T>> {
        self.places.get_mut(handle.index as usize).filter(|place| place.generation == handle.generation)
    }
}

impl<T> Handle<T> {
    /// The same as a number, for those who must not know what it names.
    pub fn to_bits(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    /// What [`Handle::to_bits`] made a number of. A number from elsewhere names nothing, or something else.
    pub fn from_bits(bits: u64) -> Handle<T> {
        Handle { index: bits as u32, generation: (bits >> 32) as u32, of: PhantomData }
    }

    fn parts(self) -> (u32, u32) {
        (self.index, self.generation)
    }
}

// By hand, because a derive would ask the same of `T`.
impl<T> Clone for Handle<T> {
    fn clone(&self) -> Handle<T> {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> PartialEq for Handle<T> {
    fn eq(&self, other: &Handle<T>) -> bool {
        self.parts() == other.parts()
    }
}

impl<T> Eq for Handle<T> {}

impl<T> PartialOrd for Handle<T> {
    fn partial_cmp(&self, other: &Handle<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Handle<T> {
    fn cmp(&self, other: &Handle<T>) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl<T> Hash for Handle<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn insert(arena: &mut Arena<&'static str>, object: &'static str) -> Handle<&'static str> {
        let handle = arena.reserve();
        arena.put(handle, object);
        handle
    }

    #[test]
    fn test_a_stale_handle_names_nothing_though_its_place_is_used_again() {
        let mut arena = Arena::default();
        let old = insert(&mut arena, "old");
        assert_eq!(arena.free(old), Some("old"));
        let new = insert(&mut arena, "new");
        assert_eq!((old.index, arena.len()), (new.index, 1));
        assert!(arena.get(old).is_none() && arena.get_mut(old).is_none());
        assert!(arena.take(old).is_none() && arena.free(old).is_none());
        arena.put(old, "ghost");
        assert_eq!((arena.get(new), arena.len()), (Some(&"new"), 1));
    }

    #[test]
    fn test_what_is_taken_out_keeps_its_place() {
        let mut arena = Arena::default();
        let one = insert(&mut arena, "one");
        assert_eq!((arena.take(one), arena.get(one), arena.is_empty()), (Some("one"), None, true));
        let two = insert(&mut arena, "two");
        arena.put(one, "one");
        assert_eq!((arena.get(one), arena.get(two), arena.len()), (Some(&"one"), Some(&"two"), 2));
    }

    #[test]
    fn test_a_place_without_generations_left_is_retired() {
        let mut arena = Arena::default();
        let last = insert(&mut arena, "last");
        arena.places[0].generation = u32::MAX;
        let last = Handle { generation: u32::MAX, ..last };
        assert_eq!(arena.free(last), Some("last"));
        assert_ne!(insert(&mut arena, "next").index, last.index);
        assert_eq!(arena.get(last), None);
    }
}
