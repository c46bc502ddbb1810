// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! SET_LOG_BASE: the log of a migration.

use super::fds::SealPolicy;
use super::memory::{MemoryTable, Region, Sealed};
use super::refusal::{MemoryFault, Refusal};
use crate::vhost_user::budget::{Lease, PROCESS, Share};
use crate::vhost_user::log::SessionLog;
use crate::vhost_user::message::Message;

/// Bytes of a log: enough for 47 bits of guest-physical addresses.
const LOG_MAX: u64 = 1 << 32;

/// Guest memory that one byte of a log stands for.
const BYTE_COVERS: u64 = 8 * sys::LOG_PAGE;

/// Examines and maps the log of a message that came with one descriptor: file and place as for guest memory, and long enough
/// for every page of it.
pub(super) fn take(
    name: &'static str,
    message: &mut Message,
    memory: &MemoryTable,
    seals: SealPolicy,
) -> Result<(SessionLog, Sealed), Refusal> {
    let refusal = |fault| Refusal::Memory { message: name, fault };
    let (size, offset) = (message.u64_at(0).unwrap_or(0), message.u64_at(8).unwrap_or(0));
    let needed = memory.end().div_ceil(BYTE_COVERS).max(1);
    if !(needed..=LOG_MAX).contains(&size) {
        let expected = format!("{needed:#x} to {LOG_MAX:#x} bytes, a bit for each page up to the end of guest memory");
        return Err(Refusal::Value { message: name, what: "the log's size", value: size, expected });
    }
    let fd = message.fds.first().ok_or(Refusal::Descriptors { message: name, got: 0, expected: 1 })?;
    let sealed = Region::of_file(size, offset).check(fd, seals).map_err(refusal)?;
    let lease = Lease::take(&PROCESS, Share { bytes: size, regions: 1 }).ok_or(refusal(MemoryFault::Exhausted))?;
    // It is memory, so that we can close it ourselves.
    let fd = message.fds.remove(0);
    let log =
        SessionLog::map(fd, offset, size, lease).map_err(|error| refusal(MemoryFault::File(error.to_string())))?;
    Ok((log, sealed))
}
