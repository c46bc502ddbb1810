// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The PvDs of a namespace in the text protocol of pvdd, for programs that know that daemon.
//!
//! # Theory of operation
//!
//! A namespace whose configuration says `pvdd = ...` has a socket of this kind, a Unix socket or a TCP port of the
//! loopback interface; no other has. [`TextServer`] has the socket and its clients. What a client sends is cut into
//! messages ([`lines`]), which are read ([`verb`]) and answered by its [`Dialogue`]; that knows of no socket and sees the
//! switch through a [`Desk`].
//!
//! A client's next message is answered when it has read the answer to the one before, and notifications are made when there
//! is nothing else to be read. So what a client makes the daemon hold is one message and one answer, however slow it is; one
//! that leaves an answer unread for [`STALL_MAX`] is dropped, and one that has missed notifications is told so.
//!
//! # The protocol
//!
//! Messages are lines. One of several lines stands between `PVD_BEGIN_MULTILINE` and `PVD_END_MULTILINE`. Names of PvDs may
//! have their closing dot or not, in any case; they are told with it, and implicit ones as `fe80::1%port`.
//!
//! | a client says | and hears |
//! |---|---|
//! | `PVD_GET_LIST` | `PVD_LIST [name]...` |
//! | `PVD_GET_ATTRIBUTES name` or `*` | `PVD_ATTRIBUTES name` and an object, in several lines; of each PvD |
//! | `PVD_GET_ATTRIBUTE name key` | `PVD_ATTRIBUTE name key` and a value, in several lines; `null` if it has none |
//! | `PVD_SUBSCRIBE_NOTIFICATIONS` | from then on `PVD_NEW_PVD name`, `PVD_DEL_PVD name`, and after some of them `PVD_LIST` |
//! | `PVD_SUBSCRIBE name` or `*` | from then on `PVD_ATTRIBUTES` of those that have changed |
//! | `PVD_UNSUBSCRIBE_NOTIFICATIONS`, `PVD_UNSUBSCRIBE name` or `*` | nothing more of it |
//! | `PVD_CONNECTION_PROMOTE_BINARY` | each answer behind its length, an `int` of this machine, and without the lines around |
//! | `PVD_CONNECTION_PROMOTE_CONTROL` | no notifications; no other questions are answered, but changes are made |
//! | `PVD_CREATE_PVD 0 name`, `PVD_REMOVE_PVD name` | nothing: a static PvD comes or goes |
//! | `PVD_BEGIN_TRANSACTION name`, `PVD_SET_ATTRIBUTE name key value`, `PVD_END_TRANSACTION name` | nothing: all is set at once, or nothing |
//! | `PVD_UNSET_ATTRIBUTE name key` | nothing: within a transaction with the others, or else at once |
//!
//! **What pvdd does not have**: whatever cannot be done is answered, by `PVD_ERROR code verb: why`, where the code is one of
//! [`Code`]; the line is none that a client of pvdd would take for something else. All that is done is silent, as there.
//!
//! # Who may
//!
//! Over a Unix socket the kernel says who a client is: whoever may look or administer at the control socket may here;
//! whoever the namespace is delegated to may look. He makes static PvDs over his own control socket, which knows what is not his to
//! change. Over TCP nobody is known, and all may look.

mod attributes;
mod client;
mod desk;
mod dialogue;
mod lines;
mod listen;
mod reply;
mod server;
mod statement;
mod verb;

pub use attributes::attributes;
pub use desk::{Desk, News, Order, Told};
pub use dialogue::Dialogue;
pub use listen::{ListenError, Listener};
pub use reply::Code;
pub use server::TextServer;

use std::time::Duration;

/// The longest message of a client, all its lines together, in bytes.
pub const MESSAGE_MAX: usize = 64 << 10;

/// Clients of one socket; one more is told so and turned away.
pub const CLIENTS_MAX: usize = 16;

/// PvDs that one client may subscribe to by name.
pub const SUBSCRIPTIONS_MAX: usize = 256;

/// Attributes that one transaction sets.
pub const TRANSACTION_MAX: usize = 64;

/// A client that has not read an answer to its end after so long is dropped.
pub const STALL_MAX: Duration = Duration::from_secs(10);

/// Answers and notifications for one client before others have their turn.
pub const AT_ONCE: usize = 16;

/// PvDs of one part of an answer about all of them. Each may have an object of [`pvd::info::OBJECT_MAX`] bytes.
pub const PAGE: usize = 16;

/// Events that become notifications at once.
pub const EVENTS_AT_ONCE: usize = 16;

#[cfg(test)]
mod tests;
