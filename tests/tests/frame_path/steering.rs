// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Several queue pairs: which flow goes to which.

use std::collections::BTreeMap;
use std::ops::Range;

use dataplane::DropReason;
use sys::Ring;
use tests::driver::{QueueOptions, Shape, VnetHeader};
use tests::memory::Layout;
use tests::rig::{PortOptions, Rig, mac};
use wire::build::{Ether, Ip};

use super::numbered;

const PAIRS: u16 = 4;

fn multi_queue(filled: u16) -> Rig {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::default());
    let memory = Layout::flat(64 << 20);
    rig.add(0, &PortOptions { pairs: PAIRS, filled, memory, ..PortOptions::default() });
    rig
}

/// Datagram `number` of a flow.
pub(super) fn datagram(flow: u16, number: u32) -> Vec<u8> {
    let payload = [&number.to_be_bytes()[..], &[0; 40]].concat();
    match flow % 2 {
        0 => Ether::new(mac(1), mac(0)).ip(Ip::v4([10, 0, 0, 1], [10, 0, 0, 2])).udp(flow, 53, &payload),
        _ => Ether::new(mac(1), mac(0)).ip(Ip::v6([1; 16], [2; 16])).udp(flow, 53, &payload),
    }
}

/// Flow and number of a datagram.
pub(super) fn read(frame: &[u8]) -> (u16, u32) {
    let at = if frame[12..14] == [8, 0] { 34 } else { 54 };
    let number = u32::from_be_bytes(frame[at + 8..at + 12].try_into().expect("four bytes"));
    (u16::from_be_bytes([frame[at], frame[at + 1]]), number)
}

/// Sends `rounds` datagrams of each of 64 flows and returns what each pair got.
fn spread(rig: &mut Rig, rounds: u32) -> Vec<Vec<(u16, u32)>> {
    let mut got = vec![Vec::new(); PAIRS.into()];
    for number in 0..rounds {
        (0..64).for_each(|flow| rig.send(0, &datagram(flow, number)));
        for (pair, queue) in rig.port(1).rx.iter_mut().enumerate() {
            got[pair].extend(std::iter::from_fn(|| queue.recv()).map(|received| read(&received.frame)));
        }
    }
    got
}

#[test]
fn a_flow_stays_in_its_queue_and_in_order_and_flows_spread() {
    let mut rig = multi_queue(PAIRS);
    let got = spread(&mut rig, 20);
    let mut home = BTreeMap::new();
    let mut next = BTreeMap::new();
    for (pair, frames) in got.iter().enumerate() {
        assert!(!frames.is_empty(), "64 flows leave pair {pair} idle");
        for &(flow, number) in frames {
            assert_eq!(*home.entry(flow).or_insert(pair), pair, "flow {flow} changed its queue");
            let expected = next.entry(flow).or_insert(0);
            assert_eq!(number, *expected, "flow {flow} is out of order");
            *expected += 1;
        }
    }
    assert_eq!(home.len(), 64);
}

#[test]
fn a_pair_that_the_guest_never_filled_gets_nothing_and_loses_nothing() {
    // Some VMMs enable all pairs while the guest uses the first alone.
    let mut rig = multi_queue(1);
    let got = spread(&mut rig, 2);
    assert_eq!(got.iter().map(Vec::len).collect::<Vec<_>>(), [128, 0, 0, 0]);
    assert_eq!(rig.moved(1).drops, []);
}

#[test]
fn a_pair_in_use_that_is_empty_for_the_moment_keeps_its_flows() {
    // The index of each queue wraps to 0 just when its last buffer is taken: that must not look like "never used".
    let got = spread(&mut multi_queue(PAIRS), 1);
    let (flow, _) = got[1..].concat()[0];
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::default());
    let queue = QueueOptions { size: 64, start_index: 65_472, heap_len: 1 << 20, ..QueueOptions::default() };
    rig.add(0, &PortOptions { pairs: PAIRS, queue, ..PortOptions::default() });
    (0..65).for_each(|number| rig.send(0, &datagram(flow, number)));
    assert_eq!(rig.moved(1).drops, [(DropReason::RingFull, 1)], "no other queue is asked");
}

#[test]
fn a_stopped_pair_hands_its_flows_to_the_others() {
    let mut rig = multi_queue(PAIRS);
    drop(rig.port(1).port().detach_receiver(2));
    let got = spread(&mut rig, 2);
    assert_eq!(got.iter().map(Vec::len).sum::<usize>(), 128);
    assert!(got[2].is_empty());
}

#[test]
fn fragments_of_a_datagram_stay_together() {
    let mut rig = multi_queue(PAIRS);
    let ip = || Ip::v4([10, 0, 0, 1], [10, 0, 0, 2]).id(7);
    let fragments = [
        Ether::new(mac(1), mac(0)).ip(ip().fragment(0x2000)).udp(1000, 2000, &[0; 64]),
        Ether::new(mac(1), mac(0)).ip(ip().fragment(0x2009)).raw(17, &[1; 72]),
        Ether::new(mac(1), mac(0)).ip(ip().fragment(0x0012)).raw(17, &[2; 72]),
    ];
    fragments.iter().for_each(|fragment| rig.send(0, fragment));
    let counts = counts(&mut rig);
    assert_eq!(counts.iter().max(), Some(&3), "{counts:?}");
}

/// How many frames each pair got.
fn counts(rig: &mut Rig) -> Vec<usize> {
    rig.port(1).rx.iter_mut().map(|queue| std::iter::from_fn(|| queue.recv()).count()).collect()
}

