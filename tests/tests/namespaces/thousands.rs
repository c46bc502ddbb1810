// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A hundred thousand PvDs, which the routers of a thousand namespaces have taught.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::time::Duration;

use allocation_counter::measure;
use dataplane::Instant;
use switch::{Control, Mode, NamespacePath, NamespaceSpec, PortPath, PortSpec, Request, Role, Snooped, VhostUser};
use wire::name::DomainName;
use wire::nd::{NdOption, PrefixInfo, PvdOption, Rdnss, encode};
use wire::{MacAddr, build};

const NAMESPACES: u16 = 1000;
/// Of each.
const PVDS: u16 = 100;
/// Bytes of a PvD with two prefixes and two resolvers, and of what its namespace keeps of the advertisements themselves.
const PVD_MAX: i64 = 2048;
const NOW: Instant = Instant::from_nanos(1_000_000_000);

fn path(number: u16) -> NamespacePath {
    format!("n{number}").parse().expect("a path")
}

/// Namespaces with a router each.
fn routed() -> Control {
    let mut control = Control::new(1, BTreeMap::new());
    for number in 0..NAMESPACES {
        let (home, port) = (path(number), "router".parse().expect("a name"));
        let socket = VhostUser { path: format!("/run/{number}.sock"), mode: Mode::Server };
        let spec = PortSpec { role: Role::Router, ..PortSpec::new(&port, home.clone(), socket) };
        for request in [Request::NamespaceAdd(home, NamespaceSpec::default()), Request::PortAdd(port, spec)] {
            control.handle_request(request).expect("there is room");
        }
        while control.poll_action().is_some() {}
    }
    control
}

fn name(namespace: u16, pvd: u16) -> String {
    format!("p{pvd}.n{namespace}.example")
}

fn advertisement(namespace: u16, pvd: u16) -> Vec<u8> {
    let info = |last| {
        let prefix = Ipv6Addr::new(0x2001, 0xdb8, namespace, pvd, last, 0, 0, 0);
        NdOption::Prefix(PrefixInfo { prefix, prefix_len: 80, flags: 0xc0, valid: 1800, preferred: 1800 })
    };
    let servers = NdOption::Rdnss(Rdnss { lifetime: 1800, addresses: &[[0x20; 16], [0x21; 16]] });
    let nested = encode([info(1), info(2), servers]).expect("good options");
    let name: DomainName = name(namespace, pvd).parse().expect("a good name");
    let options = encode([NdOption::Pvd(PvdOption::new(name.as_name(), &nested))]).expect("a good option");
    build::advertisement(MacAddr([2, 0, 0, 0, 0, 9]), Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), 1800, &options)
}

fn teach(control: &mut Control, namespace: u16) {
    let port: PortPath = format!("n{namespace}:router").parse().expect("a port");
    let tag = control.opening(&port).expect("it is there").device.tag();
    for pvd in 0..PVDS {
        let heard = control.snooped(tag, &advertisement(namespace, pvd), NOW);
        assert!(matches!(heard, Snooped::Learnt(..)), "{heard:?}");
    }
}

/// The names of a namespace's PvDs, from as many pages as there are.
fn listed(control: &Control, namespace: u16) -> BTreeSet<String> {
    let view = control.operator();
    let (mut names, mut from) = (BTreeSet::new(), None);
    loop {
        let page = view.pvds(&path(namespace), from, 64, Duration::from_secs(1)).expect("it is there");
        assert!(!page.interrupted);
        names.extend(page.pvds.iter().map(|pvd| pvd.name.trim_end_matches('.').to_owned()));
        from = page.next;
        if from.is_none() {
            return names;
        }
    }
}

#[test]
fn a_hundred_thousand_pvds_in_a_thousand_namespaces_are_small_and_each_is_listed() {
    let mut control = routed();
    let taken = measure(|| (0..NAMESPACES).for_each(|namespace| teach(&mut control, namespace))).bytes_current;
    let each = taken / (i64::from(NAMESPACES) * i64::from(PVDS));
    assert!(each <= PVD_MAX, "{each} bytes a PvD");
    for namespace in 0..NAMESPACES {
        let all: BTreeSet<_> = (0..PVDS).map(|pvd| name(namespace, pvd)).collect();
        assert_eq!(listed(&control, namespace), all);
    }
    println!("a PvD takes {each} bytes, its advertisement included where that is kept");
}
