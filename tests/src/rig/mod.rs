// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A switch on the bench: a few ports with real drivers, one worker, virtual time, no thread, no socket.
//!
//! Where the simulated world takes random steps and lets oracles judge, a [`Rig`] does exactly what a test says:
//!
//! ```text
//!  test ── Rig ─┬─ RigPort ×N   Port, guest memory, TxQueue and RxQueue for each pair
//!               ├─ Namespace ×N
//!               └─ Worker       polled by hand
//!          RawQueue             a ring whose every word the test writes itself
//! ```
//!
//! [`Rig::moved`] tells what a port's counters did since the last look, all of them, so that a test can say that nothing
//! else happened.

mod lane;
mod moved;
mod options;
mod port;
mod race;
mod raw;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dataplane::{Instant, Namespace, NamespaceConfig, PortStats, PortTag, SnoopKind, Snoops, Source, SourceId, Worker};
use wire::MacAddr;

use crate::driver::{self, Shape, VnetHeader};

pub use lane::FarEnd;
pub use moved::{Moved, Traffic, moved};
pub use options::{PortOptions, feature};
pub use port::RigPort;
pub use race::meanwhile;
pub use raw::{RawQueue, readable, writable};

/// Bursts after which a poll that finds ever new work is a bug of the test or of the switch.
const BURSTS_MAX: usize = 1 << 12;

/// See the module.
pub struct Rig {
    now: Instant,
    worker: Worker,
    snoops: Snoops,
    namespaces: BTreeMap<u32, Arc<Namespace>>,
    ports: Vec<RigPort>,
    looked: Vec<PortStats>,
    next_source: u64,
}

impl Default for Rig {
    fn default() -> Rig {
        Rig::new()
    }
}

/// The MAC of port `number` of a rig.
pub fn mac(number: usize) -> MacAddr {
    MacAddr([2, 0, 0, 0, (number >> 8) as u8, number as u8 + 1])
}

impl Rig {
    /// A switch without ports.
    pub fn new() -> Rig {
        let mut worker = Worker::new();
        let snoops = worker.listen();
        Rig {
            now: Instant::default(),
            worker,
            snoops,
            namespaces: BTreeMap::new(),
            ports: Vec::new(),
            looked: Vec::new(),
            next_source: 0,
        }
    }

    /// A switch with `count` ports of one namespace.
    pub fn with_ports(count: usize, options: &PortOptions) -> Rig {
        let mut rig = Rig::new();
        for _ in 0..count {
            rig.add(0, options);
        }
        rig
    }

    /// Founds a namespace that may learn so many addresses. Without it the first port does, for a few.
    pub fn found(&mut self, namespace: u32, macs_max: u32) {
        let config = NamespaceConfig { macs_max, age: Duration::from_secs(300), seed: 1 };
        self.namespaces.insert(namespace, Namespace::new(&config));
    }

    /// Plugs a port in, its receive queues filled and all its rings started. Its number is its slot too.
    ///
    /// # Panics
    /// When the namespace's MAC table has no room.
    pub fn add(&mut self, namespace: u32, options: &PortOptions) -> usize {
        let number = self.ports.len();
        if !self.namespaces.contains_key(&namespace) {
            self.found(namespace, 64);
        }
        let table = &self.namespaces[&namespace];
        let port = RigPort::new(number, Arc::clone(table), options);
        table.plug(Arc::clone(port.port())).expect("room in the MAC table");
        self.looked.push(port.port().stats());
        self.ports.push(port);
        self.start(number);
        number
    }

    /// A namespace.
    pub fn namespace(&self, number: u32) -> &Arc<Namespace> {
        &self.namespaces[&number]
    }

    /// A port.
    pub fn port(&mut self, port: usize) -> &mut RigPort {
        &mut self.ports[port]
    }

    /// The worker, to arm it.
    pub fn worker(&mut self) -> &mut Worker {
        &mut self.worker
    }

