// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was moved and lost, as lines of a page.

use super::failure::Failure;
use crate::client::Client;
use crate::proto::v1::{Counters, DropReason, DropReasons};
use crate::render::page::Page;
use crate::render::table::{Side, Table};

/// Asks what the drops mean, if there are any.
pub(super) fn explanations<'a>(
    mut all: impl Iterator<Item = &'a Counters>,
    client: &mut Client,
) -> Result<Vec<DropReason>, Failure> {
    if all.all(|counters| counters.drops.is_empty()) {
        return Ok(Vec::new());
    }
    Ok(client.call(&DropReasons { name: None })?.reasons)
}

/// Adds the counters to the page of whatever `whose` says has them.
pub(super) fn lines(page: &mut Page, counters: &Counters, whose: &str, reasons: &[DropReason]) {
    let Counters { rx_frames, tx_frames, rx_bytes, tx_bytes, .. } = counters;
    page.line("rx", &format!("{rx_frames} frames, {rx_bytes} bytes (to {whose})"));
    page.line("tx", &format!("{tx_frames} frames, {tx_bytes} bytes (from {whose})"));
    let Counters { software_checksums, software_segments, .. } = counters;
    let software = format!("{software_checksums} checksums completed, {software_segments} segments made (for {whose})");
    page.line("software", &software);
    let Counters { snooped_advertisements: ras, snooped_solicitations: asks, snoop_missed: missed, .. } = counters;
    page.line("heard", &format!("{ras} Router Advertisements, {asks} Solicitations; {missed} missed"));
    page.line("drops", &drops(counters).to_string());
    page.below(&explained(counters, reasons));
}

/// The drops by reason, each with its explanation.
fn explained(counters: &Counters, reasons: &[DropReason]) -> String {
    let mut table = Table::new(&[("", Side::Left), ("", Side::Right), ("", Side::Left)], false);
    for (name, count) in &counters.drops {
        let explanation = reasons.iter().find(|reason| reason.name == *name).map(|reason| reason.explanation.clone());
        table.row([name.clone(), count.to_string(), explanation.unwrap_or_default()]);
    }
    table.finish()
}

/// All drops; a daemon that sends nonsense must not make the sum overflow.
pub(super) fn drops(counters: &Counters) -> u64 {
    counters.drops.values().fold(0, |sum, count| sum.saturating_add(*count))
}
