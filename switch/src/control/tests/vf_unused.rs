// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests that make nothing of a VF, or cannot: it is said why, and their ports work on the synthetic lane.

use super::vf::edit;
use super::vf_life::{STANDBY, Scene, VM1};
use super::*;
use crate::port::Notice;
use crate::vf::{VfAsk, VfEdit};
use crate::{LaneNotice, VmmNotice};
use dataplane::{LaneSet, Steering};
use netvsc::{Event, GuestModel, timing};

/// Up to where the VMM is asked to plug the VF.
fn plugging(scene: &mut Scene) {
    scene.ask(VfAsk::Offer).unwrap();
    scene.lane(LaneNotice::Up { found: None });
    scene.pass(timing::OFFER_DELAY);
    assert_eq!(scene.state(), "plugging");
}

fn trouble(scene: &Scene) -> String {
    let vf = scene.control.operator().port_at(&port(VM1)).unwrap().vf.unwrap();
    vf.trouble.unwrap_or_default()
}

/// What `weft vf status` says of a guest that has the VF and never uses it, and that it says so no sooner.
#[test]
fn test_a_guest_that_never_acknowledges_is_told_of_and_goes_on_by_the_synthetic_lane() {
    let mut scene = Scene::new();
    plugging(&mut scene);
    scene.told(Event::Plugged);
    scene.pass(timing::ACKNOWLEDGE - Duration::from_millis(1));
    assert_eq!(trouble(&scene), "the guest does not use the VF yet");
    scene.pass(Duration::from_millis(1));
    let words = "the guest does not use the VF: see whether it has a driver for it and both NICs have the port's MAC";
    for _ in 0..3 {
        assert_eq!((scene.state(), trouble(&scene).as_str()), ("plugged", words));
        assert_eq!(scene.steering(), Steering::all(LaneSet::BOTH), "it hears on the lane that it has");
        scene.pass(timing::ACKNOWLEDGE);
    }
    scene.told(Event::Seen(netvsc::Lane::Vf));
    scene.pass(Duration::from_secs(1));
    assert_eq!((scene.state(), trouble(&scene).as_str()), ("on-vf", ""), "late is not never");
}

/// The operator says that the guest is the standby of a failover, and QEMU that it did not say so.
#[test]
fn test_a_standby_that_the_guest_did_not_negotiate_is_told_of() {
    let mut scene = Scene::new();
    let model = VfEdit { model: Some(Some(GuestModel::Standby)), ..VfEdit::default() };
    edit(&mut scene.control, VM1, model).unwrap();
    // QEMU hides the feature from its back ends.
    scene.control.handle_notice(&port(VM1), Notice::Down { reason: "the guest has restarted".into() });
    scene.pass(Duration::ZERO);
    scene.control.handle_notice(&port(VM1), Notice::Up { features: 0 });
    scene.pass(Duration::ZERO);
    plugging(&mut scene);
    assert!(!trouble(&scene).contains("STANDBY"), "nobody knows better than the operator yet: {}", trouble(&scene));
    scene.vmm(VmmNotice::Withheld);
    scene.pass(Duration::ZERO);
    let says = trouble(&scene);
    assert!(says.starts_with("the guest did not negotiate STANDBY: give its virtio NIC failover=on"), "{says}");
    assert_eq!(scene.steering(), Steering::default(), "it has one lane");
    scene.pass(Duration::from_mins(5));
    assert_eq!((trouble(&scene), scene.steering().unicast.synthetic), (says, true), "it stays so");
    scene.told(Event::Negotiated);
    scene.told(Event::Plugged);
    scene.pass(Duration::ZERO);
    assert_eq!((scene.state(), scene.steering()), ("plugged", Steering::ASKING));
    scene.told(Event::Seen(netvsc::Lane::Vf));
    scene.pass(Duration::from_secs(1));
    assert_eq!((scene.state(), trouble(&scene).as_str()), ("on-vf", ""), "it has a driver that knows failover now");
}

/// A guest that says itself that it is a standby is believed, whatever its VMM says.
#[test]
fn test_what_the_guest_negotiated_with_weft_itself_counts_most() {
    let mut scene = Scene::new();
    scene.control.handle_notice(&port(VM1), Notice::Up { features: STANDBY });
    plugging(&mut scene);
    scene.vmm(VmmNotice::Withheld);
    scene.pass(Duration::ZERO);
    assert!(!trouble(&scene).contains("did not negotiate"), "{}", trouble(&scene));
}
