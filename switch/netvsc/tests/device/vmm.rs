// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A VMM that refuses, hangs, lies or goes away, and links and lanes that do.

use crate::contract::BOTH;
use crate::rig::Rig;
use netvsc::{
    Action, By, Event, GuestModel, Lane, Misfit, Refused, Serial, State, Steering, Trouble, Waits, limits, timing,
};

/// A guest with net_failover that waits for a VF, which the VMM was told to plug.
fn plugging() -> Rig {
    let mut rig = Rig::new(GuestModel::Standby);
    rig.all([Event::VmmUp, Event::GuestUp { standby: true }, Event::Offer(By::Operator), Event::LaneUp]);
    rig.pass(timing::OFFER_DELAY).take();
    rig
}

fn on_vf() -> Rig {
    let mut rig = plugging();
    rig.all([Event::Plugged, Event::Seen(Lane::Vf)]).pass(timing::TAKEOVER).take();
    assert_eq!(rig.state(), State::OnVf);
    rig
}

#[test]
fn test_a_vmm_that_refuses_is_asked_again_a_few_times_and_by_the_operator() {
    let mut rig = plugging();
    for _ in 0..limits::PLUG_TRIES {
        assert_eq!(rig.state(), State::Plugging);
        rig.all([Event::PlugFailed("no hotplug on this bus".into())]);
        assert_eq!((rig.frames, rig.state()), (Steering::SYNTHETIC, State::Offered));
        rig.pass(timing::PLUG_RETRY);
    }
    assert_eq!((rig.state(), rig.status().waits), (State::Offered, Some(Waits::Operator)));
    let text = rig.trouble().expect("a trouble").to_string();
    assert_eq!(text, "the VMM refused to plug the device: no hotplug on this bus");
    rig.all([Event::Offer(By::Operator)]);
    assert_eq!(rig.state(), State::Plugging, "asked once more");
}

#[test]
fn test_a_vmm_that_hangs_is_shown_and_the_device_may_be_there() {
    let mut rig = plugging();
    rig.pass(timing::PLUG_WAIT);
    assert_eq!((rig.state(), rig.frames), (State::Plugged, Steering::ASKING));
    assert_eq!(rig.trouble(), Some(Trouble::PlugUnanswered));
    rig.all([Event::Seen(Lane::Vf)]).pass(timing::TAKEOVER);
    assert_eq!((rig.state(), rig.trouble()), (State::OnVf, None), "it was there");
}

#[test]
fn test_a_vmm_that_lies_changes_nothing_and_is_counted() {
    let mut rig = on_vf();
    let lies = [Event::Plugged, Event::PlugFailed("so".into()), Event::UnplugFailed("so".into())];
    for (count, lie) in lies.into_iter().enumerate() {
        assert_eq!(rig.on(lie), Err(Refused::Unexpected));
        assert_eq!((rig.state(), rig.status().counts.strays), (State::OnVf, count as u64 + 1));
    }
    let mut rig = Rig::new(GuestModel::Bond);
    rig.all([Event::GuestUp { standby: false }]);
    assert_eq!(rig.on(Event::Negotiated), Err(Refused::Unexpected), "the driver itself knows better");
}

#[test]
fn test_a_reason_of_a_vmm_is_bounded() {
    let mut rig = plugging();
    rig.all([Event::PlugFailed("é".repeat(limits::REASON_BYTES))]);
    let Some(Trouble::PlugFailed(reason)) = rig.trouble() else { panic!("{:?}", rig.trouble()) };
    assert_eq!(reason.len(), limits::REASON_BYTES);
}

#[test]
fn test_a_channel_that_is_lost_and_comes_back_is_asked_again() {
    let mut rig = plugging();
    rig.all([Event::VmmLost]);
    assert_eq!((rig.state(), rig.frames, rig.trouble()), (State::Plugged, Steering::ASKING, Some(Trouble::VmmLost)));
    rig.all([Event::VmmUp]);
    assert_eq!((rig.take().last(), rig.state()), (Some(&Action::Plug(Serial(1))), State::Plugging));
    rig.all([Event::Plugged, Event::VmmLost, Event::Revoke(By::Operator)]).take();
    rig.all([Event::VmmUp]);
    assert_eq!(rig.take(), [Action::Unplug(Serial(1))]);
}

