// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Hyper-V's contract and what others test of it, under their names where they have one. What is about RNDIS messages, rings and
//! sub-channels has no counterpart here, since virtio carries the frames.

use crate::rig::{Rig, Workers};
use netvsc::{
    Action, By, Event, GuestModel, Lane, Lanes, Refused, Serial, State, Steering, Told, Waits, limits, timing,
};

/// Each frame on both lanes.
pub(crate) const BOTH: Steering =
    Steering { unicast: Lanes::BOTH, multicast: Lanes::BOTH, outward: false, asks: false };
pub(crate) const DONE: Told = Told::Completed { lane: Lane::Vf, done: true };
const BACK: Told = Told::Completed { lane: Lane::Synthetic, done: true };
const ON_VF: Told = Told::Active(Lane::Vf);
const ON_SYNTHETIC: Told = Told::Active(Lane::Synthetic);

/// A VMM that is talked to and a guest that speaks NetVSC's order, whose driver runs.
fn hyperv() -> Rig {
    let mut rig = Rig::new(GuestModel::Netvsc);
    rig.all([Event::VmmUp, Event::GuestUp { standby: false }]);
    rig
}

/// Offers a VF and has it plugged.
fn plug(rig: &mut Rig) {
    rig.all([Event::Offer(By::Operator), Event::LaneUp]).pass(timing::OFFER_DELAY);
    rig.all([Event::Plugged]);
}

pub(crate) fn on_vf() -> Rig {
    let mut rig = hyperv();
    plug(&mut rig);
    rig.all([Event::Found, Event::GuestAsked(Lane::Vf)]).take();
    assert_eq!(rig.state(), State::OnVf);
    rig
}

#[test]
fn with_vf() {
    let mut rig = hyperv();
    rig.all([Event::Offer(By::Operator), Event::LaneUp]);
    assert_eq!(rig.take(), [Action::OpenLane, Action::Tell(Told::Associated(Serial(1)))], "first the association");
    rig.pass(timing::OFFER_DELAY);
    assert_eq!(rig.take(), [Action::Plug(Serial(1))], "then the device");
    rig.all([Event::Plugged, Event::Found, Event::GuestAsked(Lane::Vf)]);
    assert_eq!(rig.told(), [DONE, ON_VF]);
}

/// The guest waits as long as the frame path does, and not for ever.
#[test]
fn with_vf_without_completion() {
    let mut rig = hyperv();
    plug(&mut rig);
    rig.workers = Workers::Silent;
    rig.all([Event::Found]).take();
    rig.all([Event::GuestAsked(Lane::Vf), Event::GuestAsked(Lane::Vf)]);
    assert_eq!((rig.told(), rig.state(), rig.active()), (vec![], State::ToVf, Lane::Synthetic));
    rig.confirm();
    assert_eq!(rig.told(), [DONE, ON_VF], "once, although it was asked twice");
}

#[test]
fn with_vf_alternate_id() {
    let mut rig = on_vf();
    rig.all([Event::Revoke(By::Operator), Event::Unplugged]).take();
    plug(&mut rig);
    let told = rig.told();
    assert_eq!(told, [Told::Associated(Serial(2))], "another offer is another serial");
}

/// A driver that goes and comes is told of the same association each time.
#[test]
fn with_vf_multi_open() {
    let mut rig = hyperv();
    plug(&mut rig);
    rig.take();
    for _ in 0..3 {
        rig.all([Event::GuestDown, Event::GuestUp { standby: false }]);
        assert_eq!(rig.told(), [Told::Associated(Serial(1))]);
    }
}

/// The driver before was on the VF: the next one begins on the synthetic lane, and may ask again.
#[test]
fn with_prev_vf_switch_data_path() {
    let mut rig = on_vf();
    rig.all([Event::GuestDown]);
    assert_eq!((rig.told(), rig.state(), rig.frames), (vec![ON_SYNTHETIC], State::Plugged, Steering::SYNTHETIC));
    rig.all([Event::GuestUp { standby: false }, Event::Found, Event::GuestAsked(Lane::Vf)]);
    assert_eq!(rig.told(), [Told::Associated(Serial(1)), DONE, ON_VF]);
}

