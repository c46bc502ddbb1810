// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Routers and hosts in network namespaces, on the ports of a daemon or on a wire.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use tests::netns::{Cable, Netns, Process, can_have_namespaces};
use tests::programs::{Program, output};
use tests::wait::{Deadline, for_value, until};
use tests::weftd::Weftd;

/// The number, and so the MAC address, of the router's NIC.
pub(crate) const ROUTER: u8 = 1;
/// Of the first host's.
pub(crate) const HOST: u8 = 2;

/// All that radvd can say of a link.
pub(crate) const CONFIG: &str = "
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

/// What all tests with namespaces need; `None` where this machine has it not, which is noted as skipped.
pub(crate) struct Tools {
    pub(crate) radvd: Program,
    pub(crate) rdisc6: Program,
}

impl Tools {
    pub(crate) fn find() -> Option<Tools> {
        if !can_have_namespaces() {
            return None;
        }
        Program::find_or_skip("ethtool")?;
        Some(Tools { radvd: Program::find_or_skip("radvd")?, rdisc6: Program::find_or_skip("rdisc6")? })
    }
}

/// A router: radvd in a network namespace that forwards.
pub(crate) struct Router {
    radvd: Option<Process>,
    folder: TempDir,
    pub(crate) netns: Netns,
}

impl Router {
    /// A namespace without a NIC, which advertises nothing yet.
    pub(crate) fn new() -> Router {
        let netns = Netns::make();
        netns.set("ipv6/conf/all/forwarding", "1");
        Router { radvd: None, folder: tempfile::tempdir().expect("a temporary folder"), netns }
    }

    /// Starts radvd with this configuration of `eth0`, which is up.
    pub(crate) fn advertise(&mut self, radvd: &Program, config: &str) {
        await_address(&self.netns);
        let [path, pid, log] = ["radvd.conf", "radvd.pid", "radvd.log"].map(|name| self.folder.path().join(name));
        fs::write(&path, format!("interface eth0 {{\nAdvSendAdvert on;\n{config}\n}};\n")).expect("room for a file");
        let mut command = self.netns.command(radvd);
        // It stays in the foreground.
        command.arg("-n").arg("-C").arg(&path).arg("-p").arg(&pid).args(["-m", "logfile", "-l"]).arg(log);
        self.radvd = Some(Process::start(&mut command));
    }

    /// Ends radvd without the farewell that it would send.
    pub(crate) fn die(&mut self) {
        self.radvd.take().expect("it advertises").kill_9();
    }
}

/// Brings `eth0` up without a search for others that have its address, which takes a second.
pub(crate) fn bring_up(netns: &Netns) {
    for (variable, value) in
        [("accept_dad", "0"), ("router_solicitation_delay", "0"), ("accept_ra_rt_info_max_plen", "64")]
    {
        netns.set(&format!("ipv6/conf/eth0/{variable}"), value);
    }
    netns.ip("link set eth0 up");
}

/// Waits until `eth0` has its link-local address: once it has a carrier.
fn await_address(netns: &Netns) {
    until("a link-local address", Deadline::patient(), || !netns.ip("-6 addr show dev eth0 scope link").is_empty());
}

/// Waits until a host has all routes that a router with [`CONFIG`] gives, and returns its routes.
pub(crate) fn await_routes(host: &Netns) -> Value {
    for_value("all routes of the router", Deadline::patient(), || {
        let routes = host.ip_json("-6 route show");
        let has = |name: &str| routes.as_array().is_some_and(|all| all.iter().any(|route| route["dst"] == name));
        ["default", "2001:db8:1::/64", "2001:db8:2::/64", "2001:db8:ff::/48"].into_iter().all(has).then_some(routes)
    })
}

/// Puts a namespace on a port of its own.
pub(crate) fn plug(daemon: &Weftd, netns: &Netns, port: &str, number: u8, more: &[&str]) -> Cable {
    daemon.add_port("red", port, number, more);
    Cable::plug(netns, &daemon.port_path(port), number)
}

/// Solicits with rdisc6, which must get an answer, and returns what it tells of it.
pub(crate) fn rdisc6(program: &Program, netns: &Netns) -> String {
    output(netns.command(program).args(["-1", "eth0"]))
}

/// Equal but for times and for numbers of interfaces.
#[track_caller]
pub(crate) fn assert_alike(one: &Value, other: &Value) {
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
