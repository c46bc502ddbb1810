// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Namespaces, ports, one worker, virtual time, and random steps.

use std::sync::Arc;
use std::time::Duration;

use dataplane::{Instant, Namespace, NamespaceConfig, SourceId, Worker};
use wire::MacAddr;

use super::port::SimPort;
use super::stamp::{STAMPED_MIN, Stamp};
use crate::seed::Rng;

struct SimNamespace {
    namespace: Arc<Namespace>,
    ports: Vec<SimPort>,
    /// Whether each port is plugged in.
    plugged: Vec<bool>,
    /// Deliveries and drops that the frames sent so far must add up to.
    owed: u64,
    /// Frames that guests took out of their rings.
    received: u64,
}

/// See the module.
pub struct World {
    rng: Rng,
    now: Instant,
    worker: Worker,
    namespaces: Vec<SimNamespace>,
    next_source: u64,
}

/// The MAC of port `number`: the same in every namespace.
fn mac(number: usize) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, number as u8 + 1])
}

impl World {
    /// A world of `namespaces` namespaces with `ports` ports each, all up.
    #[must_use]
    pub fn new(mut rng: Rng, namespaces: usize, ports: usize) -> Self {
        let age = Duration::from_secs(300);
        let made = (0..namespaces).map(|_| {
            let config = NamespaceConfig { macs_max: 64, age, seed: rng.next_u64() };
            let ports: Vec<_> = (0..ports).map(|slot| SimPort::new(slot as u16, mac(slot), &mut rng)).collect();
            let plugged = vec![false; ports.len()];
            SimNamespace { namespace: Namespace::new(&config), ports, plugged, owed: 0, received: 0 }
        });
        let namespaces: Vec<_> = made.collect();
        let mut world = Self { rng, now: Instant::default(), worker: Worker::new(), namespaces, next_source: 0 };
        for (ns, port) in world.all() {
            world.plug(ns, port);
            world.start(ns, port);
        }
        world
    }

    fn all(&self) -> Vec<(usize, usize)> {
        let ports = self.namespaces.first().map_or(0, |namespace| namespace.ports.len());
        (0..self.namespaces.len()).flat_map(|ns| (0..ports).map(move |port| (ns, port))).collect()
    }

    fn plug(&mut self, ns: usize, port: usize) {
        let namespace = &mut self.namespaces[ns];
        namespace.namespace.plug(Arc::clone(namespace.ports[port].port())).expect("room for a port");
        namespace.plugged[port] = true;
    }

    fn start(&mut self, ns: usize, port: usize) {
        let id = SourceId(self.next_source);
        self.next_source += 1;
        let namespace = &mut self.namespaces[ns];
        namespace.ports[port].start(&namespace.namespace, &mut self.worker, id);
    }

    /// One random step, then every oracle that holds at any time.
    pub fn step(&mut self) {
        let (ns, port) = (self.rng.between(0, self.namespaces.len() - 1), self.random_port());
        match self.rng.between(0, 99) {
            0..60 => self.send(ns, port),
            60..85 => self.poll(),
            85..95 => self.receive(ns, port),
            95..97 => self.restart(ns, port),
            97..99 => self.replug(ns, port),
            _ => self.pass(),
        }
    }

    fn random_port(&mut self) -> usize {
        self.rng.between(0, self.namespaces[0].ports.len() - 1)
    }

    fn send(&mut self, ns: usize, port: usize) {
        let spoofed = self.rng.one_in(20);
        let other = self.random_port();
        let destination = match self.rng.between(0, 9) {
            0..6 => mac(other),
            6..8 => MacAddr::BROADCAST,
            8 => MacAddr([0x33, 0x33, 0, 0, 0, 1]),
            _ => mac(200),
        };
        let source = if spoofed { mac(100) } else { mac(port) };
        let len = self.rng.between(STAMPED_MIN, 1514);
        let namespace = &mut self.namespaces[ns];
        let guest = &mut namespace.ports[port];
        let stamp = Stamp { namespace: ns as u32, port: port as u32, sequence: guest.sent };
        // A burst sees the topology of its moment: have nothing waiting whose fate is not counted yet.
        if guest.is_up() && guest.send(&mut self.rng, &stamp.frame(destination, source, len)) {
            let copies = self.copies(ns, port, destination, spoofed);
            self.namespaces[ns].owed += copies;
        }
    }

