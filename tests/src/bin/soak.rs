// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Races a hostile guest against the frame path for a number of minutes, the same for each thing that it can rewrite,
//! or floods a weftd with forged Router Advertisements, and prints what came of it. Ends with a panic when the switch does what
//! it must not.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tests::flood::{Besieged, Siege};
use tests::race::{Race, Target};

/// Kilobytes by which weftd may grow once all that is bounded is full.
const GROWTH_MAX: u64 = 4096;

fn main() -> ExitCode {
    let forged = std::env::args().skip_while(|word| word != "--forged").nth(1).map(|text| text.parse());
    match forged {
        Some(Ok(frames)) => {
            Besieged::ALL.into_iter().for_each(|kind| flood(kind, frames));
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

/// Floods a weftd that has no more room, and looks at ten moments whether all is as it should be.
fn flood(kind: Besieged, frames: u64) {
    let mut siege = Siege::new(kind);
    siege.fill();
    siege.check();
    let (before, full) = (siege.sent(), siege.memory_kb());
    let (mut spent, mut times, mut longest, mut most) = (Duration::ZERO, 0, Duration::ZERO, full);
    for _ in 0..10 {
        let begin = Instant::now();
        let answered = siege.flood(frames / 10);
        spent += begin.elapsed();
        (times, longest) = (times + answered.times, longest.max(answered.longest));
        siege.check();
        most = most.max(siege.memory_kb());
    }
    let (sent, (heard, pvds, ras)) = (siege.sent(), siege.kept());
    println!("{kind:?}: {sent} forged, {} of them in {:.1} s; {heard} heard", sent - before, spent.as_secs_f64());
    println!(
        "{kind:?}: {pvds} PvDs and {ras} advertisements kept; both lists answered {times} times, in {longest:.0?} at most"
    );
    println!("{kind:?}: {full} kB resident when full, {} kB more later", most.saturating_sub(full));
    assert!(most <= full + GROWTH_MAX, "memory grows");
    siege.ask();
    println!("{kind:?}: its router's words are as they were, and a host that asks gets them");
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
