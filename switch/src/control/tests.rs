// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
mod addresses;
mod answering;
mod handover;
mod homes;
mod informing;
mod learning;
mod links;
mod mediating;
mod model;
mod numbers;
mod peers;
mod ra_guard;
mod ra_learning;
mod settings;
mod stated;
mod succession;
mod told;
mod vf;
mod vf_landing;
mod vf_life;
mod vf_unused;
mod watching;

use super::*;
use crate::delegation::{Delegate, Grant};
use crate::port::State;
use crate::quota::{Resource, Usage};
use crate::spec::{Mode, VhostUser};
use dataplane::{Limit, Limits, MacPolicy, Rate, Role};
use std::time::Duration;
use wire::MacAddr;

const NOW: Instant = Instant::from_nanos(1_000_000_000);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn path(text: &str) -> NamespacePath {
    text.parse().unwrap()
}

/// `red:vm1`
fn port(text: &str) -> PortPath {
    text.parse().unwrap()
}

fn del(namespace: &str) -> Request {
    Request::NamespaceDel { path: path(namespace), recursive: false, force: false }
}

fn spec(vm: &str, namespace: &str) -> PortSpec {
    let socket = format!("/run/{}-{vm}.sock", namespace.replace('/', "."));
    PortSpec::new(&name(vm), path(namespace), VhostUser { path: socket, mode: Mode::Server })
}

/// The actions that are due, as short texts.
fn actions(control: &mut Control) -> Vec<String> {
    std::iter::from_fn(|| control.poll_action())
        .map(|action| match action {
            Action::CloseEndpoint(port) => format!("close {port}"),
            Action::OpenEndpoint(opening) => format!("open {} {:#x}", opening.port, opening.offered),
            Action::SetMtu(port, mtu) => format!("mtu {port} {mtu}"),
            Action::OpenSockets => "delegate".into(),
            Action::Save => "save".into(),
            Action::Moved(port, residence) => format!("moved {port} {residence:?}"),
            Action::FollowVf(port) => format!("follow {port}"),
            Action::Lane(port, ask) => {
                let ask = match ask {
                    LaneAsk::Open(opening) => format!("open {}", opening.lane),
                    LaneAsk::Close => "close".into(),
                    LaneAsk::Plug(_) => "plug".into(),
                    LaneAsk::Unplug => "unplug".into(),
                    LaneAsk::Tell(told) => format!("tell {told:?}"),
                };
                format!("lane {port} {ask}")
            }
        })
        .collect()
}

/// A switch with namespaces red and blue and port vm1 in red.
fn switch() -> Control {
    let mut control = Control::new(42, BTreeMap::new());
    for namespace in ["red", "blue"] {
        control.handle_request(Request::NamespaceAdd(path(namespace), NamespaceSpec::default())).unwrap();
    }
    control.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "red"))).unwrap();
    actions(&mut control);
    control
}

fn ports(control: &Control) -> Vec<String> {
    control.operator().ports(None).unwrap().iter().map(|port| port.path().to_string()).collect()
}

fn macs(control: &Control, namespace: &str) -> Vec<String> {
    let views = control.operator().fdb(NOW, &path(namespace), None, usize::MAX).unwrap();
    views.iter().map(|view| format!("{} {} {:?}", view.mac, view.port, view.kind)).collect()
}

fn key(namespace: &str, last: u8) -> FdbKey {
    (path(namespace), MacAddr([2, 0, 0, 0, 0, last])).into()
}

#[test]
fn test_a_port_comes_and_goes_with_its_session_and_its_mac() {
    let mut control = switch();
    control.handle_request(Request::PortAdd(name("vm2"), spec("vm2", "red"))).unwrap();
    assert_eq!(actions(&mut control), ["open red:vm2 0x0", "save"]);
    assert_eq!(ports(&control), ["red:vm1", "red:vm2"]);
    assert_eq!(macs(&control, "red").len(), 2);
    assert_eq!(control.operator().port(&name("vm2").into()).unwrap().state, State::Down);
    control.handle_request(Request::PortDel { port: port("red:vm2"), force: false }).unwrap();
    assert_eq!(actions(&mut control), ["close red:vm2", "save"]);
    assert_eq!(macs(&control, "red").len(), 1);
}

