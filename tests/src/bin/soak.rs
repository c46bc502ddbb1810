// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Races a hostile guest against the frame path for a number of minutes, the same for each thing that it can rewrite,
//! or floods it with forged Router Advertisements, and prints what came of it. Ends with a panic when the switch does what
//! it must not.
#![forbid(unsafe_code)]

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use dataplane::Role;
use tests::flood::Flood;
use tests::race::{Race, Target};

/// Kilobytes by which this process may grow once all that is bounded is full.
const GROWTH_MAX: u64 = 4096;

fn main() -> ExitCode {
    let forged = std::env::args().skip_while(|word| word != "--forged").nth(1).map(|text| text.parse());
    match forged {
        Some(Ok(frames)) => {
            [Role::Host, Role::Router].into_iter().for_each(|role| flood(role, frames));
            ExitCode::SUCCESS
        }
        Some(Err(_)) => usage(),
        None => race(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: soak MINUTES (1 to 10000), or soak --forged FRAMES");
    ExitCode::from(1)
}

/// Forges, and looks at a hundred moments whether all is as it should be.
fn flood(role: Role, frames: u64) {
    let mut flood = Flood::new(role);
    let begin = Instant::now();
    let mut full = 0;
    for part in 1..=100 {
        flood.forge(frames / 100);
        flood.check(role);
        if part == 10 {
            full = memory_kb();
        }
    }
    let (sent, heard, pvds, ras) = flood.tally();
    let (seconds, grown) = (begin.elapsed().as_secs(), memory_kb().saturating_sub(full));
    println!("{role:?}: {sent} forged in {seconds} s, {heard} heard, {pvds} PvDs and {ras} advertisements kept");
    println!("{role:?}: {full} kB resident after a tenth, {grown} kB more at the end");
    assert!(grown <= GROWTH_MAX, "memory grows");
}

fn memory_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
    memory.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn race() -> ExitCode {
    let minutes = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .filter(|minutes: &u64| (1..=10_000).contains(minutes));
    let Some(minutes) = minutes else {
        return usage();
    };
    let each = Duration::from_secs(60 * minutes) / Target::ALL.len() as u32;
    for (target, seed) in Target::ALL.into_iter().zip(1..) {
        let end = Instant::now() + each;
        let tally = Race::new(target, seed).run(|_| Instant::now() >= end);
        println!(
            "{target:?}: {} rounds, {} frames arrived, {} dropped, {} rings broken",
            tally.rounds, tally.arrived, tally.dropped, tally.broken
        );
    }
    println!("nothing that was decided has changed");
    ExitCode::SUCCESS
}
