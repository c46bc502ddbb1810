// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A way to each state, for each guest model.

use crate::rig::{Rig, Workers};
use netvsc::{By, Event, GuestModel, Lane, State, timing};

/// A guest, and whether its VMM is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// With a VMM.
    Standby,
    /// With a VMM, and a guest that speaks NetVSC's order.
    Netvsc,
    /// Without a VMM.
    Bond,
    HostLane,
}

impl Case {
    pub(super) const ALL: [Case; 4] = [Case::Standby, Case::Netvsc, Case::Bond, Case::HostLane];

    fn model(self) -> GuestModel {
        match self {
            Case::Standby => GuestModel::Standby,
            Case::Netvsc => GuestModel::Netvsc,
            Case::Bond => GuestModel::Bond,
            Case::HostLane => GuestModel::HostLane,
        }
    }

    fn has_vmm(self) -> bool {
        matches!(self, Case::Standby | Case::Netvsc)
    }
}

/// Nobody is asked to plug where there is no VMM, and nothing is where the guest has no device. What waits for nothing
/// but the frame path is over at once when that confirms.
pub(super) const UNREACHABLE: [(Case, State); 5] = [
    (Case::Bond, State::Plugging),
    (Case::Bond, State::Leaving),
    (Case::HostLane, State::Plugging),
    (Case::HostLane, State::Plugged),
    (Case::HostLane, State::Leaving),
];

pub(super) fn state(case: Case, state: State) -> Option<Rig> {
    if UNREACHABLE.contains(&(case, state)) {
        return None;
    }
    let mut rig = Rig::new(case.model());
    if case.has_vmm() {
        rig.all([Event::VmmUp]);
    }
    rig.all([Event::GuestUp { standby: case == Case::Standby }]);
    let steps = [State::Offered, State::Plugging, State::Plugged, State::Ready];
    for step in steps.into_iter().filter(|step| *step <= state) {
        approach(case, step, &mut rig);
    }
    match state {
        State::ToVf => to_vf(case, &mut rig),
        State::OnVf => on_vf(case, &mut rig),
        State::ToSynthetic => {
            on_vf(case, &mut rig);
            rig.workers = Workers::Silent;
            let guest = case == Case::Netvsc;
            rig.all([if guest { Event::GuestAsked(Lane::Synthetic) } else { Event::SwitchAsked(Lane::Synthetic) }]);
        }
        State::Leaving => {
            on_vf(case, &mut rig);
            rig.all([Event::Revoke(By::Operator)]);
        }
        _ => {}
    }
    Some(rig)
}

fn approach(case: Case, step: State, rig: &mut Rig) {
    match (step, case) {
        (State::Offered, _) => rig.all([Event::Offer(By::Operator)]),
        (State::Plugging, Case::Standby | Case::Netvsc) => rig.all([Event::LaneUp]).pass(timing::OFFER_DELAY),
        (State::Plugged, Case::Standby | Case::Netvsc) => rig.all([Event::Plugged]),
        (State::Plugged, Case::Bond) | (State::Ready, Case::HostLane) => rig.all([Event::LaneUp]),
        (State::Ready, Case::Standby) => rig.all([Event::Seen(Lane::Vf)]),
        (State::Ready, Case::Netvsc) => rig.all([Event::Found]),
        // One that came up and went away again before it was switched to.
        (State::Ready, Case::Bond) => rig.all([Event::Found]),
        _ => rig,
    };
}

fn to_vf(case: Case, rig: &mut Rig) {
    rig.workers = Workers::Silent;
    match case {
        Case::Netvsc => rig.all([Event::GuestAsked(Lane::Vf)]),
        Case::Bond => rig.all([Event::Seen(Lane::Vf)]),
        Case::Standby | Case::HostLane => rig.pass(timing::TAKEOVER),
    };
}

fn on_vf(case: Case, rig: &mut Rig) {
    to_vf(case, rig);
    rig.workers = Workers::Obey;
    rig.confirm();
    // What was on its way is past.
    rig.pass(timing::TAKEOVER);
}
