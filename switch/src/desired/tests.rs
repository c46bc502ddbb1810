// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::*;
use crate::delegation::{Delegate, Delegation, Grant};
use crate::spec::{Lane, Mode, VhostUser};
use crate::stated::{FactList, PvdKey};
use crate::text_socket::TextSocket;
use dataplane::Limits;
use pvd::{Announcement, Statement};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn path(text: &str) -> NamespacePath {
    text.parse().unwrap()
}

fn port(port: &str, namespace: &str) -> PortSpec {
    let socket = VhostUser { path: format!("/run/{port}.sock"), mode: Mode::Server };
    PortSpec::new(&name(port), path(namespace), socket)
}

/// `red:vm1`
fn at(text: &str) -> PortPath {
    text.parse().unwrap()
}

fn key(namespace: &str, last: u8) -> FdbKey {
    FdbKey { namespace: path(namespace), mac: MacAddr([2, 0, 0, 0, 0, last]) }
}

/// Two namespaces, one port each.
fn two() -> Desired {
    let mut state = Desired::default();
    for (namespace, vm) in [("red", "vm1"), ("blue", "vm2")] {
        state.add_namespace(path(namespace), NamespaceSpec::default()).unwrap();
        state.add_port(name(vm), port(vm, namespace)).unwrap();
    }
    state
}

/// Runs `edit`, which must be refused with `text`, and checks that it changed nothing.
fn refused(state: &mut Desired, text: &str, edit: impl FnOnce(&mut Desired) -> Result<(), Refusal>) {
    let before = state.clone();
    assert_eq!(edit(state).unwrap_err().to_string(), text);
    assert_eq!(*state, before);
}

