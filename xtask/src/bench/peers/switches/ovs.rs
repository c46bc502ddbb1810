// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! OVS with its DPDK datapath: one PMD thread, one bridge with the NORMAL action, that is, a learning switch.

use super::Switch;
use crate::bench::peers::load::Listener;
use crate::bench::peers::scenario::Scenario;
use crate::bench::peers::site::{Daemon, Site, inside, socket};
use crate::bench::peers::tree::FOLDER;
use crate::bench::peers::{LOAD_CPU, SWITCH_CPU};
use crate::failure::Failure;
use std::thread;
use std::time::{Duration, Instant};

/// In the tree, where [`Site`]'s folder is at `/mnt`.
const DATABASE: &str = "/mnt/conf.db";
const SOCKET: &str = "unix:/mnt/db.sock";
const CONTROL: &str = "/mnt/vswitchd.ctl";
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";
const VSWITCHD: &str = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk";
/// What a packet pool of OVS's own size takes, in MiB.
const MEMORY: usize = 1024;
const START_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// See the module.
pub(super) struct Ovs<'a> {
    /// Dropped, and so ended, before the database that it talks to.
    vswitchd: Daemon,
    _database: Daemon,
    site: &'a Site<'a>,
}

impl<'a> Ovs<'a> {
    /// Starts both daemons and plugs the ports in.
    ///
    /// # Errors
    /// A daemon does not come up or refuses something; its log tells more.
    pub(super) fn start(site: &'a Site<'a>, scenario: &Scenario) -> Result<Ovs<'a>, Failure> {
        run(site, "ovsdb-tool", &["create", DATABASE, SCHEMA])?;
        let mut command = site.command("ovsdb-server");
        command.args([DATABASE, "--unixctl=/mnt/ovsdb.ctl"]).arg(format!("--remote=p{SOCKET}"));
        let database = Daemon::start(command, &site.log("ovsdb"))?;
        insist(site, &["--no-wait", "init"])?;
        vsctl(
            site,
            &[&["--no-wait", "set", "Open_vSwitch", "."], &settings(scenario).each_ref().map(String::as_str)[..]]
                .concat(),
        )?;
        let mut command = site.command(VSWITCHD);
        command.args([SOCKET, &format!("--unixctl={CONTROL}")]).env("OVS_RUNDIR", FOLDER);
        let vswitchd = Daemon::start(command, &site.log("vswitchd"))?;
        // In one go: each by itself would have vswitchd arrange everything anew.
        let bridge = bridge(scenario);
        vsctl(site, &bridge.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(Ovs { vswitchd, _database: database, site })
    }

    fn ask(&self, request: &str) -> Result<String, Failure> {
        run(self.site, "ovs-appctl", &[&format!("--target={CONTROL}"), request])
    }
}

impl Switch for Ovs<'_> {
    fn begin(&mut self) -> Result<(), Failure> {
        self.ask("dpif-netdev/pmd-stats-clear").map(drop)
    }

    fn process(&self) -> u32 {
        self.vswitchd.id()
    }

    fn cycles(&mut self) -> Result<Option<f64>, Failure> {
        let answer = self.ask("dpif-netdev/pmd-stats-show")?;
        let tail = answer.split_once("avg processing cycles per packet:").map(|(_, tail)| tail);
        let figure = tail.and_then(|tail| tail.split_whitespace().next());
        Ok(figure.and_then(|figure| figure.parse().ok()))
    }
}

/// OVS's documents want the load to listen. Then only a port a second comes up, for OVS looks for sockets once a second
/// and a virtio-user port waits for its switch; so many ports listen themselves. Frames take the same way.
pub(super) fn listener(scenario: &Scenario) -> Listener {
    if scenario.ports > 2 { Listener::Switch } else { Listener::Load }
}

fn settings(scenario: &Scenario) -> [String; 6] {
    let mask = |cpu: usize| format!("{:#x}", 1 << cpu);
    [
        "other_config:dpdk-init=true".to_owned(),
        format!("other_config:userspace-tso-enable={}", scenario.segments()),
        format!("other_config:dpdk-socket-mem={MEMORY}"),
        format!("other_config:pmd-cpu-mask={}", mask(SWITCH_CPU)),
        format!("other_config:dpdk-lcore-mask={}", mask(LOAD_CPU)),
        "other_config:dpdk-extra=--no-pci --in-memory --file-prefix=ovs".to_owned(),
    ]
}

/// The words that make a bridge with all ports.
fn bridge(scenario: &Scenario) -> Vec<String> {
    let client = listener(scenario) == Listener::Load;
    let kind = if client { "dpdkvhostuserclient" } else { "dpdkvhostuser" };
    let macs = scenario.macs().map_or(8192, |count| count.max(1000) * 2);
    let mut line = words("add-br br0 -- set bridge br0 datapath_type=netdev");
    line.push(format!("other_config:mac-table-size={macs}"));
    for port in 0..scenario.ports {
        let name = socket(port);
        line.extend(words(&format!("-- add-port br0 {name} -- set Interface {name} type={kind}")));
        line.extend(client.then(|| format!("options:vhost-server-path={}", inside(port))));
        line.extend(scenario.jumbo().then(|| "mtu_request=9000".to_owned()));
    }
    line
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// `ovs-vsctl`, which waits until vswitchd has done what it says.
fn vsctl(site: &Site<'_>, line: &[&str]) -> Result<(), Failure> {
    let head = ["--timeout=60", &format!("--db={SOCKET}")];
    run(site, "ovs-vsctl", &[&head, line].concat()).map(drop)
}

/// The same, until the database answers.
fn insist(site: &Site<'_>, line: &[&str]) -> Result<(), Failure> {
    let deadline = Instant::now() + START_MAX;
    while let Err(failure) = vsctl(site, line) {
        if Instant::now() > deadline {
            return Err(failure);
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// A tool of the tree; answers what it prints.
fn run(site: &Site<'_>, program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let output = site.command(program).args(arguments).output().map_err(Failure::of(program))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("{program} {}: {}", arguments.join(" "), reason.trim_end())))
}
