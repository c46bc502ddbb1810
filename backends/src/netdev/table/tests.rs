// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What happens to netdevs, and what the table makes of it.

use std::cell::RefCell;

use wire::MacAddr;

use super::*;
use crate::netdev::routes::Key;
use crate::netdev::{Kind, State};

fn link(index: u32, name: &str) -> Link {
    Link {
        index,
        name: name.to_owned(),
        mac: MacAddr([2, 0, 0, 0, 0, index as u8]),
        perm_mac: None,
        state: State::Running,
        mtu: 1500,
        kind: Kind::Plain,
        master: None,
        pci: None,
    }
}

/// A route of IPv4 over these netdevs; `own`: to an address of the host.
fn route(octet: u8, over: &[u32], own: bool) -> Route {
    let mut destination = [0; 16];
    destination[..2].copy_from_slice(&[10, octet]);
    let key = Key { family: Family::V4, table: 254, destination, prefix: 16, tos: 0, metric: 0 };
    Route { key, over: over.to_vec(), replaces: false, own }
}

fn say(table: &mut Table, said: Said) -> Doubt {
    table.take(said, &|_| Bus::None)
}

fn events(table: &mut Table) -> Vec<Event> {
    std::iter::from_fn(|| table.poll_event()).collect()
}

/// A table that has been told of everything: these netdevs, and no route.
fn told(links: Vec<Link>) -> Table {
    let mut table = Table::default();
    list(&mut table, links, &[]);
    events(&mut table);
    table
}

/// Tells everything anew.
fn list(table: &mut Table, links: Vec<Link>, routes: &[(u8, u32)]) {
    table.links_begin();
    for link in links {
        say(table, Said::Link(link));
    }
    table.links_end();
    table.routes_begin();
    for (octet, over) in routes {
        say(table, Said::Route(route(*octet, &[*over], false)));
    }
    table.routes_end();
}

#[test]
fn a_netdev_comes_changes_and_goes() {
    let mut table = told(vec![link(1, "lo")]);
    say(&mut table, Said::Link(link(5, "eth3")));
    say(&mut table, Said::Link(link(5, "eth3")));
    assert_eq!(events(&mut table), [Event::Came(5)], "the same again is no event");
    say(&mut table, Said::Link(link(5, "vf0")));
    assert_eq!(events(&mut table), [Event::Renamed { index: 5, from: "eth3".into() }]);
    say(&mut table, Said::Link(Link { state: State::Down, ..link(5, "vf0") }));
    assert_eq!(events(&mut table), [Event::Changed(5)]);
    let last = table.by_name("vf0").expect("it is there").clone();
    say(&mut table, Said::LinkGone(5));
    say(&mut table, Said::LinkGone(5));
    assert_eq!(events(&mut table), [Event::Gone(last)]);
    assert!(table.get(5).is_none() && table.get(1).is_some());
}

#[test]
fn nothing_is_complete_before_routes_are_known() {
    let mut table = Table::default();
    table.links_begin();
    say(&mut table, Said::Link(link(5, "eth3")));
    table.links_end();
    assert!(!table.is_complete());
    table.routes_begin();
    table.routes_end();
    assert!(table.is_complete());
}

#[test]
fn a_list_tells_what_news_did_not() {
    let mut table = told(vec![link(1, "lo"), link(5, "eth3"), link(6, "eth4")]);
    list(&mut table, vec![link(1, "lo"), link(6, "vf1"), link(7, "eth5")], &[]);
    let mut said = events(&mut table);
    assert!(matches!(said.pop(), Some(Event::Gone(netdev)) if netdev.name == "eth3"));
    assert_eq!(said, [Event::Renamed { index: 6, from: "eth4".into() }, Event::Came(7)]);
}

#[test]
fn a_netdev_that_comes_while_others_are_listed_stays() {
    let mut table = told(vec![link(1, "lo")]);
    table.links_begin();
    say(&mut table, Said::Link(link(9, "eth9")));
    say(&mut table, Said::Link(link(1, "lo")));
    table.links_end();
    assert_eq!(events(&mut table), [Event::Came(9)]);
}

