// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Every event in every state, for each guest model: where it leads, or who says no.
//!
//! A row is an event, a column the state that it comes in. A cell is the state that it leads to at once, `.` for
//! accepted without leaving the state, `no` for refused with a reason for the operator, `?` for counted as making no
//! sense, and `-` for a state that cannot be reached. Switches that the event causes are confirmed at once; only in the
//! columns `to-vf` and `to-synthetic` the frame path is silent, which is what these states are.

mod reach;
mod tables;

use crate::rig::{Rig, Workers};
use netvsc::{By, Event, Lane, Refused, State};
use reach::Case;

fn events() -> Vec<(&'static str, Event)> {
    vec![
        ("offer", Event::Offer(By::Operator)),
        ("revoke", Event::Revoke(By::Operator)),
        ("switch-vf", Event::SwitchAsked(Lane::Vf)),
        ("switch-synthetic", Event::SwitchAsked(Lane::Synthetic)),
        ("lane-up", Event::LaneUp),
        ("lane-down", Event::LaneDown),
        ("lane-gone", Event::LaneGone),
        ("recovering", Event::LaneRecovering),
        ("recovered", Event::LaneRecovered),
        ("guest-up-standby", Event::GuestUp { standby: true }),
        ("guest-up-plain", Event::GuestUp { standby: false }),
        ("guest-down", Event::GuestDown),
        ("vmm-up", Event::VmmUp),
        ("vmm-lost", Event::VmmLost),
        ("plugged", Event::Plugged),
        ("plug-failed", Event::PlugFailed("no room".into())),
        ("negotiated", Event::Negotiated),
        ("unplug-asked", Event::UnplugAsked),
        ("unplugged", Event::Unplugged),
        ("unplug-failed", Event::UnplugFailed("busy".into())),
        ("seen-vf", Event::Seen(Lane::Vf)),
        ("seen-synthetic", Event::Seen(Lane::Synthetic)),
        ("answered", Event::Answered),
        ("overflowed", Event::Overflowed),
        ("found", Event::Found),
        ("asked-vf", Event::GuestAsked(Lane::Vf)),
        ("asked-synthetic", Event::GuestAsked(Lane::Synthetic)),
        ("switched", Event::Switched),
        ("switch-failed", Event::SwitchFailed),
    ]
}

/// What `event` does in `state`, as a cell of the table.
fn cell(case: Case, state: State, event: Event) -> String {
    let Some(mut rig) = reach::state(case, state) else { return "-".into() };
    rig.take();
    let before = (rig.status(), rig.frames);
    let taken = rig.on(event);
    if taken.is_err() {
        assert_nothing_changed(&mut rig, before, taken == Err(Refused::Unexpected));
    }
    match taken {
        Err(Refused::Unexpected) => "?".into(),
        Err(_) => "no".into(),
        Ok(()) if rig.state() == state => ".".into(),
        Ok(()) => rig.state().word().into(),
    }
}

fn assert_nothing_changed(rig: &mut Rig, before: (netvsc::Status, netvsc::Steering), stray: bool) {
    let (mut status, frames) = before;
    status.counts.strays += u64::from(stray);
    assert_eq!((rig.status(), rig.frames), (status, frames));
    assert_eq!(rig.take(), [], "what is refused does nothing");
}

/// The table as it is, in the form in which it is written down.
fn table(case: Case) -> Vec<Vec<String>> {
    let row = |(name, event): (&str, Event)| {
        let cells = State::ALL.into_iter().map(|state| cell(case, state, event.clone()));
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    let heads = State::ALL.iter().map(|state| state.word().to_owned());
    let head = std::iter::once("event".to_owned()).chain(heads).collect();
    std::iter::once(head).chain(events().into_iter().map(row)).collect()
}

#[track_caller]
fn assert_table(case: Case, written: &str) {
    let found = table(case);
    let written: Vec<Vec<&str>> = written
        .lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|row: &Vec<&str>| !row.is_empty())
        .collect();
    let shown: Vec<String> = found.iter().map(|row| row.iter().map(|cell| format!("{cell:17}")).collect()).collect();
    for (row, expected) in found.iter().zip(&written) {
        assert_eq!(row, expected, "{case:?}; the whole table is now\n{}", shown.join("\n"));
    }
    assert_eq!(found.len(), written.len(), "a row for each event; the table is now\n{}", shown.join("\n"));
}

#[test]
fn test_every_event_in_every_state_of_a_standby_guest() {
    assert_table(Case::Standby, tables::STANDBY);
}

#[test]
fn test_every_event_in_every_state_of_a_netvsc_guest() {
    assert_table(Case::Netvsc, tables::NETVSC);
}

#[test]
fn test_every_event_in_every_state_of_a_bond_whose_vmm_nobody_talks_to() {
    assert_table(Case::Bond, tables::BOND);
}

#[test]
fn test_every_event_in_every_state_of_a_host_lane() {
    assert_table(Case::HostLane, tables::HOST_LANE);
}

/// The columns are what they say.
#[test]
fn test_every_state_can_be_reached() {
    for case in Case::ALL {
        for state in State::ALL {
            let reached = reach::state(case, state);
            assert_eq!(reached.is_some(), !reach::UNREACHABLE.contains(&(case, state)), "{case:?} {state}");
            let silent = matches!(state, State::ToVf | State::ToSynthetic);
            assert!(reached.is_none_or(|rig| rig.state() == state && silent == (rig.workers == Workers::Silent)));
        }
    }
}
