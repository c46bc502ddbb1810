// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Bytes and file descriptors over a Unix socket, by `sendmsg` and `recvmsg` with SCM_RIGHTS. Sockets with a time limit
//! are interrupted when the process is stopped and goes on; that counts for nothing here.
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use crate::wait::Deadline;

/// Most file descriptors that the kernel passes with one message.
const FDS_MAX: usize = 253;

/// Sends all of `bytes`; the file descriptors go with the first of them.
pub(crate) fn send_all(socket: &UnixStream, bytes: &[u8], fds: &[BorrowedFd]) -> io::Result<()> {
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the kernel passes at most 253 file descriptors"));
    }
    let mut sent = retry_on_intr(|| sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL))?;
    while sent < bytes.len() {
        let mut none = SendAncillaryBuffer::default();
        let rest = [IoSlice::new(&bytes[sent..])];
        sent += retry_on_intr(|| sendmsg(socket, &rest, &mut none, SendFlags::NOSIGNAL))?;
    }
    Ok(())
}

/// Receives what is there, at most `bytes`; 0 means that the other side hung up.
pub(crate) fn recv(socket: &UnixStream, bytes: &mut [u8], fds: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut into = [IoSliceMut::new(bytes)];
    let received = retry_on_intr(|| recvmsg(socket, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC))?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            fds.extend(passed);
        }
    }
    Ok(received.bytes)
}

/// Receives exactly `bytes.len()` bytes.
pub(crate) fn recv_exact(socket: &UnixStream, bytes: &mut [u8], fds: &mut Vec<OwnedFd>) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        match recv(socket, &mut bytes[filled..], fds)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => filled += more,
        }
    }
    Ok(())
}

/// Waits until there is something to receive, or the other side has hung up.
pub(crate) fn readable(socket: &UnixStream, deadline: Deadline) -> bool {
    let left = Timespec::try_from(deadline.left()).expect("a deadline fits a timespec");
    matches!(poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&left)), Ok(ready) if ready > 0)
}