#[test]
fn test_a_guest_that_does_not_let_go_is_asked_again_and_then_left() {
    let mut rig = on_vf();
    rig.all([Event::Revoke(By::Operator)]).take();
    assert_eq!(rig.frames, Steering::WAIT);
    for _ in 0..3 {
        rig.all([Event::UnplugFailed("the guest said no".into())]);
        rig.take();
        rig.pass(timing::PLUG_RETRY);
        assert_eq!(rig.take(), [Action::Unplug(Serial(1))]);
        assert_eq!(rig.frames, BOTH, "it hears the VF until it has lost it");
    }
    rig.pass(timing::UNPLUG_WAIT);
    assert_eq!((rig.state(), rig.frames), (State::Absent, Steering::SYNTHETIC));
    assert_eq!(rig.trouble(), Some(Trouble::StillPlugged));
    rig.all([Event::Unplugged]);
    assert_eq!(rig.trouble(), None, "late is better than never");
}

#[test]
fn test_somebody_else_takes_the_device_out() {
    let mut rig = on_vf();
    rig.all([Event::Unplugged]);
    assert_eq!((rig.state(), rig.frames, rig.trouble()), (State::Absent, Steering::SYNTHETIC, Some(Trouble::Removed)));
}

/// A standby guest whose primary has no link hears nothing: both lanes, and when the link stays away, no primary.
#[test]
fn test_a_link_that_stays_down_takes_the_device_from_a_guest_that_would_hear_nothing() {
    let mut rig = on_vf();
    rig.all([Event::LaneDown]).pass(timing::TAKEOVER);
    assert_eq!((rig.frames, rig.state()), (BOTH, State::Ready), "no device is taken for a moment's loss");
    rig.all([Event::LaneUp]).pass(timing::LINK_HOLD);
    assert_eq!(rig.state(), State::OnVf);
    rig.all([Event::LaneDown]).take();
    rig.pass(timing::LINK_WAIT);
    assert!(rig.take().contains(&Action::Unplug(Serial(1))));
    assert_eq!((rig.state(), rig.trouble()), (State::Leaving, Some(Trouble::LinkDown)));
}

#[test]
fn test_surprise_removal_without_a_vmm_says_what_the_operator_has_to_do() {
    let mut rig = Rig::new(GuestModel::Standby);
    rig.all([Event::GuestUp { standby: true }, Event::Offer(By::Operator), Event::LaneUp, Event::Seen(Lane::Vf)]);
    rig.pass(timing::TAKEOVER).all([Event::LaneGone]);
    assert_eq!((rig.state(), rig.frames), (State::Absent, Steering::SYNTHETIC));
    assert!(rig.trouble().expect("a trouble").to_string().contains("remove it in the VMM"));
}

/// A guest that comes back without STANDBY must not be given a second NIC.
#[test]
fn test_an_offer_waits_for_a_guest_that_fits_and_goes_on_when_it_does() {
    let mut rig = Rig::new(GuestModel::Standby);
    rig.all([Event::VmmUp, Event::Offer(By::Operator), Event::LaneUp, Event::GuestUp { standby: false }]);
    rig.pass(timing::OFFER_DELAY);
    let misfit = Misfit::NotNegotiated;
    assert_eq!((rig.state(), rig.status().waits), (State::Offered, Some(Waits::Agreement(misfit))));
    assert!(misfit.to_string().contains("failover=on"), "it says what to do");
    rig.all([Event::GuestDown, Event::GuestUp { standby: true }]).pass(timing::OFFER_DELAY);
    assert_eq!(rig.state(), State::Plugging);
}

/// A device that is there already: the guest gets its frames by what it negotiated, not by what was said of it.
#[test]
fn test_a_standby_guest_under_a_wrong_model_hears_both_lanes_while_its_device_is_there() {
    for model in [GuestModel::Bond, GuestModel::Netvsc] {
        let mut rig = Rig::new(model);
        rig.all([Event::GuestUp { standby: false }, Event::Offer(By::Operator), Event::LaneUp]);
        rig.all([Event::GuestDown, Event::GuestUp { standby: true }]);
        assert_eq!((rig.frames, rig.status().misfit), (Steering::ASKING, Some(Misfit::Negotiated(model))));
    }
}

