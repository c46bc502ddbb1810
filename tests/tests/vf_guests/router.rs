// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A router of the guest's namespace that advertises itself all the time, and what the guest hears of it.

use core::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use qemu::Guest;
use tests::guest::SyntheticGuest;
use tests::setup::Must;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;
use wire::{MacAddr, build};

/// The last octet of its MAC address.
const NUMBER: u8 = 9;
const ADDRESS: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
/// Seconds for which it says it is there.
const LIFETIME: u16 = 1800;
/// Between two advertisements.
const PAUSE: Duration = Duration::from_millis(50);

/// A router that speaks for as long as it is kept.
pub(crate) struct Router {
    said: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Router {
    /// Lets one speak at a port of its own.
    pub(crate) fn start(daemon: &Weftd) -> Router {
        daemon.add_port("red", "router", NUMBER, &["--role", "router"]);
        let mut wire = daemon.attach("router", NUMBER);
        let (said, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, end) = (Arc::clone(&said), Arc::clone(&is_over));
        let thread = thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                speak(&mut wire);
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Router { said, is_over, thread: Some(thread) }
    }

    /// Advertisements so far.
    pub(crate) fn said(&self) -> u64 {
        self.said.load(Ordering::Relaxed)
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()), "the router's thread panicked");
    }
}

/// Advertises once, and lets time pass, in which what comes is taken in.
fn speak(wire: &mut SyntheticGuest) {
    wire.send(&build::advertisement(MacAddr(wire.mac()), ADDRESS, LIFETIME, &[]));
    let _ = wire.recv_until(Deadline::after(PAUSE), |_| false);
}

/// Router Advertisements that the guest has heard by its one interface: what a lane beneath hears alone is not among them.
pub(crate) fn heard(guest: &Guest) -> u64 {
    let counted = "awk '$1 == \"Icmp6InRouterAdvertisements\" { print $2 }' /proc/net/dev_snmp6/eth0";
    // The kernel shows none of what it has not counted yet.
    guest.run_ok(counted).must().trim().parse().unwrap_or(0)
}

/// Waits until the guest has heard one more from now on.
pub(crate) fn await_one(guest: &Guest, phase: &str) {
    let before = heard(guest);
    until(&format!("a Router Advertisement while {phase}"), Deadline::patient(), || heard(guest) > before);
}
