// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames through the whole life of a VF: what each guest hears, once, twice or never.

use super::bond::Bond;
use super::failover::{Driver, Failover};
use super::hyperv::Hyperv;
use super::{Guest, WRONG_FOR_STANDBY, World};
use crate::contract::BOTH;
use netvsc::{By, Event, GuestModel, Lane, Misfit, Refused, State, Steering, Trouble, timing};
use std::time::Duration;

const A_WHILE: Duration = Duration::from_millis(300);
const CYCLES: u32 = 100;

/// Offer, use, revocation: each phase under both streams. `phase` looks at what became of them.
fn cycle(world: &mut World, mut phase: impl FnMut(&str, &World)) {
    let mut step = |what: &str, world: &mut World, state: State| {
        world.tallies = super::Tallies::default();
        world.until(what, |world| world.rig.state() == state);
        world.run(A_WHILE);
        phase(what, world);
    };
    step("before", world, State::Absent);
    world.on(Event::Offer(By::Operator));
    step("offered and taken", world, State::OnVf);
    assert_eq!(world.guest.sends_on(), Lane::Vf, "the guest uses it");
    world.on(Event::Revoke(By::Operator));
    step("revoked", world, State::Absent);
    assert!(!world.vmm.has_device && !world.is_vf_alive);
}

#[test]
fn test_a_net_failover_guest_with_a_prompt_driver_loses_nothing_in_a_hundred_cycles() {
    let mut world = World::new(Box::new(Failover::new(Driver::Prompt)), None);
    for _ in 0..CYCLES {
        cycle(&mut world, |what, world| world.tallies.assert_perfect(what));
    }
    assert_eq!(world.rig.status().counts.damped, 0, "what the operator does is no flap");
    assert_eq!(world.rig.status().model.0, GuestModel::Standby);
}

#[test]
fn test_a_net_failover_guest_with_a_blind_driver_loses_what_the_driver_is_blind_for() {
    const BLIND: u32 = 380;
    let mut world = World::new(Box::new(Failover::new(Driver::Blind(BLIND))), None);
    cycle(&mut world, |what, world| {
        let unicast = world.tallies.unicast;
        let blind = if what == "offered and taken" { u64::from(BLIND) } else { 0 };
        assert_eq!((unicast.lost, unicast.doubled), (blind, 0), "{what}");
    });
}

#[test]
fn test_a_netvsc_guest_loses_nothing_in_a_hundred_cycles_and_no_serial_is_used_twice() {
    let mut world = World::new(Box::new(Hyperv::default()), Some(GuestModel::Netvsc));
    for _ in 0..CYCLES {
        cycle(&mut world, |what, world| world.tallies.assert_perfect(what));
    }
    assert_eq!(world.rig.status().counts.damped, 0);
}

#[test]
fn test_a_bond_loses_no_more_than_what_was_on_its_way_when_it_changed_over() {
    let mut world = World::new(Box::new(Bond::default()), Some(GuestModel::Bond));
    for _ in 0..CYCLES {
        cycle(&mut world, |what, world| {
            let unicast = world.tallies.unicast;
            assert_eq!((unicast.lost, unicast.doubled), (0, 0), "{what}: {unicast:?}");
            assert_eq!(world.tallies.multicast.doubled, 0, "{what}");
        });
    }
}

/// The guest drops the synthetic lane until it has lost its device: that has to be taken from it.
#[test]
fn test_after_surprise_removal_a_net_failover_guest_is_rid_of_its_device_and_hears_again() {
    let mut world = World::new(Box::new(Failover::new(Driver::Prompt)), None);
    for round in 0..3 {
        world.on(Event::Offer(By::Operator));
        world.until("on the VF", |world| world.rig.state() == State::OnVf);
        surprise(&mut world);
        let during = world.run(A_WHILE);
        during.unicast.assert_perfect(&format!("round {round}: what came meanwhile has waited"));
        during.multicast.assert_perfect(&format!("round {round}: of groups too"));
        assert_eq!((world.rig.state(), world.vmm.has_device), (State::Absent, false));
        world.run(A_WHILE).assert_perfect("afterwards");
    }
}

/// It hears the VF for as long as it has it, and what waited for it as well.
#[test]
fn test_a_net_failover_guest_that_keeps_its_device_loses_nothing_while_that_is_waited_for() {
    let mut world = World::new(Box::new(Failover::new(Driver::Prompt)), None);
    world.on(Event::Offer(By::Operator));
    world.until("on the VF", |world| world.rig.state() == State::OnVf);
    world.vmm.is_in_vain = true;
    world.on(Event::Revoke(By::Operator));
    assert_eq!(world.rig.frames, Steering::WAIT);
    world.run(timing::DEAF + A_WHILE).assert_perfect("by both lanes from then on");
    assert_eq!((world.rig.state(), world.rig.frames), (State::Leaving, BOTH));
}

