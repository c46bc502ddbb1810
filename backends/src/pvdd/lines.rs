// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From octets, wherever they are cut, to messages.

use super::MESSAGE_MAX;

const BEGIN: &str = "PVD_BEGIN_MULTILINE";
const END: &str = "PVD_END_MULTILINE";

/// Why something is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadMessage {
    #[error("a message has at most {MESSAGE_MAX} bytes")]
    TooLong,
    #[error("a message is text in UTF-8")]
    NotText,
    #[error("PVD_BEGIN_MULTILINE within several lines: what came before it is forgotten")]
    Nested,
    #[error("PVD_END_MULTILINE without PVD_BEGIN_MULTILINE")]
    NotBegun,
}

/// A message as it came in.
pub(super) type Message = Result<String, BadMessage>;

/// What has come in and is no whole message yet. It never holds more than a message and what was read with its end.
#[derive(Debug, Default)]
pub(super) struct Lines {
    octets: Vec<u8>,
    /// The next line begins here.
    start: usize,
    /// There is no end of a line before this.
    looked: usize,
    /// The line that comes is the rest of one that was too long.
    cut: bool,
    /// What has come of a message in several lines.
    section: Option<Message>,
}

impl Lines {
    /// Takes in what was read. To be called when there is no whole message left.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.octets.drain(..self.start);
        (self.looked, self.start) = (self.looked - self.start, 0);
        self.octets.extend_from_slice(octets);
    }

    /// The next message; `None`: more must be read first.
    pub(super) fn pull(&mut self) -> Option<Message> {
        while let Some(line) = self.line() {
            if let Some(message) = self.take(line) {
                return Some(message);
            }
        }
        None
    }

    fn line(&mut self) -> Option<Message> {
        let Some(end) = self.octets[self.looked..].iter().position(|octet| *octet == b'\n') else {
            self.looked = self.octets.len();
            if self.looked - self.start > MESSAGE_MAX {
                self.octets.clear();
                (self.start, self.looked, self.cut) = (0, 0, true);
            }
            return None;
        };
        let end = self.looked + end;
        let line = &self.octets[self.start..end];
        (self.start, self.looked) = (end + 1, end + 1);
        if std::mem::take(&mut self.cut) || line.len() > MESSAGE_MAX {
            return Some(Err(BadMessage::TooLong));
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(std::str::from_utf8(line).map(str::to_owned).map_err(|_| BadMessage::NotText))
    }

    /// What a line makes a message of, if it ends one.
    fn take(&mut self, line: Message) -> Option<Message> {
        match (line.as_deref(), &mut self.section) {
            (Ok(BEGIN), section) => section.replace(Ok(String::new())).map(|_| Err(BadMessage::Nested)),
            (Ok(END), section) => Some(section.take().unwrap_or(Err(BadMessage::NotBegun))),
            (Ok(""), None) => None,
            (_, None) => Some(line),
            (Ok(line), Some(Ok(before))) if before.len() + line.len() < MESSAGE_MAX => {
                before.extend([line, "\n"]);
                None
            }
            (Ok(_), Some(section)) => {
                if section.is_ok() {
                    *section = Err(BadMessage::TooLong);
                }
                None
            }
            (Err(why), Some(section)) => {
                *section = Err(*why);
                None
            }
        }
    }
}
