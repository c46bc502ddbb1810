// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A whole daemon without a guest, driven over its control socket.

mod learnt;
mod reassuring;
mod watching;

use super::*;
use crate::config::Settings;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A daemon on a thread of its own.
struct World {
    directory: Arc<tempfile::TempDir>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    stream: UnixStream,
}

impl World {
    /// A daemon with this configuration file, or none.
    fn new(config: Option<&str>) -> World {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let file = config.map(|text| {
            fs::write(directory.path().join("weft.toml"), text.replace("$D", &dir(directory.path()))).unwrap();
            directory.path().join("weft.toml")
        });
        World::start(directory, file)
    }

    fn start(directory: Arc<tempfile::TempDir>, config: Option<PathBuf>) -> World {
        World::prepared(directory, config, |_| {})
    }

    /// A daemon to which something happens before anybody calls.
    fn prepared(
        directory: Arc<tempfile::TempDir>,
        config: Option<PathBuf>,
        prepare: impl FnOnce(&mut Running) + Send + 'static,
    ) -> World {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, place) = (Arc::clone(&stop), Arc::clone(&directory));
        let (ready, started) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut running = running(place.path(), config);
            prepare(&mut running);
            ready.send(()).unwrap();
            while !stopped.load(Ordering::Relaxed) && running.turn().unwrap() {}
            running.daemon.endpoints.close_all(&mut running.events);
        });
        started.recv().unwrap();
        let stream = UnixStream::connect(directory.path().join("ctl.sock")).unwrap();
        World { directory, stop, thread: Some(thread), stream }
    }

    /// Ends the daemon and starts another with the same state, and with another configuration file if there is one.
    fn restart(mut self, config: Option<&str>) -> World {
        self.end();
        let file = self.directory.path().join("weft.toml");
        if let Some(text) = config {
            fs::write(&file, text.replace("$D", &dir(self.directory.path()))).unwrap();
        }
        World::start(Arc::clone(&self.directory), Some(file).filter(|file| file.exists()))
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Any call wakes the loop.
        let _ = self.stream.write_all(b"{\"method\":\"x.Y\",\"oneway\":true}\0");
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// The reply to a call, as it is on the wire.
    fn raw(&mut self, call: &Value) -> Value {
        let mut bytes = serde_json::to_vec(call).unwrap();
        bytes.push(0);
        self.stream.write_all(&bytes).unwrap();
        self.next_reply()
    }

    fn next_reply(&mut self) -> Value {
        let mut bytes = Vec::new();
        let mut byte = [0];
        loop {
            self.stream.read_exact(&mut byte).unwrap();
            match byte[0] {
                0 => return serde_json::from_slice(&bytes).unwrap(),
                other => bytes.push(other),
            }
        }
    }

    /// The result of a call of our interface, `$D` standing for the directory.
    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        let text = parameters.to_string().replace("$D", &dir(self.directory.path()));
        let parameters: Value = serde_json::from_str(&text).unwrap();
        self.raw(&json!({ "method": format!("org.weft.Switch1.{method}"), "parameters": parameters }))
    }

    fn ok(&mut self, method: &str, parameters: &Value) -> Value {
        let reply = self.call(method, parameters);
        assert_eq!(reply.get("error"), None, "{reply}");
        reply["parameters"].clone()
    }

    fn error(&mut self, method: &str, parameters: &Value) -> Value {
        let reply = self.call(method, parameters);
        assert!(reply["error"].is_string(), "{reply}");
        reply
    }

    fn names(&mut self, list: &str) -> Vec<String> {
        let (method, key) = if list == "ports" { ("PortList", "ports") } else { ("NamespaceList", "namespaces") };
        let all = self.ok(method, &json!({}));
        all[key].as_array().unwrap().iter().map(|object| object["name"].as_str().unwrap().to_owned()).collect()
    }

    fn add_port(&mut self, name: &str, namespace: &str) -> Value {
        let path = format!("$D/{name}.sock");
        self.ok(
            "PortAdd",
            &json!({ "name": name, "namespace": namespace, "vhost_user": { "path": path, "mode": "server" } }),
        )
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.thread.is_some() && !std::thread::panicking() {
            self.end();
        }
    }
}

