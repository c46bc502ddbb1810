// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft worker …`.

use clap::Subcommand;

use super::output::Output;
use super::{Context, Outcome};
use crate::proto::v1::{Poll, Worker, WorkerList};
use crate::render::table::Side;
use crate::render::text::percent;

/// What can be asked about workers.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List the workers: how busy they were in the last second and with what, and what they did since they started
    List,
}

pub(super) fn run(verb: &Verb, mut context: Context<'_>) -> Outcome {
    match verb {
        Verb::List => {
            let workers = context.client()?.call(&WorkerList {})?.workers;
            context.output.answer(&workers, |output| table(&workers, output))
        }
    }
}

fn table(workers: &[Worker], output: &Output<'_>) -> String {
    let columns = [
        ("WORKER", Side::Right),
        ("POLL", Side::Left),
        ("PIN", Side::Left),
        ("SOURCES", Side::Right),
        ("BUSY", Side::Right),
        ("CYCLES/FRAME", Side::Right),
        ("FRAMES/BURST", Side::Right),
        ("FRAMES", Side::Right),
        ("WAKEUPS", Side::Right),
    ];
    let mut table = output.table(&columns);
    for Worker { id, poll, pin, sources, busy_permille, cycle, work, lately } in workers {
        let unit = if cycle == "tsc" { "" } else { cycle };
        table.row([
            id.to_string(),
            word(*poll).to_owned(),
            pin.clone().unwrap_or_else(|| "any".to_owned()),
            sources.to_string(),
            percent(*busy_permille),
            quotient(lately.busy_cycles, lately.frames, unit),
            quotient(lately.frames, lately.bursts, ""),
            work.frames.to_string(),
            work.wakeups.to_string(),
        ]);
    }
    table.finish()
}

/// With one decimal, and `-` when there is nothing to divide by.
fn quotient(of: u64, by: u64, unit: &str) -> String {
    let Some(tenths) = (u128::from(of) * 10).checked_div(by.into()) else { return "-".to_owned() };
    format!("{}.{} {unit}", tenths / 10, tenths % 10).trim_end().to_owned()
}

fn word(poll: Poll) -> &'static str {
    match poll {
        Poll::Adaptive => "adaptive",
        Poll::Always => "always",
        Poll::Never => "never",
    }
}
