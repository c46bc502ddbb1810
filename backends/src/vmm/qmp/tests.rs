// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Conversations with a QEMU that says what the test wants.

use super::lines::LINE_MAX;
use super::*;
use crate::vmm::spec::{DeviceId, Hardware, LaneSocket};
use crate::vmm::{ANSWER_MAX, Event};
use wire::MacAddr;

const GREETING: &str =
    r#"{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}}, "capabilities": ["oob"]}}"#;
const OURS: &str = "weft-vf-7";

/// A QEMU in a test's hands.
struct Monitor {
    qmp: Qmp,
    now: Duration,
}

impl Monitor {
    fn new(standby: Option<&str>) -> Monitor {
        let identity = Identity { device: DeviceId::of_port(7), standby: standby.map(str::to_owned) };
        let mut qmp = Qmp::new(identity);
        qmp.begin(Duration::ZERO);
        Monitor { qmp, now: Duration::ZERO }
    }

    /// One that was asked all, and has these devices.
    fn ready(standby: Option<&str>, devices: &[&str]) -> Monitor {
        let mut monitor = Monitor::new(standby);
        monitor.says(GREETING);
        monitor.answers("qmp_capabilities", "{}");
        monitor.lists(devices);
        let plugged = devices.contains(&OURS);
        if !plugged {
            monitor.refuses("netdev_del", "DeviceNotFound", "Device 'weft-lane-7' not found");
        }
        assert_eq!(monitor.event(), Some(Event::Ready { plugged }));
        monitor
    }

    /// One into which a VF is plugged.
    fn plugged(standby: Option<&str>) -> Monitor {
        let mut monitor = Monitor::ready(standby, &[]);
        monitor.begins(emulated());
        monitor.answers("netdev_add", "{}");
        monitor.answers("device_add", "{}");
        monitor.lists(&[OURS]);
        assert_eq!(monitor.event(), Some(Event::Plugged));
        monitor
    }

    fn push(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        self.qmp.push(octets, self.now)
    }

    fn says(&mut self, line: &str) {
        self.push(format!("{line}\r\n").as_bytes()).unwrap();
    }

    /// The one command that it was given, which must be this.
    fn told(&mut self, command: &str) -> Value {
        let output = String::from_utf8(std::mem::take(self.qmp.output())).unwrap();
        assert_eq!(output.lines().count(), 1, "{command} is not the only command: {output}");
        let told: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(told["execute"], command, "{told}");
        told
    }

    /// Answers that command. Returns what belonged to it.
    fn answers(&mut self, command: &str, value: &str) -> Value {
        let mut told = self.told(command);
        self.says(&format!(r#"{{"return": {value}, "id": {}}}"#, told["id"]));
        told["arguments"].take()
    }

    fn refuses(&mut self, command: &str, class: &str, said: &str) {
        let id = self.told(command)["id"].take();
        self.says(&format!(r#"{{"error": {{"class": "{class}", "desc": "{said}"}}, "id": {id}}}"#));
    }

    fn lists(&mut self, devices: &[&str]) {
        let devices: Vec<Value> = devices.iter().map(|name| json!({ "name": name, "type": "child<nic>" })).collect();
        assert_eq!(self.answers("qom-list", &json!(devices).to_string())["path"], "/machine/peripheral");
    }

    fn deleted(&mut self, device: &str) {
        let data = json!({ "device": device, "path": format!("/machine/peripheral/{device}") });
        self.says(&json!({ "event": "DEVICE_DELETED", "data": data, "timestamp": {} }).to_string());
    }

    fn negotiated(&mut self, standby: &str) {
        self.says(&json!({ "event": "FAILOVER_NEGOTIATED", "data": { "device-id": standby } }).to_string());
    }

    /// Is told to plug in, and has the standby.
    fn begins(&mut self, vf: Vf) {
        let standby = self.qmp.identity.standby.clone();
        self.plug(vf);
        if let Some(standby) = standby {
            self.lists(&[&standby]);
        }
    }

    fn plug(&mut self, vf: Vf) {
        self.qmp.plug(vf, self.now);
    }

    fn unplug(&mut self) {
        self.qmp.unplug(self.now);
    }

    fn pass(&mut self, time: Duration) -> Result<(), Trouble> {
        self.now += time;
        self.qmp.handle_due(self.now)
    }

    fn event(&mut self) -> Option<Event> {
        self.qmp.events().pop_front()
    }

    /// Nothing is said and nothing has happened.
    fn assert_quiet(&mut self) {
        assert_eq!(self.event(), None);
        assert!(self.qmp.output().is_empty(), "{}", String::from_utf8_lossy(self.qmp.output()));
    }
}

fn emulated() -> Vf {
    let socket = LaneSocket::Dgram { local: "/run/q".to_owned(), remote: "/run/w".to_owned() };
    let hardware = Hardware::Emulated { driver: "e1000e".to_owned(), mac: MacAddr([2, 0, 0, 0, 0, 7]), socket };
    Vf { hardware, bus: Some("rp0".to_owned()) }
}

fn on(hardware: Hardware) -> Vf {
    Vf { hardware, bus: None }
}

fn failed(event: Option<Event>) -> String {
    match event {
        Some(Event::PlugFailed(why) | Event::UnplugFailed(why)) => why.to_string(),
        other => panic!("{other:?} is no failure"),
    }
}

mod hostile;
mod life;
