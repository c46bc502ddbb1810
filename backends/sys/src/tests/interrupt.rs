// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A VMM that shares a doorbell's open file with us makes it block.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{OFlags, fcntl_setfl};

use super::{Guest, LAYOUT};
use crate::interrupt::Interruptible;
use crate::{Doorbells, Ring, RingFault, fd};

#[test]
fn a_bell_that_blocks_is_got_out_of_and_never_rung_again() {
    let theirs = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
    let ours = fd::into_eventfd(theirs.try_clone().unwrap()).unwrap();
    File::from(theirs.try_clone().unwrap()).write_all(&(u64::MAX - 1).to_ne_bytes()).unwrap();
    fcntl_setfl(theirs.as_fd(), OFlags::empty()).unwrap();

    let guest = Guest::new();
    let bells = Doorbells { kick: None, call: Some(ours) };
    let mut ring = Ring::new(guest.map(), LAYOUT, false, bells).unwrap();
    let (thread, started) = channel();
    let (done, ended) = channel();
    let ringer = std::thread::spawn(move || {
        thread.send(Interruptible::current().unwrap()).unwrap();
        assert!(!ring.nudge());
        done.send(ring.late_fault()).unwrap();
        assert!(!ring.nudge(), "a second time would block again");
    });
    let ringer_thread = started.recv().unwrap();
    // The first signal may come before the thread blocks.
    let fault = loop {
        ringer_thread.interrupt();
        match ended.recv_timeout(Duration::from_millis(5)) {
            Err(RecvTimeoutError::Timeout) => {}
            fault => break fault.expect("the ringing thread lives"),
        }
    };
    ringer.join().unwrap();
    assert_eq!(fault, Some(RingFault::Doorbell));
}
