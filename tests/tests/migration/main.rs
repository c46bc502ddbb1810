// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! QEMU moves a running guest from one weftd to another, under streams of numbered requests from both.
//!
//! ```text
//!           ┌─────── host 0 (netns) ───────┐         ┌─────── host 1 (netns) ───────┐
//!  near-0 ──┤ weftd, namespace red, uplink ├══ veth ═┤ weftd, namespace red, uplink ├── near-1
//!           └──────────────┬───────────────┘         └───────────────┬──────────────┘
//!                        guest ───────── a Unix socket ───────────▶ guest
//! ```
//!
//! Each host has a port for the guest, with the same address. Where the guest is, nobody tells weft, but for the moves of `prepared.rs`: there one
//! host takes the port over from the other.

mod cancelled;
mod connection;
mod hosts;
mod killed;
mod lab;
mod landing;
mod near;
mod pairs;
mod plain;
mod prepared;
mod scene;
mod table;
mod with_vf;
