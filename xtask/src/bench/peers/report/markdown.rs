// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The table, as Markdown that is fit for a terminal too.

use super::facts::Facts;
use crate::bench::document::table;
use crate::bench::peers::results::{Cell, Results};
use crate::bench::peers::sample::Figure;
use crate::bench::peers::scenario::{Scenario, Traffic};
use std::fmt::Write;

/// Facts, then a row for each scenario: a column for each switch, and one for each ratio of the first to another.
pub(super) fn write(results: &Results, facts: &Facts) -> String {
    let mut text = String::new();
    for (name, value) in &facts.0 {
        // Writing to a String cannot fail; so below.
        let _ = writeln!(text, "* {name}: {value}");
    }
    let (least, most) = results.rounds();
    let _ = writeln!(text, "* rounds: {least}{}", if most > least { format!(" to {most}") } else { String::new() });
    let ratios = results.peers.iter().skip(1).map(|peer| format!("{} / {peer}", results.peers[0]));
    let mut rows = vec![std::iter::once(String::new()).chain(results.peers.iter().cloned()).chain(ratios).collect()];
    for (scenario, cells) in &results.rows {
        let others = cells.iter().skip(1).map(|other| ratio(&cells[0], other));
        let title = std::iter::once(scenario.title.to_owned());
        rows.push(title.chain(cells.iter().map(|one| cell(scenario, one))).chain(others).collect());
    }
    text.push('\n');
    text += &table(&rows);
    for (scenario, cells) in &results.rows {
        let why = |cell: &Cell| cell.failure.clone().or_else(|| cell.obstacle.clone());
        for (peer, failure) in results.peers.iter().zip(cells).filter_map(|(peer, cell)| Some((peer, why(cell)?))) {
            let _ = writeln!(text, "\n{}, {peer}: {failure}", scenario.title);
        }
    }
    text
}

/// `8.75 Mpps ± 2 %, 260 cycles`; of a switch without work `0.1 % of a core, 4 MiB`.
fn cell(scenario: &Scenario, cell: &Cell) -> String {
    let Some(rate) = cell.rate() else { return if cell.failure.is_some() { "failed" } else { "-" }.to_owned() };
    if scenario.traffic == Traffic::Silence {
        let median = |figure: Option<Figure>| figure.map_or(0.0, |figure| figure.median);
        let (cpu, mib) = (median(cell.cpu()) * 100.0, median(cell.memory()) / f64::from(1 << 20));
        return format!("{cpu:.1} % of a core, {mib:.0} MiB");
    }
    let cycles = cell.cycles().map_or(String::new(), |Figure { median, .. }| format!(", {median:.0} cycles"));
    let digits = if rate.median < 1e6 { 3 } else { 2 };
    format!("{:.digits$} Mpps ± {:.0} %{cycles}", rate.median / 1e6, rate.spread_percent() / 2.0)
}

/// Of frames a second, and of cycles a frame where both tell: by how much the first is better.
fn ratio(first: &Cell, other: &Cell) -> String {
    let of = |over: Option<Figure>, under: Option<Figure>| {
        Some(over?.median / under?.median).filter(|ratio| ratio.is_normal())
    };
    let rate = of(first.rate(), other.rate()).map(|ratio| format!("{ratio:.2}"));
    let cycles = of(other.cycles(), first.cycles()).map(|ratio| format!("cycles {ratio:.2}"));
    [rate, cycles].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
