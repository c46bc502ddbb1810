// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports whose guests have stopped elsewhere to come here: what their neighbours here send them meanwhile.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use dataplane::{DropReason, MacPolicy, Port, Role};
use tests::memory::Layout;
use tests::rig::{Moved, PortOptions, Rig, mac};
use wire::MacAddr;

use super::numbered;

const PEER: MacAddr = MacAddr([2, 0, 0, 0, 9, 9]);

/// Who sends, who is expected, and the uplink behind which that one is still.
const HERE: usize = 0;
const COMING: usize = 1;
const UPLINK: usize = 2;

struct Scene {
    rig: Rig,
    coming: Arc<Port>,
    /// What the guest has got.
    got: Vec<Vec<u8>>,
}

impl Scene {
    fn new() -> Scene {
        Scene::with(&PortOptions::default())
    }

    /// The guest that is about to come has a port like this.
    fn with(options: &PortOptions) -> Scene {
        let mut rig = Rig::with_ports(1, &PortOptions::default());
        rig.add(0, options);
        rig.add(0, &PortOptions { macs: MacPolicy::Any, ..PortOptions::with_role(Role::Uplink) });
        rig.stop(COMING);
        let coming = Arc::clone(rig.port(COMING).port());
        coming.set_away(true);
        let mut scene = Scene { rig, coming, got: Vec::new() };
        scene.rig.send(UPLINK, &numbered(mac(HERE), mac(COMING), 0, 100));
        scene.rig.received(HERE);
        scene
    }

    fn expect(&mut self) -> bool {
        let now = self.rig.now();
        self.rig.namespace(0).expect(&self.coming, now)
    }

    /// The source says that it does not come. Whether a worker is to be told.
    fn turn_back(&mut self) -> bool {
        self.rig.namespace(0).expect_no_more(&self.coming)
    }

    fn release(&mut self) -> bool {
        let now = self.rig.now();
        self.coming.release(now)
    }

    /// The same, and the guest that has come is at work: it takes what there is and gives buffers.
    fn release_to_guest(&mut self) -> bool {
        let is_early = self.release();
        let more = self.rig.received(COMING);
        let is_at_work = !more.is_empty();
        self.got.extend(more);
        !is_early && is_at_work && self.release()
    }

    /// What the guest has got since the last look.
    fn heard(&mut self) -> Vec<Vec<u8>> {
        let mut all = std::mem::take(&mut self.got);
        all.extend(self.rig.received(COMING));
        all
    }

    /// Its ring starts, as a session starts it.
    fn land(&mut self) -> bool {
        self.rig.start(COMING);
        self.rig.namespace(0).take_home(&self.coming);
        let now = self.rig.now();
        self.coming.settle(false, now)
    }

    /// The first of its rings starts, control takes note of that, and it stops again before the next one starts.
    fn come_and_go(&mut self) {
        let ring = self.rig.port(COMING).rx[0].queue().ring().clone();
        self.rig.port(COMING).restart_receive(&ring);
        self.rig.namespace(0).take_home(&self.coming);
        let now = self.rig.now();
        assert!(self.coming.settle(true, now), "frames wait for the next one");
        self.coming.set_away(false);
        self.rig.stop(COMING);
    }

    /// Frames of the neighbour's for the guest.
    fn speak(&mut self, numbers: Range<u64>) -> Vec<Vec<u8>> {
        let frames: Vec<_> = numbers.map(|number| numbered(mac(COMING), mac(HERE), number, 100)).collect();
        self.rig.send_all(HERE, &frames);
        frames
    }
}

#[test]
fn what_is_sent_to_a_guest_that_is_about_to_come_waits_and_is_delivered_first_and_in_order() {
    let mut scene = Scene::new();
    let before = scene.speak(0..2);
    assert_eq!(scene.rig.received(UPLINK), before, "it is there still");
    assert!(scene.expect());
    let mut all = scene.speak(2..6);
    assert!(scene.expect(), "said twice it is as if said once");
    let everybody = numbered(MacAddr::BROADCAST, mac(0), 6, 100);
    scene.rig.send(HERE, &everybody);
    all.push(everybody.clone());
    assert_eq!(scene.rig.received(UPLINK), [everybody], "what is for all goes to those who are outside as well");
    assert!(scene.land(), "a worker is to be told");
    all.extend(scene.speak(7..9));
    assert!(scene.rig.received(COMING).is_empty(), "nobody overtakes");
    assert!(scene.release_to_guest());
    all.extend(scene.speak(9..11));
    assert_eq!(scene.heard(), all);
    assert_eq!(scene.rig.moved(COMING).drops, []);
    assert!(!scene.turn_back() && !scene.expect(), "whoever says something about it now is late");
    let later = scene.speak(11..12);
    assert_eq!((scene.rig.received(COMING), scene.rig.received(UPLINK).len()), (later, 0));
}

#[test]
fn what_waited_for_a_guest_that_stays_where_it_was_follows_it_there_in_order() {
    let mut scene = Scene::new();
    assert!(!scene.turn_back(), "nothing waits");
    scene.expect();
    let mut all = scene.speak(0..4);
    scene.rig.send(HERE, &numbered(MacAddr::BROADCAST, mac(0), 4, 100));
    assert_eq!(scene.rig.received(UPLINK).len(), 1);
    assert!(scene.turn_back());
    all.extend(scene.speak(5..7));
    assert!(scene.rig.received(UPLINK).is_empty(), "nobody overtakes");
    assert!(scene.release());
    all.extend(scene.speak(7..9));
    assert_eq!(scene.rig.received(UPLINK), all, "who is there has had what was for all");
    assert_eq!(scene.rig.moved(COMING).drops, [(DropReason::GuestAway, 1)]);
    // It is stopped again, and comes.
    assert!(scene.expect());
    let again = scene.speak(9..12);
    assert!(scene.land() && scene.release_to_guest());
    assert_eq!(scene.heard(), again);
}

