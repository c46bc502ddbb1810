// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device's side of a split virtqueue through cached pointers (virtio 1.2 section 2.7).

mod ahead;
mod logged;

use std::fmt;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering, fence};

use rustix::io::Errno;
use vmm_sys_util::eventfd::EventFd;

use crate::access::Access;
use crate::chain::{self, Chain};
use crate::dirty_log::Marks;
use crate::memory::MemoryMap;
use crate::ring_fault::{RingError, RingFault};
use crate::segments::Segments;

/// `VIRTQ_AVAIL_F_NO_INTERRUPT` (section 2.7.6).
const NO_INTERRUPT: u16 = 1;
/// `VIRTQ_USED_F_NO_NOTIFY` (section 2.7.8).
const NO_NOTIFY: u16 = 1;

/// Where a ring lies in guest memory. Addresses are guest-physical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingLayout {
    /// Number of entries, a power of two.
    pub size: u16,
    /// The descriptor table, 16-byte aligned.
    pub desc: u64,
    /// The available ring, 2-byte aligned.
    pub avail: u64,
    /// The used ring, 4-byte aligned.
    pub used: u64,
}

/// A bell, of a guest's or to a guest.
pub type Doorbell = EventFd;

/// The event file descriptors of a ring; `None`: the guest polls, or will be polled.
#[derive(Debug, Default)]
pub struct Doorbells {
    /// Written by the guest when it has made buffers available.
    pub kick: Option<EventFd>,
    /// Written by us when buffers were used.
    pub call: Option<EventFd>,
}

/// An index that counts chains, modulo 2^16.
///
/// Held as 32 bits: two 16-bit fields side by side are read by one wider load, which has to wait until the store of one
/// of them, and every store to guest memory before it, has left the processor. That doubled the cost of a small frame.
#[derive(Debug, Clone, Copy)]
struct Index(u32);

impl Index {
    #[inline]
    fn get(self) -> u16 {
        self.0 as u16
    }

    #[inline]
    fn advance(&mut self, by: u16) {
        self.0 = self.0.wrapping_add(by.into());
    }
}

/// A split virtqueue, device side. Owned by one thread at a time.
///
/// Indices are private copies: what a guest writes into the used ring changes nothing here. `next_used` may run ahead of
/// what is published, so that a burst is made visible by one store ([`Ring::publish`]).
pub struct Ring {
    desc: *const u8,
    avail: *const AtomicU16,
    used: *const AtomicU16,
    size: u16,
    event_idx: bool,
    next_avail: Index,
    /// Chains that were available when we last looked and are not consumed.
    known: u32,
    next_used: Index,
    /// Used index that the guest has been told.
    published: u16,
    /// Used index when it was last decided whether to signal; `None`: not since the start, so the next signal is
    /// unconditional, for we do not know what the previous owner of the ring signalled.
    signalled: Option<u16>,
    bells: Doorbells,
    /// What was found out on the way: a doorbell blocked us, the log is gone.
    fault: Option<RingFault>,
    /// What is written is marked here; `None`: the guest is not being migrated.
    marks: Option<Box<Marks>>,
    memory: Arc<MemoryMap>,
}

// SAFETY: the pointers lie in the mapping that `memory` keeps alive; access is by atomics and by `&mut self`.
unsafe impl Send for Ring {}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ring(size {}, next_avail {}, next_used {})", self.size, self.next_avail.get(), self.next_used.get())
    }
}