    /// The virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Lets time pass, as control sees it.
    pub fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.namespaces.values().for_each(|namespace| namespace.tick(self.now));
    }

    /// Gives a port another lane beside its rings, and returns the lane's far end. Nothing is steered there yet.
    pub fn add_lane(&mut self, port: usize, features: u64) -> FarEnd {
        self.add_lane_of(port, features, 1).remove(0)
    }

    /// The same of so many queues, each with a far end.
    pub fn add_lane_of(&mut self, port: usize, features: u64, queues: usize) -> Vec<FarEnd> {
        let (mut ends, mut sinks) = (Vec::new(), Vec::new());
        for _ in 0..queues {
            let (far, sink, source) = FarEnd::new(features);
            let id = SourceId(self.next_source);
            self.next_source += 1;
            self.worker.attach(id, Source::of_lane(self.ports[port].namespace(), self.ports[port].port(), source));
            ends.push(far);
            sinks.push(sink);
        }
        drop(self.ports[port].port().replace_sinks(sinks));
        ends
    }

    /// Whether a worker wants control to look, since the last call.
    pub fn take_news(&mut self) -> bool {
        self.worker.take_news()
    }

    /// Starts every ring of a port, as a session does.
    pub fn start(&mut self, port: usize) {
        self.ports[port].start_receive();
        let rings: Vec<_> = self.ports[port].tx.iter().map(|queue| queue.queue().ring().clone()).collect();
        rings.iter().for_each(|ring| self.start_transmit(port, ring));
    }

    /// Starts one transmit ring of a port.
    pub fn start_transmit(&mut self, port: usize, ring: &driver::Ring) {
        let id = SourceId(self.next_source);
        self.next_source += 1;
        let source = self.ports[port].source(ring, id);
        self.worker.attach(id, source);
    }

    /// Stops every transmit ring of a port.
    pub fn stop_transmit(&mut self, port: usize) {
        for id in self.ports[port].take_sources() {
            drop(self.worker.detach(id));
        }
    }

    /// Stops every ring of a port, as the end of a session does.
    pub fn stop(&mut self, port: usize) {
        self.stop_transmit(port);
        self.ports[port].stop_receive();
    }

    /// Replaces a port's transmit rings by one that the test writes by hand.
    pub fn raw_transmit(&mut self, port: usize, size: u16) -> RawQueue {
        self.stop_transmit(port);
        let raw = RawQueue::new(self.ports[port].memory(), size);
        self.start_transmit(port, raw.ring());
        raw
    }

    /// Replaces the receive ring of a port's first pair by one that the test writes by hand.
    pub fn raw_receive(&mut self, port: usize, size: u16) -> RawQueue {
        let raw = RawQueue::new(self.ports[port].memory(), size);
        self.ports[port].restart_receive(raw.ring());
        raw
    }

    /// Ends the session over a port's transmit ring and begins one over `ring`.
    pub fn restart_transmit(&mut self, port: usize, ring: &driver::Ring) {
        self.stop_transmit(port);
        self.start_transmit(port, ring);
    }

    /// Switches all that waits. Returns how many chains that were.
    ///
    /// # Panics
    /// When it never ends.
    pub fn poll(&mut self) -> usize {
        let mut taken = 0;
        for _ in 0..BURSTS_MAX {
            match self.worker.poll(self.now) {
                0 => return taken,
                burst => taken += burst,
            }
        }
        panic!("the worker finds ever new work");
    }

    /// Switches one burst of each source.
    pub fn poll_once(&mut self) -> usize {
        self.worker.poll(self.now)
    }

    /// Sends one frame that asks for nothing, in one descriptor, and polls.
    pub fn send(&mut self, from: usize, frame: &[u8]) {
        self.send_as(from, &Shape::whole(), VnetHeader::default(), frame);
    }

    /// Sends one frame in any shape with any header, and polls.
    ///
    /// # Panics
    /// When the queue is full.
    pub fn send_as(&mut self, from: usize, shape: &Shape, header: VnetHeader, frame: &[u8]) {
        let queue = &mut self.ports[from].tx[0];
        queue.reclaim();
        queue.send(shape, header, frame).expect("room in the transmit queue");
        self.poll();
        let queue = &mut self.ports[from].tx[0];
        queue.reclaim();
        assert_eq!(queue.in_flight(), 0, "a polled ring holds on to chains");
    }

    /// Sends frames that ask for nothing in one go, and polls.
    ///
    /// # Panics
    /// When they do not fit into the queue.
    pub fn send_all(&mut self, from: usize, frames: &[Vec<u8>]) {
        let queue = &mut self.ports[from].tx[0];
        queue.reclaim();
        for frame in frames {
            queue.enqueue(&Shape::whole(), VnetHeader::default(), frame).expect("room in the transmit queue");
        }
        queue.flush();
        self.poll();
    }

    /// Makes two ports of different namespaces the ends of a link.
    pub fn link(&mut self, one: usize, two: usize) {
        for (near, far) in [(one, two), (two, one)] {
            let far = &self.ports[far];
            self.ports[near].port().link(Some((far.namespace(), far.port())));
        }
    }

    /// Takes a link away.
    pub fn unlink(&mut self, one: usize, two: usize) {
        [one, two].into_iter().for_each(|end| self.ports[end].port().link(None));
    }

    /// Every frame that has arrived at a port, pair by pair.
    pub fn received(&mut self, port: usize) -> Vec<Vec<u8>> {
        self.received_with_headers(port).into_iter().map(|(_, frame)| frame).collect()
    }

    /// Every frame that has arrived at a port with its header, pair by pair.
    pub fn received_with_headers(&mut self, port: usize) -> Vec<(VnetHeader, Vec<u8>)> {
        let queues = self.ports[port].rx.iter_mut();
        queues.flat_map(|queue| std::iter::from_fn(|| queue.recv())).map(|got| (got.header, got.frame)).collect()
    }

    /// Every copy that control has been handed since the last call: where the frame came from, what it is, its bytes.
    pub fn snooped(&mut self) -> Vec<(PortTag, SnoopKind, Vec<u8>)> {
        let snoops = &mut self.snoops;
        std::iter::from_fn(|| snoops.hear(|copy| (copy.tag, copy.kind, copy.frame().to_vec()))).collect()
    }

    /// Which of the frames that control heard of since the last look it got instead of anybody else.
    pub fn taken(&mut self) -> Vec<(PortTag, bool)> {
        let snoops = &mut self.snoops;
        std::iter::from_fn(|| snoops.hear(|copy| (copy.tag, copy.taken))).collect()
    }

    /// What the counters of a port did since the last look.
    pub fn moved(&mut self, port: usize) -> Moved {
        let now = self.ports[port].port().stats();
        moved(&std::mem::replace(&mut self.looked[port], now), &now)
    }
}
