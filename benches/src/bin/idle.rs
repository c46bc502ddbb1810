// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a daemon costs whose guests say nothing, and how soon it is there when one does. Prints one JSON object.
//!
//! `cargo xtask bench idle` builds and runs it. The daemon is the `weftd` beside this program, with its defaults; the
//! guests are synthetic and live in this process, so that their memory is shared with the daemon as a VMM's would be.
//! Where there are two CPUs the worker has the first and the guests have the last.
//!
//! How long the kernel alone takes to get a sleeping thread to the other CPU depends on the machine, above all on a
//! virtual one whose idle CPUs are put to sleep by the host. So that is measured too, in the same way, in the same
//! sitting: a thread in epoll, an eventfd, a word in shared memory.

#![forbid(unsafe_code)]

use core::net::Ipv6Addr;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use benches::{cpus, pin};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use serde_json::json;
use tests::driver::{Shape, VnetHeader};
use tests::frames::numbered;
use tests::guest::{GuestOptions, SyntheticGuest};
use tests::memory::Layout;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;
use wire::MacAddr;
use wire::build::{advertisement, solicitation};

/// Guests, each on a port of its own.
const PORTS: u8 = 64;
/// How long nothing happens.
const SILENCE: Duration = Duration::from_secs(10);
/// Frames that wake a worker, one at a time.
const WAKEUPS: usize = 2000;
/// Between two of them; a worker that has had few frames falls asleep within a fiftieth of it.
const PAUSE: Duration = Duration::from_millis(1);

fn main() {
    let (first, last) = cpus();
    let daemon = Weftd::start_with(&["--pin", &first.to_string()]);
    daemon.add_namespace("red");
    pin(last);
    let empty = memory(&daemon);
    let mut guests: Vec<SyntheticGuest> = (1..=PORTS).map(|number| attach(&daemon, "red", number)).collect();
    let attached = memory(&daemon);
    // The first tick after so much has changed is not idle.
    thread::sleep(Duration::from_secs(2));
    let begin = (processor_time(&daemon), Instant::now());
    thread::sleep(SILENCE);
    let spent = processor_time(&daemon) - begin.0;
    let share = spent.as_secs_f64() / begin.1.elapsed().as_secs_f64();
    let (wakeups, answers, kernel) = (wake(&mut guests), answer(&daemon), wake_thread(first));
    println!(
        "{}",
        json!({
            "ports": PORTS,
            "cpu_percent": share * 100.0,
            "wakeup_p50_us": quantile(&wakeups, 50),
            "wakeup_p99_us": quantile(&wakeups, 99),
            "answer_p50_us": quantile(&answers, 50),
            "answer_p99_us": quantile(&answers, 99),
            "kernel_p50_us": quantile(&kernel, 50),
            "kernel_p99_us": quantile(&kernel, 99),
            "memory_empty_kib": empty,
            "memory_attached_kib": attached,
            "memory_after_kib": memory(&daemon),
        })
    );
}

fn attach(daemon: &Weftd, namespace: &str, number: u8) -> SyntheticGuest {
    let name = format!("vm{number}");
    daemon.add_port(namespace, &name, number, &[]);
    let layout = Layout::flat(64 << 20);
    let guest = daemon.attach_as(&name, GuestOptions { layout, ..GuestOptions::new(&name, number) });
    daemon.await_state(&name, "up");
    guest
}

/// From the kick of one guest to the frame in the ring of another, who looks all the time.
fn wake(guests: &mut [SyntheticGuest]) -> Vec<Duration> {
    let [from, to, ..] = guests else { panic!("there are two guests") };
    let frame = numbered(to.mac(), from.mac(), 1, 64);
    let kick = || {
        let queue = &mut from.pairs()[0].tx;
        queue.reclaim();
        queue.enqueue(&Shape::whole(), VnetHeader::default(), &frame).expect("room for one frame");
        let begin = Instant::now();
        // Rings no doorbell where the machine held the worker up and it is not asleep yet: one sample more.
        queue.flush();
        begin
    };
    measure(kick, || to.recv().is_some())
}

