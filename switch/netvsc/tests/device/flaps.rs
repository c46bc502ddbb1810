// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A data path that is lost again and again: held off the VF for a growing, bounded time, and never off the synthetic
//! lane.

use crate::contract::BOTH;
use crate::rig::Rig;
use netvsc::{By, Choice, Device, Event, GuestModel, Lane, State, Steering, Timing, Waits, timing};
use std::time::Duration;

/// 900 an hour.
const PERIOD: Duration = Duration::from_secs(4);
const AN_HOUR: u32 = 900;

fn bond() -> Rig {
    let mut rig = Rig::new(GuestModel::Bond);
    rig.all([Event::GuestUp { standby: false }, Event::Offer(By::Operator), Event::LaneUp]);
    rig
}

/// The guest goes over to the VF and back.
fn flap(rig: &mut Rig) {
    rig.all([Event::Seen(Lane::Vf)]).pass(PERIOD / 2);
    rig.all([Event::Seen(Lane::Synthetic)]).pass(PERIOD / 2);
}

#[test]
fn test_nine_hundred_flaps_an_hour_are_damped_and_counted() {
    let mut rig = bond();
    (0..AN_HOUR).for_each(|_| flap(&mut rig));
    let counts = rig.status().counts;
    // To the VF and back.
    let reached = counts.switches.div_ceil(2);
    eprintln!("{reached} of {AN_HOUR} flaps an hour reach the guest, {} were held back: {counts:?}", counts.damped);
    assert!(reached < 100, "of {AN_HOUR}: {counts:?}");
    assert!(counts.damped > 30, "{counts:?}");
}

#[test]
fn test_the_first_flaps_are_not_delayed() {
    let mut rig = bond();
    for _ in 0..timing::FLAPS_FREE {
        rig.all([Event::Seen(Lane::Vf)]);
        assert_eq!(rig.active(), Lane::Vf, "at once");
        rig.pass(PERIOD).all([Event::Seen(Lane::Synthetic)]);
    }
    assert_eq!(rig.status().counts.damped, 0);
}

#[test]
fn test_holds_grow_are_bounded_and_shrink_again() {
    let mut rig = bond();
    let mut holds = Vec::new();
    for _ in 0..20 {
        flap(&mut rig);
        if let Some(Waits::Hold(until)) = rig.status().waits {
            holds.push(until + PERIOD / 2 - rig.now);
            rig.pass(until - rig.now);
        }
    }
    let seconds: Vec<u64> = holds.iter().map(Duration::as_secs).collect();
    assert_eq!(seconds[..6], [5, 10, 20, 40, 60, 60]);
    assert!(seconds.iter().all(|hold| *hold <= timing::HOLD_LONGEST.as_secs()));
    rig.pass(timing::FLAP_FORGOTTEN * 2 * (timing::FLAPS_FREE + 1));
    flap(&mut rig);
    assert_eq!(rig.status().waits, Some(Waits::Use), "all is forgotten");
}

/// While it is held, a guest that has gone over to the VF and cannot be told to come back gets both lanes.
#[test]
fn test_who_is_held_hears() {
    let mut rig = bond();
    while rig.status().counts.damped == 0 {
        flap(&mut rig);
    }
    rig.all([Event::Seen(Lane::Vf)]);
    assert_eq!((rig.state(), rig.active(), rig.frames), (State::Ready, Lane::Synthetic, BOTH));
    rig.all([Event::Seen(Lane::Synthetic)]);
    assert_eq!(rig.frames, Steering::SYNTHETIC, "and back at once");
}

#[test]
fn test_what_an_operator_does_is_never_damped() {
    let mut rig = Rig::of(Device::new(Choice { model: None, host_netdev: true }, Timing::default()));
    rig.all([Event::Offer(By::Operator), Event::LaneUp]);
    for _ in 0..1_000 {
        rig.all([Event::SwitchAsked(Lane::Vf)]);
        assert_eq!(rig.active(), Lane::Vf);
        rig.all([Event::SwitchAsked(Lane::Synthetic)]);
        assert_eq!(rig.active(), Lane::Synthetic);
    }
    assert_eq!((rig.status().counts.switches, rig.status().counts.damped), (2_000, 0));
}

/// A netdev that comes and goes is offered ever more slowly; an operator is obeyed.
#[test]
fn test_a_lane_that_vanishes_again_and_again_is_held_until_the_operator_offers_it() {
    let mut rig = Rig::of(Device::new(Choice { model: None, host_netdev: true }, Timing::default()));
    while rig.status().counts.damped == 0 {
        rig.all([Event::Offer(By::Auto), Event::LaneUp]).pass(timing::TAKEOVER);
        assert_eq!(rig.active(), Lane::Vf);
        rig.all([Event::LaneGone]);
    }
    rig.all([Event::Offer(By::Auto), Event::LaneUp]).pass(timing::TAKEOVER);
    assert!(matches!(rig.status().waits, Some(Waits::Hold(_))), "{:?}", rig.status());
    rig.all([Event::Revoke(By::Operator), Event::Offer(By::Operator), Event::LaneUp]).pass(timing::TAKEOVER);
    assert_eq!(rig.active(), Lane::Vf);
}

/// A restart neither ends a hold nor forgets what led to it.
#[test]
fn test_a_hold_outlives_a_restart() {
    let mut rig = bond();
    while rig.status().counts.damped == 0 {
        flap(&mut rig);
    }
    let saved = rig.device.save();
    rig.restart(Device::restore(&saved, Some(GuestModel::Bond), Timing::default(), Duration::ZERO));
    rig.now = Duration::ZERO;
    rig.all([Event::GuestUp { standby: false }, Event::LaneUp, Event::Seen(Lane::Vf)]);
    assert!(matches!(rig.status().waits, Some(Waits::Hold(until)) if until == timing::HOLD_FIRST));
    rig.pass(timing::HOLD_FIRST);
    assert_eq!(rig.active(), Lane::Vf);
}

#[test]
fn test_a_switch_by_hand_ends_a_hold() {
    let mut rig = bond();
    while rig.status().counts.damped == 0 {
        flap(&mut rig);
    }
    rig.all([Event::SwitchAsked(Lane::Vf)]);
    assert_eq!(rig.active(), Lane::Vf);
}
