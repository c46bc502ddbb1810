// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How long it takes to switch a port's data path, with frames under way all the time: from control's decision until no more can
//! come by the lane before, and to the first frame on the other.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use dataplane::{LaneSet, Port, Steering};
use tests::rig::{FarEnd, PortOptions, Rig, mac};

use crate::ends::frame;

/// How often the path is switched.
const SWITCHES: usize = 1000;
/// Frames that are under way at a time.
const BURST: usize = 32;
/// What is measured of each switch.
const TIMES: [&str; 2] = ["until no more can come by the one before", "to the first frame on the other lane"];

/// When the first burst that came by another lane than the one before it was begun, and when it was there.
type Turned = [Instant; 2];

/// Switches to and fro, and prints how long that took.
pub(crate) fn report() {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    let far = rig.add_lane(1, 0);
    let port = Arc::clone(rig.port(1).port());
    let (tell, told) = channel();
    let times = thread::scope(|scope| {
        let control = scope.spawn(move || control(&port, told));
        load(&mut rig, &far, &tell);
        control.join().expect("control does not panic")
    });
    println!("\n| a switch of the data path, {SWITCHES} times | median | longest |\n|---|---|---|");
    for (what, mut times) in TIMES.iter().zip(times) {
        times.sort();
        let [median, longest] = [times.len() / 2, times.len() - 1].map(|at| times[at].as_secs_f64() * 1e6);
        println!("| {what} | {median:.1} µs | {longest:.1} µs |");
    }
}

/// Decides, and hears when it is so.
fn control(port: &Port, told: Receiver<Turned>) -> [Vec<Duration>; 2] {
    let mut times = [const { Vec::new() }; 2];
    for turn in 0..SWITCHES {
        let lanes = if turn % 2 == 0 { LaneSet::VF } else { LaneSet::SYNTHETIC };
        let decided = Instant::now();
        port.steer_lanes(Steering::all(lanes));
        let turned = told.recv().expect("the worker goes on");
        times.iter_mut().zip(turned).for_each(|(times, at)| times.push(at.saturating_duration_since(decided)));
    }
    // The load ends when it has something to tell and nobody listens.
    drop(told);
    port.steer_lanes(Steering::all(LaneSet::VF));
    times
}

/// A guest that sends to the port, and the worker that switches what it sends.
fn load(rig: &mut Rig, far: &FarEnd, tell: &Sender<Turned>) {
    let mut bytes = frame(100);
    bytes[..6].copy_from_slice(&mac(1).0);
    bytes[6..12].copy_from_slice(&mac(0).0);
    let burst = vec![bytes; BURST];
    let mut by_rings = true;
    loop {
        let begun = Instant::now();
        rig.send_all(0, &burst);
        let came = [rig.received(1).len(), far.received().len()];
        assert_eq!(came.iter().sum::<usize>(), BURST, "no frame is lost, or comes twice");
        let before = std::mem::replace(&mut by_rings, came[0] > 0);
        if before != by_rings && tell.send([begun, Instant::now()]).is_err() {
            return;
        }
    }
}
