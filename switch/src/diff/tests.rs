// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::*;
use crate::delegation::{Delegate, Delegation, Grant};

use crate::lane::LaneSpec;
use crate::mediation::Mediation;
use crate::quota::{Quotas, Resource};
use crate::spec::{Lane, Mode, VhostUser};
use crate::stated::FactList;
use crate::text_socket::TextSocket;
use crate::vf::VfSpec;
use netvsc::GuestModel;

use core::net::Ipv4Addr;
use dataplane::{Limit, Limits, MacPolicy, RaGuard, Rate, Role};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use pvd::{Answering, Injection, Seen, Sight};
use std::time::Duration;
use wire::MacAddr;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn path(text: &str) -> NamespacePath {
    text.parse().unwrap()
}

fn port(vm: &str, namespace: &str) -> PortSpec {
    let socket = VhostUser { path: format!("/run/{vm}.sock"), mode: Mode::Server };
    PortSpec::new(&name(vm), path(namespace), socket)
}

fn state(ports: &[(&str, PortSpec)]) -> Desired {
    let mut state = Desired::default();
    state.add_namespace(path("red"), NamespaceSpec::default()).unwrap();
    state.add_namespace(path("blue"), NamespaceSpec::default()).unwrap();
    for (vm, spec) in ports {
        state.add_port(name(vm), spec.clone()).unwrap();
    }
    state
}

fn lines(old: &Desired, new: &Desired) -> Vec<String> {
    diff(old, new).changes.iter().map(ToString::to_string).collect()
}

#[test]
fn test_a_change_in_place_disrupts_nobody() {
    let old = state(&[("vm1", port("vm1", "red"))]);
    let new = state(&[("vm1", PortSpec { mtu: 9000, role: Role::Router, ..port("vm1", "red") })]);
    assert_eq!(lines(&old, &new), ["~ port red:vm1: role host -> router, mtu 1500 -> 9000"]);
    assert!(matches!(diff(&old, &new).steps[..], [Step::SetPort(..)]));
}

#[test]
fn test_limits_change_in_place_and_are_told_one_by_one() {
    let with = |limits| state(&[("vm1", PortSpec { limits, ..port("vm1", "red") })]);
    let (old, new) = (with(some_limits(8)), with(some_limits(18)));
    let steps = ["~ port red:vm1: limits.tx-frames none -> 2000:70000, limits.rx-frames 1000:70000 -> none"];
    assert_eq!(lines(&old, &new), steps);
    assert!(matches!(diff(&old, &new).steps[..], [Step::SetPort(..)]));
}

#[test]
fn test_a_port_that_changes_much_is_taken_away_and_put_back_with_its_entries() {
    let key = FdbKey { namespace: path("red"), mac: MacAddr([2, 0, 0, 0, 0, 9]) };
    let mut old = state(&[("vm1", port("vm1", "red"))]);
    old.add_fdb(key.clone(), name("vm1")).unwrap();
    let mut new = state(&[("vm1", PortSpec { queue_pairs: 4, ..port("vm1", "red") })]);
    new.add_fdb(key, name("vm1")).unwrap();
    assert_eq!(lines(&old, &new), ["~ port red:vm1: queues 1 -> 4 (disrupts)"]);
    let steps = diff(&old, &new).steps;
    let order = matches!(steps[..], [Step::DelFdb(..), Step::DelPort(_), Step::AddPort(..), Step::AddFdb(..)]);
    assert!(order, "{steps:?}");
}

#[test]
fn test_a_port_of_the_same_name_in_another_namespace_is_another() {
    let (old, new) = (state(&[("vm1", port("vm1", "red"))]), state(&[("vm1", port("vm1", "blue"))]));
    let mac = port("vm1", "red").mac;
    let told = [format!("- port red:vm1: mac {mac} (disrupts)"), format!("+ port blue:vm1: mac {mac}")];
    assert_eq!(lines(&old, &new), told);
}

#[test]
fn test_deletions_are_told_first() {
    let mac = port("vm2", "red").mac;
    let old = state(&[("vm2", port("vm2", "red"))]);
    let new = state(&[("vm1", PortSpec { mac, ..port("vm1", "red") })]);
    let del = format!("- port red:vm2: mac {mac} (disrupts)");
    assert_eq!(lines(&old, &new), [del, format!("+ port red:vm1: mac {mac}")]);
}

#[test]
fn test_a_table_of_another_size_takes_its_ports_along() {
    let old = state(&[("vm1", port("vm1", "red"))]);
    let mut new = old.clone();
    new.set_namespace(&path("red"), NamespaceSpec { macs_max: 64, ..NamespaceSpec::default() }).unwrap();
    let told = [
        "~ namespace red: macs-max 8192 -> 64 (disrupts)",
        "~ port red:vm1: attached anew: its namespace changes (disrupts)",
    ];
    assert_eq!(lines(&old, &new), told);
}

