// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The state of the device beyond its rings, which a VMM asks for that migrates a guest or takes a snapshot of it.
//!
//! There is none: where a ring stands is in guest memory, and what the port is, is not the VMM's to say. So it is a word and a
//! version, in which a later weft could say more. It goes through a pipe, which is never waited for: a word fits into it, and
//! its end is there when the VMM asks whether all went well.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::{Errno, read, write};

use super::refusal::Refusal;
use crate::vhost_user::message::Message;

/// All that there is to say.
const STATE: &[u8] = b"weft net 1\n";

/// Directions of a transfer, seen from the VMM (vhost-user, `VHOST_USER_SET_DEVICE_STATE_FD`).
const SAVE: u32 = 0;
const LOAD: u32 = 1;

/// The transfer that the VMM has begun.
#[derive(Debug)]
pub(super) enum Transfer {
    /// All of the state is in the pipe.
    Saved,
    /// It is to be read from here.
    Loading(OwnedFd),
}

/// SET_DEVICE_STATE_FD.
pub(super) fn begin(name: &'static str, message: &mut Message) -> Result<Transfer, Refusal> {
    let value = |at| message.u32_at(at).unwrap_or(u32::MAX);
    let (direction, phase) = (value(0), value(4));
    if direction > LOAD || phase != 0 {
        let (value, expected) = (u64::from(phase) << 32 | u64::from(direction), "0 or 1, of a device that is stopped");
        return Err(Refusal::Value { message: name, what: "the direction", value, expected: expected.to_owned() });
    }
    let refusal = |fault| Refusal::State { message: name, fault };
    let pipe = message.fds.first().ok_or(Refusal::Descriptors { message: name, got: 0, expected: 1 })?;
    // Only pipes have a size, and the kernel tells it without asking anybody.
    let is_pipe = rustix::pipe::fcntl_getpipe_size(pipe).is_ok() && sys::fd::set_nonblocking(pipe.as_fd()).is_ok();
    if !is_pipe {
        return Err(refusal("the file descriptor is no pipe"));
    }
    if direction == SAVE && write(pipe, STATE) != Ok(STATE.len()) {
        return Err(refusal("the pipe does not take the state"));
    }
    // A pipe is closed without waiting.
    let pipe = message.fds.remove(0);
    Ok(if direction == SAVE { Transfer::Saved } else { Transfer::Loading(pipe) })
}

/// CHECK_DEVICE_STATE: whether the transfer went well, which is over then.
pub(super) fn end(name: &'static str, transfer: Option<Transfer>) -> Result<(), Refusal> {
    let refusal = |fault| Refusal::State { message: name, fault };
    match transfer {
        None => Err(refusal("no transfer was begun")),
        Some(Transfer::Saved) => Ok(()),
        Some(Transfer::Loading(pipe)) => {
            let mut bytes = [0; STATE.len() + 1];
            let len = read_to_end(&pipe, &mut bytes).map_err(|_| refusal("the state has not come to its end"))?;
            // A VMM whose guest began with another backend may have nothing to load.
            let known = len == 0 || bytes.get(..len) == Some(STATE);
            if known { Ok(()) } else { Err(refusal("the state is of another backend or of a newer weft")) }
        }
    }
}

/// How many bytes there are up to the end; all of `out` means more.
fn read_to_end(pipe: &OwnedFd, out: &mut [u8]) -> Result<usize, Errno> {
    let mut len = 0;
    while let Some(room) = out.get_mut(len..).filter(|room| !room.is_empty()) {
        match read(pipe, room)? {
            0 => break,
            more => len += more,
        }
    }
    Ok(len)
}
