// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The synthetic device's data-path state machine.
//!
//! # Theory of operation
//!
//! A port has a *synthetic* lane that is always there. It may have a *VF* lane too, a passthrough function that the
//! guest drives itself and that comes and goes. Which of them carries the guest's frames is agreed between host and
//! guest by the contract of Hyper-V's NetVSC: the host offers a VF by a serial number, the guest says that it has found
//! and set up the device, asks for the data path to be switched, and is told when that is done. The host may revoke
//! the VF at any moment, and then the synthetic lane carries everything again, at once.
//!
//! [`DataPath`] is that agreement as a pure state machine: [`DataPath::on`] takes an [`Event`] and yields the next state, or
//! nothing when the event makes no sense there. Which lane is active follows from the state alone
//! ([`DataPath::active`]). No port of the switch holds one yet: there are no VF lanes, and the synthetic lane carries
//! everything.
//!
//! # Invariants
//!
//! * The synthetic lane is active unless a switch to the VF was completed.
//! * Whatever the state, [`Event::Revoked`] leads to [`DataPath::Synthetic`]; a guest can delay nothing.
//! * The serial number that was offered is the one that is revoked: it stays in the state from offer to end.
#![forbid(unsafe_code)]

mod data_path;

pub use data_path::{DataPath, Event, Lane, Serial};
