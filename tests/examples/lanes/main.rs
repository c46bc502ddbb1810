// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How fast each kind of lane is, in each direction, beside the same path without weft; and how long it takes to switch a port
//! from one lane to the other.
//!
//! ```text
//! cargo xtask bench lanes [--seconds N] [--record]
//! ```
//!
//! One thread sends as fast as it can and another takes what comes; frames that came are counted. The far end is always the
//! same, a program that has one system call for each frame. What a lane brings is copied once more, as into a guest. The lanes
//! that are for tests have no path without weft. What is printed goes into `docs/performance.md`.
mod ends;
mod switches;

use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use backends::lane::{Kind, Opened, open};
use backends::place::Place;
use ends::{End, drains, fills, hears, into, number, out_of, reads, says, sends, socket, takes, writes};
use tests::netns::{Netns, can_have_namespaces};

const SIZES: [usize; 2] = [64, 1514];
/// Turns of an end between two looks at the clock.
const TURNS: usize = 64;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let span = Duration::from_secs_f64(seconds);
    println!("| kind | bytes | path | frames/s | Gbit/s | of the path without weft |\n|---|---|---|---|---|---|");
    for size in SIZES {
        let bench = |kind| Bench { kind, size, span, plain: None };
        datagrams(bench("dgram"));
        stream(bench("stream"));
        if can_have_namespaces() {
            veth(bench("packet"));
            tap(bench("tap"));
        }
        within(&bench("loopback"));
    }
    switches::report();
}

/// One kind of lane with frames of one size.
struct Bench {
    kind: &'static str,
    size: usize,
    span: Duration,
    /// How many frames a second go the same way without weft.
    plain: Option<f64>,
}

impl Bench {
    /// The same path without weft, by which the others are measured from now on.
    fn without(&mut self, path: &str, sender: End, receiver: End) {
        self.plain = None;
        self.plain = Some(self.report(path, sender, receiver));
    }

    /// Runs both ends for a while and prints what came.
    fn report(&self, path: &str, sender: End, receiver: End) -> f64 {
        let rate = rate(self.span, sender, receiver);
        let bits = rate * self.size as f64 * 8.0 / 1e9;
        let share = self.plain.map_or(String::new(), |plain| format!("{:.0} %", 100.0 * rate / plain.max(1.0)));
        println!("| {} | {} | {path} | {rate:.0} | {bits:.3} | {share} |", self.kind, self.size);
        rate
    }
}

/// Frames a second that come.
fn rate(span: Duration, mut sender: End, mut receiver: End) -> f64 {
    let (stop, start) = (AtomicBool::new(false), Instant::now());
    let frames: u64 = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                (0..TURNS).for_each(|_| _ = sender());
            }
        });
        let mut frames = 0;
        while start.elapsed() < span {
            frames += (0..TURNS).map(|_| receiver()).sum::<u64>();
        }
        stop.store(true, Ordering::Relaxed);
        frames
    });
    frames as f64 / start.elapsed().as_secs_f64()
}

fn datagrams(mut bench: Bench) {
    let folder = tempfile::tempdir().expect("a directory");
    let path = |name: &str| folder.path().join(name);
    let (one, other) = UnixDatagram::pair().expect("sockets");
    bench.without("without weft", says(one, bench.size), hears(other));
    let far = UnixDatagram::bind(path("far")).expect("a socket");
    let [local, remote] = ["near", "far"].map(|name| Place::new(path(name), None));
    let Opened { mut sinks, mut sources, .. } = open(&Kind::Dgram { local, remote }).expect("a socket");
    let hearing = hears(far.try_clone().expect("a descriptor"));
    bench.report("lane to peer", into(sinks.remove(0), bench.size), hearing);
    far.connect(path("near")).expect("the lane is there");
    bench.report("peer to lane", says(far, bench.size), out_of(sources.remove(0)));
}

fn stream(mut bench: Bench) {
    let (one, other) = UnixStream::pair().expect("sockets");
    bench.without("without weft", writes(one, bench.size), reads(other, bench.size));
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("stream");
    let listener = UnixListener::bind(&path).expect("a socket");
    let lane = || open(&Kind::Stream { place: Place::new(&path, None), listen: false }).expect("somebody listens");
    let Opened { mut sinks, sources: _sources, .. } = lane();
    let (far, _) = listener.accept().expect("it is connected");
    bench.report("lane to peer", into(sinks.remove(0), bench.size), reads(far, bench.size));
    let Opened { sinks: _sinks, mut sources, .. } = lane();
    let (far, _) = listener.accept().expect("it is connected");
    bench.report("peer to lane", writes(far, bench.size), out_of(sources.remove(0)));
}

/// Sets a netdev up on which nobody else speaks.
fn set_up(netns: &Netns, netdev: &str) {
    netns.set(&format!("ipv6/conf/{netdev}/disable_ipv6"), "1");
    netns.ip(&format!("link set {netdev} up"));
}

fn veth(mut bench: Bench) {
    let netns = Netns::make();
    netns.ip("link add eth0 type veth peer name eth1");
    ["eth0", "eth1"].iter().for_each(|netdev| set_up(&netns, netdev));
    let [near, far] = ["eth0", "eth1"].map(|netdev| move |netns: &Netns| socket(netns, netdev));
    bench.without("without weft", sends(near(&netns), bench.size), takes(far(&netns)));
    for bypass in [false, true] {
        let lane =
            || netns.inside(|| open(&Kind::Packet { ifindex: number(&netns, "eth0"), bypass })).expect("root may");
        let how = if bypass { ", past its queue" } else { "" };
        bench.report(&format!("lane to peer{how}"), into(lane().sinks.remove(0), bench.size), takes(far(&netns)));
        if !bypass {
            bench.report("peer to lane", sends(far(&netns), bench.size), out_of(lane().sources.remove(0)));
        }
    }
}

fn tap(mut bench: Bench) {
    let netns = Netns::make();
    let plain = || netns.inside(|| sys::netdev::tap_queue("plain0", false)).expect("root may");
    let lane = || netns.inside(|| open(&Kind::Tap { name: "weft0".into(), queues: 1 })).expect("root may");
    let host = |netdev: &str| {
        set_up(&netns, netdev);
        socket(&netns, netdev)
    };
    let queue = plain();
    let host_side = host("plain0");
    bench.without("to the host without weft", fills(queue, bench.size), takes(host_side));
    let Opened { mut sinks, sources, .. } = lane();
    bench.report("lane to host", into(sinks.remove(0), bench.size), takes(host("weft0")));
    drop(sources);
    let queue = plain();
    let host_side = host("plain0");
    bench.without("from the host without weft", sends(host_side, bench.size), drains(queue));
    let Opened { sinks: _sinks, mut sources, .. } = lane();
    bench.report("host to lane", sends(host("weft0"), bench.size), out_of(sources.remove(0)));
}

/// Lanes that lead nowhere, for tests.
fn within(bench: &Bench) {
    let Opened { mut sinks, mut sources, .. } = open(&Kind::Loopback).expect("descriptors");
    bench.report("out and in", into(sinks.remove(0), bench.size), out_of(sources.remove(0)));
}
