// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A vector in pages that versions of it share: changing one element of a new version copies one page.

use std::sync::Arc;

/// Elements of a page. Small namespaces have one page; a hundred thousand elements are some 1,600 of them.
const PAGE: usize = 64;

/// Elements by index; those never set are `T::default()`.
#[derive(Clone, Debug)]
pub(crate) struct Paged<T> {
    pages: Vec<Arc<[T]>>,
}

impl<T> Default for Paged<T> {
    fn default() -> Paged<T> {
        Paged { pages: Vec::new() }
    }
}

impl<T: Clone + Default> Paged<T> {
    /// The element, if its page exists.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.pages.get(index / PAGE)?.get(index % PAGE)
    }

    /// The element, to be changed. Its page is made, or copied if another version has it too.
    pub(crate) fn get_mut(&mut self, index: usize) -> &mut T {
        while self.pages.len() <= index / PAGE {
            self.pages.push((0..PAGE).map(|_| T::default()).collect());
        }
        &mut Arc::make_mut(&mut self.pages[index / PAGE])[index % PAGE]
    }

    /// Elements from an index on.
    pub(crate) fn from(&self, index: usize) -> impl Iterator<Item = &T> {
        let pages = self.pages.iter().skip(index / PAGE);
        pages.flat_map(|page| page.iter()).skip(index % PAGE)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_version_is_not_changed_by_the_next() {
        let mut old = Paged::default();
        *old.get_mut(3) = 1;
        *old.get_mut(200) = 2;
        let mut new = old.clone();
        *new.get_mut(3) = 9;
        assert_eq!((old.get(3), new.get(3), new.get(200), new.get(4)), (Some(&1), Some(&9), Some(&2), Some(&0)));
        assert!(Arc::ptr_eq(&old.pages[3], &new.pages[3]) && !Arc::ptr_eq(&old.pages[0], &new.pages[0]));
        assert_eq!((old.get(256), new.from(199).next(), new.from(200).next()), (None, Some(&0), Some(&2)));
    }
}
