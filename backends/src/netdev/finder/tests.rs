// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who gets which netdev, and what is said to who gets none.

use super::*;
use crate::netdev::message::{Link, Route, Said};
use crate::netdev::routes::{Family, Key};
use crate::netdev::{Kind, State};

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);
const OTHER: MacAddr = MacAddr([2, 0, 0, 0, 0, 8]);

type Ports = Finder<&'static str>;
type Told = Change<&'static str>;

fn link(index: u32, name: &str, mac: MacAddr) -> Link {
    let (state, kind) = (State::Down, Kind::Plain);
    Link { index, name: name.to_owned(), mac, perm_mac: None, state, mtu: 1500, kind, master: None, pci: None }
}

fn vf(index: u32, name: &str, mac: MacAddr) -> Link {
    Link { pci: format!("0000:03:02.{index}").parse().ok(), ..link(index, name, mac) }
}

/// A table that has been told of everything.
fn host(links: Vec<Link>) -> Table {
    let mut table = Table::default();
    links.into_iter().for_each(|link| say(&mut table, Said::Link(link)));
    table.routes_begin();
    table.routes_end();
    table
}

/// What hangs on VMBus here has a name that begins so.
fn say(table: &mut Table, said: Said) {
    table.take(said, &|name| if name.starts_with("hv") { Bus::NetVsc } else { Bus::None });
}

fn route(index: u32) -> Route {
    let key = Key { family: Family::V4, table: 254, destination: [10; 16], prefix: 32, tos: 0, metric: 0 };
    Route { key, over: vec![index], replaces: false, own: false }
}

