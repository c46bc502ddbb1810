// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A TCP connection from a Linux host at a port to the guest, by which numbers go to and fro for as long as it lasts.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use qemu::Guest;
use tests::netns::{Cable, Netns};
use tests::programs::Program;
use tests::setup::Must;
use tests::skip::skip;
use tests::wait::{Deadline, until};

use crate::hosts::Host;

/// The last octet of the Linux host's addresses.
const LINUX: u8 = 0xe0;
/// Where the guest sends back what it hears.
const ECHO: u16 = 7;

/// See the module. It ends with it.
pub(crate) struct Connection {
    returned: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    talk: Option<JoinHandle<()>>,
    _cable: Cable,
    _netns: Netns,
}

impl Connection {
    /// `None` where there is no `ethtool`, which is noted.
    pub(crate) fn open(host: &Host, guest: &Guest) -> Option<Connection> {
        if Program::find("ethtool").is_none() {
            skip("no ethtool, which a Linux host at a port needs (apt-get install ethtool)");
            return None;
        }
        host.daemon.add_port("red", "linux", LINUX, &[]);
        let netns = Netns::make();
        let cable = Cable::plug(&netns, &host.daemon.port_path("linux"), LINUX);
        netns.ip(&format!("addr add 10.0.0.{LINUX}/24 dev eth0"));
        netns.ip("link set eth0 up");
        guest.spawn(&format!("exec nc -l -p {ECHO} -e cat")).must();
        guest.run_ok(&format!("until netstat -ltn | grep -q ':{ECHO} '; do sleep 0.1; done")).must();
        let stream = netns.inside(|| TcpStream::connect(("10.0.0.1", ECHO))).expect("the guest is reached");
        let (returned, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, end) = (Arc::clone(&returned), Arc::clone(&is_over));
        let talk = thread::spawn(move || while_not(&end, || exchange(&stream, count.fetch_add(1, Ordering::Relaxed))));
        Some(Connection { returned, is_over, talk: Some(talk), _cable: cable, _netns: netns })
    }

    /// Waits until numbers go to and fro that were not under way before.
    pub(crate) fn await_more(&self) {
        let enough = self.returned.load(Ordering::Relaxed) + 3;
        until("more over the connection", Deadline::patient(), || self.returned.load(Ordering::Relaxed) >= enough);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.talk.take().map(JoinHandle::join);
        assert!(thread::panicking() || !matches!(ended, Some(Err(_))), "the connection broke");
    }
}

fn while_not(end: &AtomicBool, mut act: impl FnMut()) {
    while !end.load(Ordering::Relaxed) {
        act();
    }
}

/// A number comes back as it was sent.
fn exchange(mut stream: &TcpStream, number: u64) {
    let (sent, mut returned) = (number.to_be_bytes(), [0; 8]);
    stream.write_all(&sent).expect("the connection lasts");
    stream.read_exact(&mut returned).expect("the connection lasts");
    assert_eq!(u64::from_be_bytes(returned), number, "a number comes back as it was sent");
}
