// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What weftd costs while its guests are silent, and how soon it is there when one is not.
//!
//! The measuring is done by `benches/src/bin/idle.rs`, which may use the synthetic guests of the tests; this builds it
//! and holds its figures against the goals.

use super::released;
use crate::Outcome;
use crate::failure::Failure;
use serde_json::Value;
use std::process::{Command, ExitCode};

/// A figure of the measurement and what it may be at most.
struct Goal {
    key: &'static str,
    what: &'static str,
    most: f64,
    unit: &'static str,
    /// What the figure is divided by to be in this unit.
    by: f64,
}

const GOALS: [Goal; 4] = [
    Goal { key: "cpu_percent", what: "processor time", most: 0.5, unit: "% of a core", by: 1.0 },
    Goal { key: "wakeup_p50_us", what: "kick to delivery, asleep, p50", most: 40.0, unit: "us", by: 1.0 },
    Goal {
        key: "answer_p50_us",
        what: "question to answer for a silent router, asleep, p50",
        most: 100.0,
        unit: "us",
        by: 1.0,
    },
    Goal { key: "memory_after_kib", what: "resident beside guest memory", most: 32.0, unit: "MiB", by: 1024.0 },
];

/// Builds, measures, prints. Fails when a goal is missed.
pub(crate) fn run() -> Outcome {
    let output = Command::new(released(&["backends", "ctl", "benches"])?.join("idle"))
        .output()
        .map_err(Failure::of("the measurement"))?;
    if !output.status.success() {
        return Err(Failure::new(format!("the measurement: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    let figures: Value = serde_json::from_slice(&output.stdout).map_err(Failure::of("what the measurement printed"))?;
    println!("{figures:#}");
    println!("of the way out of sleep the kernel alone takes {} us (p50)", figures["kernel_p50_us"]);
    let missed = GOALS.iter().filter(|goal| !judge(goal, &figures)).count();
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints a figure beside its goal. True: it is within.
fn judge(goal: &Goal, figures: &Value) -> bool {
    let Goal { key, what, most, unit, by } = goal;
    let figure = figures[*key].as_f64().map_or(f64::INFINITY, |figure| figure / by);
    let met = figure <= *most;
    println!("{} {what}: {figure:.2} {unit} (at most {most})", if met { "ok    " } else { "MISSED" });
    met
}
