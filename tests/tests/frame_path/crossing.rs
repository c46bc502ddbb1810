// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that changes over from its rings to its VF, as net_failover does, and tells nobody when: it gets each frame once, in order.

use std::net::Ipv4Addr;
use std::time::Duration;

use dataplane::{DropReason, LaneSet, Steering, limits};
use tests::frames;
use tests::memory::Layout;
use tests::rig::{FarEnd, Moved, PortOptions, Rig, mac};
use wire::arp::{Arp, operation};
use wire::{EtherHeader, MacAddr, build};

use super::numbered;

const GUEST: usize = 1;
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// After so long what has no answer is asked again.
const AGAIN: Duration = Duration::from_millis(10);
/// After so long a guest that has answered nothing gets both lanes.
const SILENCE: Duration = Duration::from_millis(250);

/// The guest, with the switch around it. Control is played here: it steers to the VF when it hears that the guest is there.
struct Failover {
    rig: Rig,
    far: FarEnd,
    /// The VF's receiver works.
    is_open: bool,
    /// What comes by the rings is dropped from now on.
    has_crossed: bool,
    answers: bool,
    sent: u64,
    heard: Vec<u64>,
    questions: u64,
    /// The next frame of each ring, if it was seen and not looked at.
    next: Vec<Option<Vec<u8>>>,
}

impl Failover {
    fn of(options: &PortOptions) -> Failover {
        let mut rig = Rig::with_ports(1, &PortOptions::default());
        rig.add(0, options);
        let far = rig.add_lane(GUEST, 0);
        rig.send(GUEST, &build::arp_request((mac(GUEST), ADDRESS), Ipv4Addr::new(192, 0, 2, 9)));
        let (_, _) = (rig.received(0), rig.moved(GUEST));
        rig.port(GUEST).port().steer_lanes(Steering::ASKING);
        let (sent, heard, questions, next) = (0, Vec::new(), 0, vec![None; options.pairs.into()]);
        Failover { rig, far, is_open: false, has_crossed: false, answers: true, sent, heard, questions, next }
    }

    fn new() -> Failover {
        Failover::of(&PortOptions::default())
    }

    fn send(&mut self, count: u64) {
        let numbers = self.sent..self.sent + count;
        self.sent += count;
        let frames: Vec<_> = numbers.map(|number| numbered(mac(GUEST), mac(0), number, 100)).collect();
        frames.chunks(limits::BURST).for_each(|burst| self.rig.send_all(0, burst));
    }

    /// The guest looks at so many frames of each ring, and at the questions behind them.
    fn look(&mut self, most: usize) {
        for pair in 0..self.next.len() {
            let mut left = most;
            while let Some(frame) = self.next_of(pair) {
                let is_frame = question(&frame).is_none();
                if is_frame && left == 0 {
                    self.next[pair] = Some(frame);
                    break;
                }
                left -= usize::from(is_frame);
                if !self.has_crossed {
                    self.take(&frame);
                }
            }
        }
    }

    fn next_of(&mut self, pair: usize) -> Option<Vec<u8>> {
        let rig = &mut self.rig;
        self.next[pair].take().or_else(|| rig.port(GUEST).rx[pair].recv().map(|got| got.frame))
    }

    /// What has come over the VF is taken in.
    fn look_at_vf(&mut self) {
        let came = self.far.received();
        if self.is_open {
            came.iter().for_each(|frame| self.take(frame));
        }
    }

    fn take(&mut self, frame: &[u8]) {
        match question(frame) {
            // What another guest makes up is nothing to this one.
            None if frame[12..14] == [8, 6] => (),
            None => self.heard.push(frames::number_of(frame).expect("what was sent is numbered")),
            Some(asker) => {
                self.questions += 1;
                if self.answers {
                    self.say(&build::arp_reply((mac(GUEST), ADDRESS), (asker, Ipv4Addr::UNSPECIFIED)));
                }
            }
        }
    }

    fn say(&mut self, frame: &[u8]) {
        if self.has_crossed { self.far.send(frame) } else { self.rig.send(GUEST, frame) }
    }

    /// A turn of the worker, and what control makes of its news. `time` passes.
    fn turn(&mut self, time: Duration) {
        self.rig.poll();
        self.rig.pass(time);
        let port = self.rig.port(GUEST).port().clone();
        if port.take_lane_news().answered {
            port.steer_lanes(Steering::all(LaneSet::VF));
        }
        port.release(self.rig.now());
    }

