// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whom the helper connects to, and whose certificates it believes.
use serde_json::json;
use std::net::TcpListener;
use tests::https::{Authority, Manner, Server};

use crate::scene::{BODY, Helper};

#[test]
fn a_certificate_must_be_for_the_very_name_and_of_somebody_who_is_believed() {
    let (authority, other) = (Authority::new(), Authority::new());
    let from = |server: &Server| Helper::start(&authority, &[("a.example", server)], &[]).fetch("a.example");
    let tls = json!({ "Err": "tls" });
    for names in [&["b.example"][..], &["*.example"], &["example"], &["a.example.org", "b.a.example"], &["127.0.0.1"]] {
        let server = Server::start(&authority, names, Manner::object(BODY));
        assert_eq!((from(&server), server.heard().len()), (tls.clone(), 0), "{names:?}");
    }
    let several = Server::start(&authority, &["*.example", "b.example", "A.example"], Manner::object(BODY));
    assert_eq!(from(&several), json!({ "Ok": BODY }));
    let stranger = Server::start(&other, &["a.example"], Manner::object(BODY));
    assert_eq!((from(&stranger), stranger.heard().len()), (tls.clone(), 0));
    for text in ["HTTP/1.1 200 OK\r\n\r\n{}", "220 mail.example ESMTP\r\n", "\x15\x03\x01\x00\x02\x02\x28"] {
        assert_eq!(from(&Server::blunt(text)), tls, "{text:?}");
    }
}

#[test]
fn an_address_that_is_not_public_is_refused_before_anybody_connects() {
    let authority = Authority::new();
    let server = Server::start(&authority, &["a.example"], Manner::object(BODY));
    let servers = [("a.example", &server)];
    for more in [&[][..], &["--allow", "10.0.0.0/8"], &["--allow", "::/0"]] {
        assert_eq!(Helper::strict(&authority, &servers, more).fetch("a.example"), json!({ "Err": "forbidden" }));
    }
    assert!(server.heard().is_empty());
    let allowed = Helper::strict(&authority, &servers, &["--allow", "127.0.0.1/32"]).fetch("a.example");
    assert_eq!(allowed, json!({ "Ok": BODY }));
    let addresses = ["10.0.0.1:443", "169.254.169.254:80", "[::1]:443", "[fd00::1]:443", "[fe80::1]:443"];
    let mapped =
        ["[::ffff:127.0.0.1]:443", "[64:ff9b::7f00:1]:443", "[2002:7f00:1::]:443", "[ff02::1]:443", "0.0.0.0:1"];
    for address in addresses.into_iter().chain(mapped) {
        let resolve = format!("b.example={address}");
        let result = Helper::strict(&authority, &[], &["--resolve", &resolve]).fetch("b.example");
        assert_eq!(result, json!({ "Err": "forbidden" }), "{address}");
    }
}

#[test]
fn a_name_that_is_none_of_a_host_is_not_even_looked_up() {
    let authority = Authority::new();
    let mut helper = Helper::start(&authority, &[], &[]);
    for name in
        ["", ".", "127.0.0.1", "a/b.example", "a@b.example", "a b.example", "a:443", "a..b", "\\000.example", "[::1]"]
    {
        assert_eq!(helper.fetch(name), json!({ "Err": "no-host" }), "{name}");
    }
}

#[test]
fn nobody_at_home_and_somebody_who_never_speaks_are_told_apart() {
    let authority = Authority::new();
    let listen = || TcpListener::bind("127.0.0.1:0").expect("there is a port left");
    let place = |name: &str, listener: &TcpListener| format!("{name}={}", listener.local_addr().expect("it listens"));
    let closed = place("a.example", &listen());
    // The kernel accepts connections for it.
    let listener = listen();
    let mute = place("b.example", &listener);
    let mut helper = Helper::start(&authority, &[], &["--resolve", &closed, "--resolve", &mute, "--timeout", "1"]);
    assert_eq!(helper.fetch("a.example"), json!({ "Err": "unreachable" }));
    assert_eq!(helper.fetch("b.example"), json!({ "Err": "slow" }));
}
