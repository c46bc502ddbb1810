// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One vhost-user message: our own header, the request ids, the payloads that we read.
//!
//! The `vhost` crate keeps its header type private and reads a message in pieces; the guard needs whole messages that it
//! can look at, change and invent. Source of every number here: the vhost-user specification of QEMU
//! (`docs/interop/vhost-user.rst`), sections "Message format" and "Front-end message types".

use std::io;
use std::os::fd::OwnedFd;

use crate::dispose::Descriptors;

/// Length of the header: request, flags, payload size, 32 bits each in host byte order.
pub const HEADER_LEN: usize = 12;

/// Longest payload that we take. The longest that we offer a use for is a memory table, 1032 bytes; the `vhost` crate
/// takes no more than this either.
pub const BODY_MAX: usize = 4096;

/// Flag bits 0-1: the version, which must be 1.
const VERSION_MASK: u32 = 0b11;
const VERSION: u32 = 1;
/// Flag bit 2: this is a reply.
const REPLY: u32 = 1 << 2;
/// Flag bit 3: the sender wants an acknowledgement (`VHOST_USER_PROTOCOL_F_REPLY_ACK`).
const NEED_REPLY: u32 = 1 << 3;

/// Bit of a doorbell message's payload: no descriptor comes with it (`VHOST_USER_VRING_NOFD_MASK`).
pub const NOFD: u64 = 1 << 8;

/// Request ids, named as the specification names them.
#[allow(missing_docs)] // the names are the specification's, which documents them
pub mod request {
    pub const GET_FEATURES: u32 = 1;
    pub const SET_FEATURES: u32 = 2;
    pub const SET_OWNER: u32 = 3;
    pub const RESET_OWNER: u32 = 4;
    pub const SET_MEM_TABLE: u32 = 5;
    pub const SET_LOG_BASE: u32 = 6;
    pub const SET_LOG_FD: u32 = 7;
    pub const SET_VRING_NUM: u32 = 8;
    pub const SET_VRING_ADDR: u32 = 9;
    pub const SET_VRING_BASE: u32 = 10;
    pub const GET_VRING_BASE: u32 = 11;
    pub const SET_VRING_KICK: u32 = 12;
    pub const SET_VRING_CALL: u32 = 13;
    pub const SET_VRING_ERR: u32 = 14;
    pub const GET_PROTOCOL_FEATURES: u32 = 15;
    pub const SET_PROTOCOL_FEATURES: u32 = 16;
    pub const GET_QUEUE_NUM: u32 = 17;
    pub const SET_VRING_ENABLE: u32 = 18;
    pub const SEND_RARP: u32 = 19;
    pub const NET_SET_MTU: u32 = 20;
    pub const SET_BACKEND_REQ_FD: u32 = 21;
    pub const IOTLB_MSG: u32 = 22;
    pub const SET_VRING_ENDIAN: u32 = 23;
    pub const GET_CONFIG: u32 = 24;
    pub const SET_CONFIG: u32 = 25;
    pub const POSTCOPY_ADVISE: u32 = 28;
    pub const POSTCOPY_LISTEN: u32 = 29;
    pub const POSTCOPY_END: u32 = 30;
    pub const GET_INFLIGHT_FD: u32 = 31;
    pub const SET_INFLIGHT_FD: u32 = 32;
    pub const RESET_DEVICE: u32 = 34;
    pub const GET_MAX_MEM_SLOTS: u32 = 36;
    pub const ADD_MEM_REG: u32 = 37;
    pub const REM_MEM_REG: u32 = 38;
    pub const SET_STATUS: u32 = 39;
    pub const GET_STATUS: u32 = 40;
    pub const SET_DEVICE_STATE_FD: u32 = 42;
    pub const CHECK_DEVICE_STATE: u32 = 43;
}

/// The fixed part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Which message, see [`request`].
    pub request: u32,
    /// Version, reply and need-reply bits.
    pub flags: u32,
    /// Payload length in bytes.
    pub size: u32,
}