impl Ring {
    /// Translates and checks the layout, and takes the base from `used->idx` in guest memory: after a restart of ours
    /// that is the one place that knows what was completed (`rte_vhost` does the same).
    ///
    /// # Errors
    /// [`RingError`]: what the frontend said cannot be a ring.
    pub fn new(
        memory: Arc<MemoryMap>,
        layout: RingLayout,
        event_idx: bool,
        bells: Doorbells,
    ) -> Result<Self, RingError> {
        let RingLayout { size, desc, avail, used } = layout;
        if !size.is_power_of_two() {
            return Err(RingError::Size(size));
        }
        let entries = u64::from(size);
        let place = |part, address: u64, align: u64, len: u64| {
            let host = memory.host(address, len).ok_or(RingError::Outside(part))?;
            // The host mapping is page-aligned, so both must agree; checking the host's is what the atomics need.
            if address.is_multiple_of(align) && (host.as_ptr() as u64).is_multiple_of(align) {
                Ok(host.as_ptr())
            } else {
                Err(RingError::Unaligned(part))
            }
        };
        let desc = place("descriptor table", desc, 16, 16 * entries)?;
        let avail = place("available ring", avail, 2, 6 + 2 * entries)?;
        let used = place("used ring", used, 4, 6 + 8 * entries)?;
        let mut ring = Self {
            desc,
            avail: avail.cast(),
            used: used.cast(),
            size,
            event_idx,
            next_avail: Index(0),
            known: 0,
            next_used: Index(0),
            published: 0,
            signalled: None,
            bells,
            fault: None,
            marks: None,
            memory,
        };
        let base = u16::from_le(ring.used_word(1).load(Ordering::Acquire));
        (ring.next_avail, ring.next_used, ring.published) = (Index(base.into()), Index(base.into()), base);
        Ok(ring)
    }

    /// The next entry of the available ring that will be read.
    #[must_use]
    pub fn next_avail(&self) -> u16 {
        self.next_avail.get()
    }

    /// Entries of the ring: the most chains that can be available at a time.
    #[inline]
    #[must_use]
    pub fn size(&self) -> u16 {
        self.size
    }

    /// The guest memory that the ring lies in.
    #[inline]
    #[must_use]
    pub fn memory(&self) -> &Arc<MemoryMap> {
        &self.memory
    }

