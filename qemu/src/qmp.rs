// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A small client of QEMU's monitor protocol (QMP).
//!
//! Source: QEMU `docs/interop/qmp-spec.rst`. The server greets, the client leaves negotiation mode with
//! `qmp_capabilities`, and from then on every command with an id is answered by a `return` or an `error` with that id.
//! Events come in between; they are queued until somebody asks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::Error;
use crate::lines::{LineError, LineStream};

/// Events that are kept for a reader; older ones are forgotten.
const EVENTS_MAX: usize = 1024;

/// Something that QEMU said unasked.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// `STOP`, `RESET`, `DEVICE_DELETED`, …
    pub name: String,
    /// Its `data`; null when it has none.
    pub data: Value,
    /// When it happened, since 1970, by the clock of QEMU's machine.
    pub at: Duration,
}

/// A connection to a QEMU monitor.
#[derive(Debug)]
pub struct Qmp {
    lines: LineStream,
    events: VecDeque<Event>,
    next_id: u64,
    is_greeted: bool,
    limit: Duration,
}

impl Qmp {
    /// Each command must be answered within `limit`.
    pub(crate) fn new(lines: LineStream, limit: Duration) -> Qmp {
        Qmp { lines, events: VecDeque::new(), next_id: 1, is_greeted: false, limit }
    }

    /// Reads the greeting and leaves negotiation mode, once.
    ///
    /// # Errors
    /// [`Error::Qmp`] when QEMU does not answer in time or closed the connection.
    pub fn greet(&mut self) -> Result<(), Error> {
        if self.is_greeted {
            return Ok(());
        }
        let greeting = self.message("greeting", Instant::now() + self.limit)?;
        if greeting.get("QMP").is_none() {
            return Err(refusal("greeting", &format!("expected a QMP greeting, got {greeting}")));
        }
        self.is_greeted = true;
        self.execute("qmp_capabilities", &json!({})).map(drop)
    }

    /// Runs a command; greets first when nobody did.
    ///
    /// # Errors
    /// [`Error::Qmp`] with QEMU's own description, or that it did not answer in time.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value, Error> {
        self.greet()?;
        let id = self.next_id;
        self.next_id += 1;
        let request = json!({ "execute": command, "arguments": arguments, "id": id });
        self.lines.write_line(&request.to_string(), self.limit).map_err(|failure| broken(command, &failure))?;
        let deadline = Instant::now() + self.limit;
        loop {
            let mut message = self.message(command, deadline)?;
            let is_mine = message.get("id").and_then(Value::as_u64) == Some(id);
            if let (true, Some(error)) = (is_mine, message.get("error")) {
                return Err(refusal(command, error.get("desc").and_then(Value::as_str).unwrap_or("no description")));
            }
            if let (true, Some(value)) = (is_mine, message.get_mut("return")) {
                return Ok(value.take());
            }
            // Anything else answers an earlier command that nobody waits for any more.
        }
    }

    /// Takes the oldest event of this name, waiting for it when there is none.
    ///
    /// # Errors
    /// [`Error::Qmp`] when none came within `limit`.
    pub fn wait_event(&mut self, name: &str, limit: Duration) -> Result<Event, Error> {
        self.wait_event_about(name, limit, |_| true)
    }

    /// Takes the oldest event of this name whose data is what `about` asks for.
    ///
    /// # Errors
    /// As [`Qmp::wait_event`].
    pub fn wait_event_about(
        &mut self,
        name: &str,
        limit: Duration,
        about: impl Fn(&Value) -> bool,
    ) -> Result<Event, Error> {
        self.greet()?;
        let deadline = Instant::now() + limit;
        loop {
            if let Some(index) = self.events.iter().position(|event| event.name == name && about(&event.data)) {
                return self.events.remove(index).ok_or_else(|| refusal(name, "lost"));
            }
            self.receive(name, deadline)?;
        }
    }

    /// Forgets all events that were received so far.
    pub fn forget_events(&mut self) {
        self.events.clear();
    }

    /// The next message that is no event.
    fn message(&mut self, subject: &str, deadline: Instant) -> Result<Value, Error> {
        loop {
            if let Some(message) = self.receive(subject, deadline)? {
                return Ok(message);
            }
        }
    }

    /// Reads one message; queues it when it is an event.
    fn receive(&mut self, subject: &str, deadline: Instant) -> Result<Option<Value>, Error> {
        let line = self.lines.read_line(deadline).map_err(|failure| broken(subject, &failure))?;
        let mut message: Value =
            serde_json::from_str(&line).map_err(|_| refusal(subject, &format!("this is not JSON: {line}")))?;
        let Some(name) = message.get("event").and_then(Value::as_str).map(str::to_owned) else {
            return Ok(Some(message));
        };
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        let at = time_of(&message);
        self.events.push_back(Event { name, data: message.get_mut("data").map(Value::take).unwrap_or_default(), at });
        Ok(None)
    }
}

