// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests that move between two weftd.
//!
//! ```text
//!           ┌─────── host 0 (netns) ───────┐         ┌─────── host 1 (netns) ───────┐
//!  near-0 ──┤ weftd, namespace red, uplink ├══ veth ═┤ weftd, namespace red, uplink ├── near-1
//!           └──────────────┬───────────────┘         └───────────────┬──────────────┘
//!                        guest ───────── a Unix socket ───────────▶ guest
//! ```
//!
//! Each host has a port for the guest, with the same address. Where the guest is, nobody tells weft.

mod hosts;
mod landing;
