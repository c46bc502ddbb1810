// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How much all ports of a namespace, and of what lies in it, may send and flood together.

use std::time::Duration;

use dataplane::{DropReason, Limit, MacPolicy};
use tests::rig::{Moved, PortOptions, Rig, mac};
use wire::MacAddr;

use super::frame;
use super::limits::{limits, send};

const TX: DropReason = DropReason::NamespaceTxPoliced;
const FLOOD: DropReason = DropReason::NamespaceFloodPoliced;

/// Two ports in each of three namespaces: ports 0 and 1 in namespace 0, and so on.
fn three() -> Rig {
    let mut rig = Rig::new();
    let any = PortOptions { macs: MacPolicy::Any, ..PortOptions::default() };
    for namespace in [0, 0, 1, 1, 2, 2] {
        rig.add(namespace, &any);
    }
    rig
}

fn limit(rig: &Rig, namespace: u32, of: &[(Limit, u64)], above: Option<u32>) {
    let above = above.map(|above| rig.namespace(above).policers());
    rig.namespace(namespace).policers().set(&limits(of), above);
}

/// A port sends so many frames to the other one of its namespace; so many of them pass.
fn passed(rig: &mut Rig, from: usize, count: usize) -> usize {
    let to = from ^ 1;
    send(rig, from, count, &frame(mac(to), mac(from)));
    rig.received(to).len()
}

#[test]
fn the_guests_of_a_namespace_share_its_limit_and_others_have_nothing_to_do_with_it() {
    let mut rig = three();
    limit(&rig, 0, &[(Limit::TxFrames, 100)], None);
    assert_eq!((passed(&mut rig, 0, 6), passed(&mut rig, 1, 6)), (6, 4), "ten at once, whoever sends them");
    assert_eq!(rig.moved(1), Moved { rx: Moved::received(6, 600).rx, ..Moved::sent(6, 600).dropped(TX, 2) });
    assert_eq!(passed(&mut rig, 2, 50), 50);
    for _ in 0..20 {
        rig.pass(Duration::from_secs(1) / 20);
        assert_eq!(passed(&mut rig, 0, 5) + passed(&mut rig, 1, 5), 5);
    }
    limit(&rig, 0, &[], None);
    assert_eq!(passed(&mut rig, 0, 60), 60);
}

#[test]
fn what_a_namespace_floods_is_limited_while_unicast_flows() {
    let mut rig = three();
    limit(&rig, 0, &[(Limit::FloodFrames, 100)], None);
    for from in [0, 1] {
        send(&mut rig, from, 8, &frame(MacAddr::BROADCAST, mac(from)));
    }
    assert_eq!((rig.received(1).len(), rig.received(0).len()), (8, 2));
    assert_eq!(rig.moved(1).drops, [(FLOOD, 6)]);
    assert_eq!(passed(&mut rig, 0, 50), 50);
    send(&mut rig, 2, 50, &frame(MacAddr::BROADCAST, mac(2)));
    assert_eq!(rig.received(3).len(), 50);
}

#[test]
fn a_port_has_its_own_limit_beside_that_of_its_namespace() {
    let mut rig = three();
    limit(&rig, 0, &[(Limit::TxFrames, 100)], None);
    rig.port(0).port().set_limits(&limits(&[(Limit::TxFrames, 30)]));
    assert_eq!((passed(&mut rig, 0, 20), passed(&mut rig, 1, 20)), (3, 7));
    assert_eq!(rig.moved(0).drops, [(DropReason::TxPoliced, 17)], "what the port drops is not the namespace's");
}

#[test]
fn what_is_nested_shares_the_limits_of_all_that_it_lies_in() {
    let mut rig = three();
    limit(&rig, 0, &[(Limit::TxFrames, 200)], None);
    limit(&rig, 1, &[(Limit::TxFrames, 50)], Some(0));
    limit(&rig, 2, &[], Some(1));
    assert_eq!(passed(&mut rig, 4, 9), 5, "the innermost but one allows five");
    assert_eq!(passed(&mut rig, 2, 9), 0, "which were its too");
    assert_eq!(passed(&mut rig, 0, 30), 15, "and the outermost's");
    rig.pass(Duration::from_secs(1));
    assert_eq!(passed(&mut rig, 0, 18), 18);
    assert_eq!(passed(&mut rig, 4, 9), 2, "what is left of the outermost");
}

#[test]
fn a_limit_that_stays_goes_on_counting_when_others_change() {
    let mut rig = three();
    limit(&rig, 0, &[(Limit::TxFrames, 100)], None);
    limit(&rig, 1, &[], Some(0));
    assert_eq!(passed(&mut rig, 2, 30), 10);
    limit(&rig, 0, &[(Limit::TxFrames, 100), (Limit::FloodBytes, 10_000_000)], None);
    limit(&rig, 1, &[(Limit::TxBytes, 10_000_000)], Some(0));
    assert_eq!((passed(&mut rig, 0, 30), passed(&mut rig, 2, 30)), (0, 0), "the bucket is as empty as it was");
    limit(&rig, 0, &[(Limit::TxFrames, 200)], None);
    limit(&rig, 1, &[], Some(0));
    assert_eq!(passed(&mut rig, 2, 30), 20, "a new one is full");
}

#[test]
fn what_comes_out_of_a_link_is_sent_by_the_namespace_where_it_does() {
    let mut rig = three();
    rig.link(1, 2);
    limit(&rig, 1, &[(Limit::TxFrames, 100), (Limit::FloodFrames, 50)], None);
    send(&mut rig, 0, 30, &frame(mac(3), mac(0)));
    assert_eq!(rig.received(3).len(), 10);
    assert_eq!(rig.moved(2).drops, [(TX, 20)], "at the end where it came out");
    rig.pass(Duration::from_secs(1));
    send(&mut rig, 0, 10, &frame(MacAddr::BROADCAST, mac(0)));
    assert_eq!(rig.received(3).len(), 5);
    assert_eq!((rig.moved(2).drops, rig.moved(0).drops), (vec![(FLOOD, 5)], vec![]));
}
