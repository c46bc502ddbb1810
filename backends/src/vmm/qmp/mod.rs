// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! QEMU's monitor: which commands follow from what it says.
//!
//! ```text
//!            qmp_capabilities, qom-list                   qom-list: not there, and it has a standby
//! Unknown ──▶ Starting ──▶ Absent ──▶ Plugging ─────────────────────────────────▶ Hidden
//!                 │          ▲ ▲   netdev_add  │ device_add fails: netdev_del        │ FAILOVER_NEGOTIATED
//!                 │          │ ╰───Undoing◀────┤                                     │
//!                 │      netdev_del            ▼ there                               │
//!                 ╰───────▶ Sweeping ◀────── Present ◀───────────────────────────────╯
//!                            ▲  DEVICE_DELETED │ device_del
//!                            ╰──── Removing ◀──╯
//! ```
//!
//! One command is under way at a time. `DEVICE_DELETED` may come at any moment, before the answer to the command that
//! brought it about among them; it is remembered until that is answered.

mod arguments;
mod exchange;
mod lines;
mod message;

use super::UNPLUG_MAX;
use super::dialogue::Dialogue;
use super::event::{Event, Machine};
use super::spec::{Dialect, Identity, Vf};
use super::trouble::Trouble;
use exchange::{Exchange, Heard, Step};
use message::{Refusal, Version};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;

/// Against a standby that QEMU does not have.
const NO_STANDBY: &str =
    "give the port's virtio NIC this id and failover=on, or say the one that it has with --vf-pair";

/// Against a device that QEMU said it has.
const VANISHED: &str = "it took it, and then had it not: its own log says why";

/// Where the VF is.
enum State {
    /// There is no connection.
    Unknown,
    /// QEMU is being asked.
    Starting,
    Absent,
    Plugging(Vf),
    /// What was done of a plug is being undone, and why.
    Undoing(Trouble),
    /// QEMU keeps it back until the guest negotiates STANDBY.
    Hidden,
    Present,
    /// The guest is asked to let it go, until then.
    Removing(Duration),
    /// The device is gone and its netdev is being removed.
    Sweeping,
}

/// See the module.
pub(super) struct Qmp {
    identity: Identity,
    exchange: Exchange,
    version: Version,
    state: State,
    /// What is to be done as soon as the command that is under way is answered.
    next: Option<Wish>,
    /// Our device was deleted while a command was under way.
    deleted: bool,
    /// The guest negotiated STANDBY since the plug began.
    negotiated: bool,
    /// QEMU has asked the guest by itself to let the VF go, to migrate.
    parked: bool,
    events: VecDeque<Event>,
}

/// What is to be done.
enum Wish {
    Plug(Vf),
    Unplug,
}

impl Qmp {
    pub(super) fn new(identity: Identity) -> Qmp {
        Qmp {
            identity,
            exchange: Exchange::default(),
            version: Version::default(),
            state: State::Unknown,
            next: None,
            deleted: false,
            negotiated: false,
            parked: false,
            events: VecDeque::new(),
        }
    }

    fn hear(&mut self, heard: Heard, now: Duration) -> Result<(), Trouble> {
        match heard {
            Heard::Greeting(version) => {
                self.version = version;
                self.exchange.ask(Step::Capabilities, &json!({}), now);
            }
            Heard::Event(name, data) => self.notice(&name, &data, now),
            Heard::Answer(step, result) => {
                self.answered(step, result, now)?;
                self.settle(now);
            }
        }
        Ok(())
    }

    /// What follows from an answer.
    fn answered(&mut self, step: Step, result: Result<Value, Refusal>, now: Duration) -> Result<(), Trouble> {
        let state = std::mem::replace(&mut self.state, State::Unknown);
        self.state = match (state, result) {
            (State::Starting, result) => self.started(step, result, now)?,
            (State::Plugging(vf), result) => self.plugged(vf, step, result, now),
            (State::Undoing(why), _) => self.not_plugged(why),
            (State::Hidden, Ok(said)) => self.appeared(&said, now),
            // The guest begins anew, and QEMU has plugged in by itself what it had once: nobody wants that.
            (State::Absent, Ok(said)) if self.has_ours(&said) => self.remove(now),
            (State::Removing(_), Err(why)) if why.is_absence() => self.sweep(now),
            (State::Removing(_), Err(why)) => {
                let why = Trouble::refused(Dialect::Qmp, &why.said);
                self.events.push_back(Event::UnplugFailed(why));
                State::Present
            }
            (State::Sweeping, _) => {
                self.events.push_back(Event::Unplugged);
                State::Absent
            }
            (state, _) => state,
        };
        Ok(())
    }

