// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests with several queue pairs, whose receive rings stop one after the other and start again so: flows keep their queues.

use std::sync::Arc;
use std::time::Duration;

use dataplane::{DropReason, Steering};
use sys::{DirtyLog, Ring, RingLog};
use tests::memory::Layout;
use tests::rig::{Moved, PortOptions, Rig};

use super::steering::{datagram, read};

const PAIRS: u16 = 2;
const FLOWS: u16 = 16;

/// A guest with two queue pairs that goes on elsewhere, or here.
struct Scene {
    rig: Rig,
    rings: Vec<Ring>,
    sent: u32,
}

impl Scene {
    fn new() -> Scene {
        let mut rig = Rig::new();
        rig.add(0, &PortOptions::default());
        rig.add(0, &PortOptions { pairs: PAIRS, memory: Layout::flat(64 << 20), ..PortOptions::default() });
        Scene { rig, rings: Vec::new(), sent: 0 }
    }

    /// Whether a migration is under way, as its rings know.
    fn log(&mut self, is_on: bool) {
        for pair in 0..PAIRS {
            let log = is_on.then(|| RingLog { log: log_over(64 << 20), used: 0 });
            self.rig.port(1).port().relog_receiver(pair, log);
        }
    }

    /// The receive rings stop, as a session stops them.
    fn stop(&mut self) {
        self.stop_and(|_| ());
    }

    /// The same; after each something is done.
    fn stop_and(&mut self, act: impl Fn(&mut Scene)) {
        for pair in 0..PAIRS {
            let now = self.rig.now();
            let port = self.rig.port(1).port();
            port.pause(pair, now);
            let ring = port.detach_receiver(pair).expect("no burst is under way");
            self.rings.extend(ring);
            act(self);
        }
    }

    /// One of them starts, as a session starts it. Whether a worker is to be told.
    fn start(&mut self, pair: u16, more: bool) -> bool {
        let (ring, now) = (self.rings.remove(0), self.rig.now());
        let port = self.rig.port(1).port();
        assert!(port.attach_receiver(pair, ring).is_none());
        port.settle(more, now)
    }

    fn land(&mut self) {
        let now = self.rig.now();
        self.rig.port(1).port().land(now);
    }

    fn release(&mut self) -> bool {
        let now = self.rig.now();
        self.rig.port(1).port().release(now)
    }

    fn speak(&mut self) {
        (0..FLOWS).for_each(|flow| self.rig.send(0, &datagram(flow, self.sent)));
        self.sent += 1;
    }

    /// What each queue has got, by flow and number.
    fn heard(&mut self) -> Vec<Vec<(u16, u32)>> {
        let queues = self.rig.port(1).rx.iter_mut();
        queues
            .map(|queue| std::iter::from_fn(|| queue.recv()).map(|received| read(&received.frame)).collect())
            .collect()
    }
}

/// A log of writes to so much memory.
fn log_over(bytes: u64) -> Arc<DirtyLog> {
    let (file, len) = (tempfile::tempfile().expect("a file"), bytes / 4096 / 8);
    file.set_len(len).expect("a file grows");
    DirtyLog::map(file.into(), 0, len as usize).expect("it is mapped")
}

/// Each flow has come by one queue alone, whole and in order.
#[track_caller]
fn assert_in_place(heard: &[Vec<(u16, u32)>], sent: u32) {
    for flow in 0..FLOWS {
        let by_queue = heard.iter().map(|queue| queue.iter().filter(|frame| frame.0 == flow).map(|frame| frame.1));
        let used: Vec<Vec<u32>> =
            by_queue.map(Iterator::collect).filter(|numbers: &Vec<u32>| !numbers.is_empty()).collect();
        assert_eq!(used, [(0..sent).collect::<Vec<_>>()], "flow {flow}");
    }
}

#[test]
fn flows_of_a_guest_that_is_migrated_and_stays_keep_queue_and_order() {
    let mut scene = Scene::new();
    scene.log(true);
    scene.speak();
    scene.stop_and(Scene::speak);
    for pair in 0..PAIRS {
        let is_last = pair == PAIRS - 1;
        assert!(scene.start(pair, !is_last));
        scene.speak();
        assert_eq!(scene.release(), is_last, "a worker looks again");
    }
    scene.speak();
    let (heard, sent) = (scene.heard(), scene.sent);
    assert_in_place(&heard, sent);
    assert_eq!(scene.rig.moved(1).drops, []);
}

#[test]
fn flows_of_a_guest_that_lands_keep_queue_and_order() {
    let mut scene = Scene::new();
    scene.speak();
    let mut before = scene.heard();
    scene.stop();
    scene.land();
    assert!(scene.start(0, true));
    scene.speak();
    assert!(!scene.release());
    assert!(scene.heard().concat().is_empty(), "what waits for one ring waits");
    assert!(scene.start(1, false) && !scene.release(), "nor is it known to be at work");
    let mut hear =
        |scene: &mut Scene| before.iter_mut().zip(scene.heard()).for_each(|(queue, more)| queue.extend(more));
    hear(&mut scene);
    assert!(scene.release());
    scene.speak();
    hear(&mut scene);
    assert_in_place(&before, scene.sent);
    assert_eq!(scene.rig.moved(1).drops, []);
}

#[test]
fn a_ring_that_does_not_start_is_waited_for_so_long_and_no_longer() {
    let mut scene = Scene::new();
    scene.stop();
    scene.land();
    assert!(scene.start(0, true));
    scene.speak();
    assert!(!scene.release());
    scene.rig.pass(Duration::from_secs(1));
    assert!(!scene.release());
    assert_eq!(scene.heard()[0].len(), usize::from(FLOWS));
    assert!(scene.release());
    assert_eq!(scene.rig.port(1).port().steering(), Steering::default());
}

#[test]
fn a_migrated_guest_that_is_never_heard_again_is_waited_for_so_long_and_no_longer() {
    let mut scene = Scene::new();
    scene.log(true);
    scene.stop_and(Scene::speak);
    scene.rig.pass(Duration::from_secs(1));
    assert_eq!(scene.rig.moved(1), Moved::default(), "they wait");
    scene.rig.pass(Duration::from_secs(2));
    assert_eq!(scene.rig.moved(1).drops, [(DropReason::PortDown, u64::from(FLOWS * PAIRS))]);
    scene.speak();
    assert_eq!(scene.rig.moved(1).drops, [(DropReason::PortDown, FLOWS.into())], "and nothing more waits");
}
