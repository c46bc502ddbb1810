// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Static PvDs that are announced, judged by what they make of a Linux host, which knows nothing of PvDs.

use tests::netns::{Netns, can_have_namespaces};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

use crate::lab::{CONFIG, HOST, ROUTER, Router, Tools, await_routes, bring_up, plug};

/// The router in whose name is announced.
const IN_NAME_OF: [&str; 4] = ["--announce", "fe80::a", "--announce-mac", "02:00:00:00:01:0a"];

/// The default routes of a host, as `ip` prints them.
fn defaults(host: &Netns) -> String {
    host.ip("-6 route show default")
}

#[test]
fn a_linux_host_loses_the_default_route_of_a_pvd_that_is_deleted() {
    if !can_have_namespaces() {
        return;
    }
    let (host, daemon) = (Netns::make(), Weftd::start());
    daemon.add_namespace("red");
    let create = ["pvd", "create", "work.example", "-n", "red", "--prefix", "2001:db8:1::/64"];
    daemon.weft(&[&create[..], &IN_NAME_OF, &["--router-lifetime", "1800"]].concat()).expect_ok();
    let _cable = plug(&daemon, &host, "h1", HOST, &[]);
    bring_up(&host);
    until("the route that is announced", Deadline::patient(), || defaults(&host).contains("via fe80::a "));
    daemon.weft(&["pvd", "delete", "work.example", "-n", "red"]).expect_ok();
    until("the end of that route", Deadline::patient(), || defaults(&host).is_empty());
}

/// RFC 8801 section 5.2: one link-local address, and what is said of a PvD takes the router's own word away.
#[test]
fn an_announced_pvd_leaves_the_default_route_of_a_living_router_alone() {
    let Some(tools) = Tools::find() else { return };
    let (mut router, host, daemon) = (Router::new(), Netns::make(), Weftd::start());
    daemon.add_namespace("red");
    let _cables =
        [plug(&daemon, &router.netns, "r1", ROUTER, &["--role", "router"]), plug(&daemon, &host, "h1", HOST, &[])];
    [&router.netns, &host].into_iter().for_each(bring_up);
    router.advertise(&tools.radvd, CONFIG);
    await_routes(&host);
    let own = daemon.json(&["ra", "list", "red"])[0]["router"].as_str().expect("an address").to_owned();
    let create = ["pvd", "create", "work.example", "-n", "red"];
    let as_it = [&create[..], &["--announce", &own, "--announce-mac", "02:00:00:00:01:0a"]].concat();
    let refused = daemon.refusal(&as_it);
    assert_eq!(refused["error"], "org.weft.Switch1.Conflict", "{refused:#}");
    // In another name it says that there is no router, and means itself alone.
    daemon.weft(&[&create[..], &IN_NAME_OF].concat()).expect_ok();
    // The kernel hears what rdisc6 hears.
    until("what is announced", Deadline::patient(), || {
        let asked = host.command(&tools.rdisc6).args(["-m", "-r", "1", "-w", "2000", "eth0"]).output();
        String::from_utf8_lossy(&asked.expect("it runs").stdout).contains(" from fe80::a\n")
    });
    assert!(defaults(&host).contains(&format!("via {own} ")), "{}", defaults(&host));
}
