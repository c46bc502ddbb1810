// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests under traffic: nothing is lost, doubled or overtaken, and nobody has to connect anew.

use tests::driver::{Shape, VnetHeader};
use tests::frames::{number_of, numbered};
use tests::guest::{GuestOptions, Side, SyntheticGuest};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

/// The variable that asks for more upgrades than a test should take.
const UPGRADES: &str = "WEFT_UPGRADES";
/// Upgrades in a row, while frames are under way.
const UPGRADES_DEFAULT: usize = 5;

/// A guest that sends numbered frames to another from all its queues, and expects from it all numbers of each queue in order.
struct Talker {
    guest: SyntheticGuest,
    to: [u8; 6],
    /// By queue. A frame's number is its place among those of its queue, and the queue in the remainder.
    sent: Vec<u64>,
    got: Vec<u64>,
}

impl Talker {
    fn new(mut guest: SyntheticGuest, to: [u8; 6]) -> Talker {
        let queues = guest.pairs().len();
        Talker { guest, to, sent: vec![0; queues], got: vec![0; queues] }
    }

    fn send(&mut self, queue: usize, count: u64) {
        let (from, queues) = (self.guest.mac(), self.sent.len() as u64);
        let (tx, sent) = (&mut self.guest.pairs()[queue].tx, &mut self.sent[queue]);
        tx.reclaim();
        for _ in 0..count {
            let frame = numbered(self.to, from, *sent * queues + queue as u64, 200);
            if tx.enqueue(&Shape::whole(), VnetHeader::default(), &frame).is_err() {
                break;
            }
            *sent += 1;
        }
        tx.flush();
    }

    fn receive(&mut self) {
        while let Some(got) = self.guest.recv() {
            let (number, queues) =
                (number_of(&got.frame).expect("only numbered frames were sent"), self.got.len() as u64);
            let due = &mut self.got[(number % queues) as usize];
            assert_eq!(number / queues, *due, "{}: none is lost, doubled or overtaken", self.guest.name());
            *due += 1;
        }
    }

    /// Whether something has come of each of the other's queues that had sent so much.
    fn has_heard_since(&self, sent: &[u64]) -> bool {
        self.got.iter().zip(sent).all(|(got, sent)| got > sent)
    }
}

/// Both say something and hear what is there. No more is under way than the receiver has buffers for.
fn talk(one: &mut Talker, two: &mut Talker) {
    for (from, to) in [(0, 1), (1, 0)] {
        let both = [&mut *one, &mut *two];
        for queue in 0..both[from].sent.len() {
            let room = 64_u64.saturating_sub(both[from].sent[queue] - both[to].got[queue]);
            both[from].send(queue, room);
        }
        both[to].receive();
    }
}

/// There is a worker for each queue pair, and all deliver into the same rings.
fn upgraded_under_traffic(side: Side, pairs: u16) {
    let count = pairs.to_string();
    let mut daemon = Weftd::start_with(&["--workers", &count]);
    daemon.add_namespace("red");
    let mut more = vec!["--queues", &count];
    more.extend((side == Side::Listens).then_some("--client"));
    let attach = |name: &str, number: u8| {
        daemon.add_port("red", name, number, &more);
        daemon.attach_as(name, GuestOptions { side, queue_pairs: pairs, ..GuestOptions::new(name, number) })
    };
    let (one, two) = (attach("one", 1), attach("two", 2));
    let (to_one, to_two) = (one.mac(), two.mac());
    let (mut one, mut two) = (Talker::new(one, to_two), Talker::new(two, to_one));
    let upgrades = std::env::var(UPGRADES).ok().and_then(|said| said.parse().ok()).unwrap_or(UPGRADES_DEFAULT);
    let mut gaps = Vec::new();
    for _ in 0..upgrades {
        let before = daemon.pid();
        let mut upgrading = daemon.begin_upgrade();
        while !upgrading.is_over() {
            talk(&mut one, &mut two);
        }
        let said = upgrading.outcome().unwrap_or_else(|why| panic!("{why}"));
        daemon.succeeded_by(&said);
        gaps.extend(said["gap_us"].as_u64());
        assert_eq!((said["guests"].as_u64(), daemon.pid() != before), (Some(2), true));
        let fresh = (one.sent.clone(), two.sent.clone());
        until("traffic to flow", Deadline::patient(), || {
            talk(&mut one, &mut two);
            two.has_heard_since(&fresh.0) && one.has_heard_since(&fresh.1)
        });
        assert_eq!(daemon.json(&["status"])["pid"].as_u64(), Some(u64::from(daemon.pid())));
    }
    gaps.sort_unstable();
    let (middle, longest) = (gaps[gaps.len() / 2], gaps[gaps.len() - 1]);
    eprintln!(
        "{side:?}, {pairs} queue pairs: no ring ran for {middle} us in the median of {upgrades} upgrades, {longest} us at most"
    );
    until("all to arrive", Deadline::patient(), || {
        one.receive();
        two.receive();
        two.got == one.sent && one.got == two.sent
    });
    // Nothing was counted by none of them, or by two.
    let counts = |name| ["tx_frames", "rx_frames"].map(|count| daemon.port(name)[count].as_u64());
    let [ones, twos] = [&one, &two].map(|talker| talker.sent.iter().sum::<u64>());
    let expected = [[ones, twos], [twos, ones]].map(|counts| counts.map(Some));
    until("all to be counted", Deadline::patient(), || [counts("one"), counts("two")] == expected);
}

#[test]
fn guests_that_connect_are_served_on() {
    upgraded_under_traffic(Side::Connects, 1);
}

#[test]
fn guests_that_listen_are_served_on() {
    upgraded_under_traffic(Side::Listens, 1);
}

#[test]
fn guests_whose_queues_are_of_two_workers_are_served_on() {
    upgraded_under_traffic(Side::Connects, 2);
}
