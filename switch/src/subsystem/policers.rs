// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subsystem of policers: the limits of a namespace, which hold for all ports of it and of what lies in it together.

use super::Subsystem;
use crate::refusal::Refusal;
use crate::tree::Namespace;
use dataplane::NamespacePolicers;
use std::sync::Arc;

/// Gives every namespace the place of its policers. Those of what it lies in are added once it stands in the tree.
pub(crate) struct Policers;

impl Subsystem for Policers {
    type Instance = Arc<NamespacePolicers>;

    fn name(&self) -> &'static str {
        "policers"
    }

    fn init(&mut self, _: &Namespace) -> Result<Arc<NamespacePolicers>, Refusal> {
        Ok(NamespacePolicers::new())
    }
}
