// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `kill -9` under traffic. The guests do nothing about it but what their VMMs do: connect, or be connected to, again.
use rustix::process::Signal;
use tests::driver::{Shape, VnetHeader};
use tests::frames::{number_of, numbered};
use tests::frontend::script::Order;
use tests::guest::{GuestOptions, Side, SyntheticGuest, ping};
use tests::seed::Rng;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

const KILLS: u64 = 10;

/// A guest that sends numbered frames to another and checks what comes from it.
struct Talker {
    guest: SyntheticGuest,
    to: [u8; 6],
    /// The number of the next frame that it sends.
    next: u64,
    /// The number of the last frame that it got.
    last: Option<u64>,
}

impl Talker {
    fn new(guest: SyntheticGuest, to: [u8; 6]) -> Talker {
        Talker { guest, to, next: 0, last: None }
    }

    /// Sends up to `count` frames with one kick, as far as there is room.
    fn send(&mut self, rng: &mut Rng, count: usize) {
        let from = self.guest.mac();
        let tx = &mut self.guest.pairs()[0].tx;
        tx.reclaim();
        for _ in 0..count {
            let frame = numbered(self.to, from, self.next, rng.between(60, 1514));
            let shape = if rng.one_in(2) { Shape::whole() } else { Shape::own_header().indirect_from(0) };
            if tx.enqueue(&shape, VnetHeader::default(), &frame).is_err() {
                break;
            }
            self.next += 1;
        }
        tx.flush();
    }

    /// Takes what has come. Numbers only ever rise: nothing is doubled or overtaken; damage panics by itself.
    fn receive(&mut self) {
        while let Some(got) = self.guest.recv() {
            let number = number_of(&got.frame).expect("only numbered frames were sent");
            let name = self.guest.name();
            assert!(self.last < Some(number), "{name}: frame {number} came after {:?}", self.last);
            self.last = Some(number);
        }
    }

    /// Sends and receives until the other side has got something that was sent from now on.
    fn resume(&mut self, other: &mut Talker, rng: &mut Rng) {
        let fresh = self.next;
        until("traffic to flow again", Deadline::patient(), || {
            self.send(rng, 4);
            other.receive();
            self.receive();
            other.last >= Some(fresh)
        });
    }
}

fn daemon(side: Side) -> Weftd {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    let mode: &[&str] = if side == Side::Listens { &["--client"] } else { &[] };
    daemon.add_port("red", "one", 1, mode);
    daemon.add_port("red", "two", 2, mode);
    daemon
}

fn killed_again_and_again(side: Side, order: Order, seed: u64) {
    let mut rng = Rng::from_env(seed);
    let mut daemon = daemon(side);
    let options = |name: &str, number: u8| GuestOptions { side, order, ..GuestOptions::new(name, number) };
    let (one, two) = (daemon.attach_as("one", options("one", 1)), daemon.attach_as("two", options("two", 2)));
    let (to_one, to_two) = (one.mac(), two.mac());
    let (mut one, mut two) = (Talker::new(one, to_two), Talker::new(two, to_one));
    for _ in 0..KILLS {
        one.resume(&mut two, &mut rng);
        two.resume(&mut one, &mut rng);
        for _ in 0..rng.between(1, 20) {
            for talker in [&mut one, &mut two] {
                let count = rng.between(1, 100);
                talker.send(&mut rng, count);
                talker.receive();
            }
        }
        // Whatever the workers are doing with the last bursts.
        daemon.kill_9();
        for talker in [&mut one, &mut two] {
            talker.receive();
            talker.send(&mut rng, 30);
        }
        daemon.restart();
        let mut talkers = [&mut one, &mut two];
        if rng.one_in(2) {
            talkers.reverse();
        }
        talkers.into_iter().for_each(|talker| talker.guest.reconnect(Deadline::patient()));
    }
    one.resume(&mut two, &mut rng);
    two.resume(&mut one, &mut rng);
    for talker in [&mut one, &mut two] {
        talker.guest.drain(Deadline::patient());
        talker.receive();
    }
}

#[test]
fn guests_that_connect_survive_kills_under_traffic() {
    killed_again_and_again(Side::Connects, Order::Qemu, 1);
}

#[test]
fn guests_that_listen_survive_kills_under_traffic() {
    killed_again_and_again(Side::Listens, Order::Qemu, 2);
}

/// cloud-hypervisor names the available index as base, which would lose every posted buffer if it were believed.
#[test]
fn guests_of_cloud_hypervisor_survive_kills_under_traffic() {
    killed_again_and_again(Side::Connects, Order::CloudHypervisor, 3);
}

#[test]
fn frames_in_the_ring_at_the_moment_of_the_kill_arrive_once() {
    for side in [Side::Connects, Side::Listens] {
        let mut daemon = daemon(side);
        let options = |name: &str, number: u8| GuestOptions { side, ..GuestOptions::new(name, number) };
        let mut one = daemon.attach_as("one", options("one", 1));
        let mut two = daemon.attach_as("two", options("two", 2));
        ping(&mut one, &mut two, 1);
        // Stopped, so that the frames are in the ring for certain when it dies.
        daemon.signal(Signal::STOP);
        let (from, to) = (one.mac(), two.mac());
        (0..200).for_each(|number| one.send(&numbered(to, from, number, 200)));
        daemon.kill_9();
        daemon.restart();
        two.reconnect(Deadline::patient());
        one.reconnect(Deadline::patient());
        one.drain(Deadline::patient());
        let mut seen = Vec::new();
        two.recv_until(Deadline::patient(), |got| {
            seen.extend(number_of(&got.frame));
            seen.len() == 200
        });
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
        (2..300).for_each(|sequence| ping(&mut one, &mut two, sequence));
    }
}
