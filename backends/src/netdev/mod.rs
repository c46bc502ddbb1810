// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The network devices of the host, and which of them is the VF of a port.
//!
//! # Theory of operation
//!
//! A VF that a guest could have shows on the host as a netdev: it comes when the PCI function gets a driver, and goes
//! when that is unbound, or pulled. weft watches them by rtnetlink, and by nothing else: what happens is known when it
//! happens, and no time is spent on looking at what has not changed.
//!
//! ```text
//!  kernel ── datagrams ──▶ Monitor ── messages ──▶ Table ── events ──▶ Finder ── changes ──▶ lanes are plugged, unplugged
//!                             ▲                       │                   ▲
//!                             └── asks for lists ── in doubt              └─ wishes of ports: iface, mac, force, ignore
//! ```
//!
//! [`Monitor`] has the socket. [`Table`] knows each netdev by its number, which stays when its name changes. Both follow
//! the kernel's news; a list of everything is asked for at the beginning, and when news were lost because too much
//! happened at once. The routes are listed anew also when some may have gone silently: IPv4 does not tell which routes
//! went with a netdev that was set down, or with an address that was deleted.
//!
//! [`Finder`] holds what ports wish and gives each the netdev that fits, or says why none does. It is asked to settle
//! when there are events or wishes have changed, and tells what is different.
//!
//! # Invariants
//!
//! * A netdev is given to one port at most, and a port keeps it as long as it fits, whatever else comes.
//! * Nothing is given before everything is known: a netdev could be routed, and then it is the host's own.
//! * Nothing here blocks, and nothing that the kernel says can panic.

mod device;
mod dumps;
mod finder;
mod follower;
mod message;
mod monitor;
mod routes;
mod sysfs;
mod table;
mod wish;

pub use device::{Bus, Kind, Netdev, State};
pub use finder::Finder;
pub use monitor::{Monitor, MonitorError, MonitorOptions, Turn};
pub use sysfs::{SYSFS_NET, bus_of};
pub use table::{Event, NETDEVS_MAX, Table};
pub use wish::{Change, Found, Outcome, Reason, Wish};
