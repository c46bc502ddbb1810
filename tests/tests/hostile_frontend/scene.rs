// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A daemon with two honest guests and a port for the attacker, and what must hold after every attack.
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use tests::frames::{BROADCAST, number_of, numbered};
use tests::frontend::{FLAG_NEED_REPLY, Frontend, FrontendError, Request, protocol};
use tests::guest::{SyntheticGuest, feature, ping};
use tests::wait::{Deadline, for_ok, until};
use tests::weftd::Weftd;

/// The attacker's port.
pub(crate) const VICTIM: &str = "victim";
/// Rings of the attacker's port.
pub(crate) const RINGS: u32 = 2;

/// What an attack ends with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// The daemon hangs up, and the port gives a reason with this in it.
    Closed(&'static str),
    /// The session goes on, and the port shows a warning with this in it.
    Warned(&'static str),
    /// The session goes on as if nothing had happened.
    Served,
}

pub(crate) struct Scene {
    pub(crate) daemon: Weftd,
    honest: [SyntheticGuest; 2],
    /// Descriptors that the daemon had open before the first attack.
    files: usize,
    pings: u16,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene::with(Weftd::start())
    }

    /// Takes a daemon without ports.
    pub(crate) fn with(daemon: Weftd) -> Scene {
        daemon.add_namespace("red");
        daemon.add_port("red", "one", 1, &[]);
        daemon.add_port("red", "two", 2, &[]);
        daemon.add_port("red", VICTIM, 3, &[]);
        let mut honest = [daemon.attach("one", 1), daemon.attach("two", 2)];
        // Once through everything, so that what is opened at first use is open.
        let mut first = daemon.attach(VICTIM, 3);
        ping(&mut first, &mut honest[0], 1);
        drop(first);
        daemon.await_state(VICTIM, "down");
        let files = settled_files(&daemon);
        Scene { daemon, honest, files, pings: 0 }
    }

    /// A connection to the attacker's port that has said nothing.
    pub(crate) fn connect(&self) -> Frontend {
        // The session before may still be ending; the port keeps one connection aside meanwhile.
        Frontend::connect(&self.daemon.port_path(VICTIM)).expect("the port listens")
    }

    /// A connection that has negotiated all that there is to be negotiated. The one before it may take a moment to end
    /// (a child that another test of this program is just starting holds all our sockets until it runs), and is
    /// preferred until then.
    pub(crate) fn negotiated(&self) -> Frontend {
        for_ok("an honest beginning to be served", Deadline::patient(), || {
            let mut frontend = self.connect();
            negotiate(&mut frontend).map(|()| frontend)
        })
    }

    /// The guests that nothing may happen to.
    pub(crate) fn honest(&mut self) -> &mut [SyntheticGuest; 2] {
        &mut self.honest
    }

    /// The honest guests exchange frames.
    pub(crate) fn traffic(&mut self) {
        let [one, two] = &mut self.honest;
        self.pings += 1;
        ping(one, two, self.pings);
    }

    /// An honest guest says something to everybody, also to the attacker.
    pub(crate) fn broadcast(&mut self) {
        let [one, two] = &mut self.honest;
        self.pings += 1;
        let number = self.pings.into();
        one.send(&numbered(BROADCAST, one.mac(), number, 600));
        let heard = two.recv_until(Deadline::patient(), |got| number_of(&got.frame) == Some(number));
        assert!(heard.is_some(), "an honest guest does not hear the other");
    }

    /// Checks what must hold when the attacker's session is over.
    pub(crate) fn check(&mut self) {
        self.traffic();
        assert!(self.daemon.alive());
        let (daemon, files) = (&self.daemon, self.files);
        daemon.await_state(VICTIM, "down");
        until("every descriptor to be closed", Deadline::patient(), || daemon.open_files() <= files);
        let mut next = daemon.attach(VICTIM, 3);
        self.pings += 1;
        ping(&mut next, &mut self.honest[1], self.pings);
        drop(next);
        daemon.await_reason(VICTIM, "the frontend closed the connection");
    }

    /// Lets an attacker do its worst, checks how it ended, and everything else.
    pub(crate) fn attack(&mut self, what: &str, mut frontend: Frontend, end: End, attack: impl FnOnce(&mut Frontend)) {
        eprintln!("{what}");
        attack(&mut frontend);
        self.traffic();
        match end {
            End::Closed(reason) => {
                assert!(frontend.wait_closed(Deadline::patient()), "{what}: the session goes on");
                self.daemon.await_reason(VICTIM, reason);
            }
            End::Warned(reason) => {
                self.daemon.await_reason(VICTIM, reason);
                assert_lives(&mut frontend);
            }
            End::Served => assert_lives(&mut frontend),
        }
        drop(frontend);
        self.check();
    }
}

/// Descriptors that the daemon has open when nothing is under way: a control client that has just gone still counts for
/// a moment, and none must.
fn settled_files(daemon: &Weftd) -> usize {
    let (mut least, mut looks) = (usize::MAX, 0);
    until("the daemon to be at rest", Deadline::patient(), || {
        let now = daemon.open_files();
        (least, looks) = if now < least { (now, 0) } else { (least, looks + 1) };
        looks == 20
    });
    least
}

/// GET_FEATURES to SET_FEATURES, with NEED_REPLY afterwards where the test sends it by hand.
pub(crate) fn negotiate(frontend: &mut Frontend) -> Result<(), FrontendError> {
    frontend.set_owner()?;
    let offered = frontend.get_features()?;
    let known = protocol::MQ
        | protocol::REPLY_ACK
        | protocol::CONFIG
        | protocol::CONFIGURE_MEM_SLOTS
        | protocol::RARP
        | protocol::MTU;
    let protocol = frontend.get_protocol_features()? & known;
    frontend.set_protocol_features(protocol)?;
    frontend.acknowledge(true);
    frontend.set_features(offered & feature::LINUX)?;
    frontend.acknowledge(false);
    Ok(())
}

fn assert_lives(frontend: &mut Frontend) {
    frontend.acknowledge(false);
    let features = frontend.get_features().expect("the session goes on");
    assert!(features & feature::VERSION_1 != 0);
}

/// Sends a message and expects to be told "no", with the session going on.
pub(crate) fn expect_no(frontend: &mut Frontend, name: &str, body: &[u8], fds: &[BorrowedFd]) {
    let request = Request::named(name);
    frontend.send(request, FLAG_NEED_REPLY, body, fds).expect("the session is open");
    let answer = frontend.reply(request).unwrap_or_else(|why| panic!("{name} was not answered: {why}"));
    assert_eq!(answer, 1_u64.to_le_bytes(), "{name} must be refused");
}

/// Sends a message without a wish for an answer.
pub(crate) fn say(frontend: &mut Frontend, name: &str, body: &[u8], fds: &[BorrowedFd]) {
    // The session may have ended over the message before; what follows then is no matter.
    let _ = frontend.send(Request::named(name), 0, body, fds);
}

pub(crate) fn words32(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

pub(crate) fn words64(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

pub(crate) fn bell() -> OwnedFd {
    eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("a test has descriptors to spare")
}
