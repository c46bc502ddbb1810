// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What control replaces as a whole and workers read, without a lock, once a burst or less often.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

/// Where something is kept that most ports and namespaces have none of: then it costs one look at a flag.
#[derive(Debug, Default)]
pub(crate) struct Swapped<T> {
    /// Whether there is anything.
    on: AtomicBool,
    current: ArcSwap<T>,
    /// What was replaced and a worker may still hold; control drops it with the next change, so that a worker never
    /// frees memory.
    retired: Mutex<Vec<Arc<T>>>,
}

impl<T> Swapped<T> {
    /// Replaces what there is, from the next burst on, by what follows from it. `on`: there is anything.
    pub(crate) fn replace(&self, next: impl FnOnce(&T) -> T, on: bool) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.retain(|before| Arc::strong_count(before) > 1);
        let next = next(&self.current.load());
        retired.push(self.current.swap(Arc::new(next)));
        self.on.store(on, Ordering::Relaxed);
    }

    /// What there is, if anything.
    #[inline]
    pub(crate) fn get(&self) -> Option<Guard<Arc<T>>> {
        self.on.load(Ordering::Relaxed).then(|| self.current.load())
    }

    /// What there is, anything or not.
    pub(crate) fn load(&self) -> Guard<Arc<T>> {
        self.current.load()
    }
}
