// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A port whose data path is switched to and fro while several workers deliver to it: nothing is lost, nothing comes twice, and of
//! each flow the last frame on the old lane is there before the first on the new one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use dataplane::{Instant, LaneSet, Port, Source, SourceId, Steering, Worker};
use tests::frames;
use tests::rig::{FarEnd, Moved, PortOptions, Rig, mac, meanwhile};
use tests::wait::Deadline;

use super::numbered;

/// Senders, each a port, a flow and a worker of its own. They come after the receiver, which is port 0.
const FLOWS: usize = 3;
const FRAMES: u64 = 10_000;
/// Frames of a flow on their way: whatever is steered, there is room for those of all.
const WINDOW: u64 = 32;
/// To and fro, at once and by way of holding back.
const WAYS: [Steering; 6] = [
    Steering::all(LaneSet::VF),
    Steering::HELD,
    Steering::all(LaneSet::SYNTHETIC),
    Steering::all(LaneSet::VF),
    Steering::all(LaneSet::SYNTHETIC),
    Steering::HELD,
];

/// What has arrived of one flow.
#[derive(Default)]
struct Flow {
    /// All before this one is there.
    next: u64,
    beyond: BTreeSet<u64>,
    /// The latest by each lane.
    last: [Option<u64>; 2],
}

impl Flow {
    fn take(&mut self, lane: usize, number: u64) {
        assert!(self.last[lane] < Some(number), "frame {number} came after {:?} by one lane", self.last[lane]);
        self.last[lane] = Some(number);
        assert!(number >= self.next && self.beyond.insert(number), "frame {number} came twice");
        while self.beyond.remove(&self.next) {
            self.next += 1;
        }
    }
}

/// Both lanes, looked at one after the other.
struct Receiver {
    rig: Rig,
    far: FarEnd,
    flows: [Flow; FLOWS],
    /// Frames that came by each lane.
    by: [u64; 2],
}

impl Receiver {
    fn take(&mut self, lane: usize) {
        let got = if lane == 0 { self.rig.received(0) } else { self.far.received() };
        self.by[lane] += got.len() as u64;
        for frame in got {
            let number = frames::number_of(&frame).expect("only numbered frames are sent");
            let flow = (0..FLOWS).find(|flow| frame[6..12] == mac(flow + 1).0).expect("one of the senders");
            self.flows[flow].take(lane, number);
        }
    }

    /// What one lane had when the other was looked at afterwards had nothing before it still to come.
    fn look(&mut self, first: usize) {
        self.take(first);
        let latest = self.flows.each_ref().map(|flow| flow.last[first]);
        self.take(1 - first);
        for (flow, latest) in self.flows.iter().zip(latest) {
            assert!(latest < Some(flow.next), "{latest:?} by lane {first} overtook {}", flow.next);
        }
    }
}

/// Sends a flow by a worker of its own, as far as the receiver has room.
fn send(sender: usize, far: &FarEnd, source: Source, (arrived, is_over): (&AtomicU64, &AtomicBool)) {
    let (mut worker, mut sent) = (Worker::new(), 0);
    worker.attach(SourceId(sender as u64), source);
    while !is_over.load(Ordering::Relaxed) {
        while sent < FRAMES.min(arrived.load(Ordering::Acquire) + WINDOW) {
            far.send(&numbered(mac(0), mac(sender), sent, 100));
            sent += 1;
        }
        if worker.poll(Instant::default()) == 0 {
            thread::yield_now();
        }
    }
}

/// Switches once more, and lets go what has waited, as a worker does that is told to.
fn switch(port: &Port, turn: &mut usize) {
    port.steer_lanes(WAYS[*turn % WAYS.len()]);
    *turn += 1;
    port.release(Instant::default());
    thread::yield_now();
}

#[test]
fn several_workers_keep_each_flow_whole_and_in_order_while_a_port_is_switched_to_and_fro() {
    let mut rig = Rig::with_ports(FLOWS + 1, &PortOptions::default());
    let (far, port) = (rig.add_lane(0, 0), Arc::clone(rig.port(0).port()));
    let senders: Vec<_> = (1..=FLOWS)
        .map(|sender| {
            let ((far, _, source), from) = (FarEnd::new(0), rig.port(sender));
            (sender, far, Source::of_lane(from.namespace(), from.port(), source))
        })
        .collect();
    let (arrived, is_over) = ([const { AtomicU64::new(0) }; FLOWS], AtomicBool::new(false));
    let mut receiver = Receiver { rig, far, flows: Default::default(), by: [0; 2] };
    let mut turn = 0;
    thread::scope(|scope| {
        let end = End(&is_over);
        for (sender, far, source) in senders {
            let (arrived, is_over) = (&arrived[sender - 1], &is_over);
            scope.spawn(move || send(sender, &far, source, (arrived, is_over)));
        }
        meanwhile(|| switch(&port, &mut turn), || watch(&mut receiver, &arrived));
        drop(end);
    });
    eprintln!("{turn} switches, {:?} frames by the rings and by the other lane", receiver.by);
    assert!(receiver.by.iter().all(|frames| *frames > 0), "{:?}", receiver.by);
    let frames = FRAMES * FLOWS as u64;
    assert_eq!(receiver.rig.moved(0), Moved::received(frames, 100 * frames as usize), "each counts once");
}

/// Looks until all has arrived.
fn watch(receiver: &mut Receiver, arrived: &[AtomicU64; FLOWS]) {
    let deadline = Deadline::patient();
    for first in [0, 1].into_iter().cycle() {
        receiver.look(first);
        for (flow, arrived) in receiver.flows.iter().zip(arrived) {
            arrived.store(flow.next, Ordering::Release);
        }
        let next = receiver.flows.each_ref().map(|flow| flow.next);
        if next == [FRAMES; FLOWS] {
            return;
        }
        assert!(!deadline.passed(), "lost: of each flow {next:?} are there in a row");
    }
}

/// Ends the senders also when the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
