// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The IP addresses of guests: who is shown them, where they go along, and what is announced when the data path has changed.

use super::handover::id;
use super::learning::at;
use super::vf_life::Scene;
use super::*;
use crate::handover::Missing;
use crate::vf::VfAsk;
use dataplane::Address;
use wire::build;

const UP: &str = "red:up";

fn address(ip: &str, is_router: bool) -> Address {
    Address { ip: ip.parse().unwrap(), is_router, age: Duration::ZERO }
}

/// IPv4 first, as a port has them.
fn some() -> Vec<Address> {
    vec![address("192.0.2.7", false), address("192.0.2.1", false), address("fe80::7", true)]
}

/// A guest has said some addresses, and its namespace has an uplink.
fn knowing(mut control: Control) -> Control {
    let uplink = PortSpec { role: Role::Uplink, macs: MacPolicy::Any, ..spec("up", "red") };
    control.handle_request(Request::PortAdd(name("up"), uplink)).unwrap();
    control.plant.port(&port("red:vm1")).unwrap().device.restore_addresses(&some(), at(1));
    actions(&mut control);
    control
}

fn shown(control: &Control, shown: &str) -> Vec<String> {
    let view = control.operator().port(&port(shown).into()).unwrap();
    view.addresses.iter().map(|address| address.ip.to_string()).collect()
}

#[test]
fn test_the_uplinks_hear_where_a_guest_is_that_is_on_its_synthetic_lane_again() {
    let mut scene = Scene::over(knowing(switch()));
    scene.use_vf();
    assert!(scene.control.take_emissions().is_empty(), "by its VF it speaks for itself");
    scene.ask(VfAsk::Revoke).unwrap();
    scene.told(netvsc::Event::Unplugged);
    let mac = scene.control.desired().port(&port("red:vm1")).unwrap().mac;
    let emissions = scene.control.take_emissions();
    let up = &scene.control.plant.port(&port(UP)).unwrap().device;
    assert!(emissions.iter().all(|emission| Arc::ptr_eq(&emission.port, up)), "and nobody else");
    let expected = [
        build::rarp_announcement(mac),
        build::arp_announcement(mac, [192, 0, 2, 7].into()),
        build::arp_announcement(mac, [192, 0, 2, 1].into()),
        build::neighbor_announcement(mac, "fe80::7".parse().unwrap(), true),
    ];
    assert_eq!(emissions.into_iter().map(|emission| emission.frame).collect::<Vec<_>>(), expected);
}

#[test]
fn test_addresses_go_along_in_order_and_end_with_their_port() {
    let source = knowing(switch());
    assert_eq!(shown(&source, "red:vm1"), ["192.0.2.1", "192.0.2.7", "fe80::7"]);
    let moved = source.export_port(&port("red:vm1"), id(1), at(1)).unwrap();
    assert_eq!(moved.addresses, some(), "the one last said at the end");
    let mut there = switch();
    there.handle_request(Request::PortDel { port: port("red:vm1"), force: true }).unwrap();
    there.import_port(&moved, Missing::Refused).unwrap();
    assert_eq!(there.learnt(Instant::default()).addresses, [(port("red:vm1"), some())].into());
    there.handle_request(Request::PortDel { port: port("red:vm1"), force: true }).unwrap();
    there.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "red"))).unwrap();
    assert_eq!(shown(&there, "red:vm1"), [""; 0], "another port of that name");
}

#[test]
fn test_an_import_brings_no_more_than_a_guest_could_say() {
    let source = knowing(switch());
    let mut moved = source.export_port(&port("red:vm1"), id(1), at(1)).unwrap();
    let mut there = switch();
    there.handle_request(Request::PortDel { port: port("red:vm1"), force: true }).unwrap();
    for nobodys in ["0.0.0.0", "224.0.0.1", "::1", "ff02::1"] {
        moved.addresses.push(address(nobodys, false));
        let why = there.import_port(&moved, Missing::Refused).unwrap_err().to_string();
        assert!(why.contains(nobodys) && why.contains("addresses that a host can have"), "{why}");
        moved.addresses.pop();
    }
    moved.addresses =
        (0..1000_u32).map(|last| address(&format!("10.0.{}.{}", last / 250, last % 250), false)).collect();
    there.import_port(&moved, Missing::Refused).unwrap();
    assert_eq!(shown(&there, "red:vm1").len(), dataplane::limits::ADDRESSES_V4);
}

#[test]
fn test_an_address_goes_on_getting_older_wherever_it_goes() {
    let (old, second) = (dataplane::limits::ADDRESS_AGE - Duration::from_secs(5), Duration::from_secs(1));
    let source = knowing(switch());
    let device = &source.plant.port(&port("red:vm1")).unwrap().device;
    device.restore_addresses(&[Address { age: old, ..address("192.0.2.9", false) }], at(1));
    let mut moved = source.export_port(&port("red:vm1"), id(1), at(3)).unwrap();
    moved.age(second * 2);
    let mut there = switch();
    there.handle_request(Request::PortDel { port: port("red:vm1"), force: true }).unwrap();
    there.handle_tick(at(1000));
    there.import_port(&moved, Missing::Refused).unwrap();
    let record = there.plant.port(&port("red:vm1")).unwrap();
    assert_eq!(record.device.addresses(at(1001))[0], Address { age: old + second * 5, ..address("192.0.2.9", false) });
    let plane = there.plant.set_of(&record.spec.namespace).unwrap().plane();
    assert_eq!(plane.announcements(&record.device, at(1001)).len(), 1 + 4);
    assert_eq!(plane.announcements(&record.device, at(1002)).len(), 1 + 3, "the guest may have it no more");
    assert_eq!(shown(&there, "red:vm1").len(), 4, "it is shown");
}

#[test]
fn test_an_address_that_another_guest_claims_stays_with_that() {
    let mut control = knowing(switch());
    control.handle_request(Request::PortAdd(name("vm9"), spec("vm9", "red"))).unwrap();
    let other = &control.plant.port(&port("red:vm9")).unwrap().device;
    other.restore_addresses(&[address("192.0.2.7", false)], at(2));
    let moved = control.export_port(&port("red:vm1"), id(1), at(3)).unwrap();
    assert_eq!(
        moved.addresses.iter().map(|one| one.ip).collect::<Vec<_>>(),
        some()[1..].iter().map(|one| one.ip).collect::<Vec<_>>()
    );
}

#[test]
fn test_what_was_claimed_since_is_not_overwritten_by_the_rest() {
    let mut learnt = crate::Learnt::default();
    learnt.addresses.insert(port("red:vm1"), vec![address("fe80::7", false), address("fe80::8", false)]);
    let mut after = switch();
    let device = Arc::clone(&after.plant.port(&port("red:vm1")).unwrap().device);
    device.restore_addresses(&[address("fe80::7", true)], at(1));
    after.take_rest(crate::Rest { learnt, ..crate::Rest::default() }, Duration::from_secs(1), at(2));
    let known: Vec<_> = device.addresses(at(2)).iter().map(|one| (one.ip.to_string(), one.is_router)).collect();
    assert_eq!(known, [("fe80::8".to_owned(), false), ("fe80::7".to_owned(), true)]);
}

#[test]
fn test_a_successor_knows_the_addresses_of_guests_that_go_on() {
    let before = knowing(switch());
    let mut learnt = before.learnt(at(1));
    learnt.addresses.insert(port("red:gone"), some());
    let mut after = switch();
    after.succeed(&learnt, Duration::from_secs(1), at(2));
    assert_eq!(after.learnt(at(2)).addresses, before.learnt(at(2)).addresses);
}
