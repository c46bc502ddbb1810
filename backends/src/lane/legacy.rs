// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is left of an open lane to the weftd after this one: its descriptors, and what lies between two frames.
//!
//! Both halves of a lane are the frame path's, so nobody but they can say what they have. They say it when they are dropped, if
//! that is wanted by then: nothing touches the lane any more, and what they leave goes on with it, here or in another process.

use super::packet_ring::RingLegacy;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What a lane leaves. It ends nothing and removes no file when it is dropped: another process may go on with it.
#[derive(Debug, Default)]
pub(crate) struct LaneLegacy {
    /// The socket that has a file.
    pub(crate) bound: Option<BoundLegacy>,
    /// A connection, the socket to the peer or on a netdev, or the queues of a tap.
    pub(crate) others: Vec<OwnedFd>,
    /// The ring that the socket on a netdev receives into: what has come and was not delivered is there.
    pub(crate) ring: Option<RingLegacy>,
    /// What has come and was not delivered: of a stream, the last frame may not be whole.
    pub(crate) came: Vec<u8>,
    /// What waits until the other end has room, a message each: of a stream, a part of the first may have gone.
    pub(crate) waiting: Vec<Vec<u8>>,
}

/// A socket with a file.
#[derive(Debug)]
pub(crate) struct BoundLegacy {
    pub(crate) socket: OwnedFd,
    /// Device and inode of the file: another one in its place is somebody else's.
    pub(crate) file: (u64, u64),
}

/// Where the halves of a lane put what they leave.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    wanted: AtomicBool,
    left: Mutex<LaneLegacy>,
}

impl Keeper {
    /// From now on, what the lane has is kept when it is dropped.
    pub(crate) fn keep(&self) {
        self.wanted.store(true, Ordering::Release);
    }

    /// What has been kept.
    pub(crate) fn take(&self) -> LaneLegacy {
        std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets a half that is dropped say what it leaves, if that is kept.
    pub(super) fn leave(self: &Arc<Self>, say: impl FnOnce(&mut LaneLegacy)) {
        if self.wanted.load(Ordering::Acquire) {
            say(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}
