// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who waits until a guest has moved: what is said to the one weftd is told to the other.

use serde_json::{Value, json};

use super::{Ran, weft};
use crate::codec::{Call, Reply};
use crate::proto::Method;
use crate::proto::v1::{Departure, Error, MoveTell, MoveWatch, MoveWatchReply, PortLeave};
use crate::testing::server::{Server, sample};

/// A source that says these one after the other.
fn source(words: &'static [Departure]) -> Server {
    Server::start(Box::new(move |call: &Call| {
        if call.method != MoveWatch::NAME {
            return vec![sample(call)];
        }
        assert!(call.more);
        let last = words.len() - 1;
        let said = words.iter().map(|guest| Reply::result(&MoveWatchReply { guest: *guest }).unwrap());
        said.enumerate().map(|(at, reply)| if at == last { reply } else { reply.continued() }).collect()
    }))
}

fn prepare(here: &Server, there: &Server) -> Ran {
    weft(here, &format!("migrate prepare vm1 --wait --to {}", there.path().display()), false)
}

/// What a destination was told of the guest.
fn told(there: Server) -> Vec<Value> {
    let calls = there.calls().into_iter().filter(|call| call.method == MoveTell::NAME);
    let id = "1764000000123-00000000000000ab";
    calls
        .map(|call| {
            let word = call.parameters.unwrap();
            assert_eq!(word["id"], id);
            word["guest"].clone()
        })
        .collect()
}

#[test]
fn every_word_of_the_source_is_told_until_the_guest_is_gone() {
    let words = &[Departure::Runs, Departure::Stopped, Departure::Runs, Departure::Stopped, Departure::Gone];
    let (here, there) = (source(words), Server::with_samples());
    let ran = prepare(&here, &there);
    assert_eq!((ran.code, ran.errors.as_str()), (0, ""));
    assert!(ran.output.starts_with("red:vm1: ") && ran.output.ends_with("\nvm1: its guest has moved\n"), "{ran:?}");
    assert_eq!(told(there), ["runs", "stopped", "runs", "stopped"]);
    assert_eq!(here.calls()[2].parameters, Some(json!({"name": "vm1", "id": "1764000000123-00000000000000ab"})));
}

#[test]
fn a_port_that_stays_is_given_up_there_and_the_exit_code_says_so() {
    let (here, there) = (source(&[Departure::Stopped, Departure::Stays]), Server::with_samples());
    let ran = prepare(&here, &there);
    assert_eq!((ran.code, ran.errors.as_str()), (2, ""));
    assert!(ran.output.ends_with("\nvm1: stays; the other weftd has given up its port\n"), "{ran:?}");
    assert_eq!(told(there), ["stopped", "stays"]);
}

#[test]
fn a_channel_that_breaks_is_opened_anew_with_the_word_that_it_has_lost() {
    let broken = std::sync::atomic::AtomicBool::new(false);
    let there = Server::start_many(2, move |call| {
        let breaks = call.method == MoveTell::NAME && !broken.swap(true, std::sync::atomic::Ordering::Relaxed);
        if breaks { Vec::new() } else { vec![sample(call)] }
    });
    let ran = prepare(&source(&[Departure::Stopped, Departure::Gone]), &there);
    assert_eq!((ran.code, ran.errors.as_str()), (0, ""));
    assert_eq!(told(there), ["stopped", "stopped"]);
}

#[test]
fn a_destination_that_refuses_is_told_on_and_that_is_noted_once() {
    let why = Error::Invalid { field: "id".to_owned(), value: "1".to_owned(), expected: "another".to_owned() };
    let refusing =
        move |call: &Call| vec![if call.method == MoveTell::NAME { Reply::error(&why) } else { sample(call) }];
    let there = Server::start(Box::new(refusing));
    let ran = prepare(&source(&[Departure::Runs, Departure::Stopped, Departure::Stays]), &there);
    assert_eq!(ran.code, 2, "it has no such port, as was wanted");
    assert_eq!(ran.errors.matches("it is told again").count(), 1, "{}", ran.errors);
    assert_eq!(told(there), ["runs", "stopped", "stays"]);
}

#[test]
fn a_source_that_does_not_let_a_port_go_has_nothing_staged_for_it() {
    let refusing = |call: &Call| {
        let why = Error::NotFound { kind: "port".to_owned(), name: "vm1".to_owned() };
        vec![if call.method == PortLeave::NAME { Reply::error(&why) } else { sample(call) }]
    };
    let there = Server::with_samples();
    let ran = prepare(&Server::start(Box::new(refusing)), &there);
    assert_eq!((ran.code, ran.output.as_str()), (2, ""));
    assert_eq!(told(there), ["stays"]);
}

#[test]
fn a_move_is_cancelled_at_both_ends() {
    let cancel = |here: &Server, to: &str| weft(here, &format!("migrate cancel vm1 --to {to}"), false);
    let (here, there) = (Server::with_samples(), Server::with_samples());
    let ran = cancel(&here, &there.path().display().to_string());
    assert_eq!((ran.code, ran.output.as_str()), (0, "vm1: stays; the other weftd has given up its port\n"));
    assert_eq!(told(there), ["stays"]);
    let ran = cancel(&Server::with_samples(), "/nonexistent/ctl.sock");
    assert_eq!((ran.code, ran.output.as_str()), (3, ""));
    let why = "error: the port stays here, and its move is cancelled; it is staged still: the weftd at /nonexistent/ctl.sock: ";
    assert!(ran.errors.starts_with(why) && ran.errors.contains("hint: `weft port del` there"), "{}", ran.errors);
}
