// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Routers and hosts in network namespaces, on the ports of a daemon or on a wire.

use std::fs;

use tempfile::TempDir;
use tests::netns::{Cable, Netns, Process, can_have_namespaces};
use tests::programs::{Program, output};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

/// The number, and so the MAC address, of the router's NIC.
pub(crate) const ROUTER: u8 = 1;
/// Of the first host's.
pub(crate) const HOST: u8 = 2;

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

/// Puts a namespace on a port of its own.
pub(crate) fn plug(daemon: &Weftd, netns: &Netns, port: &str, number: u8, more: &[&str]) -> Cable {
    daemon.add_port("red", port, number, more);
    Cable::plug(netns, &daemon.port_path(port), number)
}

/// Solicits with rdisc6, which must get an answer, and returns what it tells of it.
pub(crate) fn rdisc6(program: &Program, netns: &Netns) -> String {
    output(netns.command(program).args(["-1", "eth0"]))
}
