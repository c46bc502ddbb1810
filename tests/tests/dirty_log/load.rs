// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames for the guest that is being migrated, and from it.
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tests::driver::{Shape, VnetHeader};
use tests::frames::{Mac, numbered};
use tests::guest::{GuestOptions, SyntheticGuest, feature};
use tests::memory::{Backing, Layout, Range};
use tests::seed::Rng;
use tests::wait::Deadline;
use tests::weftd::Weftd;
use wire::MacAddr;
use wire::build::{Ether, Ip};

/// Bytes of a region: room for the queues and buffers of one pair.
const REGION: u64 = 5 << 20;
/// MTU of the ports: most frames take several receive buffers.
const MTU: usize = 9000;
/// Bytes of the headers of a datagram.
const HEADERS: usize = 42;

/// What is migrated: a guest whose queues lie in memory on both sides of a hole.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) pairs: u16,
    pub(crate) shape: Shape,
    /// Features that its driver does not know.
    pub(crate) without: u64,
}

impl Case {
    /// Drivers of several kinds.
    pub(crate) fn all() -> Vec<Case> {
        let shapes = [Shape::whole(), Shape::own_header(), Shape::cut(&[12, 100, 300]).indirect_from(0)];
        let without = [0, feature::EVENT_IDX, feature::MRG_RXBUF | feature::OFFLOADS];
        let pairs = [1, 2, 4];
        let kinds = shapes.into_iter().zip(without).zip(pairs);
        kinds.map(|((shape, without), pairs)| Case { pairs, shape, without }).collect()
    }

    pub(crate) fn options(&self, name: &str, number: u8) -> GuestOptions {
        let options = GuestOptions::new(name, number);
        let ranges = (0..u64::from(self.pairs)).map(|pair| Range { gpa: pair << 32, size: REGION });
        let layout = Layout { ranges: ranges.collect(), backing: Backing::SharedFile };
        let features = options.features & !self.without;
        GuestOptions {
            queue_pairs: self.pairs,
            shape: self.shape.clone(),
            layout,
            features,
            queue_size: 128,
            ..options
        }
    }
}

/// A daemon and the guest; who floods it is elsewhere.
pub(crate) fn scene(case: &Case) -> (Weftd, SyntheticGuest, SyntheticGuest) {
    scene_with(Weftd::start(), case)
}

/// The same on this daemon.
pub(crate) fn scene_with(daemon: Weftd, case: &Case) -> (Weftd, SyntheticGuest, SyntheticGuest) {
    daemon.add_namespace("red");
    let (pairs, mtu) = (case.pairs.to_string(), MTU.to_string());
    for (name, number) in [("one", 1), ("two", 2)] {
        daemon.add_port("red", name, number, &["--queues", &pairs, "--mtu", &mtu]);
    }
    let one = daemon.attach_as("one", case.options("one", 1));
    let two = daemon.attach_as("two", case.options("two", 2));
    (daemon, one, two)
}

/// A datagram of random length and flow.
fn datagram((to, from): (Mac, Mac), rng: &mut Rng) -> Vec<u8> {
    let most = if rng.one_in(4) { MTU - HEADERS } else { 200 };
    let len = rng.between(0, most);
    let (flow, payload) = (rng.between(1000, 1100) as u16, rng.bytes(len));
    Ether::new(MacAddr(to), MacAddr(from)).ip(Ip::v4([10, 0, 0, 1], [10, 0, 0, 2])).udp(flow, 53, &payload)
}

/// A few frames of the guest's own, and room for those of others.
pub(crate) fn stir(guest: &mut SyntheticGuest, to: Mac, rng: &mut Rng) {
    for _ in 0..rng.between(0, 20) {
        let pair = rng.between(0, guest.pairs().len() - 1);
        let frame = datagram((to, guest.mac()), rng);
        guest.send_as(pair, &Shape::whole(), VnetHeader::default(), &frame);
    }
    for _ in 0..rng.between(0, 200) {
        if guest.recv().is_none() {
            return;
        }
    }
}

/// `from` says at most so many frames of one length to `to` with one kick. They take one receive buffer each.
pub(crate) fn say(from: &mut SyntheticGuest, to: Mac, count: usize) {
    let frame = numbered(to, from.mac(), 7, 1400);
    let tx = &mut from.pairs()[0].tx;
    tx.reclaim();
    (0..count).take_while(|_| tx.enqueue(&Shape::whole(), VnetHeader::default(), &frame).is_ok()).for_each(drop);
    tx.flush();
}

/// Has `from` say such frames until `count` of them have come.
pub(crate) fn deliver(guest: &mut SyntheticGuest, from: &mut SyntheticGuest, count: usize) {
    let (deadline, mut come) = (Deadline::patient(), 0);
    while come < count {
        assert!(!deadline.passed(), "{} has got {come} of {count} frames", guest.name());
        say(from, guest.mac(), 32);
        come += std::iter::from_fn(|| guest.recv()).count();
    }
}

/// Runs `work` on `guest` while `flooder` sends it as many frames as weft takes.
pub(crate) fn under_load<T>(
    guest: &mut SyntheticGuest,
    mut flooder: SyntheticGuest,
    seed: u64,
    work: impl FnOnce(&mut SyntheticGuest) -> T,
) -> T {
    let (ended, to) = (AtomicBool::new(false), guest.mac());
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut rng = Rng::from_env(seed);
            while !ended.load(Ordering::Relaxed) {
                stir(&mut flooder, to, &mut rng);
            }
        });
        let end = End(&ended);
        let done = work(guest);
        drop(end);
        done
    })
}

/// Ends the flood, also when the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
