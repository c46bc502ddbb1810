// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports, and one burst of frames that is switched again and again.

use dataplane::Limits;
use dataplane::limits::BURST;
use tests::driver::{QueueOptions, Shape, VnetHeader};
use tests::memory::Layout;
use tests::rig::{PortOptions, Rig, feature, mac};
use wire::MacAddr;
use wire::build::{Ether, Ip, IpFrame, Tcp};

/// What the frames of a scene are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Of this many bytes, to one port.
    Unicast(usize),
    /// TCP of 64 KiB that the receiver takes unsegmented.
    Tso,
    /// Of 64 bytes, to this many ports.
    Flood(usize),
}

impl Work {
    /// All that are measured, by name.
    pub const ALL: [(&str, Work); 6] = [
        ("64", Work::Unicast(64)),
        ("512", Work::Unicast(512)),
        ("1500", Work::Unicast(1500)),
        ("9000", Work::Unicast(9000)),
        ("tso", Work::Tso),
        ("flood-8", Work::Flood(8)),
    ];

    /// Frames that a burst of it has: as many as the burst's memory has room for.
    #[must_use]
    pub fn frames(self) -> usize {
        match self {
            // A frame of 64 KiB takes up to sixty buffers of its receiver.
            Work::Tso => 8,
            Work::Unicast(_) | Work::Flood(_) => BURST,
        }
    }

    fn receivers(self) -> usize {
        if let Work::Flood(ports) = self { ports } else { 1 }
    }

    fn frame(self) -> (VnetHeader, Vec<u8>) {
        let to = |mac_to: MacAddr| Ether::new(mac_to, mac(0)).ip(Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]));
        // Headers of Ethernet, IPv4 and UDP are 42 bytes.
        let datagram = |ip: IpFrame, len: usize| (VnetHeader::default(), ip.udp(9, 9, &vec![0x5a; len - 42]));
        match self {
            Work::Unicast(len) => datagram(to(mac(1)), len),
            Work::Flood(_) => datagram(to(MacAddr::BROADCAST), 64),
            Work::Tso => {
                let (header, frame) = to(mac(1)).tcp_offloaded(&Tcp::default(), &[0x5a; 45 * 1448], Some(1448));
                (VnetHeader::from_bytes(&header.to_bytes()), frame)
            }
        }
    }
}

/// One port that sends, and one or more that receive.
pub struct Scene {
    rig: Rig,
    work: Work,
    header: VnetHeader,
    frame: Vec<u8>,
}

impl Scene {
    /// Everything that this work needs, ready to be switched.
    #[must_use]
    pub fn new(work: Work) -> Self {
        let (header, frame) = work.frame();
        let rig = Rig::with_ports(1 + work.receivers(), &options(work));
        Self { rig, work, header, frame }
    }

    /// Limits what each port may send, receive and flood.
    pub fn set_limits(&mut self, limits: &Limits) {
        (0..=self.work.receivers()).for_each(|port| self.rig.port(port).port().set_limits(limits));
    }

    /// Puts a burst into the sender's transmit ring.
    ///
    /// # Panics
    /// When there is no room: the burst before it was not taken out.
    pub fn fill(&mut self) {
        let queue = &mut self.rig.port(0).tx[0];
        for _ in 0..self.work.frames() {
            queue.enqueue(&Shape::whole(), self.header, &self.frame).expect("room for a burst");
        }
        queue.flush();
    }

    /// The worker's turn, and nothing else: this is what is timed, and what callgrind counts, to which end it must stay a
    /// function of its own.
    #[inline(never)]
    pub fn switch(&mut self) -> usize {
        self.rig.poll_once()
    }

    /// Takes the frames out of the receivers' rings.
    ///
    /// # Panics
    /// When one did not arrive: a benchmark of drops measures nothing.
    pub fn empty(&mut self) {
        for port in 1..=self.work.receivers() {
            assert_eq!(self.rig.received(port).len(), self.work.frames(), "frames delivered to port {port}");
        }
        assert_eq!(self.rig.port(0).tx[0].reclaim().len(), self.work.frames(), "chains given back");
    }
}

/// What a Linux guest would negotiate, and pages for receive buffers.
fn options(work: Work) -> PortOptions {
    PortOptions {
        mtu: if work == Work::Unicast(9000) { 9000 } else { 1500 },
        features: feature::SENDER | feature::RECEIVER,
        queue: QueueOptions { in_order: true, heap_len: 4 << 20, ..QueueOptions::default() },
        buffers: (Shape::whole(), 4096),
        memory: Layout::flat(16 << 20),
        ..PortOptions::default()
    }
}
