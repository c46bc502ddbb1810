// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The SIGBUS guard: a fault in guest memory poisons one map instead of ending the process.
//!
//! A fixed table of address ranges is all that the handler reads, so it is async-signal-safe: atomics and one `mmap`.
//! When the faulting address lies in a registered range, zero pages are mapped over the whole range (one fault a region,
//! also where the pages are huge) and the range is marked. Any other SIGBUS takes its default course.

use std::io;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Regions that can be guarded at a time, in the whole process: 2048 ports with 64 regions each. What is not used costs
/// nothing: the table is zeroes until it is written.
pub const GUARDED_REGIONS_MAX: usize = 2048 * 64;

/// One guarded range. `start == 0`: free. `start == CLAIMED`: being set up.
struct Slot {
    start: AtomicUsize,
    end: AtomicUsize,
    poisoned: AtomicBool,
}

const CLAIMED: usize = usize::MAX;

static TABLE: [Slot; GUARDED_REGIONS_MAX] =
    [const { Slot { start: AtomicUsize::new(0), end: AtomicUsize::new(0), poisoned: AtomicBool::new(false) } };
        GUARDED_REGIONS_MAX];

/// How far into the table the handler must look.
static HIGH_WATER: AtomicUsize = AtomicUsize::new(0);

/// Where the first free slot probably is, so that the table stays dense and is not searched from its start each time.
static FREE_HINT: AtomicUsize = AtomicUsize::new(0);

/// A registration in the table; ends when dropped.
pub(crate) struct FaultSlot(Option<usize>);

impl FaultSlot {
    /// Guards `len` bytes at host address `start`. A full table leaves the range unguarded: [`FaultSlot::poisoned`] is
    /// then true at once, so that the session is refused and not run without its guard.
    pub(crate) fn register(start: usize, len: usize) -> Self {
        let hint = FREE_HINT.load(Ordering::Relaxed);
        let claim = |index: &usize| {
            let start = &TABLE[*index].start;
            start.compare_exchange(0, CLAIMED, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        // Below the hint only when there is nothing above it: two threads may have moved it past a slot that is free.
        let Some(index) = (hint..GUARDED_REGIONS_MAX).chain(0..hint).find(claim) else {
            return Self(None);
        };
        FREE_HINT.store(index + 1, Ordering::Relaxed);
        let slot = &TABLE[index];
        slot.poisoned.store(false, Ordering::Relaxed);
        slot.end.store(start.saturating_add(len), Ordering::Release);
        slot.start.store(start, Ordering::Release);
        HIGH_WATER.fetch_max(index + 1, Ordering::AcqRel);
        Self(Some(index))
    }

    /// Whether the range has faulted, or could not be guarded.
    pub(crate) fn poisoned(&self) -> bool {
        self.0.is_none_or(|index| TABLE[index].poisoned.load(Ordering::Relaxed))
    }
}

impl Drop for FaultSlot {
    fn drop(&mut self) {
        if let Some(index) = self.0 {
            TABLE[index].end.store(0, Ordering::Relaxed);
            TABLE[index].start.store(0, Ordering::Release);
            FREE_HINT.fetch_min(index, Ordering::Relaxed);
        }
    }
}

/// Installs the SIGBUS handler, once per process; later calls do nothing.
///
/// # Errors
/// What `sigaction` says.
pub fn install_fault_guard() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let outcome = INSTALLED.get_or_init(|| {
        // SAFETY: an all-zero sigaction is a valid value; the fields that matter are set below.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = on_sigbus as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER;
        // SAFETY: `action` is initialised, and the handler only does what is async-signal-safe.
        match unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)),
        }
    });
    outcome.map_err(io::Error::from_raw_os_error)
}

extern "C" fn on_sigbus(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel hands a valid siginfo to an SA_SIGINFO handler, and SIGBUS fills in si_addr.
    let address = unsafe { (*info).si_addr() } as usize;
    let slots = &TABLE[..HIGH_WATER.load(Ordering::Acquire)];
    // Every slot, not the first that fits: two maps of one mapping, old and new memory table, must both learn of it.
    let guarded = slots.iter().fold(false, |guarded, slot| cover(slot, address) | guarded);
    if !guarded {
        // Not ours: the default action, by faulting again.
        // SAFETY: resetting a signal's disposition is async-signal-safe.
        unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
    }
}

/// Maps zero pages over the slot's range if `address` lies in it. Tells whether the access can be retried.
fn cover(slot: &Slot, address: usize) -> bool {
    let start = slot.start.load(Ordering::Acquire);
    let end = slot.end.load(Ordering::Acquire);
    // A slot that changed hands between the two loads has a range that never was.
    let torn = slot.start.load(Ordering::Relaxed) != start;
    if torn || start == 0 || start == CLAIMED || !(start..end).contains(&address) {
        return false;
    }
    slot.poisoned.store(true, Ordering::Relaxed);
    // SAFETY: the range is a mapping that a live MemoryMap owns; replacing its pages by zero pages keeps every pointer
    // into it valid. mmap is a plain system call, safe in a handler.
    let mapped = unsafe {
        libc::mmap(
            start as *mut libc::c_void,
            end - start,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    mapped != libc::MAP_FAILED
}