    /// Everything comes to rest.
    fn settle(&mut self) {
        let mut rest = 0;
        for _ in 0..300 {
            rest = if self.heard.len() as u64 >= self.sent { rest + 1 } else { 0 };
            if rest > 8 {
                return;
            }
            self.look(usize::MAX);
            self.look_at_vf();
            self.turn(AGAIN);
        }
    }

    fn release(&mut self) {
        let now = self.rig.now();
        self.rig.port(GUEST).port().release(now);
    }

    fn steer(&mut self, steering: Steering) {
        self.rig.port(GUEST).port().steer_lanes(steering);
    }
}

/// Who asks, if a frame is a question of the switch's.
fn question(frame: &[u8]) -> Option<MacAddr> {
    let ether = EtherHeader::parse(frame)?;
    let arp = Arp::parse(&frame[ether.l3..])?;
    let asks = arp.operation == operation::REQUEST;
    assert!(!asks || (arp.target.1, arp.sender.1) == (ADDRESS, Ipv4Addr::UNSPECIFIED), "{arp:?}");
    asks.then_some(arp.sender.0)
}

/// The guest opens its VF before frame `open` is sent and changes over before frame `cross`, and looks at its ring, at so many
/// frames, behind those frames of which `looks` has the bit.
fn crossing(options: &PortOptions, (open, cross): (u64, u64), (looks, most): (u64, usize)) {
    const FRAMES: u64 = 5;
    let mut guest = Failover::of(options);
    guest.send(1);
    guest.look(usize::MAX);
    for number in 1..=FRAMES {
        guest.is_open |= open < number;
        guest.has_crossed |= cross < number;
        guest.send(1);
        if looks >> number & 1 != 0 {
            guest.look(most);
            guest.look_at_vf();
        }
        guest.turn(Duration::from_millis(1));
    }
    (guest.is_open, guest.has_crossed) = (true, true);
    guest.settle();
    guest.send(2);
    guest.settle();
    assert_eq!(guest.heard, (0..FRAMES + 3).collect::<Vec<_>>(), "{open} {cross} {looks:b} {most}");
    let Moved { rx, drops, .. } = guest.rig.moved(GUEST);
    assert_eq!(rx.frames, FRAMES + 3, "each counts once");
    assert!(drops.iter().all(|(reason, _)| *reason == DropReason::Answer), "{drops:?}");
    assert!(guest.rig.received(0).is_empty(), "no answer comes to anybody");
    assert!(!guest.rig.port(GUEST).port().is_held());
}

#[test]
fn a_guest_that_answers_gets_each_frame_once_whenever_it_changes_over() {
    for cross in 0..=5 {
        for open in 0..=cross {
            for looks in 0..32 {
                for most in [1, 2, usize::MAX] {
                    crossing(&PortOptions::default(), (open, cross), (looks << 1, most));
                }
            }
        }
    }
}

#[test]
fn a_guest_of_several_queue_pairs_gets_each_frame_once() {
    let options = PortOptions { pairs: 3, memory: Layout::flat(64 << 20), ..PortOptions::default() };
    for cross in 0..=5 {
        for looks in [0, 0b10_1010, 0b11_1110] {
            crossing(&options, (0, cross), (looks, usize::MAX));
        }
    }
}

#[test]
fn a_guest_that_is_deaf_for_a_while_after_it_has_changed_over_gets_what_came_meanwhile() {
    let mut guest = Failover::new();
    guest.send(10);
    guest.look(usize::MAX);
    guest.has_crossed = true;
    for _ in 0..45 {
        guest.send(10);
        guest.turn(AGAIN);
        guest.look(usize::MAX);
        guest.look_at_vf();
    }
    assert_eq!(guest.heard, (0..10).collect::<Vec<_>>());
    guest.is_open = true;
    guest.settle();
    assert_eq!(guest.heard, (0..460).collect::<Vec<_>>());
}

#[test]
fn a_guest_that_never_answers_gets_both_lanes_and_is_asked_on() {
    let mut guest = Failover::new();
    guest.answers = false;
    guest.send(3);
    guest.rig.pass(SILENCE);
    guest.send(3);
    assert_eq!(guest.far.received().len(), 4, "three frames, behind the one question that came before");
    guest.look(usize::MAX);
    assert_eq!(guest.heard, (0..6).collect::<Vec<_>>());
    let before = guest.questions;
    guest.answers = true;
    guest.turn(AGAIN);
    guest.look(usize::MAX);
    assert!(guest.questions > before);
    guest.turn(AGAIN);
    drop(guest.far.received());
    guest.send(1);
    let by_vf = guest.far.received();
    assert!(by_vf.iter().all(|frame| question(frame).is_some()), "now that it answers, no frame goes by both");
    guest.steer(Steering::all(LaneSet::VF));
    guest.release();
    guest.look_at_vf();
}

