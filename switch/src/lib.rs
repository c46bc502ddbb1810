// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The control half of the switch: namespaces, ports, desired state.
//!
//! # Theory of operation
//!
//! Three kinds of state, and one way from the first to the last:
//!
//! 1. [`Desired`] is what an operator said: plain passive data, valid at all times, without any effect of its own.
//! 2. [`diff`](diff()) compares two of them and yields ordered steps, and the same in words for the operator.
//! 3. The *plant* is what exists: a record of each namespace and port, owning the data-plane objects
//!    ([`dataplane::Namespace`], [`dataplane::Port`]) that workers read while they run.
//!
//! [`Control`] owns all of it. Every request, whether it adds one port or replaces a whole configuration, edits a copy
//! of the desired state, takes the difference, and carries it out on the plant. A step that is refused makes the ones
//! before it be undone in reverse, so that a [`Refusal`] always means: nothing has changed.
//!
//! The crate is sans-IO. Time comes in as an argument, sockets are opened by whoever calls [`Control::poll_action`],
//! and what happens on them comes back through [`Control::handle_notice`]. It is driven like this:
//!
//! ```text
//! handle_request ─┐                       ┌─ poll_action ─▶ open or close a session, store the state
//! handle_notice  ─┼─▶ Control (desired, ──┤
//! handle_tick    ─┘     plant)            └─ view_* ──────▶ plain snapshots for the control socket
//! ```
//!
//! # Invariants
//!
//! * A port is in exactly one namespace for its whole life, and a namespace outlives its ports.
//! * Nothing that a worker may still read is freed under it: what leaves the plant is retired, and freed by
//!   [`Control::handle_tick`] when control holds the last reference.
//! * Within a namespace a MAC address has one owner; namespaces know nothing of each other.
//! * The features offered for a port never shrink while the port exists.
//! * Everything is bounded by [`limits`].
//!
//! # Not here
//!
//! No frame passes through this crate (that is `dataplane`), no text is parsed and none is printed but for errors
//! (that is `backends` and `ctl`), and nothing here is serialised: the formats on disk and on the wire have types of
//! their own.
#![forbid(unsafe_code)]

mod control;
mod desired;
mod diff;
pub mod limits;
mod name;
mod namespace;
mod plant;
mod port;
mod rates;
mod refusal;
mod spec;
mod view;
mod words;

pub use control::{Action, Control, Opening, Reply, Request};
pub use dataplane::{Limit, Limits, MacPolicy, Rate, Role};
pub use desired::{Desired, FdbKey};
pub use diff::{Change, Diff, Op, diff};
pub use name::{BadName, Name};
pub use port::{Notice, State};
pub use refusal::{Kind, Refusal};
pub use spec::{Mode, NamespaceSpec, PortSpec, VhostUser, default_macs, mac_of_name};
pub use view::{FdbView, NamespaceView, PortView};
pub use words::{macs_of, macs_word, role_of, role_word};