    /// Finds out what is there.
    fn started(&mut self, step: Step, result: Result<Value, Refusal>, now: Duration) -> Result<State, Trouble> {
        match (step, result) {
            (Step::Capabilities, Ok(_)) => self.exchange.ask(Step::Look, &arguments::look(), now),
            (Step::Look, Ok(said)) if self.has_ours(&said) => {
                self.events.push_back(Event::Ready { plugged: true });
                return Ok(State::Present);
            }
            // A netdev may be left over from a plug or unplug whose end nobody heard.
            (Step::Look, Ok(_)) => self.exchange.ask(Step::RemoveLane, &arguments::no_lane(&self.identity), now),
            (Step::RemoveLane, _) => {
                self.events.push_back(Event::Ready { plugged: false });
                return Ok(State::Absent);
            }
            (_, Err(why)) => return Err(Trouble::refused(Dialect::Qmp, &why.said)),
            (_, Ok(_)) => {}
        }
        Ok(State::Starting)
    }

    /// The next step of a plug.
    fn plugged(&mut self, vf: Vf, step: Step, result: Result<Value, Refusal>, now: Duration) -> State {
        match (step, result) {
            (Step::Check, Ok(said)) => {
                let lacks = |standby: &String| !arguments::lists(&said, standby);
                if let Some(id) = self.identity.standby.clone().filter(lacks) {
                    return self.not_plugged(Trouble::Missing { id, help: NO_STANDBY });
                }
                self.add(&vf, now);
            }
            (Step::AddLane, Ok(_)) => self.add_device(&vf, now),
            (Step::AddDevice, Ok(_)) => self.exchange.ask(Step::Look, &arguments::look(), now),
            (Step::Check | Step::AddLane, Err(why)) => {
                return self.not_plugged(Trouble::refused(Dialect::Qmp, &why.said));
            }
            (_, Err(why)) => return self.undo(Trouble::refused(Dialect::Qmp, &why.said), now),
            (_, Ok(said)) => return self.appeared(&said, now),
        }
        State::Plugging(vf)
    }

    /// Whether a device that was added is there.
    fn appeared(&mut self, said: &Value, now: Duration) -> State {
        if self.has_ours(said) && !self.deleted {
            self.events.push_back(Event::Plugged);
            return State::Present;
        }
        if self.deleted || self.negotiated || self.identity.standby.is_none() {
            self.deleted = false;
            return self.undo(Trouble::Missing { id: self.identity.device.to_string(), help: VANISHED }, now);
        }
        self.events.push_back(Event::Waiting);
        State::Hidden
    }

    /// Something that happened by itself.
    fn notice(&mut self, name: &str, data: &Value, now: Duration) {
        let text = |key| data.get(key).and_then(Value::as_str);
        match name {
            "DEVICE_DELETED" if arguments::is_ours(data, &self.identity) => {
                self.deleted = true;
                self.settle(now);
            }
            "DEVICE_UNPLUG_GUEST_ERROR" if arguments::is_ours(data, &self.identity) => {
                if matches!(self.state, State::Removing(_)) {
                    self.state = State::Present;
                    self.events.push_back(Event::UnplugFailed(Trouble::GuestRefuses));
                }
            }
            "UNPLUG_PRIMARY" if text("device-id") == Some(self.identity.device.as_str()) => {
                self.parked = true;
                self.events.push_back(Event::UnplugAsked);
            }
            "MIGRATION" if self.parked => self.migrates(text("status").unwrap_or_default()),
            "FAILOVER_NEGOTIATED"
                if text("device-id").is_some_and(|id| Some(id) == self.identity.standby.as_deref()) =>
            {
                self.negotiated(now);
            }
            "STOP" => self.events.push_back(Event::Machine(Machine::Stopped)),
            "RESUME" => self.events.push_back(Event::Machine(Machine::Resumed)),
            "RESET" => self.events.push_back(Event::Machine(Machine::Reset)),
            "SHUTDOWN" => self.events.push_back(Event::Machine(Machine::ShutDown)),
            _ => {}
        }
    }

    /// Told by a QEMU whose migration capability `events` is on. A primary that it took out by itself is still in its list of
    /// devices, and is not deleted: it has gone when the memory begins to be copied, and it is put back when that fails.
    fn migrates(&mut self, status: &str) {
        match status {
            "active" => self.events.push_back(Event::Unplugged),
            "cancelled" | "failed" => {
                self.parked = false;
                self.events.push_back(Event::Plugged);
            }
            _ => {}
        }
    }

    /// QEMU plugs in what it kept back, or has once had.
    fn negotiated(&mut self, now: Duration) {
        self.negotiated = true;
        self.events.push_back(Event::Negotiated);
        if matches!(self.state, State::Hidden | State::Absent) && !self.exchange.is_busy() {
            self.exchange.ask(Step::Look, &arguments::look(), now);
        }
    }

