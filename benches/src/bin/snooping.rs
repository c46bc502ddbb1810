// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What ordinary traffic pays for the RA guard and for the copies that control gets of what routers and hosts say to each
//! other. Prints one JSON object: by kind of frame, nanoseconds of a frame without both and with both, and how many hundredths
//! more that is.
//!
//! Both have their turns in short rounds, so that what else the machine does falls on both; of each the median counts.

#![forbid(unsafe_code)]

use benches::{Scene, Work, cpus, pin};
use serde_json::json;

const KINDS: [&str; 4] = ["64", "1500", "ip6-64", "flood-8"];
const ROUNDS: usize = 301;
/// Bursts of a round.
const BURSTS: u64 = 200;

fn main() {
    pin(cpus().0);
    let mut figures = json!({});
    for (name, work) in Work::ALL.into_iter().filter(|(name, _)| KINDS.contains(name)) {
        let [mut without, mut with] = [Scene::new(work), Scene::new(work)];
        without.unguarded();
        let mut spent = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            spent[0].push(nanos(&mut without, work));
            spent[1].push(nanos(&mut with, work));
        }
        let [without, with] = spent.map(median);
        figures[name] = json!({ "without": without, "with": with, "percent": (with / without - 1.0) * 100.0 });
    }
    println!("{figures:#}");
}

/// Of one frame, in one round.
fn nanos(scene: &mut Scene, work: Work) -> f64 {
    scene.time(BURSTS).as_nanos() as f64 / (BURSTS * work.frames() as u64) as f64
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}
