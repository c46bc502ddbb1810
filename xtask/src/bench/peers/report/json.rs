// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Everything that was measured, for programs.

use super::facts::Facts;
use crate::bench::peers::sample::Figure;
use crate::bench::peers::sitting::{Cell, Results};
use serde_json::{Map, Value, json};

/// `{facts: {}, results: [{scenario, ports, frame, peer, rate: {median, min, max}, cycles, cpu, memory, samples,
/// obstacle, failure}]}`
pub(super) fn write(results: &Results, facts: &Facts) -> String {
    let facts: Map<String, Value> = facts.0.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let cells = results.rows.iter().flat_map(|(scenario, cells)| {
        results.peers.iter().zip(cells).map(|(peer, cell)| {
            let mut object = measured(cell);
            object["scenario"] = json!(scenario.name);
            object["ports"] = json!(scenario.ports);
            object["frame"] = json!(scenario.frame);
            object["peer"] = json!(peer);
            object
        })
    });
    let document = json!({ "facts": facts, "results": cells.collect::<Vec<_>>() });
    format!("{document:#}\n")
}

fn measured(cell: &Cell) -> Value {
    let samples = cell.samples.iter().map(|sample| sample.to_json());
    json!({
        "rate": cell.rate().map(figure),
        "cycles": cell.cycles().map(figure),
        "cpu": cell.cpu().map(figure),
        "memory": cell.memory().map(figure),
        "samples": samples.collect::<Vec<_>>(),
        "obstacle": cell.obstacle,
        "failure": cell.failure,
    })
}

fn figure(figure: Figure) -> Value {
    json!({ "median": figure.median, "min": figure.min, "max": figure.max })
}
