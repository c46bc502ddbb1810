// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A Linux host learns through weft what it learns on a wire: the same addresses, routes and parameters, and rdisc6
//! reads the same advertisement.

use std::fs;

use serde_json::{Value, json};
use tests::guest::GuestOptions;
use tests::netns::Netns;
use tests::weftd::{Weftd, mac_text};

use crate::lab::{CONFIG, HOST, ROUTER, Router, Tools, assert_alike, await_routes, bring_up, plug, rdisc6};

/// What a host knows.
struct Knowledge {
    addresses: Value,
    routes: Value,
    variables: Vec<String>,
    rdisc6: String,
}

#[test]
fn a_linux_host_learns_through_weft_what_it_learns_on_a_wire() {
    let Some(tools) = Tools::find() else { return };
    let (mut router, host) = (Router::new(), Netns::make());
    let mac = |number| GuestOptions::new("", number).mac;
    Netns::wire((&router.netns, mac(ROUTER)), (&host, mac(HOST)));
    let wire = learn(&tools, &mut router, &host);
    drop((router, host));

    let (mut router, host, daemon) = (Router::new(), Netns::make(), Weftd::start());
    daemon.add_namespace("red");
    let _cables =
        [plug(&daemon, &router.netns, "r1", ROUTER, &["--role", "router"]), plug(&daemon, &host, "h1", HOST, &[])];
    let weft = learn(&tools, &mut router, &host);
    assert_alike(&wire.addresses, &weft.addresses);
    assert_alike(&wire.routes, &weft.routes);
    assert_eq!((wire.variables, wire.rdisc6), (weft.variables, weft.rdisc6));
    let shown = daemon.json(&["ra", "show", "red", "1"]);
    assert_eq!(shown["ra"]["mac"], json!(mac_text(mac(ROUTER))), "weft has read along: {shown:#}");
    for (name, value) in [("pref64", "64:ff9b::/96 for 1800 s"), ("captive-portal", "https://example.org/captive")] {
        let options = shown["options"].as_array().expect("a list");
        let told = options.iter().find(|option| option["name"] == name).map(|option| &option["value"]);
        assert_eq!(told, Some(&json!(value)), "what rdisc6 does not tell right, or not at all");
    }
}

/// Brings both up and waits until the host has all that the router gives.
fn learn(tools: &Tools, router: &mut Router, host: &Netns) -> Knowledge {
    [&router.netns, host].into_iter().for_each(bring_up);
    router.advertise(&tools.radvd, CONFIG);
    let read = |variable: &str| fs::read_to_string(format!("/proc/sys/net/ipv6/{variable}")).expect("it is there");
    let variables = ["conf/eth0/mtu", "conf/eth0/hop_limit", "neigh/eth0/retrans_time_ms"];
    let routes = await_routes(host);
    Knowledge {
        routes,
        addresses: host.ip_json("-6 addr show dev eth0 scope global")[0]["addr_info"].take(),
        variables: host.inside(|| variables.map(read).to_vec()),
        rdisc6: legible(&rdisc6(&tools.rdisc6, host)),
    }
}

/// Without the prefix of the NAT64, of which rdisc6 1.0.7 prints four octets that are not in the option.
fn legible(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with(" NAT64 prefix ")).map(|line| format!("{line}\n")).collect()
}
