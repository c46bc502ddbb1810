// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Malformed descriptor chains on the transmit side.

use dataplane::DropReason;
use tests::driver::{DESCRIPTOR_INDIRECT, DESCRIPTOR_NEXT, DESCRIPTOR_WRITE, Descriptor};
use tests::frames;
use tests::memory::Layout;
use tests::rig::{Moved, PortOptions, feature, mac, readable, writable};
use wire::MacAddr;
use wire::build::Ether;

use super::{CHAIN, EVIL, LEN, SIZE, Scene, frame};

/// Where indirect tables go in the attacker's buffers.
const TABLE: usize = 0x8000;

fn next(addr: u64, len: u32, next: u16) -> Descriptor {
    Descriptor { addr, len, flags: DESCRIPTOR_NEXT, next }
}

/// A descriptor that refers to a table of `len` bytes, which is filled with `entries`.
fn indirect(scene: &Scene, entries: &[Descriptor], len: u32) -> Descriptor {
    let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_bytes()).collect();
    Descriptor { addr: scene.tx.fill(TABLE, &bytes), len, flags: DESCRIPTOR_INDIRECT, next: 0 }
}

#[test]
fn g1_loops_its_chains() {
    let mut scene = Scene::new();
    let at = scene.honest();
    scene.tx.ring().set_descriptor(0, next(at, 12, 0));
    scene.rejected("a loop of one");
    scene.tx.ring().set_descriptor(0, next(at, 12, 1));
    scene.tx.ring().set_descriptor(1, next(at, 50, 0));
    scene.rejected("a loop of two");
    scene.tx.ring().set_descriptor(0, next(at, 0, 0));
    scene.rejected("a loop of nothing");
    let looped = indirect(&scene, &[next(at, 12, 1), next(at, 50, 0)], 32);
    scene.malformed("a loop inside a table", &[looped]);
    let own_table = Descriptor { addr: scene.tx.ring().desc().gpa(), len: 16 * u32::from(SIZE), ..looped };
    scene.malformed("a table that is the ring's own", &[own_table]);
    scene.works();
}

#[test]
fn g2_points_past_the_table() {
    let mut scene = Scene::new();
    let at = scene.honest();
    for past in [SIZE, SIZE + 1, 32_767, 65_535] {
        scene.tx.ring().set_descriptor(0, next(at, 12, past));
        scene.rejected("next past the ring's table");
        let table = indirect(&scene, &[next(at, 12, past)], 16);
        scene.malformed("next past an indirect table", &[table]);
    }
    scene.works();
}

#[test]
fn g5_gives_empty_and_senseless_buffers() {
    let mut scene = Scene::new();
    let at = scene.honest();
    scene.malformed("nothing", &[readable(at, 0)]);
    scene.malformed("nothing, eight times", &[readable(at, 0); SIZE as usize]);
    for senseless in [u64::MAX, 1 << 63, 0xdead_0000_0000, 1 << 30] {
        scene.malformed("no such address", &[readable(senseless, CHAIN)]);
        scene.malformed("no such address behind a good one", &[readable(at, 12), readable(senseless, 100)]);
    }
    // An empty buffer is legal wherever it is, and wherever it points.
    let nothing = readable(u64::MAX, 0);
    let chain = [nothing, readable(at, 12), nothing, nothing, readable(at + 12, 100), nothing];
    scene.tx.chain(0, &chain);
    scene.tx.offer(&[0]);
    scene.arrives(&frame(MacAddr::BROADCAST));
}

#[test]
fn g6_gives_buffers_that_leave_its_memory() {
    for layout in [Layout::flat(16 << 20), Layout::holed(16 << 20)] {
        let end = layout.ranges[0].size;
        let mut scene = Scene::with(&PortOptions { memory: layout, ..PortOptions::default() });
        for (addr, len) in [(u64::MAX - 10, CHAIN), (end - 10, CHAIN), (0, u32::MAX), (end - 1, 2), (end, 1)] {
            scene.malformed("over the edge", &[readable(addr, len)]);
            let table = Descriptor { addr, len: 112, flags: DESCRIPTOR_INDIRECT, next: 0 };
            scene.malformed("a table over the edge", &[table]);
        }
        scene.works();
    }
}

#[test]
fn g7_asks_for_gigabytes() {
    let mut scene = Scene::new();
    // Every buffer is sound, and overlaps all others.
    let huge = |count: usize, len: u32| -> Vec<Descriptor> {
        (0..count).map(|at| next(0, len, at as u16 + 1)).chain([readable(0, 1)]).collect()
    };
    let table = indirect(&scene, &huge(1023, 8 << 20), 16 * 1024);
    scene.malformed("8 GiB", &[table]);
    let table = indirect(&scene, &huge(64, 1 << 20), 16 * 65);
    scene.tx.chain(0, &[table]);
    scene.tx.offer(&[0]);
    let len = (64 << 20) + 1 - 12;
    scene.expect("64 MiB", &Moved::sent(1, len).dropped(DropReason::Oversize, 1));
    scene.tx.chain(0, &[readable(0, 12 + 65_557 + 1)]);
    scene.tx.offer(&[0]);
    scene.expect("one byte too many", &Moved::sent(1, 65_558).dropped(DropReason::Oversize, 1));
    assert_eq!(scene.tx.take_used().len(), 2);
    scene.works();
}