impl Header {
    /// Reads a header as it lies on the wire.
    #[must_use]
    pub fn parse(bytes: [u8; HEADER_LEN]) -> Self {
        let word = |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self { request: word(0), flags: word(4), size: word(8) }
    }

    fn to_bytes(self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        for (at, word) in [self.request, self.flags, self.size].into_iter().enumerate() {
            bytes[at * 4..at * 4 + 4].copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// The version field.
    #[must_use]
    pub fn version(self) -> u32 {
        self.flags & VERSION_MASK
    }

    /// Whether the version is the one that exists.
    #[must_use]
    pub fn version_known(self) -> bool {
        self.version() == VERSION
    }

    /// Whether the reply bit is set.
    #[must_use]
    pub fn is_reply(self) -> bool {
        self.flags & REPLY != 0
    }

    /// Flag bits that mean nothing.
    #[must_use]
    pub fn reserved(self) -> u32 {
        self.flags & !(VERSION_MASK | REPLY | NEED_REPLY)
    }
}

/// One whole message with the descriptors that came with it.
#[derive(Debug)]
pub struct Message {
    /// Which message, see [`request`].
    pub request: u32,
    /// Version, reply and need-reply bits, as they came.
    pub flags: u32,
    /// The payload.
    pub body: Vec<u8>,
    /// The descriptors, owned: dropping the message has them closed, where that cannot block us.
    pub fds: Descriptors,
}

impl Message {
    /// A message of our own towards the daemon, without a wish for an acknowledgement.
    #[must_use]
    pub fn new(request: u32, body: Vec<u8>) -> Self {
        Self { request, flags: VERSION, body, fds: Descriptors::default() }
    }

    /// A reply to `request` towards the frontend.
    #[must_use]
    pub fn reply(request: u32, body: Vec<u8>) -> Self {
        Self { request, flags: VERSION | REPLY, body, fds: Descriptors::default() }
    }

    /// The reply that carries one number: 0 is success where it acknowledges.
    #[must_use]
    pub fn reply_u64(request: u32, value: u64) -> Self {
        Self::reply(request, value.to_ne_bytes().to_vec())
    }

    /// Whether the sender asked for an acknowledgement.
    #[must_use]
    pub fn need_reply(&self) -> bool {
        self.flags & NEED_REPLY != 0
    }

    /// The same message with a wish for an acknowledgement.
    #[must_use]
    pub(super) fn acknowledged(mut self) -> Self {
        self.flags |= NEED_REPLY;
        self
    }

    /// The same message once more, with descriptors of its own and without a wish for an acknowledgement.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn try_clone(&self) -> io::Result<Self> {
        let fds = self.fds.iter().map(OwnedFd::try_clone).collect::<io::Result<_>>()?;
        Ok(Self { request: self.request, flags: self.flags & !NEED_REPLY, body: self.body.clone(), fds })
    }

    /// The message as it goes over the wire, without its descriptors.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let size = u32::try_from(self.body.len()).unwrap_or(u32::MAX);
        let mut bytes = Header { request: self.request, flags: self.flags, size }.to_bytes().to_vec();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The 32-bit payload word at byte `at`; `None` past the end.
    #[must_use]
    pub fn u32_at(&self, at: usize) -> Option<u32> {
        let bytes = self.body.get(at..at.checked_add(4)?)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    }

    /// The 64-bit payload word at byte `at`; `None` past the end.
    #[must_use]
    pub fn u64_at(&self, at: usize) -> Option<u64> {
        let bytes = self.body.get(at..at.checked_add(8)?)?;
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    }
}

/// Payload of the ring messages: a ring's index and a number ("vring state description").
#[must_use]
pub fn vring_state(index: u32, num: u32) -> Vec<u8> {
    [index.to_ne_bytes(), num.to_ne_bytes()].concat()
}
