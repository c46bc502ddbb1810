// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! C1, C2, C3: clients of the control socket that send junk, stay, or never read.
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use super::scene::{Scene, VICTIM, bell};
use tests::frames::numbered;
use tests::frontend::Frontend;
use tests::guest::GuestOptions;
use tests::wait::{Deadline, PATIENCE, until};

/// Longest message that the daemon takes, bytes.
const MESSAGE_MAX: usize = 1 << 20;

fn client(scene: &Scene) -> UnixStream {
    let stream = UnixStream::connect(scene.daemon.port_path("ctl")).expect("the daemon listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a time limit");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket takes a time limit");
    stream
}

/// Sends bytes and reads one message, or nothing when the daemon hangs up.
fn converse(scene: &Scene, bytes: &[u8]) -> String {
    let mut stream = client(scene);
    // It may hang up before it has read everything.
    let _ = stream.write_all(bytes);
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while let Ok(1) = stream.read(&mut byte) {
        if byte[0] == 0 {
            break;
        }
        answer.push(byte[0]);
    }
    String::from_utf8(answer).expect("the daemon sends text")
}

/// C1: what is no call ends the connection, what is a wrong call is answered with an error.
#[test]
fn junk_is_answered_or_hung_up_on() {
    let mut scene = Scene::new();
    let deep = format!("{{\"method\":{}1{}}}\0", "[".repeat(10_000), "]".repeat(10_000));
    let junk: [&[u8]; 9] = [
        &[0; 100],
        &vec![b'x'; MESSAGE_MAX + 1],
        b"GET / HTTP/1.1\r\n\r\n\0",
        b"{}\0",
        b"[]\0",
        b"null\0",
        b"{\"method\": 7}\0",
        b"{\"method\": \"org.weft.Switch1.Status\", \"parameters\": {\xff\xfe}}\0",
        deep.as_bytes(),
    ];
    for bytes in junk {
        assert_eq!(converse(&scene, bytes), "", "{} bytes of junk are not answered", bytes.len());
        scene.traffic();
    }
    for (call, error) in [
        (r#"{"method": "org.weft.Switch1.Nonsense"}"#, "MethodNotFound"),
        (r#"{"method": "org.example.Other.Call"}"#, "InterfaceNotFound"),
        (r#"{"method": "Status"}"#, "InterfaceNotFound"),
        (r#"{"method": "org.weft.Switch1.PortDel", "parameters": []}"#, "InvalidParameter"),
        (r#"{"method": "org.weft.Switch1.PortDel", "parameters": {"name": 1e99}}"#, "InvalidParameter"),
        (r#"{"method": "org.weft.Switch1.Status", "parameters": {"x": null}}"#, "InvalidParameter"),
        (r#"{"method": "org.weft.Switch1.Status", "upgrade": true}"#, "InvalidParameter"),
    ] {
        let answer = converse(&scene, format!("{call}\0").as_bytes());
        assert!(answer.contains(error), "{call}: {answer}");
    }
    scene.check();
}

/// A call in pieces is a call; half of one, and a hang-up, is nothing.
#[test]
fn calls_in_pieces_are_understood() {
    let mut scene = Scene::new();
    let mut stream = client(&scene);
    for byte in b"{\"method\":\"org.weft.Switch1.Status\"}\0" {
        stream.write_all(&[*byte]).expect("the daemon reads");
    }
    let mut answer = [0; 8];
    stream.read_exact(&mut answer).expect("it is answered");
    drop(stream);
    client(&scene).write_all(b"{\"method\":").expect("the daemon reads");
    scene.check();
}

/// C2: idle connections do not keep an administrator out.
#[test]
fn a_hundred_idle_clients_keep_nobody_out() {
    let mut scene = Scene::new();
    let idle: Vec<UnixStream> = (0..100).map(|_| client(&scene)).collect();
    for _ in 0..10 {
        scene.daemon.json(&["status"]);
    }
    scene.traffic();
    drop(idle);
    scene.check();
}

#[test]
fn descriptors_passed_to_the_control_socket_are_closed() {
    let mut scene = Scene::new();
    let bells: Vec<_> = (0..250).map(|_| bell()).collect();
    let fds: Vec<_> = bells.iter().map(AsFd::as_fd).collect();
    for _ in 0..20 {
        let stream = Frontend::connect(&scene.daemon.port_path("ctl")).expect("the daemon listens");
        let _ = stream.send_raw(b"{\"method\":\"org.weft.Switch1.Status\"}\0", &fds);
    }
    scene.check();
}

/// C3: who asks for a lot and never reads is dropped, and holds nobody up until then.
#[test]
fn clients_that_never_read_are_dropped() {
    let mut scene = Scene::new();
    scene.daemon.weft(&["port", "set", VICTIM, "--macs", "any"]).expect_ok();
    let mut guest = scene.daemon.attach_as(VICTIM, GuestOptions::new(VICTIM, 3));
    for number in 0..4000_u16 {
        let [high, low] = number.to_be_bytes();
        let frame = numbered(scene.honest()[0].mac(), [2, 1, 0, 0, high, low], number.into(), 60);
        guest.send(&frame);
        scene.honest()[0].recv();
    }
    guest.drain(Deadline::patient());
    guest.hang_up();
    // Some addresses fell out again: the table is a hash table of fixed size.
    assert!(scene.daemon.json(&["status"])["counts"]["fdb_entries"].as_u64() > Some(3000));
    let call = b"{\"method\":\"org.weft.Switch1.FdbList\",\"more\":true}\0";
    let lazy: Vec<UnixStream> = (0..10)
        .map(|_| {
            let mut stream = client(&scene);
            stream.write_all(call).expect("the daemon reads");
            stream
        })
        .collect();
    for _ in 0..20 {
        scene.daemon.json(&["status"]);
        scene.traffic();
    }
    until("the lazy clients to be dropped", Deadline::patient(), || {
        scene.daemon.log().matches("does not read its replies").count() == lazy.len()
    });
    scene.daemon.weft(&["fdb", "flush"]).expect_ok();
    scene.check();
}

/// Calls without end by one client, none of whose answers it reads.
#[test]
fn a_flood_of_calls_is_taken_one_by_one() {
    let mut scene = Scene::new();
    let stream = Frontend::connect(&scene.daemon.port_path("ctl")).expect("the daemon listens");
    let calls = b"{\"method\":\"org.weft.Switch1.PortList\"}\0".repeat(1000);
    let deadline = Deadline::patient();
    while stream.try_send_raw(&calls).is_ok() {
        assert!(!deadline.passed(), "the daemon reads without end");
    }
    for _ in 0..10 {
        scene.daemon.json(&["status"]);
        scene.traffic();
    }
    drop(stream);
    scene.check();
}
