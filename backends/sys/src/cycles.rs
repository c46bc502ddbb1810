// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A count that goes on whatever happens, and that costs next to nothing to read.
//!
//! On x86-64 it is the processor's time stamp counter, which every processor of the last fifteen years counts at one
//! constant rate; elsewhere it is the monotonic clock. It is for accounting: nothing is decided by it, and on a machine
//! whose processors disagree about it a figure is wrong and nothing else.

/// What [`cycles`] counts on this machine: `"tsc"`, cycles of the time stamp counter, or `"ns"`, nanoseconds.
pub const CYCLE: &str = if cfg!(target_arch = "x86_64") { "tsc" } else { "ns" };

/// Cycles since some moment in the past; [`CYCLE`] names the unit.
#[inline]
#[must_use]
pub fn cycles() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: RDTSC exists on every x86-64 processor, and reads no memory.
    unsafe {
        std::arch::x86_64::_rdtsc()
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_it_goes_on() {
        let before = cycles();
        while cycles() <= before {}
        assert!(["tsc", "ns"].contains(&CYCLE));
    }
}
