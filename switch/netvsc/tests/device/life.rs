// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A VF's whole life, for each guest model.

use crate::rig::{Rig, Workers};
use netvsc::{Action, By, Choice, Device, Event, GuestModel, Lane, Lanes, Origin, Serial, State, Steering, Timing};
use netvsc::{Told, Trouble, timing};

const VF: Steering = Steering { unicast: Lanes::VF, multicast: Lanes::VF, outward: false, asks: false };

/// Once it was asked there, nobody has to wait until its driver hears.
#[test]
fn test_a_standby_guest_that_answers_on_its_vf_has_it_at_once() {
    let mut rig = Rig::new(None);
    rig.all([Event::VmmUp, Event::GuestUp { standby: true }, Event::Offer(By::Operator), Event::LaneUp]);
    rig.pass(timing::OFFER_DELAY).all([Event::Plugged, Event::Seen(Lane::Vf)]);
    assert_eq!((rig.state(), rig.frames), (State::Ready, Steering::ASKING), "it sends there");
    rig.all([Event::Answered]);
    assert_eq!((rig.state(), rig.frames), (State::OnVf, VF), "and hears");
    rig.all([Event::Seen(Lane::Synthetic)]);
    assert_eq!(
        (rig.frames.asks, rig.frames.unicast),
        (false, Lanes::BOTH),
        "it has changed over, and is not asked again"
    );
}

/// Who wants it on the synthetic lane has it there whatever the guest does; and a guest that never uses its VF is not asked for ever.
#[test]
fn test_a_guest_is_asked_only_while_its_vf_is_about_to_be_used() {
    for ends in
        [Event::SwitchAsked(Lane::Synthetic), Event::LaneDown, Event::LaneRecovering, Event::Revoke(By::Operator)]
    {
        let mut rig = Rig::new(GuestModel::Standby);
        rig.all([Event::VmmUp, Event::GuestUp { standby: true }, Event::Offer(By::Operator), Event::LaneUp]);
        rig.pass(timing::OFFER_DELAY).all([Event::Plugged]);
        assert!(rig.frames.asks);
        rig.all([ends.clone()]);
        assert!(!rig.frames.asks, "{ends:?}");
    }
    let mut rig = Rig::new(GuestModel::Standby);
    rig.all([Event::VmmUp, Event::GuestUp { standby: true }, Event::Offer(By::Operator), Event::LaneUp]);
    rig.pass(timing::OFFER_DELAY).all([Event::Plugged]).pass(timing::ACKNOWLEDGE);
    assert_eq!((rig.frames.asks, rig.frames.unicast), (false, Lanes::BOTH));
}

#[test]
fn test_a_standby_guest_gets_its_vf_and_loses_it() {
    let mut rig = Rig::new(None);
    rig.all([Event::VmmUp, Event::GuestUp { standby: true }, Event::Offer(By::Operator)]);
    assert_eq!(rig.take(), [Action::OpenLane, Action::Tell(Told::Associated(Serial(1)))]);
    rig.all([Event::LaneUp]).pass(timing::OFFER_DELAY);
    assert_eq!(rig.take(), [Action::Plug(Serial(1))]);
    rig.all([Event::Plugged, Event::Seen(Lane::Vf)]).pass(timing::TAKEOVER);
    assert_eq!(rig.take(), [Action::Steer(Steering::ASKING), Action::Steer(VF), Action::Tell(Told::Active(Lane::Vf))]);
    assert_eq!((rig.state(), rig.status().model.0), (State::OnVf, GuestModel::Standby));
    rig.all([Event::Revoke(By::Operator)]);
    let on_synthetic = [Action::Tell(Told::Active(Lane::Synthetic)), Action::Announce];
    let withdrawn = [Action::Tell(Told::Withdrawn(Serial(1))), Action::Unplug(Serial(1))];
    assert_eq!(rig.take(), [vec![Action::Steer(Steering::WAIT)], on_synthetic.to_vec(), withdrawn.to_vec()].concat());
    rig.all([Event::Unplugged]);
    assert_eq!(rig.take(), [Action::Steer(Steering::SYNTHETIC), Action::CloseLane]);
    assert_eq!((rig.state(), rig.device.next_due()), (State::Absent, None));
}

