// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Numbers that are asked for, and those of an earlier process.

use super::*;

#[test]
fn test_numbers_can_be_asked_for_and_are_refused_by_name() {
    let mut control = switch();
    let add = |vm, numbers| Request::PortAddAs(name(vm), spec(vm, "red"), numbers);
    control.handle_request(add("vm2", vec![7, 9])).unwrap();
    let view = control.operator();
    assert_eq!(view.port(&name("vm2").into()).unwrap().number, 9);
    let red = control.view(view.observer(&path("red")).unwrap()).unwrap();
    assert_eq!((red.port(&name("vm2").into()).unwrap().number, red.port_numbered(7).unwrap().name), (7, name("vm2")));
    let refusal = control.handle_request(add("vm3", vec![7])).unwrap_err();
    assert_eq!(refusal.to_string(), r#"number "7" is in use by another of namespace "red""#);
    assert_eq!(ports(&control), ["red:vm1", "red:vm2"]);
}

#[test]
fn test_numbers_from_before_a_restart_outlive_a_refused_apply_and_not_their_owner() {
    let (namespaces, ports) = ([(path("red"), vec![4])].into(), [(port("red:vm1"), vec![5, 6])].into());
    let mut control =
        Control::restored(1, BTreeMap::new(), SavedNumbers { namespaces, ports, ..SavedNumbers::default() });
    control.register_subsystem(Picky("z")).unwrap();
    let mut next = Desired::default();
    next.add_namespace(path("red"), NamespaceSpec::default()).unwrap();
    next.add_port(name("vm1"), spec("vm1", "red")).unwrap();
    let mut refused = next.clone();
    refused.add_namespace(path("z"), NamespaceSpec::default()).unwrap();
    control.handle_request(Request::Apply(refused)).unwrap_err();
    control.handle_request(Request::Apply(next)).unwrap();
    assert_eq!(control.operator().port(&name("vm1").into()).unwrap().number, 6);
    control.handle_request(Request::PortDel { port: port("red:vm1"), force: false }).unwrap();
    control.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "red"))).unwrap();
    assert_ne!(control.operator().port(&name("vm1").into()).unwrap().number, 6, "another port of the same name");
}
