// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The dirty log of a session whose guest is being migrated.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use sys::DirtyLog;

use super::budget::Lease;

/// A log that SET_LOG_BASE has brought, mapped, with its share of the address space.
#[derive(Debug, Clone)]
pub struct SessionLog {
    pub(super) dirty: Arc<DirtyLog>,
    _lease: Arc<Lease>,
}

/// Two are the same when they are one mapping.
impl PartialEq for SessionLog {
    fn eq(&self, other: &Self) -> bool {
        self.dirty == other.dirty
    }
}

impl Eq for SessionLog {}

impl SessionLog {
    /// Maps `len` bytes of `file`, which was examined, from `offset` on.
    pub(super) fn map(file: OwnedFd, offset: u64, len: u64, lease: Lease) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        Ok(Self { dirty: DirtyLog::map(file, offset, len)?, _lease: Arc::new(lease) })
    }
}
