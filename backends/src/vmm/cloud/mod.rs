// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! cloud-hypervisor's API: which requests follow from what it answers.
//!
//! It tells nothing by itself. So while a device is in the guest it is asked now and then whether it still is ([`WATCH`]), and
//! while one is being taken out, often ([`POLL`]): the answer to `vm.remove-device` only says that the guest was asked.
//! The device is in `device_tree` until the guest has let it go; `config` forgets it at once.

mod exchange;
mod response;

use super::UNPLUG_MAX;
use super::dialogue::Dialogue;
use super::event::Event;
use super::spec::{DeviceId, Dialect, Hardware, Vf};
use super::trouble::Trouble;
use exchange::{Exchange, Step};
use response::Response;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;

/// How often it is asked whether the guest has let a device go.
const POLL: Duration = Duration::from_millis(250);

/// How often it is asked whether a device is still there.
const WATCH: Duration = Duration::from_secs(5);

/// The status of an answer that says to ask again later.
const TOO_MANY: u16 = 429;

/// Where a host's PCI devices are.
const DEVICES: &str = "/sys/bus/pci/devices";

/// Where the VF is.
#[derive(Clone, Copy)]
enum State {
    /// There is no connection.
    Unknown,
    /// It is being asked.
    Starting,
    Absent,
    Plugging,
    Present,
    /// The guest is asked to let it go, until then.
    Removing(Duration),
}

/// See the module.
pub(super) struct Cloud {
    device: DeviceId,
    exchange: Exchange,
    state: State,
    /// When to ask next.
    look: Option<Duration>,
    /// It is to be taken out as soon as the request that is under way is answered.
    unplug: bool,
    events: VecDeque<Event>,
}

impl Cloud {
    pub(super) fn new(device: DeviceId) -> Cloud {
        let (exchange, events) = (Exchange::default(), VecDeque::new());
        Cloud { device, exchange, state: State::Unknown, look: None, unplug: false, events }
    }

    /// What follows from an answer.
    fn answered(&mut self, step: Step, response: &Response, now: Duration) -> Result<(), Trouble> {
        match step {
            Step::Info if response.status == TOO_MANY => {}
            Step::Info => self.looked(self.is_there(response)?, now),
            Step::AddDevice | Step::AddUserDevice => self.added(response),
            Step::Remove => self.removing(response, now),
        }
        self.look = match self.state {
            State::Present => Some(now + WATCH),
            State::Starting | State::Removing(_) => Some(now + POLL),
            _ => None,
        };
        if std::mem::take(&mut self.unplug) {
            self.unplug(now);
        }
        Ok(())
    }

    fn looked(&mut self, there: bool, now: Duration) {
        let (state, event) = match (self.state, there) {
            (State::Starting, true) => (State::Present, Event::Ready { plugged: true }),
            (State::Starting, false) => (State::Absent, Event::Ready { plugged: false }),
            (State::Present | State::Removing(_), false) => (State::Absent, Event::Unplugged),
            (State::Removing(by), true) if by <= now => (State::Present, Event::UnplugFailed(Trouble::Stuck)),
            (_, _) => return,
        };
        self.state = state;
        self.events.push_back(event);
    }

    fn added(&mut self, response: &Response) {
        let (state, event) = match refusal(response) {
            None => (State::Present, Event::Plugged),
            Some(why) => (State::Absent, Event::PlugFailed(why)),
        };
        self.state = state;
        self.events.push_back(event);
    }

    fn removing(&mut self, response: &Response, now: Duration) {
        match refusal(response) {
            None => self.state = State::Removing(now + UNPLUG_MAX),
            Some(why) => {
                self.state = State::Present;
                self.events.push_back(Event::UnplugFailed(why));
            }
        }
    }