/// A net_failover guest's standby sends some frames of its own: the guest gets both lanes until it is clear again.
#[test]
fn test_a_standby_guest_that_is_seen_on_both_lanes_gets_both() {
    let mut rig = on_vf();
    let steady = rig.frames;
    rig.all([Event::Seen(Lane::Synthetic)]);
    assert_eq!((rig.frames, rig.active()), (BOTH, Lane::Vf));
    rig.all([Event::Seen(Lane::Vf)]);
    assert_eq!(rig.frames, BOTH, "not yet: the next one may come by the other lane");
    rig.pass(timing::TAKEOVER);
    assert_eq!((rig.frames, rig.status().counts.switches), (steady, 1));
}

/// A bond hears the VF until it has left it, unless the VF carries nothing any more.
#[test]
fn test_a_bond_is_not_left_alone_on_a_vf_that_is_revoked() {
    for leaves in [Event::Seen(Lane::Synthetic), Event::LaneDown, Event::SwitchAsked(Lane::Synthetic), Event::LaneGone]
    {
        let mut rig = Rig::new(GuestModel::Bond);
        rig.all([Event::VmmUp, Event::GuestUp { standby: false }, Event::Offer(By::Operator), Event::LaneUp]);
        rig.pass(timing::OFFER_DELAY).all([Event::Plugged, Event::Seen(Lane::Vf), Event::Revoke(By::Operator)]);
        assert_eq!((rig.state(), rig.active()), (State::Leaving, Lane::Vf));
        rig.all([leaves]);
        assert_eq!((rig.active(), rig.frames), (Lane::Synthetic, Steering::SYNTHETIC));
    }
}

/// QEMU puts a device back by itself when a migration fails, and says nothing of it.
#[test]
fn test_a_guest_whose_device_may_come_back_hears_both_lanes() {
    let mut rig = on_vf();
    rig.all([Event::UnplugAsked, Event::Unplugged]);
    assert_eq!((rig.state(), rig.status().waits, rig.frames), (State::Offered, Some(Waits::Migration), BOTH));
    rig.all([Event::Seen(Lane::Vf)]).pass(timing::TAKEOVER);
    assert_eq!((rig.state(), rig.status().serial), (State::OnVf, Some(Serial(2))), "another association");
}

/// Its machine's end of the lane goes when the machine does, and a socket's link says so for good: only plugging brings another.
#[test]
fn test_a_guest_that_moved_away_and_comes_back_gets_its_vf_whenever_the_old_lane_was_lost() {
    for lost_before in [false, true] {
        let mut rig = on_vf();
        rig.all([Event::UnplugAsked, Event::Unplugged]);
        if lost_before {
            rig.all([Event::LaneDown]);
        }
        rig.take();
        rig.all([Event::VmmLost, Event::GuestDown]);
        let done = rig.take();
        let [.., close, open] = &done[..] else { panic!("{done:?}") };
        assert_eq!((close, open, rig.frames), (&Action::CloseLane, &Action::OpenLane, Steering::SYNTHETIC));
        rig.all([Event::LaneUp, Event::VmmUp, Event::GuestUp { standby: true }]).pass(timing::OFFER_DELAY);
        assert_eq!((rig.take().last(), rig.state()), (Some(&Action::Plug(Serial(2))), State::Plugging));
        rig.all([Event::Plugged, Event::Seen(Lane::Vf)]).pass(timing::TAKEOVER);
        assert_eq!((rig.state(), rig.trouble()), (State::OnVf, None));
    }
}

/// QEMU does not say that the guest has let its device go where its migration capability `events` is off.
#[test]
fn test_what_comes_for_a_guest_that_is_to_migrate_waits_until_it_hears_again_or_for_a_moment() {
    let mut rig = on_vf();
    rig.all([Event::UnplugAsked]);
    assert_eq!((rig.state(), rig.frames), (State::Leaving, Steering::WAIT));
    rig.all([Event::Unplugged]);
    assert_eq!((rig.state(), rig.frames), (State::Offered, BOTH));
    let mut rig = on_vf();
    rig.all([Event::UnplugAsked]).pass(timing::PARKED_DEAF);
    assert_eq!((rig.state(), rig.frames), (State::Leaving, BOTH));
}
