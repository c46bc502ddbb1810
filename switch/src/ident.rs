// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who a thing is: one number for each level of the tree from which it can be seen.
//!
//! A port of `red/dev` is 1 to whoever is bound to `red/dev`, perhaps 7 to `red`, and 204 to the operator. The three
//! numbers stand in one array, by level, each with the namespace in which it counts ([`Ident`]). So the number that
//! somebody sees is one comparison away ([`Ident::nr_in`]), and somebody who stands beside or below finds that the entry
//! of his level names another namespace: to him the thing has no number, and what has no number cannot be asked for.
//!
//! Each namespace keeps the other direction for each kind of thing, from number to handle ([`Numbers`]). A look-up is
//! always by number *and* namespace; no number is good anywhere else.
//!
//! # How numbers come and go
//!
//! In two phases ([`crate::tree::Tree::reserve`], [`crate::tree::Tree::publish`]): first a number is reserved at every
//! level, from the innermost outwards, where it is taken and leads nowhere; then all of them lead to the object at once.
//! When a level refuses, those below it are given back in reverse and nobody has seen anything.
//!
//! Numbers are handed out in turn, so that one is not used again soon. Once the turn is over, the low ones stay with
//! those who have them or ask for them by name: they belong to things that came early and live long. Whoever restores
//! something (after a restart, after a migration) may ask for the numbers of the innermost levels.

use crate::arena::Handle;
use crate::limits::{NUMBER_MAX, NUMBERS_RESERVED};
use crate::tree::Namespace;
use std::collections::BTreeMap;
use std::ops::Bound;

/// A number and the namespace in which it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// The number; never 0, which stands for "not visible".
    pub nr: u32,
    /// The namespace.
    pub namespace: Handle<Namespace>,
}

/// The numbers of one object, by level: the first is the root's, the last that of the namespace it lives in.
#[derive(Debug)]
pub struct Ident<T> {
    object: Handle<T>,
    numbers: Box<[Number]>,
}

impl<T> Ident<T> {
    pub(crate) fn new(object: Handle<T>, numbers: Box<[Number]>) -> Ident<T> {
        Ident { object, numbers }
    }

    /// The object.
    pub fn object(&self) -> Handle<T> {
        self.object
    }

    /// All its numbers, the root's first.
    pub fn numbers(&self) -> &[Number] {
        &self.numbers
    }

    /// The number that a namespace sees it under; 0: it does not see it.
    pub fn nr_in(&self, namespace: &Namespace) -> u32 {
        self.nr_at(namespace.level(), namespace.handle())
    }

    /// The number that the namespace sees it under which it lives in.
    pub fn nr_at_home(&self) -> u32 {
        self.numbers.last().map_or(0, |number| number.nr)
    }

    fn nr_at(&self, level: usize, namespace: Handle<Namespace>) -> u32 {
        self.numbers.get(level).filter(|number| number.namespace == namespace).map_or(0, |number| number.nr)
    }

    /// The numbers in the order in which they can be asked for again: the innermost first.
    pub fn to_restore(&self) -> Vec<u32> {
        self.numbers.iter().rev().map(|number| number.nr).collect()
    }
}

/// Why a namespace gives no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoNumber {
    /// Another object has it.
    Taken,
    /// It is not one that exists.
    OutOfRange,
    /// All are taken.
    Exhausted,
}

/// From number to object: those of one namespace, of one kind.
#[derive(Debug)]
pub struct Numbers<T> {
    /// `None`: reserved, and leads nowhere yet.
    objects: BTreeMap<u32, Option<Handle<T>>>,
    /// Where the search for the next one begins.
    next: u32,
}

impl<T> Default for Numbers<T> {
    fn default() -> Numbers<T> {
        Numbers { objects: BTreeMap::new(), next: 1 }
    }
}

impl<T> Numbers<T> {
    /// A number that was given in turn, and given back as if nobody had ever had it, is given to the next who comes.
    pub(crate) fn turn_back(&mut self, nr: u32) {
        if self.next == nr.saturating_add(1) {
            self.next = nr;
        }
    }

