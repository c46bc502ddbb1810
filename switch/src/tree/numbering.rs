// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How an object gets and loses its numbers: at all levels or at none.

use super::{Namespace, Tree};
use crate::arena::Handle;
use crate::ident::{Ident, NoNumber, Number, Numbers};
use crate::limits::NUMBER_MAX;
use crate::refusal::{Kind, Refusal};
use crate::subsystem::{Key, Subsystem};
use crate::text::Text;
use std::marker::PhantomData;

/// The subsystem that gives every namespace its [`Numbers`] of one kind of thing.
pub struct NumberSpace<T> {
    name: &'static str,
    of: PhantomData<fn() -> T>,
}

impl<T> NumberSpace<T> {
    /// `name` is for texts: `numbers of ports`.
    pub fn new(name: &'static str) -> NumberSpace<T> {
        NumberSpace { name, of: PhantomData }
    }
}

impl<T: 'static> Subsystem for NumberSpace<T> {
    type Instance = Numbers<T>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn init(&mut self, _: &Namespace) -> Result<Numbers<T>, Refusal> {
        Ok(Numbers::default())
    }
}

/// Numbers that are taken at every level and lead nowhere yet: to be published or given back.
#[must_use = "numbers that are neither published nor given back are lost"]
#[derive(Debug)]
pub struct Reserved(Vec<Number>);

impl Tree {
    /// Reserves a number in `home` and in every namespace that it lies in. `wanted` are those of the innermost levels,
    /// the innermost first; the others are given in turn.
    ///
    /// # Errors
    /// More are wanted than there are levels, or one cannot be had; none is taken.
    pub fn reserve<T: 'static>(
        &mut self,
        key: Key<Numbers<T>>,
        home: Handle<Namespace>,
        wanted: &[u32],
    ) -> Result<Reserved, Refusal> {
        let levels = 1 + self.get(home).map_or(0, Namespace::level);
        if wanted.len() > levels {
            let expected = format!("at most {levels} numbers, one for each namespace that sees it");
            return Err(Refusal::invalid("number", format!("{wanted:?}"), expected));
        }
        let mut taken = Reserved(Vec::with_capacity(levels));
        let mut at = Some(home);
        while let Some(namespace) = at {
            match self.take_number(key, namespace, wanted.get(taken.0.len()).copied()) {
                Ok(nr) => taken.0.push(Number { nr, namespace }),
                Err(refusal) => {
                    self.release(key, taken);
                    return Err(refusal);
                }
            }
            at = self.get(namespace).and_then(|namespace| namespace.parent);
        }
        Ok(taken)
    }

    /// Makes reserved numbers lead to their object, at all levels at once: nobody looks in between.
    pub fn publish<T: 'static>(&mut self, key: Key<Numbers<T>>, reserved: Reserved, object: Handle<T>) -> Ident<T> {
        let Reserved(mut numbers) = reserved;
        for number in &numbers {
            if let Some(book) = self.book(key, number.namespace) {
                book.publish(number.nr, object);
            }
        }
        numbers.reverse();
        Ident::new(object, numbers.into_boxed_slice())
    }

    /// Gives back numbers that were not published, the outermost first.
    pub fn release<T: 'static>(&mut self, key: Key<Numbers<T>>, reserved: Reserved) {
        let Reserved(numbers) = reserved;
        numbers.iter().rev().for_each(|number| self.give_back(key, *number));
        self.turn_back(key, &numbers);
    }

    /// Numbers that were given back just now go to the next who comes: what had them never was.
    pub(crate) fn turn_back<T: 'static>(&mut self, key: Key<Numbers<T>>, numbers: &[Number]) {
        for number in numbers {
            if let Some(book) = self.book(key, number.namespace) {
                book.turn_back(number.nr);
            }
        }
    }

    /// Makes an object invisible at all levels.
    pub fn withdraw<T: 'static>(&mut self, key: Key<Numbers<T>>, ident: &Ident<T>) {
        ident.numbers().iter().for_each(|number| self.give_back(key, *number));
    }

    /// Makes an object visible again that was withdrawn a moment ago, so that its numbers are still free.
    pub(crate) fn restore_numbers<T: 'static>(&mut self, key: Key<Numbers<T>>, ident: &Ident<T>) {
        for number in ident.numbers() {
            if let Some(book) = self.book(key, number.namespace) {
                // It cannot fail, because what took the number since is undone by now.
                let _ = book.reserve(Some(number.nr));
                book.publish(number.nr, ident.object());
            }
        }
    }

    /// The object that a namespace sees under a number.
    pub fn look_up<T: 'static>(
        &self,
        key: Key<Numbers<T>>,
        namespace: Handle<Namespace>,
        nr: u32,
    ) -> Option<Handle<T>> {
        self.get(namespace)?.get(key)?.get(nr)
    }

    fn give_back<T: 'static>(&mut self, key: Key<Numbers<T>>, number: Number) {
        if let Some(book) = self.book(key, number.namespace) {
            book.release(number.nr);
        }
    }

    fn book<T: 'static>(&mut self, key: Key<Numbers<T>>, namespace: Handle<Namespace>) -> Option<&mut Numbers<T>> {
        self.get_mut(namespace)?.get_mut(key)
    }

    fn take_number<T: 'static>(
        &mut self,
        key: Key<Numbers<T>>,
        namespace: Handle<Namespace>,
        wanted: Option<u32>,
    ) -> Result<u32, Refusal> {
        let gone = || Refusal::not_found(Kind::Namespace, "its namespace");
        let path = self.get(namespace).ok_or_else(gone)?.path().clone();
        let given = self.book(key, namespace).ok_or_else(gone)?.reserve(wanted);
        let asked = wanted.unwrap_or_default().to_string();
        given.map_err(|why| match why {
            NoNumber::Taken => Refusal::in_use(Kind::Number, asked, Text::from("another of namespace ").quoted(&path)),
            NoNumber::OutOfRange => Refusal::invalid("number", asked, format!("1 to {NUMBER_MAX}")),
            NoNumber::Exhausted => Refusal::limit("numbers", NUMBER_MAX as usize),
        })
    }
}
