// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The instances of one namespace, each in the slot of its subsystem. This is the only place where types are asked for.

use super::Key;
use std::any::Any;

/// An instance of a subsystem whose type is not known here.
pub(super) type Instance = Box<dyn Any + Send>;

/// Instances by the number of their subsystem. Numbers are never used again, so a key whose subsystem was unregistered
/// finds nothing.
#[derive(Default)]
pub(crate) struct Slots(Vec<Option<Instance>>);

impl Slots {
    pub(crate) fn get<T: 'static>(&self, key: Key<T>) -> Option<&T> {
        self.0.get(key.id)?.as_deref()?.downcast_ref()
    }

    pub(crate) fn get_mut<T: 'static>(&mut self, key: Key<T>) -> Option<&mut T> {
        self.0.get_mut(key.id)?.as_deref_mut()?.downcast_mut()
    }

    /// Two instances at once; `None` also when the keys are the same.
    pub(crate) fn get_two_mut<A: 'static, B: 'static>(&mut self, a: Key<A>, b: Key<B>) -> Option<(&mut A, &mut B)> {
        let [a, b] = self.0.get_disjoint_mut([a.id, b.id]).ok()?;
        Some((a.as_deref_mut()?.downcast_mut()?, b.as_deref_mut()?.downcast_mut()?))
    }

    pub(super) fn peek(&self, id: usize) -> Option<&(dyn Any + Send)> {
        self.0.get(id)?.as_deref()
    }

    pub(super) fn instance(&mut self, id: usize) -> Option<&mut (dyn Any + Send)> {
        self.0.get_mut(id)?.as_deref_mut()
    }

    pub(super) fn put(&mut self, id: usize, instance: Instance) {
        if id >= self.0.len() {
            // Subsystems are few and 10,000 namespaces many: no room beyond what is needed.
            self.0.reserve_exact(id + 1 - self.0.len());
            self.0.resize_with(id + 1, || None);
        }
        self.0[id] = Some(instance);
    }

    pub(super) fn take(&mut self, id: usize) -> Option<Instance> {
        self.0.get_mut(id)?.take()
    }
}
