// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a command can fail, and how that is told.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::USAGE;
use super::place::Place;
use crate::client::ClientError;
use crate::proto::v1::Error;
use crate::render::json::document;
use crate::render::text::printable;

/// No conversation with a weftd.
const UNREACHABLE: u8 = 3;
/// What took longer than `--timeout`.
const TIMEOUT: u8 = 124;

/// Why a verb was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The conversation with weftd failed, or weftd refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// weftd refused, and the verb knows what to do about that.
    #[error("{why}")]
    Advised { why: ClientError, advice: &'static str },
    /// The conversation with another weftd failed, or that refused.
    #[error("the weftd at {place}: {why}")]
    Elsewhere { place: Place, why: ClientError },
    /// There is no channel to another host, or it broke.
    #[error("no channel to {place}: {why}")]
    Channel { place: Place, why: String },
    /// A port stays, and another weftd that has it staged was not told.
    #[error("the port stays here, and its move is cancelled; it is staged still: {why}")]
    Untold { why: Box<Failure> },
    /// A file that was named cannot be read.
    #[error("cannot read {file}: {source}", file = file.display())]
    Input { file: PathBuf, source: io::Error },
    /// The answer cannot be written.
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
    /// A namespace is deleted, and not gone in time.
    #[error("namespace {name:?} is deleted and not gone yet: it waits for {reasons}")]
    Waiting { name: String, reasons: String },
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
}

impl Failure {
    /// A verb's failure, with what `advice` has to say to a refusal.
    pub(super) fn advised(why: ClientError, advice: impl FnOnce(&Error) -> Option<&'static str>) -> Failure {
        let advice = if let ClientError::Remote(refusal) = &why { advice(refusal) } else { None };
        match advice {
            Some(advice) => Failure::Advised { why, advice },
            None => why.into(),
        }
    }

    /// A verb that changes something was not told what.
    pub(super) fn nothing(verb: &str) -> Failure {
        Failure::Usage(format!("say what to change: `weft {verb} --help` lists what can be"))
    }

    /// What the command exits with; a reader that closed the pipe (`weft fdb list | head`) is no failure.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Failure::Client(why) | Failure::Advised { why, .. } | Failure::Elsewhere { why, .. } => why.exit_code(),
            Failure::Output(_) if self.is_quiet() => 0,
            Failure::Output(_) => 65,
            Failure::Channel { .. } => UNREACHABLE,
            Failure::Untold { why } => why.exit_code(),
            Failure::Waiting { .. } => TIMEOUT,
            Failure::Input { .. } | Failure::Usage(_) => USAGE,
        }
    }

    /// Prints the failure: as one JSON object where JSON was asked for, as `error:` and `hint:` lines otherwise.
    pub(super) fn print(&self, errors: &mut dyn Write, as_json: bool) -> io::Result<()> {
        if self.is_quiet() {
            return Ok(());
        }
        if as_json {
            return errors.write_all(document(&self.as_json(), false)?.as_bytes());
        }
        let message = self.to_string();
        let name = self.remote().map(|why| format!(" ({})", why.to_wire().0)).unwrap_or_default();
        writeln!(errors, "error: {}{}", printable(&message), printable(&name))?;
        match self.hint() {
            Some(hint) => writeln!(errors, "hint: {}", printable(&hint)),
            None => Ok(()),
        }
    }

    fn as_json(&self) -> Value {
        let name = match self {
            Failure::Client(why) | Failure::Advised { why, .. } | Failure::Elsewhere { why, .. } => why.name(),
            Failure::Channel { .. } => "Channel".to_owned(),
            Failure::Untold { .. } => "Untold".to_owned(),
            Failure::Input { .. } => "Input".to_owned(),
            Failure::Output(_) => "Output".to_owned(),
            Failure::Waiting { .. } => "Timeout".to_owned(),
            Failure::Usage(_) => "Usage".to_owned(),
        };
        let parameters = self.remote().map_or_else(|| json!({}), |why| why.to_wire().1);
        json!({
            "error": name,
            "parameters": parameters,
            "message": self.to_string(),
            "hint": self.hint(),
            "exit_code": self.exit_code(),
        })
    }

    fn hint(&self) -> Option<String> {
        match self {
            Failure::Client(why) => why.hint(),
            Failure::Advised { advice, .. } => Some((*advice).to_owned()),
            Failure::Elsewhere { .. } | Failure::Channel { .. } => {
                Some("nothing has changed here: the port stays".to_owned())
            }
            Failure::Untold { .. } => Some("`weft port del` there takes it away".to_owned()),
            Failure::Waiting { .. } => Some("`weft status` tells when it is gone; `--timeout` waits longer".to_owned()),
            _ => None,
        }
    }

    fn remote(&self) -> Option<&Error> {
        match self {
            Failure::Client(ClientError::Remote(why)) => Some(why),
            Failure::Advised { why: ClientError::Remote(why), .. } => Some(why),
            Failure::Elsewhere { why: ClientError::Remote(why), .. } => Some(why),
            _ => None,
        }
    }

    /// Whether a conversation ended, and a new one may do better.
    pub(super) fn broke(&self) -> bool {
        match self {
            // One that has waited too long says so, and goes.
            Failure::Elsewhere { why: ClientError::Remote(why), .. } => matches!(why, Error::Failed { .. }),
            Failure::Elsewhere { .. } => true,
            Failure::Channel { .. } => true,
            _ => false,
        }
    }

    fn is_quiet(&self) -> bool {
        matches!(self, Failure::Output(why) if why.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What `--may-exist` would do about a refusal, for verbs that have it.
pub(super) fn may_exist(why: &Error) -> Option<&'static str> {
    matches!(why, Error::Exists { .. }).then_some("--may-exist accepts one that is equal")
}
