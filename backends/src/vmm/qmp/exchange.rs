// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Commands and their answers, one at a time.

use super::lines::{Lines, TooLong};
use super::message::{Message, Refusal, Version};
use crate::vmm::spec::Dialect;
use crate::vmm::{ADD_MAX, ANSWER_MAX, Trouble};
use serde_json::{Value, json};
use std::time::Duration;

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Capabilities,
    /// Whether the standby is there.
    Check,
    /// Whether our device is there.
    Look,
    AddLane,
    AddDevice,
    RemoveDevice,
    RemoveLane,
}

impl Step {
    /// How long the answer may take.
    fn patience(self) -> Duration {
        if self == Step::AddDevice { ADD_MAX } else { ANSWER_MAX }
    }

    /// QEMU's name of the command.
    pub(super) fn command(self) -> &'static str {
        match self {
            Step::Capabilities => "qmp_capabilities",
            Step::Check | Step::Look => "qom-list",
            Step::AddLane => "netdev_add",
            Step::AddDevice => "device_add",
            Step::RemoveDevice => "device_del",
            Step::RemoveLane => "netdev_del",
        }
    }
}

/// Something that QEMU said.
#[derive(Debug)]
pub(super) enum Heard {
    Greeting(Version),
    Answer(Step, Result<Value, Refusal>),
    Event(String, Value),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    lines: Lines,
    pub(super) output: Vec<u8>,
    /// The command that is not answered yet, and its number.
    asked: Option<(Step, u64)>,
    /// Each command has a number of its own.
    number: u64,
    greeted: bool,
    /// When the answer, or the greeting, is overdue.
    by: Option<Duration>,
}

impl Exchange {
    /// With somebody who has to greet.
    pub(super) fn begin(now: Duration) -> Exchange {
        Exchange { by: Some(now + ANSWER_MAX), ..Exchange::default() }
    }

    /// Gives a command. To be called when none is unanswered.
    pub(super) fn ask(&mut self, step: Step, arguments: &Value, now: Duration) {
        self.number += 1;
        let command = json!({ "execute": step.command(), "arguments": arguments, "id": self.number });
        self.output.extend_from_slice(format!("{command}\n").as_bytes());
        self.asked = Some((step, self.number));
        self.by = Some(now + step.patience());
    }

    /// A command is not answered yet.
    pub(super) fn is_busy(&self) -> bool {
        self.asked.is_some()
    }

    pub(super) fn push(&mut self, octets: &[u8]) {
        self.lines.push(octets);
    }

    /// What QEMU said next; `None`: more must come first.
    ///
    /// # Errors
    /// It is not to be talked to.
    pub(super) fn next(&mut self) -> Result<Option<Heard>, Trouble> {
        let nonsense = |what| Trouble::Nonsense { vmm: Dialect::Qmp, what };
        let Some(line) = self.lines.pull().map_err(|TooLong| nonsense("a line has no end"))? else { return Ok(None) };
        match (self.greeted, Message::parse(line).map_err(nonsense)?) {
            (false, Message::Greeting(version)) => {
                (self.greeted, self.by) = (true, None);
                Ok(Some(Heard::Greeting(version)))
            }
            (false, _) => Err(nonsense("there is no greeting")),
            (true, Message::Greeting(_)) => Err(nonsense("a second greeting")),
            (true, Message::Event(name, data)) => Ok(Some(Heard::Event(name, data))),
            (true, Message::Answer(number, result)) => self.answered(number, result).map(Some),
        }
    }

    fn answered(&mut self, number: Option<u64>, result: Result<Value, Refusal>) -> Result<Heard, Trouble> {
        match (self.asked, result) {
            (Some((step, asked)), result) if number == Some(asked) => {
                (self.asked, self.by) = (None, None);
                Ok(Heard::Answer(step, result))
            }
            // It could not read what we sent, and so does not say what it answers.
            (Some(_), Err(refusal)) if number.is_none() => Err(Trouble::refused(Dialect::Qmp, &refusal.said)),
            _ => Err(Trouble::Nonsense { vmm: Dialect::Qmp, what: "an answer that nobody asked for" }),
        }
    }

    /// When an answer is overdue.
    pub(super) fn due(&self) -> Option<Duration> {
        self.by
    }

    /// Whether it is.
    ///
    /// # Errors
    /// It is.
    pub(super) fn check_time(&self, now: Duration) -> Result<(), Trouble> {
        match (self.by, self.asked) {
            (Some(by), Some((step, _))) if by <= now => {
                Err(Trouble::Silent { vmm: Dialect::Qmp, command: step.command(), within: step.patience() })
            }
            (Some(by), None) if by <= now => Err(Trouble::NoGreeting),
            _ => Ok(()),
        }
    }
}