const NAMES: [&str; 5] = ["a", "a/b", "a/b/c", "a-b", "d"];

/// Any desired state of a small world: few names and addresses, so that states overlap and collide.
fn any_state() -> impl Strategy<Value = Desired> {
    let ports = proptest::collection::vec(any::<[u8; 8]>(), 0..8);
    let namespaces = proptest::collection::vec((0usize..NAMES.len(), 0u8..2, 0u8..2, 0u64..4, 0u8..8), 0..6);
    let fdb = proptest::collection::vec((0usize..NAMES.len(), 0u8..6, 0u8..5), 0..6);
    let pvds = proptest::collection::vec((0usize..NAMES.len(), 0u8..3, any::<u8>()), 0..6);
    (namespaces, ports, fdb, pvds).prop_map(|(namespaces, ports, fdb, pvds)| {
        let mut state = Desired::default();
        for (n, macs, age, most, held) in namespaces {
            let age = Duration::from_secs(300 + u64::from(age));
            let most_of = |resource| (resource, (most > 0).then_some(most));
            let quotas = Quotas::default().with(&[most_of(Resource::Ports), most_of(Resource::Pvds)]);
            let mut limits = Limits::default();
            limits.set(Limit::TxFrames, (most > 1).then_some(Rate { per_second: most, burst: 1 }));
            let ra_throttle = (most > 2).then_some(Duration::from_secs(most));
            let answering = Answering { within: Duration::from_millis(most), ..Answering::default() };
            let (macs_max, delegation) = (64 << macs, some_delegation(held));
            let pvdd = (held > 3).then(|| TextSocket::Tcp((Ipv4Addr::LOCALHOST, u16::from(held / 2)).into()));
            let second_source = crate::SecondSource::ALL[usize::from(held % 3)];
            let spec = NamespaceSpec {
                macs_max,
                age,
                quotas,
                limits,
                answering,
                ra_throttle,
                second_source,
                delegation,
                pvdd,
            };
            let _ = state.add_namespace(path(NAMES[n]), spec);
        }
        for bytes in ports {
            let _ = state.add_port(name(&format!("p{}", bytes[0] % 5)), some_port(bytes));
        }
        for (n, mac, port) in fdb {
            let key = FdbKey { namespace: path(NAMES[n]), mac: MacAddr([2, 0, 0, 0, 0, mac]) };
            let _ = state.add_fdb(key, name(&format!("p{port}")));
        }
        for (n, pvd, byte) in pvds {
            let _ = state.add_pvd(pvd_key(NAMES[n], &format!("p{pvd}.example")), some_statement(byte));
        }
        state
    })
}

fn pvd_key(namespace: &str, name: &str) -> PvdKey {
    PvdKey { namespace: path(namespace), name: name.parse().unwrap() }
}

/// Few prefixes, so that they meet.
fn some_statement(byte: u8) -> Statement {
    let mut said = Statement::default();
    said.flags.sequence = u16::from(byte / 64);
    let prefixes = (0..4).filter(|which| byte >> which & 1 == 1).map(|which| format!("2001:db8:{which}::/64"));
    FactList::Prefixes.set(&mut said, &prefixes.collect::<Vec<_>>()).unwrap();
    said
}

/// Few sockets and directories, of which some lie in each other, and some hold sockets of ports.
fn some_delegation(held: u8) -> Option<Delegation> {
    let directory = ["/run", "/run/x", "/run/x/y"][usize::from(held % 4).checked_sub(1)?];
    let (socket, to) = (format!("/ctl/{}", held / 4), Delegate::Uid(1));
    Some(Delegation {
        socket,
        directory: directory.into(),
        to,
        grant: Grant::Admin,
        limits: Limits::default(),
        confined: None,
    })
}

fn some_port([_, namespace, mac, role, macs, mtu, queues, socket]: [u8; 8]) -> PortSpec {
    PortSpec {
        namespace: path(NAMES[usize::from(namespace) % NAMES.len()]),
        mac: MacAddr([2, 0, 0, 0, 0, mac % 6]),
        role: [Role::Host, Role::Router, Role::Uplink][usize::from(role % 3)],
        macs: [MacPolicy::Own, MacPolicy::Any][usize::from(macs % 2)],
        mtu: 1500 + u16::from(mtu % 2),
        queue_pairs: 1 + u16::from(queues % 2),
        limits: some_limits(mtu),
        mediation: some_mediation(role, macs),
        lane: Lane::VhostUser(VhostUser { path: format!("/run/{}.sock", socket % 6), mode: Mode::Server }),
        vf: socket.is_multiple_of(3).then(|| some_vf(queues / 2)),
        confined: None,
    }
}

