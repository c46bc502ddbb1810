// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A flood of control requests while weftd is killed under traffic, again and again: frames come again as if nobody had asked, and
//! what was answered as done is done in whichever weftd comes next.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use ctl::client::{Client, ClientError};
use ctl::proto::v1::{FdbList, NamespaceAdd, NamespaceDel, PortList, Status};
use tests::guest::Side;
use tests::seed::Rng;
use tests::wait::{Deadline, PATIENCE, until};
use tests::weftd::Weftd;

use crate::kill::daemon;
use crate::talker::Talker;

const KILLS: usize = 10;
/// Clients that only look, and those that also change something.
const READERS: usize = 4;
const WRITERS: usize = 4;
/// Namespaces that one of those makes and deletes in turn.
const NAMESPACES: u64 = 5;
/// Calls that have to be answered between two kills.
const ANSWERS: usize = 50;

/// Whether a namespace is there, as far as is known: a call that was not answered may have been carried out.
type Known = BTreeMap<String, Option<bool>>;

/// What all clients share.
struct Flood {
    socket: PathBuf,
    answered: AtomicUsize,
    is_over: AtomicBool,
}

impl Flood {
    fn of(daemon: &Weftd) -> Flood {
        let socket = daemon.folder().join("ctl.sock");
        Flood { socket, answered: AtomicUsize::new(0), is_over: AtomicBool::new(false) }
    }

    /// Asks with whatever weftd is there, until the flood is over. `ask` says whether it was answered.
    fn run(&self, mut ask: impl FnMut(&mut Client) -> bool) {
        while !self.is_over.load(Ordering::Relaxed) {
            // Nobody is there between a kill and the next start.
            let Ok(mut client) = connect(&self.socket) else {
                thread::yield_now();
                continue;
            };
            while !self.is_over.load(Ordering::Relaxed) && ask(&mut client) {
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn read(&self) {
        let mut turn = 0;
        self.run(|client| {
            turn += 1;
            match turn % 3 {
                0 => client.call(&PortList::default()).is_ok(),
                1 => client.call(&FdbList::default()).is_ok(),
                _ => client.call(&Status {}).is_ok(),
            }
        });
    }

    /// Returns what is to be there.
    fn write(&self, writer: usize) -> Known {
        let (mut known, mut turn) = (Known::new(), 0);
        self.run(|client| {
            let name = format!("w{writer}-{}", turn % NAMESPACES);
            let adds = (turn / NAMESPACES).is_multiple_of(2);
            turn += 1;
            let done = if adds { add(client, &name) } else { del(client, &name) };
            known.insert(name, done.as_ref().ok().map(|()| adds));
            if let Err(ClientError::Remote(refused)) = &done {
                panic!("{refused:?}");
            }
            done.is_ok()
        });
        known
    }

    /// Waits until the weftd that runs now has answered so many more.
    fn await_answers(&self, count: usize) {
        let before = self.answered.load(Ordering::Relaxed);
        until("calls to be answered", Deadline::patient(), || self.answered.load(Ordering::Relaxed) >= before + count);
    }
}

fn connect(socket: &Path) -> Result<Client, ClientError> {
    Client::connect(socket, PATIENCE)
}

/// Whether it is there or not: an answer to an earlier call may be what was lost.
fn add(client: &mut Client, name: &str) -> Result<(), ClientError> {
    client.call(&NamespaceAdd { name: name.to_owned(), may_exist: true, ..NamespaceAdd::default() }).map(drop)
}

fn del(client: &mut Client, name: &str) -> Result<(), ClientError> {
    client.call(&NamespaceDel { name: name.to_owned(), if_exists: true, ..NamespaceDel::default() }).map(drop)
}

/// Kills weftd `KILLS` times while guests talk.
fn kill_under(flood: &Flood, daemon: &mut Weftd, talkers: &mut [Talker; 2], rng: &mut Rng) {
    for _ in 0..KILLS {
        let [one, two] = &mut *talkers;
        one.resume(two, rng);
        two.resume(one, rng);
        flood.await_answers(ANSWERS);
        for _ in 0..rng.between(1, 50) {
            for talker in &mut *talkers {
                talker.send(rng, 64);
                talker.receive();
            }
        }
        daemon.kill_9();
        talkers.iter_mut().for_each(|talker| talker.send(rng, 30));
        daemon.restart();
        talkers.iter_mut().for_each(|talker| talker.guest.reconnect(Deadline::patient()));
    }
    let [one, two] = &mut *talkers;
    one.resume(two, rng);
    two.resume(one, rng);
    flood.await_answers(ANSWERS);
}

#[test]
fn kills_under_a_flood_of_requests_lose_nothing_that_was_answered() {
    let (mut rng, mut daemon) = (Rng::from_env(9), daemon(Side::Connects));
    let (one, two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    let (to_one, to_two) = (one.mac(), two.mac());
    let mut talkers = [Talker::new(one, to_two), Talker::new(two, to_one)];
    let flood = Flood::of(&daemon);
    let known: Vec<Known> = thread::scope(|scope| {
        (0..READERS).for_each(|_| drop(scope.spawn(|| flood.read())));
        let flood = &flood;
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || flood.write(writer))).collect();
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            kill_under(flood, &mut daemon, &mut talkers, &mut rng);
        }));
        // However that ended: nobody else ends the threads.
        flood.is_over.store(true, Ordering::Relaxed);
        let known = writers.into_iter().map(|writer| writer.join().expect("no call is refused")).collect();
        killed.unwrap_or_else(|why| std::panic::resume_unwind(why));
        known
    });
    let there = daemon.json(&["namespace", "list"]);
    let there: Vec<&str> = there.as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    for (name, is_there) in known.iter().flatten() {
        assert_eq!(is_there.unwrap_or(there.contains(&name.as_str())), there.contains(&name.as_str()), "{name}");
    }
    assert!(known.iter().all(|known| known.len() as u64 == NAMESPACES), "each has said something of all of its own");
    println!("{KILLS} kills beside {} answers", flood.answered.load(Ordering::Relaxed));
}
