// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! weftd with one worker and everything on that is on by default.

use super::Switch;
use crate::bench::peers::SWITCH_CPU;
use crate::bench::peers::load::mac;
use crate::bench::peers::scenario::Scenario;
use crate::bench::peers::site::{Daemon, Site};
use crate::cargo::tail;
use crate::failure::Failure;
use crate::weft::Weft;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const START_MAX: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// See the module.
pub(super) struct Weftd {
    _daemon: Daemon,
    weft: Weft,
    /// Busy cycles and frames of its worker, as they were at the beginning.
    begin: Option<(u64, u64)>,
}

impl Weftd {
    /// Starts the weftd in the folder `binaries` and waits until it answers.
    ///
    /// # Errors
    /// It does not; with the end of its log.
    pub(super) fn start(site: &Site<'_>, scenario: &Scenario, binaries: &Path) -> Result<Weftd, Failure> {
        let file = site.folder().join("weft.toml");
        fs::write(&file, configuration(site, scenario)).map_err(Failure::of(file.display()))?;
        let mut command = std::process::Command::new(binaries.join("weftd"));
        command.arg("--config").arg(&file);
        let log = site.log("weftd");
        let mut daemon = Daemon::start(command, &log)?;
        let weft = Weft::new(binaries, &site.folder().join("ctl.sock"));
        let deadline = Instant::now() + START_MAX;
        while let Err(failure) = weft.run("status") {
            if !daemon.runs() || Instant::now() > deadline {
                return Err(Failure::new(format!("weftd does not come up: {failure}\n{}", tail(&log, 20))));
            }
            thread::sleep(POLL);
        }
        pin(daemon.id())?;
        Ok(Weftd { _daemon: daemon, weft, begin: None })
    }

    /// Busy cycles and frames of the worker since weftd started, where this weft has such an account.
    fn account(&self) -> Option<(u64, u64)> {
        let workers = self.weft.json("worker list").ok()?;
        let worker = workers.as_array()?.first()?;
        let figure = |name: &str| worker.get(name).and_then(Value::as_u64);
        Some((figure("busy_cycles")?, figure("frames")?))
    }
}

impl Switch for Weftd {
    fn begin(&mut self) -> Result<(), Failure> {
        self.begin = self.account();
        Ok(())
    }

    fn cycles(&mut self) -> Result<Option<f64>, Failure> {
        let (Some((cycles_before, frames_before)), Some((cycles, frames))) = (self.begin, self.account()) else {
            return Ok(None);
        };
        let frames = frames.saturating_sub(frames_before);
        Ok((frames > 0).then(|| cycles.saturating_sub(cycles_before) as f64 / frames as f64))
    }
}

fn configuration(site: &Site<'_>, scenario: &Scenario) -> String {
    let folder = site.folder().display();
    let mtu = if scenario.jumbo() { 9000 } else { 1500 };
    let mut text = format!("[daemon]\nsocket = \"{folder}/ctl.sock\"\nstate = \"{folder}/state\"\n");
    text += "\n[[namespace]]\nname = \"bench\"\n";
    for port in 0..scenario.ports {
        let (mac, socket) = (mac(port), site.socket(port));
        let socket = socket.display();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[[port]]\nname = \"p{port}\"\nnamespace = \"bench\"\nmac = \"{mac}\"\nvhost-user = \"{socket}\"\nmtu = {mtu}\n"
        );
    }
    text
}

/// Binds the worker to the switch's core, as the peers' threads are.
fn pin(process: u32) -> Result<(), Failure> {
    let tasks = format!("/proc/{process}/task");
    for task in fs::read_dir(&tasks).map_err(Failure::of(&tasks))? {
        let task = task?.path();
        let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
        let number = task.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        if let (true, Some(thread)) = (name.starts_with("worker-"), number.and_then(Pid::from_raw)) {
            let mut cpus = CpuSet::new();
            cpus.set(SWITCH_CPU);
            return sched_setaffinity(Some(thread), &cpus).map_err(Failure::of("binding weftd's worker to its core"));
        }
    }
    Err(Failure::new(format!("weftd has no thread worker-0 in {tasks}")))
}