/// From the Router Solicitation of one guest to the answer in its ring, for a router that is silent: a worker, control and
/// a worker again have to wake.
fn answer(daemon: &Weftd) -> Vec<Duration> {
    daemon.weft(&["namespace", "add", "blue", "--answer", "always", "--answer-within", "0"]).expect_ok();
    let [mut router, mut host] = [PORTS + 1, PORTS + 2].map(|number| attach(daemon, "blue", number));
    daemon.weft(&["port", "set", router.name(), "--role", "router"]).expect_ok();
    let address = |number| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number);
    router.send(&advertisement(MacAddr(router.mac()), address(1), 9000, &[]));
    let heard = || daemon.json(&["ra", "list", "blue"]).as_array().is_some_and(|ras| !ras.is_empty());
    until("the Router Advertisement", Deadline::patient(), heard);
    while host.recv().is_some() {}
    let asked = solicitation(MacAddr(host.mac()), address(2));
    let [pair, ..] = host.pairs() else { panic!("there is a queue pair") };
    let (rx, tx) = (&mut pair.rx, &mut pair.tx);
    let ask = || {
        tx.reclaim();
        tx.enqueue(&Shape::whole(), VnetHeader::default(), &asked).expect("room for one frame");
        let begin = Instant::now();
        tx.flush();
        begin
    };
    measure(ask, || rx.recv().is_some())
}

/// From the kick of a thread on this CPU that does nothing else to the word that it writes.
fn wake_thread(cpu: usize) -> Vec<Duration> {
    let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).expect("an eventfd"));
    let woken = Arc::new(AtomicUsize::new(0));
    let (theirs, word) = (Arc::clone(&bell), Arc::clone(&woken));
    // Ends with the process.
    thread::spawn(move || {
        pin(cpu);
        loop {
            poll(&mut [PollFd::new(&theirs, PollFlags::IN)], None).expect("one descriptor");
            word.fetch_add(1, Ordering::Relaxed);
            rustix::io::read(&theirs, &mut [0; 8]).expect("a rung eventfd");
        }
    });
    let mut rung = 0;
    let ring = || {
        let begin = Instant::now();
        rustix::io::write(&bell, &1_u64.to_ne_bytes()).expect("an eventfd that is read");
        begin
    };
    let came = || {
        let came = woken.load(Ordering::Relaxed) > rung;
        rung += usize::from(came);
        came
    };
    measure(ring, came)
}

/// Calls `begin` again and again, waits each time until `end` says so, and answers how long that took, ascending.
fn measure(mut begin: impl FnMut() -> Instant, mut end: impl FnMut() -> bool) -> Vec<Duration> {
    let mut measured: Vec<Duration> = (0..WAKEUPS)
        .map(|_| {
            thread::sleep(PAUSE);
            let begin = begin();
            while !end() {
                assert!(begin.elapsed() < Duration::from_secs(5), "nobody woke");
            }
            begin.elapsed()
        })
        .collect();
    measured.sort_unstable();
    measured
}

/// Microseconds that so many in a hundred did not exceed.
fn quantile(ascending: &[Duration], hundredths: usize) -> f64 {
    ascending[ascending.len() * hundredths / 100].as_nanos() as f64 / 1000.0
}

/// Processor time that all threads of the daemon have had.
fn processor_time(daemon: &Weftd) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("the daemon runs");
    let nanos = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// Resident memory of the daemon without what it shares with guests, KiB: its own, and its program's.
fn memory(daemon: &Weftd) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("the daemon runs");
    let line = |key: &str| status.lines().find_map(|line| line.strip_prefix(key));
    let kib = |key: &str| line(key).and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    ["RssAnon:", "RssFile:"].into_iter().filter_map(kib).sum()
}