    /// Takes a number, that one or the next in turn. It leads nowhere until it is published.
    ///
    /// # Errors
    /// It cannot be had.
    pub fn reserve(&mut self, wanted: Option<u32>) -> Result<u32, NoNumber> {
        let nr = match wanted {
            Some(nr) if nr == 0 || nr > NUMBER_MAX => return Err(NoNumber::OutOfRange),
            Some(nr) if self.objects.contains_key(&nr) => return Err(NoNumber::Taken),
            Some(nr) => nr,
            None => self.in_turn()?,
        };
        self.objects.insert(nr, None);
        Ok(nr)
    }

    /// Makes a reserved number lead to its object.
    pub fn publish(&mut self, nr: u32, object: Handle<T>) {
        if let Some(place) = self.objects.get_mut(&nr) {
            *place = Some(object);
        }
    }

    /// Gives a number back, published or not.
    pub fn release(&mut self, nr: u32) {
        self.objects.remove(&nr);
    }

    /// The object that a number leads to.
    pub fn get(&self, nr: u32) -> Option<Handle<T>> {
        self.objects.get(&nr).copied().flatten()
    }

    /// How many numbers are taken.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    fn in_turn(&mut self) -> Result<u32, NoNumber> {
        let low = if self.next > NUMBERS_RESERVED { NUMBERS_RESERVED } else { 1 };
        let nr = self.gap(self.next, NUMBER_MAX).or_else(|| self.gap(low, self.next - 1)).ok_or(NoNumber::Exhausted)?;
        self.next = if nr == NUMBER_MAX { NUMBERS_RESERVED } else { nr + 1 };
        Ok(nr)
    }

    /// The first number from `low` to `high` that is free.
    fn gap(&self, low: u32, high: u32) -> Option<u32> {
        let range = (Bound::Included(low), Bound::Included(high.max(low)));
        let taken = self.objects.range(range).map(|(nr, _)| *nr);
        let run = taken.zip(low..).take_while(|(taken, nr)| taken == nr).count() as u32;
        Some(low + run).filter(|nr| *nr <= high)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn numbers(taken: &[u32], next: u32) -> Numbers<u8> {
        Numbers { objects: taken.iter().map(|nr| (*nr, None)).collect(), next }
    }

    #[test]
    fn test_numbers_go_round_and_leave_the_low_ones_alone() {
        let mut fresh = numbers(&[], 1);
        let given: Vec<_> = (0..3).map(|_| fresh.reserve(None).unwrap()).collect();
        assert_eq!(given, [1, 2, 3]);
        fresh.release(2);
        assert_eq!(fresh.reserve(None), Ok(4), "2 rests");
        let mut late = numbers(&[1, NUMBERS_RESERVED], NUMBER_MAX);
        assert_eq!(late.reserve(None), Ok(NUMBER_MAX));
        assert_eq!(late.reserve(None), Ok(NUMBERS_RESERVED + 1));
        assert_eq!(late.reserve(Some(2)), Ok(2), "by name a low one can be had");
    }

    #[test]
    fn test_a_number_that_was_asked_for_is_not_handed_out_in_turn() {
        let mut some = numbers(&[], 1);
        assert_eq!((some.reserve(Some(1)), some.reserve(Some(2))), (Ok(1), Ok(2)));
        assert_eq!((some.reserve(None), some.reserve(Some(3))), (Ok(3), Err(NoNumber::Taken)));
        assert_eq!([0, NUMBER_MAX + 1].map(|nr| some.reserve(Some(nr))), [Err(NoNumber::OutOfRange); 2]);
    }

    #[test]
    fn test_when_all_are_taken_there_is_none() {
        let all: Vec<u32> = (1..=NUMBER_MAX).collect();
        assert_eq!(numbers(&all, 1).reserve(None), Err(NoNumber::Exhausted));
        assert_eq!(numbers(&all[..all.len() - 1], 1).reserve(None), Ok(NUMBER_MAX));
        assert_eq!(
            numbers(&all[NUMBERS_RESERVED as usize..], NUMBERS_RESERVED + 1).reserve(None),
            Ok(NUMBERS_RESERVED)
        );
    }

    #[test]
    fn test_a_reserved_number_leads_nowhere() {
        let mut some = numbers(&[], 1);
        let nr = some.reserve(None).unwrap();
        assert_eq!((some.get(nr), some.len()), (None, 1));
        let object = crate::arena::Arena::default().reserve();
        some.publish(nr, object);
        assert_eq!(some.get(nr), Some(object));
        some.release(nr);
        assert!(some.get(nr).is_none() && some.is_empty());
    }
}
