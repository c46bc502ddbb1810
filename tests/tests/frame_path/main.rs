// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The frame path as a well-behaved tenant sees it: who gets which frame, in which shape, by which rule.

mod addresses;
mod announced;
mod crossing;
mod elsewhere;
mod emit;
mod expected;
mod fairness;
mod forwarding;
mod guard;
mod hold;
mod landing;
mod lane_queues;
mod lanes;
mod layouts;
mod limits;
mod links;
mod mediated;
mod policy;
mod queues;
mod ra_guard;
mod ra_learning;
mod receive;
mod shapes;
mod shared_limits;
mod snoop;
mod steering;
mod switching;
mod told;

use tests::frames;
use wire::MacAddr;

/// A frame of `len` bytes that knows its number and notices damage.
fn numbered(to: MacAddr, from: MacAddr, number: u64, len: usize) -> Vec<u8> {
    frames::numbered(to.0, from.0, number, len)
}

/// Frame number 1, 100 bytes.
fn frame(to: MacAddr, from: MacAddr) -> Vec<u8> {
    numbered(to, from, 1, 100)
}
