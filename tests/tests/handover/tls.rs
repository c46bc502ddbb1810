// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Moves over TLS: what is accepted, and what weftd or the other host's rules refuse.

use serde_json::{Value, json};
use tests::guest::ping;
use tests::wait::{Deadline, until};

use crate::peers::{NAMES, Peer};
use crate::scene::{MOVING, Scene, announce};

/// Where the guest will attach.
fn socket(scene: &Scene) -> String {
    scene.destination.port_path(MOVING.0).display().to_string()
}

#[test]
fn a_port_goes_to_a_host_that_only_a_weft_peer_leads_to() {
    let scene = Scene::new();
    let (mut here, guest) = (scene.source.attach("here", 1), scene.source.attach(MOVING.0, MOVING.1));
    let peer = Peer::start(&scene.destination, &[]);
    let prepare = || peer.prepare(&scene.source, &peer.guest(), &["--vhost-user", &socket(&scene)]);
    let told = prepare().expect_ok();
    assert!(told.starts_with("red:moving: staged"), "{told}");
    assert_eq!(scene.stands(), [json!("leaving"), json!("staged")]);
    peer.says("here.example: org.weft.Switch1.PortImport\n");
    assert!(prepare().expect_ok().starts_with("red:moving: staged"), "once more does no harm");
    guest.quit().expect("the switch answers");
    let mut guest = scene.destination.attach(MOVING.0, MOVING.1);
    announce(&mut guest);
    until("both know where the guest is", Deadline::patient(), || scene.stands() == [json!("moved"), Value::Null]);
    ping(&mut here, &mut guest, 1);
}

#[test]
fn a_uri_is_a_name_as_well_and_one_of_several_will_do() {
    let scene = Scene::new();
    let peer = Peer::start(&scene.destination, &["--allow", "spiffe://example/host1"]);
    let shown = peer.known_as(&["other.example", "spiffe://example/host1"], false);
    peer.prepare(&scene.source, &shown, &["--vhost-user", &socket(&scene)]).expect_ok();
    peer.says("spiffe://example/host1: org.weft.Switch1.PortImport\n");
}

#[test]
fn what_the_other_weftd_refuses_is_told_at_both_ends() {
    let scene = Scene::new();
    let peer = Peer::start(&scene.destination, &[]);
    let socket = socket(&scene);
    let refuse = |more: &[&str], code: i32, why: &str| {
        let refused = peer.prepare(&scene.source, &peer.guest(), more);
        assert_eq!((refused.status, refused.stdout.as_str()), (code, ""), "{}", refused.stderr);
        assert!(refused.stderr.contains(&format!("error: the weftd at tls:{}: ", peer.address)), "{}", refused.stderr);
        assert!(
            refused.stderr.contains(why) && refused.stderr.contains("nothing has changed here"),
            "{}",
            refused.stderr
        );
        peer.says(why);
        assert_eq!(scene.source.port(MOVING.0)["handover"], Value::Null);
    };
    refuse(&["--vhost-user", &socket, "--number", "1"], 5, "number \"1\" is in use");
    refuse(&["--vhost-user", &socket, "--namespace", "green"], 2, "namespace \"green\" not found");
    // What an operator there could say, and another host may not.
    refuse(&["--vhost-user", "/etc/weft.sock"], 1, "where that host has its sockets");
    refuse(&[], 1, "where that host has its sockets");
    let outside = format!("{}/../weft.sock", scene.destination.folder().display());
    refuse(&["--vhost-user", &outside], 1, "where that host has its sockets");
    refuse(&["--vhost-user", &socket, "--vf", "null"], 4, "to be started with --vf");
    let gone = Peer::start(&scene.source, &["--socket", "/does/not/exist"]);
    let refused = gone.prepare(&scene.source, &gone.guest(), &[]);
    assert!(refused.status == 65 && refused.stderr.contains("cannot reach weftd"), "{}", refused.stderr);
}

#[test]
fn what_cannot_be_a_channel_is_said_before_anybody_is_asked() {
    let scene = Scene::new();
    let peer = Peer::start(&scene.destination, &[]);
    let to = |to: &str| scene.source.weft(&["migrate", "prepare", MOVING.0, "--to", to]);
    for bad in ["tls:", "tls:host", "tls:host:", "tls::1", "tls:host:x"] {
        assert!(to(bad).status == 1 && to(bad).stderr.contains("expected tls:HOST:PORT"), "{}", to(bad).stderr);
    }
    let bare = to("tls:127.0.0.1:1");
    assert!(bare.status == 1 && bare.stderr.contains("--to tls:… needs --cert FILE"), "{}", bare.stderr);
    let shown = peer.guest();
    std::fs::write(shown.file("--cert"), "nothing").expect("it is ours");
    let no_certificate = peer.prepare(&scene.source, &shown, &[]);
    let text = &no_certificate.stderr;
    assert!(no_certificate.status == 3 && text.contains("there is no certificate in it"), "{text}");
    let other = Peer::start(&scene.destination, &[]);
    let (shown, mixed) = (peer.guest(), other.guest());
    std::fs::copy(mixed.file("--key"), shown.file("--key")).expect("they are ours");
    let text = peer.prepare(&scene.source, &shown, &[]).stderr;
    assert!(text.contains("no channel to tls:") && text.contains("keys may not be consistent"), "{text}");
    assert!(!peer.log().contains(NAMES[1]), "{}", peer.log());
}
