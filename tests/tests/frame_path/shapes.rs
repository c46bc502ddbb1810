// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every shape of chain that a sender may use.

use tests::driver::{Shape, VnetHeader};
use tests::memory::Layout;
use tests::rig::{Moved, PortOptions, Rig, feature, mac, readable, writable};

use super::{frame, numbered};

/// Shapes that real drivers use, and the extremes.
fn shapes() -> Vec<Shape> {
    let direct = [
        Shape::whole(),
        Shape::own_header(),
        Shape::cut(&[1; 12]),
        Shape::cut(&[1; 200]),
        Shape::cut(&[10, 2, 14, 40]),
        Shape::cut(&[12, 128]),
        Shape::cut(&[12 + 128]),
        Shape::cut(&[12, 127, 1, 1]),
        Shape::cut(&[5, 7, 13, 1, 120, 300]),
    ];
    let indirect = direct.iter().flat_map(|shape| [0, 1].map(|from| shape.clone().indirect_from(from)));
    direct.iter().cloned().chain(indirect).collect()
}

fn check(rig: &mut Rig) {
    for shape in shapes() {
        for len in [60, 100, 127, 128, 129, 141, 500, 1514] {
            let sent = numbered(mac(1), mac(0), len as u64, len);
            rig.send_as(0, &shape, VnetHeader::default(), &sent);
            assert_eq!(rig.received(1), [sent], "{len} bytes in {shape:?}");
            assert_eq!((rig.moved(0), rig.moved(1)), (Moved::sent(1, len), Moved::received(1, len)));
        }
    }
}

#[test]
fn every_shape_of_transmit_chain_arrives_as_the_same_frame() {
    check(&mut Rig::with_ports(2, &PortOptions::default()));
}

#[test]
fn every_shape_arrives_out_of_memory_with_a_hole() {
    let options = PortOptions { memory: Layout::holed(16 << 20), ..PortOptions::default() };
    check(&mut Rig::with_ports(2, &options));
}

#[test]
fn every_shape_arrives_with_a_legacy_header_on_the_other_side() {
    // Without VERSION_1 and mergeable buffers the receiver's header has 10 bytes.
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::default());
    rig.add(0, &PortOptions::with_features(feature::EVENT_IDX));
    let mut rx = rig.raw_receive(1, 8);
    for len in [60_u32, 1514] {
        rx.chain(0, &[writable(rx.buffers().gpa(), 3), writable(rx.buffers().gpa() + 3, 2000)]);
        rx.offer(&[0]);
        let sent = numbered(mac(1), mac(0), 3, len as usize);
        rig.send(0, &sent);
        assert_eq!(rx.take_used(), [(0, 10 + len)]);
        assert_eq!(rx.buffers().read(0, 10), [0; 10]);
        assert_eq!(rx.buffers().read(10, len as usize), sent);
    }
}

#[test]
fn a_legacy_receivers_buffer_is_written_as_far_as_the_frame_goes() {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::default());
    rig.add(0, &PortOptions::with_features(feature::EVENT_IDX));
    let mut rx = rig.raw_receive(1, 8);
    for len in [14_u32, 60, 128, 1514] {
        let at = rx.fill(0, &[0xee; 2000]);
        rx.chain(0, &[writable(at, 2000)]);
        rx.offer(&[0]);
        let sent = numbered(mac(1), mac(0), 3, len.max(24) as usize)[..len as usize].to_vec();
        rig.send(0, &sent);
        assert_eq!(rx.take_used(), [(0, 10 + len)]);
        let whole = [&[0; 10], &sent[..], &[0xee; 16]].concat();
        assert_eq!(rx.buffers().read(0, whole.len()), whole, "{len} bytes");
    }
}

#[test]
fn a_legacy_senders_frame_in_one_buffer_begins_behind_ten_bytes() {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_features(0));
    rig.add(0, &PortOptions::default());
    let mut tx = rig.raw_transmit(0, 8);
    for len in [60, 127, 128, 129, 500] {
        let sent = numbered(mac(1), mac(0), 5, len);
        let at = tx.fill(0, &[&[0; 10], &sent[..]].concat());
        tx.chain(0, &[readable(at, 10 + len as u32)]);
        tx.offer(&[0]);
        assert_eq!(rig.poll(), 1);
        assert_eq!(rig.received(1), [sent], "{len} bytes");
    }
}

#[test]
fn a_legacy_sender_has_a_header_of_ten_bytes() {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_features(0));
    rig.add(0, &PortOptions::default());
    let mut tx = rig.raw_transmit(0, 8);
    let sent = frame(mac(1), mac(0));
    let at = tx.fill(0, &[&[0; 10], &sent[..]].concat());
    tx.chain(0, &[readable(at, 4), readable(at + 4, 106)]);
    tx.offer(&[0]);
    assert_eq!(rig.poll(), 1);
    assert_eq!(rig.received(1), [sent]);
}

#[test]
fn a_buffer_may_straddle_two_adjoining_regions() {
    let mut rig = Rig::with_ports(2, &PortOptions { memory: Layout::adjacent(16 << 20), ..PortOptions::default() });
    let (mut tx, mut rx) = (rig.raw_transmit(0, 8), rig.raw_receive(1, 8));
    let border = 8_u64 << 20;
    for cut in [1, 6, 12, 13, 100, 140, 150] {
        let sent = frame(mac(1), mac(0));
        let bytes = [&[0; 12], &sent[..], &[0; 100]].concat();
        let (low, high) = bytes.split_at(cut);
        rig.port(0).memory().window_at(border - cut as u64, cut).write(0, low);
        rig.port(0).memory().window_at(border, high.len()).write(0, high);
        tx.chain(0, &[readable(border - cut as u64, 112)]);
        rx.chain(0, &[writable(border - cut as u64 / 2, 112)]);
        rx.offer(&[0]);
        tx.offer(&[0]);
        rig.poll();
        let below = rig.port(1).memory().window_at(border - cut as u64 / 2, cut / 2).read(0, cut / 2);
        let above = rig.port(1).memory().window_at(border, 112).read(0, 112 - cut / 2);
        assert_eq!([below, above].concat()[12..], sent, "cut at {cut}");
    }
}
