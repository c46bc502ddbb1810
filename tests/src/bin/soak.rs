// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Races a hostile guest against the frame path for a number of minutes, the same for each thing that it can rewrite,
//! and prints what came of it. Ends with a panic when the switch does what it must not.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tests::race::{Race, Target};

fn main() -> ExitCode {
    let minutes = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .filter(|minutes: &u64| (1..=10_000).contains(minutes));
    let Some(minutes) = minutes else {
        eprintln!("usage: soak MINUTES (1 to 10000)");
        return ExitCode::from(1);
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