#[test]
fn test_what_is_there_cannot_be_added_again_and_what_is_not_cannot_go() {
    let mut state = two();
    refused(&mut state, r#"namespace "red" exists already"#, |s| {
        s.add_namespace(path("red"), NamespaceSpec::default())
    });
    refused(&mut state, r#"port "red:vm1" exists already"#, |s| s.add_port(name("vm1"), port("vm3", "red")));
    refused(&mut state, r#"namespace "green" not found"#, |s| s.del_namespace(&path("green")));
    refused(&mut state, r#"port "red:vm2" not found"#, |s| s.del_port(&at("red:vm2")));
    refused(&mut state, r#"namespace "green" not found"#, |s| s.add_port(name("vm3"), port("vm3", "green")));
}

#[test]
fn test_the_same_name_is_another_port_in_another_namespace() {
    let mut state = two();
    let before = state.clone();
    state.add_namespace(path("red/dev"), NamespaceSpec::default()).unwrap();
    for namespace in ["/", "red/dev", "blue"] {
        let socket = VhostUser { path: format!("/run/{}", namespace.len()), mode: Mode::Server };
        state.add_port(name("vm1"), PortSpec { lane: Lane::VhostUser(socket), ..port("vm1", namespace) }).unwrap();
    }
    state.add_fdb(key("blue", 7), name("vm1")).unwrap();
    let all: Vec<String> = state.ports().keys().map(ToString::to_string).collect();
    assert_eq!(all, ["/:vm1", "blue:vm1", "blue:vm2", "red:vm1", "red/dev:vm1"]);
    let red: Vec<String> = state.ports_within(&path("red")).map(|(port, _)| port.to_string()).collect();
    assert_eq!((red, state.ports_of(&path("red")).count()), (vec!["red:vm1".into(), "red/dev:vm1".into()], 1));
    ["/:vm1", "blue:vm1", "red/dev:vm1"].into_iter().for_each(|gone| state.del_port(&at(gone)).unwrap());
    state.del_namespace(&path("red/dev")).unwrap();
    assert_eq!(state, before);
}

#[test]
fn test_a_namespace_with_ports_is_in_use() {
    let mut state = two();
    refused(&mut state, r#"namespace "red" is in use by port "red:vm1""#, |s| s.del_namespace(&path("red")));
    state.add_port(name("vm3"), port("vm3", "red")).unwrap();
    let text = r#"namespace "red" is in use by port "red:vm1" and 1 more"#;
    refused(&mut state, text, |s| s.del_namespace(&path("red")));
}

#[test]
fn test_a_mac_has_one_owner_in_a_namespace_and_any_number_outside() {
    let mut state = two();
    let mac = state.port(&at("red:vm1")).unwrap().mac;
    let same = |vm: &str, namespace: &str| PortSpec { mac, ..port(vm, namespace) };
    state.add_port(name("vm3"), same("vm3", "blue")).unwrap();
    let text = format!(r#"mac "{mac}" is in use by port "red:vm1""#);
    refused(&mut state, &text, |s| s.add_port(name("vm4"), same("vm4", "red")));
    state.add_port(name("vm4"), port("vm4", "red")).unwrap();
    refused(&mut state, &text, |s| s.set_port(&at("red:vm4"), same("vm4", "red")));
}

#[test]
fn test_a_socket_has_one_port() {
    let mut state = two();
    let spec = PortSpec { lane: port("vm1", "red").lane, ..port("vm3", "blue") };
    refused(&mut state, r#"socket "/run/vm1.sock" is in use by port "red:vm1""#, |s| s.add_port(name("vm3"), spec));
}

/// To a user, at `/run/NAME.ctl`, with a directory.
fn held(name: &str, directory: &str) -> NamespaceSpec {
    let (socket, directory) = (format!("/run/{name}.ctl"), directory.to_owned());
    let delegation = Delegation {
        socket,
        directory,
        to: Delegate::Uid(1),
        grant: Grant::Admin,
        limits: Limits::default(),
        confined: None,
    };
    NamespaceSpec { delegation: Some(delegation), ..NamespaceSpec::default() }
}

#[test]
fn test_in_the_directory_of_a_delegation_are_sockets_of_its_namespace_only() {
    let mut state = two();
    let at = |socket: &str, vm: &str, namespace: &str| {
        let vhost_user = VhostUser { path: socket.into(), mode: Mode::Server };
        PortSpec { lane: Lane::VhostUser(vhost_user), ..port(vm, namespace) }
    };
    state.set_namespace(&path("red"), held("red", "/run/red")).unwrap();
    state.add_namespace(path("red/dev"), NamespaceSpec::default()).unwrap();
    for (vm, namespace) in [("vm3", "red"), ("vm4", "red/dev")] {
        state.add_port(name(vm), at(&format!("/run/red/{vm}"), vm, namespace)).unwrap();
    }
    let text = r#"socket "/run/red/x/vm5" is in use by the delegation of namespace "red""#;
    refused(&mut state, text, |s| s.add_port(name("vm5"), at("/run/red/x/vm5", "vm5", "blue")));
    let text = r#"socket "/run" is in use by port "red:vm3""#;
    refused(&mut state, text, |s| s.set_namespace(&path("blue"), held("blue", "/run")));
    for (directory, by) in [("/run/red", "port \"red:vm3\""), ("/run/red/x", "the delegation of namespace \"red\"")] {
        let text = format!("socket {directory:?} is in use by {by}");
        refused(&mut state, &text, |s| s.set_namespace(&path("blue"), held("blue", directory)));
    }
    let text = r#"socket "/run/red.ctl" is in use by the delegation of namespace "red""#;
    refused(&mut state, text, |s| s.set_namespace(&path("blue"), held("red", "/run/blue")));
    let text = r#"sockets: "/run/blue/.." is not valid (expected the absolute path of a directory, without . and ..)"#;
    refused(&mut state, text, |s| s.set_namespace(&path("blue"), held("blue", "/run/blue/..")));
    state.set_namespace(&path("red/dev"), held("dev", "/run/red/dev")).unwrap();
    state.set_namespace(&path("blue"), held("blue", "/run/blue")).unwrap();
    assert_eq!(state.delegations().count(), 3);
}

#[test]
fn test_in_the_directory_of_a_delegation_is_no_text_socket_of_somebody_else() {
    let mut state = two();
    let told = |socket: &str| Some(TextSocket::Unix(socket.to_owned()));
    let blue = NamespaceSpec { pvdd: told("/run/red/blue.pvdd"), ..NamespaceSpec::default() };
    state.set_namespace(&path("blue"), blue).unwrap();
    let text = r#"socket "/run/red" is in use by the text socket of namespace "blue""#;
    refused(&mut state, text, |s| s.set_namespace(&path("red"), held("red", "/run/red")));
    let own = NamespaceSpec { pvdd: told("/run/own/red.pvdd"), ..held("red", "/run/own") };
    state.set_namespace(&path("red"), own).unwrap();
}

#[test]
fn test_a_port_stays_in_its_namespace() {
    let mut state = two();
    let text = r#"namespace: "blue" is not valid (expected red: a port stays in its namespace for its whole life)"#;
    refused(&mut state, text, |s| s.set_port(&at("red:vm1"), port("vm1", "blue")));
}

#[test]
fn test_static_entries_stay_inside_their_namespace_and_go_with_their_port() {
    let mut state = two();
    refused(&mut state, r#"port "blue:vm1" not found"#, |s| s.add_fdb(key("blue", 7), name("vm1")));
    state.add_fdb(key("red", 7), name("vm1")).unwrap();
    let text = r#"fdb entry "red/02:00:00:00:00:07" exists already"#;
    refused(&mut state, text, |s| s.add_fdb(key("red", 7), name("vm1")));
    let clash = PortSpec { mac: key("red", 7).mac, ..port("vm3", "red") };
    let text = r#"mac "02:00:00:00:00:07" is in use by a static entry of port "red:vm1""#;
    refused(&mut state, text, |s| s.add_port(name("vm3"), clash));
    state.del_port(&at("red:vm1")).unwrap();
    assert!(state.fdb().is_empty());
    refused(&mut state, r#"fdb entry "red/02:00:00:00:00:07" not found"#, |s| s.del_fdb(&key("red", 7)));
}

#[test]
fn test_what_a_port_or_an_entry_took_is_free_again() {
    let mut state = two();
    let with = |vm: &str, mac| PortSpec { mac, ..port(vm, "red") };
    state.set_port(&at("red:vm1"), with("vm1", key("red", 1).mac)).unwrap();
    state.add_port(name("vm3"), port("vm3", "red")).unwrap();
    state.set_port(&at("red:vm1"), with("other", key("red", 2).mac)).unwrap();
    state.add_port(name("vm4"), with("vm1", key("red", 1).mac)).unwrap();
    state.add_fdb(key("red", 9), name("vm4")).unwrap();
    state.add_fdb(key("red", 8), name("vm4")).unwrap();
    state.del_fdb(&key("red", 9)).unwrap();
    ["vm1", "vm3", "vm4"].into_iter().for_each(|vm| state.del_port(&at(&format!("red:{vm}"))).unwrap());
    state.add_port(name("vm1"), port("vm1", "red")).unwrap();
    assert_eq!(state, two());
}

#[test]
fn test_static_entries_of_a_namespace_are_bounded_and_those_that_went_do_not_count() {
    let mut state = two();
    let entry = |i: usize| FdbKey { namespace: path("red"), mac: MacAddr([6, 0, 0, 0, (i >> 8) as u8, i as u8]) };
    (0..limits::STATIC_MACS_MAX).for_each(|i| state.add_fdb(entry(i), name("vm1")).unwrap());
    let text = format!(r#"too many static MAC entries in namespace "red": the limit is {}"#, limits::STATIC_MACS_MAX);
    refused(&mut state, &text, |s| s.add_fdb(entry(limits::STATIC_MACS_MAX), name("vm1")));
    state.add_fdb(key("blue", 1), name("vm2")).unwrap();
    state.del_fdb(&entry(0)).unwrap();
    state.add_fdb(entry(limits::STATIC_MACS_MAX), name("vm1")).unwrap();
}

#[test]
fn test_numbers_are_bounded() {
    let mut state = Desired::default();
    state.add_namespace(path("red"), NamespaceSpec::default()).unwrap();
    for i in 0..limits::NAMESPACE_PORTS_MAX {
        let vm = format!("vm{i}");
        state.add_port(name(&vm), port(&vm, "red")).unwrap();
    }
    let text = format!(r#"too many ports in namespace "red": the limit is {}"#, limits::NAMESPACE_PORTS_MAX);
    refused(&mut state, &text, |s| s.add_port(name("more"), port("more", "red")));
    let spec = NamespaceSpec { macs_max: 1, ..NamespaceSpec::default() };
    let text = r#"macs-max: "1" is not valid (expected 64 to 1048576)"#;
    refused(&mut state, text, |s| s.add_namespace(path("blue"), spec));
}

#[test]
fn test_namespaces_lie_in_each_other_and_not_too_deep() {
    let mut state = two();
    let add = |at: &'static str| move |s: &mut Desired| s.add_namespace(path(at), NamespaceSpec::default());
    refused(&mut state, r#"namespace "green" not found"#, add("green/dev"));
    refused(&mut state, r#"namespace "/" exists already"#, add("/"));
    add("red/dev")(&mut state).unwrap();
    refused(&mut state, r#"namespace "red" is in use by port "red:vm1" and 1 more"#, |s| s.del_namespace(&path("red")));
    refused(&mut state, r#"namespace "/" is in use by all others"#, |s| s.del_namespace(&path("/")));
    let mut at = path("deep");
    for _ in 0..limits::NAMESPACE_DEPTH_MAX {
        state.add_namespace(at.clone(), NamespaceSpec::default()).unwrap();
        at = at.join(&path("x"));
    }
    let text = "too many namespaces inside each other: the limit is 32";
    refused(&mut state, text, |s| s.add_namespace(at, NamespaceSpec::default()));
}

#[test]
fn test_a_quota_holds_for_all_below_and_names_its_owner() {
    let mut state = two();
    let with = |resource, most| NamespaceSpec {
        macs_max: 1024,
        quotas: Quotas::default().with(&[(resource, Some(most))]),
        ..NamespaceSpec::default()
    };
    state.add_namespace(path("t"), with(Resource::Namespaces, 2)).unwrap();
    state.add_namespace(path("t/a"), with(Resource::Ports, 1)).unwrap();
    state.add_namespace(path("t/a/b"), with(Resource::Macs, 2048)).unwrap();
    let text = r#"too many namespaces in namespace "t" and below: its quota is 2"#;
    refused(&mut state, text, |s| s.add_namespace(path("t/a/b/c"), with(Resource::Pvds, 0)));
    state.add_port(name("p1"), port("p1", "t/a/b")).unwrap();
    let text = r#"too many ports in namespace "t/a" and below: its quota is 1"#;
    refused(&mut state, text, |s| s.add_port(name("p2"), port("p2", "t/a")));
    let text = r#"quotas.ports: "0" is not valid (expected at least 1, which it has already)"#;
    refused(&mut state, text, |s| s.set_namespace(&path("t/a"), with(Resource::Ports, 0)));
    state.set_namespace(&path("t"), with(Resource::Macs, 4096)).unwrap();
    let text = r#"too many macs in namespace "t" and below: its quota is 4096"#;
    refused(&mut state, text, |s| s.add_namespace(path("t/x"), NamespaceSpec::default()));
    let text = r#"too many macs in namespace "new" and below: its quota is 10"#;
    refused(&mut state, text, |s| s.add_namespace(path("new"), with(Resource::Macs, 10)));
    state.del_port(&at("t/a/b:p1")).unwrap();
    ["t/a/b", "t/a", "t"].into_iter().for_each(|at| state.del_namespace(&path(at)).unwrap());
    assert_eq!(state, two());
}

/// With so many resolvers.
fn said(facts: usize) -> Statement {
    let mut said = Statement::default();
    let servers: Vec<String> = (1..=facts).map(|i| format!("2001:db8::{i:x}")).collect();
    FactList::Rdnss.set(&mut said, &servers).unwrap();
    said
}

/// What hosts hear that know no PvDs comes from one router, and is one thing.
#[test]
fn test_what_is_announced_in_the_name_of_one_router_has_one_header() {
    let announced = |lifetime: u16, inner: bool, mac: u8| {
        let announcement =
            Announcement { router: "fe80::1".parse().unwrap(), mac: MacAddr([2, 0, 0, 0, 0, mac]), lifetime, inner };
        Statement { announcement: Some(announcement), ..Statement::default() }
    };
    let pvd = |namespace: &str, name: &str| PvdKey { namespace: path(namespace), name: name.parse().unwrap() };
    let [a, b] = ["a.example", "b.example"].map(|name| pvd("red", name));
    let mut state = two();
    state.add_pvd(a.clone(), announced(1800, false, 1)).unwrap();
    let refusal = |said: &str| {
        format!(
            "announce.router: \"fe80::1\" is not valid (expected another link-local address, or the same header: PvD \
             \"red:a.example.\" is announced in that name with 02:00:00:00:00:01 as default router for 1800 s, this one \
             with {said}, and hosts that know no PvDs go by what they hear last)"
        )
    };
    let mac = refusal("02:00:00:00:00:02 as default router for 1800 s");
    refused(&mut state, &mac, |s| s.add_pvd(b.clone(), announced(1800, false, 2)));
    let none = refusal("02:00:00:00:00:01 as default router for 0 s");
    refused(&mut state, &none, |s| s.add_pvd(b.clone(), announced(0, false, 1)));
    refused(&mut state, &none, |s| s.add_pvd(b.clone(), announced(1800, true, 1)));
    state.add_pvd(pvd("blue", "b.example"), announced(0, false, 1)).unwrap();
    state.add_pvd(b.clone(), Statement::default()).unwrap();
    refused(&mut state, &none, |s| s.set_pvd(&b, announced(0, false, 1)));
    state.set_pvd(&b, announced(1800, false, 1)).unwrap();
    state.set_pvd(&a, Statement::default()).unwrap();
    state.set_pvd(&b, announced(900, true, 7)).unwrap();
    state.set_pvd(&a, announced(0, false, 7)).unwrap();
    [a, b, pvd("blue", "b.example")].iter().for_each(|key| state.del_pvd(key).unwrap());
    assert_eq!(state, two());
}

#[test]
fn test_static_pvds_are_bounded_and_leave_nothing() {
    let mut state = two();
    let pvd = |namespace: &str, i: usize| PvdKey {
        namespace: path(namespace),
        name: format!("p{i}.example").parse().unwrap(),
    };
    let facts = limits::STATIC_FACTS_MAX;
    (0..limits::STATIC_PVDS_MAX).for_each(|i| state.add_pvd(pvd("red", i), said(facts)).unwrap());
    let text = format!(r#"too many static PvDs in namespace "red": the limit is {}"#, limits::STATIC_PVDS_MAX);
    refused(&mut state, &text, |s| s.add_pvd(pvd("red", limits::STATIC_PVDS_MAX), said(0)));
    state.add_pvd(pvd("blue", 0), said(0)).unwrap();
    let most = limits::STATIC_FACTS_ALL_MAX;
    let text = format!("too many prefixes, routes and resolvers of static PvDs: the limit is {most}");
    refused(&mut state, &text, |s| s.add_pvd(pvd("blue", 1), said(1)));
    refused(&mut state, &text, |s| s.set_pvd(&pvd("blue", 0), said(1)));
    state.set_pvd(&pvd("red", 0), said(facts - 1)).unwrap();
    state.set_pvd(&pvd("blue", 0), said(1)).unwrap();
    state.del_pvd(&pvd("blue", 0)).unwrap();
    (0..limits::STATIC_PVDS_MAX).for_each(|i| state.del_pvd(&pvd("red", i)).unwrap());
    assert_eq!(state, two());
}
