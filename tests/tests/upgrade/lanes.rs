// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes that are no rings: who is at their other end notices nothing, whatever is under way.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;

use tests::frames::{BROADCAST, Mac, number_of, numbered};
use tests::guest::SyntheticGuest;
use tests::netns::{Netns, can_have_namespaces};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

use crate::failed::{Scene, says};

/// Who sends over the lane.
const FAR: Mac = [2, 0, 0, 0, 0, 0x77];
/// Frames that are under way at once.
const WINDOW: u64 = 8;
/// Upgrades in a row, while frames are under way.
const UPGRADES: usize = 4;
/// Upgrades that succeed are spoken of in this format at least.
const HELLO: &str = r#"{"hello":{"reads":[3,2,1],"weft":"9.9"}}"#;

/// The other end of a lane, as QEMU has it.
enum Far {
    Dgram { socket: UnixDatagram, weft: PathBuf },
    Stream { socket: UnixStream, came: Vec<u8>, left: Vec<u8> },
}

impl Far {
    /// Gives red an uplink over datagrams.
    fn dgram(daemon: &Weftd) -> Far {
        let [weft, far] = ["near", "far"].map(|name| daemon.port_path(name));
        let socket = UnixDatagram::bind(&far).expect("the folder is ours");
        socket.set_nonblocking(true).expect("a socket can be so");
        uplink(daemon, &format!("dgram:{},peer={}", weft.display(), far.display()));
        Far::Dgram { socket, weft }
    }

    /// Gives red an uplink over a connection.
    fn stream(daemon: &Weftd) -> Far {
        let path = daemon.port_path("near");
        uplink(daemon, &format!("stream:{}", path.display()));
        Far::connect(daemon)
    }

    /// Connects to the lane that is there.
    fn connect(daemon: &Weftd) -> Far {
        let socket = UnixStream::connect(daemon.port_path("near")).expect("weftd listens");
        socket.set_nonblocking(true).expect("a socket can be so");
        daemon.await_state("up", "up");
        Far::Stream { socket, came: Vec::new(), left: Vec::new() }
    }

    /// Sends a frame. False: there is no room just now.
    fn send(&mut self, frame: &[u8]) -> bool {
        match self {
            Far::Dgram { socket, weft } => socket.send_to(frame, weft).is_ok(),
            Far::Stream { socket, left, .. } => {
                left.extend_from_slice(&behind_its_length(frame));
                // Cut anywhere: what is left goes with the next one.
                let part = left.len() - left.len() / 3;
                let went = socket.write(&left[..part]).unwrap_or(0);
                left.drain(..went);
                true
            }
        }
    }

    /// Sends what is left.
    fn settle(&mut self) {
        if let Far::Stream { socket, left, .. } = self {
            let went = socket.write(left).unwrap_or(0);
            left.drain(..went);
        }
    }

    /// The next frame, if it has come as a whole.
    fn recv(&mut self) -> Option<Vec<u8>> {
        let mut buffer = [0; 4096];
        match self {
            Far::Dgram { socket, .. } => socket.recv(&mut buffer).ok().map(|len| buffer[..len].to_vec()),
            Far::Stream { socket, came, .. } => {
                match socket.read(&mut buffer) {
                    Ok(0) => panic!("the connection has ended"),
                    Ok(len) => came.extend_from_slice(&buffer[..len]),
                    Err(why) => assert_eq!(why.kind(), ErrorKind::WouldBlock),
                }
                let len = u32::from_be_bytes(*came.first_chunk()?) as usize;
                let frame = came.get(4..4 + len)?.to_vec();
                came.drain(..4 + len);
                Some(frame)
            }
        }
    }
}

fn behind_its_length(frame: &[u8]) -> Vec<u8> {
    let len = u32::try_from(frame.len()).expect("it is short");
    [&len.to_be_bytes()[..], frame].concat()
}

fn uplink(daemon: &Weftd, lane: &str) {
    daemon.weft(&["port", "add", "up", "-n", "red", "--role", "uplink", "--lane", lane]).expect_ok();
}

/// A guest and the far end of the uplink, who send each other numbers.
struct Talk {
    guest: SyntheticGuest,
    far: Far,
    /// Sent and received, by the guest and by the far end.
    guests: (u64, u64),
    fars: (u64, u64),
}

impl Talk {
    fn new(guest: SyntheticGuest, far: Far) -> Talk {
        Talk { guest, far, guests: (0, 0), fars: (0, 0) }
    }

    fn turn(&mut self) {
        while self.guests.0 - self.fars.1 < WINDOW {
            self.guest.send(&numbered(BROADCAST, self.guest.mac(), self.guests.0, 300));
            self.guests.0 += 1;
        }
        while self.fars.0 - self.guests.1 < WINDOW && self.far.send(&numbered(BROADCAST, FAR, self.fars.0, 300)) {
            self.fars.0 += 1;
        }
        self.receive();
    }

