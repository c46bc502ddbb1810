// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The netdevs of a host as the kernel tells of them, in a network namespace: a veth in place of a VF comes, is renamed,
//! set up and down, routed, and goes; and what is missed when too much happens at once is found out.
#![forbid(unsafe_code)]

mod host;

use backends::netdev::{Change, Event, Finder, Outcome, Reason, Wish};
use host::{Host, MAC, PEER};
use tests::netns::can_have_namespaces;
use tests::wait::{self, Deadline};

#[test]
fn a_netdev_comes_is_renamed_goes_up_and_down_and_goes() {
    if !can_have_namespaces() {
        return;
    }
    let mut host = Host::new();
    host.add_pair("eth3", "peer");
    let index =
        host.until("a netdev with the MAC", |table| table.all().find(|one| one.mac == MAC).map(|one| one.index));
    assert!(host.events.contains(&Event::Came(index)));

    host.netns.ip("link set eth3 name eth9");
    host.until("its other name", |table| table.by_name("eth9").filter(|one| one.index == index).map(drop));
    assert!(host.events.contains(&Event::Renamed { index, from: "eth3".into() }));

    host.netns.ip("link set eth9 up");
    host.until("a netdev that is up", |table| table.get(index)?.is_up().then_some(()));
    assert!(!host.monitor.table().get(index).unwrap().is_running(), "its other end is down");
    host.netns.ip("link set peer up");
    host.until("a carrier", |table| table.get(index)?.is_running().then_some(()));
    host.netns.ip("link set eth9 down");
    host.until("a netdev that is down", |table| (!table.get(index)?.is_up()).then_some(()));

    host.events.clear();
    host.netns.ip("link del eth9");
    host.until("nothing", |table| table.get(index).is_none().then_some(()));
    assert!(
        host.events.iter().any(|event| matches!(event, Event::Gone(one) if one.index == index && one.name == "eth9"))
    );
    assert_eq!(host.monitor.losses(), 0);
}

#[test]
fn the_host_speaks_over_what_has_a_route_and_not_over_what_is_merely_up() {
    if !can_have_namespaces() {
        return;
    }
    let mut host = Host::new();
    host.add_pair("eth3", "peer");
    host.netns.ip("link set eth3 up");
    host.netns.ip("link set peer up");
    let index =
        host.until("a netdev", |table| table.by_name("eth3").filter(|one| one.is_running()).map(|one| one.index));
    let ways = wait::for_value("routes of IPv6", Deadline::patient(), || {
        let ways = host.netns.ip_json("-6 route show table all dev eth3");
        ways.as_array().is_some_and(|ways| !ways.is_empty()).then_some(ways)
    });
    host.pass("mark0");
    assert!(!host.routed(index), "{ways}");

    // What undoes each: a word of the kernel's, its silence, and its silence after a word.
    let undone = [
        ("route add 192.0.2.0/24 dev eth3", "route del 192.0.2.0/24 dev eth3"),
        ("-6 route add 2001:db8::/32 dev eth3", "-6 route del 2001:db8::/32 dev eth3"),
        ("addr add 192.0.2.1/24 dev eth3", "addr del 192.0.2.1/24 dev eth3"),
        ("addr add 192.0.2.1/32 dev eth3", "addr flush dev eth3"),
        ("route add 198.51.100.0/24 dev eth3", "link set eth3 down"),
    ];
    for (done, undone) in undone {
        host.netns.ip(done);
        host.until(done, |table| table.get(index)?.routed.then_some(()));
        host.netns.ip(undone);
        host.until(undone, |table| (!table.get(index)?.routed).then_some(()));
    }
}

#[test]
fn an_address_on_a_netdev_that_is_down_is_the_hosts_and_is_not_asked_for_without_end() {
    if !can_have_namespaces() {
        return;
    }
    let mut host = Host::new();
    host.add_pair("eth3", "peer");
    for words in ["link set peer up", "link set eth3 up", "addr add 192.0.2.1/24 dev eth3", "link set eth3 down"] {
        host.netns.ip(words);
    }
    host.pass("mark0");
    host.rest();
    let vf = host.monitor.table().by_name("eth3").expect("it is there");
    assert!(!vf.is_up() && vf.routed, "{vf:?}");
}

#[test]
fn what_was_there_before_is_known_and_a_route_moves() {
    if !can_have_namespaces() {
        return;
    }
    let mut host = Host::new();
    host.add_pair("eth3", "peer");
    for words in ["link set eth3 up", "link set peer up", "route add 192.0.2.0/24 dev eth3"] {
        host.netns.ip(words);
    }
    host.listen(1 << 20);
    let routed = |host: &mut Host, name: &str| {
        host.until(name, |table| table.is_complete().then(|| table.by_name(name).unwrap().routed))
    };
    assert!(routed(&mut host, "eth3") && !routed(&mut host, "peer"));
    host.netns.ip("route replace 192.0.2.0/24 dev peer");
    host.until("a route that moved", |table| {
        (table.by_name("peer")?.routed && !table.by_name("eth3")?.routed).then_some(())
    });
}

#[test]
fn what_is_missed_is_found_out() {
    if !can_have_namespaces() {
        return;
    }
    let mut host = Host::new();
    // Room for one message, or none.
    host.listen(1);
    host.until("everything", |table| table.is_complete().then_some(()));
    host.add_pair("eth3", "peer");
    for number in 0..40 {
        host.netns.ip(&format!("link set eth3 name eth3-{number}"));
        host.netns.ip(&format!("link set eth3-{number} name eth3"));
    }
    host.netns.ip("link del eth3");
    host.add_pair("again", "peer");
    host.until("the last pair and nothing of the first", |table| {
        table.all().map(|one| one.name.as_str()).eq(["lo", "peer", "again"]).then_some(())
    });
    assert!(host.monitor.losses() > 0, "the buffer was small enough");
}

#[test]
fn a_port_gets_its_vf_and_loses_it_by_what_the_kernel_says() {
    if !can_have_namespaces() {
        return;
    }
    let mut host = Host::new();
    host.until("everything", |table| table.is_complete().then_some(()));
    let mut finder = Finder::default();
    finder.wish("red:vm1", Wish::by_mac(MAC));
    finder.wish("red:vm2", Wish { iface: Some("peer".into()), ..Wish::by_mac(MAC) });
    let first = finder.settle(host.monitor.table());
    let name = Reason::NoName("peer".into());
    let nothing = |port, why| Change::Nothing { port, why };
    assert_eq!(first, [nothing("red:vm1", Reason::NoMac(MAC)), nothing("red:vm2", name)]);

    host.add_pair("eth3", "peer");
    let differs = Reason::MacDiffers { netdev: "peer".into(), has: PEER, wished: MAC };
    let index = host.until("a netdev for each", |table| {
        finder.settle(table);
        let Some(Outcome::Found(found)) = finder.outcome(&"red:vm1") else { return None };
        (finder.outcome(&"red:vm2") == Some(&Outcome::Nothing(differs.clone()))).then_some(found.index)
    });
    host.netns.ip("link set eth3 name eth9");
    host.until("the same by another name", |table| {
        let changes = finder.settle(table);
        changes
            .iter()
            .any(|change| matches!(change, Change::Altered { found, .. } if found.name == "eth9"))
            .then_some(())
    });
    host.netns.ip("link del eth9");
    let lost = host.until("its loss", |table| finder.settle(table).into_iter().next());
    assert_eq!(lost, Change::Lost { port: "red:vm1", index, why: Reason::Gone("eth9".into()) });
}
