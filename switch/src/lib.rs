// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The control half of the switch: the tree of namespaces, ports, desired state.
//!
//! # Theory of operation
//!
//! Three kinds of state, and one way from the first to the last:
//!
//! 1. [`Desired`] is what an operator said: plain passive data, valid at all times, without any effect of its own.
//! 2. A [`Diff`] is the ordered steps from one desired state to another, and the same in words for the operator. It comes
//!    from comparing two of them ([`diff()`]), or from a request that names what it changes.
//! 3. The *plant* is what exists: the [`tree`] of namespaces, each with its instances of all [`subsystem`]s, and the
//!    records of ports, owning the data-plane objects ([`dataplane::Namespace`], [`dataplane::Port`]) that workers read
//!    while they run.
//!
//! [`Control`] owns all of it. Every request, whether it adds one port or replaces a whole configuration, becomes steps;
//! each is taken on the desired state, which refuses what contradicts itself, and on the plant. A step that is refused
//! makes the ones before it be undone in reverse, so that a [`Refusal`] always means: nothing has changed. What a request
//! costs depends on what it changes and not on how much there is.
//!
//! The crate is sans-IO. Time comes in as an argument, sockets are opened by whoever calls [`Control::poll_action`],
//! and what happens on them comes back through [`Control::handle_notice`]. It is driven like this:
//!
//! ```text
//! handle_request ─┐                       ┌─ poll_action ─▶ open or close a session, store the state
//! handle_notice  ─┼─▶ Control (desired, ──┤
//! handle_tick    ─┘     plant)            └─ view(observer) ─▶ plain snapshots of a subtree
//! ```
//!
//! # Invariants
//!
//! * A namespace is made by all subsystems in order or not at all, and unmade in reverse, devices first ([`subsystem`]).
//! * A port, PvD or namespace has one number in each namespace that sees it, and none elsewhere ([`ident`]). Parents see what
//!   is below them, never the reverse; a [`View`] can name nothing else.
//! * A handle that outlives its object leads nowhere, never to another object ([`arena`]).
//! * A port is in exactly one namespace for its whole life, and a namespace outlives its ports. Its name is its own in
//!   that namespace only: everything that is kept by port is kept by [`PortPath`].
//! * Nothing that a worker may still read is freed under it: what leaves the plant is freed by [`Control::handle_tick`]
//!   when control holds the last reference.
//! * Within a namespace a MAC address has one owner; namespaces share no address and no table, and
//!   no frame but over links, which form no loop.
//! * The features offered for a port never shrink while the port exists.
//! * Everything is bounded by [`limits`], and every subtree by the [`Quotas`] on its way to the root.
//!
//! # Not here
//!
//! No frame passes through this crate (that is `dataplane`), no text is parsed but names and what is said of PvDs, and none
//! is printed but for errors (that is `backends` and `ctl`), and nothing here is serialised: the formats on disk and on the wire have types of
//! their own.
#![forbid(unsafe_code)]

mod announced;
pub mod arena;
mod change;
mod control;
mod delegation;
mod desired;
mod diff;
mod edit;
mod handover;
pub mod ident;
mod information;
mod lane;
pub mod limits;
mod mediate;
mod mediation;
mod name;
mod numbers;
mod path;
mod pci;
mod plant;
mod port;
mod quota;
mod ra_guard;
mod ra_learning;
mod rates;
mod reference;
mod refusal;
mod second_source;
mod snoop;
mod spec;
mod stated;
pub mod subsystem;
mod text;
mod text_socket;
pub mod tree;
mod vf;
mod vfs;
mod view;
mod words;

pub use announced::Announced;
pub use change::PortChange;
pub use control::{Action, Control, LaneAsk, LaneNotice, LaneOpening, Opening, Reply, Request, VmmNotice};
pub use dataplane::{Address, DropReason, Emission, Limit, Limits, MacPolicy, RaGuard, Rate, Role};
pub use delegation::{Confined, Delegate, Delegation, Grant, is_inside};
pub use desired::{Desired, FdbKey};
pub use diff::{Change, Diff, Op, diff};
pub use handover::{
    BadMoveId, Departure, Handover, HomeCounted, Landed, Learnt, Made, Missing, Move, MoveId, NumbersLeft, Passage,
    PortCounted, RaHeard, RaLeft, Rest, Told, VfLeft,
};
pub use information::Fetched;
pub use lane::{AutoLane, Faults, LaneSpec};
pub use mediation::{Mediation, MediationEdit, injection_of, sight_of};
pub use name::{BadName, Name};
pub use netvsc::GuestModel;
pub use numbers::SavedNumbers;
pub use path::{BadPath, NamespacePath};
pub use pci::{BadPciAddress, PciAddress};
pub use port::{Notice, State};
pub use pvd::{Announcement, AnswerPolicy, Answering, Statement};
pub use quota::{Quotas, Resource, Usage};
pub use ra_guard::{RaGuardEdit, preference_of, preference_word};
pub use ra_learning::{RaGuardState, RaLearningView, RoutersFound};
pub use reference::{BadPortRef, PortPath, PortRef};
pub use refusal::{Kind, Refusal};
pub use second_source::{SecondHeard, SecondSource};
pub use snoop::{Ignored, Snooped};
pub use spec::{Lane, Mode, NamespaceChange, NamespaceSpec, PortSpec, VhostUser, default_macs, link_ends, mac_of_name};
pub use stated::{FactList, PvdKey};
pub use text::Text;
pub use text_socket::TextSocket;
pub use vf::{VfAsk, VfEdit, VfSpec, VmmKind, VmmSpec};
pub use vfs::SavedVfs;
pub use view::{
    ChangeView, FdbView, FindingView, LaneCounts, LaneLosses, LearntCounters, NamespaceView, Observer, PeerView,
    PortView, PvdEventView, PvdNews, PvdPage, PvdView, RaCheck, RaView, SourceView, VfCounts, VfLaneView, VfView, View,
    ZombieView,
};
pub use words::{lane_word, macs_of, macs_word, model_of, model_word, role_of, role_word};
