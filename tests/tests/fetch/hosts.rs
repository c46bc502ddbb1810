// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What hosts answer, and what of it is taken.
use serde_json::json;
use tests::https::{Authority, Manner, Server};

use crate::scene::{BODY, Helper, fetched_from};

const LABEL: &str = "Content-Type: application/pvd+json\r\n";

#[test]
fn what_a_good_host_has_comes_back_as_it_is() {
    let authority = Authority::new();
    let server = Server::start(&authority, &["a.example"], Manner::object(BODY));
    let mut helper = Helper::start(&authority, &[("a.example", &server)], &[]);
    for name in ["a.example", "A.Example", "a.example."] {
        assert_eq!(helper.fetch(name), json!({ "Ok": BODY }), "{name}");
    }
    assert_eq!(server.heard().len(), 3, "each fetch is one of its own");
}

#[test]
fn a_host_learns_nothing_about_who_asks() {
    let authority = Authority::new();
    let server = Server::start(&authority, &["a.example"], Manner::object(BODY));
    Helper::start(&authority, &[("a.example", &server)], &[]).fetch("a.example");
    let heard = server.heard().concat().to_lowercase();
    let (first, rest) = heard.split_once("\r\n").expect("a head has lines");
    assert_eq!(first, "get /.well-known/pvd http/1.1");
    let mut lines: Vec<_> = rest.split("\r\n").filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["accept: application/pvd+json", "host: a.example"]);
}

#[test]
fn a_refusal_or_another_label_is_no_object() {
    for (status, expected) in [("404 Not Found", 404), ("403 Forbidden", 403), ("500 Oops", 500), ("599 Odd", 599)] {
        assert_eq!(fetched_from(Manner::answer(status, LABEL, BODY)), json!({ "Err": { "refused": expected } }));
    }
    assert_eq!(fetched_from(Manner::answer("304 Not Modified", LABEL, "")), json!({ "Err": { "status": 304 } }));
    for label in ["", "Content-Type: application/json\r\n", "Content-Type: application/pvd+jsonx\r\n"] {
        assert_eq!(fetched_from(Manner::answer("200 OK", label, BODY)), json!({ "Err": "media-type" }), "{label}");
    }
    let label = "Content-Type: Application/PvD+JSON; charset=utf-8\r\n";
    assert_eq!(fetched_from(Manner::answer("203 OK", label, BODY)), json!({ "Ok": BODY }));
}

#[test]
fn what_is_too_long_or_no_text_is_not_taken() {
    let most = 64 << 10;
    assert_eq!(fetched_from(Manner::object(&"x".repeat(most))), json!({ "Ok": "x".repeat(most) }));
    assert_eq!(fetched_from(Manner::object(&"x".repeat(most + 1))), json!({ "Err": "too-long" }));
    let endless = format!("HTTP/1.1 200 OK\r\n{LABEL}\r\n{}", "x".repeat(1 << 20));
    assert_eq!(fetched_from(Manner::Say(endless.into_bytes())), json!({ "Err": "too-long" }), "without a length");
    let chunk =
        format!("HTTP/1.1 200 OK\r\n{LABEL}Transfer-Encoding: chunked\r\n\r\n{}", "8\r\nxxxxxxxx\r\n".repeat(9000));
    assert_eq!(fetched_from(Manner::Say(chunk.into_bytes())), json!({ "Err": "too-long" }), "in chunks");
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(64 << 10));
    assert_eq!(fetched_from(Manner::Say(head.into_bytes())), json!({ "Err": "http" }), "a long head");
    let octets = [format!("HTTP/1.1 200 OK\r\n{LABEL}Content-Length: 2\r\n\r\n").as_bytes(), b"\xff\xfe"].concat();
    assert_eq!(fetched_from(Manner::Say(octets)), json!({ "Err": "no-text" }));
    assert_eq!(fetched_from(Manner::Say(b"SSH-2.0-x\r\n".to_vec())), json!({ "Err": "http" }));
    let short = format!("HTTP/1.1 200 OK\r\n{LABEL}Content-Length: 99\r\n\r\n{{");
    assert_eq!(fetched_from(Manner::Say(short.into_bytes())), json!({ "Err": "http" }), "less than it says");
}

#[test]
fn nobody_waits_for_a_host_that_takes_its_time() {
    let head = format!("HTTP/1.1 200 OK\r\n{LABEL}");
    let slow = json!({ "Err": "slow" });
    assert_eq!(fetched_from(Manner::Stall(Vec::new())), slow, "nothing at all");
    assert_eq!(fetched_from(Manner::Stall(head.clone().into_bytes())), slow, "half a head");
    let body = format!("{head}Content-Length: 100\r\n\r\n{{").into_bytes();
    assert_eq!(fetched_from(Manner::Stall(body.clone())), slow, "half a body");
    let body = String::from_utf8(body).expect("it was made of text").replace("100", "60000").into_bytes();
    assert_eq!(fetched_from(Manner::Drip(body)), slow, "a body that goes on and on");
    assert_eq!(fetched_from(Manner::Drip(format!("{head}X: ").into_bytes())), slow, "a head that goes on and on");
}

#[test]
fn redirections_are_followed_over_https_a_few_times_and_to_public_addresses() {
    let authority = Authority::new();
    let good = Server::start(&authority, &["b.example"], Manner::object(BODY));
    let secret = Server::plain(Manner::object(BODY));
    let fetch = |to: &str, more: &[&str]| {
        let server = Server::start(&authority, &["a.example"], Manner::redirect(to));
        let servers = [("a.example", &server), ("b.example", &good), ("secret.example", &secret)];
        let result = Helper::start(&authority, &servers, more).fetch("a.example");
        (result, server.heard().len())
    };
    assert_eq!(fetch("https://b.example/pvd.json", &[]), (json!({ "Ok": BODY }), 1));
    assert!(good.heard()[0].starts_with("GET /pvd.json "), "{:?}", good.heard());
    assert_eq!(fetch("/there", &[]), (json!({ "Err": "redirected" }), 6), "round and round");
    let redirected = json!({ "Err": "redirected" });
    for to in ["http://b.example/", "http://secret.example/", "ftp://b.example/", "https://b.example:22/", "https://"] {
        assert_eq!(fetch(to, &[]).0, redirected, "{to}");
    }
    let secret = secret.address.port();
    let forbidden =
        ["https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://127.1/", "https://0x7f.1/"];
    for to in forbidden {
        let result = fetch(to, &[]).0;
        assert!(result == json!({ "Err": "forbidden" }) || result == json!({ "Err": "no-address" }), "{to}: {result}");
    }
    for to in [format!("http://127.0.0.1:{secret}/"), format!("https://127.0.0.1:{secret}/")] {
        assert_eq!(fetch(&to, &[]).0, redirected, "{to}");
    }
}
