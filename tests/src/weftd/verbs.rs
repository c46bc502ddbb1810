// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What nearly every test says to a daemon: make namespaces and ports, attach guests, look.
use std::fs;

use serde_json::Value;

use super::{Outcome, Weftd};
use crate::guest::{Couple, GuestOptions, SyntheticGuest};
use crate::wait::{Deadline, for_value};

impl Weftd {
    /// Runs `weft arguments... --json` and returns the document that it printed.
    ///
    /// # Panics
    /// When it fails, or prints no JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.weft(&[arguments, &["--json"]].concat()).expect_ok();
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("weft {arguments:?} printed no JSON: {why}\n{text}"))
    }

    /// Runs `weft arguments... --json`, which must be refused, and returns the error that it printed.
    ///
    /// # Panics
    /// When it succeeds, or the error is no JSON.
    pub fn refusal(&self, arguments: &[&str]) -> Value {
        let outcome = self.weft(&[arguments, &["--json"]].concat());
        assert!(outcome.status != 0, "weft {arguments:?} succeeded: {}", outcome.stdout);
        assert_eq!(outcome.stdout, "", "a refused command prints nothing but its error");
        let error: Value = serde_json::from_str(&outcome.stderr)
            .unwrap_or_else(|why| panic!("weft {arguments:?} printed no JSON error: {why}\n{}", outcome.stderr));
        assert_eq!(error["exit_code"], outcome.status, "the document names the exit code: {error}");
        error
    }

    /// `weft namespace add`.
    ///
    /// # Panics
    /// When it is refused.
    pub fn add_namespace(&self, name: &str) {
        self.weft(&["namespace", "add", name]).expect_ok();
    }

    /// `weft port add` for the guest with this number (see [`GuestOptions::new`]), in server mode at
    /// [`Weftd::port_path`] unless `more` says otherwise.
    ///
    /// # Panics
    /// When it is refused.
    pub fn add_port(&self, namespace: &str, port: &str, number: u8, more: &[&str]) {
        let (path, mac) = (self.port_path(port).display().to_string(), mac_text(GuestOptions::new(port, number).mac));
        let fixed = ["port", "add", port, "--namespace", namespace, "--vhost-user", &path, "--mac", &mac];
        self.weft(&[&fixed[..], more].concat()).expect_ok();
    }

    /// A guest with this number and nothing but defaults, attached to the port of its name.
    ///
    /// # Panics
    /// When the switch does not take it.
    pub fn attach(&self, port: &str, number: u8) -> SyntheticGuest {
        self.attach_as(port, GuestOptions::new(port, number))
    }

    /// A guest that is like this, attached to a port.
    ///
    /// # Panics
    /// When the switch does not take it.
    pub fn attach_as(&self, port: &str, options: GuestOptions) -> SyntheticGuest {
        let attached = SyntheticGuest::attach(&self.port_path(port), options);
        attached.unwrap_or_else(|why| panic!("a guest cannot attach to port {port}: {why}"))
    }

    /// Two guests with nothing but defaults, on new ports `one` and `two` of a new namespace.
    ///
    /// # Panics
    /// When the switch does not take one of them.
    pub fn attach_couple(&self, namespace: &str) -> Couple {
        self.add_namespace(namespace);
        let [one, two] = [("one", 1), ("two", 2)].map(|(port, number)| {
            self.add_port(namespace, port, number, &[]);
            self.attach(port, number)
        });
        Couple::new(one, two)
    }

    /// `weft migrate prepare`: another daemon takes a port over, whose socket will be where [`Weftd::port_path`] of that one says.
    pub fn hand_over(&self, port: &str, to: &Weftd, more: &[&str]) -> Outcome {
        let [control, socket] =
            [to.folder().join("ctl.sock"), to.port_path(port)].map(|path| path.display().to_string());
        let fixed = ["migrate", "prepare", port, "--to", &control, "--vhost-user", &socket];
        self.weft(&[&fixed[..], more].concat())
    }

    /// `weft port show NAME --json`.
    ///
    /// # Panics
    /// When there is no such port.
    pub fn port(&self, name: &str) -> Value {
        self.json(&["port", "show", name])
    }

    /// Waits until `weft port show` tells what `wanted` wants to see, and returns that document.
    ///
    /// # Panics
    /// When it never does, with what it tells instead.
    pub fn await_port(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Deadline::patient();
        for_value(&format!("a change of port {name}"), deadline, || {
            let port = self.port(name);
            let found = wanted(&port);
            assert!(found || !deadline.passed(), "port {name} stays like this: {port:#}");
            found.then_some(port)
        })
    }

    /// Waits until a port is in this state.
    ///
    /// # Panics
    /// When it never is.
    pub fn await_state(&self, name: &str, state: &str) -> Value {
        self.await_port(name, |port| port["state"] == state)
    }

    /// Waits until a port gives this reason for its state, or for a refused connection.
    ///
    /// # Panics
    /// When it never does.
    pub fn await_reason(&self, name: &str, part: &str) -> Value {
        self.await_port(name, |port| port["reason"].as_str().is_some_and(|reason| reason.contains(part)))
    }

    /// File descriptors that the daemon has open.
    ///
    /// # Panics
    /// When it is gone.
    pub fn open_files(&self) -> usize {
        let folder = fs::read_dir(format!("/proc/{}/fd", self.pid()));
        folder.expect("the daemon runs and is ours to look at").count()
    }
}

/// A MAC address as people write it.
pub fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
