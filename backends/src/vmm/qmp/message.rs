// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One line that QEMU says. Source: QEMU `docs/interop/qmp-spec.rst`.

use serde::Deserialize;
use serde_json::Value;

/// The class of an error that says that there is no such device or netdev.
const NOT_FOUND: &str = "DeviceNotFound";

/// What a line is.
#[derive(Debug)]
pub(super) enum Message {
    /// With QEMU's version; zeros when it does not say.
    Greeting(Version),
    /// The answer to the command with this number. `None`: to one that QEMU could not read.
    Answer(Option<u64>, Result<Value, Refusal>),
    /// Something that nobody asked for: its name and what belongs to it.
    Event(String, Value),
}

/// Major and minor number of a release.
pub(super) type Version = (u64, u64);

/// A command that was not carried out.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    class: String,
    #[serde(rename = "desc", default)]
    pub(super) said: String,
}

impl Refusal {
    /// Because what it speaks of is not there.
    pub(super) fn is_absence(&self) -> bool {
        self.class == NOT_FOUND
    }
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "QMP")]
    greeting: Option<Value>,
    event: Option<String>,
    #[serde(default)]
    data: Value,
    id: Option<u64>,
    error: Option<Refusal>,
    #[serde(rename = "return")]
    value: Option<Value>,
}

impl Message {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(line: &[u8]) -> Result<Message, &'static str> {
        let text = std::str::from_utf8(line).map_err(|_| "a line is no UTF-8")?;
        let line: Line = serde_json::from_str(text).map_err(|_| "a line is no message of QMP")?;
        match line {
            Line { greeting: Some(greeting), .. } => Ok(Message::Greeting(version(&greeting).unwrap_or_default())),
            Line { event: Some(name), data, .. } => Ok(Message::Event(name, data)),
            Line { error: Some(refusal), id, .. } => Ok(Message::Answer(id, Err(refusal))),
            Line { value: Some(value), id, .. } => Ok(Message::Answer(id, Ok(value))),
            _ => Err("a message is neither answer nor event"),
        }
    }
}

fn version(greeting: &Value) -> Option<Version> {
    let qemu = greeting.get("version")?.get("qemu")?;
    Some((qemu.get("major")?.as_u64()?, qemu.get("minor")?.as_u64()?))
}
