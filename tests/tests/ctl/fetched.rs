// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Additional Information, from a router's advertisement through weftd, its helper and a web server on the loopback interface
//! to what `weft pvd show` says.
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use core::net::Ipv6Addr;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::guest::SyntheticGuest;
use tests::https::{Authority, Manner, Server};
use tests::wait::{Deadline, for_value, until};
use tests::weftd::{Watch, Weftd};
use wire::name::DomainName;
use wire::nd::{NdOption, PrefixInfo, PvdOption, encode};
use wire::{MacAddr, build};

use crate::pvdd::over_unix;

const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// A daemon that fetches, with a router in red.
struct Scene {
    daemon: Weftd,
    router: SyntheticGuest,
    /// With the certificate of the authority that the helper believes, whenever it is started.
    _folder: Option<TempDir>,
}

impl Scene {
    /// The servers are found under their names. `more` are further lines of the settings.
    fn new(authority: &Authority, servers: &[(&str, &Server)], more: &str) -> Scene {
        let folder = tempfile::tempdir().expect("there is room");
        let ca = folder.path().join("ca.pem");
        fs::write(&ca, authority.pem()).expect("it is ours");
        let resolve: Vec<String> = servers.iter().map(|(name, server)| format!("{name}={}", server.address)).collect();
        let config = format!("[daemon.pvd-fetch]\nca = {ca:?}\nresolve = {resolve:?}\n{more}\n");
        let daemon = Weftd::start_configured(&config);
        Scene { router: attach(&daemon), daemon, _folder: Some(folder) }
    }

    /// One whose helper is this shell script, which gets the arguments of a helper.
    fn with_helper(script: &str) -> Scene {
        let folder = tempfile::tempdir().expect("there is room");
        let program = folder.path().join("helper");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("it is ours");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("it is ours");
        let daemon = Weftd::start_configured(&format!("[daemon.pvd-fetch]\nprogram = {program:?}\n"));
        Scene { router: attach(&daemon), daemon, _folder: Some(folder) }
    }

    /// What `weft status` says about the helper, once it says anything.
    fn warning(&self) -> String {
        for_value("a warning", Deadline::patient(), || {
            let warnings = self.daemon.json(&["status"])["warnings"].clone();
            let warnings = warnings.as_array()?.iter().filter_map(Value::as_str);
            warnings.into_iter().find(|warning| warning.contains("weft-pvd-fetch")).map(str::to_owned)
        })
    }

    /// The router says that there is Additional Information about a PvD with this prefix.
    fn advertise(&mut self, pvd: &str, sequence: u16, prefix: u16) {
        let prefix = Ipv6Addr::new(0x2001, 0xdb8, prefix, 0, 0, 0, 0, 0);
        let info = PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 1800, preferred: 1800 };
        let nested = encode([NdOption::Prefix(info)]).expect("a good prefix");
        let name: DomainName = pvd.parse().expect("a good name");
        let name = name.as_name();
        let option = PvdOption { http: true, legacy: false, delay: 0, sequence, name, header: None, nested: &nested };
        let options = encode([NdOption::Pvd(option)]).expect("a good option");
        let mac = MacAddr(self.router.mac());
        self.router.send(&build::advertisement(mac, ROUTER, 1800, &options));
    }

    /// What is shown of the Additional Information of a PvD, once it is there.
    fn information(&self, pvd: &str) -> Value {
        let outcome = self.daemon.weft(&["pvd", "show", pvd, "--json"]);
        serde_json::from_str::<Value>(&outcome.stdout).map_or(Value::Null, |shown| shown["information"].clone())
    }

    /// The same, when it is fetched or has failed.
    fn settled(&self, pvd: &str) -> Value {
        for_value(&format!("news about {pvd}"), Deadline::patient(), || {
            let information = self.information(pvd);
            ["fetched", "failed"].contains(&information["state"].as_str()?).then_some(information)
        })
    }
}

const LOOPBACK: &str = "allow = [\"127.0.0.0/8\"]\ntimeout = 2";

/// An object about these prefixes that holds for ever.
fn object(pvd: &str, prefixes: &str) -> String {
    format!(
        r#"{{"identifier":"{pvd}","expires":"2999-01-01T00:00:00Z","prefixes":[{prefixes}],"dnsZones":["corp.example"],"noInternet":true}}"#
    )
}

