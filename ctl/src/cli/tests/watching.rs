// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft pvd watch`: what it prints, and how it goes on when something is lost.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::weft;
use crate::codec::{Call, Reply};
use crate::proto::v1::{PvdEvent, PvdListReply, PvdWatchReply};
use crate::testing::samples;
use crate::testing::server::Server;

fn reply<T: serde::Serialize>(value: &T) -> Reply {
    Reply::result(value).unwrap()
}

/// Tells the sample events, after `before` and as the last word.
fn telling(before: Vec<PvdWatchReply>) -> Server {
    Server::start(Box::new(move |_| {
        let told = before.iter().map(|one| reply(one).continued());
        told.chain([reply(&PvdWatchReply { missed: false, ..samples::news() })]).collect()
    }))
}

#[test]
fn events_are_told_with_what_changed_and_who_said_it() {
    let expected = "\
04:10:11Z  1000000042  new      corp.example.
    it took too long
    ~ prefix 2001:db8:1::/64 on-link -> on-link,autonomous (moved) by fe80::1%r1
    + source by fe80::1%r1
    + source by operator
04:10:11Z  1000000043  update   corp.example.
    ~ sequence 7 -> 8 by fe80::1%r1
    - rdnss 2001:db8:1::53 (expired) by fe80::1%r1
    and 2 more
04:10:11Z  1000000044  fetched  corp.example.
04:10:11Z  1000000045  failed   corp.example.
    the object has expired
";
    let server = telling(Vec::new());
    let ran = weft(&server, "pvd watch red --since 1000000041", false);
    assert_eq!((ran.code, ran.output.as_str(), ran.errors.as_str()), (0, expected, ""));
    let call: Vec<Call> = server.calls();
    assert_eq!((call[0].more, &call[0].parameters), (true, &Some(json!({"namespace": "red", "since": 1_000_000_041}))));
}

#[test]
fn in_json_each_event_is_a_document_and_the_beginning_another() {
    let begin = PvdWatchReply { events: Vec::new(), seq: 41, missed: false, ..samples::news() };
    let ran = weft(&telling(vec![begin]), "pvd watch --json", false);
    let lines: Vec<Value> = ran.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((ran.code, &lines[0]), (0, &json!({"kind": "begin", "seq": 41})));
    let events: Vec<PvdEvent> = lines[1..].iter().map(|line| serde_json::from_value(line.clone()).unwrap()).collect();
    assert_eq!(events, samples::news().events);
}

/// The server takes one connection at a time, so the list is asked for when the watch is over and the next begins.
#[test]
fn what_was_missed_is_listed_and_not_told_twice() {
    let connections = AtomicUsize::new(0);
    let server = Server::start_many(3, move |call| match call.method.rsplit('.').next().unwrap() {
        "PvdList" => vec![reply(&PvdListReply { seq: Some(1_000_000_042), interrupted: false, ..samples::pvds() })],
        _ if connections.fetch_add(1, Ordering::Relaxed) == 0 => Vec::new(),
        _ => vec![reply(&samples::news())],
    });
    let ran = weft(&server, "pvd watch red --since 7", false);
    assert_eq!((ran.code, ran.errors.as_str()), (0, "weftd is away: waiting for it\n"), "{}", ran.output);
    let expected = "\
events were missed; after number 1000000042 there is:
NAMESPACE  NAME           NUMBER  STATIC  ROUTERS  FACTS  PREFIXES             EXPIRES
red        corp.example.       5  yes           1      2  2001:db8:1::/64  29 min 50 s
red        fe80::1%r1          6  -             1      2  2001:db8:1::/64        never
04:10:11Z  1000000043  update   corp.example.
    ~ sequence 7 -> 8 by fe80::1%r1
    - rdnss 2001:db8:1::53 (expired) by fe80::1%r1
    and 2 more
04:10:11Z  1000000044  fetched  corp.example.
04:10:11Z  1000000045  failed   corp.example.
    the object has expired
";
    assert_eq!(ran.output, expected);
    let asked: Vec<Value> = server.calls().into_iter().map(|call| call.parameters.unwrap()).collect();
    let watch = json!({"namespace": "red", "since": 7});
    assert_eq!(asked, [watch.clone(), watch, json!({"namespace": "red"})]);
}

#[test]
fn a_weftd_that_stays_away_is_told_of() {
    let server = Server::start(Box::new(|_| Vec::new()));
    let ran = weft(&server, "-T 1 pvd watch red", false);
    assert_eq!(ran.code, 3, "{}", ran.errors);
}
