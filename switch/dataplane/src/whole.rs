// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whole private copies, for frames whose headers do not end within their heads: judged by the copy and delivered from
//! it, so that what their sender writes meanwhile changes nothing.

use sys::{MemoryMap, Segment};

use crate::burst::Burst;

/// Copies frame `index` whole, unless it is private already. `false`: there is no more of it to be had.
#[cold]
pub(crate) fn copy(burst: &mut Burst, index: usize, memory: &MemoryMap) -> bool {
    let frame = &burst.frames()[index];
    if burst.bytes(frame).len() == frame.len as usize {
        return false;
    }
    let Some((rest, segments)) = burst.privatise(index) else { return false };
    read_all(memory, segments, rest).is_some()
}

/// Fills `out` from `segments`, which hold as many bytes.
fn read_all(memory: &MemoryMap, segments: &[Segment], mut out: &mut [u8]) -> Option<()> {
    for segment in segments {
        let (now, later) = out.split_at_mut_checked(segment.len as usize)?;
        memory.read(segment.address, now).ok()?;
        out = later;
    }
    out.is_empty().then_some(())
}
