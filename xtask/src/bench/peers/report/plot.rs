// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A bar chart as SVG: a group for each scenario, a bar for each switch, its height the median in Mpps relative to the
//! group's best, for 64 B and 9000 B do not fit one scale. A thin line shows the range over the rounds.

use crate::bench::peers::results::{Cell, Results};
use std::fmt::Write;

const BAR: f64 = 44.0;
const GAP: f64 = 36.0;
const LEFT: f64 = 20.0;
const TOP: f64 = 60.0;
const HEIGHT: f64 = 240.0;
const COLOURS: [&str; 6] = ["#2a6f97", "#adb5bd", "#e09f3e", "#61a5c2", "#9e2a2b", "#6c757d"];

/// The picture.
pub(super) fn write(results: &Results) -> String {
    let group = BAR * results.peers.len() as f64 + GAP;
    let (width, height) = (LEFT + group * results.rows.len() as f64, TOP + HEIGHT + 40.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (index, peer) in results.peers.iter().enumerate() {
        let x = LEFT + 120.0 * index as f64;
        let _ = writeln!(svg, "<rect x=\"{x}\" y=\"14\" width=\"12\" height=\"12\" fill=\"{}\"/>", colour(index));
        text(&mut svg, x + 18.0, 24.0, "start", peer);
    }
    for (index, (scenario, cells)) in results.rows.iter().enumerate() {
        let left = LEFT + group * index as f64;
        bars(&mut svg, left, cells);
        text(&mut svg, left + (group - GAP) / 2.0, TOP + HEIGHT + 20.0, "middle", scenario.title);
    }
    svg + "</svg>\n"
}

fn bars(svg: &mut String, left: f64, cells: &[Cell]) {
    let best = cells.iter().filter_map(Cell::rate).map(|rate| rate.max).fold(0.0, f64::max);
    for (index, rate) in cells.iter().enumerate().filter_map(|(index, cell)| Some((index, cell.rate()?))) {
        let x = left + BAR * index as f64;
        let y = |value: f64| TOP + HEIGHT * (1.0 - value / best.max(1.0));
        let (top, middle, colour) = (y(rate.median), x + BAR / 2.0 - 2.0, colour(index));
        let (bar, height) = (BAR - 4.0, TOP + HEIGHT - top);
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{top:.1}\" width=\"{bar}\" height=\"{height:.1}\" fill=\"{colour}\"/>\n\
             <line x1=\"{middle}\" x2=\"{middle}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"black\"/>",
            y(rate.min),
            y(rate.max)
        );
        text(svg, middle, y(rate.max) - 6.0, "middle", &format!("{:.1}", rate.median / 1e6));
    }
}

fn colour(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}
