// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What it costs to find a PvD, beside a list as there was before.
//!
//! The measuring is done by `benches/src/bin/lookups`; this builds it, has callgrind count its instructions, prints a table, and
//! says what misses its goal.

use super::build;
use super::document::{self, table};
use super::instructions::Callgrind;
use crate::Outcome;
use crate::cargo::output_folder;
use crate::failure::Failure;
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, ExitCode};

/// Columns of the table.
const SIZES: [&str; 5] = ["10", "100", "1000", "10000", "100000"];
/// Nanoseconds that a look-up may take: ten millions a second.
const LOOK_MAX: f64 = 100.0;
/// Nanoseconds that hearing again may take: half a million a second.
const REFRESH_MAX: f64 = 2000.0;
/// By how much look-ups may be slower while another core writes.
const LOSS_MAX: f64 = 0.1;
/// How many times the instructions of a look-up among the fewest one among the most may take.
const INSTRUCTIONS_MAX: f64 = 1.5;
/// Lines of the table that a look-up may look at in the mean.
const LINES_MAX: f64 = 1.5;

/// Options of `bench pvd`.
#[derive(Args)]
pub(crate) struct Options {
    /// Also rewrites the table of docs/performance.md
    #[arg(long)]
    record: bool,
}

/// Builds, measures, prints. Fails when a goal is missed.
pub(crate) fn run(options: &Options) -> Outcome {
    let program = build("bench-count", &["--package", "benches", "--bin", "lookups"])?.join("lookups");
    let output = Command::new(&program).output().map_err(Failure::of("the measurement"))?;
    let mut figures: Value = serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        Failure::new(format!("the measurement: {}", said.trim()))
    })?;
    figures["instructions"] = instructions(&program)?;
    let table = table(&rows(&figures));
    let refresh = |size: &str| figures["refresh"][size].as_f64().unwrap_or(f64::NAN);
    let again = format!(
        "\nTo hear again what is known: {:.0} ns of one PvD, {:.0} ns of 4096 in turns. Machine: {}.\n",
        refresh("1"),
        refresh("4096"),
        processor()
    );
    print!("{table}{again}");
    if options.record {
        document::rewrite("pvd", &format!("{table}{again}"))?;
    }
    let missed = missed(&figures);
    missed.iter().for_each(|missed| println!("MISSED {missed}"));
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Instructions of a look-up by name and by handle, by size.
fn instructions(program: &Path) -> Result<Value, Failure> {
    let (program, folder) = (program.to_path_buf(), output_folder("bench")?);
    // It is in `benches/src/bin/lookups/counted.rs`.
    let callgrind = Callgrind { program, folder, collect: "*_looked_up" };
    let mut counts = json!({});
    for way in ["name", "handle"] {
        for size in SIZES {
            counts[way][size] = json!(callgrind.count(way, size)?);
        }
    }
    Ok(counts)
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    format!("{}, of which {} CPUs", model.trim_start_matches(['\t', ' ', ':']), info.matches("\nprocessor").count() + 1)
}

fn figure(figures: &Value, way: &str, size: &str) -> f64 {
    figures[way][size].as_f64().unwrap_or(f64::NAN)
}

/// By how much look-ups are slower under changes than beside the same changes of something else.
fn loss(figures: &Value, size: &str) -> f64 {
    figure(figures, "changing", size) / figure(figures, "elsewhere", size) - 1.0
}

/// The same beside a core that does nothing.
fn loss_in_all(figures: &Value, size: &str) -> f64 {
    figure(figures, "changing", size) / figure(figures, "idle", size) - 1.0
}

fn rows(figures: &Value) -> Vec<Vec<String>> {
    let row = |name: &str, cell: &dyn Fn(&str) -> String| {
        std::iter::once(name.to_owned()).chain(SIZES.iter().map(|size| cell(size))).collect()
    };
    let nanos = |way: &'static str| move |size: &str| format!("{:.0}", figure(figures, way, size));
    let count = |way: &'static str| move |size: &str| format!("{:.0}", figure(&figures["instructions"], way, size));
    let lines = |size: &str| {
        let of = |part: &str| figures["lines"][size][part].as_f64().unwrap_or(f64::NAN);
        format!("{:.2}, {:.0}, {:.0}", of("mean"), of("p99"), of("most"))
    };
    let times = |size: &str| format!("{:.0}", figure(figures, "list", size) / figure(figures, "name", size));
    vec![
        row("ns a look-up, among", &|size| size.to_owned()),
        row("by name", &nanos("name")),
        row("by name, as a reader", &nanos("reader")),
        row("by handle, as a reader", &nanos("handle")),
        row("by name, p99 of 200 in a row", &nanos("p99")),
        row("instructions, by name", &count("name")),
        row("instructions, by handle", &count("handle")),
        row("lines looked at, by name: mean, p99, most", &lines),
        row("by name, in a list", &nanos("list")),
        row("list / by name", &times),
        row("loss under changes", &|size| format!("{:.0} %", 100.0 * loss(figures, size))),
        row("and to the other CPU", &|size| format!("{:.0} %", 100.0 * loss_in_all(figures, size))),
        row("changes a second", &nanos("changes")),
    ]
}

fn missed(figures: &Value) -> Vec<String> {
    let mut missed = Vec::new();
    for size in SIZES {
        for way in ["name", "reader", "handle"] {
            let took = figure(figures, way, size);
            if took > LOOK_MAX {
                missed.push(format!("{way} among {size}: {took:.0} ns (at most {LOOK_MAX})"));
            }
        }
        if loss(figures, size) > LOSS_MAX {
            missed.push(format!("loss under changes among {size}: more than {:.0} %", 100.0 * LOSS_MAX));
        }
    }
    missed.extend(grown(figures));
    let slow = ["1", "4096"].into_iter().filter(|size| figure(figures, "refresh", size) > REFRESH_MAX);
    missed.extend(slow.map(|size| format!("to hear again, of {size} PvDs: more than {REFRESH_MAX} ns")));
    missed
}

/// What a look-up among many does more than one among few.
fn grown(figures: &Value) -> Vec<String> {
    let [few, .., many] = SIZES;
    let instructions = |way: &str, size: &str| figure(&figures["instructions"], way, size);
    let grown = ["name", "handle"]
        .into_iter()
        .filter(|way| instructions(way, many) > INSTRUCTIONS_MAX * instructions(way, few));
    let grown = grown.map(|way| format!("{way}: more than {INSTRUCTIONS_MAX} times the instructions among {many}"));
    let lines = SIZES.into_iter().filter(|size| figures["lines"][size]["mean"].as_f64() > Some(LINES_MAX));
    grown.chain(lines.map(|size| format!("lines among {size}: more than {LINES_MAX}"))).collect()
}
