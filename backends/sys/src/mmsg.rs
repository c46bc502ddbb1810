// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A burst of messages over a socket by one system call (`sendmmsg`, `recvmmsg`), without a list of pointers that is kept:
//! each call makes its own, on the stack.

use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::memory::MemoryMap;

/// Messages that one call sends or receives at most.
pub const MESSAGES_MAX: usize = 64;

/// Where the messages of a burst go: message `n` to the `room` bytes at `first + n * stride`, addresses of a [`MemoryMap`].
#[derive(Debug, Clone, Copy)]
pub struct Slots {
    /// Address of the first.
    pub first: u64,
    /// From one to the next.
    pub stride: u64,
    /// Bytes that each has room for. What is longer is cut.
    pub room: u32,
}

/// Pointers for one call: a header for each message, with one piece of memory each.
struct Burst {
    headers: [MaybeUninit<libc::mmsghdr>; MESSAGES_MAX],
    pieces: [MaybeUninit<libc::iovec>; MESSAGES_MAX],
    len: usize,
}

impl Burst {
    fn new() -> Self {
        Self {
            headers: [const { MaybeUninit::uninit() }; MESSAGES_MAX],
            pieces: [const { MaybeUninit::uninit() }; MESSAGES_MAX],
            len: 0,
        }
    }

    /// Adds a message of the `len` bytes at `start`. More than there is room for are left out.
    fn push(&mut self, start: *mut u8, len: usize) {
        let (Some(header), Some(piece)) = (self.headers.get_mut(self.len), self.pieces.get_mut(self.len)) else {
            return;
        };
        piece.write(libc::iovec { iov_base: start.cast(), iov_len: len });
        // SAFETY: all of it is numbers and pointers, of which zero is a value.
        header.write(unsafe { std::mem::zeroed() });
        self.len += 1;
    }

    /// The headers, each with its piece, and how many. They point into `self`, which must neither move nor end meanwhile.
    fn headers(&mut self) -> (*mut libc::mmsghdr, libc::c_uint) {
        let piece = self.pieces.as_mut_ptr().cast::<libc::iovec>();
        for (number, header) in self.headers.iter_mut().take(self.len).enumerate() {
            // SAFETY: of the first `len` headers each was written, and there are as many pieces.
            let header = unsafe { header.assume_init_mut() };
            header.msg_hdr.msg_iov = piece.wrapping_add(number);
            header.msg_hdr.msg_iovlen = 1;
        }
        (self.headers.as_mut_ptr().cast(), self.len as libc::c_uint)
    }
}

/// Bytes that were sent over a Unix socket and that the other end has not read yet, as the kernel accounts for them
/// (`SIOCOUTQ`, `unix_outq_len`).
///
/// # Errors
/// What `ioctl` says.
pub fn unread(socket: BorrowedFd<'_>) -> io::Result<u32> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the kernel writes one int.
    if unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(u32::try_from(bytes).unwrap_or(0))
}

/// Sends the first [`MESSAGES_MAX`] of `messages`, each a range of `bytes`, without blocking. A range that is not in `bytes`
/// is a message of no bytes. Returns how many were taken, at least one unless there are none.
///
/// # Errors
/// Why the first one was not taken: `WouldBlock` when there is no room for it.
pub fn send_burst(socket: BorrowedFd<'_>, bytes: &[u8], messages: &[Range<usize>]) -> io::Result<usize> {
    if messages.is_empty() {
        return Ok(0);
    }
    let mut burst = Burst::new();
    for range in messages.iter().take(MESSAGES_MAX) {
        let message = bytes.get(range.clone()).unwrap_or_default();
        burst.push(message.as_ptr().cast_mut(), message.len());
    }
    let (headers, count) = burst.headers();
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: `count` headers were written, each with one piece that is part of `bytes`; the kernel only reads these, and
    // `burst`, into which the headers point, has not moved since and outlives the call.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers, count, flags as _) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Receives up to `lens.len()` messages without blocking into `slots` of `memory`, at most [`MESSAGES_MAX`], and says how long
/// each was: longer than its slot has room for where it was cut. Returns how many came, at least one unless there is no slot.
///
/// # Errors
/// `WouldBlock` when nothing waits; what else `recvmmsg` says.
pub fn receive_burst(socket: BorrowedFd<'_>, memory: &MemoryMap, slots: Slots, lens: &mut [u32]) -> io::Result<usize> {
    let mut burst = Burst::new();
    let wanted = lens.len().min(MESSAGES_MAX) as u64;
    let places = (0..wanted).map_while(|number| {
        let address = slots.first.checked_add(slots.stride.checked_mul(number)?)?;
        memory.host(address, u64::from(slots.room))
    });
    places.for_each(|place| burst.push(place.as_ptr(), slots.room as usize));
    if burst.len == 0 {
        return Ok(0);
    }
    let (headers, count) = burst.headers();
    let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
    // SAFETY: `count` headers were written, each with `slots.room` bytes of the mapping, which `memory` keeps alive and to
    // which no reference exists; `burst`, into which the headers point, has not moved since and outlives the call.
    let came = unsafe { libc::recvmmsg(socket.as_raw_fd(), headers, count, flags as _, std::ptr::null_mut()) };
    let came = usize::try_from(came).map_err(|_| io::Error::last_os_error())?;
    for (header, len) in burst.headers.iter().zip(lens).take(came.min(burst.len)) {
        // SAFETY: of the first `burst.len` headers each was written.
        *len = unsafe { header.assume_init_ref() }.msg_len;
    }
    Ok(came)
}