#[test]
fn what_a_web_server_says_about_a_pvd_is_shown() {
    let authority = Authority::new();
    let text = object("A.example.", r#""2001:db8:1::/48""#);
    let server = Server::start(&authority, &["a.example"], Manner::object(&text));
    let mut scene = Scene::new(&authority, &[("a.example", &server)], LOOPBACK);
    let watch = Watch::start(&scene.daemon.folder().join("ctl.sock"), &["red", "--since", "0"]);
    scene.advertise("a.example", 1, 1);
    let fetched = ended(&watch);
    assert_eq!((&fetched["name"], fetched.get("failed")), (&json!("a.example."), None), "{fetched}");
    let information = scene.settled("a.example");
    let known = &information["known"];
    assert_eq!((&information["state"], &known["object"]), (&json!("fetched"), &json!(text)), "{information}");
    assert_eq!((&known["dns_zones"], &known["no_internet"]), (&json!(["corp.example."]), &json!(true)));
    assert_eq!(server.heard().len(), 1);
    let page = scene.daemon.weft(&["pvd", "show", "a.example"]).expect_ok();
    assert!(page.contains("  information  fetched, next in ") && page.contains("  internet     no\n"), "{page}");
    let running = scene.daemon.weft(&["config", "show", "--running"]).expect_ok();
    assert!(running.contains("[daemon.pvd-fetch]"), "{running}");
    let [socket, file] = ["red.pvdd", "with.toml"].map(|name| scene.daemon.folder().join(name));
    let with = running.replacen("name = \"red\"", &format!("name = \"red\"\npvdd = {socket:?}"), 1);
    fs::write(&file, with).expect("it is ours");
    scene.daemon.weft(&["config", "apply", &file.display().to_string()]).expect_ok();
    let (_, told) = over_unix(&socket).ask_value("PVD_GET_ATTRIBUTE a.example extraInfo");
    assert_eq!(told, serde_json::from_str::<Value>(&text).expect("JSON"), "a client of pvdd is told it, too");
    scene.advertise("a.example", 2, 1);
    until("the end of what was known", Deadline::patient(), || scene.information("a.example")["state"] == "waiting");
    assert_eq!(scene.information("a.example").get("known"), None, "another sequence number is another object");
    until("another fetch", Deadline::patient(), || server.heard().len() == 2);
    until("its object", Deadline::patient(), || scene.information("a.example")["state"] == "fetched");
    assert!(ended(&watch)["seq"].as_u64() > fetched["seq"].as_u64());
}

/// The next fetch of whose end a watch is told.
fn ended(watch: &Watch) -> Value {
    let mut told = std::iter::repeat_with(|| watch.next("the end of a fetch"));
    told.find(|event| event["kind"] == "fetched").expect("it goes on for ever")
}

#[test]
fn what_is_wrong_with_an_object_is_said_and_it_is_not_asked_for_again() {
    let authority = Authority::new();
    let all = r#""2001:db8::/32""#;
    let expired = object("c.example", all).replace("2999", "1999");
    let twice = object("e.example", all).replace("\"noInternet\":true", "\"noInternet\":true,\"noInternet\":false");
    let cases = [
        ("b.example", object("a.example", all), "the object is about a.example."),
        ("c.example", expired, "the object has expired"),
        ("d.example", object("d.example", r#""2001:db8:7::/48""#), "the object does not list 2001:db8:4::/64"),
        ("e.example", twice, "the object is no I-JSON: the key \"noInternet\" stands twice"),
        ("f.example", "[".repeat(60_000), "the object is no I-JSON: recursion limit exceeded"),
    ];
    let servers: Vec<_> =
        cases.iter().map(|(name, text, _)| (*name, Server::start(&authority, &[name], Manner::object(text)))).collect();
    let found: Vec<_> = servers.iter().map(|(name, server)| (*name, server)).collect();
    let mut scene = Scene::new(&authority, &found, LOOPBACK);
    let watch = Watch::start(&scene.daemon.folder().join("ctl.sock"), &["red"]);
    watch.next("the beginning");
    for (number, (name, ..)) in cases.iter().enumerate() {
        scene.advertise(name, 1, number as u16 + 2);
    }
    let told: Vec<Value> = cases.iter().map(|_| ended(&watch)).collect();
    for (name, _, expected) in &cases {
        let information = scene.settled(name);
        let reason = information["reason"].as_str().unwrap_or_default();
        let event = told.iter().find(|event| event["name"] == format!("{name}."));
        assert_eq!(event.map(|event| &event["failed"]), Some(&json!(reason)), "{told:?}");
        assert!(reason.starts_with(expected) && information.get("known").is_none(), "{name}: {information}");
    }
    scene.advertise("b.example", 2, 2);
    let sequence = || scene.daemon.json(&["pvd", "show", "b.example"])["sources"][0]["sequence"].clone();
    until("the new sequence number", Deadline::patient(), || sequence() == 2);
    assert_eq!(scene.settled("b.example")["state"], "failed");
    assert!(servers.iter().all(|(_, server)| server.heard().len() == 1), "each was asked once");
    scene.daemon.weft(&["pvd", "fetch", "b.example", "-n", "red"]).expect_ok();
    until("an operator's fetch", Deadline::patient(), || servers[0].1.heard().len() == 2);
    let unknown = scene.daemon.weft(&["pvd", "fetch", "z.example", "-n", "red"]);
    assert!(unknown.status != 0 && unknown.stderr.contains("z.example"), "{}", unknown.stderr);
}

#[test]
fn a_tenants_router_cannot_make_the_host_talk_to_itself() {
    let authority = Authority::new();
    let server = Server::start(&authority, &["a.example"], Manner::object(&object("a.example", "")));
    let mut scene = Scene::new(&authority, &[("a.example", &server)], "");
    scene.advertise("a.example", 1, 1);
    let information = scene.settled("a.example");
    assert_eq!(information["reason"], "the name leads to an address that is not public");
    assert!(server.heard().is_empty());
}

#[test]
fn nothing_is_fetched_unless_the_operator_says_so() {
    let daemon = Weftd::start();
    assert!(daemon.weft(&["config", "show", "--running"]).expect_ok().contains("pvd-fetch = \"off\""));
    let server = Server::plain(Manner::object(""));
    let mut scene = Scene { router: attach(&daemon), daemon, _folder: None };
    scene.advertise("a.example", 1, 1);
    until("the PvD", Deadline::patient(), || {
        !scene.daemon.json(&["pvd", "list"]).as_array().expect("a list").is_empty()
    });
    assert_eq!((scene.information("a.example"), server.heard().len()), (Value::Null, 0));
}

#[test]
fn a_helper_that_does_not_start_is_a_warning_and_no_failure_of_a_pvd() {
    for (script, why) in [("exit 1", "it ended"), ("echo hello; read order", "it is no weft-pvd-fetch")] {
        let mut scene = Scene::with_helper(script);
        scene.advertise("a.example", 1, 1);
        let warning = scene.warning();
        assert!(warning.ends_with(&format!("failed: {why}")), "{warning}");
        assert_eq!(scene.information("a.example")["state"], "waiting");
    }
    let mut scene = Scene {
        daemon: Weftd::start_configured("[daemon]\npvd-fetch = { program = \"/does/not/exist\" }\n"),
        ..Scene::with_helper("")
    };
    scene.router = attach(&scene.daemon);
    scene.advertise("a.example", 1, 1);
    assert!(scene.warning().contains("/does/not/exist: No such file"), "{}", scene.warning());
}

#[test]
fn a_helper_that_was_taken_over_is_believed_no_more_than_a_web_server() {
    for (script, why) in [
        ("", "it ended"),
        ("echo '{\"id\":1}'; read more", "it said what is no answer"),
        ("echo '{\"id\":7,\"result\":{\"Ok\":\"{}\"}}'; read more", "it said what it was not asked"),
        ("while :; do printf '%01000d' 0; done", "it said too much"),
    ] {
        let mut scene = Scene::with_helper(&format!("echo ready; read order; {script}"));
        scene.advertise("a.example", 1, 1);
        assert_eq!(scene.settled("a.example")["reason"], "weft-pvd-fetch ended, or did not answer", "{script}");
        let warning = scene.warning();
        assert!(warning.ends_with(&format!("failed: {why}")), "{script}: {warning}");
        assert!(scene.daemon.alive());
    }
}

#[test]
fn the_helper_gets_no_environment_and_ends_with_the_daemon_however_that_ends() {
    for kill in [true, false] {
        let authority = Authority::new();
        let mut scene = Scene::new(&authority, &[], LOOPBACK);
        scene.advertise("none.example", 1, 1);
        let helper = for_value("the helper", Deadline::patient(), || child_of(scene.daemon.pid()));
        let environment = fs::read(format!("/proc/{helper}/environ")).unwrap_or_default();
        let names = environment.split(|octet| *octet == 0).filter(|entry| !entry.is_empty());
        assert!(names.clone().all(|entry| entry.starts_with(b"RES_OPTIONS=")), "{names:?}");
        if kill {
            scene.daemon.kill_9();
        } else {
            scene.daemon.stop();
        }
        until("the end of the helper", Deadline::patient(), || !is_running(helper));
    }
}

/// A process that is a child of this one.
fn child_of(parent: u32) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{parent}/task")).ok()?.flatten();
    let children = threads.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    children.collect::<String>().split_whitespace().next()?.parse().ok()
}

/// It is there, and more than a name that nobody has waited for yet.
fn is_running(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

fn attach(daemon: &Weftd) -> SyntheticGuest {
    daemon.add_namespace("red");
    daemon.add_port("red", "r1", 1, &["--role", "router"]);
    daemon.attach("r1", 1)
}
