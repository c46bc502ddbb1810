// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Subsystems: what every namespace has an instance of, made in order and unmade in reverse.
//!
//! # Theory of operation
//!
//! A [`Subsystem`] is registered once ([`crate::Control::register_subsystem`], [`crate::Control::register_device`]) and
//! from then on every namespace has an instance of it: those that exist get theirs at once, all of them or none, and
//! each later one gets it when it is made. The [`Key`] that registering returns leads from a namespace to the instance,
//! with its type.
//!
//! There is one list of two classes. Devices stand at its end and subsystems before them, whenever they were registered:
//! ```text
//! numbers of namespaces, of ports, of peers, MAC table, policers, counters, PvDs, ... | ports, ...
//! ──────────────────────────────────── subsystems ─────────────────────────────────── | ─ devices ─
//! init ───────────────────────────────────────────────────────────────────────────────────────────▶
//! ◀───────────────────────────────────────────────────────────── pre_exit, exit and exit_batch, free
//! ```
//! So a device finds all subsystems when it is made, and no subsystem is unmade while a device could still use it.
//!
//! A namespace comes by `init` of each in order. When one refuses, it cleans up after itself, and those before it are
//! unmade as in a destruction. A namespace goes in passes over the whole batch of those that go together, each pass from
//! the last subsystem to the first: `pre_exit` ends what comes in; then control waits until nobody reads any more
//! ([`Subsystem::waits_for`]); `exit` and `exit_batch` give back what others hold for it; then instances are dropped.
//! That wait is served once for the batch, however many namespaces it has.

pub(crate) mod counters;
pub(crate) mod macs;
pub(crate) mod mediators;
pub(crate) mod peers;
pub(crate) mod policers;
pub(crate) mod ports;
pub(crate) mod pvds;
pub(crate) mod ras;
mod registry;
pub(crate) mod seeds;
mod slots;

pub(crate) use registry::Registry;
pub(crate) use slots::Slots;

use crate::refusal::Refusal;
use crate::tree::Namespace;
use dataplane::Instant;
use std::fmt;
use std::marker::PhantomData;

/// What every namespace has an instance of.
pub trait Subsystem: Send + 'static {
    /// The instance. Its address is its own affair: it is moved in, and stays until it is dropped.
    type Instance: Send + 'static;

    /// How texts name it.
    fn name(&self) -> &'static str;

    /// Makes the instance of a namespace. Those that were registered before are in it already.
    ///
    /// # Errors
    /// The namespace cannot be made; nothing of this subsystem is left behind.
    fn init(&mut self, namespace: &Namespace) -> Result<Self::Instance, Refusal>;

    /// First pass: nothing new may come in. Workers may still be reading.
    fn pre_exit(&mut self, _namespace: &Namespace, _instance: &mut Self::Instance) {}

    /// Who still reads, so that `exit` has to wait, in words; `None`: nobody.
    fn waits_for(&self, _instance: &Self::Instance) -> Option<String> {
        None
    }

    /// Second pass, when nobody reads any more: gives back what is held elsewhere for this namespace.
    fn exit(&mut self, _namespace: &Namespace, _instance: &mut Self::Instance) {}

    /// The end of the second pass, once for all namespaces that go together.
    fn exit_batch(&mut self, _instances: &mut [&mut Self::Instance]) {}

    /// What is due by time; about once a second.
    fn tick(&mut self, _instance: &mut Self::Instance, _now: Instant) {}
}

/// Leads from a namespace to its instance of one subsystem.
pub struct Key<T> {
    id: usize,
    of: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    fn new(id: usize) -> Key<T> {
        Key { id, of: PhantomData }
    }
}

// By hand, because a derive would ask the same of `T`.
impl<T> Clone for Key<T> {
    fn clone(&self) -> Key<T> {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

/// Where in the order a subsystem stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Before all devices.
    Subsystem,
    /// At the end.
    Device,
}
