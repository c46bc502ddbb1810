// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subsystem of counters: what a namespace has moved and lost in its life, whatever became of its ports.
//!
//! Each port counts for itself, and what the namespace has counted is the sum of them, made when it is asked for. When a
//! port that was deleted is read by nobody any more, its last count is kept here; so the sum never goes backwards.

use super::Subsystem;
use crate::refusal::Refusal;
use crate::tree::Namespace;
use dataplane::PortStats;
use std::sync::{Arc, Mutex, PoisonError};

/// Gives every namespace the counts of the ports that it had.
pub(crate) struct Counters;

impl Subsystem for Counters {
    type Instance = Arc<Departed>;

    fn name(&self) -> &'static str {
        "counters"
    }

    fn init(&mut self, _: &Namespace) -> Result<Arc<Departed>, Refusal> {
        Ok(Arc::default())
    }
}

/// What the ports had counted that are gone.
#[derive(Debug, Default)]
pub(crate) struct Departed(Mutex<PortStats>);

impl Departed {
    /// Keeps the last count of a port.
    pub(crate) fn keep(&self, last: PortStats) {
        let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *sum = [*sum, last].into_iter().sum();
    }

    /// All that was kept.
    pub(crate) fn stats(&self) -> PortStats {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
