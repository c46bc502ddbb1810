// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One line for each message: what it must look like, and what becomes of it.

use vhost::vhost_user::message::VhostUserProtocolFeatures as Protocol;

use crate::vhost_user::message::request as id;

/// How many descriptors belong to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fds {
    /// Exactly so many.
    Exactly(usize),
    /// Up to so many; they are disposed of.
    Ignored(usize),
    /// One for each memory region.
    Regions,
    /// One, or none with the NOFD flag.
    Doorbell,
}

/// How long a payload must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// Exactly so many bytes.
    Exactly(usize),
    /// A table of regions that says how many it has.
    Regions,
    /// A slice of the configuration space that says how long it is.
    Config,
    /// Whatever: the payload is not looked at.
    Any,
}

/// Where a message names a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RingField {
    /// Nowhere.
    None,
    /// First 32 bits.
    Word,
    /// Low byte of 64 bits.
    Doorbell,
}

/// What becomes of a message that has the right form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Serve {
    /// The daemon serves it, after the check that goes with it.
    Forward,
    /// The guard serves it itself.
    Answer,
    /// We never offered it.
    Never,
}

/// When a message is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// It is a question.
    Always,
    /// When the sender asks for an acknowledgement; the loss of such a message breaks the device.
    OnRequest,
    /// The same, but the device works on without it.
    Optional,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) request: u32,
    pub(super) name: &'static str,
    pub(super) fds: Fds,
    pub(super) length: Length,
    pub(super) ring: RingField,
    pub(super) reply: Reply,
    pub(super) serve: Serve,
    /// Protocol feature that must have been negotiated.
    pub(super) needs: Protocol,
}

/// The line of a message; `None`: unknown.
pub(super) fn rule_of(request: u32) -> Option<&'static Rule> {
    TABLE.iter().find(|rule| rule.request == request)
}

macro_rules! table {
    ($($id:ident $fds:expr, $length:expr, $ring:expr, $reply:expr, $serve:expr, $needs:expr;)*) => {
        /// Every message that we know.
        pub(super) const TABLE: &[Rule] = &[$(Rule {
            request: id::$id,
            name: stringify!($id),
            fds: $fds,
            length: $length,
            ring: $ring,
            reply: $reply,
            serve: $serve,
            needs: $needs,
        }),*];
    };
}

use Fds::{Doorbell as Bell, Exactly as F, Ignored, Regions as RegionFds};
use Length::{Any, Config, Exactly as L, Regions};
use Reply::{Always, OnRequest, Optional};
use RingField::{Doorbell as InByte, None as No, Word};
use Serve::{Answer, Forward, Never};

const PLAIN: Protocol = Protocol::empty();
const SLOTS: Protocol = Protocol::CONFIGURE_MEM_SLOTS;
const STATE: Protocol = Protocol::DEVICE_STATE;

table! {
    GET_FEATURES          F(0),      L(0),    No,     Always,    Forward, PLAIN;
    SET_FEATURES          F(0),      L(8),    No,     OnRequest, Forward, PLAIN;
    SET_OWNER             F(0),      L(0),    No,     OnRequest, Forward, PLAIN;
    RESET_OWNER           F(0),      L(0),    No,     OnRequest, Forward, PLAIN;
    SET_MEM_TABLE         RegionFds, Regions, No,     OnRequest, Forward, PLAIN;
    SET_LOG_BASE          F(1),      L(16),   No,     OnRequest, Answer,  Protocol::LOG_SHMFD;
    SET_LOG_FD            Ignored(1), Any,    No,     Optional,  Answer,  PLAIN;
    SET_VRING_NUM         F(0),      L(8),    Word,   OnRequest, Forward, PLAIN;
    SET_VRING_ADDR        F(0),      L(40),   Word,   OnRequest, Forward, PLAIN;
    SET_VRING_BASE        F(0),      L(8),    Word,   OnRequest, Forward, PLAIN;
    GET_VRING_BASE        F(0),      L(8),    Word,   Always,    Forward, PLAIN;
    SET_VRING_KICK        Bell,      L(8),    InByte, OnRequest, Forward, PLAIN;
    SET_VRING_CALL        Bell,      L(8),    InByte, OnRequest, Forward, PLAIN;
    SET_VRING_ERR         Bell,      L(8),    InByte, OnRequest, Forward, PLAIN;
    GET_PROTOCOL_FEATURES F(0),      L(0),    No,     Always,    Forward, PLAIN;
    SET_PROTOCOL_FEATURES F(0),      L(8),    No,     OnRequest, Forward, PLAIN;
    GET_QUEUE_NUM         F(0),      L(0),    No,     Always,    Forward, Protocol::MQ;
    SET_VRING_ENABLE      F(0),      L(8),    Word,   OnRequest, Forward, PLAIN;
    SEND_RARP             F(0),      L(8),    No,     Optional,  Answer,  Protocol::RARP;
    NET_SET_MTU           F(0),      L(8),    No,     Optional,  Answer,  Protocol::MTU;
    SET_BACKEND_REQ_FD    Ignored(1), Any,    No,     Optional,  Never,   PLAIN;
    IOTLB_MSG             F(0),      Any,     No,     OnRequest, Never,   PLAIN;
    SET_VRING_ENDIAN      F(0),      Any,     No,     OnRequest, Never,   PLAIN;
    GET_CONFIG            F(0),      Config,  No,     Always,    Forward, Protocol::CONFIG;
    SET_CONFIG            F(0),      Config,  No,     Optional,  Never,   Protocol::CONFIG;
    POSTCOPY_ADVISE       F(0),      Any,     No,     Always,    Never,   PLAIN;
    POSTCOPY_LISTEN       F(0),      Any,     No,     OnRequest, Never,   PLAIN;
    POSTCOPY_END          F(0),      Any,     No,     Always,    Never,   PLAIN;
    GET_INFLIGHT_FD       F(0),      Any,     No,     Always,    Never,   PLAIN;
    SET_INFLIGHT_FD       Ignored(1), Any,    No,     OnRequest, Never,   PLAIN;
    RESET_DEVICE          F(0),      L(0),    No,     OnRequest, Never,   PLAIN;
    GET_MAX_MEM_SLOTS     F(0),      L(0),    No,     Always,    Answer,  SLOTS;
    ADD_MEM_REG           F(1),      L(40),   No,     OnRequest, Forward, SLOTS;
    REM_MEM_REG           Ignored(1), L(40),  No,     OnRequest, Forward, SLOTS;
    SET_STATUS            F(0),      L(8),    No,     Optional,  Answer,  PLAIN;
    GET_STATUS            F(0),      L(0),    No,     Always,    Answer,  PLAIN;
    SET_DEVICE_STATE_FD   F(1),      L(8),    No,     Always,    Answer,  STATE;
    CHECK_DEVICE_STATE    F(0),      L(0),    No,     Always,    Answer,  STATE;
}
