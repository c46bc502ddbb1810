// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every bound of the control half, in one place.
//!
//! A bound exists so that a configuration, an operator's script or a bug in one cannot make the daemon grow without
//! end. They are checked where [`crate::Desired`] is edited, before anything exists.

/// Namespaces that may be delegated at a time: each has a control socket with clients of its own.
pub const DELEGATIONS_MAX: usize = 256;

/// Namespaces whose PvDs may be told in the text protocol of pvdd: each has a socket with clients of its own.
pub const TEXT_SOCKETS_MAX: usize = 64;

/// Namespaces at most, the root not counted.
pub const NAMESPACES_MAX: usize = 16_384;

/// Namespaces at most on the way from the root to one, that one counted (what `pid_namespaces(7)` allows).
pub const NAMESPACE_DEPTH_MAX: usize = 32;

/// The longest path of a namespace, in bytes.
pub const PATH_MAX: usize = NAMESPACE_DEPTH_MAX * (NAME_MAX + 1) - 1;

/// Deleted namespaces that somebody still reads, at most: then no new ones are made, for each holds memory.
pub const ZOMBIES_MAX: usize = 1024;

/// Deleted namespaces that are taken apart together before the next tick comes.
pub const ZOMBIES_AT_ONCE: usize = 64;

/// The largest number of a port or a namespace. Far more than there can be, so that a number rests before it is used
/// again; what the kernel calls `PID_MAX_LIMIT`.
pub const NUMBER_MAX: u32 = 1 << 22;

/// Numbers below this are handed out once; afterwards only by request.
pub const NUMBERS_RESERVED: u32 = 300;

/// Ports at most, over all namespaces.
pub const PORTS_MAX: usize = 2048;

/// Ports of one namespace at most; a slot number of the data plane names each.
pub const NAMESPACE_PORTS_MAX: usize = 256;

/// Slot numbers of one namespace: more than it has ports, for the slot of a port that was deleted is in use until its
/// last user is gone, and all ports of a namespace may be replaced at once.
pub const SLOTS: u16 = dataplane::limits::PORTS as u16;

/// Ports of one namespace that are gone and whose names are remembered, for events that speak of them.
pub const GONE_PORTS: usize = 64;

/// Static MAC entries of one namespace at most, so that guests always find room in the table.
pub const STATIC_MACS_MAX: usize = 1024;

/// Static PvDs of one namespace at most. Routers cannot take their room.
pub const STATIC_PVDS_MAX: usize = pvd::limits::STATIC_PVDS;

/// Static PvDs at most, over all namespaces.
pub const STATIC_PVDS_ALL_MAX: usize = 16_384;

/// Prefixes, routes and resolvers of one static PvD at most.
pub const STATIC_FACTS_MAX: usize = pvd::limits::ROUTER_ENTRIES;

/// Prefixes, routes and resolvers of all static PvDs at most.
pub const STATIC_FACTS_ALL_MAX: usize = 65_536;

/// The longest URI of a captive portal, in bytes: it fits into an advertisement over the smallest MTU beside any name.
pub const CAPTIVE_PORTAL_MAX: usize = 512;

/// The largest delay of a PvD (RFC 8801 section 3.1: four bits).
pub const DELAY_MAX: u8 = 15;

/// The smallest MTU of a link that carries IPv6, in bytes (RFC 8200 section 5).
pub const MTU_IPV6_MIN: u16 = 1280;

/// Queue pairs of one port at most: with eight, one guest can keep eight of its CPUs busy.
pub const QUEUE_PAIRS_MAX: u16 = 8;

/// Routers, MACs, prefixes and PvDs at most, of each, that a port's rules for its router may name.
pub const RA_GUARD_MAX: usize = 16;

/// For how many seconds RA guard may learn. Routers speak every 1,800 seconds at least (RFC 4861 section 6.2.1).
pub const RA_LEARN_RANGE_SECONDS: (u64, u64) = (1, 3600);

/// The smallest MTU, in bytes: what IPv4 demands of a link (RFC 791 3.2), and virtio 1.2 section 5.1.4.1 too.
pub const MTU_MIN: u16 = *dataplane::limits::MTU.start();

/// The largest MTU, in bytes: jumbo frames.
pub const MTU_MAX: u16 = 9216;

/// The MTU of a port that asks for none, in bytes.
pub const MTU_DEFAULT: u16 = 1500;

/// The longest path of a Unix socket, in bytes: `sun_path` has room for 108 with its closing NUL (unix(7)).
pub const SOCKET_PATH_MAX: usize = 107;

/// The longest name of a netdev, in bytes: `IFNAMSIZ` of the kernel without its closing NUL.
pub const NETDEV_NAME_MAX: usize = 15;

/// Netdevs that a VF which weftd is to find may not be, at most.
pub const AUTO_IGNORE_MAX: usize = 16;

/// The longest path of a file that is part of a lane, in bytes.
pub const FILE_PATH_MAX: usize = 1023;

/// The longest name of a device, a bus or a driver in a VMM, in bytes.
pub const VMM_WORD_MAX: usize = 63;

/// The longest name of a port or a namespace, in bytes.
pub const NAME_MAX: usize = 63;

/// MAC entries of one namespace, unless it asks for another number.
pub const MACS_DEFAULT: u32 = 8192;

/// The smallest and the largest number of MAC entries that a namespace may ask for.
pub const MACS_RANGE: (u32, u32) = (64, 1 << 20);

/// Seconds until a learned MAC entry ages out, unless the namespace asks for another time (IEEE 802.1Q-2018 8.8.3).
pub const AGE_DEFAULT_SECONDS: u64 = 300;

/// For how many seconds repetitions of advertisements may be held back: up to the longest time between two that a router may
/// have (RFC 4861 section 6.2.1).
pub const RA_THROTTLE_RANGE_SECONDS: (u64, u64) = (1, 1800);

/// The smallest and the largest age in seconds (IEEE 802.1Q-2018 table 8-6).
pub const AGE_RANGE_SECONDS: (u64, u64) = (10, 1_000_000);

/// Frames of its own that control has for ports before it does anything else again.
pub const EMISSIONS_AT_ONCE: usize = 1024;

/// IP addresses of its guest that a port takes along to another switch: all that are known.
pub const MOVE_ADDRESSES: usize = dataplane::limits::ADDRESSES_V4 + dataplane::limits::ADDRESSES_V6;

/// Router Advertisements that a port takes along to another switch: as many as a host gets at a time.
pub const MOVE_RAS: usize = pvd::limits::ANSWER;

/// Octets of all of them together.
pub const MOVE_RA_BYTES: usize = 128 << 10;

/// Static PvDs that a port takes along to another switch.
pub const MOVE_PVDS: usize = 64;

const _: () = assert!(2 * NAMESPACE_PORTS_MAX <= SLOTS as usize && dataplane::limits::PORTS <= u16::MAX as usize);
const _: () = assert!(STATIC_MACS_MAX < MACS_DEFAULT as usize);
const _: () = assert!(MTU_MIN <= MTU_DEFAULT && MTU_DEFAULT <= MTU_MAX);