    /// How many deliveries or drops a frame must become, by a plain model of a switch whose ports own one MAC each.
    fn copies(&self, ns: usize, from: usize, destination: MacAddr, spoofed: bool) -> u64 {
        let plugged = &self.namespaces[ns].plugged;
        let known = (0..plugged.len()).any(|port| plugged[port] && mac(port) == destination);
        let others = (0..plugged.len()).filter(|&port| plugged[port] && port != from).count() as u64;
        if spoofed || known { 1 } else { others.max(1) }
    }

    fn poll(&mut self) {
        self.now = self.now + Duration::from_micros(10);
        while self.worker.poll(self.now) > 0 {}
        self.check_conservation();
    }

    fn receive(&mut self, ns: usize, port: usize) {
        let namespace = &mut self.namespaces[ns];
        namespace.received += namespace.ports[port].receive(|from| from == ns as u32);
    }

    /// Ends a port's session and begins a new one over the same memory. What waits in its rings must survive.
    fn restart(&mut self, ns: usize, port: usize) {
        self.poll();
        self.namespaces[ns].ports[port].stop(&mut self.worker);
        if self.namespaces[ns].plugged[port] && !self.rng.one_in(4) {
            self.start(ns, port);
        }
    }

    /// Takes a port out of its namespace, or puts it back.
    fn replug(&mut self, ns: usize, port: usize) {
        self.poll();
        let namespace = &mut self.namespaces[ns];
        if !namespace.plugged[port] {
            self.plug(ns, port);
            if !self.namespaces[ns].ports[port].is_up() {
                self.start(ns, port);
            }
        } else if self.rng.one_in(2) {
            namespace.ports[port].stop(&mut self.worker);
            let slot = namespace.ports[port].port().slot();
            assert!(namespace.namespace.unplug(slot).is_some(), "a plugged port can be unplugged");
            namespace.plugged[port] = false;
        }
    }

    fn pass(&mut self) {
        let seconds = self.rng.between(1, 400) as u64;
        self.now = self.now + Duration::from_secs(seconds);
        for namespace in &self.namespaces {
            namespace.namespace.tick(self.now);
        }
    }

    /// Sent = delivered + dropped, in every namespace by itself. Holds whenever no frame waits in a transmit ring.
    ///
    /// # Panics
    /// When it does not.
    fn check_conservation(&mut self) {
        for (number, namespace) in self.namespaces.iter_mut().enumerate() {
            let stats: Vec<_> = namespace.ports.iter().map(|port| port.port().stats()).collect();
            let delivered: u64 = stats.iter().map(|stats| stats.rx.frames).sum();
            let dropped: u64 = stats.iter().map(|stats| stats.drops.total()).sum();
            let waiting: usize = namespace.ports.iter_mut().map(SimPort::in_flight).sum();
            assert_eq!(waiting, 0, "namespace {number}: a polled ring holds on to chains");
            assert_eq!(delivered + dropped, namespace.owed, "namespace {number}: {stats:#?}");
        }
    }

    /// Lets everything come to rest and checks what must hold then.
    ///
    /// # Panics
    /// When a delivered frame does not reach its guest.
    pub fn finish(mut self) {
        self.poll();
        for (ns, port) in self.all() {
            self.receive(ns, port);
        }
        for namespace in &self.namespaces {
            let delivered: u64 = namespace.ports.iter().map(|port| port.port().stats().rx.frames).sum();
            assert_eq!(namespace.received, delivered, "delivered frames and frames that guests saw");
        }
    }
}
