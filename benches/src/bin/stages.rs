// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Switches bursts of every kind and prints, as JSON, the cycles that a frame spent in each stage: the median over the bursts.
//!
//! `cargo xtask bench stages` builds and runs it.

#![forbid(unsafe_code)]

use benches::{Scene, Work, stage_name};
use dataplane::Stage;
use serde_json::{Map, Value, json};
use sys::cycles;

/// Bursts of each kind.
const BURSTS: usize = 5000;

fn main() {
    let all = Work::ALL.map(|(name, work)| (name.to_owned(), stages(work)));
    println!("{}", Value::Object(all.into_iter().collect()));
}

/// Cycles a frame by stage.
fn stages(work: Work) -> Value {
    let mut scene = Scene::new(work);
    let mut spent = Stage::ALL.map(|_| Vec::with_capacity(BURSTS));
    for _ in 0..BURSTS {
        scene.fill();
        let at = scene.switch_timed(cycles);
        scene.empty();
        for (spent, ends) in spent.iter_mut().zip(at.windows(2)) {
            spent.push(ends[1].saturating_sub(ends[0]));
        }
    }
    let medians = Stage::ALL.into_iter().zip(spent).map(|(stage, mut spent)| {
        spent.sort_unstable();
        (stage_name(stage), json!(spent[BURSTS / 2] as f64 / work.frames() as f64))
    });
    Value::Object(medians.collect::<Map<_, _>>())
}