    /// With no command under way: what has waited for that.
    fn settle(&mut self, now: Duration) {
        if self.exchange.is_busy() {
            return;
        }
        if std::mem::take(&mut self.deleted) && matches!(self.state, State::Present | State::Removing(_)) {
            self.state = self.sweep(now);
            return;
        }
        match self.next.take() {
            Some(Wish::Plug(vf)) => self.plug(vf, now),
            Some(Wish::Unplug) => self.unplug(now),
            None => {}
        }
    }

    fn has_ours(&self, said: &Value) -> bool {
        arguments::lists(said, self.identity.device.as_str())
    }

    /// Begins to plug in.
    fn add(&mut self, vf: &Vf, now: Duration) {
        match arguments::lane(vf, &self.identity, self.version) {
            Some(lane) => self.exchange.ask(Step::AddLane, &lane, now),
            None => self.add_device(vf, now),
        }
    }

    fn not_plugged(&mut self, why: Trouble) -> State {
        self.events.push_back(Event::PlugFailed(why));
        State::Absent
    }

    fn add_device(&mut self, vf: &Vf, now: Duration) {
        self.exchange.ask(Step::AddDevice, &arguments::device(vf, &self.identity), now);
    }

    fn undo(&mut self, why: Trouble, now: Duration) -> State {
        self.exchange.ask(Step::RemoveLane, &arguments::no_lane(&self.identity), now);
        State::Undoing(why)
    }

    fn remove(&mut self, now: Duration) -> State {
        self.exchange.ask(Step::RemoveDevice, &arguments::no_device(&self.identity), now);
        State::Removing(now + UNPLUG_MAX)
    }

    fn sweep(&mut self, now: Duration) -> State {
        self.exchange.ask(Step::RemoveLane, &arguments::no_lane(&self.identity), now);
        State::Sweeping
    }
}

impl Dialogue for Qmp {
    fn begin(&mut self, now: Duration) {
        self.end();
        (self.exchange, self.state) = (Exchange::begin(now), State::Starting);
    }

    fn end(&mut self) {
        (self.exchange, self.state, self.next) = (Exchange::default(), State::Unknown, None);
        (self.deleted, self.negotiated, self.parked) = (false, false, false);
    }

    fn push(&mut self, octets: &[u8], now: Duration) -> Result<(), Trouble> {
        self.exchange.push(octets);
        while let Some(heard) = self.exchange.next()? {
            self.hear(heard, now)?;
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
        let refusal = match self.state {
            State::Absent | State::Sweeping if self.exchange.is_busy() => {
                self.next = Some(Wish::Plug(vf));
                return;
            }
            State::Absent => {
                (self.deleted, self.negotiated) = (false, false);
                // QEMU plugs in the primary of a standby that there is not as a NIC of its own.
                match self.identity.standby {
                    Some(_) => self.exchange.ask(Step::Check, &arguments::look(), now),
                    None => self.add(&vf, now),
                }
                self.state = State::Plugging(vf);
                return;
            }
            State::Unknown | State::Starting => Trouble::NotConnected { vmm: Dialect::Qmp },
            State::Removing(_) => Trouble::Busy("is being taken out of the guest"),
            _ => Trouble::Busy("is plugged in already"),
        };
        self.events.push_back(Event::PlugFailed(refusal));
    }

    fn unplug(&mut self, now: Duration) {
        match self.state {
            State::Unknown | State::Starting => {
                self.events.push_back(Event::UnplugFailed(Trouble::NotConnected { vmm: Dialect::Qmp }));
            }
            State::Absent => {
                self.next = None;
                self.events.push_back(Event::Unplugged);
            }
            State::Removing(_) | State::Sweeping => self.next = None,
            State::Hidden | State::Present if !self.exchange.is_busy() => self.state = self.remove(now),
            _ => self.next = Some(Wish::Unplug),
        }
    }

    fn due(&self) -> Option<Duration> {
        let removed = if let State::Removing(by) = self.state { Some(by) } else { None };
        self.exchange.due().into_iter().chain(removed).min()
    }

    fn handle_due(&mut self, now: Duration) -> Result<(), Trouble> {
        self.exchange.check_time(now)?;
        if matches!(self.state, State::Removing(by) if by <= now) {
            self.state = State::Present;
            self.events.push_back(Event::UnplugFailed(Trouble::Stuck));
        }
        Ok(())
    }

    fn events(&mut self) -> &mut VecDeque<Event> {
        &mut self.events
    }
}

#[cfg(test)]
mod tests;
