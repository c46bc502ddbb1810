// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft config …`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::failure::Failure;
use super::{Context, DONE, FALSE, Outcome};
use crate::codec::MESSAGE_MAX;
use crate::proto::v1::{Change, ConfigApply, ConfigCheck, ConfigDiff, Operation};
use crate::render::text::printable;

/// What can be done with a configuration file.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Say whether a configuration file is right, and where it is not
    Check {
        /// The file, or - for the standard input
        file: PathBuf,
    },
    /// Show how a configuration file differs from what runs (exit 0: not at all, 2: it does)
    Diff {
        /// The file, or - for the standard input
        file: PathBuf,
    },
    /// Make what runs equal to a configuration file: all of it, or nothing when there is an error
    Apply {
        /// The file, or - for the standard input
        file: PathBuf,
        /// Only show what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) fn run(verb: &Verb, mut context: Context<'_>) -> Outcome {
    let (Verb::Check { file: path } | Verb::Diff { file: path } | Verb::Apply { file: path, .. }) = verb;
    let text = read(path, context.input)?;
    let file = if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() };
    let mut client = context.client()?;
    let (changes, code) = match verb {
        Verb::Check { .. } => {
            client.call(&ConfigCheck { text, file })?;
            return context.output.done();
        }
        Verb::Diff { .. } => {
            let changes = client.call(&ConfigDiff { text, file })?.changes;
            let code = if changes.is_empty() { DONE } else { FALSE };
            (changes, code)
        }
        Verb::Apply { dry_run, .. } => (client.call(&ConfigApply { text, file, dry_run: *dry_run })?.changes, DONE),
    };
    context.output.answer(&changes, |_| changes.iter().map(line).collect())?;
    Ok(code)
}

/// Reads the file, but never more than a message can carry.
fn read(path: &Path, input: &mut dyn Read) -> Result<String, Failure> {
    let failed = |source| Failure::Input { file: path.to_owned(), source };
    let mut file;
    let source: &mut dyn Read = if path == Path::new("-") {
        input
    } else {
        file = File::open(path).map_err(failed)?;
        &mut file
    };
    let mut text = String::new();
    source.take(MESSAGE_MAX as u64 + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() > MESSAGE_MAX {
        return Err(Failure::Usage(format!("{} is larger than {MESSAGE_MAX} bytes", path.display())));
    }
    Ok(text)
}

/// One change in the manner of `diff`.
fn line(change: &Change) -> String {
    let Change { op, kind, name, detail, disrupts } = change;
    let sign = match op {
        Operation::Add => '+',
        Operation::Del => '-',
        Operation::Change => '~',
    };
    let separator = if detail.is_empty() { "" } else { ": " };
    let warning = if *disrupts { " (its guest loses frames)" } else { "" };
    format!("{sign} {} {}{separator}{}{warning}\n", printable(kind), printable(name), printable(detail))
}
