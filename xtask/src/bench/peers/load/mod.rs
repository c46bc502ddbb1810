// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The load: a testpmd on its own core whose virtio-user ports are the guests.

mod capture;
mod plan;

pub(crate) use plan::mac;

use super::scenario::{Scenario, Traffic};
use super::site::Site;
use super::testpmd::Testpmd;
use super::{LOAD_CPU, SWITCH_CPU};
use crate::failure::Failure;
use plan::Plan;
use std::thread;
use std::time::{Duration, Instant};

/// From the first prompt until links are up, and from the first frame until some come back. Some peers look for new
/// sockets once a second.
const TRAFFIC_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(200);
/// A peer may tell of a link a little before it serves it.
const SETTLE: Duration = Duration::from_millis(500);

/// MiB of huge pages for each testpmd.
const MEMORY: usize = 512;

/// Who listens on the ports' sockets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    /// The switch.
    Switch,
    /// The load.
    Load,
}

/// Ports that one testpmd can have (`RTE_MAX_ETHPORTS` of Debian's DPDK).
pub(crate) const PORTS_MAX: usize = 32;

/// A running load. Frames flow from [`Load::await_traffic`] on.
///
/// With more ports than a testpmd can have there are several on the load's core. The kernel gives it to one after the other
/// for milliseconds, so frames only go between ports of the same one: they wait when it does.
pub(crate) struct Load(Vec<(Testpmd, Plan)>);

impl Load {
    /// Starts testpmd with a port for each of the switch.
    ///
    /// # Errors
    /// testpmd does not come up.
    pub(crate) fn start(site: &Site<'_>, scenario: &Scenario, listener: Listener) -> Result<Load, Failure> {
        let ports: Vec<usize> = (0..scenario.ports).collect();
        let mut load = Load(Vec::new());
        for (number, ports) in ports.chunks(PORTS_MAX).enumerate() {
            let plan = Plan::of(scenario, ports, listener);
            let testpmd = start(site, &plan, number)?;
            load.0.push((testpmd, plan));
        }
        Ok(load)
    }

    /// Waits for the links, sends first frames until they come back, then lets them flow for a while.
    ///
    /// # Errors
    /// A link stays down, or no frame comes back.
    pub(crate) fn await_traffic(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        self.0.iter_mut().try_for_each(|(testpmd, _)| await_links(testpmd))?;
        thread::sleep(SETTLE);
        if scenario.traffic == Traffic::Silence {
            return Ok(());
        }
        self.0.iter_mut().try_for_each(|(testpmd, plan)| await_frames(testpmd, plan))?;
        thread::sleep(self.0.iter().map(|(_, plan)| plan.warm_up).max().unwrap_or_default());
        Ok(())
    }

    /// Frames a second through the switch, all ports together, by testpmd's clock over about that time.
    ///
    /// # Errors
    /// testpmd answers something else.
    pub(crate) fn rate(&mut self, time: Duration) -> Result<f64, Failure> {
        self.0.iter_mut().try_for_each(|(testpmd, _)| ask_rates(testpmd).map(drop))?;
        thread::sleep(time);
        let rates = self.0.iter_mut().map(|(testpmd, plan)| rate_of(testpmd, plan));
        rates.sum()
    }
}

fn start(site: &Site<'_>, plan: &Plan, number: usize) -> Result<Testpmd, Failure> {
    for (name, bytes) in &plan.files {
        let file = site.folder().join(name);
        std::fs::write(&file, bytes).map_err(Failure::of(file.display()))?;
    }
    let mut command = site.command("stdbuf");
    command.args(["-oL", "dpdk-testpmd"]);
    // The second core's thread is the one that moves frames; the main one only reads our lines.
    command.arg(format!("--lcores=0@{SWITCH_CPU},1@{LOAD_CPU}"));
    command.args(["--no-pci", "--in-memory", "--single-file-segments", "--no-telemetry"]);
    command.arg(format!("--file-prefix=load{number}")).arg(format!("--socket-mem={MEMORY}"));
    command.args(plan.devices.iter().map(|device| format!("--vdev={device}")));
    command.args(["--", "--interactive", "--nb-cores=1", "--no-flush-rx"]).args(&plan.arguments);
    Testpmd::start(command, &site.log(&format!("load{number}")))
}

fn await_links(testpmd: &mut Testpmd) -> Result<(), Failure> {
    let deadline = Instant::now() + TRAFFIC_MAX;
    while testpmd.ask("show port summary all")?.lines().any(|line| line.trim_end().ends_with(" None")) {
        if Instant::now() > deadline {
            return Err(Failure::new("a port does not come up; see the logs in target/bench"));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

fn await_frames(testpmd: &mut Testpmd, plan: &Plan) -> Result<(), Failure> {
    let deadline = Instant::now() + TRAFFIC_MAX;
    loop {
        plan.begin.iter().try_for_each(|line| testpmd.ask(line).map(drop))?;
        ask_rates(testpmd)?;
        thread::sleep(POLL);
        if rate_of(testpmd, plan)? > 0.0 {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Failure::new("no frame comes back through the switch; see the logs in target/bench"));
        }
        testpmd.ask("stop")?;
    }
}

/// Since the last question.
fn ask_rates(testpmd: &mut Testpmd) -> Result<String, Failure> {
    testpmd.ask("show port stats all")
}

fn rate_of(testpmd: &mut Testpmd, plan: &Plan) -> Result<f64, Failure> {
    let answer = ask_rates(testpmd)?;
    let rates: Vec<f64> = answer.lines().filter_map(received_a_second).collect();
    let guests: Option<Vec<f64>> = plan.guests.iter().map(|port| rates.get(*port).copied()).collect();
    guests.map(|rates| rates.iter().sum()).ok_or_else(|| Failure::new(format!("testpmd tells no rates: {answer}")))
}

/// `  Rx-pps:      4375104          Rx-bps:   2240053248`
fn received_a_second(line: &str) -> Option<f64> {
    line.trim().strip_prefix("Rx-pps:")?.split_whitespace().next()?.parse().ok()
}