/// A reconnect is no new driver.
#[test]
fn stop_start_with_vf() {
    let mut rig = on_vf();
    rig.all([Event::GuestUp { standby: false }]);
    assert_eq!((rig.take(), rig.state()), (vec![], State::OnVf));
}

#[test]
fn dynamic_vf_support() {
    let mut rig = hyperv();
    for serial in 1..=3 {
        plug(&mut rig);
        rig.all([Event::Found, Event::GuestAsked(Lane::Vf)]);
        assert_eq!(rig.told(), [Told::Associated(Serial(serial)), DONE, ON_VF]);
        rig.all([Event::Revoke(By::Operator), Event::Unplugged]);
        assert_eq!(rig.told(), [ON_SYNTHETIC, Told::Withdrawn(Serial(serial))]);
    }
}

/// Whatever is on its way when the VF is revoked: nobody is left waiting, and nothing is done twice.
#[test]
fn remove_vf_with_async_messages() {
    for asked in [Lane::Vf, Lane::Synthetic] {
        let mut rig = if asked == Lane::Vf { hyperv() } else { on_vf() };
        if asked == Lane::Vf {
            plug(&mut rig);
            rig.all([Event::Found]).take();
        }
        rig.workers = Workers::Silent;
        rig.all([Event::GuestAsked(asked), Event::Revoke(By::Operator)]);
        let told = rig.told();
        let completed = Told::Completed { lane: asked, done: asked == Lane::Synthetic };
        assert_eq!((told.first(), told.last()), (Some(&completed), Some(&Told::Withdrawn(Serial(1)))));
        assert_eq!(rig.on(Event::GuestAsked(Lane::Vf)), Err(Refused::Leaving));
        rig.all([Event::GuestAsked(Lane::Synthetic), Event::Found, Event::Unplugged]);
        assert_eq!(rig.told(), [BACK]);
        rig.confirm();
        assert_eq!((rig.take(), rig.frames), (vec![Action::CloseLane], Steering::SYNTHETIC));
    }
}

/// Up, down, up: back at once when the link is lost, and not before it has held.
#[test]
fn link_status_update() {
    let mut rig = on_vf();
    rig.all([Event::LaneDown]);
    assert_eq!(rig.told(), [ON_SYNTHETIC]);
    rig.all([Event::LaneUp, Event::LaneDown, Event::LaneUp]).pass(timing::LINK_HOLD - timing::TAKEOVER);
    assert_eq!(rig.told(), [], "not yet");
    rig.pass(timing::TAKEOVER);
    assert_eq!(rig.told(), [ON_VF], "once for all of them");
}

#[test]
fn race_of_switch_and_revocation() {
    let mut rig = hyperv();
    plug(&mut rig);
    rig.workers = Workers::Silent;
    rig.all([Event::Found, Event::GuestAsked(Lane::Vf), Event::Revoke(By::Operator)]).take();
    // The frame path completes a switch that nobody wants any more, and then the one back.
    rig.all([Event::Switched]);
    assert_eq!((rig.state(), rig.active()), (State::Leaving, Lane::Synthetic));
    rig.all([Event::Switched, Event::Unplugged]);
    assert_eq!((rig.state(), rig.frames), (State::Absent, Steering::SYNTHETIC));
    assert_eq!(rig.on(Event::Switched), Err(Refused::Unexpected));
}

#[test]
fn switches_only_when_reported_attached_and_started() {
    let mut rig = Rig::new(GuestModel::Netvsc);
    rig.all([Event::VmmUp]);
    assert_eq!(rig.on(Event::GuestAsked(Lane::Vf)), Err(Refused::NoGuest));
    rig.all([Event::GuestUp { standby: false }]);
    assert_eq!(rig.on(Event::GuestAsked(Lane::Vf)), Err(Refused::NotOffered));
    rig.all([Event::Offer(By::Operator)]);
    assert_eq!(rig.on(Event::GuestAsked(Lane::Vf)), Err(Refused::NotPlugged));
    rig.all([Event::LaneUp]).pass(timing::OFFER_DELAY).all([Event::Plugged, Event::LaneDown]).take();
    rig.all([Event::GuestAsked(Lane::Vf)]);
    assert_eq!(rig.told(), [Told::Completed { lane: Lane::Vf, done: false }], "the guest is not left waiting");
    rig.all([Event::LaneUp]).pass(timing::LINK_HOLD);
    assert_eq!(rig.told(), [ON_VF], "it gets it as soon as that can be had");
}