/// Commands by name; each fails as [`Qmp::execute`] does.
#[allow(clippy::missing_errors_doc)] // The line above covers all of them.
impl Qmp {
    /// Freezes the virtual processors.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.execute("stop", &json!({})).map(drop)
    }

    /// Lets the virtual processors run.
    pub fn cont(&mut self) -> Result<(), Error> {
        self.execute("cont", &json!({})).map(drop)
    }

    /// Presses the reset button.
    pub fn system_reset(&mut self) -> Result<(), Error> {
        self.execute("system_reset", &json!({})).map(drop)
    }

    /// Ends QEMU.
    pub fn quit(&mut self) -> Result<(), Error> {
        self.execute("quit", &json!({})).map(drop)
    }

    /// `running`, `paused`, `shutdown`, …
    pub fn query_status(&mut self) -> Result<String, Error> {
        let answer = self.execute("query-status", &json!({}))?;
        Ok(answer.get("status").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Plugs a device in: `{"driver": "pc-dimm", "id": "dimm0", "memdev": "dimm0-memory"}`.
    pub fn device_add(&mut self, device: &Value) -> Result<(), Error> {
        self.execute("device_add", device).map(drop)
    }

    /// Asks the guest to let a device go; `DEVICE_DELETED` tells when it did.
    pub fn device_del(&mut self, id: &str) -> Result<(), Error> {
        self.execute("device_del", &json!({ "id": id })).map(drop)
    }

    /// Makes the host's end of a NIC: `{"type": "dgram", "id": "net-vf", …}`.
    pub fn netdev_add(&mut self, netdev: &Value) -> Result<(), Error> {
        self.execute("netdev_add", netdev).map(drop)
    }

    /// Removes it.
    pub fn netdev_del(&mut self, id: &str) -> Result<(), Error> {
        self.execute("netdev_del", &json!({ "id": id })).map(drop)
    }

    /// Says that the cable is in, or out. The name is that of a device or of a netdev.
    pub fn set_link(&mut self, name: &str, up: bool) -> Result<(), Error> {
        self.execute("set_link", &json!({ "name": name, "up": up })).map(drop)
    }

    /// Switches a capability of migration on or off: `events`, `auto-converge`, …
    pub fn migrate_set_capability(&mut self, name: &str, on: bool) -> Result<(), Error> {
        let capability = json!({ "capability": name, "state": on });
        self.execute("migrate-set-capabilities", &json!({ "capabilities": [capability] })).map(drop)
    }

    /// Creates an object: `{"qom-type": "memory-backend-memfd", "id": …}`.
    pub fn object_add(&mut self, object: &Value) -> Result<(), Error> {
        self.execute("object-add", object).map(drop)
    }

    /// Removes an object.
    pub fn object_del(&mut self, id: &str) -> Result<(), Error> {
        self.execute("object-del", &json!({ "id": id })).map(drop)
    }
}

/// The time in an event; QEMU says -1 where it cannot tell.
fn time_of(message: &Value) -> Duration {
    let part = |name| message["timestamp"][name].as_u64().unwrap_or(0);
    Duration::from_secs(part("seconds")) + Duration::from_micros(part("microseconds"))
}

fn refusal(command: &str, reason: &str) -> Error {
    Error::Qmp { command: command.to_owned(), reason: reason.to_owned() }
}

fn broken(command: &str, failure: &LineError) -> Error {
    match failure {
        LineError::TimedOut => refusal(command, "QEMU did not answer in time"),
        LineError::Closed => refusal(command, "QEMU closed its monitor"),
    }
}

#[cfg(test)]
mod tests;
