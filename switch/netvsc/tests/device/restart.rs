// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A daemon that is killed, and another one that goes on: what was agreed and what was pending outlive it.

use crate::contract::{self, DONE};
use crate::rig::{Rig, Workers};
use netvsc::{
    Action, By, Device, Event, GuestModel, Lane, Saved, Serial, State, Steering, Timing, Told, Waits, timing,
};

/// Kills the daemon.
fn kill(rig: &mut Rig, model: GuestModel) {
    let text = serde_json::to_string(&rig.device.save()).expect("plain data");
    let saved: Saved = serde_json::from_str(&text).expect("what was written");
    rig.take();
    rig.restart(Device::restore(&saved, Some(model), Timing::default(), rig.now));
}

#[test]
fn save_restore_with_vf() {
    let mut rig = contract::on_vf();
    kill(&mut rig, GuestModel::Netvsc);
    assert_eq!(rig.take()[0], Action::OpenLane, "the lane is opened again");
    assert_eq!((rig.frames, rig.status().waits), (Steering::SYNTHETIC, Some(Waits::Guest)));
    rig.all([Event::GuestUp { standby: false }, Event::LaneUp]);
    assert_eq!((rig.told(), rig.state()), (vec![Told::Associated(Serial(1)), Told::Active(Lane::Vf)], State::OnVf));
}

#[test]
fn save_restore_with_vf_multi_open() {
    let mut rig = contract::on_vf();
    for _ in 0..3 {
        kill(&mut rig, GuestModel::Netvsc);
        rig.all([Event::LaneUp, Event::GuestUp { standby: false }]);
        assert_eq!((rig.state(), rig.status().serial), (State::OnVf, Some(Serial(1))));
    }
    assert_eq!(rig.status().counts.flaps, 0, "a restart is no flap");
}

#[test]
fn save_restore_vf_disassociate_reuses_association_serial() {
    let mut rig = contract::on_vf();
    kill(&mut rig, GuestModel::Netvsc);
    rig.all([Event::VmmUp, Event::Revoke(By::Operator)]);
    let done = rig.take();
    assert!(done.contains(&Action::Tell(Told::Withdrawn(Serial(1)))) && done.contains(&Action::Unplug(Serial(1))));
    kill(&mut rig, GuestModel::Netvsc);
    rig.all([Event::Unplugged, Event::GuestUp { standby: false }, Event::Offer(By::Operator)]);
    assert_eq!(rig.told(), [Told::Associated(Serial(2))], "no serial is used twice, restarts included");
}

/// The guest waits for the completion of a switch that the daemon before began.
#[test]
fn test_a_switch_that_was_pending_is_completed() {
    let mut rig = contract::on_vf();
    rig.all([Event::GuestAsked(Lane::Synthetic)]).take();
    rig.workers = Workers::Silent;
    rig.all([Event::GuestAsked(Lane::Vf)]);
    kill(&mut rig, GuestModel::Netvsc);
    rig.workers = Workers::Obey;
    rig.confirm().all([Event::GuestUp { standby: false }, Event::LaneUp]);
    assert!(rig.told().contains(&DONE));
}

#[test]
fn test_a_request_that_the_vmm_has_not_answered_is_repeated() {
    let mut rig = Rig::new(GuestModel::Standby);
    rig.all([Event::VmmUp, Event::GuestUp { standby: true }, Event::Offer(By::Operator), Event::LaneUp]);
    rig.pass(timing::OFFER_DELAY);
    kill(&mut rig, GuestModel::Standby);
    assert_eq!(rig.frames, contract::BOTH, "the device may be there");
    rig.take();
    rig.all([Event::VmmUp]);
    assert_eq!(rig.take(), [Action::Plug(Serial(1))]);
    rig.all([Event::Plugged, Event::Revoke(By::Operator)]);
    kill(&mut rig, GuestModel::Standby);
    rig.take();
    rig.all([Event::VmmUp]);
    assert_eq!(rig.take(), [Action::Unplug(Serial(1))]);
}

/// A VMM that is configured and not reached yet is not no VMM.
#[test]
fn test_nothing_is_taken_for_plugged_before_the_vmm_is_reached() {
    let mut rig = Rig::new(GuestModel::Standby);
    rig.all([Event::VmmLost, Event::GuestUp { standby: true }, Event::Offer(By::Operator), Event::LaneUp]);
    rig.pass(timing::OFFER_DELAY);
    assert_eq!((rig.state(), rig.status().waits), (State::Offered, Some(Waits::Vmm)));
    rig.all([Event::VmmUp]);
    assert_eq!(rig.state(), State::Plugging);
}

#[test]
fn test_what_was_saved_and_makes_no_sense_is_no_vf() {
    let text = serde_json::to_string(&contract::on_vf().device.save()).expect("plain data");
    let saved: Saved = serde_json::from_str(&text.replace("\"serial\":1", "\"serial\":null")).expect("plain data");
    let rig = Rig::of(Device::restore(&saved, None, Timing::default(), timing::LINK_HOLD));
    assert_eq!((rig.state(), rig.frames, rig.device.next_due()), (State::Absent, Steering::SYNTHETIC, None));
}
