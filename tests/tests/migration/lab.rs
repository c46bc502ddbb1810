// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Two hosts, a guest on one of them, the streams to it, and its moves.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qemu::{Attach, Guest, GuestSpec, Mac, Moved, Moving, Nic, Pace, Setup};
use tests::setup::{Must, setup_or_skip};
use tests::stream::{Losses, Still, Stream, Traffic, unanswered};
use tests::wait::{Deadline, until};
use tests::weftd::{Waiting, mac_text};

use crate::hosts::{self, GUEST, Host, guest_mac};
use crate::near::{Near, addresses};
use crate::scene::{Outcome, Scene};

/// What the guest is like, and what is asked of it.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) queue_pairs: u16,
    pub(crate) has_vf: bool,
    /// Requests a second from each host, over IPv4 and IPv6.
    pub(crate) pace: [u32; 2],
}

/// A guest that answers a stream.
pub(crate) const PLAIN: Shape = Shape { queue_pairs: 1, has_vf: false, pace: [500, 100] };
/// So slow that a move is under way for as long as a test likes.
pub(crate) const SLOW: Pace = Pace { downtime: Duration::from_millis(300), bandwidth: Some(1 << 20) };
/// Requests of each stream in which nothing happens.
const STEADY: u64 = 50;
/// The variable that asks for more moves than a test should take.
const MOVES: &str = "WEFT_MIGRATIONS";
/// For what takes as long as a guest takes that is emulated on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Held by the test that has guests.
static TURN: Mutex<()> = Mutex::new(());

/// See the module. What is declared first ends first.
pub(crate) struct Lab {
    traffic: [Traffic; 2],
    cut_off: [Arc<AtomicBool>; 2],
    unsent: [Arc<AtomicU64>; 2],
    pub(crate) guest: Guest,
    pub(crate) hosts: [Host; 2],
    /// Where the guest is.
    pub(crate) at: usize,
    shape: Shape,
    setup: Setup,
    _turn: MutexGuard<'static, ()>,
}

impl Lab {
    /// `None` where there can be no such lab; it is noted as skipped.
    pub(crate) fn open(shape: Shape) -> Option<Lab> {
        let setup = setup_or_skip()?;
        // Whoever poisoned it has failed, and its guests are gone.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts = hosts::open(shape.queue_pairs)?;
        let guest = setup.start(&spec(&hosts[0], shape)).must();
        guest.wait_ready().must();
        guest.configure("eth0", &["10.0.0.1/24", "fd00::1/64"]).must();
        let nears = hosts.each_ref().map(Host::near);
        for near in &nears {
            let [.., last] = near.host.ip;
            guest.run_ok(&format!("arp -s 10.0.0.{last} {}", mac_text(near.host.mac))).must();
        }
        let cut_off = nears.each_ref().map(Near::cut_off);
        let unsent = nears.each_ref().map(Near::unsent);
        let (host, host6) = addresses(guest_mac(), GUEST);
        let traffic = nears.map(|near| {
            let streams = vec![
                Stream::new(0, near.host, host, shape.pace[0]),
                Stream::over_ipv6(1, near.host6, host6, shape.pace[1]),
            ];
            Traffic::start(near, streams)
        });
        let setup = setup.clone();
        let lab = Lab { traffic, cut_off, unsent, guest, hosts, at: 0, shape, setup, _turn: turn };
        lab.await_answers();
        Some(lab)
    }

    /// A QEMU on the other host that waits for the guest, and where it waits.
    pub(crate) fn incoming(&self) -> (Guest, PathBuf) {
        let there = &self.hosts[1 - self.at];
        let incoming = self.setup.start(&spec(there, self.shape).incoming()).must();
        let socket = there.daemon.folder().join("move.sock");
        incoming.await_move(&socket).must();
        (incoming, socket)
    }

    /// Has the other host take the guest's port over.
    pub(crate) fn prepare(&self) {
        let [here, there] = [self.at, 1 - self.at].map(|host| &self.hosts[host].daemon);
        here.hand_over("guest", there, &[]).expect_ok();
    }

    /// Moves the guest to the other host.
    pub(crate) fn move_guest(&mut self) -> Scene {
        let (incoming, socket) = self.incoming();
        self.watch(|lab| {
            let moved = lab.guest.move_to(&incoming, &socket, Pace::default()).must();
            lab.settle_at(incoming);
            Some(moved)
        })
    }

    /// What happens while something is done, which tells of the guest's move, if it has moved.
    pub(crate) fn watch(&mut self, act: impl FnOnce(&mut Lab) -> Option<Moved>) -> Scene {
        let (before, unanswered_before) =
            ([self.refused("guest"), self.refused("near"), self.unsent()], unanswered(&self.guest));
        let (moved, outcome) = self.during(act);
        let losses = [0, 1].map(|host| [0, 1].map(|family| self.losses(host, family, &outcome, moved)));
        let after = [self.refused("guest"), self.refused("near"), self.unsent()];
        // Who has been started anew counts anew.
        let more = |now: [u64; 2], before: [u64; 2]| -> u64 {
            now.iter().zip(before).map(|(now, before)| now.checked_sub(before).unwrap_or(*now)).sum()
        };
        let [refused, unheard, unsent] = [0, 1, 2].map(|at| more(after[at], before[at]));
        let first = |host: usize, family| self.traffic[host].first_answer(family, moved?.resumed);
        let first_answers = [0, 1].map(|host| [0, 1].map(|family| first(host, family)));
        let unanswered = unanswered(&self.guest).saturating_sub(unanswered_before);
        Scene { moved, outcome, first_answers, losses, refused, unanswered, elsewhere: unheard + unsent }
    }