fn finder(wishes: &[(&'static str, Wish)]) -> Ports {
    let mut finder = Ports::default();
    wishes.iter().for_each(|(port, wish)| finder.wish(port, wish.clone()));
    finder
}

fn by_name(name: &str, mac: MacAddr) -> Wish {
    Wish { iface: Some(name.to_owned()), ..Wish::by_mac(mac) }
}

/// What a port is told that wishes for this MAC on a host with these netdevs.
fn told(links: Vec<Link>, wish: Wish) -> Told {
    let mut changes = finder(&[("a", wish)]).settle(&host(links));
    assert_eq!(changes.len(), 1, "{changes:?}");
    changes.remove(0)
}

fn found(change: Told) -> u32 {
    match change {
        Change::Found { found, .. } => found.index,
        other => panic!("{other:?}"),
    }
}

fn nothing(change: Told) -> Reason<&'static str> {
    match change {
        Change::Nothing { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_vf_is_found_by_its_mac_and_lost_when_it_goes() {
    let mut table = host(vec![link(1, "eth0", OTHER)]);
    let mut finder = finder(&[("a", Wish::by_mac(MAC))]);
    assert_eq!(finder.settle(&table), [Change::Nothing { port: "a", why: Reason::NoMac(MAC) }]);
    assert_eq!(finder.settle(&table), [], "it is said once");
    say(&mut table, Said::Link(vf(5, "eth3", MAC)));
    let pci = "0000:03:02.5".parse().ok();
    let expected = Found { index: 5, name: "eth3".into(), pci, routed: false };
    assert_eq!(finder.settle(&table), [Change::Found { port: "a", found: expected.clone() }]);
    assert_eq!(finder.outcome(&"a"), Some(&Outcome::Found(expected)));
    say(&mut table, Said::LinkGone(5));
    let changes = finder.settle(&table);
    assert_eq!(changes[0], Change::Lost { port: "a", index: 5, why: Reason::Gone("eth3".into()) });
    assert_eq!(finder.outcome(&"a"), Some(&Outcome::Nothing(Reason::NoMac(MAC))));
}

#[test]
fn nothing_is_given_before_everything_is_known() {
    let mut table = Table::default();
    say(&mut table, Said::Link(vf(5, "eth3", MAC)));
    let mut finder = finder(&[("a", Wish::by_mac(MAC))]);
    assert_eq!(finder.settle(&table), []);
    assert_eq!(finder.outcome(&"a"), Some(&Outcome::Unsettled));
}

#[test]
fn a_netdev_keeps_its_port_whatever_it_is_called() {
    let mut table = host(vec![vf(5, "eth3", MAC)]);
    let mut finder = finder(&[("a", by_name("eth3", MAC))]);
    finder.settle(&table);
    say(&mut table, Said::Link(vf(5, "vf0", MAC)));
    say(&mut table, Said::Link(vf(6, "eth3", MAC)));
    let changes = finder.settle(&table);
    assert!(
        matches!(&changes[..], [Change::Altered { found, .. }] if found.index == 5 && found.name == "vf0"),
        "{changes:?}"
    );
    say(&mut table, Said::LinkGone(5));
    let changes = finder.settle(&table);
    assert!(
        matches!(&changes[..], [Change::Lost { index: 5, .. }, Change::Found { found, .. }] if found.index == 6),
        "{changes:?}"
    );
}

#[test]
fn a_vf_comes_before_whatever_else_has_its_mac() {
    let born = || Link { perm_mac: Some(MAC), ..vf(7, "eth4", OTHER) };
    let all = || vec![link(2, "macvlan0", MAC), vf(5, "eth3", MAC), born()];
    assert_eq!(found(told(all(), Wish::by_mac(MAC))), 7, "the one that was made with it");
    assert_eq!(found(told(vec![link(2, "macvlan0", MAC)], Wish::by_mac(MAC))), 2, "a veth or macvlan will do");
    let vlan = Link { kind: Kind::Composed("vlan"), ..link(3, "eth3.7", MAC) };
    assert_eq!(found(told(vec![vlan, vf(5, "eth3", MAC)], Wish::by_mac(MAC))), 5);
}

#[test]
fn what_is_composed_or_part_of_something_is_left_alone() {
    let vlan = || Link { kind: Kind::Composed("vlan"), ..link(3, "eth3.7", MAC) };
    let unfit = Reason::Unfit { netdev: "eth3.7".into(), kind: Kind::Composed("vlan") };
    assert_eq!(nothing(told(vec![vlan()], Wish::by_mac(MAC))), unfit);
    assert_eq!(found(told(vec![vlan()], by_name("eth3.7", MAC))), 3, "who names it means it");
    let slave = || Link { master: Some(2), ..vf(5, "eth3", MAC) };
    let bond = || Link { kind: Kind::Composed("bond"), ..link(2, "bond0", MAC) };
    let member = Reason::Member { netdev: "eth3".into(), master: "bond0".into() };
    assert_eq!(nothing(told(vec![bond(), slave()], Wish::by_mac(MAC))), member);
    assert_eq!(nothing(told(vec![bond(), slave()], by_name("eth3", MAC))), member);
}

#[test]
fn under_hyper_v_the_vf_is_taken_and_never_the_netvsc_with_its_mac() {
    let both = vec![link(2, "hv0", MAC), Link { master: Some(2), ..vf(5, "eth1", MAC) }];
    assert_eq!(found(told(both, Wish::by_mac(MAC))), 5);
    assert_eq!(nothing(told(vec![link(2, "hv0", MAC)], Wish::by_mac(MAC))), Reason::Synthetic("hv0".into()));
}

#[test]
fn what_the_host_speaks_over_is_taken_by_force_or_by_name() {
    let routed = || {
        let mut table = host(vec![vf(5, "eth3", MAC)]);
        say(&mut table, Said::Route(route(5)));
        table
    };
    let settle = |wish| finder(&[("a", wish)]).settle(&routed()).remove(0);
    assert_eq!(nothing(settle(Wish::by_mac(MAC))), Reason::Routed("eth3".into()));
    for wish in [Wish { force: true, ..Wish::by_mac(MAC) }, by_name("eth3", MAC)] {
        let change = settle(wish);
        assert!(matches!(&change, Change::Found { found, .. } if found.routed), "with a warning: {change:?}");
    }
}

#[test]
fn a_netdev_that_becomes_routed_stays_where_it_is() {
    let mut table = host(vec![vf(5, "eth3", MAC)]);
    let mut finder = finder(&[("a", Wish::by_mac(MAC))]);
    finder.settle(&table);
    say(&mut table, Said::Route(route(5)));
    let changes = finder.settle(&table);
    assert!(matches!(&changes[..], [Change::Altered { found, .. }] if found.routed), "{changes:?}");
    say(&mut table, Said::RouteGone(route(5)));
    assert!(matches!(&finder.settle(&table)[..], [Change::Altered { found, .. }] if !found.routed));
}

#[test]
fn a_named_netdev_with_another_mac_is_an_error_unless_that_mac_is_named_too() {
    let differs = Reason::MacDiffers { netdev: "eth3".into(), has: OTHER, wished: MAC };
    assert_eq!(nothing(told(vec![vf(5, "eth3", OTHER)], by_name("eth3", MAC))), differs);
    assert_eq!(found(told(vec![vf(5, "eth3", OTHER)], by_name("eth3", OTHER))), 5);
    assert_eq!(nothing(told(vec![], by_name("eth3", MAC))), Reason::NoName("eth3".into()));
}

#[test]
fn a_netdev_is_given_once_to_who_asked_first() {
    let mut table = host(vec![vf(5, "eth3", MAC)]);
    let mut finder = finder(&[("b", Wish::by_mac(MAC)), ("a", by_name("eth3", MAC))]);
    let changes = finder.settle(&table);
    assert!(matches!(&changes[0], Change::Found { port: "b", .. }), "{changes:?}");
    let why = Reason::Claimed { netdev: "eth3".into(), by: "b" };
    assert_eq!(changes[1], Change::Nothing { port: "a", why });
    assert_eq!(finder.forget(&"b").map(|found| found.index), Some(5));
    assert!(matches!(&finder.settle(&table)[..], [Change::Found { port: "a", .. }]));
    finder.wish("b", Wish::by_mac(MAC));
    assert!(matches!(
        &finder.settle(&table)[..],
        [Change::Nothing { port: "b", why: Reason::Claimed { by: "a", .. } }]
    ));
    say(&mut table, Said::Link(vf(6, "eth4", MAC)));
    assert!(matches!(&finder.settle(&table)[..], [Change::Found { port: "b", found }] if found.index == 6));
}

#[test]
fn what_is_ignored_or_in_use_is_not_taken() {
    let ignore = BTreeSet::from(["eth3".to_owned()]);
    let wish = Wish { ignore, ..Wish::by_mac(MAC) };
    assert_eq!(nothing(told(vec![vf(5, "eth3", MAC)], wish.clone())), Reason::Ignored("eth3".into()));
    assert_eq!(found(told(vec![vf(5, "eth3", MAC), vf(6, "eth4", MAC)], wish)), 6);
    let mut finder = finder(&[("a", Wish::by_mac(MAC))]);
    finder.set_own(BTreeSet::from([5]));
    let why = Reason::Own("eth3".into());
    assert_eq!(finder.settle(&host(vec![vf(5, "eth3", MAC)])), [Change::Nothing { port: "a", why }]);
}

#[test]
fn another_wish_gives_up_what_it_does_not_mean() {
    let mut table = host(vec![vf(5, "eth3", MAC), vf(6, "eth4", MAC)]);
    let mut finder = finder(&[("a", by_name("eth3", MAC))]);
    finder.settle(&table);
    finder.wish("a", Wish::by_mac(MAC));
    assert_eq!(finder.settle(&table), [], "it means the one that the port has as well");
    finder.wish("a", by_name("eth4", MAC));
    let changes = finder.settle(&table);
    assert_eq!(changes[0], Change::Lost { port: "a", index: 5, why: Reason::Unwished("eth3".into()) });
    assert!(matches!(&changes[1], Change::Found { found, .. } if found.index == 6), "{changes:?}");
    say(&mut table, Said::Route(route(6)));
    finder.wish("a", Wish::by_mac(MAC));
    let changes = finder.settle(&table);
    assert!(matches!(&changes[0], Change::Lost { index: 6, why: Reason::Routed(_), .. }), "{changes:?}");
    assert!(matches!(&changes[1], Change::Found { found, .. } if found.index == 5), "{changes:?}");
}

#[test]
fn a_netdev_that_is_no_vf_any_more_is_given_up() {
    let mut table = host(vec![link(2, "br0", OTHER), vf(5, "eth3", MAC)]);
    let mut finder = finder(&[("a", Wish::by_mac(MAC))]);
    finder.settle(&table);
    say(&mut table, Said::Link(Link { master: Some(2), ..vf(5, "eth3", MAC) }));
    let changes = finder.settle(&table);
    assert!(matches!(&changes[..], [Change::Lost { why: Reason::Member { .. }, .. }, ..]), "{changes:?}");
    say(&mut table, Said::Link(vf(5, "eth3", OTHER)));
    assert!(matches!(&finder.settle(&table)[..], [Change::Nothing { why: Reason::NoMac(MAC), .. }]));
}

#[test]
fn what_an_operator_says_of_a_vf_is_what_is_wished_for() {
    let auto = switch::AutoLane { iface: Some("eth3".into()), ..switch::AutoLane::default() };
    assert_eq!(Wish::of(&auto, MAC), by_name("eth3", MAC));
    assert_eq!(Wish::of(&switch::AutoLane { mac: Some(OTHER), ..auto }, MAC), by_name("eth3", OTHER));
}

#[test]
fn every_reason_says_what_to_do() {
    let netdev = || "eth3".to_owned();
    let all: [Reason<&str>; 5] = [
        Reason::NoMac(MAC),
        Reason::Routed(netdev()),
        Reason::MacDiffers { netdev: netdev(), has: OTHER, wished: MAC },
        Reason::Member { netdev: netdev(), master: "bond0".into() },
        Reason::Claimed { netdev: netdev(), by: "red/dev:vm1" },
    ];
    let texts = all.map(|reason| reason.to_string());
    let parts = ["auto,iface=", "auto,force", "ip link set eth3 address 02:00:00:00:00:09", "nomaster", "red/dev:vm1"];
    for (text, part) in texts.iter().zip(parts) {
        assert!(text.contains(part), "{text}");
    }
}
