// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The control protocol, its client library, and the `weft` command.
//!
//! # Theory of operation
//!
//! weftd is steered over a Unix socket with varlink: JSON objects ended by NUL, introspection, streamed replies. Four
//! layers, each of which knows only the ones above it:
//!
//! 1. [`proto`]: what is said. Wire types by version of the interface, the interface file beside them.
//! 2. [`codec`]: how it is framed. Sans-IO and bounded, used by the daemon's server and by the client alike.
//! 3. [`client`]: a blocking client that never waits longer than it was told to.
//! 4. the command: arguments in, one call, the answer out as a table or as JSON ([`run`], [`cli`]).
//!
//! Beside them stands [`pcapng`], since the command and the daemon write the same kind of file.
//!
//! Invariants: nothing here knows the switch, so the daemon converts its own views into [`proto`] types. No peer can
//! make the codec use more memory than its limit and one chunk, nor panic. A script sees the same fields whether it
//! asks through `weft --json` or on the socket; the documents in `golden/` hold them still. Text that a guest, a
//! router or a tenant chose is escaped before it reaches a terminal.
#![forbid(unsafe_code)]

pub mod client;
pub mod codec;
pub mod pcapng;
pub mod proto;

mod cli;
mod render;
#[cfg(test)]
mod testing;

pub use cli::{Streams, cli, run};
pub use proto::{INTERFACE, INTERFACE_NAME};
