// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The synthetic guest: everything that stands on the *other* side of weft in a test.
//!
//! # Theory of operation
//!
//! A guest attached by vhost-user is two parties. The *guest* owns memory and drives virtqueues in it; the *VMM* owns
//! a socket over which it tells the switch where that memory and those queues are. This crate plays both, in one
//! process with the test, over real memfds, eventfds and sockets, so that a test exercises weft exactly as QEMU or
//! cloud-hypervisor would and can also do what they never would.
//!
//! ```text
//!  test ── SyntheticGuest ─┬─ GuestMemory    memfds, mapped; the switch maps the same files
//!                          ├─ QueuePair ×N   RxQueue and TxQueue over Virtqueue: descriptors, rings, doorbells
//!                          └─ Frontend       12-byte messages and file descriptors ── socket ── weftd
//! ```
//!
//! * [`memory`]: guest-physical memory, and [`memory::Window`], a checked view of a piece of it.
//! * [`driver`]: a split-virtqueue driver. It believes nothing: a chain completed twice, a foreign head, a used length
//!   that does not fit, a byte written outside the posted buffers or into a transmitted frame panics the test.
//! * [`frontend`]: the VMM's half. Message order is data: `golden/*.txt` holds one script for each VMM.
//! * [`recorder`]: writes down what a VMM says, and holds what real ones said against the scripts.
//! * [`guest`]: the sum of the three, with the calls that most tests want.
//! * [`weftd`]: the real daemon and the real command line as child processes.
//! * [`netns`]: the Linux kernel as host or router on a port, and [`programs`], which know nothing of weft.
//! * [`https`]: web servers on the loopback interface, with an authority that certifies them.
//! * [`rig`]: the frame path on the bench, where a test says every step.
//! * [`race`]: a hostile guest that rewrites what the switch is looking at.
//! * [`flood`]: forged Router Advertisements without end, on that bench and against a whole daemon.
//! * [`sim`]: the frame path with such guests in a deterministic world, for tests by the thousand.
//! * [`setup`]: real guests, and [`stream`]: numbered frames that tell what became of each.
//! * [`wait`] and [`seed`]: waiting on conditions, and randomness that can be repeated.
//! * [`skip`]: how a test says that it cannot run here.
//!
//! The driver survives a restart of the switch as a real one does: memory, rings and indices stay, only the frontend
//! shakes hands again. Whatever was in flight must then be completed exactly once.
//!
//! Not here: packed rings, legacy (pre 1.0) devices, the control queue (the VMM serves it, not the switch).
#![forbid(unsafe_code)]

pub mod driver;
pub mod flood;
pub mod frames;
pub mod frames6;
pub mod frontend;
pub mod guest;
pub mod https;
pub mod memory;
pub mod netns;
pub mod programs;
pub mod race;
pub mod recorder;
pub mod rig;
pub mod seed;
pub mod setup;
pub mod sim;
pub mod skip;
pub mod stream;
pub mod wait;
pub mod weftd;
