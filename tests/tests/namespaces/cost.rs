// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a namespace costs, and that nothing of it is left when it is gone.

use allocation_counter::measure;
use std::collections::BTreeMap;
use switch::{Control, Mode, NamespaceSpec, PortSpec, Request, VhostUser};

/// Enough that what grows by doubling counts for what it is on average.
const MANY: usize = 1000;
/// Bytes of an empty namespace, beside a MAC table that it does not have.
const EMPTY_MAX: i64 = 4096;

fn switch_of(namespaces: std::ops::Range<usize>, control: &mut Control) {
    for i in namespaces {
        let path = format!("tenant/n{i}").parse().expect("a path");
        control.handle_request(Request::NamespaceAdd(path, NamespaceSpec::default())).expect("there is room");
        while control.poll_action().is_some() {}
    }
}

fn with_tenant() -> Control {
    let mut control = Control::new(1, BTreeMap::new());
    let tenant = "tenant".parse().expect("a path");
    control.handle_request(Request::NamespaceAdd(tenant, NamespaceSpec::default())).expect("there is room");
    control
}

#[test]
fn an_empty_namespace_costs_little_and_has_no_mac_table() {
    let mut control = with_tenant();
    let cost = measure(|| switch_of(0..MANY, &mut control)).bytes_current / MANY as i64;
    assert!(cost <= EMPTY_MAX, "{cost} bytes a namespace");
    println!("an empty namespace takes {cost} bytes");
}

#[test]
fn ten_thousand_come_and_go_and_leave_nothing() {
    let mut control = with_tenant();
    let round = |control: &mut Control| {
        switch_of(0..MANY, control);
        for i in 0..MANY / 100 {
            let port = format!("p{i}").parse().expect("a name");
            let home: switch::NamespacePath = format!("tenant/n{i}").parse().expect("a path");
            let socket = VhostUser { path: format!("/run/p{i}.sock"), mode: Mode::Server };
            let spec = PortSpec::new(&port, home, socket);
            control.handle_request(Request::PortAdd(port, spec)).expect("there is room");
        }
        for i in 0..MANY {
            let path = format!("tenant/n{i}").parse().expect("a path");
            let del = Request::NamespaceDel { path, recursive: true, force: false };
            control.handle_request(del).expect("it can go");
        }
        while control.poll_action().is_some() {}
        control.handle_tick(dataplane::Instant::from_nanos(1));
        assert!(control.operator().zombies().is_empty() && control.retired() == 0);
    };
    // The first round finds out how large the tables become.
    round(&mut control);
    let left = measure(|| (0..10).for_each(|_| round(&mut control))).bytes_current;
    assert!(left.abs() < 64 * 1024, "{left} bytes are left of 10,000 namespaces and 100 MAC tables");
}
