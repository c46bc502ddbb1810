// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A mistake in a configuration: what is wrong, and where a person finds it.

use std::fmt;
use std::ops::Range;

/// A mistake in a configuration file. It reads as compilers write them:
/// `weft.toml:12: port "vm1": mac: "02:00" is not a MAC address (expected …)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, from 1; 0 when it belongs to none.
    pub line: u32,
    /// The column, from 1, in characters; 0 when it belongs to none.
    pub column: u32,
    /// The key and the object that it is of: `port "vm1": mac`; empty when it belongs to none.
    pub key: String,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// A mistake at a place in a text whose name is not known yet.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) span: Range<usize>,
    pub(super) message: String,
}

impl Mistake {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake { span, message: message.into() }
    }

    /// What the TOML reader found, in the words of this project.
    pub(super) fn of_toml(why: &toml::de::Error) -> Mistake {
        let words = [("unknown field", "unknown key"), ("missing field", "missing key")];
        let message = wrong_type(why.message()).unwrap_or_else(|| why.message().to_owned());
        let message = words.iter().fold(message, |text, (theirs, ours)| text.replace(theirs, ours));
        Mistake { span: why.span().unwrap_or(0..0), message: message.replace('\n', ", ") }
    }

    /// Names file, line and key.
    pub(super) fn at(self, file: &str, text: &str) -> ConfigError {
        let before = text.get(..self.span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        ConfigError {
            file: file.to_owned(),
            line: line_of(text, self.span.start),
            column: before[line_start..].chars().count() as u32 + 1,
            key: key_at(text, line_start, self.span.start),
            message: self.message,
        }
    }
}

/// `invalid type: string "big", expected i64`, which names a type of this program, as a mistake in a value reads everywhere.
fn wrong_type(message: &str) -> Option<String> {
    let (found, expected) = message.strip_prefix("invalid type: ")?.rsplit_once(", expected ")?;
    let expected = match expected {
        "i64" => "a whole number",
        "a string" => "a text in quotes",
        "a sequence" => "a list in brackets",
        "a boolean" => "true or false",
        structure if structure.starts_with("struct ") => "a table",
        other => other,
    };
    let found = found.strip_prefix("string ").unwrap_or(found).replace('`', "");
    Some(format!("{found} is not valid (expected {expected})"))
}

/// The line that an offset is in, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> u32 {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() as u32 + 1
}

/// `port "vm1": mac` for the line that begins at `line_start`; `limits.tx-frames` for what stands in a table in the line.
fn key_at(text: &str, line_start: usize, at: usize) -> String {
    let line = text[line_start..].lines().next().unwrap_or_default();
    let key = line.split_once('=').map(|(key, rest)| {
        let before = rest.get(..at.saturating_sub(line_start + key.len() + 1)).unwrap_or_default();
        // What stands in a list is of the key before it, whatever commas there are.
        let open = before.rfind('[').filter(|at| !before[*at..].contains(']'));
        let before = open.map_or(before, |at| &before[..at]);
        let inner = before.rsplit(['{', ',']).next().and_then(|last| last.split_once('='));
        let inner = inner.filter(|_| before.contains('{')).map(|(inner, _)| format!(".{}", inner.trim()));
        format!("{}{}", key.trim(), inner.unwrap_or_default())
    });
    let parts = [object_at(text, line_start), key];
    parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
}

/// The table that a line is in: `port "vm1"`, or `daemon`.
fn object_at(text: &str, line_start: usize) -> Option<String> {
    let line_end = text[line_start..].find('\n').map_or(text.len(), |at| line_start + at);
    let header = |line: &str| line.trim_start().starts_with('[');
    let start = text[..line_end].rmatch_indices('\n').map(|(at, _)| at + 1).chain([0]);
    let start = start.into_iter().find(|at| header(&text[*at..line_end]))?;
    let mut lines = text[start..].lines();
    let kind = lines.next()?.trim().trim_matches(['[', ']']).trim().to_owned();
    let name = lines.take_while(|line| !header(line)).find_map(|line| {
        let (key, value) = line.split_once('=')?;
        // What its object is called: workers have numbers.
        matches!(key.trim(), "name" | "id").then(|| value.trim().to_owned())
    });
    Some(name.map_or(kind.clone(), |name| format!("{kind} {name}")))
}
