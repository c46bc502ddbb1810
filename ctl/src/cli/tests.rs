// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The whole command against a server that answers with the samples.

mod answers;
mod calls;
mod failures;
mod learnt;
mod moves;
mod vfs;
mod watching;

use crate::cli::{Streams, run};
use crate::testing::server::Server;

/// What a run of the command left behind.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    code: u8,
    output: String,
    errors: String,
}

/// Runs `weft` with the words of `line`, on a terminal or in a pipe.
fn weft(server: &Server, line: &str, terminal: bool) -> Ran {
    let path = server.path();
    let words = ["weft", "--socket", path.to_str().unwrap()].into_iter().chain(line.split_whitespace());
    with_input(words, b"", terminal)
}

fn with_input<'a>(words: impl Iterator<Item = &'a str>, mut input: &[u8], terminal: bool) -> Ran {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let streams = Streams { input: &mut input, output: &mut output, errors: &mut errors, terminal };
    let code = run(words, streams);
    Ran { code, output: String::from_utf8(output).unwrap(), errors: String::from_utf8(errors).unwrap() }
}

/// The output of a run that must succeed, against the samples.
fn output(line: &str) -> String {
    let ran = weft(&Server::with_samples(), line, false);
    assert_eq!((ran.code, ran.errors.as_str()), (0, ""), "{line}");
    ran.output
}
