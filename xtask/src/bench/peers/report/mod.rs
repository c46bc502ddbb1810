// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a sitting leaves: a table on the screen and in Markdown, all figures as JSON, a plot.

mod facts;
mod json;
mod markdown;
mod plot;

pub(crate) use facts::Facts;

use super::options::Options;
use super::results::Results;
use crate::bench::document;
use crate::cargo::output_folder;
use crate::failure::Failure;
use std::fs;

/// What earlier sittings left in `target/bench/peers.json`, if they left something.
///
/// # Errors
/// The file cannot be understood, or is of another machine, other versions or other lengths: that does not add up.
pub(crate) fn read(facts: &Facts) -> Result<Option<Results>, Failure> {
    let file = output_folder("bench")?.join("peers.json");
    let Ok(text) = fs::read_to_string(&file) else { return Ok(None) };
    let (theirs, results) =
        json::read(&text).ok_or_else(|| Failure::new(format!("{}: not written by this command", file.display())))?;
    if theirs == facts.to_json() {
        return Ok(Some(results));
    }
    Err(Failure::new(format!("{}: measured elsewhere or otherwise, so not to be added to: {theirs:#}", file.display())))
}

/// Prints the table and writes `target/bench/peers.{md,json,svg}`; with `--record` the document's table too.
///
/// # Errors
/// A file cannot be written, or the document has lost its marks.
pub(crate) fn write(results: &Results, facts: &Facts, options: &Options) -> Result<(), Failure> {
    let folder = output_folder("bench")?;
    let table = markdown::write(results, facts);
    println!("\n{table}");
    let files =
        [("peers.md", table.clone()), ("peers.json", json::write(results, facts)), ("peers.svg", plot::write(results))];
    for (name, text) in files {
        let file = folder.join(name);
        fs::write(&file, text).map_err(Failure::of(file.display()))?;
        println!("{}", file.display());
    }
    if options.record {
        document::rewrite("peers", &table)?;
    }
    Ok(())
}
