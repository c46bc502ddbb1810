// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program that knows pvdd and nothing of weft, at the text sockets of namespaces.

use core::net::Ipv6Addr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::{Value, json};
use tests::wait::{Deadline, PATIENCE, until};
use tests::weftd::{Weftd, toml};
use wire::MacAddr;
use wire::build::advertisement;
use wire::name::DomainName;
use wire::nd::{NdOption, PvdOption, Rdnss, encode};

/// A connection, over which one speaks line by line.
pub(crate) struct Text<S: Read + Write>(BufReader<S>);

pub(crate) fn over_unix(path: &Path) -> Text<UnixStream> {
    let stream = UnixStream::connect(path).expect("the socket is there");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has one");
    Text(BufReader::new(stream))
}

fn over_tcp(port: u16) -> Text<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("the port is open");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has one");
    Text(BufReader::new(stream))
}

impl<S: Read + Write> Text<S> {
    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).expect("the daemon listens");
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("the daemon answers");
        line.trim_end().to_owned()
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    /// A message of several lines: its first, and the value in the others.
    fn hear_value(&mut self) -> (String, Value) {
        assert_eq!(self.hear(), "PVD_BEGIN_MULTILINE");
        let head = self.hear();
        let lines: Vec<String> =
            std::iter::from_fn(|| Some(self.hear()).filter(|line| line != "PVD_END_MULTILINE")).collect();
        (head, serde_json::from_str(&lines.join("\n")).expect("JSON"))
    }

    pub(crate) fn ask_value(&mut self, line: &str) -> (String, Value) {
        self.say(line);
        self.hear_value()
    }
}

/// Red with a router and a text socket, blue with neither.
fn scene(pvdd: &str) -> Weftd {
    let red = format!("{}pvdd = \"{pvdd}\"\n", toml::namespace("red"));
    let router = toml::port("red", "gw", 1) + "role = \"router\"\n";
    Weftd::start_configured(&(red + &router + &toml::namespace("blue")))
}

/// A Router Advertisement of the guest behind `gw`, of a PvD with resolvers.
fn advertise(guest: &mut tests::guest::SyntheticGuest, name: &str, servers: &[[u8; 16]]) {
    let name: DomainName = name.parse().expect("a good name");
    let nested = encode([NdOption::Rdnss(Rdnss { lifetime: 1800, addresses: servers })]).expect("a good option");
    let name = name.as_name();
    let option = PvdOption { http: true, legacy: false, delay: 1, sequence: 7, name, header: None, nested: &nested };
    let options = encode([NdOption::Pvd(option)]).expect("a good option");
    let mac = MacAddr(guest.mac());
    guest.send(&advertisement(mac, Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), 1800, &options));
}

#[test]
fn a_client_of_pvdd_lists_looks_and_is_told() {
    let daemon = scene("{dir}/red.pvdd");
    let socket = daemon.folder().join("red.pvdd");
    let (mut asking, mut told) = (over_unix(&socket), over_unix(&socket));
    assert_eq!(asking.ask("PVD_GET_LIST"), "PVD_LIST");
    told.say("PVD_SUBSCRIBE_NOTIFICATIONS\nPVD_SUBSCRIBE *");
    // It is answered in order: what comes before this is subscribed to.
    assert_eq!(told.ask("PVD_GET_LIST"), "PVD_LIST");
    let mut router = daemon.attach("gw", 1);
    advertise(&mut router, "Work.example", &[[0x20; 16]]);
    assert_eq!((told.hear(), told.hear()), ("PVD_NEW_PVD work.example.".into(), "PVD_LIST work.example.".into()));
    let (head, attributes) = told.hear_value();
    assert_eq!(head, "PVD_ATTRIBUTES work.example.");
    for (key, value) in [
        ("name", json!("work.example.")),
        ("id", json!(1)),
        ("sequenceNumber", json!(7)),
        ("hFlag", json!(1)),
        ("lFlag", json!(0)),
        ("aFlag", json!(0)),
        ("implicit", json!(false)),
        ("lla", json!("fe80::1")),
        ("dev", json!("gw")),
        ("rdnss", json!(["2020:2020:2020:2020:2020:2020:2020:2020"])),
        ("dnssl", json!([])),
    ] {
        assert_eq!(attributes[key], value, "{key}");
    }
    let route = &attributes["routes"][0];
    assert_eq!((&route["dst"], &route["gateway"], &route["dev"]), (&json!("::/0"), &json!("fe80::1"), &json!("gw")));
    assert_eq!(asking.ask("PVD_GET_LIST"), "PVD_LIST work.example.");
    let one = asking.ask_value("PVD_GET_ATTRIBUTE work.EXAMPLE. delay");
    assert_eq!(one, ("PVD_ATTRIBUTE work.example. delay".into(), json!(1)));
    advertise(&mut router, "work.example", &[[0x20; 16], [0x21; 16]]);
    assert_eq!(told.hear_value().1["rdnss"].as_array().map(Vec::len), Some(2), "a change");
    daemon.weft(&["port", "del", "red:gw", "--force"]).expect_ok();
    assert_eq!((told.hear(), told.hear()), ("PVD_DEL_PVD work.example.".into(), "PVD_LIST".into()));
    let gone = asking.ask("PVD_GET_ATTRIBUTES work.example");
    assert_eq!(gone, "PVD_ERROR no-pvd PVD_GET_ATTRIBUTES: there is no PvD \"work.example.\"");
}

