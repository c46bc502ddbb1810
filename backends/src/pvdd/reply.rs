// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a client hears, as octets.

use serde_json::Value;
use std::fmt;

/// What is wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// There is no such verb.
    Unknown,
    /// The message is no message, or what stands behind its verb is not what should.
    Invalid,
    /// There is no such PvD.
    NoPvd,
    /// The client may not do that, or not over this connection.
    Refused,
    /// There are too many of something.
    Limit,
    /// The client was too slow, and was not told of everything.
    Missed,
    /// It was tried and did not succeed.
    Failed,
}

impl Code {
    /// The word for it on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Unknown => "unknown",
            Code::Invalid => "invalid",
            Code::NoPvd => "no-pvd",
            Code::Refused => "refused",
            Code::Limit => "limit",
            Code::Missed => "missed",
            Code::Failed => "failed",
        }
    }
}

/// Answers that wait to be read.
#[derive(Debug, Default)]
pub(super) struct Replies {
    octets: Vec<u8>,
    /// Each stands behind its length.
    pub(super) binary: bool,
}

impl Replies {
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    pub(super) fn clear(&mut self) {
        self.octets.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// An answer of one line. What comes from clients must not have line ends in it.
    pub(super) fn line(&mut self, text: fmt::Arguments<'_>) {
        self.push(&format!("{text}\n"));
    }

    /// An answer of several lines: a head and a value.
    pub(super) fn block(&mut self, head: fmt::Arguments<'_>, value: &Value) {
        // In JSON no line can be one that ends the answer: what is a line of its own is a bracket or in quotes.
        match self.binary {
            true => self.push(&format!("{head}\n{value:#}\n")),
            false => self.push(&format!("PVD_BEGIN_MULTILINE\n{head}\n{value:#}\nPVD_END_MULTILINE\n")),
        }
    }

    /// What could not be done, and why. `verb` and `why` may have anything in them.
    pub(super) fn error(&mut self, code: Code, verb: &str, why: impl fmt::Display) {
        let plain = |text: &str| text.escape_debug().to_string();
        let verb: String = verb.chars().take(VERB_SHOWN).collect();
        self.line(format_args!("PVD_ERROR {} {}: {}", code.as_str(), plain(&verb), why.to_string().replace('\n', " ")));
    }

    fn push(&mut self, text: &str) {
        if self.binary {
            // What pvdd's clients read. An answer is bounded far below what fits.
            self.octets.extend_from_slice(&i32::try_from(text.len()).unwrap_or(i32::MAX).to_ne_bytes());
        }
        self.octets.extend_from_slice(text.as_bytes());
    }
}

/// Characters of a word that is no verb that are said again.
const VERB_SHOWN: usize = 40;
