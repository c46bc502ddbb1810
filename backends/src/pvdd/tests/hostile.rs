// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Clients that do not read, do not stop or do not go, at a real socket in a real loop.

use super::Fake;
use crate::config::Others;
use crate::ctl_server::access::{Gate, Policy};
use crate::pvdd::{CLIENTS_MAX, Listener, MESSAGE_MAX, STALL_MAX, TextServer};
use event_manager::{EventManager, EventOps, Events, MutEventSubscriber, SubscriberId, SubscriberOps};
use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};
use switch::TextSocket;

/// The loop wants to own what the test looks at.
struct Shared(Rc<RefCell<TextServer>>);

impl MutEventSubscriber for Shared {
    fn process(&mut self, events: Events, ops: &mut EventOps<'_>) {
        self.0.borrow_mut().process(events, ops);
    }

    fn init(&mut self, ops: &mut EventOps<'_>) {
        self.0.borrow_mut().init(ops);
    }
}

struct Bed {
    events: EventManager<Shared>,
    id: SubscriberId,
    server: Rc<RefCell<TextServer>>,
    desk: Fake,
    folder: tempfile::TempDir,
}

impl Bed {
    fn new(desk: Fake) -> Bed {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::Operator(Policy::new("root", Others::Read));
        let path = folder.path().join("red.pvdd").to_str().unwrap().to_owned();
        let listener = Listener::open(&TextSocket::Unix(path), None, &gate).unwrap();
        let server = Rc::new(RefCell::new(TextServer::new(listener, vec![gate])));
        let mut events = EventManager::new().unwrap();
        let id = events.add_subscriber(Shared(Rc::clone(&server)));
        Bed { events, id, server, desk, folder }
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.folder.path().join("red.pvdd")).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    }

    /// As long as there is something to do.
    fn run(&mut self) {
        for _ in 0..10_000 {
            let dispatched = self.events.run_with_timeout(0).unwrap();
            let mut ops = self.events.event_ops(self.id).unwrap();
            let more = self.server.borrow_mut().turn(&mut self.desk);
            self.server.borrow_mut().settle(&mut ops);
            if dispatched == 0 && !more {
                return;
            }
        }
        panic!("it never rests");
    }
}

/// What has come, and whether the other side is still there.
fn drain(stream: &mut UnixStream) -> (String, bool) {
    let mut heard = Vec::new();
    let open = stream.read_to_end(&mut heard).is_err_and(|why| why.kind() == ErrorKind::WouldBlock);
    (String::from_utf8(heard).unwrap(), open)
}

#[test]
fn who_does_not_read_is_dropped_and_disturbs_nobody() {
    let names: Vec<String> = (0..2000).map(|i| format!("pvd{i:04}.example.")).collect();
    let mut bed = Bed::new(Fake::with(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    let (mut deaf, mut other) = (bed.connect(), bed.connect());
    while deaf.write(&b"PVD_GET_ATTRIBUTES *\nPVD_GET_LIST\n".repeat(100)).is_ok() {
        bed.run();
    }
    other.write_all(b"PVD_GET_ATTRIBUTE pvd0007.example hFlag\n").unwrap();
    bed.run();
    assert!(drain(&mut other).0.contains("PVD_ATTRIBUTE pvd0007.example. hFlag\n0\n"));
    let mut ops = bed.events.event_ops(bed.id).unwrap();
    bed.server.borrow_mut().tick(Instant::now(), &mut ops);
    bed.server.borrow_mut().tick(Instant::now() + STALL_MAX + Duration::from_secs(1), &mut ops);
    assert!(!drain(&mut deaf).1, "dropped");
    assert!(drain(&mut other).1);
}

#[test]
fn a_line_without_end_is_answered_and_costs_a_bounded_amount() {
    let mut bed = Bed::new(Fake::default());
    let mut client = bed.connect();
    let (chunk, mut sent) = ([b'x'; 4096], 0);
    while sent < 20 * MESSAGE_MAX {
        sent += client.write(&chunk).unwrap_or(0);
        bed.run();
    }
    client.write_all(b"\nPVD_GET_LIST\n").unwrap();
    bed.run();
    let (heard, open) = drain(&mut client);
    assert!(heard.starts_with("PVD_ERROR invalid message: ") && heard.ends_with("\nPVD_LIST\n") && open, "{heard}");
}

#[test]
fn one_too_many_is_told_so_and_a_place_becomes_free_again() {
    let mut bed = Bed::new(Fake::default());
    let mut clients: Vec<_> = (0..CLIENTS_MAX).map(|_| bed.connect()).collect();
    clients.iter_mut().for_each(|client| client.write_all(b"PVD_SUBSCRIBE_NOTIFICATIONS\n").unwrap());
    bed.run();
    let mut more = bed.connect();
    bed.run();
    let (heard, open) = drain(&mut more);
    assert!(heard.starts_with("PVD_ERROR limit connection: ") && !open);
    clients.pop();
    bed.run();
    let mut next = bed.connect();
    next.write_all(b"PVD_GET_LIST\n").unwrap();
    bed.run();
    assert_eq!(drain(&mut next).0, "PVD_LIST\n");
}

#[test]
fn connections_that_are_merely_held_keep_nobody_out() {
    let mut bed = Bed::new(Fake::default());
    let mut held: Vec<_> = (0..CLIENTS_MAX).map(|_| bed.connect()).collect();
    held[3].write_all(b"PVD_SUBSCRIBE *\n").unwrap();
    bed.run();
    for _ in 0..2 * CLIENTS_MAX {
        let mut client = bed.connect();
        client.write_all(b"PVD_GET_LIST\n").unwrap();
        bed.run();
        assert_eq!(drain(&mut client), ("PVD_LIST\n".to_owned(), true));
    }
    assert_eq!(drain(&mut held[3]), (String::new(), true), "who waits for something stays");
    assert!(!drain(&mut held[0]).1);
}

#[test]
fn one_who_closes_its_side_hears_the_answers_first() {
    let mut bed = Bed::new(Fake::with(&["a.example."]));
    let mut client = bed.connect();
    client.write_all(b"PVD_GET_LIST\nPVD_GET_LIST\n").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    bed.run();
    assert_eq!(drain(&mut client), ("PVD_LIST a.example.\nPVD_LIST a.example.\n".to_owned(), false));
}

#[test]
fn many_clients_are_told_the_same_news() {
    let mut bed = Bed::new(Fake::default());
    let mut clients: Vec<_> = (0..CLIENTS_MAX).map(|_| bed.connect()).collect();
    clients.iter_mut().for_each(|client| client.write_all(b"PVD_SUBSCRIBE_NOTIFICATIONS\n").unwrap());
    bed.run();
    bed.desk.put("a.example.", serde_json::json!({}));
    assert!(bed.server.borrow().is_due(crate::pvdd::Desk::last_event(&bed.desk)));
    bed.run();
    for client in &mut clients {
        assert_eq!(drain(client).0, "PVD_NEW_PVD a.example.\nPVD_LIST a.example.\n");
    }
    assert!(!bed.server.borrow().is_due(crate::pvdd::Desk::last_event(&bed.desk)));
}
