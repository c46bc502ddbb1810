// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Numbered flows from several guests to several others, and the judgement that each arrives whole and in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tests::driver::{Shape, VnetHeader};
use tests::frames::Mac;
use tests::guest::{GuestOptions, SyntheticGuest};
use tests::seed::Rng;
use tests::wait::Deadline;
use tests::weftd::Weftd;
use wire::MacAddr;
use wire::build::{Ether, Ip};

/// Guests that send, and as many that receive.
const SIDE: usize = 3;
/// Flows of one sender; flow `n` goes to receiver `n % SIDE`.
const FLOWS: u16 = 12;
/// Frames of one sender.
const FRAMES: u32 = 2000;
/// Frames of one sender to one receiver that may be under way. All senders' together fit into one receive queue, so that
/// no frame has a reason to be lost.
const WINDOW: u32 = 64;

/// What a sender does between two frames.
pub(crate) type Between = fn(&mut SyntheticGuest, &mut Rng);

/// How many frames a receiver has had of each sender.
type Progress = [[AtomicU32; SIDE]; SIDE];

/// Sends from every sender to every receiver, all at the same time.
pub(crate) fn run(daemon: &Weftd, seed: u64, between: Between) {
    daemon.add_namespace("red");
    let attach = |kind: &str, base: usize| -> Vec<SyntheticGuest> {
        (0..SIDE).map(|i| attach(daemon, &format!("{kind}{i}"), (base + i) as u8)).collect()
    };
    let (senders, receivers) = (attach("from", 1), attach("to", 101));
    let macs: Vec<Mac> = receivers.iter().map(SyntheticGuest::mac).collect();
    let progress = Progress::default();
    thread::scope(|scope| {
        for (i, mut guest) in senders.into_iter().enumerate() {
            let (macs, progress) = (&macs, &progress);
            scope.spawn(move || send_all(&mut guest, i, (macs, progress), (Rng::from_env(seed + i as u64), between)));
        }
        for (i, mut guest) in receivers.into_iter().enumerate() {
            let progress = &progress[i];
            scope.spawn(move || receive_all(&mut guest, i, progress));
        }
    });
    for i in 0..SIDE {
        let port = daemon.port(&format!("to{i}"));
        assert_eq!(port["drops"], serde_json::json!({}), "{port:#}");
    }
}

fn attach(daemon: &Weftd, name: &str, number: u8) -> SyntheticGuest {
    daemon.add_port("red", name, number, &["--queues", "4"]);
    daemon.attach_as(name, GuestOptions { queue_pairs: 4, ..GuestOptions::new(name, number) })
}

fn send_all(
    guest: &mut SyntheticGuest,
    sender: usize,
    (macs, progress): (&[Mac], &Progress),
    (mut rng, between): (Rng, Between),
) {
    let mut numbers = [0; FLOWS as usize];
    let mut sent = [0; SIDE];
    for _ in 0..FRAMES {
        between(guest, &mut rng);
        let flow = rng.between(0, usize::from(FLOWS) - 1);
        let to = flow % SIDE;
        await_room(&progress[to][sender], sent[to]);
        let frame = datagram((macs[to], guest.mac()), flow as u16, numbers[flow]);
        // A flow leaves through one queue, as Linux steers it.
        guest.send_as(flow % 4, &Shape::whole(), VnetHeader::default(), &frame);
        numbers[flow] += 1;
        sent[to] += 1;
    }
    // Tells each receiver how many there are.
    for (to, mac) in macs.iter().enumerate() {
        await_room(&progress[to][sender], sent[to] + WINDOW - 1);
        guest.send_as(0, &Shape::whole(), VnetHeader::default(), &datagram((*mac, guest.mac()), FLOWS, sent[to]));
    }
    guest.drain(Deadline::patient());
}

fn await_room(had: &AtomicU32, sent: u32) {
    let deadline = Deadline::patient();
    while sent - had.load(Ordering::Relaxed) >= WINDOW {
        assert!(!deadline.passed(), "{} of {sent} frames have arrived", had.load(Ordering::Relaxed));
        thread::yield_now();
    }
}

fn receive_all(guest: &mut SyntheticGuest, receiver: usize, had: &[AtomicU32; SIDE]) {
    let mut next: BTreeMap<(u8, u16), u32> = BTreeMap::new();
    let mut ended = 0;
    let last = guest.recv_until(Deadline::patient(), |got| {
        let (sender, flow, number) = read(&got.frame);
        let from = &had[usize::from(sender) - 1];
        if flow == FLOWS {
            assert_eq!(from.load(Ordering::Relaxed), number, "what sender {sender} sent to {receiver}");
            ended += 1;
            return ended == SIDE;
        }
        let next = next.entry((sender, flow)).or_default();
        assert_eq!(number, *next, "flow {flow} of sender {sender} to {receiver}");
        *next += 1;
        from.fetch_add(1, Ordering::Relaxed);
        false
    });
    assert!(last.is_some(), "receiver {receiver} has {had:?}");
    assert!(guest.recv().is_none(), "and nothing comes twice");
}

/// Number `number` of a flow.
fn datagram((to, from): (Mac, Mac), flow: u16, number: u32) -> Vec<u8> {
    let payload = [&number.to_be_bytes()[..], &[0; 40]].concat();
    Ether::new(MacAddr(to), MacAddr(from)).ip(Ip::v4([10, 0, 0, 1], [10, 0, 0, 2])).udp(1000 + flow, 53, &payload)
}

/// Sender, flow and number of a datagram.
fn read(frame: &[u8]) -> (u8, u16, u32) {
    let flow = u16::from_be_bytes([frame[34], frame[35]]) - 1000;
    let number = u32::from_be_bytes(frame[42..46].try_into().expect("four bytes"));
    (frame[11], flow, number)
}
