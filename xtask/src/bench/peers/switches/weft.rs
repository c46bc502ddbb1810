// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! weftd with one worker and everything on that is on by default.

use super::Switch;
use crate::bench::peers::SWITCH_CPU;
use crate::bench::peers::load::mac;
use crate::bench::peers::scenario::Scenario;
use crate::bench::peers::site::{Daemon, Site, socket};
use crate::bench::peers::tree::mortal;
use crate::cargo::tail;
use crate::failure::Failure;
use crate::weft::Weft;
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
    daemon: Daemon,
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
        let mut command = mortal(binaries.join("weftd"));
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
        Ok(Weftd { daemon, weft, begin: None })
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

    fn process(&self) -> u32 {
        self.daemon.id()
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
    let macs_max = scenario.macs().map_or(8192, |count| count.max(1000) * 2);
    let macs = if scenario.macs().is_some() { "any" } else { "own" };
    let mut text = format!(
        "[daemon]\nsocket = \"{folder}/ctl.sock\"\nstate = \"{folder}/state\"\npin = \"{SWITCH_CPU}\"\n\n\
         [[namespace]]\nname = \"bench\"\nmacs-max = {macs_max}\n"
    );
    for port in 0..scenario.ports {
        let (mac, socket) = (mac(port), socket(port));
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[[port]]\nname = \"p{port}\"\nnamespace = \"bench\"\nvhost-user = \"{folder}/{socket}\"\n\
             mac = \"{mac}\"\nmacs = \"{macs}\"\nmtu = {mtu}\n"
        );
    }
    text
}
