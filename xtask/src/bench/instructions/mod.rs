// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Instructions a frame, as callgrind counts them.
//!
//! A count is the same on every run and on every machine with the same compiler, C library and valgrind, whatever else
//! the machine does. So a recorded one can be held against: `benches/instructions.json`. Where one of the three differs
//! the count says nothing about a change of ours, and is not compared. It is no measure of speed; a cache miss is not in it.

mod callgrind;
mod record;

use super::build;
use crate::Outcome;
use crate::cargo::output_folder;
use crate::failure::Failure;
pub(super) use callgrind::Callgrind;
use clap::Args;
use record::{Record, Tools};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

/// By how much a count may grow before `./check` refuses it.
const GROWTH_MAX_PERCENT: f64 = 5.0;

/// What is counted, and bursts of it. Few are enough where there is no chance; large frames take valgrind long.
const WORKS: [(&str, u32); 4] = [("64", 50), ("1500", 50), ("tso", 10), ("flood-8", 20)];

/// Options of `bench instructions`.
#[derive(Args)]
pub(crate) struct Options {
    /// Rewrite benches/instructions.json, which ./check compares with
    #[arg(long)]
    record: bool,
}

/// What a comparison came to, with the sentence that tells it.
pub(crate) enum Verdict {
    /// No count has grown too much.
    Held(String),
    /// One has; the table of all.
    Grown(String),
    /// There was nothing to compare.
    Skipped(String),
}

/// Counts, compares, prints; records where that was asked for.
pub(crate) fn run(options: &Options) -> Outcome {
    let tools = Tools::find().map_err(Failure::new)?;
    let counts = count()?;
    if options.record {
        Record { tools, counts: counts.clone() }.store()?;
    }
    let record = Record::load()?;
    print!("{}", table(&counts, &record));
    let held = growth(&counts, &record) <= GROWTH_MAX_PERCENT;
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The same as a step of `check`.
///
/// # Errors
/// It cannot be built or run, though the tools are there.
pub(crate) fn hold() -> Result<Verdict, Failure> {
    let tools = match Tools::find() {
        Ok(tools) => tools,
        Err(missing) => return Ok(Verdict::Skipped(missing)),
    };
    let record = Record::load()?;
    if let Some(other) = record.tools.differ(&tools) {
        return Ok(Verdict::Skipped(format!("recorded with other tools: {other}")));
    }
    let counts = count()?;
    let (growth, table) = (growth(&counts, &record), table(&counts, &record));
    if growth > GROWTH_MAX_PERCENT {
        let hint = "make it shorter, or say why and run `cargo xtask bench instructions --record`";
        return Ok(Verdict::Grown(format!("{table}more than {GROWTH_MAX_PERCENT} % over what is recorded: {hint}\n")));
    }
    Ok(Verdict::Held(table))
}

type Counts = BTreeMap<String, f64>;

/// Instructions a frame, by work.
fn count() -> Result<Counts, Failure> {
    let program = build("bench-count", &["--package", "benches", "--bin", "count"])?.join("count");
    // It is in `benches/src/scene.rs`.
    let callgrind = Callgrind { program, folder: output_folder("bench")?, collect: "*Scene::switch*" };
    let count = |(work, bursts): (&str, u32)| Ok((work.to_owned(), callgrind.count(work, &bursts.to_string())?));
    WORKS.into_iter().map(count).collect()
}

/// The worst, in hundredths; negative when all have shrunk. What is not recorded has not grown.
fn growth(counts: &Counts, record: &Record) -> f64 {
    let growths = counts.iter().filter_map(|(work, count)| Some((count / record.counts.get(work)? - 1.0) * 100.0));
    growths.fold(f64::NEG_INFINITY, f64::max)
}

fn table(counts: &Counts, record: &Record) -> String {
    let mut text = String::new();
    for (work, _) in WORKS {
        let (now, then) = (counts.get(work).unwrap_or(&0.0), record.counts.get(work).unwrap_or(&0.0));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{work:8} {now:10.1} instructions a frame, recorded {then:10.1}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Counts, Record, Tools, growth};

    fn counts(all: &[(&str, f64)]) -> Counts {
        all.iter().map(|(work, count)| ((*work).to_owned(), *count)).collect()
    }

    #[test]
    fn the_worst_growth_counts() {
        let record = Record { tools: Tools::default(), counts: counts(&[("64", 100.0), ("tso", 1000.0)]) };
        let now = counts(&[("64", 106.0), ("tso", 900.0), ("new", 7.0)]);
        assert!((growth(&now, &record) - 6.0).abs() < 1e-9);
    }
}
