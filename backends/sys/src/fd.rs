// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! File descriptors over Unix sockets, and what a descriptor is.
//!
//! Safe wrappers of `recvmsg`/`sendmsg` with `SCM_RIGHTS`, never blocking, with the bounds that a hostile peer calls for:
//! every descriptor that arrives is owned at once (so none leaks), close-on-exec, and a truncated control message is an
//! error.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use vmm_sys_util::eventfd::EventFd;

/// Descriptors that one message may carry: what `SCM_MAX_FD` lets the kernel pass is 253; vhost-user needs 32.
pub const MAX_FDS: usize = 32;

/// Who is at the other end of a Unix socket, as the kernel recorded it at connect time (`SO_PEERCRED`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerCredentials {
    /// Process id; 0 when it is in a pid namespace that we do not see.
    pub pid: i32,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}

/// Descriptors that Linux lets come with one message (`SCM_MAX_FD`). What a shorter buffer has no room for is closed by
/// the kernel there and then, which may block.
const FDS_BY_KERNEL: usize = 253;

/// Supplementary groups that there is room for at the first try; Linux lets a process have 65536.
const GROUPS_USUAL: usize = 64;

/// Receives up to `buf.len()` bytes without blocking and appends the descriptors that came with them to `fds`.
/// Returns the byte count; 0 is the end of the stream.
///
/// # Errors
/// `WouldBlock` when nothing waits; `InvalidData` when `fds` holds more than [`MAX_FDS`] then, or when some were lost. Those that came
/// are in `fds` all the same, because to close them is the caller's choice: it may block.
pub fn recv_with_fds(socket: BorrowedFd<'_>, buf: &mut [u8], fds: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut space = [MaybeUninit::<u8>::uninit(); rustix::cmsg_space!(ScmRights(FDS_BY_KERNEL), ScmCredentials(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(socket, &mut [IoSliceMut::new(buf)], &mut control, flags)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    // Truncated: we have no descriptors left, or somebody asked for more kinds of messages on this socket.
    if received.flags.contains(ReturnFlags::CTRUNC) || fds.len() > MAX_FDS {
        return Err(too_many(io::ErrorKind::InvalidData));
    }
    Ok(received.bytes)
}

/// Sends bytes and descriptors in one call without blocking; the descriptors go with the first byte.
/// Returns how many bytes were taken.
///
/// # Errors
/// `WouldBlock` when the peer is slow; `BrokenPipe` when it is gone; `InvalidInput` for more than [`MAX_FDS`].
pub fn send_with_fds(socket: BorrowedFd<'_>, buf: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::<u8>::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if fds.len() > MAX_FDS || (!fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds))) {
        return Err(too_many(io::ErrorKind::InvalidInput));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    Ok(sendmsg(socket, &[IoSlice::new(buf)], &mut control, flags)?)
}

fn too_many(kind: io::ErrorKind) -> io::Error {
    io::Error::new(kind, format!("more than {MAX_FDS} file descriptors with one message"))
}

/// Whether the descriptor is an eventfd: the kernel names its anonymous inode so in `/proc/self/fd`.
#[must_use]
pub fn is_eventfd(fd: BorrowedFd<'_>) -> bool {
    std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
        .is_ok_and(|target| target.as_os_str() == "anon_inode:[eventfd]")
}

/// Takes a descriptor as a non-blocking eventfd.
///
/// # Errors
/// `InvalidInput` when it is something else; what `fcntl` says.
pub fn into_eventfd(fd: OwnedFd) -> io::Result<EventFd> {
    if !is_eventfd(fd.as_fd()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the descriptor is not an eventfd"));
    }
    set_nonblocking(fd.as_fd())?;
    // SAFETY: the descriptor is an eventfd, open, and owned by nobody else: `fd` has just given it up.
    Ok(unsafe { EventFd::from_raw_fd(fd.into_raw_fd()) })
}

/// Sets `O_NONBLOCK` on the open file behind the descriptor.
///
/// # Errors
/// What `fcntl` says.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(fd)?;
    Ok(rustix::fs::fcntl_setfl(fd, flags | rustix::fs::OFlags::NONBLOCK)?)
}

/// Makes the kernel refuse descriptors that a peer wants to send over a Unix socket, and over those that are accepted
/// from it (`SO_PASSRIGHTS`, Linux 6.16). False: the kernel is older, they still come.
pub fn refuse_rights(socket: BorrowedFd<'_>) -> bool {
    /// From the kernel's asm-generic/socket.h; the `libc` crate does not have it yet.
    const SO_PASSRIGHTS: libc::c_int = 83;
    let off: libc::c_int = 0;
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `off` is an int and `len` says so; the kernel only reads it.
    unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, SO_PASSRIGHTS, (&raw const off).cast(), len) == 0 }
}

/// Supplementary groups of the peer of a connected Unix socket, as the kernel recorded them at connect time
/// (`SO_PEERGROUPS`, Linux 4.13).
///
/// # Errors
/// What `getsockopt` says.
pub fn peer_groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    let mut groups = vec![0_u32; GROUPS_USUAL];
    loop {
        let room = size_of_val(groups.as_slice());
        let mut len = room as libc::socklen_t;
        let to = groups.as_mut_ptr().cast();
        // SAFETY: `to` leads to `len` bytes that are ours; the kernel writes at most that many, whole ids of 32 bits, of
        // which every pattern is a u32.
        let outcome =
            unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERGROUPS, to, &raw mut len) };
        let failure = (outcome != 0).then(io::Error::last_os_error);
        match failure {
            // Too little room, and `len` says how much it takes.
            Some(failure) if failure.raw_os_error() == Some(libc::ERANGE) && len as usize > room => {
                groups.resize(len as usize / size_of::<u32>(), 0);
            }
            Some(failure) => return Err(failure),
            None => {
                groups.truncate(len as usize / size_of::<u32>());
                return Ok(groups);
            }
        }
    }
}

/// Credentials of the peer of a connected Unix socket (`SO_PEERCRED`, unix(7)).
///
/// # Errors
/// What `getsockopt` says.
pub fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<PeerCredentials> {
    let mut found = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `found` is a ucred and `len` says so; the kernel writes at most that many bytes.
    let outcome = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut found).cast(), &raw mut len)
    };
    if outcome != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(PeerCredentials { pid: found.pid, uid: found.uid, gid: found.gid })
}

/// Closes every descriptor but standard input, output and error. For the beginning of `main`, in a program that was started
/// by another and has opened nothing itself: whatever there is was left open for it by mistake.
pub fn close_inherited() {
    const FIRST: libc::c_uint = 3;
    // SAFETY: only numbers are passed. By the contract above nobody in this process owns one of these descriptors. The call
    // fails on kernels before 5.9 only, and leaves everything as it is there.
    unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, 0 as libc::c_uint) };
}