/// Hyper-V's contract, a message at a time.
#[test]
fn test_a_netvsc_guest_is_told_asks_and_is_answered() {
    let mut rig = Rig::new(GuestModel::Netvsc);
    rig.all([Event::GuestUp { standby: false }, Event::Offer(By::Operator), Event::LaneUp]);
    assert_eq!(rig.told(), [Told::Associated(Serial(1))]);
    rig.all([Event::Found]);
    assert_eq!((rig.state(), rig.active()), (State::Ready, Lane::Synthetic));
    rig.all([Event::GuestAsked(Lane::Vf)]);
    assert_eq!(rig.told(), [Told::Completed { lane: Lane::Vf, done: true }, Told::Active(Lane::Vf)]);
    assert_eq!(rig.frames, Steering { unicast: Lanes::VF, multicast: Lanes::SYNTHETIC, outward: false, asks: false });
    rig.all([Event::GuestAsked(Lane::Synthetic)]);
    assert_eq!(rig.told(), [Told::Completed { lane: Lane::Synthetic, done: true }, Told::Active(Lane::Synthetic)]);
    assert_eq!(rig.frames, Steering::SYNTHETIC);
}

#[test]
fn test_a_revocation_completes_the_pending_switch_then_leaves_the_vf_then_withdraws_the_same_serial() {
    let mut rig = on_vf(GuestModel::Netvsc);
    rig.workers = Workers::Silent;
    rig.all([Event::GuestAsked(Lane::Synthetic)]).take();
    rig.all([Event::Revoke(By::Operator)]);
    let told = [
        Told::Completed { lane: Lane::Synthetic, done: true },
        Told::Active(Lane::Synthetic),
        Told::Withdrawn(Serial(1)),
    ];
    assert_eq!(rig.told(), told);
    assert_eq!(rig.state(), State::Leaving, "the lane is not closed before the frame path has left it");
    rig.all([Event::Switched]);
    assert_eq!(rig.take(), [Action::CloseLane]);
    assert_eq!(rig.state(), State::Absent);
}

#[test]
fn test_a_bond_is_followed_to_the_lane_that_it_sends_on() {
    let mut rig = on_vf(GuestModel::Bond);
    assert_eq!(rig.frames, VF);
    rig.pass(timing::TAKEOVER).all([Event::Seen(Lane::Synthetic)]);
    assert_eq!((rig.frames, rig.active()), (Steering::SYNTHETIC, Lane::Synthetic));
    rig.all([Event::Seen(Lane::Vf)]);
    assert_eq!((rig.frames, rig.active()), (VF, Lane::Vf));
}

#[test]
fn test_a_host_lane_takes_the_guests_unicast_out_and_nothing_in() {
    let mut rig = Rig::of(Device::new(Choice { model: None, host_netdev: true }, Timing::default()));
    rig.all([Event::Offer(By::Auto), Event::LaneUp]).pass(timing::TAKEOVER);
    assert_eq!(rig.frames, Steering { outward: true, ..Steering::SYNTHETIC });
    assert_eq!(rig.status().model, (GuestModel::HostLane, Origin::Lane));
    rig.all([Event::LaneGone]);
    assert_eq!((rig.frames, rig.state()), (Steering::SYNTHETIC, State::Absent));
}

#[test]
fn test_a_switch_to_the_vf_that_fails_leaves_the_synthetic_lane_and_is_tried_again() {
    let mut rig = offered(GuestModel::Bond);
    rig.workers = Workers::Fail;
    rig.all([Event::Seen(Lane::Vf)]);
    assert_eq!((rig.state(), rig.active(), rig.frames), (State::Ready, Lane::Synthetic, Steering::SYNTHETIC));
    assert_eq!(rig.trouble(), Some(Trouble::SwitchFailed(Lane::Vf)));
    rig.workers = Workers::Obey;
    rig.pass(timing::RETRY_FIRST);
    assert_eq!((rig.state(), rig.active(), rig.trouble()), (State::OnVf, Lane::Vf, None));
}

#[test]
fn test_a_switch_back_that_fails_leaves_the_vf_assumed_active_and_is_tried_again() {
    let mut rig = on_vf(GuestModel::Netvsc);
    rig.workers = Workers::Fail;
    rig.all([Event::LaneDown]);
    assert_eq!((rig.state(), rig.active()), (State::OnVf, Lane::Vf));
    assert_eq!(rig.trouble(), Some(Trouble::SwitchFailed(Lane::Synthetic)));
    rig.workers = Workers::Obey;
    rig.pass(timing::RETRY_FIRST);
    assert_eq!((rig.state(), rig.active(), rig.frames), (State::Ready, Lane::Synthetic, Steering::SYNTHETIC));
}

/// A device without a VMM whose VF is there for the guest.
fn offered(model: GuestModel) -> Rig {
    let mut rig = Rig::new(model);
    let standby = model == GuestModel::Standby;
    rig.all([Event::GuestUp { standby }, Event::Offer(By::Operator), Event::LaneUp]).take();
    rig
}

fn on_vf(model: GuestModel) -> Rig {
    let mut rig = offered(model);
    rig.all([Event::SwitchAsked(Lane::Vf), Event::Seen(Lane::Vf)]).pass(timing::TAKEOVER).take();
    assert_eq!(rig.state(), State::OnVf);
    rig
}
