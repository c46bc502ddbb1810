// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What namespaces are configured with, where they are made for ports that come.

use super::handover::id;
use super::*;
use crate::handover::{Missing, Move};
use crate::text_socket::TextSocket;
use pvd::{AnswerPolicy, Answering};

/// Of a tenant who is limited.
fn outer() -> NamespaceSpec {
    let mut spec = NamespaceSpec { ra_throttle: Some(Duration::from_mins(5)), ..NamespaceSpec::default() };
    for limit in [Limit::TxBytes, Limit::FloodFrames] {
        spec.limits.set(limit, Some(Rate { per_second: 1_000_000, burst: 100_000 }));
    }
    spec.quotas.set(Resource::Ports, Some(8));
    spec.quotas.set(Resource::Namespaces, Some(3));
    spec
}

fn inner() -> NamespaceSpec {
    let mut spec = NamespaceSpec { macs_max: 64, age: Duration::from_mins(1), ..NamespaceSpec::default() };
    spec.answering = Answering { policy: AnswerPolicy::Always, within: Duration::from_millis(20) };
    spec.quotas.set(Resource::RaEntries, Some(9));
    spec
}

/// A switch with this of `t` and `t/web`, and a port in the latter.
fn with(outer: NamespaceSpec, inner: NamespaceSpec) -> Control {
    let mut control = switch();
    for (text, spec) in [("t", outer), ("t/web", inner)] {
        control.handle_request(Request::NamespaceAdd(path(text), spec)).unwrap();
    }
    control.handle_request(Request::PortAdd(name("vm1"), spec("vm1", "t/web"))).unwrap();
    control
}

fn export(control: &Control) -> Move {
    control.export_port(&port("t/web:vm1"), id(1), Instant::default()).unwrap()
}

fn said(control: &Control, text: &str) -> NamespaceSpec {
    control.desired().namespace(&path(text)).unwrap().clone()
}

#[test]
fn test_a_namespace_that_is_made_is_what_it_was_and_one_that_is_there_stays_what_it_is() {
    let moved = export(&with(outer(), inner()));
    assert_eq!(moved.homes, [inner(), outer()]);
    let mut there = switch();
    there.import_port(&moved, Missing::Made).unwrap();
    assert_eq!([said(&there, "t"), said(&there, "t/web")], [outer(), inner()]);
    assert!(there.import_port(&moved, Missing::Made).unwrap().already, "and once more nothing changes");
    // All that is above is there.
    let mut there = switch();
    let own = NamespaceSpec { age: Duration::from_mins(9), ..NamespaceSpec::default() };
    there.handle_request(Request::NamespaceAdd(path("t"), own.clone())).unwrap();
    there.import_port(&moved, Missing::Made).unwrap();
    assert_eq!([said(&there, "t"), said(&there, "t/web")], [own, inner()]);
    // All is, and an operator who makes none is asked for none.
    let mut there = with(NamespaceSpec::default(), NamespaceSpec::default());
    there.handle_request(Request::PortDel { port: port("t/web:vm1"), force: true }).unwrap();
    there.import_port(&moved, Missing::Refused).unwrap();
    assert_eq!([said(&there, "t"), said(&there, "t/web")], [NamespaceSpec::default(), NamespaceSpec::default()]);
}

#[test]
fn test_a_limited_tenant_is_limited_in_the_frame_path_where_he_lands() {
    let mut there = switch();
    there.import_port(&export(&with(outer(), inner())), Missing::Made).unwrap();
    let change = NamespaceChange { limits: vec![(Limit::TxBytes, None)], ..NamespaceChange::default() };
    let lifted = there.handle_request(Request::NamespaceSet(path("t"), change)).unwrap();
    let Reply::Changed(changes) = lifted else { panic!("{lifted:?}") };
    assert!(changes[0].to_string().contains("tx-bytes"), "{changes:?}: there was one to be lifted");
    let mut full = switch();
    let mut moved = export(&with(outer(), inner()));
    moved.homes[1].quotas.set(Resource::Ports, Some(0));
    let before = (full.desired().clone(), full.numbers());
    let refused = full.import_port(&moved, Missing::Made).unwrap_err().to_string();
    assert!(refused.contains("ports"), "{refused}");
    assert_eq!((full.desired().clone(), full.numbers()), before, "nothing is left behind");
}

#[test]
fn test_the_quotas_of_whatever_it_lands_in_hold() {
    let moved = export(&with(outer(), inner()));
    let mut there = switch();
    let mut small = NamespaceSpec::default();
    small.quotas.set(Resource::Macs, Some(u64::from(small.macs_max) + 63));
    there.handle_request(Request::NamespaceAdd(path("t"), small)).unwrap();
    let refused = there.import_port(&moved, Missing::Made).unwrap_err().to_string();
    assert!(refused.contains("macs"), "{refused}");
    assert!(there.desired().namespace(&path("t/web")).is_err());
}

#[test]
fn test_what_names_sockets_of_this_host_stays_and_of_what_says_nothing_nothing_is_said() {
    let delegation = Delegation {
        socket: "/run/t.sock".into(),
        directory: "/run/t.d".into(),
        to: Delegate::Uid(1),
        grant: Grant::Admin,
        limits: Limits::default(),
        confined: None,
    };
    let pvdd = Some(TextSocket::parse("/run/t.pvdd").unwrap());
    let own = NamespaceSpec { delegation: Some(delegation), pvdd, ..outer() };
    let moved = export(&with(own.clone(), inner()));
    assert_eq!(moved.homes, [inner(), outer()]);
    assert_eq!(export(&with(NamespaceSpec::default(), inner())).homes, [inner()]);
    assert!(export(&with(NamespaceSpec::default(), NamespaceSpec::default())).homes.is_empty());
    let lie = Move { homes: vec![inner(), own], ..moved };
    let refused = switch().import_port(&lie, Missing::Made).unwrap_err().to_string();
    assert!(refused.contains("are those of its host"), "{refused}");
}

#[test]
fn test_settings_are_judged_as_an_operator_s_whether_they_are_used_or_not() {
    let good = export(&with(outer(), inner()));
    let bad = [
        NamespaceSpec { macs_max: u32::MAX, ..NamespaceSpec::default() },
        NamespaceSpec { age: Duration::MAX, ..NamespaceSpec::default() },
        NamespaceSpec { ra_throttle: Some(Duration::ZERO), ..NamespaceSpec::default() },
        NamespaceSpec {
            answering: Answering { policy: AnswerPolicy::Always, within: Duration::from_mins(1) },
            ..NamespaceSpec::default()
        },
    ];
    let mut lies: Vec<Vec<NamespaceSpec>> = bad.into_iter().map(|bad| vec![inner(), bad]).collect();
    lies.push(vec![NamespaceSpec::default(); 3]);
    for homes in lies {
        let moved = Move { homes, ..good.clone() };
        for mut there in [switch(), with(outer(), inner())] {
            drop(there.handle_request(Request::PortDel { port: port("t/web:vm1"), force: true }));
            let before = (there.desired().clone(), there.numbers());
            let refused = there.import_port(&moved, Missing::Made);
            assert!(refused.is_err(), "{:?}", moved.homes);
            assert_eq!((there.desired().clone(), there.numbers()), before);
        }
    }
}
