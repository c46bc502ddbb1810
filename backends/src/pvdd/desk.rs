// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a dialogue sees of the switch: one namespace.

use pvd::Cursor;
use serde_json::{Map, Value};
use switch::Statement;

/// A PvD as it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: Map<String, Value>,
}

/// Something happened to a PvD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The event's number.
    pub seq: u64,
    /// The PvD's name.
    pub name: String,
    /// What happened.
    pub kind: pvd::EventKind,
}

/// A change of a static PvD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// It is made, with nothing said of it.
    Create(String),
    /// It is no longer static.
    Remove(String),
    /// This is said of it from now on.
    Say(String, Box<Statement>),
}

/// The PvDs of one namespace.
pub trait Desk {
    /// The names of all.
    fn names(&self) -> Vec<String>;

    /// The one of that name.
    fn find(&self, name: &str) -> Option<Told>;

    /// Some of them, at most [`super::PAGE`], from a place on, and the next place.
    fn page(&self, from: Option<Cursor>) -> (Vec<Told>, Option<Cursor>);

    /// The number of the last event.
    fn last_event(&self) -> u64;

    /// The events after that of a number, at most [`super::EVENTS_AT_ONCE`]; `None`: some of them are forgotten.
    fn news(&self, since: u64) -> Option<Vec<News>>;

    /// What is said of the static PvD of that name.
    fn statement(&self, name: &str) -> Option<Statement>;

    /// Carries a change out, so that it survives a restart.
    ///
    /// # Errors
    /// Why it was not done, in words.
    fn carry_out(&mut self, order: Order) -> Result<(), String>;
}
