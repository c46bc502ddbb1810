// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A Linux host learns through weft what it learns on a wire: the same addresses, routes and parameters, and rdisc6
//! reads the same advertisement.

use std::fs;

use serde_json::{Value, json};
use tests::guest::GuestOptions;
use tests::netns::Netns;
use tests::wait::{Deadline, for_value};
use tests::weftd::{Weftd, mac_text};

use crate::lab::{HOST, ROUTER, Router, Tools, bring_up, plug, rdisc6};

/// All that radvd can say, but the options about which nothing is said twice in the same words.
const CONFIG: &str = "
MinRtrAdvInterval 30; MaxRtrAdvInterval 60; AdvDefaultLifetime 1800; AdvLinkMTU 1400; AdvCurHopLimit 61;
AdvDefaultPreference high; AdvReachableTime 30000; AdvRetransTimer 1500; AdvOtherConfigFlag on;
AdvCaptivePortalAPI \"https://example.org/captive\";
prefix 2001:db8:1::/64 { AdvValidLifetime 3600; AdvPreferredLifetime 1800; };
prefix 2001:db8:2::/64 { AdvAutonomous off; AdvValidLifetime 7200; AdvPreferredLifetime 7200; };
route 2001:db8:ff::/48 { AdvRoutePreference low; AdvRouteLifetime 900; };
RDNSS 2001:db8:1::53 2001:db8:1::54 { AdvRDNSSLifetime 1200; };
DNSSL example.org corp.example.org { AdvDNSSLLifetime 1200; };
nat64prefix 64:ff9b::/96 { AdvValidLifetime 1800; };";

/// Fields of what `ip` shows that say when it was shown, as good as equal when they differ by no more than a minute.
const TIMES: [&str; 3] = ["valid_life_time", "preferred_life_time", "expires"];
/// Seconds that the whole test surely takes less than.
const MINUTE: u64 = 60;

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
    let routes = for_value("all routes of the router", Deadline::patient(), || {
        let routes = host.ip_json("-6 route show");
        let has = |name: &str| routes.as_array().is_some_and(|all| all.iter().any(|route| route["dst"] == name));
        ["default", "2001:db8:1::/64", "2001:db8:2::/64", "2001:db8:ff::/48"].into_iter().all(has).then_some(routes)
    });
    let read = |variable: &str| fs::read_to_string(format!("/proc/sys/net/ipv6/{variable}")).expect("it is there");
    let variables = ["conf/eth0/mtu", "conf/eth0/hop_limit", "neigh/eth0/retrans_time_ms"];
    Knowledge {
        addresses: host.ip_json("-6 addr show dev eth0 scope global")[0]["addr_info"].take(),
        routes,
        variables: host.inside(|| variables.map(read).to_vec()),
        rdisc6: legible(&rdisc6(&tools.rdisc6, host)),
    }
}

/// Without the prefix of the NAT64, of which rdisc6 1.0.7 prints four octets that are not in the option.
fn legible(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with(" NAT64 prefix ")).map(|line| format!("{line}\n")).collect()
}

/// Equal but for times and for numbers of interfaces.
#[track_caller]
fn assert_alike(one: &Value, other: &Value) {
    match (one, other) {
        (Value::Array(ones), Value::Array(others)) => {
            assert_eq!(ones.len(), others.len(), "{one:#}\n{other:#}");
            ones.iter().zip(others).for_each(|(one, other)| assert_alike(one, other));
        }
        (Value::Object(ones), Value::Object(others)) => {
            assert!(ones.keys().eq(others.keys()), "{one:#}\n{other:#}");
            for (key, one) in ones {
                match (one.as_u64(), others[key].as_u64()) {
                    (Some(one), Some(other)) if TIMES.contains(&key.as_str()) => {
                        assert!(one.abs_diff(other) < MINUTE, "{key}: {one} and {other}");
                    }
                    (Some(_), Some(_)) if key.starts_with("ifindex") => {}
                    _ => assert_alike(one, &others[key]),
                }
            }
        }
        _ => assert_eq!(one, other),
    }
}