#[test]
fn g8_gives_less_than_a_header_or_nothing_behind_it() {
    let mut scene = Scene::new();
    let at = scene.honest();
    for len in [1, 10, 11] {
        scene.malformed("less than a header", &[readable(at, len)]);
    }
    for len in [12_u32, 13, 25] {
        scene.tx.chain(0, &[readable(at, len)]);
        scene.tx.offer(&[0]);
        let expected = Moved::sent(1, len as usize - 12).dropped(DropReason::Runt, 1);
        scene.expect("less than an Ethernet header", &expected);
    }
    scene.tx.take_used();
    let pieces: Vec<_> =
        (0..12).map(|byte| next(at + byte, 1, byte as u16 + 1)).chain([readable(at + 12, 100)]).collect();
    let table = indirect(&scene, &pieces, 16 * 13);
    scene.tx.chain(0, &[table]);
    scene.tx.offer(&[0]);
    scene.arrives(&frame(MacAddr::BROADCAST));
}

#[test]
fn g9_abuses_indirect_tables() {
    let mut scene = Scene::new();
    let at = scene.honest();
    let one = [readable(at, CHAIN)];
    for len in [0, 1, 15, 17, 16 * 1025, u32::MAX] {
        let table = indirect(&scene, &one, len);
        scene.malformed("a table of no whole or of too many entries", &[table]);
    }
    let nested = indirect(&scene, &[Descriptor { addr: at, len: 16, flags: DESCRIPTOR_INDIRECT, next: 0 }], 16);
    scene.malformed("a table in a table", &[nested]);
    let table = indirect(&scene, &one, 16);
    scene.malformed("a table with a successor", &[table, readable(at, 12)]);
    let table = indirect(&scene, &[next(at, 12, 1), next(at + 12, 100, 2)], 32);
    scene.malformed("a table whose last entry goes on", &[table]);
    scene.works();
}

#[test]
fn g10_gives_buffers_of_the_wrong_direction() {
    let mut scene = Scene::new();
    let at = scene.honest();
    scene.malformed("writable", &[writable(at, CHAIN)]);
    scene.malformed("readable, then writable", &[readable(at, 12), writable(at + 12, 100)]);
    scene.malformed("writable, then readable", &[writable(at, 12), readable(at + 12, 100)]);
    let table = indirect(&scene, &[writable(at, CHAIN)], 16);
    scene.malformed("writable in a table", &[table]);
    // On the reference to a table the flag means nothing (virtio 1.2 section 2.7.5.3.2).
    let table = indirect(&scene, &[readable(at, CHAIN)], 16);
    scene.tx.chain(0, &[Descriptor { flags: DESCRIPTOR_INDIRECT | DESCRIPTOR_WRITE, ..table }]);
    scene.tx.offer(&[0]);
    scene.arrives(&frame(MacAddr::BROADCAST));
}

#[test]
fn g14_makes_one_head_available_many_times_at_once() {
    let mut scene = Scene::new();
    let at = scene.honest();
    scene.tx.chain(3, &[readable(at, CHAIN)]);
    scene.tx.offer(&[3; SIZE as usize]);
    scene.rig.poll();
    assert_eq!(scene.tx.take_used(), [(3, 0); SIZE as usize], "each is given back once");
    let count = usize::from(SIZE);
    assert_eq!(scene.rig.moved(EVIL), Moved::sent(count as u64, count * LEN));
    for port in [super::BOB, super::CAROL] {
        assert_eq!(scene.rig.received(port).len(), count);
        scene.rig.moved(port);
    }
    scene.others_are_well();
}

#[test]
fn g13_writes_any_virtio_net_header() {
    let mut scene = Scene::new();
    for header in [
        [1, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0],
        [1, 1, 255, 255, 1, 0, 34, 0, 16, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0],
        [0, 1, 54, 0, 100, 0, 34, 0, 16, 0, 0, 0],
        [1, 0x7f, 54, 0, 100, 0, 34, 0, 16, 0, 0, 0],
        [1, 3, 54, 0, 100, 0, 34, 0, 6, 0, 0, 0],
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ] {
        let at = scene.tx.fill(0, &[&header[..], &frame(MacAddr::BROADCAST)].concat());
        scene.tx.chain(0, &[readable(at, CHAIN)]);
        scene.tx.offer(&[0]);
        scene.expect("a header", &Moved::sent(1, LEN).dropped(DropReason::BadOffload, 1));
    }
    let mut honest = Scene::with(&PortOptions::with_features(feature::BASIC));
    let at = honest.tx.fill(0, &[&[1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0][..], &frame(MacAddr::BROADCAST)].concat());
    honest.tx.chain(0, &[readable(at, CHAIN)]);
    honest.tx.offer(&[0]);
    honest.expect("NEEDS_CSUM without the feature", &Moved::sent(1, LEN).dropped(DropReason::BadOffload, 1));
}

#[test]
fn g21_sends_frames_of_odd_lengths_and_depths() {
    let mut scene = Scene::new();
    let mut offer = |frame: &[u8], reason| {
        let at = scene.tx.fill(0, &[&[0; 12], frame].concat());
        scene.tx.chain(0, &[readable(at, 12 + frame.len() as u32)]);
        scene.tx.offer(&[0]);
        scene.expect("an odd frame", &Moved::sent(1, frame.len()).dropped(reason, 1));
    };
    offer(&frames::numbered([0xff; 6], mac(EVIL).0, 1, 1515), DropReason::Oversize);
    offer(&frames::numbered([0xff; 6], mac(EVIL).0, 1, 9014), DropReason::Oversize);
    offer(&frames::numbered([0xff; 6], mac(EVIL).0, 1, 65_557), DropReason::Oversize);
    offer(&frames::numbered([0xff; 6], mac(EVIL).0, 1, 60)[..13], DropReason::Runt);
    let deep = Ether::new(MacAddr::BROADCAST, mac(EVIL));
    let deep = (0..20).fold(deep, Ether::vlan).raw(0x86dd, &[0x60; 60]);
    offer(&deep, DropReason::Unclassifiable);
}