#[test]
fn over_tcp_one_may_look_and_not_touch() {
    // Free a moment ago; only this test's daemon is likely to take it.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let daemon = scene(&format!("127.0.0.1:{port}"));
    let mut router = daemon.attach("gw", 1);
    advertise(&mut router, "work.example", &[[0x20; 16]]);
    until("the PvD", Deadline::patient(), || {
        daemon.json(&["pvd", "list", "red"]).as_array().is_some_and(|l| !l.is_empty())
    });
    let mut client = over_tcp(port);
    assert_eq!(client.ask("PVD_GET_LIST"), "PVD_LIST work.example.");
    assert!(client.ask("PVD_CONNECTION_PROMOTE_CONTROL").starts_with("PVD_ERROR refused "));
    assert!(client.ask("PVD_REMOVE_PVD work.example").starts_with("PVD_ERROR refused "));
    client.say("PVD_CONNECTION_PROMOTE_BINARY\nPVD_GET_ATTRIBUTE work.example hFlag");
    let mut length = [0; 4];
    client.0.read_exact(&mut length).expect("a length");
    let mut message = vec![0; i32::from_ne_bytes(length) as usize];
    client.0.read_exact(&mut message).expect("a message");
    assert_eq!(message, b"PVD_ATTRIBUTE work.example. hFlag\n1\n");
}

#[test]
fn there_is_a_socket_where_the_configuration_says_so_and_while_it_does() {
    let daemon = scene("{dir}/red.pvdd");
    let socket = daemon.folder().join("red.pvdd");
    let mut client = over_unix(&socket);
    assert_eq!(client.ask("PVD_GET_LIST"), "PVD_LIST");
    let running = daemon.weft(&["config", "show", "--running"]).expect_ok();
    assert!(running.contains(&format!("pvdd = \"{}\"", socket.display())), "{running}");
    let config = daemon.folder().join("weft.toml");
    let without: Vec<String> = running.lines().filter(|line| !line.starts_with("pvdd")).map(str::to_owned).collect();
    fs::write(&config, without.join("\n")).expect("it is ours");
    let said = daemon.weft(&["config", "apply", &config.display().to_string()]).expect_ok();
    assert!(said.contains("pvdd"), "{said}");
    until("the socket to go", Deadline::patient(), || !socket.exists());
    assert_eq!(client.hear(), "", "and its clients");
    let busy = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = busy.local_addr().expect("it is bound");
    let with = without.join("\n").replacen("name = \"red\"", &format!("name = \"red\"\npvdd = \"{address}\""), 1);
    fs::write(&config, with).expect("it is ours");
    daemon.weft(&["config", "apply", &config.display().to_string()]).expect_ok();
    let warnings = daemon.json(&["status"])["warnings"].to_string();
    assert!(warnings.contains("the text socket (pvdd) of namespace red is not open"), "{warnings}");
    drop(busy);
    until("it to be open", Deadline::patient(), || daemon.json(&["status"])["warnings"] == json!([]));
    assert_eq!(over_tcp(address.port()).ask("PVD_GET_LIST"), "PVD_LIST");
}

/// What has been said over a connection that makes changes is done when the answer to a question is there, which is refused.
fn settle(control: &mut Text<UnixStream>) {
    assert!(control.ask("PVD_GET_LIST").starts_with("PVD_ERROR refused PVD_GET_LIST: "));
}

