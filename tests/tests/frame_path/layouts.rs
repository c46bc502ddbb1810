// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any chain on either side: cut anywhere, in indirect tables or not, merged of many buffers, in memory of many small
//! regions, across whose borders buffers lie. What is sent arrives byte for byte, and nothing is written
//! beside it.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use tests::driver::{DESCRIPTOR_INDIRECT, DESCRIPTOR_WRITE, Descriptor, QueueOptions};
use tests::memory::{Backing, GuestMemory, Layout, Range as Region};
use tests::rig::{PortOptions, RawQueue, Rig, feature, mac};

use super::numbered;

const PAGE: u64 = 4096;
/// Where the small regions begin, one page each; rings lie in a large one below.
const AREA: u64 = 16 << 20;
const AREA_LEN: usize = 64 * PAGE as usize;
const RING: u16 = 256;
/// Bytes of the virtio-net header.
const HEADER: usize = 12;
/// What memory holds that nobody has written.
const UNTOUCHED: u8 = 0xa5;

/// One side's habits.
#[derive(Debug, Clone)]
struct Side {
    /// Lengths of the buffers, over and over.
    cuts: Vec<usize>,
    /// Bytes left free before each buffer, over and over.
    gaps: Vec<usize>,
    /// Buffers of a chain that stand in the ring itself; the others go into an indirect table.
    direct: Option<usize>,
    /// Buffers of one chain, over and over (receive side).
    chains: Vec<usize>,
    /// Every page of the area is a region of its own, else all of it is one.
    small_regions: bool,
}

fn side() -> impl Strategy<Value = Side> {
    let cut = prop_oneof![3 => 1..40_usize, 3 => 40..700_usize, 1 => 700..9000_usize];
    let gap = prop_oneof![4 => Just(0), 2 => 1..64_usize, 1 => 64..4096_usize];
    let direct = proptest::option::of(0..4_usize);
    (vec(cut, 1..8), vec(gap, 1..8), direct, vec(1..6_usize, 1..4), any::<bool>())
        .prop_map(|(cuts, gaps, direct, chains, small_regions)| Side { cuts, gaps, direct, chains, small_regions })
}

impl Side {
    fn options(&self, features: u64) -> PortOptions {
        let queue = QueueOptions { size: 4, heap_len: 1 << 16, ..QueueOptions::default() };
        let len = if self.small_regions { PAGE } else { AREA_LEN as u64 };
        let area = (0..AREA_LEN as u64 / len).map(|at| Region { gpa: AREA + at * len, size: len });
        let ranges = [Region { gpa: 0, size: AREA }].into_iter().chain(area).collect();
        let memory = Layout { ranges, backing: Backing::Sealed };
        PortOptions { features, mtu: 9000, queue, memory, ..PortOptions::default() }
    }

    /// Buffers of `total` bytes together, none of them twice, from `next` on.
    fn place(&self, total: usize, next: &mut u64) -> Vec<Range<u64>> {
        let (mut buffers, mut left) = (Vec::new(), total);
        for at in 0.. {
            // Never so small that a frame would take more descriptors than the ring has.
            let least = total.div_ceil(usize::from(RING) / 4);
            let len = self.cuts[at % self.cuts.len()].max(least).min(left) as u64;
            *next += self.gaps[at % self.gaps.len()].min(AREA_LEN / 8 / (at + 1)) as u64;
            buffers.push(*next..*next + len);
            *next += len;
            left -= len as usize;
            if left == 0 {
                break;
            }
        }
        buffers
    }

    /// Makes one chain of `buffers` from descriptor `first` on, and returns the descriptor after it.
    fn chain(&self, queue: &RawQueue, memory: &GuestMemory, buffers: &[Range<u64>], first: u16, flags: u16) -> u16 {
        let one = |at: &Range<u64>| Descriptor { addr: at.start, len: (at.end - at.start) as u32, flags, next: 0 };
        let direct = self.direct.unwrap_or(buffers.len()).min(buffers.len());
        let mut descriptors: Vec<_> = buffers[..direct].iter().map(one).collect();
        if direct < buffers.len() {
            let rest = &buffers[direct..];
            let linked = rest.iter().map(one).zip(1..).map(|(descriptor, next)| {
                let more = u16::from(usize::from(next) < rest.len());
                Descriptor { flags: flags | more, next, ..descriptor }.to_bytes()
            });
            // Tables lie in the area's last page: buffers may cross the borders of regions, tables may not.
            let table = AREA + AREA_LEN as u64 - PAGE + 16 * u64::from(first);
            write(memory, table, &linked.collect::<Vec<_>>().concat());
            let len = 16 * rest.len() as u32;
            descriptors.push(Descriptor { addr: table, len, flags: DESCRIPTOR_INDIRECT, next: 0 });
        }
        queue.chain(first, &descriptors);
        // The next chain's table must not begin before this one's ends.
        first + descriptors.len().max(buffers.len()) as u16
    }
}

