// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who is not let in by a `weft-peer`, and what he may not do who is.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tests::wait::{Deadline, for_value};
use tests::weftd::binary;

use crate::peers::{NAMES, Peer, Shown};
use crate::scene::{MOVING, Scene};

#[test]
fn who_is_not_on_the_list_or_not_certified_is_told_so_and_changes_nothing() {
    let scene = Scene::new();
    let peer = Peer::start(&scene.destination, &[]);
    let socket = scene.destination.port_path(MOVING.0).display().to_string();
    let refuse = |shown: &Shown, more: &[&str], here: &str, there: &str| {
        let refused = peer.prepare(&scene.source, shown, &[&["--vhost-user", &socket], more].concat());
        assert_eq!((refused.status, refused.stdout.as_str()), (3, ""), "{}", refused.stderr);
        assert!(refused.stderr.starts_with("error: no channel to tls:127.0.0.1:"), "{}", refused.stderr);
        assert!(
            refused.stderr.contains(here) && refused.stderr.contains("nothing has changed here"),
            "{}",
            refused.stderr
        );
        peer.says(there);
    };
    let listed = "not on the list (--allow): its certificate is for";
    refuse(&peer.known_as(&["other.example"], false), &[], listed, "certificate is for other.example");
    refuse(&peer.known_as(&["*.a.example"], false), &[], listed, "certificate is for *.a.example");
    refuse(&peer.known_as(&[], false), &[], listed, "certificate is for no name");
    let authority = "of no authority that is believed";
    refuse(&peer.of_another(), &[], authority, authority);
    refuse(&peer.known_as(&NAMES[1..], true), &[], "has expired", "certificate expired");
    refuse(&peer.suspicious(), &[], authority, "the other side refuses");
    refuse(&peer.guest(), &["--peer", "else.example"], "not valid for name", "the other side refuses");
    assert_eq!(scene.source.port(MOVING.0)["handover"], Value::Null);
    assert_eq!(scene.destination.refusal(&["port", "show", MOVING.0])["exit_code"], json!(2));
    let log = scene.destination.log();
    assert!(!log.contains("another weftd"), "{log}");
}

/// A client of TLS that shows these, if anything.
fn client(peer: &Peer, shown: Option<&Shown>, protocol: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(peer.authority.pem().as_bytes()).expect("a certificate");
    roots.add(authority).expect("it is good");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("the provider knows them").with_root_certificates(roots);
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some(shown) => {
            let certificate = CertificateDer::from_pem_file(shown.file("--cert")).expect("a certificate");
            let key = PrivateKeyDer::from_pem_file(shown.file("--key")).expect("a key");
            builder.with_client_auth_cert(vec![certificate], key).expect("they belong together")
        }
    };
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let name = ServerName::try_from(NAMES[0]).expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a good configuration");
    StreamOwned::new(connection, TcpStream::connect(peer.address).expect("it listens"))
}

/// Everything that the other side says until it closes, or why nothing more could be heard.
fn heard(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    let ended = stream.read_to_end(&mut text).err().map(|why| why.to_string()).unwrap_or_default();
    format!("{}{ended}", String::from_utf8_lossy(&text))
}

#[test]
fn who_shows_nothing_or_speaks_something_else_is_turned_away_at_once() {
    let scene = Scene::new();
    let peer = Peer::start(&scene.destination, &[]);
    let mut nobody = client(&peer, None, "weft-peer/1");
    let said = heard(&mut nobody);
    assert!(said.contains("CertificateRequired"), "{said}");
    peer.says("it showed no certificate");
    let mut newer = client(&peer, Some(&peer.guest()), "weft-peer/2");
    let said = heard(&mut newer);
    assert!(said.contains("NoApplicationProtocol"), "{said}");
    peer.says("one of another version");
    for garbage in ["GET / HTTP/1.1\r\n\r\n", "{\"method\":\"org.weft.Switch1.PortList\"}\0", "SSH-2.0-x\r\n"] {
        let mut plain = TcpStream::connect(peer.address).expect("it listens");
        plain.write_all(garbage.as_bytes()).expect("it reads");
        assert!(!heard(&mut plain).contains("port"), "an alert at most");
    }
    peer.says("what it says is no TLS");
    let socket = scene.destination.port_path(MOVING.0).display().to_string();
    peer.prepare(&scene.source, &peer.guest(), &["--vhost-user", &socket]).expect_ok();
}

#[test]
fn who_says_nothing_or_little_is_given_up_and_keeps_nobody_out() {
    let scene = Scene::new();
    let peer = Peer::start(&scene.destination, &["--timeout", "2"]);
    let silent: Vec<_> = (0..40).map(|_| TcpStream::connect(peer.address).expect("it listens")).collect();
    let socket = scene.destination.port_path(MOVING.0).display().to_string();
    peer.prepare(&scene.source, &peer.guest(), &["--vhost-user", &socket]).expect_ok();
    for mut stranger in silent {
        assert_eq!(heard(&mut stranger), "");
    }
    peer.says("it did not speak in time");
    // It drips, and would go on for hours.
    let mut dripping = client(&peer, Some(&peer.guest()), "weft-peer/1");
    let ended = for_value("the end of it", Deadline::patient(), || dripping.write_all(b" ").err());
    drop(ended);
    peer.says("here.example: it did not speak in time");
}

