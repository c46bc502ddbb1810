// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests attach in the message orders of real VMMs, whoever listens, and frames flow.
use tests::driver::{Shape, VnetHeader};
use tests::frames::{Host, echo_request, numbered};
use tests::frontend::script::Order;
use tests::guest::{GuestOptions, Side, SyntheticGuest, feature, host_of, ping};
use tests::memory::Layout;
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

/// Two guests that follow this order, one of them with a hole in its memory and two queue pairs, on ports of this mode.
fn pair(daemon: &Weftd, order: Order, side: Side) -> [SyntheticGuest; 2] {
    daemon.add_namespace("red");
    let mode: &[&str] = if side == Side::Listens { &["--client"] } else { &[] };
    daemon.add_port("red", "one", 1, &[mode, &["--queues", "2"]].concat());
    daemon.add_port("red", "two", 2, mode);
    let options = |name: &str, number: u8| GuestOptions { order, side, ..GuestOptions::new(name, number) };
    let layout = Layout::holed(512 << 20);
    let one = daemon.attach_as("one", GuestOptions { queue_pairs: 2, layout, ..options("one", 1) });
    [one, daemon.attach_as("two", options("two", 2))]
}

/// Attaches, pings, pauses and resumes, detaches.
fn a_whole_life(order: Order, side: Side) {
    let daemon = Weftd::start();
    let [mut one, mut two] = pair(&daemon, order, side);
    // More frames than the queues have entries, so that every ring wraps around.
    (0..300).for_each(|sequence| ping(&mut one, &mut two, sequence));
    daemon.await_state("one", "up");
    one.pause(true).expect("a VMM may pause its guest");
    one.pause(false).expect("and let it run again");
    ping(&mut two, &mut one, 300);
    for guest in [&mut one, &mut two] {
        guest.detach().expect("a VMM may stop its guest");
    }
    daemon.await_port("one", |port| port["state"] != "up" && port["reason"].as_str().is_some());
}

#[test]
fn in_the_order_of_qemu_which_connects() {
    a_whole_life(Order::Qemu, Side::Connects);
}

#[test]
fn in_the_order_of_qemu_which_listens() {
    a_whole_life(Order::Qemu, Side::Listens);
}

#[test]
fn in_the_order_of_cloud_hypervisor_which_connects() {
    a_whole_life(Order::CloudHypervisor, Side::Connects);
}

#[test]
fn in_the_order_of_cloud_hypervisor_which_listens() {
    a_whole_life(Order::CloudHypervisor, Side::Listens);
}

/// Both pairs of a port carry frames, and the session says what it negotiated.
#[test]
fn two_queue_pairs_carry_frames_both_ways() {
    let daemon = Weftd::start();
    let [mut one, mut two] = pair(&daemon, Order::Qemu, Side::Connects);
    // Rings, not pairs: cloud-hypervisor asks for rings, and QEMU for pairs, which are fewer.
    assert_eq!(one.queue_num(), Some(4));
    assert!(one.features() & feature::MQ != 0);
    for flow in 0..64 {
        let frame = numbered(two.mac(), one.mac(), flow, 200);
        let pair = (flow % 2) as usize;
        one.send_as(pair, &Shape::own_header(), VnetHeader::default(), &frame);
        let seen = two.recv_until(Deadline::patient(), |received| received.frame == frame);
        assert!(seen.is_some(), "a frame of queue pair {pair} did not arrive");
    }
}

/// Frames of many flows spread over the queue pairs of the guest that they are for.
#[test]
fn flows_spread_over_the_queue_pairs_of_their_receiver() {
    let daemon = Weftd::start();
    let [mut one, mut two] = pair(&daemon, Order::Qemu, Side::Connects);
    let (asker, answerer) = (host_of(&two), host_of(&one));
    let mut used = [false; 2];
    for flow in 0..64_u8 {
        let asker = Host { ip: [10, 1, 1, flow], ..asker };
        two.send(&echo_request(asker, answerer, flow.into(), &[flow; 40]));
        until("a frame on either queue pair", Deadline::patient(), || {
            let mut pairs = one.pairs().iter_mut().enumerate();
            pairs.any(|(number, pair)| pair.rx.recv().inspect(|_| used[number] = true).is_some())
        });
    }
    assert_eq!(used, [true; 2]);
}
