// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a sitting leaves: a table on the screen and in Markdown, all figures as JSON, a plot.

mod document;
mod facts;
mod json;
mod markdown;
mod plot;

pub(crate) use facts::Facts;

use super::options::Options;
use super::sitting::Results;
use crate::cargo::output_folder;
use crate::failure::Failure;
use std::fs;

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
