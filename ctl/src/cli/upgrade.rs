// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft upgrade`.

use super::{Context, Failure, Outcome};
use crate::client::ClientError;
use crate::proto::v1::{Upgrade, UpgradeReply};
use crate::render::text::{counted, printable};

pub(super) fn run(force: bool, mut context: Context<'_>) -> Outcome {
    let mut client = context.client()?;
    // weftd says how long it may take.
    let reply = client.watch(&Upgrade { force })?.next().ok_or(Failure::from(ClientError::Closed))??;
    context.output.answer(&reply, |_| text(&reply))
}

fn text(UpgradeReply { version, pid, guests, gap_us }: &UpgradeReply) -> String {
    let version = printable(version);
    let (whole, part) = (gap_us / 1000, gap_us % 1000 / 100);
    format!("weftd {version}, pid {pid}, has taken over; {} waited {whole}.{part} ms\n", counted(*guests, "guest"))
}