/// With a netdev that another port may want.
fn some_vf(byte: u8) -> VfSpec {
    let model = byte.is_multiple_of(2).then_some(GuestModel::HostLane);
    VfSpec { model, ..VfSpec::new(LaneSpec::Packet { netdev: format!("eth{}", byte / 2 % 4) }) }
}

fn some_mediation(role: u8, byte: u8) -> Mediation {
    let sight =
        [Sight::All, Sight::Only([].into()), Sight::Only([Seen::Implicit].into())][usize::from(byte / 2 % 3)].clone();
    let inject =
        (!role.is_multiple_of(3) && !byte.is_multiple_of(2)).then(|| Injection::new("a.example".parse().unwrap()));
    let guard = RaGuard { http: role.is_multiple_of(2), ..RaGuard::default() };
    let learn = (!role.is_multiple_of(3)).then(|| Duration::from_secs(u64::from(role)));
    Mediation { sight, inject, guard, learn }
}

fn some_limits(byte: u8) -> Limits {
    let mut limits = Limits::default();
    let per_second = 1000 * u64::from(byte / 8 % 4);
    limits.set(Limit::ALL[usize::from(byte) % 6], (per_second > 0).then_some(Rate { per_second, burst: 70_000 }));
    limits
}

#[test]
fn test_what_is_said_of_a_pvd_changes_in_place_and_is_told_word_by_word() {
    let said = |edit: fn(&mut Statement)| {
        let mut said = some_statement(2);
        edit(&mut said);
        let mut state = state(&[]);
        state.add_pvd(pvd_key("red", "Work.example"), said).unwrap();
        state
    };
    let new = said(|said| {
        said.flags.http = true;
        said.parameters.captive_portal = (*b"https://p.example").into();
        FactList::Prefixes.set(said, &["2001:db8:7::/64,on-link"]).unwrap();
        FactList::Rdnss.set(said, &["2001:db8::53"]).unwrap();
        let router = "fe80::1".parse().unwrap();
        said.announcement = Some(pvd::Announcement { router, mac: MacAddr([2; 6]), lifetime: 0, inner: false });
    });
    let told = "~ PvD red:work.example.: http false -> true, captive-portal none -> https://p.example, announce none -> \
                fe80::1 at 02:02:02:02:02:02, router for 0s, prefixes 2001:db8:1::/64 -> 2001:db8:7::/64,on-link, \
                rdnss none -> 2001:db8::53";
    assert_eq!(lines(&said(|_| ()), &new), [told]);
    assert_eq!(lines(&new, &state(&[])), ["- PvD red:work.example."]);
    assert!(matches!(diff(&said(|_| ()), &new).steps[..], [Step::SetPvd(..)]));
}

#[test]
fn test_all_that_is_announced_in_one_name_changes_its_header_in_one_request() {
    let with = |lifetime, names: &[&str]| {
        let mut state = state(&[]);
        for name in names {
            let announcement =
                pvd::Announcement { router: "fe80::1".parse().unwrap(), mac: MacAddr([2; 6]), lifetime, inner: false };
            let said = Statement { announcement: Some(announcement), ..Statement::default() };
            state.add_pvd(pvd_key("red", name), said).unwrap();
        }
        state
    };
    let (old, new) = (with(0, &["a.example", "b.example"]), with(1800, &["a.example", "b.example", "c.example"]));
    for (old, new) in [(&old, &new), (&new, &old)] {
        let mut reached = old.clone();
        diff(old, new).apply_to(&mut reached).unwrap();
        assert_eq!(reached, *new);
    }
}

proptest! {
    #[test]
    fn test_applying_the_difference_leads_there(old in any_state(), new in any_state()) {
        let mut reached = old.clone();
        prop_assert_eq!(diff(&old, &new).apply_to(&mut reached), Ok(()));
        prop_assert_eq!(reached, new);
    }

    #[test]
    fn test_every_step_leads_back(old in any_state(), new in any_state()) {
        let mut state = old.clone();
        let steps = diff(&old, &new).steps;
        let back: Vec<Step> = steps.iter().map(|step| step.apply_to(&mut state).unwrap()).collect();
        back.iter().rev().for_each(|step| drop(step.apply_to(&mut state).unwrap()));
        prop_assert_eq!(state, old);
    }

    #[test]
    fn test_nothing_differs_from_itself(state in any_state()) {
        let same = diff(&state, &state);
        prop_assert!(same.is_empty() && same.changes.is_empty());
    }

    #[test]
    fn test_there_are_words_exactly_when_there_are_steps(old in any_state(), new in any_state()) {
        let difference = diff(&old, &new);
        prop_assert_eq!(difference.is_empty(), difference.changes.is_empty());
    }
}
