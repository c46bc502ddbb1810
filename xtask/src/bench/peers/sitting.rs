// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One sitting: everybody, every scenario, round by round.

use super::load::Load;
use super::process::Process;
use super::results::{Cell, Results};
use super::sample::Sample;
use super::scenario::Scenario;
use super::site::Site;
use super::switches::Peer;
use super::tree::Tree;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::progress::{Mark, Progress};
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How it is held.
pub(crate) struct Sitting<'a> {
    /// Of the peers.
    pub(crate) tree: &'a Tree,
    /// Of one measurement.
    pub(crate) seconds: u64,
    /// A command to run each measurement under.
    pub(crate) wrap: Option<&'a Path>,
    /// Asked between runs.
    pub(crate) interrupt: &'a Interrupt,
}

impl Sitting<'_> {
    /// Measures all; a run that fails is noted and the others go on.
    ///
    /// # Errors
    /// Interrupted.
    pub(crate) fn hold(
        &self,
        peers: &[Peer],
        scenarios: &[&'static Scenario],
        rounds: u32,
    ) -> Result<Results, Failure> {
        let row = |scenario: &&'static Scenario| {
            let cell = |peer: &Peer| Cell { obstacle: peer.obstacle(scenario).map(str::to_owned), ..Cell::default() };
            (*scenario, peers.iter().map(cell).collect())
        };
        let mut rows: Vec<(&'static Scenario, Vec<Cell>)> = scenarios.iter().map(row).collect();
        for round in 1..=rounds {
            for (scenario, cells) in &mut rows {
                for (peer, cell) in peers.iter().zip(cells).filter(|(_, cell)| cell.obstacle.is_none()) {
                    self.interrupt.check()?;
                    let label = format!("{round}/{rounds} {}, {}", scenario.title, peer.label());
                    self.note(&label, peer, scenario, cell);
                }
            }
        }
        self.interrupt.check()?;
        Ok(Results { peers: peers.iter().map(|peer| peer.label().to_owned()).collect(), rows })
    }

    fn note(&self, label: &str, peer: &Peer, scenario: &Scenario, cell: &mut Cell) {
        let progress = Progress::start(label);
        match self.run(peer, scenario) {
            Ok(sample) => {
                cell.samples.push(sample);
                progress.end(Mark::Good, &sample.to_string());
            }
            Err(failure) => {
                progress.end(Mark::Bad, &failure.to_string());
                cell.failure = Some(failure.to_string());
            }
        }
    }

    fn run(&self, peer: &Peer, scenario: &Scenario) -> Result<Sample, Failure> {
        let Some(wrap) = self.wrap else { return run(self.tree, peer, scenario, self.seconds) };
        let this = env::current_exe().map_err(Failure::of("finding this program"))?;
        let mut command = Command::new(wrap);
        command.arg(this).args(["bench", "one", &peer.to_string(), scenario.name, "--tree"]).arg(self.tree.root());
        let output = command.arg(format!("--seconds={}", self.seconds)).stdin(Stdio::null()).output();
        let output = output.map_err(Failure::of(wrap.display()))?;
        let sample = serde_json::from_slice(&output.stdout).ok().as_ref().and_then(Sample::from_json);
        sample.ok_or_else(|| Failure::new(String::from_utf8_lossy(&output.stderr).trim()))
    }
}

/// One run: switch and load from start to end.
///
/// # Errors
/// One of them fails, or no frame comes through.
pub(crate) fn run(tree: &Tree, peer: &Peer, scenario: &Scenario, seconds: u64) -> Result<Sample, Failure> {
    let site = Site::open(tree)?;
    let mut switch = peer.start(&site, scenario)?;
    let process = Process(switch.process());
    let own = process.huge_pages()?;
    let mut load = Load::start(&site, scenario, peer.listener(scenario))?;
    load.await_traffic(scenario)?;
    switch.begin()?;
    let (before, begin) = (process.time()?, Instant::now());
    let rate = load.rate(Duration::from_secs(seconds))?;
    let cpu = (process.time()? - before).div_duration_f64(begin.elapsed());
    Ok(Sample { rate, cycles: switch.cycles()?, cpu, memory: own + process.anonymous()? })
}
