// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The control socket is varlink to others too: to the `varlink` crate and to systemd's `varlinkctl`.

use serde_json::{Value, json};
use tests::programs::Program;
use tests::weftd::Weftd;
use varlink::{Connection, MethodCall, OrgVarlinkServiceClient, OrgVarlinkServiceInterface};

/// The interface as it is published.
const INTERFACE: &str = include_str!("../../../ctl/org.weft.Switch1.varlink");

fn address(daemon: &Weftd) -> String {
    format!("unix:{}", daemon.port_path("ctl").display())
}

fn call(daemon: &Weftd, method: &'static str, parameters: Value) -> Result<Value, String> {
    let connection = Connection::with_address(&address(daemon)).expect("the daemon listens");
    let mut call = MethodCall::<Value, Value, varlink::Error>::new(connection, method, parameters);
    call.call().map_err(|why| format!("{why:?}"))
}

#[test]
fn the_varlink_crate_finds_the_interface() {
    let daemon = Weftd::start();
    let connection = Connection::with_address(&address(&daemon)).expect("the daemon listens");
    let mut service = OrgVarlinkServiceClient::new(connection);
    let info = service.get_info().expect("GetInfo is answered");
    assert_eq!((&*info.product, &*info.version), ("weftd", env!("CARGO_PKG_VERSION")));
    for interface in ["org.varlink.service", "org.weft.Switch1"] {
        assert!(info.interfaces.iter().any(|name| name == interface), "{:?}", info.interfaces);
        let described = service.get_interface_description(interface).expect("it is described");
        let text = described.description.expect("a text");
        assert!(text.contains(&format!("interface {interface}")), "{text}");
    }
    let described = service.get_interface_description("org.weft.Switch1").expect("it is described");
    assert_eq!(described.description.as_deref(), Some(INTERFACE));
    assert!(service.get_interface_description("org.example.Other").is_err());
}

#[test]
fn the_varlink_crate_calls_methods_and_understands_errors() {
    let daemon = Weftd::start();
    let added = call(&daemon, "org.weft.Switch1.NamespaceAdd", json!({ "name": "red" })).expect("it is added");
    assert_eq!(added["namespace"]["name"], "red");
    let listed = call(&daemon, "org.weft.Switch1.NamespaceList", json!({})).expect("it is listed");
    assert_eq!(listed["namespaces"], daemon.json(&["namespace", "list"]));
    let twice = call(&daemon, "org.weft.Switch1.NamespaceAdd", json!({ "name": "red" })).expect_err("it exists");
    assert!(twice.contains("org.weft.Switch1.Exists"), "{twice}");
    let unknown = call(&daemon, "org.weft.Switch1.Frobnicate", json!({})).expect_err("there is no such method");
    assert!(unknown.contains("MethodNotFound"), "{unknown}");
    let wrong = call(&daemon, "org.weft.Switch1.NamespaceAdd", json!({ "nane": "x" })).expect_err("a wrong parameter");
    assert!(wrong.contains("InvalidParameter"), "{wrong}");
}

/// `more` on the crate's side is the stream on ours.
#[test]
fn the_varlink_crate_reads_a_stream() {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    let connection = Connection::with_address(&address(&daemon)).expect("the daemon listens");
    let method = "org.weft.Switch1.FdbList";
    let mut call = MethodCall::<Value, Value, varlink::Error>::new(connection, method, json!({}));
    let pages: Vec<Value> = call.more().expect("it is taken").map(|page| page.expect("each page is a reply")).collect();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0]["entries"], daemon.json(&["fdb", "list"]));
}

#[test]
fn varlinkctl_introspects_and_calls() {
    let Some(varlinkctl) = Program::find_or_skip("varlinkctl") else { return };
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    let path = daemon.port_path("ctl").display().to_string();
    let run = |arguments: &[&str]| {
        let output = varlinkctl.command().args(arguments).output().expect("it can be run");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "varlinkctl {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(run(&["info", &path]).contains("org.weft.Switch1"));
    assert!(run(&["introspect", &path, "org.weft.Switch1"]).contains("method PortAdd"));
    let listed: Value =
        serde_json::from_str(&run(&["call", &path, "org.weft.Switch1.NamespaceList", "{}"])).expect("JSON");
    assert_eq!(listed["namespaces"], daemon.json(&["namespace", "list"]));
}
