// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The load: a testpmd on its own core whose virtio-user ports are the guests.

use super::scenario::Scenario;
use super::site::{Site, inside};
use super::testpmd::Testpmd;
use super::{LOAD_CPU, SWITCH_CPU};
use crate::failure::Failure;
use std::thread;
use std::time::{Duration, Instant};

/// From the first prompt until frames come back through the switch; some peers look for new sockets once a second.
const TRAFFIC_MAX: Duration = Duration::from_secs(20);
/// Caches, tables, and a processor that may first have to leave its sleep.
const WARM_UP: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(200);

/// Who listens on the ports' sockets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    /// The switch.
    Switch,
    /// The load.
    Load,
}

/// A running load. Frames circle from [`Load::await_traffic`] on.
pub(crate) struct Load(Testpmd);

impl Load {
    /// Starts testpmd with a port for each of the switch.
    ///
    /// # Errors
    /// testpmd does not come up.
    pub(crate) fn start(site: &Site<'_>, scenario: &Scenario, listener: Listener) -> Result<Load, Failure> {
        let mut command = site.command("stdbuf");
        command.args(["-oL", "dpdk-testpmd"]);
        // The second core is the main one, which only reads our lines; frames are the first one's.
        command.arg(format!("--lcores=0@{SWITCH_CPU},1@{LOAD_CPU}"));
        command.args(["--no-pci", "--in-memory", "--single-file-segments", "--file-prefix=load", "--socket-mem=512"]);
        (0..scenario.ports).for_each(|port| {
            command.arg(device(port, scenario, listener));
        });
        command.args(["--", "--interactive", "--nb-cores=1", "--forward-mode=mac"]);
        let buffers = Buffers::of(scenario);
        command.arg(format!("--total-num-mbufs={}", buffers.count)).arg(format!("--mbuf-size={}", buffers.len));
        command.arg(format!("--rxd={}", scenario.ring())).arg(format!("--txd={}", scenario.ring()));
        command.arg(format!("--txpkts={}", scenario.frame));
        (0..scenario.ports).for_each(|port| {
            command.arg(format!("--eth-peer={port},{}", mac(port ^ 1)));
        });
        Ok(Load(Testpmd::start(command, &site.log("load"))?))
    }

    /// Sends first frames until they come back, then lets them circle for a while.
    ///
    /// # Errors
    /// They do not come back.
    pub(crate) fn await_traffic(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + TRAFFIC_MAX;
        loop {
            self.0.ask("start tx_first 16")?;
            self.rate(POLL)?;
            if self.rate(POLL)? > 0.0 {
                break;
            }
            if Instant::now() > deadline {
                return Err(Failure::new("no frame comes back through the switch; see the logs in target/bench"));
            }
            self.0.ask("stop")?;
        }
        thread::sleep(WARM_UP);
        Ok(())
    }

    /// Frames a second through the switch, all ports together, by testpmd's clock over about that time.
    ///
    /// # Errors
    /// testpmd answers something else.
    pub(crate) fn rate(&mut self, time: Duration) -> Result<f64, Failure> {
        // Rates are those since the last question.
        self.0.ask("show port stats all")?;
        thread::sleep(time);
        let answer = self.0.ask("show port stats all")?;
        let rates: Vec<f64> = answer.lines().filter_map(received_a_second).collect();
        if rates.is_empty() {
            return Err(Failure::new(format!("testpmd tells no rate: {answer}")));
        }
        Ok(rates.iter().sum())
    }
}

/// The MAC address of the guest at a port.
pub(crate) fn mac(port: usize) -> String {
    format!("02:00:00:00:00:{:02x}", port + 1)
}

fn device(port: usize, scenario: &Scenario, listener: Listener) -> String {
    let server = if listener == Listener::Load { ",server=1" } else { "" };
    let (path, mac, ring) = (inside(port), mac(port), scenario.ring());
    format!("--vdev=net_virtio_user{port},path={path},mac={mac},queue_size={ring}{server}")
}

/// `  Rx-pps:      4375104          Rx-bps:   2240053248`
fn received_a_second(line: &str) -> Option<f64> {
    line.trim().strip_prefix("Rx-pps:")?.split_whitespace().next()?.parse().ok()
}

/// The guests' buffers.
struct Buffers {
    count: usize,
    /// Bytes, with the 128 that DPDK keeps in front.
    len: usize,
}

impl Buffers {
    fn of(scenario: &Scenario) -> Buffers {
        if scenario.jumbo() { Buffers { count: 16384, len: 9728 } } else { Buffers { count: 32768, len: 2176 } }
    }
}
