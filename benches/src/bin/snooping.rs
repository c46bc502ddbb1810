// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What ordinary traffic pays for the copies that control gets of what routers and hosts say to each other, and for the RA
//! guard. Prints one JSON object: by kind of frame, nanoseconds of a frame with neither, with the guard alone, and with both;
//! and by how many hundredths that is more than before it. `again` is the noise: what is measured twice in the same way.
//!
//! All have their turns in short rounds of the same ports, rings and memory, so that where that lies and what else the machine does
//! falls on all of them. What counts is the median of what a round is slower than the one right before it.

#![forbid(unsafe_code)]

use benches::{Scene, Work, cpus, pin};
use serde_json::json;

const KINDS: [&str; 4] = ["64", "1500", "ip6-64", "flood-8"];
const ROUNDS: usize = 301;
/// Bursts of a round.
const BURSTS: u64 = 200;
/// Whether the RA guard looks, and whether copies are made.
const WAYS: [(bool, bool); 4] = [(false, false), (true, false), (true, true), (true, true)];

fn main() {
    pin(cpus().0);
    let mut figures = json!({});
    for (name, work) in Work::ALL.into_iter().filter(|(name, _)| KINDS.contains(name)) {
        let mut scene = Scene::new(work);
        let rounds: Vec<[f64; 4]> = (0..ROUNDS).map(|_| WAYS.map(|way| nanos(&mut scene, work, way))).collect();
        let spent = |way: usize| median(rounds.iter().map(|round| round[way]));
        let more = |way: usize| median(rounds.iter().map(|round| (round[way] / round[way - 1] - 1.0) * 100.0));
        figures[name] = json!({
            "neither": spent(0), "guard": spent(1), "both": spent(2),
            "guard_percent": more(1), "copies_percent": more(2), "again_percent": more(3),
        });
    }
    println!("{figures:#}");
}

/// Of one frame, in one round.
fn nanos(scene: &mut Scene, work: Work, (guard, copies): (bool, bool)) -> f64 {
    scene.guard(guard);
    scene.copy(copies);
    scene.time(BURSTS).as_nanos() as f64 / (BURSTS * work.frames() as u64) as f64
}

fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut of: Vec<f64> = of.collect();
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}
