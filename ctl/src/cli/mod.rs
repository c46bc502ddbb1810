// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The `weft` command: objects, then verbs. Each verb makes one call (or two) and renders the answer.
//!
//! The command does no I/O of its own but through [`Streams`], so that tests run it whole and in-process. A verb
//! returns an exit code, or a [`Failure`] that this module prints: sentence, varlink error name, `hint:` line.

mod args;
mod call;
mod config;
mod counters;
mod explain;
mod failure;
mod fdb;
mod global;
mod link;
mod log;
mod migrate;
mod namespace;
mod output;
mod path;
mod place;
mod port;
mod pvd;
mod ra;
mod status;
#[cfg(test)]
mod tests;
mod upgrade;
mod vf;
mod worker;

use std::ffi::OsString;
use std::io::{Read, Write};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::client::{Client, ClientError};
use crate::render::text::printable;
use args::{Cli, Object};
use failure::Failure;
use global::Global;
use output::Output;

/// What a verb ends with: an exit code that is not an error, or a failure to be printed.
type Outcome = Result<u8, Failure>;

/// Done.
const DONE: u8 = 0;
/// Exit code for wrong usage.
const USAGE: u8 = 1;
/// Not found, or the answer is "no".
const FALSE: u8 = 2;

/// Where the command reads and writes.
pub struct Streams<'a> {
    /// What `-` as a file name reads.
    pub input: &'a mut dyn Read,
    /// For answers.
    pub output: &'a mut dyn Write,
    /// For errors and hints.
    pub errors: &'a mut dyn Write,
    /// Whether a person looks at the output; JSON is then indented.
    pub terminal: bool,
}

/// What every verb works with.
struct Context<'a> {
    global: &'a Global,
    input: &'a mut dyn Read,
    output: Output<'a>,
    errors: &'a mut dyn Write,
}

impl Context<'_> {
    /// Connects to the daemon that the options name.
    fn client(&self) -> Result<Client, ClientError> {
        Client::connect(&self.global.socket, self.global.timeout())
    }

    /// Tells a person who waits for the answer what is going on. It is not part of the answer.
    fn note(&mut self, text: &str) {
        if self.output.is_text() {
            // The answer matters, and it can still be given.
            let _ = writeln!(self.errors, "{}", printable(text));
        }
    }
}

/// The command's definition, for manual pages and shell completions.
#[must_use]
pub fn cli() -> clap::Command {
    Cli::command()
}

/// Runs `weft` with these arguments (the first is the program's name) and returns its exit code.
pub fn run<I>(arguments: I, streams: Streams<'_>) -> u8
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    let Streams { input, output, errors, terminal } = streams;
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(why) => return not_run(&why, output, errors),
    };
    let output = Output::new(output, &cli.global, terminal);
    let outcome = dispatch(cli.object, Context { global: &cli.global, input, output, errors: &mut *errors });
    outcome.unwrap_or_else(|failure| {
        // Nothing is left to be told when not even the error can be written.
        let _ = failure.print(errors, cli.global.json.is_some());
        failure.exit_code()
    })
}

/// Prints help, version or what is wrong with the arguments. clap would exit with 2 for the latter, which says
/// "not found" here.
fn not_run(why: &clap::Error, output: &mut dyn Write, errors: &mut dyn Write) -> u8 {
    let asked_for = matches!(why.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let text = why.render().to_string();
    let text = text.trim_end();
    // A closed pipe behind `weft --help` is no error.
    let _ = if asked_for { writeln!(output, "{text}") } else { writeln!(errors, "{text}") };
    if asked_for { DONE } else { USAGE }
}

fn dispatch(object: Object, context: Context<'_>) -> Outcome {
    match object {
        Object::Status => status::run(context),
        Object::Upgrade { force } => upgrade::run(force, context),
        Object::Worker { verb } => worker::run(&verb, context),
        Object::Namespace { verb } => namespace::run(verb, context),
        Object::Port { verb } => port::run(verb, context),
        Object::Vf { verb } => vf::run(verb, context),
        Object::Migrate { verb } => migrate::run(verb, context),
        Object::Link { verb } => link::run(verb, context),
        Object::Fdb { verb } => fdb::run(verb, context),
        Object::Pvd { verb } => pvd::run(verb, context),
        Object::Ra { verb } => ra::run(verb, context),
        Object::Config { verb } => config::run(&verb, context),
        Object::Log { verb } => log::run(verb, context),
        Object::Explain { reason } => explain::run(reason, context),
        Object::Call(call) => call::run(&call, context),
        Object::Completions { shell } => completions(shell, context),
    }
}

fn completions(shell: clap_complete::Shell, mut context: Context<'_>) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli(), "weft", &mut script);
    context.output.bytes(&script)
}