fn dir(path: &Path) -> String {
    path.display().to_string()
}

/// A daemon that has begun, to be turned by hand.
fn running(directory: &Path, config: Option<PathBuf>) -> Running {
    let settings = Settings {
        socket: Some(directory.join("ctl.sock")),
        state: Some(directory.join("state")),
        log: Some("off".into()),
        ..Settings::default()
    };
    let options = Options::gather(config, settings).unwrap();
    let (mut running, stored) =
        Running::start(options, Signals::take_over().unwrap(), Logging::start(LOG_DEFAULT).unwrap(), (None, false))
            .unwrap();
    running.daemon.begin(&mut running.events, stored);
    running
}

const FILE: &str =
    "[[namespace]]\nname = \"red\"\n[[port]]\nname = \"vm1\"\nnamespace = \"red\"\nvhost-user = \"$D/vm1.sock\"\n";

#[test]
fn test_introspection() {
    let mut world = World::new(None);
    let info = world.raw(&json!({ "method": "org.varlink.service.GetInfo" }));
    assert_eq!(info["parameters"]["product"], "weftd");
    let asked = json!({ "interface": "org.weft.Switch1" });
    let text = world.raw(&json!({ "method": "org.varlink.service.GetInterfaceDescription", "parameters": asked }));
    assert!(text["parameters"]["description"].as_str().unwrap().contains("interface org.weft.Switch1"));
    let unknown = world.raw(&json!({ "method": "org.weft.Switch1.Fly" }));
    assert_eq!(unknown["error"], "org.varlink.service.MethodNotFound");
    let strange = world.error("PortDel", &json!({ "name": "a", "fast": true }));
    assert_eq!(strange["error"], "org.varlink.service.InvalidParameter");
}

#[test]
fn test_a_port_from_add_to_del() {
    let mut world = World::new(None);
    world.ok("NamespaceAdd", &json!({ "name": "red" }));
    let port = world.add_port("vm1", "red")["port"].clone();
    assert_eq!((&port["state"], &port["role"], &port["mtu"]), (&json!("down"), &json!("host"), &json!(1500)));
    let socket = world.directory.path().join("vm1.sock");
    assert!(socket.exists());
    let set = world.ok("PortSet", &json!({ "name": "vm1", "mtu": 9000, "role": "router" }));
    assert_eq!((&set["port"]["mtu"], &set["port"]["role"]), (&json!(9000), &json!("router")));
    assert!(socket.exists());
    let fdb = world.ok("FdbList", &json!({ "namespace": "red" }));
    assert_eq!((&fdb["entries"][0]["port"], &fdb["entries"][0]["kind"]), (&json!("vm1"), &json!("port")));
    let status = world.ok("Status", &json!({}));
    assert_eq!((&status["counts"]["ports"], &status["pid"]), (&json!(1), &json!(std::process::id())));
    world.ok("PortDel", &json!({ "name": "vm1" }));
    world.ok("NamespaceDel", &json!({ "name": "red" }));
    assert!(!socket.exists());
}

