// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A restart under systemd: what weftd leaves in the descriptor store of its unit, and how the next one goes on with it. The test
//! is systemd. Its own file, for a moment it has a descriptor that every process inherits which it starts.
#![forbid(unsafe_code)]

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use tests::frames::{BROADCAST, number_of, numbered};
use tests::guest::Couple;
use tests::wait::{Deadline, for_value};
use tests::weftd::Weftd;

/// Starts weftd as systemd does: with a store, and with what lies in it as descriptor 3.
const SYSTEMD: &str = "export NOTIFY_SOCKET={dir}/notify FDSTORE=1
if read number <{dir}/stored; then exec 3<&$number; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=weft-estate; fi
exec \"$@\"";

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
        fcntl_setfd(stored, FdFlags::empty()).expect("it is ours");
        let place = self.daemon.folder().join("stored");
        fs::write(&place, format!("{}\n", stored.as_raw_fd())).expect("the folder is ours");
        self.daemon.restart();
        fcntl_setfd(stored, FdFlags::CLOEXEC).expect("it is ours");
        let removed = std::iter::from_fn(|| Some(self.told())).find(|(text, _)| text.contains("FDSTOREREMOVE=1"));
        assert!(removed.is_some_and(|(text, _)| text.contains("FDNAME=weft-estate")), "nobody finds it once more");
    }
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
