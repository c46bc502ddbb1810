// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests reboot, come and go; workers share the load.
use tests::frames::{number_of, numbered};
use tests::frontend::script::Order;
use tests::guest::{GuestOptions, SyntheticGuest, feature, ping};
use tests::wait::Deadline;
use tests::weftd::Weftd;

fn daemon(arguments: &[&str], ports: u8) -> Weftd {
    let daemon = Weftd::start_with(arguments);
    daemon.add_namespace("red");
    (1..=ports).for_each(|number| daemon.add_port("red", &name(number), number, &[]));
    daemon
}

fn name(number: u8) -> String {
    format!("vm{number}")
}

#[test]
fn a_guest_reboots_again_and_again() {
    for order in Order::ALL {
        let daemon = daemon(&[], 2);
        let options = |number: u8| GuestOptions { order, ..GuestOptions::new(&name(number), number) };
        let mut one = daemon.attach_as("vm1", options(1));
        let mut two = daemon.attach_as("vm2", options(2));
        for sequence in 0..8 {
            ping(&mut one, &mut two, sequence);
            one.reboot().expect("a VMM may reset its guest");
        }
        ping(&mut one, &mut two, 100);
        assert_eq!(daemon.port("vm1")["state"], "up");
    }
}

/// While its guest is down a port loses what is sent to it, says why, and misses nothing afterwards.
#[test]
fn what_is_sent_to_a_guest_that_is_down_is_counted() {
    let daemon = daemon(&[], 2);
    let (mut one, mut two) = (daemon.attach("vm1", 1), daemon.attach("vm2", 2));
    ping(&mut one, &mut two, 1);
    two.detach().expect("a VMM may stop its guest");
    daemon.await_port("vm2", |port| port["state"] != "up");
    (0..5).for_each(|number| one.send(&numbered(two.mac(), one.mac(), number, 100)));
    one.drain(Deadline::patient());
    daemon.await_port("vm2", |port| port["drops"]["port-down"] == 5);
    two.reconnect(Deadline::patient());
    ping(&mut one, &mut two, 2);
}

/// Every kind of driver talks to every other.
#[test]
fn drivers_of_all_abilities_understand_each_other() {
    let daemon = daemon(&[], 4);
    let plain = feature::BASE;
    let abilities = [
        feature::LINUX | feature::IN_ORDER,
        plain,
        plain | feature::EVENT_IDX,
        plain | feature::MRG_RXBUF | feature::OFFLOADS,
    ];
    let mut guests: Vec<SyntheticGuest> = (1..=4_u8)
        .zip(abilities)
        .map(|(number, features)| {
            let options = GuestOptions { features, ..GuestOptions::new(&name(number), number) };
            daemon.attach_as(&name(number), options)
        })
        .collect();
    let mut sequence = 0;
    for one in 0..4 {
        for two in one + 1..4 {
            let (left, right) = guests.split_at_mut(two);
            for _ in 0..40 {
                sequence += 1;
                ping(&mut left[one], &mut right[0], sequence);
            }
        }
    }
}

/// Frames of a port come in the order in which they were sent, whichever workers move them.
#[test]
fn several_workers_serve_one_namespace() {
    let daemon = daemon(&["--workers", "2"], 4);
    let mut guests: Vec<SyntheticGuest> = (1..=4_u8).map(|number| daemon.attach(&name(number), number)).collect();
    let macs: Vec<_> = guests.iter().map(SyntheticGuest::mac).collect();
    for number in 0..100 {
        for from in 0..4 {
            let to = macs[(from + 1 + number as usize % 3) % 4];
            guests[from].send(&numbered(to, macs[from], number, 300));
        }
    }
    for guest in &mut guests {
        guest.drain(Deadline::patient());
        let mut last = std::collections::BTreeMap::new();
        for _ in 0..100 {
            let got = guest.recv_until(Deadline::patient(), |_| true).expect("100 frames are for each guest");
            let number = number_of(&got.frame).expect("only numbered frames were sent");
            let before = last.insert(got.frame[6..12].to_vec(), number);
            assert!(before < Some(number), "frame {number} came after {before:?} of the same port");
        }
        assert!(guest.recv().is_none(), "nothing comes twice");
    }
    let workers = daemon.json(&["status"])["workers"].clone();
    let frames: Vec<u64> = workers.as_array().expect("a list").iter().filter_map(|w| w["frames"].as_u64()).collect();
    assert!(frames.len() == 2 && frames.iter().all(|&frames| frames > 0), "both workers work: {workers}");
}
