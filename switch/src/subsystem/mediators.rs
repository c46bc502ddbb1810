// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subsystem of mediators: what is remembered of advertisements that control decides about.

use super::Subsystem;
use crate::refusal::Refusal;
use crate::tree::Namespace;
use pvd::Mediator;

/// Gives every namespace its mediator. One that never had anything to decide has allocated nothing.
pub(crate) struct Mediators;

impl Subsystem for Mediators {
    type Instance = Mediator;

    fn name(&self) -> &'static str {
        "RA mediator"
    }

    fn init(&mut self, _: &Namespace) -> Result<Mediator, Refusal> {
        Ok(Mediator::default())
    }

    fn pre_exit(&mut self, _: &Namespace, mediator: &mut Mediator) {
        *mediator = Mediator::default();
    }
}