#[test]
fn test_refusals_have_names_and_change_nothing() {
    let mut world = World::new(Some(FILE));
    let server = |path: &str| json!({ "path": path, "mode": "server" });
    let add = |name: &str, namespace: &str, path: &str| json!({ "name": name, "namespace": namespace, "vhost_user": server(path) });
    let mut bad_mac = add("vm2", "red", "$D/vm2.sock");
    bad_mac["mac"] = json!("02:00");
    let long = format!("/{}", "x".repeat(107));
    for (method, parameters, error) in [
        ("NamespaceAdd", json!({ "name": "red" }), "Exists"),
        ("NamespaceAdd", json!({ "name": "Red" }), "Invalid"),
        ("NamespaceDel", json!({ "name": "red" }), "InUse"),
        ("NamespaceDel", json!({ "name": "blue" }), "NotFound"),
        ("PortAdd", add("vm1", "red", "$D/vm2.sock"), "Exists"),
        ("PortAdd", add("vm2", "blue", "$D/vm2.sock"), "NotFound"),
        ("PortAdd", add("vm2", "red", "$D/vm1.sock"), "InUse"),
        ("PortAdd", add("vm2", "red", &long), "Invalid"),
        ("PortAdd", add("vm2", "red", "$D/no/such/vm2.sock"), "Failed"),
        ("PortAdd", bad_mac, "Invalid"),
        ("PortSet", json!({ "name": "vm1", "mtu": 1 }), "Invalid"),
        ("PortList", json!({ "name": "vm9" }), "NotFound"),
        ("FdbDel", json!({ "namespace": "red", "mac": "02:00:00:00:00:01" }), "NotFound"),
        ("LogSet", json!({ "filter": "a=b=c" }), "Invalid"),
        ("DropReasons", json!({ "name": "none" }), "NotFound"),
        ("ConfigApply", json!({ "text": "[[port]]\n", "file": "f" }), "Config"),
    ] {
        let reply = world.error(method, &parameters);
        assert_eq!(reply["error"], format!("org.weft.Switch1.{error}"), "{method} {parameters}: {reply}");
        assert_eq!((world.names("ports"), world.names("namespaces")), (vec!["vm1".to_owned()], vec!["red".to_owned()]));
    }
}

#[test]
fn test_flags_for_scripts() {
    let mut world = World::new(Some(FILE));
    world.ok("NamespaceAdd", &json!({ "name": "red", "may_exist": true }));
    world.error("NamespaceAdd", &json!({ "name": "red", "may_exist": true, "age_s": 60 }));
    world.ok("PortDel", &json!({ "name": "vm9", "if_exists": true }));
    world.ok("NamespaceDel", &json!({ "name": "blue", "if_exists": true }));
}