/// A lane that repairs itself is not taken from the guest.
#[test]
fn recovering_success_and_failed() {
    let mut rig = on_vf();
    rig.all([Event::LaneRecovering]);
    assert_eq!((rig.told(), rig.state()), (vec![ON_SYNTHETIC], State::Ready));
    rig.all([Event::LaneRecovered]);
    assert_eq!((rig.told(), rig.state()), (vec![ON_VF], State::OnVf));
    rig.all([Event::LaneRecovering, Event::LaneGone]);
    assert!(rig.told().contains(&Told::Withdrawn(Serial(1))));
    assert_eq!((rig.state(), rig.active()), (State::Leaving, Lane::Synthetic));
}

/// The guest changes its mind while the frame path is on its way back.
#[test]
fn who_asks_for_the_vf_again_meanwhile_gets_it() {
    let mut rig = on_vf();
    rig.workers = Workers::Silent;
    rig.all([Event::GuestAsked(Lane::Synthetic), Event::GuestAsked(Lane::Vf)]);
    assert_eq!(rig.told(), [Told::Completed { lane: Lane::Synthetic, done: false }]);
    rig.confirm();
    assert_eq!(rig.told(), [ON_SYNTHETIC, DONE, ON_VF]);
}

/// Workers that do nothing are not told without end, and what they are told last is what holds.
#[test]
fn workers_that_answer_late_are_told_a_bounded_number_of_times() {
    let mut rig = on_vf();
    rig.workers = Workers::Silent;
    for _ in 0..3 * limits::UNANSWERED_MAX {
        rig.all([Event::SwitchAsked(Lane::Synthetic), Event::SwitchAsked(Lane::Vf), Event::GuestDown]);
        rig.all([Event::GuestUp { standby: false }, Event::SwitchAsked(Lane::Vf)]);
    }
    let steered = rig.take().iter().filter(|action| matches!(action, Action::Steer(_))).count();
    assert_eq!(steered, limits::UNANSWERED_MAX);
    rig.workers = Workers::Obey;
    rig.confirm();
    assert_eq!((rig.state(), rig.frames), (State::OnVf, rig.device.steering()));
}

/// Whatever the guest does, the operator's word for the synthetic lane stands, until he or another driver undoes it.
#[test]
fn who_is_pinned_stays() {
    for sign in [Event::GuestAsked(Lane::Vf), Event::Seen(Lane::Vf), Event::Found] {
        let mut rig = Rig::new(GuestModel::Netvsc);
        rig.all([Event::GuestUp { standby: false }, Event::Offer(By::Operator), Event::LaneUp]);
        rig.all([Event::SwitchAsked(Lane::Vf), Event::SwitchAsked(Lane::Synthetic), sign]);
        assert_eq!((rig.active(), rig.status().waits), (Lane::Synthetic, Some(Waits::Pinned)));
        rig.all([Event::SwitchAsked(Lane::Vf)]);
        assert_eq!(rig.active(), Lane::Vf);
    }
}

/// A guest that was told that its switch failed is not moved behind its back.
#[test]
fn who_was_told_of_a_failure_asks_again() {
    let mut rig = hyperv();
    plug(&mut rig);
    rig.workers = Workers::Fail;
    rig.all([Event::Found]).take();
    rig.all([Event::GuestAsked(Lane::Vf)]);
    assert!(rig.told().contains(&Told::Completed { lane: Lane::Vf, done: false }));
    rig.workers = Workers::Obey;
    rig.pass(timing::RETRY_LONGEST);
    assert_eq!((rig.told(), rig.active()), (vec![], Lane::Synthetic));
    rig.all([Event::GuestAsked(Lane::Vf)]);
    assert_eq!(rig.told(), [DONE, ON_VF]);
}

/// Who hears the synthetic lane anyway keeps its device through any loss of the link.
#[test]
fn a_link_that_stays_down_takes_no_device_from_a_guest_that_hears() {
    let mut rig = on_vf();
    rig.all([Event::LaneDown]).take();
    rig.pass(timing::LINK_HOLD * 2);
    assert_eq!((rig.take(), rig.state()), (vec![], State::Ready));
}