#[test]
fn who_listens_to_strangers_has_given_up_all_that_it_does_not_need() {
    let scene = Scene::new();
    let peer = Peer::start(&scene.destination, &[]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", peer.pid())).expect("it runs");
    let said: BTreeMap<&str, &str> = status.lines().filter_map(|line| line.split_once(":\t")).collect();
    assert_eq!(said.get("NoNewPrivs"), Some(&"1"));
    for key in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(said.get(key), Some(&"0000000000000000"), "{key}");
    }
    let bounds = std::fs::read_to_string(format!("/proc/{}/limits", peer.pid())).expect("it runs");
    let open = bounds.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    assert_eq!(open.split_whitespace().nth(4), Some("128"), "{bounds}");
}

/// A `weft-peer connect`, as `weft` starts it, in other hands.
struct Connected {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Connected {
    fn new(peer: &Peer) -> Connected {
        let mut command = Command::new(binary("weft-peer"));
        command.args(["connect", &peer.address.to_string(), "--name", NAMES[0]]).args(peer.guest().options());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it can be started");
        let input = child.stdin.take().expect("it was asked for");
        let output = BufReader::new(child.stdout.take().expect("it was asked for"));
        Connected { child, input, output }
    }

    fn call(&mut self, text: &str) -> Value {
        self.input.write_all(text.as_bytes()).and_then(|()| self.input.write_all(&[0])).expect("it reads");
        self.input.flush().expect("it reads");
        let mut reply = Vec::new();
        self.output.read_until(0, &mut reply).expect("it answers");
        serde_json::from_slice(reply.strip_suffix(&[0]).unwrap_or_default()).unwrap_or_default()
    }

    /// What it says when it is done.
    fn complaint(mut self) -> String {
        drop(self.input);
        let mut text = String::new();
        self.child.stderr.take().expect("it was asked for").read_to_string(&mut text).expect("it is text");
        self.child.wait().expect("it ends");
        text
    }
}

#[test]
fn who_is_let_in_may_hand_ports_over_and_nothing_else() {
    let scene = Scene::new();
    let peer = Peer::start(&scene.destination, &[]);
    let mut guest = Connected::new(&peer);
    let before = scene.destination.weft(&["config", "show", "--running"]).expect_ok();
    for method in
        ["PortList", "PortDel", "PortAdd", "PortExport", "ConfigShow", "ConfigApply", "NamespaceDel", "Status"]
    {
        let call = json!({ "method": format!("org.weft.Switch1.{method}"), "parameters": { "name": "there" } });
        let reply = guest.call(&call.to_string());
        assert_eq!(reply["error"], "org.weft.Switch1.Denied", "{reply}");
        peer.says(&format!("here.example: org.weft.Switch1.{method}: refused: "));
    }
    let reply = guest.call("{\"method\":\"org.varlink.service.GetInfo\"}");
    assert_eq!(reply["error"], "org.weft.Switch1.Denied");
    let import = json!({ "method": "org.weft.Switch1.PortImport", "parameters": { "text": "", "extra": 1 } });
    assert_eq!(guest.call(&import.to_string())["error"], "org.varlink.service.InvalidParameter");
    let import = json!({ "method": "org.weft.Switch1.PortImport", "parameters": { "text": "" }, "oneway": true });
    assert_eq!(guest.call(&import.to_string())["error"], "org.varlink.service.InvalidParameter");
    let import = json!({ "method": "org.weft.Switch1.PortImport", "parameters": { "text": "nonsense" } });
    assert_eq!(guest.call(&import.to_string())["error"], "org.weft.Switch1.Invalid");
    let text = json!({ "move": { "spec": { "path": scene.destination.port_path(MOVING.0) } } }).to_string();
    let import = json!({ "method": "org.weft.Switch1.PortImport", "parameters": { "text": text } });
    let reply = guest.call(&import.to_string());
    assert!(reply.to_string().contains("missing field `version`"), "weftd's own answer: {reply}");
    assert_eq!(guest.complaint(), "");
    assert_eq!(scene.destination.weft(&["config", "show", "--running"]).expect_ok(), before);
}

#[test]
fn who_is_let_in_and_talks_nonsense_is_told_so_and_has_to_go() {
    let scene = Scene::new();
    let peer = Peer::start(&scene.destination, &[]);
    let nonsense = |text: &str, why: &str| {
        let mut guest = Connected::new(&peer);
        let reply = guest.call(text);
        let message = reply["parameters"]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("weft-peer there: ") && message.contains(why), "{reply}");
        assert_eq!(guest.call("{}"), Value::Null, "it is gone");
        peer.says(why);
    };
    nonsense("nonsense", "message is not a varlink message");
    nonsense("[]", "message is not a varlink message");
    nonsense("\u{1b}[31m", "message is not a varlink message");
    nonsense(&"{\"parameters\":".repeat(1000), "nests deeper");
    // The helper that weft starts would not even pass it on.
    let mut client = client(&peer, Some(&peer.guest()), "weft-peer/1");
    let long = vec![b'x'; (1 << 20) + 100];
    client.write_all(&long).and_then(|()| client.flush()).expect("it reads as much");
    let said = heard(&mut client);
    assert!(said.starts_with("welcome\n") && said.contains("message is longer than 1048576 bytes"), "{said}");
    peer.says("message is longer than 1048576 bytes");
    assert!(!peer.log().contains('\u{1b}'));
}