    /// Whether the machine has our device.
    ///
    /// # Errors
    /// It does not say.
    fn is_there(&self, response: &Response) -> Result<bool, Trouble> {
        // There is no machine yet, or none any more, and so no device.
        if response.status >= 400 {
            return Ok(false);
        }
        let nonsense = Trouble::Nonsense { vmm: Dialect::CloudHypervisor, what: "vm.info is no JSON" };
        let info: Value = serde_json::from_slice(&response.body).map_err(|_| nonsense)?;
        let id = self.device.as_str();
        if let Some(tree) = info.get("device_tree").and_then(Value::as_object) {
            return Ok(tree.contains_key(id));
        }
        let listed = |list: &&str| {
            let devices = info.get("config").and_then(|config| config.get(*list)).and_then(Value::as_array);
            devices.is_some_and(|all| all.iter().any(|one| one.get("id").and_then(Value::as_str) == Some(id)))
        };
        Ok(["devices", "user_devices"].iter().any(listed))
    }
}

/// Why a request was not carried out; `None`: it was.
fn refusal(response: &Response) -> Option<Trouble> {
    if (200..300).contains(&response.status) {
        return None;
    }
    // Newer ones say it as a list, from what failed to why; older ones as text.
    let text = || String::from_utf8_lossy(&response.body).into_owned();
    let said = serde_json::from_slice::<Vec<String>>(&response.body).map_or_else(|_| text(), |said| said.join(": "));
    let said = if said.is_empty() { format!("status {}", response.status) } else { said };
    Some(Trouble::refused(Dialect::CloudHypervisor, &said))
}

impl Dialogue for Cloud {
    fn begin(&mut self, now: Duration) {
        self.end();
        self.state = State::Starting;
        self.exchange.get(Step::Info, now);
    }

    fn end(&mut self) {
        (self.exchange, self.state) = (Exchange::default(), State::Unknown);
        (self.look, self.unplug) = (None, false);
    }

    fn push(&mut self, octets: &[u8], now: Duration) -> Result<(), Trouble> {
        self.exchange.push(octets);
        while let Some((step, response)) = self.exchange.next()? {
            self.answered(step, &response, now)?;
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        !matches!(self.state, State::Unknown | State::Starting)
    }

    fn output(&mut self) -> &mut Vec<u8> {
        &mut self.exchange.output
    }

    fn plug(&mut self, vf: Vf, now: Duration) {
        let id = self.device.as_str();
        let (step, content) = match (self.state, vf.hardware) {
            (State::Absent, Hardware::Vfio { address }) => {
                (Step::AddDevice, json!({ "id": id, "path": format!("{DEVICES}/{address}") }))
            }
            (State::Absent, Hardware::VfioUser { path }) => (Step::AddUserDevice, json!({ "id": id, "socket": path })),
            (state, _) => {
                self.events.push_back(Event::PlugFailed(match state {
                    State::Absent => Trouble::NotEmulated,
                    State::Unknown | State::Starting => Trouble::NotConnected { vmm: Dialect::CloudHypervisor },
                    State::Removing(_) => Trouble::Busy("is being taken out of the guest"),
                    State::Plugging | State::Present => Trouble::Busy("is plugged in already"),
                }));
                return;
            }
        };
        self.state = State::Plugging;
        self.exchange.put(step, &content, now);
    }

    fn unplug(&mut self, now: Duration) {
        match self.state {
            State::Unknown | State::Starting => {
                let why = Trouble::NotConnected { vmm: Dialect::CloudHypervisor };
                self.events.push_back(Event::UnplugFailed(why));
            }
            State::Absent => self.events.push_back(Event::Unplugged),
            State::Plugging | State::Present if self.exchange.is_busy() => self.unplug = true,
            State::Plugging | State::Present => {
                self.look = None;
                self.exchange.put(Step::Remove, &json!({ "id": self.device.as_str() }), now);
            }
            State::Removing(_) => {}
        }
    }

    fn due(&self) -> Option<Duration> {
        self.exchange.due().into_iter().chain(self.look).min()
    }

    fn handle_due(&mut self, now: Duration) -> Result<(), Trouble> {
        self.exchange.check_time(now)?;
        if self.look.is_some_and(|at| at <= now) {
            self.look = None;
            self.exchange.get(Step::Info, now);
        }
        Ok(())
    }

    fn events(&mut self) -> &mut VecDeque<Event> {
        &mut self.events
    }
}

#[cfg(test)]
mod tests;
