// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A VF and a guest that moves: the device stays behind, what the guest has heard of it does not, and where it lands another is
//! offered by itself.

use super::handover::{destination, export, id, import, source};
use super::learning::at;
use super::vf::{edit, qmp};
use super::vf_life::{STANDBY, Scene, VM1};
use super::*;
use crate::handover::{Missing, Move, VfLeft};
use crate::vf::{VfAsk, VfEdit, VfSpec};
use crate::view::VfView;
use crate::{LaneNotice, VmmNotice};
use netvsc::{By, Event, Refused, Serial};

const MOVED: &str = "red/dev:vm1";

/// A port that moves with a VF which a VMM plugs.
fn moved(left: VfLeft) -> Move {
    let mut moved = export(&source(), 1, 1);
    moved.spec.vf = Some(VfSpec { vmm: qmp("/run/qmp").vmm.flatten(), ..VfSpec::new("null".parse().unwrap()) });
    moved.vf = Some(left);
    moved
}

fn vf(control: &Control) -> VfView {
    control.operator().port_at(&port(MOVED)).unwrap().vf.unwrap()
}

/// Its guest lands, and everything that is asked for comes true.
fn land(control: &mut Control) {
    control.handle_notice(&port(MOVED), Notice::Up { features: STANDBY });
    control.handle_due(at(6));
    control.handle_vmm(&port(MOVED), VmmNotice::Ready { plugged: false }, at(6));
    control.handle_lane(&port(MOVED), LaneNotice::Up { found: None }, at(6));
    control.handle_due(at(8));
}

fn asked(control: &mut Control) -> Vec<String> {
    actions(control).into_iter().filter(|action| action.contains("lane") && !action.contains("tell")).collect()
}

#[test]
fn test_a_vf_that_was_offered_is_offered_again_by_a_number_that_the_guest_has_not_heard() {
    let mut there = destination();
    import(&mut there, &moved(VfLeft { next: 3, offered: true }), 0).unwrap();
    assert_eq!((vf(&there).state, vf(&there).serial), ("offered", Some(Serial(3))), "before its guest is there");
    assert_eq!(asked(&mut there), ["lane red/dev:vm1 open null"]);
    land(&mut there);
    assert_eq!((vf(&there).state, vf(&there).serial), ("plugging", Some(Serial(3))));
    assert_eq!(asked(&mut there), ["lane red/dev:vm1 plug"]);
    there.handle_vmm(&port(MOVED), VmmNotice::Told(Event::Plugged), at(8));
    there.handle_vmm(&port(MOVED), VmmNotice::Told(Event::Seen(netvsc::Lane::Vf)), at(8));
    there.handle_due(at(9));
    assert_eq!((vf(&there).state, vf(&there).serial), ("on-vf", Some(Serial(3))));
    // Its rings run. Where it goes next another number is due.
    there.plant.port(&port(MOVED)).unwrap().device.set_away(false);
    let left = there.export_port(&port(MOVED), id(2), at(9)).unwrap().vf;
    assert_eq!(left, Some(VfLeft { next: 4, offered: true }));
}

#[test]
fn test_one_that_was_not_offered_is_not_and_an_operator_s_offer_goes_on_with_the_number() {
    let mut there = destination();
    import(&mut there, &moved(VfLeft { next: 3, offered: false }), 0).unwrap();
    land(&mut there);
    assert_eq!((vf(&there).state, vf(&there).serial), ("absent", None));
    assert_eq!(asked(&mut there), [""; 0]);
    there.handle_request(Request::Vf { port: port(MOVED), ask: VfAsk::Offer }).unwrap();
    assert_eq!((vf(&there).state, vf(&there).serial), ("offered", Some(Serial(3))));
}

#[test]
fn test_what_was_laid_ready_for_a_port_that_is_refused_is_not_for_another_of_its_name() {
    let mut there = destination();
    let mut refused = moved(VfLeft { next: 3, offered: true });
    refused.spec.mac = there.desired().port(&port("red/dev:up")).unwrap().mac;
    there.import_port(&refused, Missing::Refused).unwrap_err();
    there.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "red/dev"))).unwrap();
    let change = edit(&mut there, MOVED, VfEdit { lane: Some(Some("null".parse().unwrap())), ..VfEdit::default() });
    change.unwrap();
    assert_eq!((vf(&there).state, vf(&there).serial), ("absent", None));
    there.handle_request(Request::Vf { port: port(MOVED), ask: VfAsk::Offer }).unwrap();
    assert_eq!(vf(&there).serial, Some(Serial(1)));
}

/// No number is left: that refuses no port, and none is made up.
#[test]
fn test_the_last_number_is_not_followed_by_the_first() {
    let mut there = destination();
    import(&mut there, &moved(VfLeft { next: u32::MAX, offered: true }), 0).unwrap();
    land(&mut there);
    assert_eq!((vf(&there).state, vf(&there).serial), ("absent", None));
    let device = &mut there.vfs.get_mut(&port(MOVED)).unwrap().device;
    assert_eq!(device.on(Event::Offer(By::Operator), Duration::from_secs(9)), Err(Refused::NoSerial));
}

#[test]
fn test_a_source_says_what_its_guest_has_heard_and_whether_one_is_on_offer() {
    let mut scene = Scene::new();
    let left = |scene: &Scene| scene.control.export_port(&port(VM1), id(1), at(9)).unwrap().vf.unwrap();
    assert_eq!(left(&scene), VfLeft { next: 1, offered: false });
    scene.use_vf();
    assert_eq!((scene.state(), left(&scene)), ("on-vf", VfLeft { next: 2, offered: true }));
    scene.ask(VfAsk::Revoke).unwrap();
    assert_eq!(left(&scene), VfLeft { next: 2, offered: false }, "it is on its way out");
    scene.told(Event::Unplugged);
    assert_eq!((scene.state(), left(&scene)), ("absent", VfLeft { next: 2, offered: false }));
}
