// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Namespaces that are linked and parted at random. They form a tree at most, as control would have it.

use std::sync::Arc;
use std::time::Duration;

use dataplane::{Instant, MacPolicy, Namespace, NamespaceConfig, Port, PortConfig, PortSlot, Role, SourceId, Worker};
use wire::MacAddr;

use super::port::SimPort;
use super::stamp::{STAMPED_MIN, Stamp};
use crate::seed::Rng;

/// Slots of ends of links are above those of guests.
const FIRST_END: u16 = 100;

struct Member {
    namespace: Arc<Namespace>,
    guests: Vec<SimPort>,
    /// The ends of the link to the namespace before it in the tree, its own first; `None` for the first namespace.
    ends: Option<[Arc<Port>; 2]>,
}

/// Namespace `n` can be linked with namespace `(n - 1) / 2`.
pub struct LinkedWorld {
    rng: Rng,
    now: Instant,
    worker: Worker,
    members: Vec<Member>,
}

/// A MAC that nobody else in any namespace has.
fn mac(namespace: usize, port: usize) -> MacAddr {
    MacAddr([2, 0, 0, 0, namespace as u8 + 1, port as u8])
}

fn before(namespace: usize) -> usize {
    (namespace - 1) / 2
}

fn end(slot: u16) -> Arc<Port> {
    let mac = MacAddr([2, 1, 0, 0, 0, slot as u8]);
    let config = PortConfig { mac, role: Role::Host, macs: MacPolicy::Any, mtu: 1500, queue_pairs: 1 };
    Port::new(PortSlot(slot), &config)
}

impl LinkedWorld {
    /// A world of `namespaces` namespaces with `guests` guests each, all up, none linked.
    #[must_use]
    pub fn new(mut rng: Rng, namespaces: usize, guests: usize) -> Self {
        let age = Duration::from_secs(300);
        let mut worker = Worker::new();
        let members = (0..namespaces).map(|number| {
            let config = NamespaceConfig { macs_max: 64, age, seed: rng.next_u64() };
            let namespace = Namespace::new(&config);
            let guest = |port| {
                let mut guest = SimPort::new(port as u16, mac(number, port), &mut rng);
                namespace.plug(Arc::clone(guest.port())).expect("room for a port");
                guest.start(&namespace, &mut worker, SourceId((number * guests + port) as u64));
                guest
            };
            let guests = (0..guests).map(guest).collect();
            let ends = (number > 0).then(|| [end(FIRST_END), end(FIRST_END + number as u16)]);
            Member { namespace, guests, ends }
        });
        let members = members.collect();
        Self { rng, now: Instant::default(), worker, members }
    }

    /// One random step, then every oracle that holds at any time.
    pub fn step(&mut self) {
        let namespace = self.rng.between(0, self.members.len() - 1);
        match self.rng.between(0, 99) {
            0..65 => self.send(namespace),
            65..85 => self.poll(),
            85..95 => self.receive(namespace),
            95..98 => self.toggle(namespace),
            _ => self.pass(),
        }
    }

    fn send(&mut self, namespace: usize) {
        let guests = self.members[namespace].guests.len();
        let (port, to) = (self.rng.between(0, guests - 1), self.rng.between(0, guests - 1));
        let destination = match self.rng.between(0, 9) {
            0..7 => mac(self.rng.between(0, self.members.len() - 1), to),
            7..9 => MacAddr::BROADCAST,
            _ => mac(200, 0),
        };
        let len = self.rng.between(STAMPED_MIN, 1514);
        let guest = &mut self.members[namespace].guests[port];
        let stamp = Stamp { namespace: namespace as u32, port: port as u32, sequence: guest.sent };
        guest.send(&mut self.rng, &stamp.frame(destination, mac(namespace, port), len));
    }

    fn poll(&mut self) {
        self.now = self.now + Duration::from_micros(10);
        while self.worker.poll(self.now) > 0 {}
        for [near, far] in self.members.iter().filter_map(|member| member.ends.as_ref()) {
            let (near, far) = (near.stats(), far.stats());
            assert_eq!((near.rx, far.rx), (far.tx, near.tx), "what goes in at one end comes out at the other");
        }
    }

    /// Every guest of a namespace takes what has arrived: nothing but what was sent in those that are linked with it,
    /// since links change only when nothing is under way.
    fn receive(&mut self, namespace: usize) {
        let top = self.top(namespace);
        let linked: Vec<bool> = (0..self.members.len()).map(|other| self.top(other) == top).collect();
        for guest in &mut self.members[namespace].guests {
            guest.receive(|from| linked[from as usize]);
        }
    }

    /// The first of the namespaces that this one is linked with, over any number of links.
    fn top(&self, namespace: usize) -> usize {
        let linked = self.members[namespace].ends.as_ref().is_some_and(|ends| ends[0].is_linked());
        if linked { self.top(before(namespace)) } else { namespace }
    }

    /// Links a namespace with the one before it, or parts them.
    fn toggle(&mut self, number: usize) {
        self.poll();
        (0..self.members.len()).for_each(|namespace| self.receive(namespace));
        let Some([near, far]) = &self.members[number].ends else { return };
        let (here, there) = (&self.members[number].namespace, &self.members[before(number)].namespace);
        if near.is_linked() {
            [near, far].into_iter().for_each(|end| end.link(None));
            assert!(here.unplug(near.slot()).is_some() && there.unplug(far.slot()).is_some());
        } else {
            here.plug(Arc::clone(near)).expect("room for a port");
            there.plug(Arc::clone(far)).expect("room for a port");
            near.link(Some((there, far)));
            far.link(Some((here, near)));
        }
    }

    fn pass(&mut self) {
        let seconds = self.rng.between(1, 400) as u64;
        self.now = self.now + Duration::from_secs(seconds);
        self.members.iter().for_each(|member| member.namespace.tick(self.now));
    }

    /// Lets everything come to rest. Returns how many frames have crossed a link.
    ///
    /// # Panics
    /// When a guest has not got what was delivered to it, or a ring holds on to chains.
    pub fn finish(mut self) -> u64 {
        self.poll();
        (0..self.members.len()).for_each(|namespace| self.receive(namespace));
        for guest in self.members.iter_mut().flat_map(|member| &mut member.guests) {
            assert_eq!((guest.in_flight(), guest.received), (0, guest.port().stats().rx.frames));
        }
        let ends = self.members.iter().filter_map(|member| member.ends.as_ref()).flatten();
        ends.map(|end| end.stats().tx.frames).sum()
    }
}
