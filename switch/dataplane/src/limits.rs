// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every bound of the frame path. All memory is allocated by these when a worker, a port or a namespace is made.

use std::time::Duration;

/// Frames that one source queue may bring in before the next queue has its turn.
pub const BURST: usize = 64;

/// Bytes of a frame that are copied out of guest memory once; every decision is made on this copy, and it is what is
/// delivered. Covers Ethernet, two VLAN tags, IPv6 with some extension headers, and ICMPv6 or TCP.
pub const HEAD: usize = 128;

/// Largest frame that a guest may send: an IP packet of 65535 bytes, an Ethernet header and two VLAN tags.
pub const FRAME_MAX: usize = 65535 + wire::ether::MAX_LEN;

/// Guest buffers that one burst may consist of. A burst ends early when they run out.
pub const SEGMENTS: usize = 4 * sys::MAX_CHAIN;

/// Bytes for whole private copies of the frames of one burst that cannot be classified within [`HEAD`]. All may be such
/// frames (segment routing makes long headers); memory that none has ever needed costs nothing.
pub const PRIVATE: usize = BURST * FRAME_MAX;

/// Receive chains that one frame may take (mergeable buffers): 64 KiB in buffers of 1 KiB and more.
pub const MERGED: usize = 64;

/// Ports of one namespace.
pub const PORTS: usize = 1024;

/// Links that one frame may cross. More namespaces in a row cannot reach each other from end to end.
pub const LINK_HOPS: u8 = 8;

/// Ends of links that the frames of one burst may go into, all crossings of all of them counted.
pub const CROSSINGS: usize = 256;

/// Longest frame that is copied for control, in bytes: what a jumbo frame carries, its IPv6 header and its Ethernet header.
pub const SNOOP_LEN: usize = 9216 + 40 + wire::ether::MAX_LEN;

/// Copies of frames of one worker that may wait for control. A tenant has no more of them than are left.
pub const SNOOP_SLOTS: usize = 256;

/// Copies of frames of one port that may wait for control, of Router Advertisements and of Solicitations each: more ports than one must flood to keep others from being heard.
pub const SNOOP_PORT: usize = 8;

/// IPv4 addresses of one port's guest that are known, and announced when it has moved: more than interfaces have that were not
/// made to have many.
pub const ADDRESSES_V4: usize = 8;

/// The same of IPv6: a link-local one and, of each of several prefixes, one that stays and those for privacy (RFC 8981 section
/// 3.8 has a new one each day, and lets each live for two).
pub const ADDRESSES_V6: usize = 16;

/// For so long an address is announced after its guest has claimed it last. Who has it goes on claiming it while it talks: Linux asks
/// for a neighbour, or is asked by it, within a minute of the last proof that it is there. An address of DHCP goes to another when its
/// lease has run out, and 600 seconds is a short one.
pub const ADDRESS_AGE: Duration = Duration::from_secs(600);

/// Announcements of all addresses of one port's guest in a row: it lands, and its VMM asks for five more (QEMU).
pub const LANDINGS: u32 = 8;
/// After so long there may be one more.
pub const LANDING_GAP: Duration = Duration::from_secs(3);

/// Announcements of one port's hardware in a row, each of which is one frame on each uplink.
pub const ANNOUNCEMENTS: u32 = 8;
/// After so long there may be one more: a VMM asks for a few of them, 50 ms apart at first.
pub const ANNOUNCEMENT_GAP: Duration = Duration::from_millis(40);

/// Frames that may wait for a guest that is deaf while its VF is taken from it, and their bytes: what a thousand frames a
/// second come to in the seconds that a slow guest takes, or a window of TCP.
pub const HELD_FRAMES: usize = 4096;
/// See [`HELD_FRAMES`].
pub const HELD_BYTES: usize = 4 << 20;

/// Queue pairs of one port.
pub const QUEUE_PAIRS: u16 = 16;

/// Most MAC addresses that a namespace may be configured to know.
pub const MACS: u32 = 1 << 20;

/// Smallest and largest MTU of a port, in bytes (RFC 791; virtio 1.2 section 5.1.4.1).
pub const MTU: std::ops::RangeInclusive<u16> = 68..=65535;

/// Highest rate of a policer, in frames or bytes a second, and largest burst: a terabyte.
pub const RATE_MAX: u64 = 1_000_000_000_000;

const _: () = assert!(SEGMENTS >= 2 * sys::MAX_CHAIN, "a burst must hold at least one chain of any size");
const _: () = assert!(PRIVATE >= FRAME_MAX, "a burst must hold at least one whole frame");
const _: () = assert!(QUEUE_PAIRS as u32 <= u32::BITS, "running queues are a bit set");
