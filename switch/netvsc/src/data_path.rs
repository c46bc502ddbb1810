// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The states of the data path and the events that move it.

/// The number by which host and guest mean the same VF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(pub u32);

/// A way for the guest's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Through the switch.
    Synthetic,
    /// Through the VF.
    Vf,
}

/// Where the agreement about the data path stands.
///
/// ```text
///             Offered        Found         SwitchAsked(Vf)        Switched
///  Synthetic ---------> Offered ---> Ready ---------------> ToVf ----------> OnVf
///      ^                              ^  ^---- SwitchFailed --'               |  ^
///      |                              |            Switched       SwitchAsked(Synthetic)
///      '--- Revoked, from anywhere    '------------------- ToSynthetic <------'  |
///                                                               '- SwitchFailed -'
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataPath {
    /// There is no VF.
    #[default]
    Synthetic,
    /// The guest was told of a VF.
    Offered(Serial),
    /// The guest has found and set up the VF; it may ask for the switch.
    Ready(Serial),
    /// The guest asked for the VF, and the host has not completed the switch. The synthetic lane is active.
    ToVf(Serial),
    /// The VF carries the guest's frames.
    OnVf(Serial),
    /// The guest asked for the synthetic lane, and the host has not completed the switch. The VF is active.
    ToSynthetic(Serial),
}

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The host offers a VF.
    Offered(Serial),
    /// The guest found the VF and is ready to use it.
    Found,
    /// The guest asks for a lane.
    SwitchAsked(Lane),
    /// The host completed the switch that was asked for.
    Switched,
    /// The host could not switch: what was active stays active.
    SwitchFailed,
    /// The guest's driver starts anew, and knows of no VF.
    GuestReset,
    /// The host takes the VF away.
    Revoked,
}

impl DataPath {
    /// The state after `event`. `None` when the event makes no sense in this state; the state then stays.
    #[must_use]
    pub fn on(self, event: Event) -> Option<DataPath> {
        Some(match (self, event) {
            (DataPath::Synthetic, Event::Offered(serial)) => DataPath::Offered(serial),
            (DataPath::Synthetic, Event::GuestReset | Event::Revoked) => DataPath::Synthetic,
            (DataPath::Offered(serial), Event::Found) => DataPath::Ready(serial),
            (DataPath::Ready(serial), Event::SwitchAsked(Lane::Vf)) => DataPath::ToVf(serial),
            (DataPath::ToVf(serial), Event::Switched) => DataPath::OnVf(serial),
            (DataPath::ToVf(serial), Event::SwitchFailed) => DataPath::Ready(serial),
            (DataPath::OnVf(serial), Event::SwitchAsked(Lane::Synthetic)) => DataPath::ToSynthetic(serial),
            (DataPath::ToSynthetic(serial), Event::Switched) => DataPath::Ready(serial),
            (DataPath::ToSynthetic(serial), Event::SwitchFailed) => DataPath::OnVf(serial),
            (state, Event::GuestReset) => DataPath::Offered(state.serial()?),
            (_, Event::Revoked) => DataPath::Synthetic,
            _ => return None,
        })
    }

    /// The lane that carries the guest's frames.
    pub fn active(self) -> Lane {
        match self {
            DataPath::OnVf(_) | DataPath::ToSynthetic(_) => Lane::Vf,
            DataPath::Synthetic | DataPath::Offered(_) | DataPath::Ready(_) | DataPath::ToVf(_) => Lane::Synthetic,
        }
    }

    /// The serial number that the guest was told; a revocation must name the same.
    pub fn serial(self) -> Option<Serial> {
        match self {
            DataPath::Synthetic => None,
            DataPath::Offered(serial)
            | DataPath::Ready(serial)
            | DataPath::ToVf(serial)
            | DataPath::OnVf(serial)
            | DataPath::ToSynthetic(serial) => Some(serial),
        }
    }
}

#[cfg(test)]
mod test {
    use super::DataPath::{Offered, OnVf, Ready, Synthetic, ToSynthetic, ToVf};
    use super::*;

    const S: Serial = Serial(7);
    const T: Serial = Serial(8);

    const STATES: [DataPath; 6] = [Synthetic, Offered(S), Ready(S), ToVf(S), OnVf(S), ToSynthetic(S)];
    const EVENTS: [Event; 8] = [
        Event::Offered(T),
        Event::Found,
        Event::SwitchAsked(Lane::Vf),
        Event::SwitchAsked(Lane::Synthetic),
        Event::Switched,
        Event::SwitchFailed,
        Event::GuestReset,
        Event::Revoked,
    ];

    /// A row a state, a column an event.
    const TABLE: [[Option<DataPath>; 8]; 6] = [
        [Some(Offered(T)), None, None, None, None, None, Some(Synthetic), Some(Synthetic)],
        [None, Some(Ready(S)), None, None, None, None, Some(Offered(S)), Some(Synthetic)],
        [None, None, Some(ToVf(S)), None, None, None, Some(Offered(S)), Some(Synthetic)],
        [None, None, None, None, Some(OnVf(S)), Some(Ready(S)), Some(Offered(S)), Some(Synthetic)],
        [None, None, None, Some(ToSynthetic(S)), None, None, Some(Offered(S)), Some(Synthetic)],
        [None, None, None, None, Some(Ready(S)), Some(OnVf(S)), Some(Offered(S)), Some(Synthetic)],
    ];

    #[test]
    fn test_every_event_in_every_state() {
        for (state, row) in STATES.into_iter().zip(TABLE) {
            for (event, expected) in EVENTS.into_iter().zip(row) {
                assert_eq!(state.on(event), expected, "{state:?} on {event:?}");
            }
        }
    }

    #[test]
    fn test_only_a_completed_switch_changes_the_active_lane_for_the_vf() {
        for state in STATES {
            for event in EVENTS {
                let Some(next) = state.on(event) else { continue };
                if (state.active(), next.active()) == (Lane::Synthetic, Lane::Vf) {
                    assert_eq!(event, Event::Switched, "{state:?}");
                }
            }
        }
    }

    #[test]
    fn test_the_serial_of_the_offer_is_kept_to_the_end() {
        for state in STATES.into_iter().filter(|state| *state != Synthetic) {
            for event in EVENTS.into_iter().filter(|event| *event != Event::Revoked) {
                assert_eq!(state.on(event).unwrap_or(state).serial(), Some(S), "{state:?} on {event:?}");
            }
            assert_eq!(state.on(Event::Revoked), Some(Synthetic));
        }
    }
}
