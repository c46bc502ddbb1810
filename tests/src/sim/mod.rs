// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The simulated world: real frame path, real guest drivers, virtual time, no thread, no socket.
//!
//! A [`World`] is a few namespaces with a few ports each, and one [`dataplane::Worker`]. Every port has a guest with
//! its own memory that drives its rings as a kernel would. The MACs of the namespaces are *the same*, so that the
//! tiniest leak between them would deliver. A test makes random steps; after each of them the oracles speak:
//!
//! * a frame arrives only in the namespace in which it was sent, or ([`LinkedWorld`]) in one linked with it, unchanged, once at each port, in its sender's order;
//! * every chain is completed exactly once (the drivers see to that);
//! * what was sent is what was delivered plus what was dropped, counted.
//!
//! Everything follows from the seed, which is printed when a test fails.

mod linked;
mod port;
mod stamp;
mod world;

pub use linked::LinkedWorld;
pub use port::SimPort;
pub use stamp::Stamp;
pub use world::World;