    /// When those of the requests of a stream were sent that were lost.
    fn losses(&self, host: usize, family: usize, outcome: &Outcome, moved: Option<Moved>) -> Losses {
        // One that has not moved has not stood still by now.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
        let [from, until] = moved.map_or([now; 2], |moved| [moved.stopped, moved.resumed]);
        self.traffic[host].losses(family, outcome.numbers[host][family].clone(), Still { from, until })
    }

    /// The guest is on the other host now.
    pub(crate) fn settle_at(&mut self, incoming: Guest) {
        self.guest = incoming;
        self.at = 1 - self.at;
    }

    /// What became of the requests that were sent while something was done.
    pub(crate) fn during<T>(&mut self, act: impl FnOnce(&mut Lab) -> T) -> (T, Outcome) {
        let first = self.sent();
        let did = act(self);
        self.await_requests();
        let last = self.sent();
        // Answers come in order: with one to a later request they are all there, or never will be.
        self.await_answers();
        let numbers = [0, 1].map(|host| [0, 1].map(|family| first[host][family]..last[host][family]));
        let report = |host: usize, family: usize| self.traffic[host].report(family, numbers[host][family].clone());
        let reports = [0, 1].map(|host| [0, 1].map(|family| report(host, family)));
        (did, Outcome { reports, numbers })
    }

    /// Waits until a move is well under way, and the streams with it.
    pub(crate) fn await_half_way(&self) {
        let active = Moving::UnderWay("active".to_owned());
        until("the move to be under way", Deadline::after(PATIENCE), || self.guest.moving().must() == active);
        self.await_answers();
    }

    /// Kills the weftd of a host and starts it anew. QEMU takes a NIC's link to be down while its switch is away, and a guest that
    /// moves takes that along; so the guest's own switch is waited for.
    pub(crate) fn kill(&mut self, host: usize) {
        self.hosts[host].restart();
        self.cut_off[host].store(true, Ordering::Relaxed);
        if host == self.at {
            self.hosts[host].daemon.await_state("guest", "up");
        }
    }

    /// The same; the other host is told as well when the guest stops here.
    pub(crate) fn prepare_and_wait(&self) -> Waiting {
        let [here, there] = [self.at, 1 - self.at].map(|host| &self.hosts[host].daemon);
        here.hand_over_and_wait("guest", there)
    }

    /// Router Advertisements that the guest has heard.
    pub(crate) fn advertisements(&self) -> u64 {
        let counted = "awk '$1 == \"Icmp6InRouterAdvertisements\" { print $2 }' /proc/net/snmp6";
        self.guest.run_ok(counted).must().trim().parse().expect("a number")
    }

    /// Requests that who speaks with the guest had no room for on their way to the switch, by host.
    fn unsent(&self) -> [u64; 2] {
        self.unsent.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// Frames that did not fit into the rings of a guest that is slower than its senders, and those that waited for it, by host.
    fn refused(&self, name: &str) -> [u64; 2] {
        self.hosts.each_ref().map(|host| {
            let list = host.daemon.json(&["port", "list"]);
            let ports = list.as_array().into_iter().flatten();
            let drops = ports.filter(|port| port["name"] == name).map(|port| &port["drops"]);
            drops.flat_map(|drops| ["ring-full", "hold-full"].map(|reason| drops[reason].as_u64().unwrap_or(0))).sum()
        })
    }

    fn sent(&self) -> [[u64; 2]; 2] {
        self.traffic.each_ref().map(|traffic| [0, 1].map(|family| traffic.sent(family)))
    }

    pub(crate) fn await_requests(&self) {
        let ends = self.sent().map(|sent| sent.map(|sent| sent + STEADY));
        let all = || self.sent().iter().flatten().zip(ends.iter().flatten()).all(|(sent, end)| sent >= end);
        until("requests", Deadline::after(PATIENCE), all);
    }

    /// Waits for answers to requests that are sent from now on, by all streams.
    pub(crate) fn await_answers(&self) {
        let first = self.sent();
        for (host, family) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let answered = || self.traffic[host].report(family, first[host][family]..u64::MAX).answered > 0;
            let what = format!("answers to host {host}, stream {family}");
            let deadline = Deadline::after(PATIENCE);
            until(&what, deadline, || answered() || deadline.passed());
            assert!(answered(), "waited in vain for {what}\n{}", self.report());
        }
    }

    /// What both weftd say.
    fn report(&self) -> String {
        self.hosts.each_ref().map(Host::report).concat()
    }
}

/// How often the guest is to move, if nobody says otherwise so often.
pub(crate) fn moves(otherwise: usize) -> usize {
    std::env::var(MOVES).map_or(otherwise, |count| count.parse().expect("a number of moves"))
}

/// The guest as it is on a host.
fn spec(host: &Host, shape: Shape) -> GuestSpec {
    let Shape { queue_pairs, has_vf, .. } = shape;
    let socket = host.daemon.port_path("guest");
    let nic = Nic { queue_pairs, ..Nic::new("a", Mac(guest_mac()), Attach::SwitchListens(socket)) };
    let mut spec = GuestSpec::new("guest", host.daemon.folder()).with_nic(if has_vf { nic.standby() } else { nic });
    spec.vcpus = if queue_pairs > 1 { 2 } else { 1 };
    (spec.pci_slots, spec.has_switch_monitor) = (has_vf.into(), has_vf);
    if has_vf {
        host.give_vf(&spec.switch_monitor());
    }
    spec
}

impl Shape {
    /// Requests a second, of all streams.
    pub(crate) fn offered(&self) -> u32 {
        2 * self.pace.iter().sum::<u32>()
    }
}
