// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that comes while word is under way from its source: what is said of it then is late, whatever it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use dataplane::{Instant, Port};
use switch::{
    Action, Control, Departure, Missing, Mode, Move, MoveId, NamespacePath, PortPath, PortSpec, Request, Told,
};
use tests::rig::{PortOptions, Rig};

const ID: MoveId = MoveId { number: 1, secret: 7 };

fn vm1() -> PortPath {
    PortPath::new(NamespacePath::root(), "vm1".parse().expect("a name"))
}

/// That port, its first switch exports it.
fn exported() -> Move {
    let mut control = Control::new(1, BTreeMap::new());
    let name = "vm1".parse().expect("a name");
    let socket = switch::VhostUser { path: "/run/vm1.sock".to_owned(), mode: Mode::Server };
    let spec = PortSpec::new(&name, NamespacePath::root(), socket);
    control.handle_request(Request::PortAdd(name, spec)).expect("there is room");
    control.export_port(&vm1(), ID, Instant::from_nanos(1)).expect("its guest is here")
}

/// The switch that it was imported to, and its port there.
fn staged() -> (Control, Arc<Port>) {
    let mut control = Control::new(2, BTreeMap::new());
    control.import_port(&exported(), Missing::Refused).expect("there is room");
    let mut device = None;
    while let Some(action) = control.poll_action() {
        if let Action::OpenEndpoint(opening) = action {
            device = Some(opening.device);
        }
    }
    (control, device.expect("a port was made"))
}

#[test]
fn a_port_whose_guest_has_come_since_control_looked_is_not_given_up() {
    for late in [Departure::Stays, Departure::Stopped, Departure::Runs, Departure::Gone] {
        let (mut control, device) = staged();
        let mut rig = Rig::with_ports(1, &PortOptions::default());
        let ring = rig.port(0).port().detach_receiver(0).expect("no burst is under way").expect("a ring");
        assert!(device.attach_receiver(0, ring).is_none());
        let told = control.source_says(ID, late, Instant::from_nanos(2));
        assert_eq!(told, Ok(Told::Heard(vm1())), "{late:?}");
        assert!(!device.is_paused() && !device.is_away(), "{late:?}: it is at home");
    }
}

#[test]
fn a_port_whose_guest_has_not_come_is_given_up_and_one_that_comes_then_is_turned_away() {
    let (mut control, device) = staged();
    let told = control.source_says(ID, Departure::Stays, Instant::from_nanos(2));
    assert_eq!(told, Ok(Told::Unwanted(vm1())));
    let mut rig = Rig::with_ports(1, &PortOptions::default());
    let ring = rig.port(0).port().detach_receiver(0).expect("no burst is under way").expect("a ring");
    assert!(device.attach_receiver(0, ring).is_some() && !device.is_running(), "it is about to be deleted");
    assert_eq!(control.source_says(ID, Departure::Stays, Instant::from_nanos(3)), Ok(Told::Unwanted(vm1())));
}
