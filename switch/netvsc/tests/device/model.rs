// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whose word on the guest's model holds, and what a wrong one leads to.

use crate::rig::Rig;
use netvsc::{By, Choice, Device, Event, GuestModel, Misfit, Origin, Refused, Timing};

fn rig(model: Option<GuestModel>, host_netdev: bool) -> Rig {
    Rig::of(Device::new(Choice { model, host_netdev }, Timing::default()))
}

#[test]
fn test_the_strongest_evidence_names_the_model() {
    let mut rig = rig(None, false);
    assert_eq!(rig.status().model, (GuestModel::Bond, Origin::Default));
    rig.all([Event::GuestUp { standby: false }, Event::Offer(By::Operator), Event::Found]);
    assert_eq!(rig.status().model, (GuestModel::Netvsc, Origin::Channel));
    rig.all([Event::GuestDown, Event::Negotiated]);
    assert_eq!(rig.status().model, (GuestModel::Standby, Origin::Standby), "what the VMM says of the next driver");
    rig.all([Event::GuestUp { standby: false }]);
    assert_eq!(rig.status().model, (GuestModel::Bond, Origin::Default), "which the driver itself corrects");
}

#[test]
fn test_a_lane_to_a_netdev_of_the_host_is_a_host_lane_unless_the_operator_says_otherwise() {
    assert_eq!(rig(None, true).status().model, (GuestModel::HostLane, Origin::Lane));
    assert_eq!(rig(Some(GuestModel::Bond), true).status().model, (GuestModel::Bond, Origin::Chosen));
}

/// Every model against every guest.
#[test]
fn test_a_wrong_model_is_reported_and_nothing_is_offered_under_it() {
    for standby in [false, true] {
        for model in GuestModel::ALL {
            let mut rig = rig(Some(model), false);
            rig.all([Event::GuestUp { standby }]);
            let misfit = match (model, standby) {
                (GuestModel::Standby, false) => Some(Misfit::NotNegotiated),
                (GuestModel::Netvsc | GuestModel::Bond, true) => Some(Misfit::Negotiated(model)),
                _ => None,
            };
            assert_eq!(rig.status().misfit, misfit);
            let offered = rig.on(Event::Offer(By::Operator));
            assert_eq!(offered, misfit.map_or(Ok(()), |misfit| Err(Refused::Misfit(misfit))));
        }
    }
}

#[test]
fn test_a_word_is_a_model_and_back() {
    for model in GuestModel::ALL {
        assert_eq!(GuestModel::parse(model.word()), Some(model));
    }
    assert_eq!(GuestModel::parse("Standby"), None);
}

/// The guest would have to learn of the VF, or forget it.
#[test]
fn test_a_model_changes_under_a_vf_unless_the_vf_changes_hands() {
    let mut rig = rig(Some(GuestModel::Bond), false);
    rig.all([Event::GuestUp { standby: false }, Event::Offer(By::Operator), Event::LaneUp]);
    let serial = rig.status().serial.expect("one is offered");
    assert_eq!(rig.device.choose(Some(GuestModel::HostLane), rig.now), Err(Refused::Offered(serial)));
    assert_eq!(rig.device.choose(Some(GuestModel::Netvsc), rig.now), Ok(()));
    rig.all([Event::Revoke(By::Operator)]);
    assert_eq!(rig.device.choose(Some(GuestModel::HostLane), rig.now), Ok(()));
}