#[test]
fn test_a_refused_request_changes_nothing() {
    let mut control = switch();
    let before = control.desired().clone();
    let refused = [
        Request::NamespaceAdd(path("red"), NamespaceSpec::default()),
        del("red"),
        Request::PortAdd(name("vm1"), spec("vm1", "red")),
        Request::PortAdd(name("vm2"), spec("vm2", "green")),
        Request::PortDel { port: port("red:vm9"), force: true },
        Request::PortSet(port("red:vm1"), PortChange { mtu: Some(1), ..PortChange::default() }),
        Request::PortSet(port("red:vm1"), PortChange { limits: limited(0), ..PortChange::default() }),
        Request::FdbAdd(key("blue", 1), name("vm1")),
        Request::FdbDel(key("red", 1)),
        Request::FdbFlush(Some(path("green"))),
    ];
    for request in refused {
        control.handle_request(request.clone()).expect_err(&format!("{request:?}"));
        assert_eq!(*control.desired(), before);
        assert_eq!(ports(&control), ["red:vm1"]);
        assert!(actions(&mut control).is_empty());
    }
}

#[test]
fn test_two_namespaces_have_a_port_of_one_name_each() {
    let mut control = switch();
    control.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "blue"))).unwrap();
    control.handle_request(Request::FdbAdd(key("blue", 1), name("vm1"))).unwrap();
    assert_eq!(actions(&mut control), ["open blue:vm1 0x0", "save", "save"]);
    control.handle_offered(&port("blue:vm1"), 0b1);
    control.handle_notice(&port("blue:vm1"), Notice::Up { features: 5 });
    let view = control.operator();
    let features = |text: &str| view.port(&text.parse().unwrap()).map(|port| port.features);
    assert_eq!((features("red:vm1"), features("blue:vm1")), (Ok(0), Ok(5)));
    let why = features("vm1").unwrap_err().to_string();
    assert_eq!(why, r#"port "vm1" is ambiguous: it could be "blue:vm1" or "red:vm1""#);
    let blue = control.view(view.observer(&path("blue")).unwrap()).unwrap();
    assert_eq!(blue.port(&name("vm1").into()).unwrap().features, 5, "whoever sees one has no doubt");
    control.handle_request(Request::PortDel { port: port("blue:vm1"), force: true }).unwrap();
    assert_eq!(
        (ports(&control), macs(&control, "red").len(), macs(&control, "blue").len()),
        (vec!["red:vm1".into()], 1, 0)
    );
    assert!(control.offered().is_empty() && !control.is_attached(&port("red:vm1")));
}

#[test]
fn test_who_loses_a_namespace_loses_what_he_delegated_of_it() {
    let mut control = switch();
    control.handle_request(Request::NamespaceAdd(path("red/dev"), NamespaceSpec::default())).unwrap();
    actions(&mut control);
    let held = |name: &str, to| {
        let (socket, directory) = (format!("/run/{name}.ctl"), format!("/run/{name}"));
        Some(Delegation {
            socket,
            directory,
            to: Delegate::Uid(to),
            grant: Grant::Admin,
            limits: Limits::default(),
            confined: None,
        })
    };
    let mut delegate = |namespace: &str, delegation| {
        control.handle_request(Request::NamespaceDelegate(path(namespace), delegation)).unwrap();
        let due = actions(&mut control);
        let all: Vec<String> = control.desired().delegations().map(|(path, _)| path.to_string()).collect();
        (due, all.join(" "))
    };
    let changed = || vec!["delegate".to_owned(), "save".to_owned()];
    assert_eq!(delegate("red", held("red", 1)), (changed(), "red".into()));
    assert_eq!(delegate("red/dev", held("dev", 2)), (changed(), "red/dev red".into()));
    assert_eq!(delegate("red", held("red", 1)), (vec![], "red/dev red".into()));
    assert_eq!(delegate("red", held("red", 3)), (changed(), "red".into()));
    assert_eq!(delegate("red/dev", held("dev", 2)).1, "red/dev red");
    assert_eq!(delegate("red/dev", None).1, "red");
    assert_eq!(delegate("red", None), (changed(), String::new()));
    delegate("red", held("red", 1));
    control.handle_request(Request::NamespaceDel { path: path("red"), recursive: true, force: true }).unwrap();
    assert_eq!(actions(&mut control), ["delegate", "close red:vm1", "save"], "its door is closed");
}

