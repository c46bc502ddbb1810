// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A restart under systemd: what weftd leaves in the descriptor store of its unit, and how the next one goes on with it. The test
//! is systemd. Its own file, for a moment it has a descriptor that every process inherits which it starts.
#![forbid(unsafe_code)]

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use tests::frames::{BROADCAST, number_of, numbered};
use tests::guest::{Couple, SyntheticGuest};
use tests::wait::{Deadline, for_value};
use tests::weftd::Weftd;

/// Starts weftd as systemd does: with a store, and with what lies in it as descriptor 3.
const SYSTEMD: &str = "export NOTIFY_SOCKET={dir}/notify FDSTORE=1
if read number <{dir}/stored; then exec 3<&$number; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=weft-estate; fi
exec \"$@\"";

/// The variable that asks for more restarts than a test should take.
const RESTARTS: &str = "WEFT_RESTARTS";
const RESTARTS_DEFAULT: u64 = 5;

struct Scene {
    daemon: Weftd,
    notify: UnixDatagram,
    guests: Couple,
}

impl Scene {
    fn new() -> Scene {
        let daemon = Weftd::start_under(&["bash", "-c", SYSTEMD, "systemd"]);
        let notify = UnixDatagram::bind(daemon.folder().join("notify")).expect("the folder is ours");
        notify.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket has that");
        let guests = daemon.attach_couple("red");
        Scene { daemon, notify, guests }
    }

    /// The next thing that systemd is told, and what comes with it.
    fn told(&self) -> (String, Vec<OwnedFd>) {
        for_value("systemd to be told", Deadline::patient(), || {
            let (mut bytes, mut fds) = ([0; 4096], Vec::new());
            let len = sys::fd::recv_with_fds(self.notify.as_fd(), &mut bytes, &mut fds).ok()?;
            Some((String::from_utf8_lossy(&bytes[..len]).into_owned(), fds))
        })
    }

    /// What both guests have sent and received, when all of that is counted.
    fn counted(&self) -> Vec<u64> {
        let ports = || frames(&self.daemon);
        let at_rest = |counts: &Vec<u64>| counts[0] == counts[3] && counts[1] == counts[2];
        for_value("all to be counted", Deadline::patient(), || Some(ports()).filter(at_rest))
    }

    /// Has weftd end, and returns what it leaves.
    fn end(&mut self) -> OwnedFd {
        assert!(self.daemon.stop().success());
        let left = std::iter::from_fn(|| Some(self.told())).find(|(text, _)| text.contains("FDSTORE=1"));
        let (text, mut fds) = left.expect("it goes on until something is found");
        assert!(text.contains("FDNAME=weft-estate") && fds.len() == 1, "{text}");
        fds.remove(0)
    }

    /// Starts the next one with this in the store.
    fn start(&mut self, stored: &OwnedFd) {
        start(&mut self.daemon, stored);
        let removed = std::iter::from_fn(|| Some(self.told())).find(|(text, _)| text.contains("FDSTOREREMOVE=1"));
        assert!(removed.is_some_and(|(text, _)| text.contains("FDNAME=weft-estate")), "nobody finds it once more");
    }
}

/// Starts weftd with this in the store.
fn start(daemon: &mut Weftd, stored: &OwnedFd) {
    fcntl_setfd(stored, FdFlags::empty()).expect("it is ours");
    let place = daemon.folder().join("stored");
    fs::write(&place, format!("{}\n", stored.as_raw_fd())).expect("the folder is ours");
    daemon.restart();
    fcntl_setfd(stored, FdFlags::CLOEXEC).expect("it is ours");
}

/// Frames that each guest got and sent.
fn frames(daemon: &Weftd) -> Vec<u64> {
    let port = |name| ["rx_frames", "tx_frames"].map(|count| daemon.port(name)[count].as_u64().expect("a number"));
    ["one", "two"].into_iter().flat_map(port).collect()
}

