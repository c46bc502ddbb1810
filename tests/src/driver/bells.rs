// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The two doorbells of a queue, and a driver's sleep.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{read, write};

use super::virtqueue::Virtqueue;
use crate::wait::Deadline;

/// How long a signal may trail the used index that it is for, on a busy machine.
const GRACE: Duration = Duration::from_secs(2);

/// Eventfds of one queue: `kick` to the device, `call` from it. Both non-blocking.
#[derive(Debug)]
pub struct Bells {
    kick: OwnedFd,
    call: OwnedFd,
}

impl Bells {
    /// Two fresh eventfds.
    ///
    /// # Panics
    /// When the process is out of file descriptors.
    #[expect(clippy::new_without_default, reason = "takes two file descriptors, which a default should not")]
    pub fn new() -> Bells {
        let fresh = || {
            eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("a test has file descriptors to spare")
        };
        Bells { kick: fresh(), call: fresh() }
    }

    /// The eventfd that the driver rings.
    pub fn kick_fd(&self) -> BorrowedFd<'_> {
        self.kick.as_fd()
    }

    /// The eventfd that the device rings.
    pub fn call_fd(&self) -> BorrowedFd<'_> {
        self.call.as_fd()
    }

    /// Rings the device.
    pub fn kick(&self) {
        // Only a counter about to overflow can fail, and then the device has a pending ring anyway.
        let _ = write(&self.kick, &1u64.to_ne_bytes());
    }

    /// How often the device has rung since the last look.
    pub fn take_calls(&self) -> u64 {
        let mut count = [0; 8];
        match read(&self.call, &mut count) {
            Ok(8) => u64::from_ne_bytes(count),
            _ => 0,
        }
    }
}

/// Sleeps until one of `queues` has used entries, as a driver's interrupt handler would be woken. False: none until
/// `deadline`.
///
/// # Panics
/// When there is work at the deadline that no queue was signalled for: the switch lost an interrupt.
pub fn wait_any(queues: &[&Virtqueue], deadline: Deadline) -> bool {
    let found = sleep(queues, deadline);
    queues.iter().for_each(|queue| queue.disarm());
    found
}

fn sleep(queues: &[&Virtqueue], deadline: Deadline) -> bool {
    loop {
        // Arm every queue, not only up to the first with work: a short-cut would hide a lost interrupt.
        if queues.iter().filter(|queue| queue.arm()).count() > 0 {
            return true;
        }
        if !poll_calls(queues, deadline) {
            let unsignalled = queues.iter().find(|queue| queue.has_used());
            // Published just before the deadline, the signal may still be on its way.
            let Some(queue) = unsignalled else { return false };
            let name = queue.name();
            assert!(poll_calls(queues, Deadline::after(GRACE)), "{name} has used entries that were never signalled");
        }
        for queue in queues {
            queue.bells().take_calls();
        }
    }
}

/// True when one of the call eventfds is readable before `deadline`.
fn poll_calls(queues: &[&Virtqueue], deadline: Deadline) -> bool {
    let mut fds: Vec<PollFd> = Vec::with_capacity(queues.len());
    for queue in queues {
        fds.push(PollFd::from_borrowed_fd(queue.bells().call_fd(), PollFlags::IN));
    }
    let left = Timespec::try_from(deadline.left()).expect("a deadline fits a timespec");
    matches!(poll(&mut fds, Some(&left)), Ok(ready) if ready > 0)
}