#[test]
fn a_guest_of_which_no_address_is_known_gets_both_lanes_at_once() {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    let far = rig.add_lane(GUEST, 0);
    rig.port(GUEST).port().steer_lanes(Steering::ASKING);
    let frames: Vec<_> = (0..3).map(|number| numbered(mac(GUEST), mac(0), number, 100)).collect();
    rig.send_all(0, &frames);
    assert_eq!((rig.received(GUEST), far.received()), (frames.clone(), frames));
}

#[test]
fn answers_to_what_was_never_asked_confirm_nothing() {
    let mut guest = Failover::new();
    guest.send(2);
    guest.look(usize::MAX);
    guest.answers = false;
    guest.send(3);
    let Some(asked) = std::iter::from_fn(|| guest.rig.port(GUEST).rx[0].recv()).find_map(|got| question(&got.frame))
    else {
        panic!("it is asked")
    };
    let lie = |pair: u8, number: u8| {
        let mut asker = asked.0;
        (asker[2], asker[5]) = (pair, asker[5].wrapping_add(number));
        build::arp_reply((mac(GUEST), ADDRESS), (MacAddr(asker), Ipv4Addr::UNSPECIFIED))
    };
    // Of the future, of the past, of another pair, and by the rings to a question of the VF's.
    [lie(0, 9), lie(0, 128), lie(1, 0), lie(0xff, 1)].iter().for_each(|lie| guest.say(lie));
    // Another port's guest says the same.
    guest.rig.send(0, &[&asked.0[..], &mac(0).0, &lie(0, 0)[12..]].concat());
    assert_eq!(guest.rig.moved(GUEST).drops, [(DropReason::Answer, 5)]);
    assert!(guest.rig.received(0).is_empty());
    (guest.has_crossed, guest.is_open, guest.answers) = (true, true, true);
    guest.settle();
    assert_eq!(guest.heard, (0..5).collect::<Vec<_>>(), "none of the three was taken for heard");
}

#[test]
fn more_than_may_be_kept_lets_the_oldest_copies_go() {
    let mut guest = Failover::new();
    guest.send(1);
    guest.look(usize::MAX);
    guest.has_crossed = true;
    let count = limits::HELD_FRAMES as u64 + 50;
    for _ in 0..count / 50 {
        guest.send(50);
        guest.look(usize::MAX);
    }
    guest.is_open = true;
    let left = guest.sent - limits::HELD_FRAMES as u64;
    guest.settle();
    assert_eq!(guest.heard, std::iter::once(0).chain(left..guest.sent).collect::<Vec<_>>(), "in order");
    let lost = guest.rig.port(GUEST).port().lane_stats().copies_lost;
    assert_eq!(lost, left - 1, "and counted");
}

#[test]
fn a_vf_that_is_taken_away_meanwhile_changes_nothing() {
    for steering in [Steering::default(), Steering::all(LaneSet::BOTH)] {
        let mut guest = Failover::new();
        guest.send(3);
        drop(guest.far.received());
        guest.steer(steering);
        guest.release();
        assert!(guest.far.received().is_empty());
        guest.steer(Steering::default());
        guest.send(3);
        guest.release();
        guest.settle();
        assert_eq!(guest.heard, (0..6).collect::<Vec<_>>());
        assert_eq!(guest.rig.moved(GUEST).rx.frames, 6);
    }
}

#[test]
fn what_control_says_is_confirmed_like_everything_else() {
    let mut guest = Failover::new();
    guest.send(1);
    guest.look(usize::MAX);
    let said = numbered(mac(GUEST), mac(0), 1, 100);
    let now = guest.rig.now();
    assert!(guest.rig.port(GUEST).port().emit(&said, now));
    (guest.is_open, guest.has_crossed, guest.sent) = (true, true, 2);
    guest.send(1);
    guest.settle();
    assert_eq!(guest.heard, [0, 1, 2]);
}

#[test]
fn a_guest_that_looks_at_nothing_gets_it_all_when_it_looks() {
    let options = PortOptions {
        queue: tests::driver::QueueOptions { size: 8, ..PortOptions::default().queue },
        ..PortOptions::default()
    };
    let mut guest = Failover::of(&options);
    guest.send(1);
    guest.look(usize::MAX);
    (0..50).for_each(|_| guest.send(1));
    for _ in 0..50 {
        guest.look(usize::MAX);
        guest.turn(AGAIN);
    }
    assert_eq!(guest.heard, (0..51).collect::<Vec<_>>(), "its ring has room for eight");
}
