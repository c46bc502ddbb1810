// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft config …`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::failure::Failure;
use super::{Context, DONE, FALSE, Outcome};
use crate::codec::MESSAGE_MAX;
use crate::proto::v1::{Change, ConfigApply, ConfigCheck, ConfigDiff, ConfigShow, Empty, Error, Operation};
use crate::render::text::printable;

/// What can be done with a configuration file.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Say whether a configuration file is right, and where it is not
    Check {
        /// The file, or - for the standard input
        file: PathBuf,
    },
    /// Print what runs as a configuration file that `apply` reads: every default is filled in
    Show {
        /// What runs, which is all that there is to show
        #[arg(long)]
        running: bool,
    },
    /// Show how a configuration file differs from what runs (exit 0: not at all, 2: it does)
    Diff {
        /// The file, or - for the standard input
        file: PathBuf,
    },
    /// Make what runs equal to a configuration file: all of it, or nothing when there is an error. What the file does not name
    /// is deleted, also what tenants made
    Apply {
        /// The file, or - for the standard input
        file: PathBuf,
        /// Only show what would be done
        #[arg(long)]
        dry_run: bool,
        /// Also where a connected guest loses frames or its connection by it
        #[arg(long)]
        force: bool,
    },
}

pub(super) fn run(verb: &Verb, mut context: Context<'_>) -> Outcome {
    match verb {
        Verb::Show { .. } => show(context),
        Verb::Check { file } => {
            let (text, file) = read(file, context.input)?;
            context.client()?.call(&ConfigCheck { text, file: file.clone() })?;
            context.output.answer(&Empty {}, |_| format!("{}: no mistakes\n", printable(&file)))
        }
        Verb::Diff { file } => {
            let (text, file) = read(file, context.input)?;
            let changes = context.client()?.call(&ConfigDiff { text, file })?.changes;
            tell(context, &changes)?;
            Ok(if changes.is_empty() { DONE } else { FALSE })
        }
        Verb::Apply { file, dry_run, force } => {
            let (text, file) = read(file, context.input)?;
            let apply = ConfigApply { text, file, dry_run: *dry_run, force: *force };
            let applied = context.client()?.call(&apply);
            let changes = applied.map_err(|why| Failure::advised(why, unchanged))?.changes;
            tell(context, &changes)
        }
    }
}

/// A mistake changes nothing, nor does what somebody is to confirm.
fn unchanged(why: &Error) -> Option<&'static str> {
    match why {
        Error::Config { .. } => Some("nothing was changed; the configuration from before runs on"),
        Error::InUse { .. } => Some("nothing was changed; `weft config diff` shows all that would be, --force does it"),
        _ => None,
    }
}

fn tell(mut context: Context<'_>, changes: &Vec<Change>) -> Outcome {
    context.output.answer(changes, |_| changes.iter().map(line).collect())?;
    Ok(DONE)
}

fn show(mut context: Context<'_>) -> Outcome {
    let shown = context.client()?.call(&ConfigShow {})?;
    context.output.answer(&shown, |_| shown.text.clone())?;
    Ok(DONE)
}

/// Reads the file, but never more than a message can carry; with its name for messages.
pub(super) fn read(path: &Path, input: &mut dyn Read) -> Result<(String, String), Failure> {
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
    let name = if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() };
    Ok((text, name))
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