/// The pieces of a range that each lie in one page.
fn pages(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let end = range.end.min((at / PAGE + 1) * PAGE);
        let piece = at..end;
        at = end;
        (!piece.is_empty()).then_some(piece)
    })
}

fn write(memory: &GuestMemory, at: u64, bytes: &[u8]) {
    for piece in pages(at..at + bytes.len() as u64) {
        let part = &bytes[(piece.start - at) as usize..(piece.end - at) as usize];
        memory.window_at(piece.start, part.len()).write(0, part);
    }
}

fn read(memory: &GuestMemory, range: Range<u64>) -> Vec<u8> {
    pages(range)
        .flat_map(|piece| {
            let len = (piece.end - piece.start) as usize;
            memory.window_at(piece.start, len).read(0, len)
        })
        .collect()
}

/// Sends `frame` from a chain of `side`'s making.
fn send(rig: &mut Rig, side: &Side, frame: &[u8]) {
    let mut tx = rig.raw_transmit(0, RING);
    let bytes = [&[0; HEADER], frame].concat();
    let buffers = side.place(bytes.len(), &mut AREA.clone());
    let memory = rig.port(0).memory();
    let mut from = 0;
    for buffer in &buffers {
        let len = (buffer.end - buffer.start) as usize;
        write(memory, buffer.start, &bytes[from..from + len]);
        from += len;
    }
    side.chain(&tx, memory, &buffers, 0, 0);
    tx.offer(&[0]);
    assert_eq!(rig.poll(), 1);
    assert_eq!(tx.take_used(), [(0, 0)], "given back");
}

/// The receive side: its chains, each with its head and its buffers.
struct Posted {
    queue: RawQueue,
    chains: Vec<(u16, Vec<Range<u64>>)>,
}

/// Posts chains for `total` bytes: one, or several to be merged.
fn post(rig: &mut Rig, side: &Side, total: usize, mergeable: bool) -> Posted {
    let mut queue = rig.raw_receive(1, RING);
    let memory = rig.port(1).memory();
    write(memory, AREA, &vec![UNTOUCHED; AREA_LEN]);
    let mut left = &side.place(total, &mut AREA.clone())[..];
    let (mut chains, mut next) = (Vec::new(), 0);
    while !left.is_empty() {
        let wanted = if mergeable { side.chains[chains.len() % side.chains.len()] } else { left.len() };
        let (now, later) = left.split_at(wanted.min(left.len()));
        let head = next;
        next = side.chain(&queue, memory, now, head, DESCRIPTOR_WRITE);
        queue.offer(&[head]);
        chains.push((head, now.to_vec()));
        left = later;
    }
    Posted { queue, chains }
}

/// What the device says that it has written, and checks that it has written nothing else.
fn collect(rig: &mut Rig, posted: &mut Posted) -> Vec<u8> {
    let memory = rig.port(1).memory();
    let used = posted.queue.take_used();
    let mut bytes = Vec::new();
    for (at, (head, buffers)) in posted.chains.iter().enumerate() {
        let all: Vec<u8> = buffers.iter().flat_map(|buffer| read(memory, buffer.clone())).collect();
        let written = used.get(at).map_or(0, |&(used_head, written)| {
            assert_eq!(used_head, u32::from(*head), "chains come back in order");
            written as usize
        });
        assert!(written == all.len() || at + 1 >= used.len(), "only the last buffer has room left");
        assert!(all[written..].iter().all(|&byte| byte == UNTOUCHED), "nothing behind the frame");
        bytes.extend(&all[..written]);
    }
    let gaps = posted.chains.iter().flat_map(|(_, buffers)| buffers).collect::<Vec<_>>();
    for pair in gaps.windows(2) {
        assert!(read(memory, pair[0].end..pair[1].start).iter().all(|&byte| byte == UNTOUCHED), "nothing between");
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sent_arrives_whatever_the_layout(
        sender in side(),
        receiver in side(),
        mergeable: bool,
        len in prop_oneof![60..200_usize, 60..1515_usize, 1515..9015_usize],
        room in prop_oneof![Just(0), 1..3000_usize],
    ) {
        let mut rig = Rig::new();
        rig.add(0, &sender.options(feature::BASIC));
        let merge = if mergeable { feature::MRG_RXBUF } else { 0 };
        rig.add(0, &receiver.options(feature::VERSION_1 | feature::EVENT_IDX | merge));
        let frame = numbered(mac(1), mac(0), len as u64, len);
        let mut posted = post(&mut rig, &receiver, HEADER + len + room, mergeable);
        send(&mut rig, &sender, &frame);
        prop_assert_eq!((rig.moved(0).drops, rig.moved(1).drops), (vec![], vec![]));
        let bytes = collect(&mut rig, &mut posted);
        let took = u16::from_le_bytes([bytes[10], bytes[11]]);
        prop_assert_eq!(&bytes[..10], &[0; 10]);
        prop_assert!(took == 1 || mergeable, "{} buffers", took);
        prop_assert_eq!(&bytes[HEADER..], &frame);
    }
}
