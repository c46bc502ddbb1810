// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Entry points for fuzzing: any bytes, no I/O but descriptors of our own making.
//!
//! Each takes what a frontend could send. It must return, whatever the bytes; a panic is a find.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

use super::assembler::{Assembler, Direction};
use super::features::{FeatureSpec, offered_features};
use super::guard::{Guard, Limits, SealPolicy, Verdict};
use super::message::{BODY_MAX, Message};
use crate::dispose::Descriptors;

/// A byte stream in pieces: the first byte of each piece says how long it is, and how late it comes.
pub fn stream(mut data: &[u8]) {
    let (mut assembler, mut now) = (Assembler::new(Direction::Requests), Instant::now());
    while let Some((&head, rest)) = data.split_first() {
        let (piece, rest) = rest.split_at(rest.len().min(usize::from(head & 0x3f)));
        now += Duration::from_millis(u64::from(head >> 6));
        if assembler.push(piece, Descriptors::default(), now).is_err() || assembler.check_time(now).is_err() {
            return;
        }
        while let Some(message) = assembler.pull() {
            assert!(message.body.len() <= BODY_MAX, "a message is longer than any may be");
        }
        data = rest;
    }
}

/// A conversation with the guard: request, kinds of descriptors, length, payload, again and again.
pub fn conversation(mut data: &[u8]) {
    let features = offered_features(&FeatureSpec { queue_pairs: 2, offloads: true });
    let mut guard = Guard::new(Limits { rings: 4, features, mtu: 1500, seals: SealPolicy::Warn });
    while let [request, descriptors, len, rest @ ..] = data {
        let (body, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        data = rest;
        let fds = (0..descriptors & 3).filter_map(|_| descriptor(descriptors >> 2)).collect();
        let mut message = Message { fds, ..Message::new(u32::from(*request & 0x3f), body.to_vec()) };
        // The top bit of the request is its wish for an acknowledgement.
        message.flags |= u32::from(request >> 7) << 3;
        match guard.judge(message).verdict {
            Verdict::Forward { messages, .. } => assert!(!messages.is_empty(), "nothing is forwarded"),
            Verdict::Answer(_) => {}
            Verdict::Refuse(_) => return,
        }
    }
}

/// A descriptor of some kind; `None` when the system has none left.
fn descriptor(kind: u8) -> Option<OwnedFd> {
    match kind % 4 {
        0 => eventfd(0, EventfdFlags::CLOEXEC).ok(),
        1 => std::fs::File::open("/dev/null").ok().map(OwnedFd::from),
        pages => {
            let fd = memfd_create("fuzz", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).ok()?;
            ftruncate(&fd, 4096 * (u64::from(pages) - 2)).ok()?;
            Some(fd)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_stream_is_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..2000)) {
            super::stream(&data);
        }

        #[test]
        fn any_conversation_is_judged(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            super::conversation(&data);
        }
    }
}
