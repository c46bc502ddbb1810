// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! weftd as a service of a machine.

use std::path::PathBuf;

use serde_json::Value;
use tests::guest::{Couple, GuestOptions, SyntheticGuest};
use tests::wait::{Deadline, until};
use tests::weftd::{Outcome, mac_text};

use crate::machine::Machine;

/// The unit.
pub(crate) const UNIT: &str = "weftd.service";

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service<'a> {
    pub(crate) machine: &'a Machine,
}

impl<'a> Service<'a> {
    /// Enables the units, and starts them.
    pub(crate) fn start(machine: &'a Machine) -> Service<'a> {
        machine.systemctl(&["enable", "--now", UNIT, "weftd.socket"]);
        Service { machine }
    }

    /// A property of the unit.
    pub(crate) fn show(self, property: &str) -> String {
        self.machine.systemctl(&["show", "--value", "--property", property, UNIT]).trim().to_owned()
    }

    /// The same of one that is a number.
    pub(crate) fn number(self, property: &str) -> u64 {
        let value = self.show(property);
        value.parse().unwrap_or_else(|_| panic!("{property} is {value:?}"))
    }

    /// Waits until a property is like this.
    pub(crate) fn await_property(self, property: &str, wanted: impl Fn(&str) -> bool) {
        until(&format!("a change of {property}"), Deadline::patient(), || wanted(&self.show(property)));
    }

    /// The process ids of all weftds.
    pub(crate) fn processes(self) -> String {
        self.machine.run("pgrep", &["--exact", "weftd"]).stdout.trim().to_owned()
    }

    /// `weft`, as an operator calls it there: without saying where the control socket is.
    pub(crate) fn weft(self, arguments: &[&str]) -> Outcome {
        self.machine.run("weft", arguments)
    }

    /// What it says in JSON.
    pub(crate) fn json(self, arguments: &[&str]) -> Value {
        let text = self.weft(&[arguments, &["--json"]].concat()).expect_ok();
        serde_json::from_str(&text).expect("weft prints JSON")
    }

    /// What `weft` shows of a port.
    pub(crate) fn port(self, name: &str) -> Value {
        self.json(&["port", "show", name])
    }

    /// Adds a port of the namespace `red` at this path, for the guest with this number.
    pub(crate) fn add_port(self, name: &str, number: u8, path: &str) {
        let mac = mac_text(GuestOptions::new(name, number).mac);
        let words = ["port", "add", name, "--namespace", "red", "--vhost-user", path, "--mac", &mac];
        self.weft(&words).expect_ok();
    }

    /// Attaches a guest at this path of the machine.
    pub(crate) fn attach(self, name: &str, number: u8, path: &str) -> SyntheticGuest {
        let attached = SyntheticGuest::attach(&self.machine.path(path), GuestOptions::new(name, number));
        attached.unwrap_or_else(|why| panic!("a guest cannot attach at {path}: {why}"))
    }

    /// Two guests whose ports are where the unit wants them.
    pub(crate) fn couple(self) -> Couple {
        self.weft(&["namespace", "add", "red"]).expect_ok();
        let [one, two] = [("one", 1), ("two", 2)].map(|(name, number)| {
            let path = format!("/run/weft/ports/{name}.sock");
            self.add_port(name, number, &path);
            self.attach(name, number, &path)
        });
        Couple::new(one, two)
    }

    /// A path of the machine, from here.
    pub(crate) fn path(self, path: &str) -> PathBuf {
        self.machine.path(path)
    }
}