    fn receive(&mut self) {
        self.far.settle();
        let guest = &mut self.guest;
        for number in std::iter::from_fn(|| guest.recv()).filter_map(|got| number_of(&got.frame)) {
            assert_eq!(number, self.guests.1, "to the guest: none is lost, doubled or overtaken");
            self.guests.1 += 1;
        }
        // weft itself says on uplinks where guests are.
        let far = &mut self.far;
        for number in std::iter::from_fn(|| far.recv()).filter_map(|frame| number_of(&frame)) {
            assert_eq!(number, self.fars.1, "from the guest: none is lost, doubled or overtaken");
            self.fars.1 += 1;
        }
    }
}

fn upgraded_under_traffic(far: impl Fn(&Weftd) -> Far) {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    let guest = daemon.attach("one", 1);
    let far = far(&daemon);
    daemon.await_state("up", "up");
    let mut talk = Talk::new(guest, far);
    for _ in 0..UPGRADES {
        let mut upgrading = daemon.begin_upgrade();
        while !upgrading.is_over() {
            talk.turn();
        }
        let said = upgrading.outcome().unwrap_or_else(|why| panic!("{why}"));
        daemon.succeeded_by(&said);
        let fresh = (talk.fars.0, talk.guests.0);
        until("traffic to flow", Deadline::patient(), || {
            talk.turn();
            talk.guests.1 > fresh.0 && talk.fars.1 > fresh.1
        });
    }
    until("all to arrive", Deadline::patient(), || {
        talk.receive();
        (talk.guests.0, talk.fars.0) == (talk.fars.1, talk.guests.1)
    });
    assert!(daemon.port_path("near").exists(), "whoever comes later finds it");
    assert!(daemon.stop().success());
    assert!(!daemon.port_path("near").exists(), "it went with the weftd whose it was");
}

#[test]
fn datagrams_go_on() {
    upgraded_under_traffic(Far::dgram);
}

#[test]
fn a_connection_goes_on_in_the_middle_of_frames() {
    upgraded_under_traffic(Far::stream);
}

/// A tap that nobody has goes, with all that the host has given it.
#[test]
fn a_tap_is_had_all_the_time() {
    if !can_have_namespaces() {
        return;
    }
    let netns = Netns::make();
    let mut daemon = netns.inside(Weftd::start);
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    let mut guest = daemon.attach("one", 1);
    uplink(&daemon, "tap:weft0");
    netns.ip("addr add 192.0.2.1/24 dev weft0");
    netns.ip("link set weft0 up");
    daemon.await_state("up", "up");
    let host = || netns.ip_json("-s addr show dev weft0")[0].clone();
    let same = ["ifindex", "addr_info"];
    let before = host();
    daemon.upgrade();
    assert_eq!(same.map(|what| host()[what].clone()), same.map(|what| before[what].clone()));
    let came = || host()["stats64"]["rx"]["packets"].as_u64();
    let before = came();
    guest.send(&numbered(BROADCAST, guest.mac(), 1, 300));
    until("the host to get a frame of the guest", Deadline::patient(), || came() > before);
}

/// The other end has half a frame on its way to the guest while successors come and go.
#[test]
fn a_connection_stays_when_there_is_no_upgrade() {
    let mut scene = Scene::new();
    let far = Far::stream(&scene.daemon);
    let Far::Stream { mut socket, .. } = far else { unreachable!("it was made as one") };
    let whole = behind_its_length(&numbered(BROADCAST, FAR, 1, 300));
    let (half, rest) = whole.split_at(100);
    socket.write_all(half).expect("there is room");
    scene.daemon.replace_program(&says(&scene, &[HELLO, "\"ready\""]));
    scene.assert_fails("it ended");
    socket.write_all(rest).expect("it is the same connection");
    let is_it = |frame: &[u8]| number_of(frame) == Some(1);
    scene.guests.one.recv_until(Deadline::patient(), |got| is_it(&got.frame)).expect("both halves make a frame");
    // One that has begun to read may have taken half a frame with it: the connection is of no use then.
    scene.daemon.replace_program(&says(&scene, &[HELLO, "\"ready\"", "\"lanes\""]));
    scene.assert_fails("it ended");
    let ended = |socket: &mut UnixStream| matches!(socket.read(&mut [0; 4096]), Ok(0));
    until("the connection to end", Deadline::patient(), || ended(&mut socket));
    let mut again = Far::connect(&scene.daemon);
    assert!(again.send(&numbered(BROADCAST, FAR, 2, 300)));
    again.settle();
    let is_it = |frame: &[u8]| number_of(frame) == Some(2);
    scene.guests.one.recv_until(Deadline::patient(), |got| is_it(&got.frame)).expect("frames go on");
}
