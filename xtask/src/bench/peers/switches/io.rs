// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! DPDK's vhost backend under testpmd's `io` mode: what DPDK's copies alone cost.

use super::Switch;
use crate::bench::peers::scenario::Scenario;
use crate::bench::peers::site::{Site, inside};
use crate::bench::peers::testpmd::Testpmd;
use crate::bench::peers::{LOAD_CPU, SWITCH_CPU};
use crate::failure::Failure;

/// See the module.
pub(super) struct Copier(Testpmd);

impl Copier {
    /// Starts it; frames of each port go to its neighbour.
    ///
    /// # Errors
    /// testpmd does not come up.
    pub(super) fn start(site: &Site<'_>, scenario: &Scenario) -> Result<Copier, Failure> {
        let mut command = site.command("stdbuf");
        command.args(["-oL", "dpdk-testpmd"]);
        command.arg(format!("--lcores=0@{LOAD_CPU},1@{SWITCH_CPU}"));
        command.args(["--no-pci", "--in-memory", "--file-prefix=switch", "--socket-mem=512"]);
        // What a guest claims about a frame is handed on as it is.
        let offloads = if scenario.segments() { ",tso=1,legacy-ol-flags=1" } else { "" };
        command
            .args((0..scenario.ports).map(|port| format!("--vdev=net_vhost{port},iface={}{offloads}", inside(port))));
        command.args(["--", "--interactive", "--auto-start", "--nb-cores=1", "--forward-mode=io"]);
        command.arg("--record-core-cycles");
        // With room for a whole frame in each, so that it need not chain them.
        let (count, len) = match scenario.frame {
            ..=1514 => (32768, 2176),
            1515..=9018 => (2048, 9728),
            _ => (2048, 65535),
        };
        command.arg(format!("--total-num-mbufs={count}")).arg(format!("--mbuf-size={len}"));
        Ok(Copier(Testpmd::start(command, &site.log("testpmd"))?))
    }
}

impl Switch for Copier {
    fn begin(&mut self) -> Result<(), Failure> {
        self.0.ask("clear fwd stats all").map(drop)
    }

    fn process(&self) -> u32 {
        self.0.id()
    }

    fn cycles(&mut self) -> Result<Option<f64>, Failure> {
        let answer = self.0.ask("show fwd stats all")?;
        let tail = answer.split_once("CPU cycles/packet=").map(|(_, tail)| tail);
        let figure = tail.and_then(|tail| tail.split_whitespace().next());
        Ok(figure.and_then(|figure| figure.parse().ok()))
    }
}
