// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A daemon with two tenants, of whom one has his namespace delegated to him.
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::guest::GuestOptions;
use tests::weftd::{Outcome, Weftd, mac_text, weft_at};

/// The user that red is delegated to: one that owns nothing.
pub(crate) const NOBODY: u32 = 65534;

/// Red, with a port of the operator's and a namespace `dev`, is a tenant's; blue is not.
pub(crate) struct Scene {
    pub(crate) daemon: Weftd,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene::with(&[])
    }

    /// With more arguments of `namespace delegate`.
    pub(crate) fn with(more: &[&str]) -> Scene {
        let daemon = Weftd::start();
        for namespace in ["blue", "blue/dev", "red", "red/dev"] {
            daemon.add_namespace(namespace);
        }
        daemon.add_port("red", "one", 1, &[]);
        daemon.add_port("blue", "two", 2, &[]);
        daemon.add_port("blue/dev", "three", 3, &[]);
        daemon.weft(&["fdb", "add", "02:00:00:00:00:22", "-n", "blue", "-p", "two"]).expect_ok();
        let scene = Scene { daemon };
        scene.delegate("red", &scene.socket(), more).expect_ok();
        scene
    }

    /// `weft namespace delegate` by the operator, to [`NOBODY`].
    pub(crate) fn delegate(&self, namespace: &str, socket: &Path, more: &[&str]) -> Outcome {
        let (socket, uid) = (socket.display().to_string(), NOBODY.to_string());
        let fixed = ["namespace", "delegate", namespace, "--listen", &socket, "--uid", &uid];
        self.daemon.weft(&[&fixed[..], more].concat())
    }

    /// The control socket of red.
    pub(crate) fn socket(&self) -> PathBuf {
        self.daemon.folder().join("red.ctl")
    }

    /// Where the sockets of red's ports are.
    pub(crate) fn directory(&self) -> PathBuf {
        self.daemon.folder().join("red.ctl.d")
    }

    /// Runs `weft` on red's control socket.
    pub(crate) fn weft(&self, arguments: &[&str]) -> Outcome {
        weft_at(&self.socket(), arguments)
    }

    /// What the tenant is answered in JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.weft(&[arguments, &["--json"]].concat()).expect_ok();
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{arguments:?} printed no JSON: {why}\n{text}"))
    }

    /// How the tenant is refused: name of the error and exit code, and all of it.
    pub(crate) fn refusal(&self, arguments: &[&str]) -> (String, i32, Value) {
        let outcome = self.weft(&[arguments, &["--json"]].concat());
        let error: Value = serde_json::from_str(&outcome.stderr)
            .unwrap_or_else(|why| panic!("{arguments:?}: {why}: {}{}", outcome.stdout, outcome.stderr));
        let name = error["error"].as_str().expect("a name").trim_start_matches("org.weft.Switch1.").to_owned();
        (name, outcome.status, error)
    }

    /// The tenant adds the port of a guest with this number, with its socket in his directory.
    pub(crate) fn add(&self, port: &str, number: u8, more: &[&str]) -> Outcome {
        let file = port.replace(['/', ':'], ".");
        let (path, mac) = (self.directory().join(file), mac_text(GuestOptions::new(port, number).mac));
        let fixed =
            ["port", "add", port, "--vhost-user", &path.display().to_string(), "--mac", &mac].map(str::to_owned);
        let fixed: Vec<&str> = fixed.iter().map(String::as_str).collect();
        self.weft(&[&fixed[..], more].concat())
    }

    /// Everything that the operator sees of what exists.
    pub(crate) fn everything(&self) -> [Value; 4] {
        let stored = fs::read_to_string(self.daemon.folder().join("state/state.json")).expect("it is stored");
        let [namespaces, ports, entries] = [["namespace", "list"], ["port", "list"], ["fdb", "list"]];
        let stored = serde_json::from_str(&stored).expect("it is JSON");
        [self.daemon.json(&namespaces), self.daemon.json(&ports), self.daemon.json(&entries), stored]
    }
}