    /// The guest's doorbell, for a poll set.
    #[must_use]
    pub fn kick(&self) -> Option<BorrowedFd<'_>> {
        self.bells.kick.as_ref().map(borrow)
    }

    /// 16-bit word `index` of the available ring: flags, idx, ring[size], used_event.
    #[inline]
    fn avail_word(&self, index: usize) -> &AtomicU16 {
        debug_assert!(index < 3 + usize::from(self.size));
        // SAFETY: the layout was checked for 3 + size words; aligned; atomics may be shared with the guest.
        unsafe { &*self.avail.add(index) }
    }

    /// 16-bit word `index` of the used ring: flags, idx, then the elements, then avail_event.
    #[inline]
    fn used_word(&self, index: usize) -> &AtomicU16 {
        debug_assert!(index < 3 + 4 * usize::from(self.size));
        // SAFETY: the layout was checked for 3 + 4 * size words; aligned; atomics may be shared with the guest.
        unsafe { &*self.used.add(index) }
    }

    /// How many chains are available. Pairs with the guest's release of the index.
    ///
    /// # Errors
    /// [`RingFault::AvailIndex`]: more than the ring holds.
    #[inline]
    pub fn available(&self) -> Result<u16, RingFault> {
        let index = u16::from_le(self.avail_word(1).load(Ordering::Acquire));
        let waiting = index.wrapping_sub(self.next_avail.get());
        if waiting > self.size { Err(self.blame(RingFault::AvailIndex)) } else { Ok(waiting) }
    }

    /// How many chains are known to be available. Looks at the guest's index only when that is fewer than `wanted`, for
    /// the guest's writing to it makes each look a cache miss.
    ///
    /// # Errors
    /// As [`Ring::available`].
    #[inline]
    pub fn waiting(&mut self, wanted: u16) -> Result<u16, RingFault> {
        if self.known < wanted.into() {
            self.known = self.available()?.into();
        }
        Ok(self.known as u16)
    }

    /// Chains that are known to be available, without a look at the guest's index.
    #[inline]
    pub(crate) fn known(&self) -> u16 {
        self.known as u16
    }

    /// Head of the chain that stands `ahead` places after the next one. Call only within [`Ring::available`].
    ///
    /// # Errors
    /// [`RingFault::Head`]: past the table.
    #[inline]
    pub fn head(&self, ahead: u16) -> Result<u16, RingFault> {
        let slot = self.next_avail.get().wrapping_add(ahead) & (self.size - 1);
        let head = u16::from_le(self.avail_word(2 + usize::from(slot)).load(Ordering::Relaxed));
        if head < self.size { Ok(head) } else { Err(self.blame(RingFault::Head)) }
    }

    /// Memory that was taken away reads as zeroes, and no index survives that: names the cause, not the symptom.
    #[cold]
    fn blame(&self, symptom: RingFault) -> RingFault {
        self.late_fault().unwrap_or(symptom)
    }

    /// Appends the segments of the chain at `head` to `out`, which holds this ring's memory. `None`: malformed, or no
    /// room; `out` is then as it was.
    #[inline]
    #[must_use]
    pub fn walk(&self, head: u16, access: Access, out: &mut Segments) -> Option<Chain> {
        chain::walk(&self.memory, self.table(), head, access, out)
    }

    /// The descriptor table, and how many descriptors it has.
    #[inline]
    pub(crate) fn table(&self) -> (*const u8, u16) {
        (self.desc, self.size)
    }

    /// Takes `chains` chains off the available ring.
    #[inline]
    pub fn consume(&mut self, chains: u16) {
        self.next_avail.advance(chains);
        self.known = self.known.saturating_sub(chains.into());
    }

    /// Gives the chain at `head` back with `len` bytes written; the guest sees it at the next [`Ring::publish`].
    #[inline]
    pub fn complete(&mut self, head: u16, len: u32) {
        let slot = usize::from(self.next_used.get() & (self.size - 1));
        let element = (u64::from(len) << 32 | u64::from(head)).to_le();
        // SAFETY: element `slot` is 8 bytes at 4 + 8 * slot of the used ring, checked at construction. A guest that looks at
        // it before the index is published, or writes to it, garbles its own ring.
        unsafe { self.used.cast::<u8>().add(4 + 8 * slot).cast::<u64>().cast_mut().write_unaligned(element) };
        self.next_used.advance(1);
    }

    /// Where the available index is.
    #[inline]
    pub(crate) fn avail_index(&self) -> *const u8 {
        self.avail.wrapping_add(1).cast()
    }

    /// Where the used index is.
    #[inline]
    pub(crate) fn used_index(&self) -> *const u8 {
        self.used.wrapping_add(1).cast()
    }

    /// Where the element is that will be written `ahead` completions from now.
    #[inline]
    pub(crate) fn used_element(&self, ahead: u16) -> *const u8 {
        let slot = usize::from(self.next_used.get().wrapping_add(ahead) & (self.size - 1));
        self.used.cast::<u8>().wrapping_add(4 + 8 * slot)
    }

    /// Where descriptor `index`, which is below the ring's size, begins.
    #[inline]
    pub(crate) fn descriptor(&self, index: u16) -> *const u8 {
        debug_assert!(index < self.size);
        self.desc.wrapping_add(16 * usize::from(index))
    }

    /// The used index as it will be once everything that was completed is published.
    #[inline]
    #[must_use]
    pub fn completed(&self) -> u16 {
        self.next_used.get()
    }

    /// Makes every completed chain visible to the guest.
    #[inline]
    pub fn publish(&mut self) {
        self.publish_to(self.next_used.get());
    }

    /// Makes completed chains visible up to the used index `index`, which [`Ring::completed`] once gave.
    #[inline]
    pub fn publish_to(&mut self, index: u16) {
        if self.marks.is_some() {
            self.mark_written_and_used(index);
        } else {
            self.show(index);
        }
    }

    #[inline]
    fn show(&mut self, index: u16) {
        self.published = index;
        self.used_word(1).store(index.to_le(), Ordering::Release);
    }

    /// Rings the guest's bell if it asked for that; call after [`Ring::publish`]. True: the bell was rung.
    ///
    /// A full or closed eventfd is the guest's own affair and no error: it has a signal pending already.
    pub fn signal(&mut self) -> bool {
        // Remembered whether we ring or not: what passed is counted from here. Counted from the last ring instead, it
        // would be wrong once the guest has let the index wrap around without a wish.
        let last = self.signalled.replace(self.published);
        if last == Some(self.published) {
            return false;
        }
        // The store of the used index must be visible before the guest's wish is read (section 2.7.10).
        fence(Ordering::SeqCst);
        self.wants_signal(last) && self.nudge()
    }

    /// Rings the guest's bell whatever it wishes. For a ring that starts: its previous owner may have been killed
    /// between a completion and its signal, and a guest whose queue is full waits for that signal.
    pub fn nudge(&mut self) -> bool {
        let Some(call) = &self.bells.call else { return false };
        // One write, not `EventFd::write`, which tries again when it is interrupted.
        let rung = rustix::io::write(borrow(call), &1_u64.to_ne_bytes());
        if rung == Err(Errno::INTR) {
            self.silence();
        }
        rung.is_ok()
    }

    /// Rings this bell from now on. Whoever changes it rings the new one once: what was rung before may not have been heard.
    pub fn replace_call(&mut self, call: Option<Doorbell>) -> Option<Doorbell> {
        std::mem::replace(&mut self.bells.call, call)
    }

    /// A doorbell blocked us: whoever gave it to us has made it blocking again. Never touch it again.
    fn silence(&mut self) {
        self.bells.call = None;
        self.fault = Some(RingFault::Doorbell);
    }

    /// Whether the guest wants to hear of the completions since used index `last`.
    fn wants_signal(&self, last: Option<u16>) -> bool {
        let Some(last) = last else { return true };
        if !self.event_idx {
            return u16::from_le(self.avail_word(0).load(Ordering::Relaxed)) & NO_INTERRUPT == 0;
        }
        let wish = u16::from_le(self.avail_word(2 + usize::from(self.size)).load(Ordering::Relaxed));
        // vring_need_event (section 2.7.10.1): did the index pass `wish` since then?
        self.published.wrapping_sub(wish).wrapping_sub(1) < self.published.wrapping_sub(last)
    }

    /// Asks the guest to kick for the next chain. True: a chain arrived meanwhile, so do not sleep.
    ///
    /// # Errors
    /// As [`Ring::available`].
    pub fn arm(&mut self) -> Result<bool, RingFault> {
        if self.event_idx {
            self.wish(2 + 4 * usize::from(self.size), self.next_avail.get());
        } else {
            self.wish(0, 0);
        }
        fence(Ordering::SeqCst);
        Ok(self.available()? != 0)
    }

    /// Asks the guest not to kick: we poll. With event-idx nothing is to be done; the stale index costs one kick in
    /// 65536 chains at worst.
    pub fn disarm(&mut self) {
        if !self.event_idx {
            self.wish(0, NO_NOTIFY);
        }
    }

    /// Writes a wish of ours into 16-bit word `index` of the used ring, if it is not there yet: a guest that is at rest has
    /// nothing written to its memory.
    fn wish(&mut self, index: usize, value: u16) {
        let word = self.used_word(index);
        if word.load(Ordering::Relaxed) == value.to_le() {
            return;
        }
        word.store(value.to_le(), Ordering::Relaxed);
        if let Some(marks) = &mut self.marks {
            marks.mark_used(2 * index, 2);
            marks.flush();
        }
    }

    /// Clears the guest's doorbell after a wake-up.
    pub fn drain_kick(&mut self) {
        let Some(kick) = &self.bells.kick else { return };
        // EAGAIN: someone cleared it already.
        if rustix::io::read(borrow(kick), &mut [0; 8]) == Err(Errno::INTR) {
            self.silence();
        }
    }

    /// A fault that only shows after the fact: the memory behind the ring or its log is gone, or a doorbell blocked us.
    #[must_use]
    pub fn late_fault(&self) -> Option<RingFault> {
        self.fault.or_else(|| self.memory.poisoned().then_some(RingFault::Memory))
    }
}

/// Doorbells never block, so that nothing can interrupt them; unless their sender, who shares the open file with us,
/// has cleared the flag ([`crate::interrupt`]).
fn borrow(bell: &EventFd) -> BorrowedFd<'_> {
    // SAFETY: the descriptor is owned by `bell`, which outlives the borrow.
    unsafe { BorrowedFd::borrow_raw(bell.as_raw_fd()) }
}
