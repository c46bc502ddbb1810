// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The vhost-user messages by number and by name, and the 12 bytes before each.
use std::fmt;

/// Length of a message header in bytes: request, flags, size of the body.
pub const HEADER_LEN: usize = 12;
/// Header flags: protocol version 1 in the two lowest bits.
pub const FLAG_VERSION: u32 = 1;
/// Header flag: this is an answer.
pub const FLAG_REPLY: u32 = 1 << 2;
/// Header flag: answer with an acknowledgement.
pub const FLAG_NEED_REPLY: u32 = 1 << 3;

/// A request of the frontend, by its number in the vhost-user specification. Any number can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request(pub u32);

/// All requests that the specification names.
const NAMES: [(u32, &str); 43] = [
    (1, "GET_FEATURES"),
    (2, "SET_FEATURES"),
    (3, "SET_OWNER"),
    (4, "RESET_OWNER"),
    (5, "SET_MEM_TABLE"),
    (6, "SET_LOG_BASE"),
    (7, "SET_LOG_FD"),
    (8, "SET_VRING_NUM"),
    (9, "SET_VRING_ADDR"),
    (10, "SET_VRING_BASE"),
    (11, "GET_VRING_BASE"),
    (12, "SET_VRING_KICK"),
    (13, "SET_VRING_CALL"),
    (14, "SET_VRING_ERR"),
    (15, "GET_PROTOCOL_FEATURES"),
    (16, "SET_PROTOCOL_FEATURES"),
    (17, "GET_QUEUE_NUM"),
    (18, "SET_VRING_ENABLE"),
    (19, "SEND_RARP"),
    (20, "NET_SET_MTU"),
    (21, "SET_BACKEND_REQ_FD"),
    (22, "IOTLB_MSG"),
    (23, "SET_VRING_ENDIAN"),
    (24, "GET_CONFIG"),
    (25, "SET_CONFIG"),
    (26, "CREATE_CRYPTO_SESSION"),
    (27, "CLOSE_CRYPTO_SESSION"),
    (28, "POSTCOPY_ADVISE"),
    (29, "POSTCOPY_LISTEN"),
    (30, "POSTCOPY_END"),
    (31, "GET_INFLIGHT_FD"),
    (32, "SET_INFLIGHT_FD"),
    (33, "GPU_SET_SOCKET"),
    (34, "RESET_DEVICE"),
    (35, "VRING_KICK"),
    (36, "GET_MAX_MEM_SLOTS"),
    (37, "ADD_MEM_REG"),
    (38, "REM_MEM_REG"),
    (39, "SET_STATUS"),
    (40, "GET_STATUS"),
    (41, "GET_SHARED_OBJECT"),
    (42, "SET_DEVICE_STATE_FD"),
    (43, "CHECK_DEVICE_STATE"),
];

impl Request {
    /// The request of this name.
    ///
    /// # Panics
    /// When the specification has none: a typing error in a test or a script.
    pub fn named(name: &str) -> Request {
        let found = NAMES.iter().find(|(_, known)| *known == name);
        Request(found.unwrap_or_else(|| panic!("vhost-user has no message {name}")).0)
    }

    /// The name in the specification, if it has one.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }

    /// Every request that has a name.
    pub fn all() -> impl Iterator<Item = Request> {
        NAMES.iter().map(|(number, _)| Request(*number))
    }

    /// The header of this request before a body of `len` bytes.
    pub fn header(self, flags: u32, len: usize) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        header[..4].copy_from_slice(&self.0.to_le_bytes());
        header[4..8].copy_from_slice(&(FLAG_VERSION | flags).to_le_bytes());
        header[8..].copy_from_slice(&(len as u32).to_le_bytes());
        header
    }
}

impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => out.write_str(name),
            None => write!(out, "message {}", self.0),
        }
    }
}

/// Numbers one after the other, as most message bodies are.
pub(super) fn words32(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// As [`words32`], for 64-bit numbers.
pub(super) fn words64(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