#[test]
fn test_a_delegate_is_told_of_nothing_that_he_does_not_see() {
    let mut control = switch();
    let (mut spec, of) = (NamespaceSpec::default(), |most| (Resource::Ports, Some(most)));
    spec.quotas = spec.quotas.with(&[of(1)]);
    control.handle_request(Request::NamespaceAdd(path("t"), spec)).unwrap();
    control.handle_request(Request::NamespaceAdd(path("t/a"), NamespaceSpec::default())).unwrap();
    control.handle_request(Request::PortAdd(name("vm2"), self::spec("vm2", "t"))).unwrap();
    let refused = control.handle_request(Request::PortAdd(name("vm3"), self::spec("vm3", "t/a"))).unwrap_err();
    assert!(refused.to_string().contains(r#"namespace "t" and below: its quota is 1"#), "{refused}");
    let seen = refused.seen_from(&path("t/a"), &control.desired().usage(&path("t/a"))).to_string();
    assert_eq!(seen, r#"too many ports in namespace "/" and below: its quota is 0"#);
    let busy = control.handle_request(del("t")).unwrap_err().seen_from(&path("t"), &Usage::default());
    assert_eq!(busy.to_string(), r#"namespace "/" is in use by port "/:vm2" and 1 more"#);
}

#[test]
fn test_a_connected_guest_protects_its_port() {
    let mut control = switch();
    control.handle_notice(&port("red:vm1"), Notice::Up { features: 1 });
    let refusal = control.handle_request(Request::PortDel { port: port("red:vm1"), force: false }).unwrap_err();
    assert_eq!(refusal.to_string(), r#"port "red:vm1" is in use by a connected guest"#);
    control.handle_request(Request::PortDel { port: port("red:vm1"), force: true }).unwrap();
    assert!(ports(&control).is_empty());
    control.handle_notice(&port("red:vm1"), Notice::Down { reason: "too late to matter".into() });
}

#[test]
fn test_a_change_in_place_keeps_session_and_counters() {
    let mut control = switch();
    let device = control.opening(&port("red:vm1")).unwrap().device;
    control.handle_notice(&port("red:vm1"), Notice::Up { features: 1 });
    let set = Request::PortSet(
        port("red:vm1"),
        PortChange { role: Some(Role::Router), mtu: Some(9000), limits: limited(1000), ..PortChange::default() },
    );
    control.handle_request(set).unwrap();
    assert_eq!(actions(&mut control), ["mtu red:vm1 9000", "save"]);
    let view = control.operator().port(&name("vm1").into()).unwrap();
    assert_eq!((view.features, view.spec.mtu, view.spec.role), (1, 9000, Role::Router));
    assert_eq!(view.spec.limits.iter().collect::<Vec<_>>(), [(Limit::TxFrames, Rate { per_second: 1000, burst: 100 })]);
    assert!(Arc::ptr_eq(&device, &control.opening(&port("red:vm1")).unwrap().device));
}

#[test]
fn test_applying_a_whole_state_closes_before_it_opens() {
    let mut control = switch();
    let mut next = Desired::default();
    next.add_namespace(path("red"), NamespaceSpec::default()).unwrap();
    next.add_port(name("vm0"), PortSpec { lane: spec("vm1", "red").lane, ..spec("vm0", "red") }).unwrap();
    next.add_fdb(key("red", 3), name("vm0")).unwrap();
    control.handle_request(Request::Apply(next.clone())).unwrap();
    assert_eq!(actions(&mut control), ["close red:vm1", "open red:vm0 0x0", "save"]);
    assert_eq!((ports(&control), control.desired()), (vec!["red:vm0".to_owned()], &next));
    assert_eq!(control.handle_request(Request::Apply(next)).unwrap(), Reply::Changed(vec![]));
    assert!(actions(&mut control).is_empty());
}

#[test]
fn test_a_full_table_undoes_a_whole_apply() {
    let mut control = switch();
    control.handle_request(Request::FdbAdd(key("red", 200), name("vm1"))).unwrap();
    actions(&mut control);
    let (before, device) = (control.desired().clone(), control.opening(&port("red:vm1")).unwrap().device);
    let mut next = Desired::default();
    let small = NamespaceSpec { macs_max: 64, ..NamespaceSpec::default() };
    next.add_namespace(path("green"), small).unwrap();
    next.add_port(name("vm3"), spec("vm3", "green")).unwrap();
    // Far more pinned addresses than the table has places.
    for i in 0..limits_of_statics() {
        let [high, low] = (i as u16).to_be_bytes();
        next.add_fdb((path("green"), MacAddr([2, 0, 0, 1, high, low])).into(), name("vm3")).unwrap();
    }
    let refusal = control.handle_request(Request::Apply(next)).unwrap_err();
    assert!(matches!(refusal, Refusal::Limit { .. }), "{refusal}");
    assert_eq!((control.desired(), ports(&control)), (&before, vec!["red:vm1".to_owned()]));
    assert!(Arc::ptr_eq(&device, &control.opening(&port("red:vm1")).unwrap().device));
    assert_eq!(macs(&control, "red").len(), 2);
    assert!(actions(&mut control).is_empty());
}

/// So many frames a second from the guest.
fn limited(per_second: u64) -> Vec<(Limit, Option<Rate>)> {
    vec![(Limit::TxFrames, Some(Rate { per_second, burst: 100 }))]
}

fn limits_of_statics() -> usize {
    crate::limits::STATIC_MACS_MAX
}

#[test]
fn test_what_was_offered_never_shrinks_and_is_forgotten_with_the_port() {
    let mut control = Control::new(1, BTreeMap::from([(port("red:vm1"), 0b100)]));
    control.handle_request(Request::NamespaceAdd(path("red"), NamespaceSpec::default())).unwrap();
    actions(&mut control);
    // A port that comes later than the start of the daemon must not be forgotten before.
    control.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "red"))).unwrap();
    assert_eq!(actions(&mut control), ["open red:vm1 0x4", "save"]);
    control.handle_offered(&port("red:vm1"), 0b011);
    assert_eq!(actions(&mut control), ["save"]);
    control.handle_offered(&port("red:vm1"), 0b001);
    assert!(actions(&mut control).is_empty());
    assert_eq!(control.opening(&port("red:vm1")).unwrap().offered, 0b111);
    control.handle_request(Request::PortDel { port: port("red:vm1"), force: false }).unwrap();
    assert!(control.offered().is_empty());
}

#[test]
fn test_a_replaced_port_is_freed_when_nobody_holds_it() {
    let mut control = switch();
    let held = control.opening(&port("red:vm1")).unwrap();
    control.handle_request(Request::PortDel { port: port("red:vm1"), force: false }).unwrap();
    control.handle_tick(NOW);
    assert_eq!(control.retired(), 1);
    drop(held);
    control.handle_tick(NOW);
    assert_eq!(control.retired(), 0);
}

#[test]
fn test_a_port_that_comes_with_another_ones_going_does_not_get_its_slot() {
    let mut control = switch();
    let slot = |control: &Control, text: &str| control.opening(&port(text)).unwrap().device.slot();
    let old = slot(&control, "red:vm1");
    // Slots are handed out in turn: until the turn is at the old port's again.
    for _ in 1..crate::limits::SLOTS {
        control.handle_request(Request::PortAdd(name("vm2"), spec("vm2", "red"))).unwrap();
        control.handle_request(Request::PortDel { port: port("red:vm2"), force: false }).unwrap();
        actions(&mut control);
        control.handle_tick(NOW);
    }
    let mut next = Desired::default();
    next.add_namespace(path("red"), NamespaceSpec::default()).unwrap();
    next.add_port(name("vm3"), spec("vm3", "red")).unwrap();
    control.handle_request(Request::Apply(next)).unwrap();
    assert_ne!(slot(&control, "red:vm3"), old, "the old port's guest still sends");
}

#[test]
fn test_all_ports_of_a_full_namespace_are_replaced_at_once() {
    let mut control = switch();
    for turn in ["old", "new"] {
        let mut next = Desired::default();
        next.add_namespace(path("red"), NamespaceSpec::default()).unwrap();
        for i in 0..crate::limits::NAMESPACE_PORTS_MAX {
            let vm = format!("{turn}{i}");
            next.add_port(name(&vm), spec(&vm, "red")).unwrap();
        }
        control.handle_request(Request::Apply(next)).unwrap();
    }
    assert_eq!(control.operator().ports(None).unwrap().len(), crate::limits::NAMESPACE_PORTS_MAX);
}

#[test]
fn test_what_a_late_burst_learned_goes_with_the_last_user_of_the_port() {
    let mut control = switch();
    let held = control.opening(&port("red:vm1")).unwrap();
    control.handle_request(Request::PortDel { port: port("red:vm1"), force: false }).unwrap();
    let (namespace, mac) = (Arc::clone(&held.namespace), key("red", 77).mac);
    namespace.fdb().learn(mac, held.device.slot(), NOW);
    control.handle_tick(NOW);
    drop(held);
    control.handle_tick(NOW);
    assert_eq!(namespace.fdb().lookup(mac), None, "it would lead to the next port in this slot");
}

#[test]
fn test_a_table_is_listed_in_portions() {
    let mut control = switch();
    (1..=5).for_each(|last| drop(control.handle_request(Request::FdbAdd(key("red", last), name("vm1"))).unwrap()));
    let all = control.operator().fdb(NOW, &path("red"), None, usize::MAX).unwrap();
    let mut portions = control.operator().fdb(NOW, &path("red"), None, 4).unwrap();
    assert_eq!(portions, all[..4]);
    portions.extend(control.operator().fdb(NOW, &path("red"), Some(all[3].mac), 4).unwrap());
    assert_eq!((portions.len(), portions), (6, all));
}

#[test]
fn test_a_ports_own_entry_cannot_be_removed() {
    let mut control = switch();
    let own = FdbKey { namespace: path("red"), mac: spec("vm1", "red").mac };
    let refusal = control.handle_request(Request::FdbDel(own)).unwrap_err();
    assert!(matches!(refusal, Refusal::InUse { kind: Kind::Fdb, .. }), "{refusal}");
    control.handle_request(Request::FdbAdd(key("red", 9), name("vm1"))).unwrap();
    control.handle_request(Request::FdbDel(key("red", 9))).unwrap();
    assert_eq!(macs(&control, "red").len(), 1);
}

#[test]
fn test_a_deleted_namespace_says_who_still_uses_it() {
    let mut control = switch();
    let held = control.opening(&port("red:vm1")).unwrap();
    let del = Request::NamespaceDel { path: path("red"), recursive: true, force: false };
    control.handle_request(del).unwrap();
    assert_eq!(actions(&mut control), ["close red:vm1", "save"]);
    assert!(control.operator().namespace(&path("red")).is_err(), "it is found no more");
    control.handle_tick(NOW);
    let zombies = control.operator().zombies();
    assert_eq!(zombies[0].path, path("red"));
    assert_eq!(zombies[0].waits_for, [r#"a session or worker of port "vm1""#]);
    control.handle_request(Request::NamespaceAdd(path("red"), NamespaceSpec::default())).unwrap();
    drop(held);
    control.handle_tick(NOW);
    assert!(control.operator().zombies().is_empty() && control.operator().namespace(&path("red")).is_ok());
}

#[test]
fn test_a_connected_guest_protects_the_namespaces_that_it_is_in() {
    let mut control = switch();
    control.handle_notice(&port("red:vm1"), Notice::Up { features: 1 });
    let del = |force| Request::NamespaceDel { path: path("red"), recursive: true, force };
    let refusal = control.handle_request(del(false)).unwrap_err();
    assert_eq!(refusal.to_string(), r#"port "red:vm1" is in use by a connected guest"#);
    control.handle_request(del(true)).unwrap();
    assert!(ports(&control).is_empty());
}

/// Refuses to be in a namespace of this name.
struct Picky(&'static str);

impl Subsystem for Picky {
    type Instance = ();

    fn name(&self) -> &'static str {
        "picky"
    }

    fn init(&mut self, namespace: &crate::tree::Namespace) -> Result<(), Refusal> {
        if namespace.path().as_str() == self.0 { Err(Refusal::limit("anything", 0)) } else { Ok(()) }
    }
}

#[test]
fn test_a_subsystem_that_refuses_undoes_a_whole_apply() {
    let mut control = switch();
    control.register_subsystem(Picky("blue")).unwrap_err();
    control.register_subsystem(Picky("green/z")).unwrap();
    let (before, numbers) = (control.desired().clone(), control.numbers());
    let device = control.opening(&port("red:vm1")).unwrap().device;
    let mut next = Desired::default();
    for at in ["green", "green/a", "green/z"] {
        next.add_namespace(path(at), NamespaceSpec::default()).unwrap();
    }
    next.add_port(name("vm1"), spec("vm1", "green")).unwrap();
    control.handle_request(Request::Apply(next)).unwrap_err();
    assert_eq!((control.desired(), control.numbers()), (&before, numbers));
    assert!(Arc::ptr_eq(&device, &control.opening(&port("red:vm1")).unwrap().device), "the very same port");
    control.handle_tick(NOW);
    assert!(control.operator().zombies().is_empty());
}

#[test]
fn test_namespaces_that_are_still_read_are_bounded() {
    let mut control = switch();
    let mut held = Vec::new();
    let mut refusal = None;
    for i in 0..=crate::limits::ZOMBIES_MAX {
        let added = control.handle_request(Request::NamespaceAdd(path("new"), NamespaceSpec::default()));
        refusal = added.err();
        if refusal.is_some() {
            assert_eq!(i, crate::limits::ZOMBIES_MAX);
            break;
        }
        control.handle_request(Request::PortAdd(name("vm2"), spec("vm2", "new"))).unwrap();
        held.extend(control.opening(&port("new:vm2")));
        let del = Request::NamespaceDel { path: path("new"), recursive: true, force: false };
        control.handle_request(del).unwrap();
        actions(&mut control);
    }
    assert!(refusal.unwrap().to_string().contains("deleted and still in use"));
    drop(held);
    control.handle_request(Request::NamespaceAdd(path("new"), NamespaceSpec::default())).unwrap();
}
