// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One guest of the simulated world and its port.

use std::collections::BTreeMap;
use std::sync::Arc;

use dataplane::{MacPolicy, Namespace, Negotiated, Port, PortConfig, PortSlot, Role, Source, SourceId, Worker};
use sys::{Doorbells, MemoryMap, Ring, RingLayout};
use vm_memory::GuestMemoryMmap;
use wire::MacAddr;

use super::stamp::Stamp;
use crate::driver::{self, QueueOptions, RxQueue, Shape, TxQueue, VnetHeader};
use crate::memory::{GuestMemory, Layout};
use crate::seed::Rng;

/// VERSION_1, MRG_RXBUF and EVENT_IDX.
const FEATURES: u64 = 1 << 32 | 1 << 29 | 1 << 15;

/// A port with the guest behind it.
pub struct SimPort {
    port: Arc<Port>,
    memory: Arc<MemoryMap>,
    tx: TxQueue,
    rx: RxQueue,
    source: Option<SourceId>,
    /// Frames sent so far.
    pub(super) sent: u64,
    /// Frames received so far.
    pub(super) received: u64,
    /// Number of the last frame that came from each port, by its namespace's number and its own.
    seen: BTreeMap<(u32, u32), u64>,
}

impl SimPort {
    /// A guest that has just booted: its rings are filled and not attached.
    #[must_use]
    pub fn new(slot: u16, mac: MacAddr, rng: &mut Rng) -> Self {
        let config = PortConfig { mac, role: Role::Host, macs: MacPolicy::Own, mtu: 1500, queue_pairs: 1 };
        let layout = if rng.one_in(2) { Layout::adjacent(8 << 20) } else { Layout::holed(8 << 20) };
        let mut memory = GuestMemory::new(&layout).expect("a memfd");
        // Indices that soon wrap around.
        let options = |name: &str| QueueOptions {
            name: format!("{name} of port {slot}"),
            size: 64,
            in_order: true,
            heap_len: 1 << 20,
            start_index: 65_500,
            ..QueueOptions::default()
        };
        let tx = TxQueue::new(&mut memory, &options("transmit"));
        let mut rx = RxQueue::new(&mut memory, &options("receive"), true);
        rx.keep_filled(&Shape::whole(), rng.between(64, 2048));
        let mapping: GuestMemoryMmap<()> = memory.to_vm_memory();
        let port = Port::new(PortSlot(slot), &config);
        Self {
            port,
            memory: MemoryMap::new(&mapping),
            tx,
            rx,
            source: None,
            sent: 0,
            received: 0,
            seen: BTreeMap::new(),
        }
    }

    /// The port in the data plane.
    #[must_use]
    pub fn port(&self) -> &Arc<Port> {
        &self.port
    }

    /// Whether its rings run.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.source.is_some()
    }

    fn ring(&self, ring: &driver::Ring) -> Ring {
        let layout = RingLayout {
            size: ring.size(),
            desc: ring.desc().gpa(),
            avail: ring.avail().gpa(),
            used: ring.used().gpa(),
        };
        Ring::new(Arc::clone(&self.memory), layout, true, Doorbells::default()).expect("a well-formed ring")
    }

    /// Starts both rings, as a session does; they go on where their used indices stand.
    pub fn start(&mut self, namespace: &Arc<Namespace>, worker: &mut Worker, id: SourceId) {
        self.port.set_negotiated(Negotiated(FEATURES));
        self.port.attach_receiver(0, self.ring(self.rx.queue().ring()));
        worker.attach(id, Source::new(namespace, &self.port, self.ring(self.tx.queue().ring())));
        self.source = Some(id);
    }

    /// Stops both rings, as the end of a session does.
    pub fn stop(&mut self, worker: &mut Worker) {
        if let Some(id) = self.source.take() {
            drop(worker.detach(id));
            drop(self.port.detach_receiver(0));
        }
    }

    /// Queues a frame for sending. False: the transmit ring is full.
    pub fn send(&mut self, rng: &mut Rng, frame: &[u8]) -> bool {
        self.tx.reclaim();
        let shape = match rng.between(0, 3) {
            0 => Shape::whole(),
            1 => Shape::own_header(),
            2 => Shape::cut(&[rng.between(1, 40), rng.between(1, 200)]),
            _ => Shape::cut(&[12, rng.between(1, 300)]).indirect_from(0),
        };
        let sent = self.tx.send(&shape, VnetHeader::default(), frame).is_ok();
        self.sent += u64::from(sent);
        sent
    }

    /// Takes all that has arrived and checks it against what its sender said, who must be in a namespace that `may`
    /// reach this guest. Returns how many frames that were.
    ///
    /// # Panics
    /// When a frame is of another namespace, changed, a duplicate, or out of its sender's order.
    pub fn receive(&mut self, may: impl Fn(u32) -> bool) -> u64 {
        let mut count = 0;
        while let Some(received) = self.rx.recv() {
            let stamp = Stamp::read(&received.frame);
            assert!(may(stamp.namespace), "a frame left its namespace: {stamp:?}");
            if let Some(last) = self.seen.insert((stamp.namespace, stamp.port), stamp.sequence) {
                assert!(last < stamp.sequence, "{stamp:?} came after number {last}");
            }
            count += 1;
        }
        self.received += count;
        count
    }

    /// Chains that the switch has not given back.
    #[must_use]
    pub fn in_flight(&mut self) -> usize {
        self.tx.reclaim();
        self.tx.in_flight()
    }
}
