// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whether a router is heard at all from a port whose role lets it speak: what the states of stateful RA guard (RFC 6105
//! section 4.1) come to for frames. Control decides which it is; a worker asks only of frames that are not ordinary.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::drops::DropReason;

/// What becomes of Router Advertisements and Redirects that the port's role and rules allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RouterGate {
    /// They pass: RFC 6105's OFF and FORWARDING.
    #[default]
    Open = 0,
    /// None passes; control gets a copy of each advertisement that the rules allow: LEARNING.
    Learning = 1,
    /// None passes: BLOCKING.
    Closed = 2,
}

impl RouterGate {
    /// Why a Redirect does not pass.
    pub(crate) fn objection(self) -> Option<DropReason> {
        match self {
            Self::Open => None,
            Self::Learning => Some(DropReason::RaLearning),
            Self::Closed => Some(DropReason::RaBlocked),
        }
    }

    /// Why an advertisement is not even heard by control.
    pub(crate) fn objection_to_advert(self) -> Option<DropReason> {
        self.objection().filter(|_| self == Self::Closed)
    }
}

/// A gate that control sets while workers look at it.
#[derive(Debug, Default)]
pub(crate) struct SharedGate(AtomicU8);

impl SharedGate {
    pub(crate) fn get(&self) -> RouterGate {
        match self.0.load(Ordering::Relaxed) {
            0 => RouterGate::Open,
            1 => RouterGate::Learning,
            _ => RouterGate::Closed,
        }
    }

    pub(crate) fn set(&self, gate: RouterGate) {
        self.0.store(gate as u8, Ordering::Relaxed);
    }
}
