// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Everything that was measured, for programs.

use super::facts::Facts;
use crate::bench::peers::results::{Cell, Results};
use crate::bench::peers::sample::{Figure, Sample};
use crate::bench::peers::scenario;
use serde_json::{Value, json};

/// `{facts: {}, results: [{scenario, ports, frame, peer, rate: {median, min, max}, cycles, cpu, memory, samples,
/// obstacle, failure}]}`
pub(super) fn write(results: &Results, facts: &Facts) -> String {
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
    let document = json!({ "facts": facts.to_json(), "results": cells.collect::<Vec<_>>() });
    format!("{document:#}\n")
}

/// The facts and results of what [`write()`] wrote; none if this is something else.
pub(super) fn read(text: &str) -> Option<(Value, Results)> {
    let document: Value = serde_json::from_str(text).ok()?;
    let mut all = Results { peers: Vec::new(), rows: Vec::new() };
    for object in document["results"].as_array()? {
        let scenario = scenario::find(object["scenario"].as_str()?).ok()?;
        let peers = vec![object["peer"].as_str()?.to_owned()];
        all = all.join(&Results { peers, rows: vec![(scenario, vec![cell(object)?])] });
    }
    Some((document["facts"].clone(), all))
}

fn cell(object: &Value) -> Option<Cell> {
    let samples = object["samples"].as_array()?.iter().map(Sample::from_json);
    let text = |name: &str| object[name].as_str().map(str::to_owned);
    Some(Cell { samples: samples.collect::<Option<_>>()?, obstacle: text("obstacle"), failure: text("failure") })
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

#[cfg(test)]
mod tests {
    use super::{Cell, Facts, Results, Sample, read, write};
    use crate::bench::peers::scenario;

    #[test]
    fn what_was_written_is_read_again() {
        let sample = Sample { rate: 2.5, cycles: Some(100.0), cpu: 1.0, memory: 1 << 20 };
        let cells = [vec![sample, Sample { cycles: None, ..sample }], vec![]]
            .map(|samples| Cell { samples, ..Cell::default() });
        let failed = Cell { failure: Some("no".to_owned()), obstacle: Some("never".to_owned()), ..cells[1].clone() };
        let rows = vec![(&scenario::ALL[1], vec![cells[0].clone(), failed])];
        let results = Results { peers: vec!["weft".to_owned(), "ovs".to_owned()], rows };
        let facts = Facts(vec![("processor", "fast".to_owned())]);
        let text = write(&results, &facts);
        let (theirs, again) = read(&text).expect("results");
        assert_eq!(theirs, facts.to_json());
        assert_eq!(write(&again, &facts), text);
        assert!(read("[]").is_none());
    }
}