#[test]
fn test_more_frames_than_may_wait_go_by_both_lanes() {
    let mut world = World::new(Box::new(Failover::new(Driver::Prompt)), None);
    world.on(Event::Offer(By::Operator));
    world.until("on the VF", |world| world.rig.state() == State::OnVf);
    world.on(Event::Revoke(By::Operator));
    world.on(Event::Overflowed);
    assert_eq!(world.rig.frames, BOTH);
}

fn surprise(world: &mut World) {
    world.is_vf_alive = false;
    world.on(Event::LaneGone);
    assert!(!world.rig.frames.uses_vf(), "at once");
}

#[test]
fn test_after_surprise_removal_a_netvsc_guest_hears_at_once() {
    let mut world = World::new(Box::new(Hyperv::default()), Some(GuestModel::Netvsc));
    world.on(Event::Offer(By::Operator));
    world.until("on the VF", |world| world.rig.state() == State::OnVf);
    surprise(&mut world);
    world.run(A_WHILE).assert_perfect("after the lane is gone");
    assert_eq!(world.rig.trouble(), Some(Trouble::LaneGone));
}

/// QEMU says within 250 ms after it that the guest has let the device go; what comes until then waits.
#[test]
fn test_a_net_failover_guest_loses_nothing_before_a_migration_nor_when_that_fails() {
    let mut world = World::new(Box::new(Failover::new(Driver::Prompt)), None);
    world.on(Event::Offer(By::Operator));
    world.until("on the VF", |world| world.rig.state() == State::OnVf);
    world.vmm.migrate();
    world.until("parked", |world| world.rig.state() == State::Offered);
    world.run(A_WHILE);
    std::mem::take(&mut world.tallies).assert_perfect("a migration");
    world.vmm.ask(&netvsc::Action::Plug(netvsc::Serial(0)));
    world.until("on the VF again", |world| world.rig.state() == State::OnVf);
    world.run(A_WHILE);
    world.tallies.assert_perfect("a migration that fails");
}

/// A lane that repairs itself carries nothing meanwhile, and the guest is not told.
#[test]
fn test_a_netvsc_guest_loses_nothing_while_the_lane_repairs_itself() {
    let mut world = World::new(Box::new(Hyperv::default()), Some(GuestModel::Netvsc));
    world.on(Event::Offer(By::Operator));
    world.until("on the VF", |world| world.rig.state() == State::OnVf);
    world.on(Event::LaneRecovering);
    world.run(A_WHILE).assert_perfect("while it repairs itself");
    assert_eq!(world.rig.active(), Lane::Synthetic);
    world.on(Event::LaneRecovered);
    world.run(A_WHILE).assert_perfect("afterwards");
    assert_eq!(world.rig.active(), Lane::Vf, "without being offered again");
}

/// The operator's word against the guest's: the guest is never driven by rules that would deafen it.
#[test]
fn test_a_standby_guest_is_not_offered_a_vf_under_a_model_that_would_deafen_it() {
    for model in WRONG_FOR_STANDBY {
        let mut world = World::new(Box::new(Failover::new(Driver::Prompt)), Some(model));
        let refused = world.rig.on(Event::Offer(By::Operator));
        assert_eq!(refused, Err(Refused::Misfit(Misfit::Negotiated(model))));
        world.run(A_WHILE).assert_perfect("all the same");
        world.rig.device.choose(Some(GuestModel::Standby), world.rig.now).expect("no VF is offered");
        cycle(&mut world, |what, world| world.tallies.assert_perfect(what));
    }
}

/// A guest that never takes the VF: nothing is lost, and somebody is told.
#[test]
fn test_a_guest_that_never_acknowledges_loses_nothing_and_is_shown() {
    for (guest, model) in [
        (Box::new(Deaf { standby: true }), GuestModel::Standby),
        (Box::new(Deaf { standby: false }), GuestModel::Netvsc),
        (Box::new(Deaf { standby: false }), GuestModel::Bond),
    ] {
        let mut world = World::new(guest, Some(model));
        world.on(Event::Offer(By::Operator));
        world.run(timing::OFFER_DELAY + timing::ACKNOWLEDGE + A_WHILE).assert_perfect("all the time");
        assert_eq!((world.rig.state(), world.rig.trouble()), (State::Plugged, Some(Trouble::NotUsed)), "{model}");
        world.on(Event::Revoke(By::Operator));
        world.run(timing::UNPLUG_WAIT + A_WHILE).assert_perfect("to the end");
        assert_eq!(world.rig.state(), State::Absent, "{model}");
    }
}

/// A guest without a driver for the VF.
struct Deaf {
    standby: bool,
}

impl Guest for Deaf {
    fn standby(&self) -> bool {
        self.standby
    }
    fn notice(&mut self, _: super::Notice) {}
    fn tick(&mut self) -> Vec<Event> {
        Vec::new()
    }
    fn hears(&self, lane: Lane) -> bool {
        lane == Lane::Synthetic
    }
    fn sends_on(&self) -> Lane {
        Lane::Synthetic
    }
}