/// What comes over a lane while there is no weftd waits in its socket.
#[test]
fn a_restart_by_systemd_leaves_lanes_open() {
    let mut scene = Scene::new();
    let [near, far] = ["near", "far"].map(|name| scene.daemon.port_path(name));
    let socket = UnixDatagram::bind(&far).expect("the folder is ours");
    let lane = format!("dgram:{},peer={}", near.display(), far.display());
    scene.daemon.weft(&["port", "add", "up", "-n", "red", "--role", "uplink", "--lane", &lane]).expect_ok();
    let sent = |number: u64| numbered(BROADCAST, [2, 0, 0, 0, 0, 0x77], number, 100);
    for number in 0..2 {
        let left = scene.end();
        socket.send_to(&sent(number), &near).expect("its socket is there");
        scene.start(&left);
        let is_it = |frame: &[u8]| number_of(frame) == Some(number);
        scene.guests.one.recv_until(Deadline::patient(), |got| is_it(&got.frame)).expect("it waited there");
    }
}

#[test]
fn a_restart_by_systemd_leaves_guests_where_they_are() {
    let mut scene = Scene::new();
    scene.daemon.weft(&["log", "set", "info,backends=debug"]).expect_ok();
    for _ in 0..3 {
        scene.guests.ping();
        let counted = scene.counted();
        let left = scene.end();
        // What guests send while there is no weftd waits in their rings.
        scene.start(&left);
        assert_eq!(scene.counted(), counted, "nothing was sent since");
        scene.guests.ping();
    }
    let log = scene.daemon.json(&["log", "set", "info"]);
    assert_eq!(log["previous"], "info,backends=debug");
    assert!(!scene.daemon.log().contains("session ended"), "nobody had to connect anew");
    // What makes no sense is of no use, and does no harm.
    drop(scene.end());
    let (ours, theirs) = UnixStream::pair().expect("there are descriptors");
    drop(ours);
    scene.start(&theirs.into());
    scene.guests.one.reconnect(Deadline::patient());
    scene.guests.two.reconnect(Deadline::patient());
    scene.guests.ping();
    assert!(scene.daemon.log().contains("is of no use"));
}

/// Restarts weftd while guests talk, and returns how long it took from its end, and from the start of the next, until both heard what
/// they were told meanwhile: `number`, and all of it.
fn blocked_for(scene: &mut Scene, number: u64) -> [Duration; 2] {
    const FRAMES: u64 = 100;
    let stopped = Instant::now();
    let left = scene.end();
    let Scene { daemon, guests, .. } = scene;
    let (one, two) = (guests.one.mac(), guests.two.mac());
    for at in number..number + FRAMES {
        guests.one.send(&numbered(two, one, at, 200));
        guests.two.send(&numbered(one, two, at, 200));
    }
    let started = Instant::now();
    let took = thread::scope(|scope| {
        scope.spawn(|| start(daemon, &left));
        let heard = |guest: &mut SyntheticGuest| {
            let got = guest.recv_until(Deadline::patient(), |got| number_of(&got.frame).is_some());
            assert_eq!(got.and_then(|got| number_of(&got.frame)), Some(number), "the first of all waited in the ring");
        };
        heard(&mut guests.one);
        heard(&mut guests.two);
        [stopped, started].map(|since| since.elapsed())
    });
    for guest in [&mut guests.one, &mut guests.two] {
        for at in number + 1..number + FRAMES {
            let got = guest.recv_until(Deadline::patient(), |got| number_of(&got.frame).is_some());
            assert_eq!(got.and_then(|got| number_of(&got.frame)), Some(at), "nothing is lost, doubled or overtaken");
        }
    }
    took
}

/// As `kill -9` and an upgrade are: how long no frame came is printed, and nothing is lost, so that this is all the blocked time there is.
#[test]
fn frames_come_again_after_a_restart_by_systemd() {
    let mut scene = Scene::new();
    let restarts = std::env::var(RESTARTS).map_or(RESTARTS_DEFAULT, |count| count.parse().expect("a number"));
    let mut times = [Vec::new(), Vec::new()];
    for restart in 0..restarts {
        scene.guests.ping();
        let took = blocked_for(&mut scene, restart * 1000);
        times.iter_mut().zip(took).for_each(|(times, took)| times.push(took));
    }
    scene.guests.ping();
    assert!(!scene.daemon.log().contains("session ended"), "nobody had to connect anew");
    let [stopped, started] = times.map(spread);
    eprintln!("{restarts} restarts by systemd, 0 frames lost: from the stop {stopped}; from the start {started}");
}

/// The shortest, the median, the 95th of a hundred and the longest.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    format!("{:?} / {:?} / {:?} / {:?}", at(0), at(50), at(95), at(100))
}
