// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Static PvDs that are announced, judged by what they make of a Linux host, which knows nothing of PvDs.

use tests::netns::{Netns, can_have_namespaces};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

use crate::lab::{HOST, bring_up, plug};

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
