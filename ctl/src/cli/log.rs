// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft log …`.

use clap::Subcommand;

use super::{Context, Outcome};
use crate::proto::v1::LogSet;
use crate::render::text::{parse_duration, printable};

/// What can be done with the log.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Change what weftd logs, until it is changed again or for some time
    Set {
        /// A level (error, warn, info, debug, trace) or MODULE=LEVEL, several separated by commas
        filter: String,
        /// Go back to the filter from before after that time: seconds, or 5m, 1h
        #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
        for_s: Option<u64>,
    },
}

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    let Verb::Set { filter, for_s } = verb;
    let reply = context.client()?.call(&LogSet { filter, for_s })?;
    context.output.answer(&reply, |_| format!("the filter was {}\n", printable(&reply.previous)))
}