#[test]
fn a_netdev_is_routed_from_its_first_route_to_its_last() {
    let mut table = told(vec![link(5, "eth3")]);
    for octet in [1, 2] {
        say(&mut table, Said::Route(route(octet, &[5], false)));
    }
    assert_eq!(events(&mut table), [Event::Changed(5)]);
    assert!(table.get(5).is_some_and(|netdev| netdev.routed));
    say(&mut table, Said::RouteGone(route(1, &[5], false)));
    assert_eq!(events(&mut table), []);
    say(&mut table, Said::RouteGone(route(2, &[5], false)));
    assert_eq!(events(&mut table), [Event::Changed(5)]);
}

#[test]
fn a_route_may_come_before_its_netdev_and_leave_by_another() {
    let mut table = told(vec![]);
    say(&mut table, Said::Route(route(1, &[5], false)));
    say(&mut table, Said::Link(link(5, "eth3")));
    say(&mut table, Said::Link(link(6, "eth4")));
    assert!(table.get(5).is_some_and(|netdev| netdev.routed));
    say(&mut table, Said::Route(Route { replaces: true, ..route(1, &[6], false) }));
    let routed: Vec<u32> = table.all().filter(|netdev| netdev.routed).map(|netdev| netdev.index).collect();
    assert_eq!(routed, [6]);
}

#[test]
fn what_ipv4_does_not_tell_is_asked_for() {
    let mut table = told(vec![link(5, "eth3")]);
    say(&mut table, Said::Route(route(1, &[5], false)));
    assert_eq!(say(&mut table, Said::Link(Link { state: State::Down, ..link(5, "eth3") })), Doubt::Routes);
    assert!(table.get(5).is_some_and(|netdev| netdev.routed), "until it is known");
    list(&mut table, vec![Link { state: State::Down, ..link(5, "eth3") }], &[]);
    assert!(table.get(5).is_some_and(|netdev| !netdev.routed));
    assert_eq!(say(&mut table, Said::RouteGone(route(1, &[5], true))), Doubt::Routes, "an address was deleted");
}

#[test]
fn routes_hold_while_they_are_listed_anew_and_news_count() {
    let mut table = told(vec![link(5, "eth3"), link(6, "eth4"), link(7, "eth5")]);
    for index in [5, 6] {
        say(&mut table, Said::Route(route(1, &[index], false)));
    }
    table.routes_begin();
    assert!(table.get(5).is_some_and(|netdev| netdev.routed));
    say(&mut table, Said::Route(route(1, &[6], false)));
    say(&mut table, Said::Route(route(1, &[7], false)));
    say(&mut table, Said::RouteGone(route(1, &[6], false)));
    table.routes_end();
    let routed: Vec<u32> = table.all().filter(|netdev| netdev.routed).map(|netdev| netdev.index).collect();
    assert_eq!(routed, [7]);
}

#[test]
fn what_a_netdev_hangs_on_is_looked_up_once_for_each_name() {
    let asked = RefCell::new(Vec::new());
    let pci = Bus::Pci("0000:03:02.1".parse().unwrap());
    let look = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        if name == "vf0" { pci } else { Bus::None }
    };
    let mut table = Table::default();
    for name in ["eth3", "eth3", "vf0", "vf0"] {
        table.take(Said::Link(link(5, name)), &look);
    }
    assert_eq!((asked.borrow().as_slice(), table.get(5).unwrap().bus), (&["eth3".to_owned(), "vf0".into()][..], pci));
    table.take(Said::Link(Link { pci: "0000:04:00.0".parse().ok(), ..link(6, "eth4") }), &look);
    assert_eq!((asked.borrow().len(), table.get(6).unwrap().pci()), (2, "0000:04:00.0".parse().ok()));
}

#[test]
fn there_is_a_bound_and_what_is_beyond_is_counted() {
    let mut table = Table::default();
    for index in 1..=NETDEVS_MAX as u32 + 3 {
        say(&mut table, Said::Link(link(index, "x")));
    }
    assert_eq!((table.all().count(), table.left_out()), (NETDEVS_MAX, 3));
}