#[test]
fn a_word_that_is_taken_back_at_once_changes_no_order() {
    let mut scene = Scene::new();
    scene.expect();
    let mut all = scene.speak(0..2);
    assert!(scene.turn_back() && scene.expect());
    all.extend(scene.speak(2..4));
    assert!(scene.release() && scene.rig.received(UPLINK).is_empty());
    assert!(scene.land() && scene.release_to_guest());
    assert_eq!(scene.heard(), all);
}

#[test]
fn a_guest_that_comes_although_it_was_said_to_stay_gets_what_has_waited() {
    let mut scene = Scene::new();
    scene.expect();
    let all = scene.speak(0..4);
    assert!(scene.turn_back());
    assert!(!scene.land(), "a worker knows already");
    assert!(scene.release_to_guest());
    assert_eq!((scene.heard(), scene.rig.received(UPLINK).len()), (all, 0));
}

#[test]
fn a_guest_that_does_not_come_is_expected_for_so_long_and_no_longer() {
    let mut scene = Scene::new();
    scene.expect();
    let all = scene.speak(0..4);
    scene.rig.pass(Duration::from_secs(1));
    scene.expect();
    assert!(!scene.coming.wants_release(), "they wait");
    scene.rig.pass(Duration::from_secs(2));
    assert!(scene.coming.wants_release() && scene.release());
    assert_eq!(scene.rig.received(UPLINK), all, "and however often it is said");
    let later = scene.speak(4..6);
    assert_eq!(scene.rig.received(UPLINK), later);
}

/// A guest whose rings are two.
fn two_rings() -> PortOptions {
    PortOptions { pairs: 2, memory: Layout::flat(64 << 20), ..PortOptions::default() }
}

#[test]
fn what_waited_for_a_guest_that_came_and_went_follows_it_to_where_it_is_heard() {
    let mut scene = Scene::with(&two_rings());
    scene.expect();
    let mut all = scene.speak(0..3);
    scene.come_and_go();
    all.extend(scene.speak(3..5));
    assert!(scene.rig.received(UPLINK).is_empty(), "they wait on");
    let heard = numbered(mac(HERE), mac(COMING), 5, 100);
    scene.rig.send(UPLINK, &heard);
    assert_eq!(scene.rig.received(HERE), [heard]);
    all.extend(scene.speak(6..8));
    assert_eq!(scene.rig.received(UPLINK), all);
    assert!(!scene.coming.is_paused() && !scene.coming.is_held());
}

#[test]
fn a_guest_that_came_and_went_and_is_heard_nowhere_is_not_waited_for_without_end() {
    let mut scene = Scene::with(&two_rings());
    scene.expect();
    scene.speak(0..3);
    scene.come_and_go();
    scene.rig.pass(Duration::from_secs(3));
    assert!(!scene.coming.is_paused() && !scene.coming.is_held());
    assert_eq!(scene.rig.moved(COMING).drops, [(DropReason::PortDown, 3)]);
    scene.rig.start(COMING);
    let later = scene.speak(3..5);
    assert_eq!(scene.rig.received(COMING), later, "who comes next gets nothing of that");
}

#[test]
fn last_words_of_a_guest_reach_its_neighbours_and_end_nothing() {
    let mut scene = Scene::new();
    scene.expect();
    let all = scene.speak(0..2);
    let last = numbered(mac(0), mac(1), 1, 100);
    scene.rig.send(UPLINK, &last);
    assert_eq!((scene.rig.received(HERE), scene.rig.received(UPLINK).len()), (vec![last], 0));
    assert!(scene.land() && scene.release_to_guest());
    assert_eq!(scene.heard(), all);
}

#[test]
fn what_an_uplink_brings_for_a_guest_that_is_about_to_come_is_its_source_s() {
    let mut scene = Scene::new();
    scene.expect();
    scene.rig.moved(UPLINK);
    scene.rig.send(UPLINK, &numbered(mac(1), PEER, 0, 100));
    assert_eq!(scene.rig.moved(UPLINK), Moved::sent(1, 100).dropped(DropReason::GuestAway, 1));
    scene.rig.send(UPLINK, &numbered(MacAddr::BROADCAST, PEER, 1, 100));
    assert_eq!(scene.rig.received(HERE).len(), 1);
    assert_eq!(scene.rig.moved(COMING).drops, [(DropReason::PortDown, 1)]);
    assert!(scene.land() && !scene.release(), "it may have no room for what comes yet");
    assert!(scene.rig.received(COMING).is_empty(), "so nothing comes twice");
}

#[test]
fn nobody_is_expected_whose_guest_is_here_or_who_has_none() {
    let mut scene = Scene::new();
    scene.coming.set_away(false);
    assert!(!scene.expect(), "nobody has said that it is elsewhere");
    scene.coming.set_away(true);
    scene.land();
    assert!(!scene.expect() && !scene.turn_back(), "its rings run");
    let frames = scene.speak(0..2);
    assert_eq!(scene.rig.received(COMING), frames);
}
