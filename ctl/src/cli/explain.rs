// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft explain`.

use super::output::Output;
use super::{Context, Outcome};
use crate::proto::v1::{DropReason, DropReasons};
use crate::render::table::Side;
use crate::render::text::printable;

pub(super) fn run(reason: Option<String>, mut context: Context<'_>) -> Outcome {
    let single = reason.is_some();
    let reasons = context.client()?.call(&DropReasons { name: reason })?.reasons;
    match reasons.first().filter(|_| single) {
        Some(one) => context.output.answer(one, |_| sentence(one)),
        None => context.output.answer(&reasons, |output| table(&reasons, output)),
    }
}

fn sentence(reason: &DropReason) -> String {
    format!("{}: {}\n", printable(&reason.name), printable(&reason.explanation))
}

fn table(reasons: &[DropReason], output: &Output<'_>) -> String {
    let mut table = output.table(&[("REASON", Side::Left), ("EXPLANATION", Side::Left)]);
    for DropReason { name, explanation } in reasons {
        table.row([name.clone(), explanation.clone()]);
    }
    table.finish()
}
