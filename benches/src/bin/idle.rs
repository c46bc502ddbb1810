// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a daemon costs whose guests say nothing, and how soon it is there when one does. Prints one JSON object.
//!
//! `cargo xtask bench idle` builds and runs it. The daemon is the `weftd` beside this program, with its defaults; the
//! guests are synthetic and live in this process, so that their memory is shared with the daemon as a VMM's would be.

#![forbid(unsafe_code)]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::driver::{Shape, VnetHeader};
use tests::frames::numbered;
use tests::guest::{GuestOptions, SyntheticGuest};
use tests::memory::Layout;
use tests::weftd::Weftd;

/// Guests, each on a port of its own.
const PORTS: u8 = 64;
/// How long nothing happens.
const SILENCE: Duration = Duration::from_secs(10);
/// Frames that wake a worker, one at a time.
const WAKEUPS: usize = 2000;
/// Between two of them; a worker that has had few frames falls asleep within a fiftieth of it.
const PAUSE: Duration = Duration::from_millis(1);

fn main() {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    let empty = memory(&daemon);
    let mut guests: Vec<SyntheticGuest> = (1..=PORTS).map(|number| attach(&daemon, number)).collect();
    let attached = memory(&daemon);
    // The first tick after so much has changed is not idle.
    thread::sleep(Duration::from_secs(2));
    let begin = (processor_time(&daemon), Instant::now());
    thread::sleep(SILENCE);
    let spent = processor_time(&daemon) - begin.0;
    let share = spent.as_secs_f64() / begin.1.elapsed().as_secs_f64();
    let mut wakeups = wake(&mut guests);
    wakeups.sort_unstable();
    let quantile = |hundredths: usize| (wakeups[WAKEUPS * hundredths / 100].as_nanos()) as f64 / 1000.0;
    println!(
        "{}",
        json!({
            "ports": PORTS,
            "cpu_percent": share * 100.0,
            "wakeup_p50_us": quantile(50),
            "wakeup_p99_us": quantile(99),
            "memory_empty_kib": empty,
            "memory_attached_kib": attached,
            "memory_after_kib": memory(&daemon),
        })
    );
}

fn attach(daemon: &Weftd, number: u8) -> SyntheticGuest {
    let name = format!("vm{number}");
    daemon.add_port("red", &name, number, &[]);
    let layout = Layout::flat(64 << 20);
    let guest = daemon.attach_as(&name, GuestOptions { layout, ..GuestOptions::new(&name, number) });
    daemon.await_state(&name, "up");
    guest
}

/// From the kick of one guest to the frame in the ring of another, who looks all the time, as often as asked.
fn wake(guests: &mut [SyntheticGuest]) -> Vec<Duration> {
    let [from, to, ..] = guests else { panic!("there are two guests") };
    let frame = numbered(to.mac(), from.mac(), 1, 64);
    let mut measured = Vec::with_capacity(WAKEUPS);
    while measured.len() < WAKEUPS {
        thread::sleep(PAUSE);
        let queue = &mut from.pairs()[0].tx;
        queue.reclaim();
        queue.enqueue(&Shape::whole(), VnetHeader::default(), &frame).expect("room for one frame");
        let begin = Instant::now();
        assert!(queue.flush(), "a worker that sleeps wants to be kicked");
        while to.recv().is_none() {
            assert!(begin.elapsed() < Duration::from_secs(5), "the frame never came");
        }
        measured.push(begin.elapsed());
    }
    measured
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
