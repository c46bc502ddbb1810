// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is bounded, and how.

/// Peers that are connected at once.
pub(crate) const CONNECTIONS_MAX: usize = 16;

/// Calls of one connection: as many as say for some hours where a guest is.
pub(crate) const CALLS_MAX: usize = 4096;

/// Moves of which is remembered who has brought them: far more than are under way at once.
pub(crate) const ORIGINS_MAX: usize = 1024;

/// Bytes of a call, the NUL that ends it not counted.
pub(crate) const CALL_MAX: usize = ctl::codec::MESSAGE_MAX;

/// Bytes of a reply, the NUL that ends it not counted: what became of one port.
pub(crate) const REPLY_MAX: usize = 1 << 20;

/// Bytes of a greeting, its end included.
pub(crate) const GREETING_MAX: usize = 512;

/// Names of a certificate that are looked at, and that a text quotes.
pub(crate) const NAMES_MAX: usize = 8;

/// Characters of what somebody else says that go to a terminal or a log.
pub(crate) const QUOTED_MAX: usize = 300;

/// Bytes of a peer that are still read and thrown away once it is refused, so that it hears why.
pub(crate) const LINGER_MAX: usize = 4 << 20;
