// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A real weftd under a flood of forged Router Advertisements: its workers, its control, its lists.
//!
//! Nobody waits for control. It hears what it comes to, and the rest is counted as unheard.

mod guests;
mod judge;

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::forgery::OURS;
use crate::guest::GuestOptions;
use crate::wait::{Deadline, until};
use crate::weftd::Weftd;
use guests::{Guests, ROUND};
use judge::Ours;

/// How often the router speaks during a flood.
const SPEECHES: u64 = 10;
/// PvDs that the namespace of [`Besieged::ByRouterWithQuota`] may have.
const QUOTA: usize = 1000;

/// Who forges, and what keeps him.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Besieged {
    /// A host: RA guard.
    ByHost,
    /// A router: the bounds of a port, of a namespace, and of the slots for copies.
    ByRouter,
    /// A router in a namespace that may have few PvDs.
    ByRouterWithQuota,
    /// A router, and control decides who gets what it says: the host sees the PvD of the other router alone.
    ByMediatedRouter,
}

impl Besieged {
    /// All of them.
    pub const ALL: [Besieged; 4] =
        [Besieged::ByHost, Besieged::ByRouter, Besieged::ByRouterWithQuota, Besieged::ByMediatedRouter];
}

/// A weftd, a router that is what it says, one who forges, and a host that hears both.
pub struct Siege {
    kind: Besieged,
    daemon: Weftd,
    guests: Guests,
    /// What was known of the router before.
    ours: Ours,
}

/// Lists that were asked for and answered during a flood.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// `weft pvd list` and `weft ra list`, each so many times.
    pub times: u32,
    /// How long both took together, at most.
    pub longest: Duration,
}

impl Siege {
    /// A daemon that knows its router.
    ///
    /// # Panics
    /// When anything is refused.
    pub fn new(kind: Besieged) -> Siege {
        let daemon = Weftd::start();
        let quota = format!("pvds={QUOTA}");
        let more: &[&str] = if kind == Besieged::ByRouterWithQuota { &["--quota", &quota] } else { &[] };
        daemon
            .weft(&[&["namespace", "add", "red", "--answer", "always", "--answer-within", "0"], more].concat())
            .expect_ok();
        let role = if kind == Besieged::ByHost { "host" } else { "router" };
        let ports = [("router", 1, "router"), ("forger", 2, role), ("host", 3, "host")];
        ports.iter().for_each(|(port, number, role)| daemon.add_port("red", port, *number, &["--role", role]));
        if kind == Besieged::ByMediatedRouter {
            daemon.weft(&["pvd", "bind", "red:host", "--pvd", OURS]).expect_ok();
        }
        let attach = |(port, number, _)| {
            daemon.attach_as(port, GuestOptions { queue_size: 1024, ..GuestOptions::new(port, number) })
        };
        let mut guests = Guests::new(ports.map(attach));
        // Twice: who was heard once only could be forged as well.
        (0..2).for_each(|_| guests.router_speaks());
        until("the router to be heard", Deadline::patient(), || judge::heard(&daemon) == guests.spoken);
        let ours = Ours::of(&daemon);
        Siege { kind, daemon, guests, ours }
    }

    /// Forges until there is no room for more, if it is room that keeps the forger.
    ///
    /// # Panics
    /// When it never gets full.
    pub fn fill(&mut self) {
        let full = match self.kind {
            Besieged::ByHost => return self.guests.forge(ROUND),
            Besieged::ByRouter | Besieged::ByMediatedRouter => "refused-pvds",
            Besieged::ByRouterWithQuota => "over-quota",
        };
        let deadline = Deadline::patient();
        while judge::learnt(&self.daemon, full) == 0 {
            assert!(!deadline.passed(), "there is room for ever");
            self.guests.forge(16 * ROUND);
        }
        // These take memory, too.
        judge::lists(&self.daemon);
    }

    /// Forges so many more, or a few more than that until lists were answered meanwhile.
    ///
    /// # Panics
    /// When a list is not answered, or is not as it should be.
    pub fn flood(&mut self, frames: u64) -> Answered {
        let (daemon, guests, times) = (&self.daemon, &mut self.guests, AtomicU32::new(0));
        thread::scope(|scope| {
            let flooding = scope.spawn(|| {
                for _ in 0..SPEECHES {
                    guests.router_speaks();
                    guests.forge(frames / SPEECHES);
                }
                let deadline = Deadline::patient();
                while times.load(Ordering::Relaxed) == 0 {
                    assert!(!deadline.passed(), "no list is answered under a flood");
                    guests.forge(ROUND);
                }
            });
            let mut longest = Duration::ZERO;
            while !flooding.is_finished() {
                let begin = Instant::now();
                judge::lists(daemon);
                longest = longest.max(begin.elapsed());
                times.fetch_add(1, Ordering::Relaxed);
            }
            Answered { times: times.load(Ordering::Relaxed), longest }
        })
    }

    /// How many frames were forged.
    pub fn sent(&self) -> u64 {
        self.guests.sent
    }

    /// Of these, how many control has heard, and how many PvDs and advertisements there are.
    ///
    /// # Panics
    /// When the daemon does not tell.
    pub fn kept(&self) -> (u64, usize, usize) {
        judge::kept(&self.daemon)
    }

    /// The host asks, its router being silent, and is answered with what that has said.
    ///
    /// # Panics
    /// When it is not.
    pub fn ask(mut self) {
        self.guests.router_dies();
        self.daemon.await_port("red:router", |port| port["state"] == "down");
        assert!(self.guests.host_is_answered(), "the host is told of its router");
    }

    /// Kilobytes of memory that the daemon has.
    ///
    /// # Panics
    /// When it is gone.
    pub fn memory_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.daemon.pid())).expect("it runs");
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
        memory.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}
