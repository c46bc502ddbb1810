// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Requests and their responses, one at a time. Source: cloud-hypervisor `vmm/src/api/openapi/cloud-hypervisor.yaml`.

use super::response::{Response, Responses};
use crate::vmm::spec::Dialect;
use crate::vmm::{ADD_MAX, ANSWER_MAX, Trouble};
use serde_json::Value;
use std::time::Duration;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// What the machine has.
    Info,
    AddDevice,
    AddUserDevice,
    Remove,
}

impl Step {
    /// How long the answer may take.
    fn patience(self) -> Duration {
        if matches!(self, Step::AddDevice | Step::AddUserDevice) { ADD_MAX } else { ANSWER_MAX }
    }

    /// cloud-hypervisor's name of the call.
    pub(super) fn call(self) -> &'static str {
        match self {
            Step::Info => "vm.info",
            Step::AddDevice => "vm.add-device",
            Step::AddUserDevice => "vm.add-user-device",
            Step::Remove => "vm.remove-device",
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    responses: Responses,
    pub(super) output: Vec<u8>,
    /// The request that is not answered yet, and when that is overdue.
    asked: Option<(Step, Duration)>,
}

impl Exchange {
    /// Sends a request without content.
    pub(super) fn get(&mut self, step: Step, now: Duration) {
        self.send(step, format!("GET /api/v1/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", step.call()), now);
    }

    /// Sends a request.
    pub(super) fn put(&mut self, step: Step, content: &Value, now: Duration) {
        let (call, content) = (step.call(), content.to_string());
        let head = format!("PUT /api/v1/{call} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n");
        self.send(step, format!("{head}Content-Length: {}\r\n\r\n{content}", content.len()), now);
    }

    fn send(&mut self, step: Step, request: String, now: Duration) {
        self.output.extend(request.into_bytes());
        self.asked = Some((step, now + step.patience()));
    }

    /// A request is not answered yet.
    pub(super) fn is_busy(&self) -> bool {
        self.asked.is_some()
    }

    pub(super) fn push(&mut self, octets: &[u8]) {
        self.responses.push(octets);
    }

    /// The answer to what was asked; `None`: more must come first.
    ///
    /// # Errors
    /// It is not to be talked to.
    pub(super) fn next(&mut self) -> Result<Option<(Step, Response)>, Trouble> {
        let nonsense = |what| Trouble::Nonsense { vmm: Dialect::CloudHypervisor, what };
        match self.asked {
            None if self.responses.is_empty() => Ok(None),
            None => Err(nonsense("an answer that nobody asked for")),
            Some((step, _)) => {
                let Some(response) = self.responses.pull().map_err(nonsense)? else { return Ok(None) };
                self.asked = None;
                Ok(Some((step, response)))
            }
        }
    }

    /// When an answer is overdue.
    pub(super) fn due(&self) -> Option<Duration> {
        self.asked.map(|(_, by)| by)
    }

    /// Whether it is.
    ///
    /// # Errors
    /// It is.
    pub(super) fn check_time(&self, now: Duration) -> Result<(), Trouble> {
        match self.asked {
            Some((step, by)) if by <= now => {
                Err(Trouble::Silent { vmm: Dialect::CloudHypervisor, command: step.call(), within: step.patience() })
            }
            _ => Ok(()),
        }
    }
}
