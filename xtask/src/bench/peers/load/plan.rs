// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How testpmd is made to send what a scenario wants.
//!
//! Frames circle wherever that is possible: what a guest receives it sends back, so that nobody makes frames while they are
//! counted. First frames come from testpmd itself (`tx_first`), or from a capture file where it cannot make them.

use super::{Listener, capture};
use crate::bench::peers::scenario::{Scenario, Traffic};
use crate::bench::peers::site::inside;
use crate::bench::peers::tree::FOLDER;
use std::time::Duration;

/// Others that a guest of a mesh talks to first; as many talk to it.
const NEIGHBOURS: usize = 32;
/// Frames that it sends to one before it comes to the next.
const TURN: usize = 4;
/// Addresses that a switch may need a second to learn; OVS makes a flow of each pair.
const LEARNED_A_SECOND: usize = 20_000;
/// Large frames in flight, one to a direction and a half of what the rings hold.
const LARGE: usize = 48;

/// See the module.
pub(super) struct Plan {
    /// Virtual devices, in the order of testpmd's port numbers.
    pub(super) devices: Vec<String>,
    /// Numbers of the ports that are guests.
    pub(super) guests: Vec<usize>,
    /// Further arguments.
    pub(super) arguments: Vec<String>,
    /// Files that the devices want, by name and content.
    pub(super) files: Vec<(String, Vec<u8>)>,
    /// Lines that make frames flow.
    pub(super) begin: Vec<String>,
    /// From then on until it is worth measuring: caches, tables, a processor that must wake.
    pub(super) warm_up: Duration,
}

impl Plan {
    /// For the ports of one testpmd in this scenario.
    pub(super) fn of(scenario: &Scenario, ports: &[usize], listener: Listener) -> Plan {
        let guests: Vec<String> = ports.iter().map(|port| guest(*port, scenario, listener)).collect();
        match scenario.traffic {
            Traffic::Pair => pair(scenario, guests),
            Traffic::Mesh | Traffic::Silence => mesh(scenario, ports, guests),
            Traffic::Macs(count) => macs(count, scenario, &guests),
            Traffic::Segments => segments(scenario, &guests),
        }
    }

    fn new(scenario: &Scenario, devices: Vec<String>, guests: Vec<usize>, buffers: (usize, usize)) -> Plan {
        let (count, len) = buffers;
        let ring = scenario.ring();
        let arguments = [("total-num-mbufs", count), ("mbuf-size", len), ("rxd", ring), ("txd", ring)];
        Plan {
            devices,
            guests,
            arguments: arguments.iter().map(|(name, value)| format!("--{name}={value}")).collect(),
            files: Vec::new(),
            begin: Vec::new(),
            warm_up: Duration::from_secs(1),
        }
    }
}

/// The MAC address of the guest at a port.
pub(crate) fn mac(port: usize) -> String {
    format!("02:00:00:00:00:{:02x}", port + 1)
}

fn guest(port: usize, scenario: &Scenario, listener: Listener) -> String {
    let server = if listener == Listener::Load { ",server=1" } else { "" };
    let (path, mac, ring) = (inside(port), mac(port), scenario.ring());
    format!("net_virtio_user{port},path={path},mac={mac},queue_size={ring}{server}")
}

/// Each guest sends to the other what it got from it.
fn pair(scenario: &Scenario, guests: Vec<String>) -> Plan {
    let numbers = (0..guests.len()).collect();
    let buffers = if scenario.jumbo() { (2048, 9728) } else { (32768, 2176) };
    let mut plan = Plan::new(scenario, guests, numbers, buffers);
    plan.arguments.extend(["--forward-mode=mac".to_owned(), format!("--txpkts={}", scenario.frame)]);
    plan.arguments.extend((0..scenario.ports).map(|port| format!("--eth-peer={port},{}", mac(port ^ 1))));
    plan.begin.push("start tx_first 16".to_owned());
    plan
}

/// Each guest swaps the addresses of what it gets. Before that, all have said who they are and dropped what came: a
/// frame that a switch floods must not be answered by everybody.
fn mesh(scenario: &Scenario, ports: &[usize], guests: Vec<String>) -> Plan {
    let count = ports.len();
    let mut plan = Plan::new(scenario, guests, (0..count).collect(), (65536, 2176));
    plan.arguments.extend(["--port-topology=loop".to_owned(), format!("--txpkts={}", scenario.frame)]);
    plan.begin.extend(["set fwd rxonly", "start tx_first 2", "stop", "set fwd macswap"].map(str::to_owned));
    plan.begin.push(format!("set burst {TURN}"));
    for turn in 0..NEIGHBOURS {
        let distance = 1 + turn % (count - 1);
        let peers = (0..count).map(|guest| format!("set eth-peer {guest} {}", mac(ports[(guest + distance) % count])));
        plan.begin.extend(peers);
        plan.begin.extend(["start tx_first 1", "stop"].map(str::to_owned));
    }
    plan.begin.extend(["set burst 32", "start"].map(str::to_owned));
    plan
}

/// Each guest plays a capture in which every frame is from another of its addresses to another one of its neighbour's,
/// and drops what it gets.
fn macs(count: usize, scenario: &Scenario, guests: &[String]) -> Plan {
    let captures = [0, 1].map(|port| {
        let name = format!("macs{port}.pcap");
        (format!("net_pcap{port},rx_pcap={FOLDER}/{name},infinite_rx=1"), name)
    });
    let devices = captures.iter().zip(guests).flat_map(|((capture, _), guest)| [capture.clone(), guest.clone()]);
    // Captures are held in mbufs.
    let mut plan = Plan::new(scenario, devices.collect(), vec![1, 3], (count + 32768, 2176));
    plan.arguments.push("--forward-mode=io".to_owned());
    let files = captures.into_iter().enumerate();
    plan.files = files.map(|(port, (_, name))| (name, capture::macs(port, count / 2, scenario.frame))).collect();
    plan.begin.push("start".to_owned());
    plan.warm_up += Duration::from_secs((count / LEARNED_A_SECOND) as u64);
    plan
}

/// As a pair, with frames out of captures, and TCP segmentation left to the device.
fn segments(scenario: &Scenario, guests: &[String]) -> Plan {
    let (name, file) = ("large.pcap", capture::segments(LARGE, scenario.frame));
    let capture = format!("net_pcap0,rx_pcap={FOLDER}/{name}");
    let devices = vec![capture, guests[0].clone(), guests[1].clone()];
    // Pages, as a Linux guest would have.
    let mut plan = Plan::new(scenario, devices, vec![1, 2], (32768, 4224));
    plan.files.push((name.to_owned(), file));
    plan.arguments.push("--forward-mode=csum".to_owned());
    plan.arguments.extend([(1, 1), (2, 0)].map(|(port, other)| format!("--eth-peer={port},{}", mac(other))));
    plan.begin.push("port stop all".to_owned());
    for port in [1, 2] {
        // GUEST_CSUM, without which there is no GUEST_TSO4 (virtio 1.2 section 5.1.3.1).
        plan.begin.push(format!("port config {port} rx_offload tcp_cksum on"));
        plan.begin.push(format!("port config {port} rx_offload tcp_lro on"));
        plan.begin.push(format!("csum set tcp hw {port}"));
        plan.begin.push(format!("tso set 1448 {port}"));
    }
    let lines = ["port start all", "set portlist 0,1", "start", "stop", "set portlist 1,2", "start"];
    plan.begin.extend(lines.map(str::to_owned));
    plan
}