#[test]
fn changes_over_a_control_connection_last() {
    let mut daemon = scene("{dir}/red.pvdd");
    let socket = daemon.folder().join("red.pvdd");
    let mut control = over_unix(&socket);
    assert!(control.ask("PVD_CREATE_PVD 0 vpn.example").starts_with("PVD_ERROR refused PVD_CREATE_PVD: "));
    control.say("PVD_CONNECTION_PROMOTE_CONTROL\nPVD_CREATE_PVD 0 VPN.example\nPVD_BEGIN_TRANSACTION vpn.example");
    control.say("PVD_SET_ATTRIBUTE vpn.example rdnss [\"2001:db8::53\"]\nPVD_SET_ATTRIBUTE vpn.example hFlag 1");
    settle(&mut control);
    let shown = |daemon: &Weftd, key: &str| {
        over_unix(&daemon.folder().join("red.pvdd")).ask_value(&format!("PVD_GET_ATTRIBUTE vpn.example {key}")).1
    };
    assert_eq!(shown(&daemon, "rdnss"), json!([]), "nothing before the end");
    control.say("PVD_END_TRANSACTION vpn.example");
    settle(&mut control);
    assert_eq!((shown(&daemon, "rdnss"), shown(&daemon, "hFlag")), (json!(["2001:db8::53"]), json!(1)));
    assert_eq!((shown(&daemon, "static"), shown(&daemon, "extraInfo")), (json!(true), Value::Null));
    assert_eq!(daemon.json(&["pvd", "list", "red"])[0]["name"], "vpn.example.", "and in weft's own words");
    for (said, why) in [
        ("PVD_SET_ATTRIBUTE vpn.example mtu 1400", "PVD_BEGIN_TRANSACTION vpn.example. first"),
        ("PVD_UNSET_ATTRIBUTE vpn.example extraInfo", "follows from the PvD"),
        ("PVD_CREATE_PVD 0 vpn.example", "vpn.example."),
        ("PVD_REMOVE_PVD other.example", "other.example."),
        ("PVD_END_TRANSACTION vpn.example", "no transaction"),
    ] {
        let error = control.ask(said);
        assert!(error.starts_with("PVD_ERROR failed ") && error.contains(why), "{said}: {error}");
    }
    daemon.restart();
    assert_eq!(shown(&daemon, "rdnss"), json!(["2001:db8::53"]), "after a restart");
    let mut control = over_unix(&socket);
    control.say("PVD_CONNECTION_PROMOTE_CONTROL\nPVD_UNSET_ATTRIBUTE vpn.example rdnss");
    settle(&mut control);
    assert_eq!(shown(&daemon, "rdnss"), json!([]));
    control.say("PVD_REMOVE_PVD vpn.example");
    settle(&mut control);
    assert_eq!(over_unix(&socket).ask("PVD_GET_LIST"), "PVD_LIST");
}

/// A tenant may change his directory at any time: no link in it leads the socket out, and what is made there is his.
#[test]
fn in_a_tenants_directory_no_link_leads_out() {
    let held = "delegation = { listen = \"{dir}/red.ctl\", sockets = \"{dir}/red.d\", uid = 65534 }\n";
    let config = |pvdd: &str| format!("{}{held}pvdd = \"{{dir}}/red.d/{pvdd}\"\n", toml::namespace("red"));
    let daemon = Weftd::start_configured(&config("red.pvdd"));
    let directory = daemon.folder().join("red.d");
    assert_eq!(over_unix(&directory.join("red.pvdd")).ask("PVD_GET_LIST"), "PVD_LIST");
    let owner = fs::metadata(directory.join("red.pvdd")).expect("it is there").uid();
    assert!(owner == 65534 || owner == rustix::process::geteuid().as_raw());
    let outside = daemon.folder().join("outside");
    fs::create_dir(&outside).expect("it is ours");
    symlink(&outside, directory.join("away")).expect("it is ours");
    let text = config("away/red.pvdd").replace("{dir}", &daemon.folder().display().to_string());
    let file = daemon.folder().join("weft.toml");
    fs::write(&file, text).expect("it is ours");
    daemon.weft(&["config", "apply", &file.display().to_string()]).expect_ok();
    let warnings = daemon.json(&["status"])["warnings"].to_string();
    assert!(warnings.contains("the text socket (pvdd) of namespace red is not open"), "{warnings}");
    assert!(!outside.join("red.pvdd").exists());
}
