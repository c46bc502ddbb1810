// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The subsystem of cached Router Advertisements: what routers said, octet by octet, who asks for it, and who is to get it
//! again.

use super::Subsystem;
use crate::refusal::Refusal;
use crate::tree::Namespace;
use pvd::{RaCache, Responder};

/// Gives every namespace its cache. An empty one has allocated nothing.
pub(crate) struct RaCaches;

impl Subsystem for RaCaches {
    type Instance = Ras;

    fn name(&self) -> &'static str {
        "RA cache"
    }

    fn init(&mut self, namespace: &Namespace) -> Result<Ras, Refusal> {
        Ok(Ras { responder: Responder::new(namespace.spec().answering), ..Ras::default() })
    }

    fn pre_exit(&mut self, _: &Namespace, ras: &mut Ras) {
        *ras = Ras::default();
    }
}

/// What one namespace has heard of routers, and of those who look for one.
#[derive(Default)]
pub(crate) struct Ras {
    pub(crate) cache: RaCache,
    pub(crate) responder: Responder,
    /// Router Solicitations that were heard.
    pub(crate) solicitations: u64,
    /// Advertisements from which nothing was learnt, because a quota does not allow more.
    pub(crate) over_quota: u64,
    /// Advertisements of PvDs that were known from another port, where that is watched for.
    pub(crate) second_sources: u64,
    /// Advertisements that were not said again to a host, because they do not fit into its port's MTU.
    pub(crate) too_long: u64,
}
