// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The server over a real socket, with raw varlink bytes. Each call is answered by its own method name.

use super::*;
use crate::config::Others;
use crate::ctl_server::access::Policy;
use crate::place::Place;
use event_manager::{EventManager, SubscriberOps};
use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// A server in a directory of its own, turned by hand.
struct World {
    directory: tempfile::TempDir,
    server: Rc<RefCell<Server>>,
    id: event_manager::SubscriberId,
    events: EventManager<Rc<RefCell<Server>>>,
}

impl World {
    fn new() -> World {
        let directory = tempfile::tempdir().unwrap();
        let gate = Gate::Operator(Policy::new("weft", Others::Read));
        let socket = Socket::bind(&Place::new(directory.path().join("ctl.sock"), None), &gate).unwrap();
        let server = Rc::new(RefCell::new(Server::new(socket, gate)));
        let mut events = EventManager::new().unwrap();
        let id = events.add_subscriber(Rc::clone(&server));
        World { directory, server, id, events }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("ctl.sock")
    }

    fn client(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        stream
    }

    /// Turns the loop once and answers all calls, each with `replies` replies that name its method, one by one.
    fn turn(&mut self, replies: usize) -> usize {
        self.events.run_with_timeout(20).unwrap();
        let mut answered = 0;
        while let Some(pending) = { self.server.borrow_mut().next_call() } {
            let reply = Reply::result(&serde_json::json!({ "method": pending.call.method })).unwrap();
            let told = 1 + pending.from.as_ref().map_or(0, told_at);
            let answer = match told < replies as u64 {
                true => Answer::Part(reply.continued(), place(told)),
                false => reply.into(),
            };
            let mut ops = self.events.event_ops(self.id).unwrap();
            self.server.borrow_mut().answer(&pending, answer, &mut ops);
            answered += usize::from(told == 1);
        }
        answered
    }

    /// Turns until `client` has received a whole message, or was closed (then `None`).
    fn receive(&mut self, client: &mut UnixStream) -> Option<String> {
        let mut bytes = Vec::new();
        for _ in 0..500 {
            self.turn(1);
            let mut byte = [0];
            loop {
                match client.read(&mut byte) {
                    Ok(0) => return None,
                    Ok(_) if byte[0] == 0 => return Some(String::from_utf8(bytes).unwrap()),
                    Ok(_) => bytes.push(byte[0]),
                    Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => break,
                    Err(_) => return None,
                }
            }
        }
        panic!("nothing came in time; so far {:?}", String::from_utf8_lossy(&bytes));
    }
}

fn told_at(mark: &Mark) -> u64 {
    if let Mark::Ras(_, told) = mark { *told } else { 0 }
}

/// A place in a list: so many were told.
fn place(told: u64) -> Mark {
    Mark::Ras("red".parse().unwrap(), told)
}

