// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The name of a port is its own in its namespace: two tenants may each have a port of one name.
use serde_json::{Value, json};
use tests::guest::{GuestOptions, ping};
use tests::weftd::{Weftd, mac_text};

/// Two tenants with a `vm` and an `other` each. The sockets are named after both.
fn twins() -> Weftd {
    let daemon = Weftd::start();
    for namespace in ["red", "blue"] {
        daemon.add_namespace(namespace);
        add(&daemon, namespace, "vm", 1);
        add(&daemon, namespace, "other", 2);
    }
    daemon
}

fn add(daemon: &Weftd, namespace: &str, port: &str, number: u8) {
    let path = daemon.port_path(&format!("{namespace}-{port}")).display().to_string();
    let (name, mac) = (format!("{namespace}:{port}"), mac_text(GuestOptions::new(port, number).mac));
    daemon.weft(&["port", "add", &name, "--vhost-user", &path, "--mac", &mac]).expect_ok();
}

/// Namespace and name of all ports, as they are listed.
fn listed(daemon: &Weftd, arguments: &[&str]) -> Vec<String> {
    let ports = daemon.json(&[&["port", "list"], arguments].concat());
    let text = |port: &Value, key: &str| port[key].as_str().expect("a text").to_owned();
    let ports = ports.as_array().expect("a list").iter();
    ports.map(|port| format!("{}:{}", text(port, "namespace"), text(port, "name"))).collect()
}

#[test]
fn two_tenants_have_ports_of_one_name_and_keep_their_frames() {
    let daemon = twins();
    assert_eq!(listed(&daemon, &[]), ["blue:other", "red:other", "blue:vm", "red:vm"]);
    assert_eq!(listed(&daemon, &["-n", "red"]), ["red:other", "red:vm"]);
    for namespace in ["red", "blue"] {
        let attach = |port: &str, number| daemon.attach(&format!("{namespace}-{port}"), number);
        ping(&mut attach("vm", 1), &mut attach("other", 2), 3);
        daemon.await_port(&format!("{namespace}:vm"), |port| port["tx_frames"] != 0);
        let twin = if namespace == "red" { "blue:vm" } else { "red:vm" };
        assert!(namespace == "blue" || daemon.port(twin)["tx_frames"] == 0, "only the port that was meant");
    }
}

#[test]
fn a_name_alone_is_refused_where_it_could_be_several() {
    let daemon = twins();
    let before = daemon.json(&["port", "list"]);
    let verbs: [&[&str]; 3] =
        [&["port", "show", "vm"], &["port", "set", "vm", "--mtu", "1400"], &["port", "del", "vm", "--if-exists"]];
    for verb in verbs {
        let error = daemon.refusal(verb);
        assert_eq!(
            (&error["error"], &error["exit_code"]),
            (&"org.weft.Switch1.Ambiguous".into(), &6.into()),
            "{verb:?}"
        );
        let expected = json!({ "kind": "port", "name": "vm", "candidates": ["blue:vm", "red:vm"], "more": 0 });
        assert_eq!(error["parameters"], expected);
    }
    assert_eq!(daemon.json(&["port", "list"]), before);
    let text = daemon.weft(&["port", "show", "vm"]).stderr;
    assert!(text.contains("it could be blue:vm or red:vm") && text.contains("hint: say NAMESPACE:NAME"), "{text}");
    daemon.weft(&["port", "set", "red:vm", "--mtu", "1400"]).expect_ok();
    assert_eq!((&daemon.port("red:vm")["mtu"], &daemon.port("blue:vm")["mtu"]), (&1400.into(), &1500.into()));
    daemon.weft(&["port", "del", "blue:vm"]).expect_ok();
    assert_eq!(daemon.port("vm")["namespace"], "red", "one is left, so there is no doubt");
    assert_eq!(daemon.refusal(&["port", "show", "blue:vm"])["exit_code"], 2);
    assert_eq!(daemon.refusal(&["port", "show", "red:blue:vm"])["exit_code"], 1);
}

#[test]
fn everything_that_is_kept_by_port_survives_a_crash_under_its_own_port() {
    let mut daemon = twins();
    daemon.weft(&["port", "set", "blue:vm", "--mtu", "9000", "--flood-frames", "1k"]).expect_ok();
    daemon.weft(&["fdb", "add", "02:00:00:00:00:99", "-n", "red", "-p", "vm"]).expect_ok();
    daemon.weft(&["fdb", "add", "02:00:00:00:00:99", "-n", "blue", "-p", "blue:other"]).expect_ok();
    let wrong = daemon.refusal(&["fdb", "add", "02:00:00:00:00:98", "-n", "red", "-p", "blue:vm"]);
    assert_eq!(wrong["exit_code"], 1, "an entry leads to a port of its own namespace: {wrong}");
    let said = |daemon: &Weftd| (daemon.json(&["port", "list"]), daemon.json(&["fdb", "list"]));
    let before = said(&daemon);
    daemon.restart();
    assert_eq!(said(&daemon), before, "limits, numbers and all");
}

#[test]
fn a_socket_has_one_port_whatever_its_name() {
    let daemon = twins();
    daemon.add_namespace("green");
    let path = daemon.port_path("red-vm").display().to_string();
    let error = daemon.refusal(&["port", "add", "green:vm", "--vhost-user", &path]);
    assert_eq!((&error["exit_code"], &error["parameters"]["by"]), (&5.into(), &"port \"red:vm\"".into()));
    let twice = daemon.refusal(&["port", "add", "red:vm", "--vhost-user", "/tmp/x.sock"]);
    assert_eq!((&twice["error"], &twice["exit_code"]), (&"org.weft.Switch1.Exists".into(), &5.into()));
}

#[test]
fn a_configuration_repeats_a_name_in_another_namespace() {
    let port = |namespace: &str| {
        let socket = format!("vhost-user = \"{{dir}}/{namespace}-vm.sock\"\n");
        format!("[[namespace]]\nname = \"{namespace}\"\n[[port]]\nname = \"vm\"\nnamespace = \"{namespace}\"\n{socket}")
    };
    let daemon = Weftd::start_configured(&[port("red"), port("blue")].concat());
    assert_eq!(listed(&daemon, &[]), ["blue:vm", "red:vm"]);
    let file = daemon.folder().join("weft.toml");
    let text = std::fs::read_to_string(&file).expect("the test wrote it");
    let other = file.with_file_name("other.toml");
    std::fs::write(&other, text.replace("namespace = \"blue\"\n", "namespace = \"blue\"\nmtu = 1400\n")).expect("ours");
    let changes = daemon.weft(&["config", "apply", &other.display().to_string()]).expect_ok();
    assert_eq!(changes, "~ port blue:vm: mtu 1500 -> 1400\n");
    let twice = text.replace("namespace = \"blue\"\n", "namespace = \"red\"\n");
    std::fs::write(&other, twice).expect("ours");
    let error = daemon.refusal(&["config", "check", &other.display().to_string()]);
    let message = error["message"].as_str().expect("a text");
    assert!(message.contains("there is a port of this name in this namespace in line 4 already"), "{message}");
}
