// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The synthetic device's state machine: which of a port's two lanes carries its frames.
//!
//! # Theory of operation
//!
//! A port has a *synthetic* lane that is always there. It may have a *VF* lane too, which comes and goes: a passthrough
//! function that the guest drives itself, or a netdev of the host. [`Device`] is the agreement about them, by the
//! contract of Hyper-V's NetVSC, for guests that speak it and for those that do not. It is sans-IO: [`Event`]s go in with
//! the time, [`Action`]s come out, [`Device::next_due`] says when time itself is an event.
//!
//! ```text
//!           Offer           lane up, guest up, 1 s       VMM's answer        seen on VF, Found
//!  absent ---------> offered ---------> plugging ---------> plugged ---------------> ready
//!     ^                 |   <- refused --'                     ^                    |     ^
//!     |                 |                                      |  SwitchAsked(Vf),  |     | confirmed
//!     |                 |                                guest |  takeover is over  v     |
//!     |                 |                               starts |                 to-vf   to-synthetic
//!     |                 |                                 anew |       confirmed |        ^  ^
//!     |                 |                                      |                 |        |  | SwitchAsked(Synthetic),
//!     |                 |                             (any) ---'                 |        |  | link lost, recovering,
//!     |                 v                                                        v        |  | seen on synthetic
//!     '------------- leaving <------- Revoke, LaneGone, UnplugAsked (any) ----- on-vf ----'--'
//!        unplugged and frame path has left, or 30 s
//! ```
//!
//! A switch that fails goes back to where it began: `to-vf` to `ready`, where the synthetic lane is active, and
//! `to-synthetic` to `on-vf`, since the VF must be assumed still active. Both are tried again, ever more slowly.
//!
//! *Who decides that the guest uses the VF*, from strong to weak: the operator ([`Event::SwitchAsked`]), a NetVSC channel
//! ([`Event::GuestAsked`]), the VMM's events, and the source MACs on each lane ([`Event::Seen`]): virtio has no word for
//! it. A VMM's channel is optional; without one somebody else plugs, and the device looks at what the guest sends.
//!
//! *What frames do* follows from the state and the guest's model alone ([`Steering`]). Guests need opposite rules: one
//! with net_failover drops everything from the synthetic lane as soon as it has registered a VF, link or no link, and so
//! gets both lanes whenever it is in doubt, of which it takes exactly one; a NetVSC guest expects multicast on the
//! synthetic lane always; a bond hears the lane that it sends on. The model is the operator's word or inferred
//! ([`Origin`]); one that contradicts what the guest negotiated is reported ([`Misfit`]) and not followed.
//!
//! *Flaps.* A VF that is lost for reasons other than the operator's counts as a flap. Six a while are free; then each is
//! followed by a hold off the VF, from 5 s doubled to 60 s ([`Damping`]). What an operator does is never damped.
//!
//! # Invariants
//!
//! * Every frame has at least one lane, and a lane that is gone has none.
//! * The way back to the synthetic lane is never delayed by the guest, the VMM, or a hold.
//! * A serial is used once. The one that was advertised is the one that is withdrawn, once.
//! * Each wait has an end: at most [`Timing::unplug_wait`] after a revocation the VF is gone.
//! * What makes no sense changes nothing and is counted, whoever says it.
#![forbid(unsafe_code)]

mod clock;
mod damper;
mod device;
mod event;
pub mod limits;
mod model;
mod path;
mod status;
mod steering;
pub mod timing;
mod trouble;
mod words;

pub use device::{Device, Saved};
pub use event::{Action, By, Event, Told};
pub use model::{Choice, GuestModel, Misfit, Origin};
pub use status::{Counts, State, Status, Waits};
pub use steering::{Lanes, Steering};
pub use timing::{Damping, Growing, Timing};
pub use trouble::{Refused, Trouble};
pub use words::{Lane, Serial};