#[test]
fn test_what_weft_did_survives_a_restart_and_a_changed_file() {
    let mut world = World::new(Some(FILE));
    world.ok("NamespaceAdd", &json!({ "name": "blue" }));
    world.add_port("vm2", "blue");
    world.ok("PortSet", &json!({ "name": "vm1", "mtu": 1400 }));
    let mut world = world.restart(None);
    assert_eq!(world.names("ports"), ["vm1", "vm2"]);
    assert_eq!(world.ok("PortList", &json!({ "name": "vm1" }))["ports"][0]["mtu"], 1400);
    let more = format!("{FILE}[[port]]\nname = \"vm3\"\nnamespace = \"red\"\nvhost-user = \"$D/vm3.sock\"\n");
    let mut world = world.restart(Some(&more));
    assert_eq!(world.names("ports"), ["vm1", "vm2", "vm3"]);
    // Until a whole configuration is applied.
    let text = FILE.replace("$D", &dir(world.directory.path()));
    let reply = world.ok("ConfigApply", &json!({ "text": text, "file": "weft.toml" }));
    let told: Vec<&str> = reply["changes"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(told, ["blue", "blue:vm2", "red:vm3", "red:vm1"]);
    let mut world = world.restart(None);
    assert_eq!(world.names("ports"), ["vm1"]);
}

#[test]
fn test_a_configuration_is_checked_compared_and_applied() {
    let mut world = World::new(None);
    let text = format!("[daemon]\nworkers = 2\n{FILE}").replace("$D", &dir(world.directory.path()));
    let given = json!({ "text": text, "file": "weft.toml" });
    world.ok("ConfigCheck", &given);
    let changes = world.ok("ConfigDiff", &given)["changes"].clone();
    let kinds: Vec<&str> = changes.as_array().unwrap().iter().map(|c| c["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["namespace", "port", "setting"]);
    assert_eq!(changes[2]["detail"], "1 -> 2 when weftd next starts with this file");
    assert!(world.names("ports").is_empty());
    world.ok("ConfigApply", &given);
    assert_eq!(world.names("ports"), ["vm1"]);
    let mistake = world.error("ConfigCheck", &json!({ "text": "[[port]]\nname = \"a\"\nmtu = 3\n", "file": "x.toml" }));
    assert_eq!((&mistake["parameters"]["file"], &mistake["parameters"]["line"]), (&json!("x.toml"), &json!(1)));
}

#[test]
fn test_a_port_of_the_file_whose_directory_is_missing_is_down_and_says_why() {
    let mut world = World::new(Some(&FILE.replace("$D/vm1.sock", "$D/later/vm1.sock")));
    let port = world.ok("PortList", &json!({ "name": "vm1" }))["ports"][0].clone();
    assert_eq!(port["state"], "down");
    assert!(port["reason"].as_str().unwrap().contains("does not exist"), "{port}");
    let warnings = world.ok("Status", &json!({}))["warnings"].clone();
    assert!(warnings[0].as_str().unwrap().starts_with("port red:vm1 has no socket: "), "{warnings}");
}

#[test]
fn test_a_long_table_comes_in_pages() {
    let mut world = World::new(None);
    let mut text = String::new();
    for (n, namespace) in ["red", "blue"].iter().enumerate() {
        text += &format!("[[namespace]]\nname = \"{namespace}\"\n");
        text += &format!("[[port]]\nname = \"vm{n}\"\nnamespace = \"{namespace}\"\nvhost-user = \"$D/{n}.sock\"\n");
        for i in 0..600 {
            let mac = format!("06:00:00:{n:02x}:{:02x}:{:02x}", i / 256, i % 256);
            text += &format!("[[fdb]]\nnamespace = \"{namespace}\"\nmac = \"{mac}\"\nport = \"vm{n}\"\n");
        }
    }
    world.ok("ConfigApply", &json!({ "text": text, "file": "weft.toml" }));
    assert_eq!(world.error("FdbList", &json!({}))["error"], "org.weft.Switch1.Limit");
    let first = world.raw(&json!({ "method": "org.weft.Switch1.FdbList", "more": true }));
    let second = world.next_reply();
    let count = |reply: &Value| reply["parameters"]["entries"].as_array().unwrap().len();
    assert_eq!((first["continues"].as_bool(), second.get("continues")), (Some(true), None));
    assert_eq!(count(&first) + count(&second), 1202);
}

#[test]
fn test_what_cannot_be_saved_is_told_and_saved_later() {
    let mut world = World::new(None);
    let state = world.directory.path().join("state");
    let _ = fs::remove_dir_all(&state);
    fs::write(&state, "a file where the directory should be").unwrap();
    let reply = world.error("NamespaceAdd", &json!({ "name": "red" }));
    assert_eq!(reply["error"], "org.weft.Switch1.Failed");
    assert!(reply["parameters"]["message"].as_str().unwrap().contains("would not survive a restart"), "{reply}");
    assert_eq!(world.names("namespaces"), ["red"], "accepted all the same");
    let warnings = world.ok("Status", &json!({}))["warnings"].clone();
    assert!(warnings[0].as_str().unwrap().contains("cannot be saved"), "{warnings}");
    fs::remove_file(&state).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while world.ok("Status", &json!({}))["warnings"] != json!([]) {
        assert!(Instant::now() < deadline, "it is not tried again");
    }
    assert_eq!(world.restart(None).names("namespaces"), ["red"]);
}

#[test]
fn test_a_refused_configuration_does_not_change_what_a_restart_remembers() {
    let mut world = World::new(Some(FILE));
    let file = world.directory.path().join("weft.toml");
    let more = format!("{}[[namespace]]\nname = \"blue\"\n", fs::read_to_string(&file).unwrap());
    fs::write(&file, more).unwrap();
    // More static entries than the smallest table has places: refused at the last step.
    let mut text = FILE.replace("$D", &dir(world.directory.path()));
    text = text.replacen("name = \"red\"", "name = \"red\"\nmacs-max = 64", 1);
    for i in 0..1000 {
        text += &format!("[[fdb]]\nnamespace = \"red\"\nmac = \"06:00:00:00:{:02x}:{:02x}\"\n", i / 256, i % 256);
        text += "port = \"vm1\"\n";
    }
    let reply = world.error("ConfigApply", &json!({ "text": text, "file": "weft.toml" }));
    assert_eq!(reply["error"], "org.weft.Switch1.Limit");
    world.ok("NamespaceAdd", &json!({ "name": "green" }));
    assert_eq!(world.restart(None).names("namespaces"), ["blue", "green", "red"], "blue was deleted by nobody");
}

#[test]
fn test_what_a_socket_that_opens_late_offers_is_saved() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("weft.toml");
    fs::write(&file, FILE.replace("$D/vm1.sock", &dir(&directory.path().join("later/vm1.sock")))).unwrap();
    let mut running = running(directory.path(), Some(file));
    let saved = || fs::read_to_string(directory.path().join("state/state.json")).unwrap();
    let offered = "\"red:vm1\": \"0x";
    assert!(!saved().contains(offered));
    fs::create_dir(directory.path().join("later")).unwrap();
    running.daemon.tick(&mut running.events, Instant::now() + Duration::from_secs(60));
    assert!(saved().contains(offered), "a VMM that has seen a feature must see it after a restart");
    running.daemon.endpoints.close_all(&mut running.events);
}

#[test]
fn test_reading_the_file_again_tells_of_what_does_not_fit_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("weft.toml");
    let text = FILE.replace("$D", &dir(directory.path()));
    fs::write(&file, &text).unwrap();
    let mut running = running(directory.path(), Some(file.clone()));
    let mac = "02:00:00:00:00:07".parse().unwrap();
    let entry = switch::Request::FdbAdd(("red".parse().unwrap(), mac).into(), "vm1".parse().unwrap());
    running.daemon.request(&mut running.events, entry).unwrap();
    let other = text.replace("vm1", "vm2");
    for (text, warnings) in [(&other, 1), (&other, 0), (&text, 0)] {
        fs::write(&file, text).unwrap();
        running.daemon.reload(&mut running.events);
        assert_eq!(running.daemon.warnings.all().count(), warnings);
    }
    running.daemon.endpoints.close_all(&mut running.events);
}

#[test]
fn test_calls_that_come_together_are_each_saved_before_they_are_answered() {
    let directory = tempfile::tempdir().unwrap();
    let mut running = running(directory.path(), None);
    let mut clients: Vec<UnixStream> =
        (0..5).map(|_| UnixStream::connect(directory.path().join("ctl.sock")).unwrap()).collect();
    let state = directory.path().join("state");
    for (turn, expected) in [("a", "\"number\""), ("b", "would not survive")] {
        for (number, client) in clients.iter_mut().enumerate() {
            let name = json!({ "name": format!("{turn}{number}") });
            let call = json!({ "method": "org.weft.Switch1.NamespaceAdd", "parameters": name });
            client.write_all(format!("{call}\0").as_bytes()).unwrap();
            client.set_nonblocking(true).unwrap();
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let mut reply = [0; 1024];
            let length = loop {
                match client.read(&mut reply) {
                    Ok(length) => break length,
                    Err(_) => assert!(running.turn().unwrap()),
                }
            };
            let reply = String::from_utf8_lossy(&reply[..length]);
            assert!(reply.contains(expected), "{reply}");
            let saved = fs::read_to_string(state.join("state.json")).unwrap_or_default();
            assert_eq!(saved.contains(&format!("{turn}{number}")), turn == "a");
        }
        let _ = fs::remove_dir_all(&state);
        fs::write(&state, "a file where the directory should be").unwrap();
    }
    running.daemon.endpoints.close_all(&mut running.events);
}
