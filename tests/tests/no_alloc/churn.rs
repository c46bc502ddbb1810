// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A namespace is made, learns and is destroyed, ten thousand times: nothing of it is left.

use allocation_counter::measure;
use dataplane::Instant;
use switch::{Action, Control, Mode, Name, NamespacePath, NamespaceSpec, PortSpec, Request, Role, VhostUser};
use wire::MacAddr;
use wire::build::advertisement;
use wire::name::DomainName;
use wire::nd::{NdOption, PvdOption, Rdnss, encode};

const ROUNDS: usize = 10_000;
/// Bytes by which what is kept may grow over all rounds: less than one for each.
const GROWTH_MAX: i64 = 8 << 10;

/// A Router Advertisement of a PvD of its own.
fn ra(round: usize) -> Vec<u8> {
    let name: DomainName = format!("pvd{}.example", round % 100).parse().expect("a good name");
    let nested = encode([NdOption::Rdnss(Rdnss { lifetime: 9, addresses: &[[0x20; 16]] })]).expect("a good option");
    let option = PvdOption::new(name.as_name(), &nested);
    let options = encode([NdOption::Pvd(option)]).expect("a good option");
    advertisement(MacAddr([2, 0, 0, 0, 0, 1]), "fe80::1".parse().expect("an address"), 1800, &options)
}

/// One life of a namespace with a router in it.
fn round(control: &mut Control, number: usize) {
    let (path, name): (NamespacePath, Name) = ("red".parse().expect("a path"), "gw".parse().expect("a name"));
    let socket = VhostUser { path: "/run/gw.sock".to_owned(), mode: Mode::Server };
    let spec = PortSpec { role: Role::Router, ..PortSpec::new(&name, path.clone(), socket) };
    let request = |control: &mut Control, request| drop(control.handle_request(request).expect("there is room"));
    // Most of the time would go into its MAC table.
    let small = NamespaceSpec { macs_max: 64, ..NamespaceSpec::default() };
    request(control, Request::NamespaceAdd(path.clone(), small));
    request(control, Request::PortAdd(name, spec));
    let mut tag = None;
    while let Some(action) = control.poll_action() {
        if let Action::OpenEndpoint(opening) = action {
            tag = Some(opening.device.tag());
        }
    }
    let became = control.snooped(tag.expect("a port was made"), &ra(number), Instant::from_nanos(1));
    assert!(matches!(became, switch::Snooped::Learnt(pvd::Learnt::Changed(_), Ok(_))), "{became:?}");
    request(control, Request::NamespaceDel { path, recursive: true, force: true });
    while control.poll_action().is_some() {}
    control.reap();
    assert!(control.operator().zombies().is_empty(), "nobody waits for anybody");
}

#[test]
fn a_namespace_that_learns_and_goes_leaves_nothing() {
    let mut control = Control::new(7, Default::default());
    (0..200).for_each(|number| round(&mut control, number));
    let after = measure(|| (0..ROUNDS).for_each(|number| round(&mut control, number)));
    assert!(after.bytes_current <= GROWTH_MAX, "{} bytes are left of {ROUNDS} namespaces", after.bytes_current);
}