#[test]
fn test_calls_are_answered_in_order_also_when_they_come_in_one_piece() {
    let mut world = World::new();
    let mut client = world.client();
    client.write_all(b"{\"method\":\"a.A\"}\0{\"method\":\"a.B\"}\0{\"met").unwrap();
    assert_eq!(world.receive(&mut client).unwrap(), r#"{"parameters":{"method":"a.A"}}"#);
    assert_eq!(world.receive(&mut client).unwrap(), r#"{"parameters":{"method":"a.B"}}"#);
    client.write_all(b"hod\":\"a.C\"}\0").unwrap();
    assert_eq!(world.receive(&mut client).unwrap(), r#"{"parameters":{"method":"a.C"}}"#);
}

#[test]
fn test_a_oneway_call_gets_no_reply() {
    let mut world = World::new();
    let mut client = world.client();
    client.write_all(b"{\"method\":\"a.A\",\"oneway\":true}\0{\"method\":\"a.B\"}\0").unwrap();
    assert_eq!(world.receive(&mut client).unwrap(), r#"{"parameters":{"method":"a.B"}}"#);
}

#[test]
fn test_a_client_that_breaks_the_protocol_goes_and_the_others_stay() {
    let mut world = World::new();
    let mut good = world.client();
    for bad in [&b"hello\0"[..], b"[1]\0", b"{\"method\":1}\0", b"\xff\xfe\0", b"{}\0"] {
        let mut client = world.client();
        client.write_all(bad).unwrap();
        assert_eq!(world.receive(&mut client), None, "{bad:?}");
    }
    good.write_all(b"{\"method\":\"a.A\"}\0").unwrap();
    assert!(world.receive(&mut good).is_some());
    assert_eq!(world.server.borrow().clients(), 1);
}

#[test]
fn test_a_message_without_end_is_cut_off_at_the_limit() {
    let mut world = World::new();
    let mut client = world.client();
    client.set_nonblocking(true).unwrap();
    let chunk = vec![b' '; 64 << 10];
    let mut sent = 0;
    for _ in 0..10_000 {
        match client.write(&chunk) {
            Ok(n) => sent += n,
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => drop(world.turn(1)),
            Err(_) => break,
        }
    }
    assert!(sent < 3 * ctl::codec::MESSAGE_MAX, "{sent} bytes were taken");
    assert_eq!(world.server.borrow().clients(), 0);
}

/// A world whose places are all taken.
fn full() -> (World, Vec<UnixStream>) {
    let mut world = World::new();
    let clients: Vec<UnixStream> = (0..CLIENTS_MAX).map(|_| world.client()).collect();
    while world.server.borrow().clients() < CLIENTS_MAX {
        world.turn(1);
    }
    (world, clients)
}

#[test]
fn test_one_client_too_many_takes_the_place_of_the_one_that_was_silent_for_longest() {
    let (mut world, mut clients) = full();
    let call = b"{\"method\":\"a.A\"}\0";
    for client in &mut clients {
        client.write_all(call).unwrap();
        assert!(world.receive(client).is_some());
    }
    let mut more = world.client();
    more.write_all(call).unwrap();
    assert!(world.receive(&mut more).is_some());
    assert_eq!(world.server.borrow().clients(), CLIENTS_MAX);
    assert_eq!(world.receive(&mut clients[0]), None);
    clients[1].write_all(call).unwrap();
    assert!(world.receive(&mut clients[1]).is_some());
}

#[test]
fn test_one_client_too_many_is_turned_away_when_all_are_busy() {
    let (mut world, mut clients) = full();
    clients.iter_mut().for_each(|client| client.write_all(b"{\"method\":\"a.A\",\"more\":true}\0").unwrap());
    let mut busy = 0;
    while busy < CLIENTS_MAX {
        busy += world.turn(10_000_000);
    }
    let mut more = world.client();
    assert_eq!(world.receive(&mut more), None);
    clients.pop();
    while world.server.borrow().clients() == CLIENTS_MAX {
        world.turn(1);
    }
    let mut next = world.client();
    next.write_all(b"{\"method\":\"a.A\"}\0").unwrap();
    assert!(world.receive(&mut next).is_some());
}

#[test]
fn test_replies_are_made_as_they_are_read_and_a_client_that_reads_none_is_dropped() {
    let mut world = World::new();
    let mut client = world.client();
    client.write_all(b"{\"method\":\"a.A\",\"more\":true}\0").unwrap();
    let endless = 10_000_000;
    while world.turn(endless) == 0 {}
    let mut bytes = vec![0; 1 << 20];
    let first = client.read(&mut bytes).unwrap();
    assert!(bytes[..first].starts_with(br#"{"parameters":{"method":"a.A"},"continues":true}"#));
    // It does not read on: the socket fills, and the clock of the stall starts.
    world.turn(endless);
    let now = Instant::now();
    let drop_at = |world: &mut World, now| {
        let mut ops = world.events.event_ops(world.id).unwrap();
        world.server.borrow_mut().tick(now, &mut ops);
        world.server.borrow().clients()
    };
    assert_eq!(drop_at(&mut world, now), 1);
    assert_eq!(drop_at(&mut world, now + STALL_MAX + Duration::from_secs(1)), 0);
}

#[test]
fn test_a_client_that_takes_its_time_over_one_reply_is_dropped_too() {
    let mut world = World::new();
    let mut client = world.client();
    client.set_nonblocking(true).unwrap();
    // The reply is as long, and more than the socket holds at a time.
    let call = format!("{{\"method\":\"{}\"}}\0", "A".repeat(900 << 10)).into_bytes();
    let mut sent = 0;
    while world.turn(1) == 0 {
        sent += client.write(&call[sent..]).unwrap_or(0);
    }
    let since = Instant::now();
    let mut bytes = vec![0; 1 << 20];
    while client.read(&mut bytes).is_ok() {}
    world.turn(1);
    assert!(client.read(&mut bytes).is_ok(), "more of it was written");
    let mut ops = world.events.event_ops(world.id).unwrap();
    world.server.borrow_mut().tick(since + STALL_MAX + Duration::from_nanos(1), &mut ops);
    assert_eq!(world.server.borrow().clients(), 0);
}

/// Seats a client of this kind, as if it had connected, and returns its side.
fn seat(world: &mut World, access: Access) -> UnixStream {
    let (theirs, ours) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut ops = world.events.event_ops(world.id).unwrap();
    ops.add(Events::new_raw(ours.as_raw_fd(), EventSet::IN)).unwrap();
    world.server.borrow_mut().clients.insert(ours.as_raw_fd(), Client::new(ours.into(), access));
    theirs
}

#[test]
fn test_readers_cannot_keep_an_administrator_out() {
    let mut world = World::new();
    let mut readers: Vec<UnixStream> = (0..CLIENTS_MAX).map(|_| seat(&mut world, Access::Read)).collect();
    // They even keep the daemon busy.
    readers.iter_mut().for_each(|client| client.write_all(b"{\"method\":\"a.A\",\"more\":true}\0").unwrap());
    let mut busy = 0;
    while busy < CLIENTS_MAX {
        busy += world.turn(10_000_000);
    }
    let mut root = world.client();
    root.write_all(b"{\"method\":\"a.B\"}\0").unwrap();
    assert!(world.receive(&mut root).is_some());
    let ops = &mut world.events.event_ops(world.id).unwrap();
    let mut server = world.server.borrow_mut();
    assert_eq!(server.clients(), CLIENTS_MAX);
    assert!(!server.make_room(Access::Read, ops), "neither the administrator nor a reader that is served goes");
    assert!(server.make_room(Access::Administer, ops), "a reader goes");
}

#[test]
fn test_who_waits_for_something_to_happen_is_asked_again_then_and_gives_his_place_up_before() {
    let (mut world, mut clients) = full();
    clients.iter_mut().for_each(|client| client.write_all(b"{\"method\":\"a.Watch\",\"more\":true}\0").unwrap());
    let mut waiting = 0;
    while waiting < CLIENTS_MAX {
        world.events.run_with_timeout(20).unwrap();
        while let Some(pending) = { world.server.borrow_mut().next_call() } {
            let mut ops = world.events.event_ops(world.id).unwrap();
            world.server.borrow_mut().answer(&pending, Answer::Later(Mark::Events(7)), &mut ops);
            waiting += 1;
        }
    }
    let mut more = world.client();
    more.write_all(b"{\"method\":\"a.A\"}\0").unwrap();
    assert!(world.receive(&mut more).is_some());
    drop((more, clients.pop()));
    while world.server.borrow().clients() > CLIENTS_MAX - 2 {
        assert_eq!(world.turn(1), 0, "nobody is asked while nothing happens");
    }
    world.server.borrow_mut().wake_waiting();
    let again: Vec<_> = std::iter::from_fn(|| world.server.borrow_mut().next_call()).collect();
    assert_eq!(again.len(), CLIENTS_MAX - 2);
    assert!(again.iter().all(|pending| pending.from == Some(Mark::Events(7))));
}

#[test]
fn test_calls_of_administrators_come_first() {
    let mut world = World::new();
    let call = |method: &str| format!("{{\"method\":\"{method}\"}}\0").into_bytes();
    let mut clients = [Access::Read, Access::Read, Access::Administer].map(|access| (access, seat(&mut world, access)));
    for (access, client) in &mut clients {
        client.write_all(&call(if *access == Access::Read { "a.Look" } else { "a.Act" })).unwrap();
        world.events.run_with_timeout(1000).unwrap();
    }
    let mut server = world.server.borrow_mut();
    let order: Vec<String> = std::iter::from_fn(|| server.next_call()).map(|pending| pending.call.method).collect();
    assert_eq!(order, ["a.Act", "a.Look", "a.Look"]);
}

#[test]
fn test_a_socket_that_cannot_accept_is_left_alone_until_the_next_tick() {
    let mut world = World::new();
    let shortage = io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
    world.server.borrow_mut().pause(&shortage, &mut world.events.event_ops(world.id).unwrap());
    let mut client = world.client();
    client.write_all(b"{\"method\":\"a.A\"}\0").unwrap();
    assert_eq!(world.events.run_with_timeout(20).unwrap(), 0, "the loop does not spin");
    world.server.borrow_mut().tick(Instant::now(), &mut world.events.event_ops(world.id).unwrap());
    assert!(world.receive(&mut client).is_some());
}

#[test]
fn test_a_client_that_goes_takes_its_calls_along() {
    let mut world = World::new();
    let mut client = world.client();
    client.write_all(b"{\"method\":\"a.A\"}\0").unwrap();
    drop(client);
    while world.turn(3) == 0 {}
    while world.server.borrow().clients() > 0 {
        world.turn(1);
    }
}

#[test]
fn test_a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let world = World::new();
    let gate = Gate::Operator(Policy::new("weft", Others::Refuse));
    assert!(matches!(Socket::bind(&Place::new(world.path(), None), &gate), Err(socket::SocketError::Busy(_))));
    let stale = world.directory.path().join("deeper/stale.sock");
    std::fs::create_dir_all(stale.parent().unwrap()).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    let socket = Socket::bind(&Place::new(&stale, None), &gate).unwrap();
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&stale).unwrap().permissions().mode() & 0o777, 0o660);
    drop(socket);
    assert!(!stale.exists());
    std::fs::write(&stale, "").unwrap();
    assert!(matches!(Socket::bind(&Place::new(&stale, None), &gate), Err(socket::SocketError::NotSocket(_))));
}