#[test]
fn fragments_of_an_ipv6_packet_stay_together() {
    const FRAGMENT: u8 = 44;
    for id in 0..32 {
        let mut rig = multi_queue(PAIRS);
        let part = |offset: u16, more: u8| {
            let [hi, lo] = offset.to_be_bytes();
            Ether::new(mac(1), mac(0))
                .ip(Ip::v6([1; 16], [2; 16]).extension(FRAGMENT, &[0, hi, lo | more, 0, 0, 0, id]))
        };
        rig.send(0, &part(0, 1).udp(1000 + u16::from(id), 2000, &[0; 64]));
        rig.send(0, &part(72, 1).raw(17, &[id; 72]));
        rig.send(0, &part(144, 0).raw(17, &[0; 30]));
        let counts = counts(&mut rig);
        assert_eq!(counts.iter().max(), Some(&3), "{counts:?}");
    }
}

#[test]
fn tags_and_extension_headers_do_not_change_the_queue_of_a_flow() {
    let ether = || Ether::new(mac(1), mac(0));
    let options = [0, 1, 4, 0, 0, 0, 0];
    for flow in 0..32 {
        let mut rig = multi_queue(PAIRS);
        for ether in [ether(), ether().vlan(5), ether().vlan(5).vlan(6)] {
            let v6 = || Ip::v6([1; 16], [2; 16]);
            let extended = v6().extension(0, &options).extension(60, &options);
            // A fragment header around a whole packet (RFC 6946).
            let atomic = v6().extension(44, &[0, 0, 0, 0, 0, 0, 9]);
            for ip in [v6(), extended, atomic] {
                rig.send(0, &ether.clone().ip(ip).udp(flow, 53, b"question"));
            }
        }
        let counts = counts(&mut rig);
        assert_eq!(counts.iter().max(), Some(&9), "flow {flow} over IPv6: {counts:?}");
        for ether in [ether(), ether().vlan(5), ether().vlan(5).vlan(6)] {
            for ip in [Ip::v4([1; 4], [2; 4]), Ip::v4([1; 4], [2; 4]).options(&[1, 1, 1, 0])] {
                rig.send(0, &ether.clone().ip(ip).udp(flow, 53, b"question"));
            }
        }
        let counts = self::counts(&mut rig);
        assert_eq!(counts.iter().max(), Some(&6), "flow {flow} over IPv4: {counts:?}");
    }
}

/// A guest that changes its number of queues, and what became of each flow so far.
struct Resized {
    rig: Rig,
    /// Rings of the pairs that are stopped.
    rings: [Option<Ring>; PAIRS as usize],
    running: u16,
    home: BTreeMap<u16, u16>,
    next: BTreeMap<u16, u32>,
}

impl Resized {
    /// What `ethtool -L eth0 combined N` makes of it: one pair after the other is stopped or started.
    fn resize(&mut self, pairs: u16) {
        let port = self.rig.port(1).port();
        for pair in (pairs..self.running).rev() {
            self.rings[usize::from(pair)] = port.detach_receiver(pair).expect("no burst is under way");
        }
        for pair in self.running..pairs {
            let ring = self.rings[usize::from(pair)].take().expect("it was stopped");
            assert!(port.attach_receiver(pair, ring).is_none());
        }
        self.running = pairs;
    }

    /// Checks that each flow goes on where it was, unless that pair is gone, or its new one was `added`.
    fn check(&mut self, added: Range<u16>) {
        for (pair, queue) in self.rig.port(1).rx.iter_mut().enumerate() {
            let pair = pair as u16;
            for (flow, number) in std::iter::from_fn(|| queue.recv()).map(|received| read(&received.frame)) {
                let moved = self.home.insert(flow, pair).filter(|&from| from != pair);
                let has_reason = moved.is_none_or(|from| from >= self.running || added.contains(&pair));
                assert!(has_reason, "flow {flow} went from {moved:?} to {pair} of {}", self.running);
                let expected = self.next.entry(flow).or_insert(0);
                assert_eq!(number, *expected, "flow {flow}");
                *expected += 1;
            }
        }
        assert_eq!(self.rig.moved(1).drops, []);
    }
}

#[test]
fn a_guest_that_changes_its_number_of_queues_keeps_flows_in_place_and_in_order() {
    let (rig, rings, running) = (multi_queue(PAIRS), [const { None }; PAIRS as usize], PAIRS);
    let mut guest = Resized { rig, rings, running, home: BTreeMap::new(), next: BTreeMap::new() };
    for (round, pairs) in [4, 3, 1, 2, 4, 2, 3, 4].into_iter().enumerate() {
        let before = guest.running;
        guest.resize(pairs);
        for number in [2 * round as u32, 2 * round as u32 + 1] {
            (0..64).for_each(|flow| guest.rig.send(0, &datagram(flow, number)));
        }
        guest.check(before..pairs);
    }
    assert!(guest.next.len() == 64 && guest.next.values().all(|&count| count == 16), "nothing was lost");
}

#[test]
fn every_transmit_queue_of_a_port_is_served() {
    let mut rig = multi_queue(PAIRS);
    for pair in 0..usize::from(PAIRS) {
        let sent = numbered(mac(0), mac(1), pair as u64, 100);
        rig.port(1).tx[pair].send(&Shape::whole(), VnetHeader::default(), &sent).unwrap();
    }
    assert_eq!(rig.poll(), 4);
    assert_eq!(rig.received(0).len(), 4);
}
