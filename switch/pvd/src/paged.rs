// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A vector in pages that versions of it share: changing one element of a new version copies one page, one list of pages,
//! and the short list of those lists.
//!
//! On the way to an element the lists are short enough to stay in a core's own cache, so that however many elements there
//! are, only that of the element itself has to be waited for.

use std::array;
use std::sync::Arc;

type Page<T, const PAGE: usize> = Option<Arc<[T; PAGE]>>;
type Group<T, const PAGE: usize> = Option<Arc<[Page<T, PAGE>; PAGE]>>;

/// Elements by index; those never set are `T::default()`. A page has `PAGE` elements and a group as many pages: with 32 a
/// hundred thousand elements are 98 groups.
#[derive(Clone, Debug)]
pub(crate) struct Paged<T, const PAGE: usize> {
    groups: Vec<Group<T, PAGE>>,
}

impl<T, const PAGE: usize> Default for Paged<T, PAGE> {
    fn default() -> Paged<T, PAGE> {
        Paged { groups: Vec::new() }
    }
}

impl<T: Clone + Default, const PAGE: usize> Paged<T, PAGE> {
    /// The element, if its page exists.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let group = self.groups.get(index / PAGE / PAGE)?.as_deref()?;
        let page = group[index / PAGE % PAGE].as_deref()?;
        Some(&page[index % PAGE])
    }

    /// The element, to be changed. Its page is made, or copied if another version has it too.
    pub(crate) fn get_mut(&mut self, index: usize) -> &mut T {
        let (group, page) = (index / PAGE / PAGE, index / PAGE % PAGE);
        if self.groups.len() <= group {
            self.groups.resize_with(group + 1, || None);
        }
        let pages = self.groups[group].get_or_insert_with(|| Arc::new(array::from_fn(|_| None)));
        let page = Arc::make_mut(pages)[page].get_or_insert_with(|| Arc::new(array::from_fn(|_| T::default())));
        &mut Arc::make_mut(page)[index % PAGE]
    }

    /// Elements of pages that exist, from an index on.
    pub(crate) fn from(&self, index: usize) -> impl Iterator<Item = &T> {
        let groups = self.groups.iter().enumerate().skip(index / PAGE / PAGE);
        let groups = groups.filter_map(|(number, group)| Some((number, group.as_deref()?)));
        let pages = groups.flat_map(|(group, pages)| {
            let pages = pages.iter().enumerate().filter_map(|(number, page)| Some((number, page.as_deref()?)));
            pages.map(move |(page, elements)| ((group * PAGE + page) * PAGE, elements))
        });
        pages.flat_map(move |(start, page)| page.get(index.saturating_sub(start)..).unwrap_or_default())
    }
}

#[cfg(test)]
mod test {
    use super::*;

    const PAGE: usize = 32;

    #[test]
    fn test_a_version_is_not_changed_by_the_next() {
        let mut old = Paged::<_, PAGE>::default();
        *old.get_mut(3) = 1;
        *old.get_mut(200) = 2;
        let mut new = old.clone();
        *new.get_mut(3) = 9;
        assert_eq!((old.get(3), new.get(3), new.get(200), new.get(4)), (Some(&1), Some(&9), Some(&2), Some(&0)));
        let page = |paged: &Paged<i32, PAGE>, page: usize| paged.groups[0].as_ref().unwrap()[page].clone().unwrap();
        let shared = |index: usize| Arc::ptr_eq(&page(&old, index / PAGE), &page(&new, index / PAGE));
        assert!(shared(200) && !shared(3));
    }

    #[test]
    fn test_what_is_far_apart_is_found_and_walked_in_order() {
        let mut paged = Paged::<_, PAGE>::default();
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
