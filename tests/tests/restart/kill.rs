// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `kill -9` under traffic. The guests do nothing about it but what their VMMs do: connect, or be connected to, again.
use rustix::process::Signal;
use tests::frames::{number_of, numbered};
use tests::frontend::script::Order;
use tests::guest::{GuestOptions, Side, ping};
use tests::seed::Rng;
use tests::wait::Deadline;
use tests::weftd::Weftd;

use crate::talker::Talker;

const KILLS: u64 = 10;

pub(crate) fn daemon(side: Side) -> Weftd {
    daemon_with(side, 1)
}

/// As many workers as the ports have queue pairs.
pub(crate) fn daemon_with(side: Side, pairs: u16) -> Weftd {
    let pairs = pairs.to_string();
    let daemon = Weftd::start_with(&["--workers", &pairs]);
    daemon.add_namespace("red");
    let mut more = vec!["--queues", &pairs];
    more.extend((side == Side::Listens).then_some("--client"));
    daemon.add_port("red", "one", 1, &more);
    daemon.add_port("red", "two", 2, &more);
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
