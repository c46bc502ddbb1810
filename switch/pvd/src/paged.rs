// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A vector in pages that versions of it share: changing one element of a new version copies one page, one list of pages,
//! and the short list of those lists.

use std::sync::Arc;

/// Elements of a page, and pages of a group. A hundred thousand elements are 25 groups.
const PAGE: usize = 64;

type Page<T> = Arc<[T]>;

/// Elements by index; those never set are `T::default()`.
#[derive(Clone, Debug)]
pub(crate) struct Paged<T> {
    groups: Vec<Arc<Vec<Page<T>>>>,
}

impl<T> Default for Paged<T> {
    fn default() -> Paged<T> {
        Paged { groups: Vec::new() }
    }
}

impl<T: Clone + Default> Paged<T> {
    /// The element, if its page exists.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.groups.get(index / PAGE / PAGE)?.get(index / PAGE % PAGE)?.get(index % PAGE)
    }

    /// The element, to be changed. Its page is made, or copied if another version has it too.
    pub(crate) fn get_mut(&mut self, index: usize) -> &mut T {
        let (group, page) = (index / PAGE / PAGE, index / PAGE % PAGE);
        if self.groups.len() <= group {
            self.groups.resize_with(group + 1, Arc::default);
        }
        let pages = Arc::make_mut(&mut self.groups[group]);
        if pages.len() <= page {
            pages.resize_with(page + 1, Arc::default);
        }
        if pages[page].is_empty() {
            pages[page] = (0..PAGE).map(|_| T::default()).collect();
        }
        &mut Arc::make_mut(&mut pages[page])[index % PAGE]
    }

    /// Elements of pages that exist, from an index on.
    pub(crate) fn from(&self, index: usize) -> impl Iterator<Item = &T> {
        let groups = self.groups.iter().enumerate().skip(index / PAGE / PAGE);
        let pages = groups.flat_map(|(group, pages)| {
            pages.iter().enumerate().map(move |(page, elements)| ((group * PAGE + page) * PAGE, elements))
        });
        pages.flat_map(move |(start, page)| page.get(index.saturating_sub(start)..).unwrap_or_default())
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
        let page = |paged: &Paged<i32>, page: usize| Arc::clone(&paged.groups[0][page]);
        assert!(Arc::ptr_eq(&page(&old, 3), &page(&new, 3)) && !Arc::ptr_eq(&page(&old, 0), &page(&new, 0)));
    }

    #[test]
    fn test_what_is_far_apart_is_found_and_walked_in_order() {
        let mut paged = Paged::default();
        let set = [0, 63, 64, 4095, 4096, 20_000];
        set.into_iter().for_each(|index| *paged.get_mut(index) = index + 1);
        assert!(set.into_iter().all(|index| paged.get(index) == Some(&(index + 1))));
        assert_eq!((paged.get(128), paged.get(20_032), paged.get(1 << 40)), (None, None, None));
        let walk = |from| paged.from(from).copied().filter(|element| *element != 0).collect::<Vec<usize>>();
        assert_eq!(walk(0), [1, 64, 65, 4096, 4097, 20_001]);
        assert_eq!((walk(64), walk(4095)), (vec![65, 4096, 4097, 20_001], vec![4096, 4097, 20_001]));
        assert_eq!((walk(4096), walk(20_001), walk(150)), (vec![4097, 20_001], vec![], walk(4095)));
    }
}
