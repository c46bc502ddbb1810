// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use std::io::{ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use crate::fd::{
    MAX_FDS, into_eventfd, is_eventfd, peer_credentials, peer_groups, recv_with_fds, refuse_rights, send_with_fds,
};

fn eventfd() -> OwnedFd {
    rustix::event::eventfd(0, rustix::event::EventfdFlags::empty()).unwrap()
}

#[test]
fn descriptors_travel_with_their_bytes() {
    let (a, b) = UnixStream::pair().unwrap();
    let (first, second) = (eventfd(), eventfd());
    assert_eq!(send_with_fds(a.as_fd(), b"hello", &[first.as_fd(), second.as_fd()]).unwrap(), 5);
    let (mut bytes, mut fds) = ([0; 16], Vec::new());
    assert_eq!(recv_with_fds(b.as_fd(), &mut bytes, &mut fds).unwrap(), 5);
    assert_eq!((&bytes[..5], fds.len()), (&b"hello"[..], 2));
    assert!(fds.iter().all(|fd| is_eventfd(fd.as_fd())));
}

#[test]
fn nothing_to_read_and_end_of_stream_are_told_apart() {
    let (a, b) = UnixStream::pair().unwrap();
    let mut fds = Vec::new();
    let error = recv_with_fds(b.as_fd(), &mut [0; 4], &mut fds).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    drop(a);
    assert_eq!(recv_with_fds(b.as_fd(), &mut [0; 4], &mut fds).unwrap(), 0);
}

#[test]
fn more_descriptors_than_allowed_are_an_error_and_the_callers() {
    let (a, b) = UnixStream::pair().unwrap();
    let fd = eventfd();
    let many: Vec<BorrowedFd<'_>> = std::iter::repeat_n(fd.as_fd(), 253).collect();
    assert_eq!(send_with_fds(a.as_fd(), b"x", &many[..=MAX_FDS]).unwrap_err().kind(), ErrorKind::InvalidInput);
    // Another program has no such limit: build the message by hand.
    let mut space = vec![std::mem::MaybeUninit::uninit(); 8192];
    let mut control = rustix::net::SendAncillaryBuffer::new(&mut space);
    assert!(control.push(rustix::net::SendAncillaryMessage::ScmRights(&many)));
    let bytes = [std::io::IoSlice::new(b"x")];
    rustix::net::sendmsg(&a, &bytes, &mut control, rustix::net::SendFlags::empty()).unwrap();
    let mut fds = Vec::new();
    let error = recv_with_fds(b.as_fd(), &mut [0; 4], &mut fds).unwrap_err();
    assert_eq!((error.kind(), fds.len()), (ErrorKind::InvalidData, 253), "the kernel has closed none of them");
}

#[test]
fn only_eventfds_are_eventfds() {
    let (a, _b) = UnixStream::pair().unwrap();
    assert!(!is_eventfd(a.as_fd()));
    assert!(!is_eventfd(std::fs::File::open("/dev/null").unwrap().as_fd()));
    assert!(is_eventfd(eventfd().as_fd()));
}

#[test]
fn a_blocking_eventfd_that_is_full_does_not_block_once_it_is_non_blocking() {
    let fd = eventfd();
    std::fs::File::from(fd.try_clone().unwrap()).write_all(&(u64::MAX - 1).to_ne_bytes()).unwrap();
    let bell = into_eventfd(fd).unwrap();
    assert_eq!(bell.write(1).unwrap_err().kind(), ErrorKind::WouldBlock);
    let file = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(into_eventfd(file.into()).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn the_peer_of_a_pair_is_ourselves() {
    let (a, _b) = UnixStream::pair().unwrap();
    let peer = peer_credentials(a.as_fd()).unwrap();
    assert_eq!(peer.pid as u32, std::process::id());
    assert_eq!(peer.uid, rustix::process::getuid().as_raw());
}

#[test]
fn the_groups_of_a_peer_are_those_it_had_when_it_connected() {
    let (a, _b) = UnixStream::pair().unwrap();
    let ours: Vec<u32> = rustix::process::getgroups().unwrap().into_iter().map(rustix::fs::Gid::as_raw).collect();
    assert_eq!(peer_groups(a.as_fd()).unwrap(), ours);
    let file = std::fs::File::open("/dev/null").unwrap();
    assert!(peer_groups(file.as_fd()).is_err(), "not a socket");
}

#[test]
fn descriptors_can_be_refused_where_the_kernel_knows_how() {
    let dir = std::env::temp_dir().join(format!("weft-rights-{}", std::process::id()));
    let listener = std::os::unix::net::UnixListener::bind(&dir).unwrap();
    let known = refuse_rights(listener.as_fd());
    let peer = UnixStream::connect(&dir).unwrap();
    std::fs::remove_file(&dir).unwrap();
    let sent = send_with_fds(peer.as_fd(), b"x", &[peer.as_fd()]);
    assert_eq!(sent.is_err(), known, "{sent:?}");
}
