// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Source MACs and lengths.

use dataplane::{DropReason, MacPolicy};
use tests::driver::{Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, Rig, feature, mac};
use wire::MacAddr;
use wire::build::{Ether, Ip, Tcp};
use wire::ether::ethertype;

use super::{frame, numbered};

const STRANGER: MacAddr = MacAddr([2, 0xaa, 0, 0, 0, 1]);

#[test]
fn a_port_may_use_its_own_source_mac_and_no_other() {
    let mut rig = Rig::with_ports(3, &PortOptions::default());
    for from in [STRANGER, mac(1)] {
        rig.send(0, &frame(mac(2), from));
    }
    assert_eq!(rig.moved(0), Moved::sent(2, 200).dropped(DropReason::SpoofedMac, 2));
    assert_eq!(rig.moved(2), Moved::default());
}

#[test]
fn any_opens_the_check_but_never_to_another_ports_own_mac() {
    let mut rig = Rig::with_ports(3, &PortOptions::default());
    rig.port(0).port().set_macs(MacPolicy::Any);
    rig.send(0, &frame(mac(2), STRANGER));
    assert_eq!(rig.received(2).len(), 1);
    rig.moved(0);
    rig.send(0, &frame(mac(2), mac(1)));
    assert_eq!(rig.moved(0), Moved::sent(1, 100).dropped(DropReason::SpoofedMac, 1));
    rig.port(0).port().set_macs(MacPolicy::Own);
    rig.send(0, &frame(mac(2), STRANGER));
    assert_eq!(rig.moved(0), Moved::sent(1, 100).dropped(DropReason::SpoofedMac, 1), "closed again");
}

#[test]
fn group_and_zero_sources_are_nobodys() {
    let mut rig = Rig::with_ports(2, &PortOptions { macs: MacPolicy::Any, ..PortOptions::default() });
    for from in [MacAddr::ZERO, MacAddr::BROADCAST, MacAddr([1, 0, 0x5e, 0, 0, 1])] {
        rig.send(0, &frame(mac(1), from));
    }
    assert_eq!(rig.moved(0), Moved::sent(3, 300).dropped(DropReason::BadSource, 3));
    assert_eq!(rig.moved(1), Moved::default());
}

/// A frame with `tags` VLAN tags that carries `packet` bytes.
fn tagged(tags: usize, packet: usize) -> Vec<u8> {
    let ether = (0..tags).fold(Ether::new(mac(1), mac(0)), |ether, tag| ether.vlan(tag as u16 + 1));
    ether.raw(0x88b5, &vec![7; packet])
}

#[test]
fn the_senders_mtu_bounds_the_packet_and_tags_come_on_top() {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_mtu(1000));
    rig.add(0, &PortOptions::with_mtu(9000));
    for tags in 0..=2 {
        rig.send(0, &tagged(tags, 1000));
        assert_eq!(rig.received(1), [tagged(tags, 1000)], "{tags} tags");
        rig.moved(0);
        rig.send(0, &tagged(tags, 1001));
        let len = 14 + 4 * tags + 1001;
        assert_eq!(rig.moved(0), Moved::sent(1, len).dropped(DropReason::Oversize, 1), "{tags} tags");
    }
    // What follows a second tag is payload.
    rig.send(0, &tagged(3, 1000));
    assert_eq!(rig.received(1), [[0; 0]; 0]);
}

#[test]
fn the_receivers_mtu_bounds_the_packet_for_that_receiver_alone() {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_mtu(9000));
    rig.add(0, &PortOptions::with_mtu(1000));
    rig.add(0, &PortOptions::with_mtu(9000));
    let big = numbered(MacAddr::BROADCAST, mac(0), 1, 1015);
    rig.send(0, &big);
    assert_eq!(rig.moved(1), Moved::default().dropped(DropReason::TooBig, 1));
    assert_eq!(rig.moved(2), Moved::received(1, 1015));
    assert_eq!(rig.moved(0), Moved::sent(1, 1015), "the sender did nothing wrong");
    rig.port(1).port().set_mtu(1001);
    rig.send(0, &big);
    assert_eq!(rig.moved(1), Moved::received(1, 1015), "from the next burst on");
}

/// A TSO frame with segments of `mss` bytes, and its header.
fn tso(mss: u16, payload: usize) -> (VnetHeader, Vec<u8>) {
    let ip = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
    let (header, frame) =
        Ether::new(mac(1), mac(0)).ip(ip).tcp_offloaded(&Tcp::default(), &vec![1; payload], Some(mss));
    (VnetHeader::from_bytes(&header.to_bytes()), frame)
}

#[test]
fn the_segments_of_a_large_frame_obey_the_mtus_and_the_frame_need_not() {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions { mtu: 2000, ..PortOptions::with_features(feature::SENDER) });
    rig.add(0, &PortOptions { mtu: 1500, ..PortOptions::with_features(feature::RECEIVER) });
    let mut send = |mss, payload| {
        let (header, frame) = tso(mss, payload);
        rig.send_as(0, &Shape::whole(), header, &frame);
        (rig.moved(0).drops, rig.moved(1).drops)
    };
    assert_eq!(send(1460, 30_000), (vec![], vec![]));
    assert_eq!(send(1461, 30_000), (vec![], vec![(DropReason::TooBig, 1)]), "40 bytes of headers and 1461");
    assert_eq!(send(1960, 30_000), (vec![], vec![(DropReason::TooBig, 1)]));
    assert_eq!(send(1961, 30_000), (vec![(DropReason::Oversize, 1)], vec![]));
    assert_eq!(send(u16::MAX, 1460), (vec![], vec![]), "what is not cut is as long as it is");
}

#[test]
fn runts_are_dropped_and_short_frames_are_not_padded() {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    let whole = Ether::new(mac(1), mac(0)).raw(ethertype::ARP, &[]);
    for len in 1..14 {
        rig.send(0, &whole[..len]);
        assert_eq!(rig.moved(0), Moved::sent(1, len).dropped(DropReason::Runt, 1), "{len} bytes");
    }
    rig.send(0, &whole);
    assert_eq!(rig.received(1), [whole]);
}

#[test]
fn nothing_longer_than_the_largest_packet_enters() {
    let options = PortOptions { mtu: 65_535, buffers: (Shape::whole(), 70_000), ..PortOptions::default() };
    let mut rig = Rig::with_ports(2, &options);
    let longest = tagged(2, 65_535);
    rig.send(0, &longest);
    assert_eq!(rig.received(1), [longest]);
    rig.moved(0);
    rig.send(0, &tagged(2, 65_536));
    assert_eq!(rig.moved(0), Moved::sent(1, 65_558).dropped(DropReason::Oversize, 1));
}

#[test]
fn a_port_without_a_session_costs_its_sender_nothing() {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    rig.stop(1);
    rig.send(0, &frame(mac(1), mac(0)));
    assert_eq!(rig.moved(0), Moved::sent(1, 100));
    assert_eq!(rig.moved(1), Moved::default().dropped(DropReason::PortDown, 1));
    rig.start(1);
    rig.send(0, &frame(mac(1), mac(0)));
    assert_eq!(rig.moved(1), Moved::received(1, 100));
}
