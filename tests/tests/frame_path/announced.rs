// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest that has landed is announced a second time, as control sees to it: when, of whom, and of which addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use dataplane::limits::{ADDRESS_AGE, LANDINGS};
use dataplane::{Address, Instant, MacPolicy, Port, Role};
use switch::{Action, Control, Mode, NamespacePath, PortPath, PortSpec, Request, VhostUser};
use tests::rig::{PortOptions, Rig};
use wire::{MacAddr, build};

const IP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SECOND: Duration = Duration::from_secs(1);
const NOW: Instant = Instant::from_nanos(1_000_000_000_000);

/// A switch with an uplink and two guests, and their ports by name.
struct Scene {
    control: Control,
    ports: BTreeMap<String, Arc<Port>>,
    rig: Rig,
}

impl Scene {
    /// The guest of `vm1` has landed just now, and has an address.
    fn landed() -> Scene {
        let (control, ports) = (Control::new(1, BTreeMap::new()), BTreeMap::new());
        let mut scene = Scene { control, ports, rig: Rig::with_ports(2, &PortOptions::default()) };
        for (at, name) in ["vm1", "vm2", "up"].into_iter().enumerate() {
            scene.add(name);
            let ring = scene.rig.port(at.min(1)).port().detach_receiver(0).expect("no burst is under way");
            ring.into_iter().for_each(|ring| drop(scene.ports[name].attach_receiver(0, ring)));
        }
        scene.claim("vm1", NOW);
        let tag = scene.ports["vm1"].tag();
        scene.control.landed(tag, NOW);
        scene
    }

    fn add(&mut self, name: &str) {
        let socket = VhostUser { path: format!("/run/{name}.sock"), mode: Mode::Server };
        let name = name.parse().expect("a name");
        let spec = PortSpec::new(&name, NamespacePath::root(), socket);
        let up = name.to_string() == "up";
        let spec = if up { PortSpec { role: Role::Uplink, macs: MacPolicy::Any, ..spec } } else { spec };
        self.control.handle_request(Request::PortAdd(name, spec)).expect("there is room");
        while let Some(action) = self.control.poll_action() {
            if let Action::OpenEndpoint(opening) = action {
                self.ports.insert(opening.port.name.to_string(), opening.device);
            }
        }
    }

    fn claim(&self, name: &str, at: Instant) {
        let address = Address { ip: IP.into(), is_router: false, age: Duration::ZERO };
        self.ports[name].restore_addresses(&[address], at);
    }

    /// What the uplink is told by then.
    fn said(&mut self, at: Instant) -> Vec<Vec<u8>> {
        self.control.handle_due(at);
        let emissions = self.control.take_emissions();
        assert!(emissions.iter().all(|emission| Arc::ptr_eq(&emission.port, &self.ports["up"])), "and nobody else");
        emissions.into_iter().map(|emission| emission.frame).collect()
    }

    fn mac(&self) -> MacAddr {
        self.ports["vm1"].mac()
    }
}

#[test]
fn a_guest_that_has_landed_is_announced_again_once() {
    let mut scene = Scene::landed();
    let again = NOW + SECOND * 2;
    assert_eq!(scene.control.next_due(), Some(again));
    assert!(scene.said(NOW + SECOND).is_empty());
    let mac = scene.mac();
    assert_eq!(scene.said(again), [build::rarp_announcement(mac), build::arp_announcement(mac, IP)]);
    assert_eq!(scene.control.next_due(), None);
    assert!(scene.said(again + SECOND * 2).is_empty());
}

#[test]
fn a_guest_that_lands_again_meanwhile_is_announced_again_after_that() {
    let mut scene = Scene::landed();
    let tag = scene.ports["vm1"].tag();
    scene.control.landed(tag, NOW + SECOND);
    assert!(scene.said(NOW + SECOND * 2).is_empty());
    assert_eq!(scene.said(NOW + SECOND * 3).len(), 2);
}

#[test]
fn what_has_changed_meanwhile_is_not_announced() {
    let again = NOW + SECOND * 2;
    let mut taken = Scene::landed();
    taken.claim("vm2", NOW + SECOND);
    let hardware = build::rarp_announcement(taken.mac());
    assert_eq!(taken.said(again), [hardware], "another has the address");
    let mut stopped = Scene::landed();
    stopped.ports["vm1"].detach_receiver(0).expect("no burst is under way").expect("a ring");
    assert!(stopped.said(again).is_empty(), "the guest has gone on");
    let mut gone = Scene::landed();
    let port = PortPath::new(NamespacePath::root(), "vm1".parse().expect("a name"));
    gone.control.handle_request(Request::PortDel { port, force: true }).expect("it is there");
    assert!(gone.said(again).is_empty(), "its port is gone");
    let mut old = Scene::landed();
    let long = NOW + ADDRESS_AGE + SECOND;
    let hardware = build::rarp_announcement(old.mac());
    assert_eq!(old.said(long), [hardware], "it was not claimed for long");
}

#[test]
fn a_second_announcement_is_one_of_those_that_a_port_may_have() {
    let mut scene = Scene::landed();
    let tag = scene.ports["vm1"].tag();
    let again = NOW + SECOND * 2;
    let row = (0..2 * LANDINGS).map(|_| {
        scene.control.landed(tag, NOW);
        scene.said(again).len()
    });
    assert_eq!(row.collect::<Vec<_>>(), [vec![2; LANDINGS as usize], vec![0; LANDINGS as usize]].concat());
    assert_eq!(scene.ports["vm1"].unannounced(), u64::from(LANDINGS));
}
