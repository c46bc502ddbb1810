// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft status`.

use super::output::Output;
use super::{Context, Outcome};
use crate::proto::v1::{Status, StatusReply, Work};
use crate::render::table::Side;
use crate::render::text::{counted, duration, percent, printable};

pub(super) fn run(mut context: Context<'_>) -> Outcome {
    let status = context.client()?.call(&Status {})?;
    context.output.answer(&status, |output| text(&status, output))
}

fn text(status: &StatusReply, output: &Output<'_>) -> String {
    let StatusReply { version, pid, uptime_s, workers, counts, warnings } = status;
    let mut text = format!("weftd {}, pid {pid}, running for {}\n", printable(version), duration(*uptime_s));
    text.push_str(&format!(
        "{}{}, {} ({} up), {}\n\n",
        counted(counts.namespaces, "namespace"),
        zombies(counts.zombies),
        counted(counts.ports, "port"),
        counts.ports_up,
        entries(counts.fdb_entries),
    ));
    let columns = [("WORKER", Side::Right), ("BUSY", Side::Right), ("FRAMES", Side::Right), ("WAKEUPS", Side::Right)];
    let mut table = output.table(&columns);
    for worker in workers {
        let busy = percent(worker.busy_permille);
        let Work { frames, wakeups, .. } = worker.work;
        table.row([worker.id.to_string(), busy, frames.to_string(), wakeups.to_string()]);
    }
    text.push_str(&table.finish());
    for warning in warnings {
        text.push_str(&format!("\nwarning: {}", printable(warning)));
    }
    if !warnings.is_empty() {
        text.push('\n');
    }
    text
}

fn entries(count: u64) -> String {
    if count == 1 { "1 MAC table entry".to_owned() } else { format!("{count} MAC table entries") }
}

/// Namespaces that are deleted and not gone are worth a word only when there are any.
fn zombies(count: u64) -> String {
    if count == 0 { String::new() } else { format!(" (+{count} being deleted)") }
}
