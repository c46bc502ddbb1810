// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which CPU a thread runs on.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The first and the last CPU that this process may use; one and the same where there is one.
///
/// # Panics
/// When the kernel does not say.
#[must_use]
pub fn cpus() -> (usize, usize) {
    let set = sched_getaffinity(None).expect("the kernel says where we may run");
    let mut allowed = (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu));
    let first = allowed.next().expect("a process may use a CPU");
    (first, allowed.next_back().unwrap_or(first))
}

/// Keeps this thread on a CPU.
///
/// # Panics
/// When this process may not use it.
pub fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).expect("a CPU that we may use");
}
