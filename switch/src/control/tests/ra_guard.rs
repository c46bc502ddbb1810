// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Rules for routers: that they reach the data plane, and what becomes of what a router has taught that it may teach no more.

use super::learning::{add_router, advert, hear, long, pvds, ras, resigning, usage};
use super::*;
use crate::mediation::MediationEdit;
use crate::ra_guard::RaGuardEdit;
use crate::snoop::{Ignored, Snooped};
use dataplane::{DropReason, RaGuard};

/// The switch with the routers `r1` and `r2` in red, each of which has taught a PvD of its own and the implicit one.
fn taught() -> Control {
    let mut control = switch();
    for (router, pvd) in [("r1", "a.example"), ("r2", "b.example")] {
        add_router(&mut control, "red", router);
        hear(&mut control, &format!("red:{router}"), &advert(Some(pvd), 1), 1);
        hear(&mut control, &format!("red:{router}"), &advert(None, 1), 1);
    }
    assert_eq!((pvds(&control, "red").len(), usage(&control, "red")), (4, [4, 4]));
    control
}

fn by(guard: RaGuardEdit) -> MediationEdit {
    MediationEdit { guard, ..MediationEdit::default() }
}

fn set(control: &mut Control, role: Option<Role>, edit: RaGuardEdit) {
    let (port, mediation) = (port("red:r1"), by(edit));
    let set = Request::PortSet(port, PortChange { role, mediation, ..PortChange::default() });
    control.handle_request(set).unwrap();
}

fn prefixes(text: &str) -> RaGuardEdit {
    RaGuardEdit { prefixes: Some([text.parse().unwrap()].into()), ..RaGuardEdit::default() }
}

#[test]
fn test_what_a_router_taught_is_forgotten_when_it_is_a_host() {
    let mut control = taught();
    set(&mut control, Some(Role::Uplink), RaGuardEdit::default());
    assert_eq!(pvds(&control, "red").len(), 4, "an uplink may speak as one");
    set(&mut control, Some(Role::Host), RaGuardEdit::default());
    assert_eq!(pvds(&control, "red"), ["b.example.", "fe80::1%r2"]);
    assert_eq!(ras(&control, "red"), ["3 r2 b.example.", "4 r2 fe80::1%r2"]);
    assert_eq!((usage(&control, "red"), usage(&control, "/")), ([2, 2], [2, 2]));
    let late = hear(&mut control, "red:r1", &advert(Some("a.example"), 1), 2);
    assert_eq!(late, Snooped::Ignored(Ignored::NotRouter));
    set(&mut control, Some(Role::Router), RaGuardEdit::default());
    hear(&mut control, "red:r1", &advert(Some("a.example"), 1), 3);
    assert_eq!(pvds(&control, "red"), ["a.example.", "b.example.", "fe80::1%r2"], "it may begin anew");
}

#[test]
fn test_a_role_that_is_taken_by_a_whole_configuration_or_not_at_all() {
    let mut control = taught();
    let mut next = control.desired().clone();
    let host = PortSpec { role: Role::Host, ..next.port(&port("red:r1")).unwrap().clone() };
    next.set_port(&port("red:r1"), host).unwrap();
    control.handle_request(Request::Apply(next)).unwrap();
    assert_eq!(pvds(&control, "red"), ["b.example.", "fe80::1%r2"]);

    let mut control = taught();
    let bad = RaGuardEdit { macs: Some([MacAddr::BROADCAST].into()), ..RaGuardEdit::default() };
    let (port, mediation) = (port("red:r1"), by(bad));
    let refused = Request::PortSet(port, PortChange { role: Some(Role::Host), mediation, ..PortChange::default() });
    control.handle_request(refused).unwrap_err();
    assert_eq!(pvds(&control, "red").len(), 4, "what was refused has forgotten nothing");
}

#[test]
fn test_stricter_rules_forget_what_they_do_not_allow_and_nothing_else() {
    let mut control = taught();
    set(&mut control, None, prefixes("2001:db8::/32"));
    assert_eq!(pvds(&control, "red").len(), 4, "all of it is allowed");
    set(&mut control, None, RaGuardEdit { http: Some(false), ..RaGuardEdit::default() });
    assert_eq!(pvds(&control, "red").len(), 4);
    set(&mut control, None, RaGuardEdit { pvd_required: Some(true), ..RaGuardEdit::default() });
    assert_eq!(pvds(&control, "red"), ["b.example.", "fe80::1%r2"], "one of its two advertisements is not");
    hear(&mut control, "red:r1", &advert(Some("a.example"), 1), 2);
    set(&mut control, None, RaGuardEdit { pvd_required: Some(false), ..RaGuardEdit::default() });
    assert_eq!(pvds(&control, "red").len(), 3);
}

#[test]
fn test_what_is_remembered_longer_than_its_advertisement_is_judged_too() {
    let mut control = switch();
    add_router(&mut control, "red", "r1");
    hear(&mut control, "red:r1", &long("a.example", 3, 1800), 1);
    // These words take the place of those, of which they say again a part; what it has taught stays.
    hear(&mut control, "red:r1", &resigning(Some("a.example"), 1, 1800), 2);
    assert_eq!((pvds(&control, "red").len(), ras(&control, "red").len()), (1, 1));
    set(&mut control, None, prefixes("2001:db8::/32"));
    assert_eq!(pvds(&control, "red").len(), 1, "all of it is allowed");
    set(&mut control, None, prefixes("2001:db8:1::/48"));
    assert!(pvds(&control, "red").is_empty(), "its other prefixes are not");
}

#[test]
fn test_a_copy_that_was_made_before_the_rules_teaches_nothing() {
    let mut control = switch();
    add_router(&mut control, "red", "r1");
    set(&mut control, None, prefixes("2001:db8:1::/48"));
    let late = hear(&mut control, "red:r1", &advert(None, 2), 1);
    assert_eq!(late, Snooped::Ignored(Ignored::Guarded(DropReason::RaPrefix)));
    assert!(matches!(hear(&mut control, "red:r1", &advert(None, 1), 1), Snooped::Learnt(..)));
    assert_eq!(pvds(&control, "red"), ["fe80::1%r1"]);
}

#[test]
fn test_rules_change_under_a_running_guest_and_are_told() {
    let mut control = switch();
    add_router(&mut control, "red", "r1");
    actions(&mut control);
    let (port, mediation) = (port("red:r1"), by(prefixes("2001:db8::/32")));
    let set = Request::PortSet(port.clone(), PortChange { mediation, ..PortChange::default() });
    let Reply::Changed(changes) = control.handle_request(set.clone()).unwrap() else { panic!("changes") };
    let told: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["~ port red:r1: ra-guard-prefix none -> 2001:db8::/32"]);
    assert_eq!(actions(&mut control), ["mtu red:r1 1500", "save"], "its session runs on");
    assert_ne!(control.desired().port(&port).unwrap().mediation.guard, RaGuard::default());
    assert_eq!(control.handle_request(set).unwrap(), Reply::Changed(vec![]), "nothing differs");
}
