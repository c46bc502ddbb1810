// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports, and one burst of frames that is switched again and again.

use core::net::Ipv6Addr;
use std::time::{Duration, Instant};

use dataplane::limits::BURST;
use dataplane::{Limits, PortSlot, Role, Snoops, Stage};
use tests::driver::{QueueOptions, Shape, VnetHeader};
use tests::memory::Layout;
use tests::rig::{PortOptions, Rig, feature, mac};
use wire::MacAddr;
use wire::build::{Ether, Ip, IpFrame, Tcp};

/// From one address to the next: odd, without a factor in common with the number of addresses, and far.
const STEP: u32 = 61_357;

/// Bytes of a guest's memory.
const MEMORY: u64 = 16 << 20;

/// Two hosts of IPv6.
const HERE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const THERE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

/// What the frames of a scene are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Of this many bytes, to one port.
    Unicast(usize),
    /// Of this many bytes, to one port, in IPv6.
    Ip6(usize),
    /// TCP of 64 KiB that the receiver takes unsegmented.
    Tso,
    /// Of 64 bytes, to this many ports.
    Flood(usize),
    /// Of 64 bytes, to one port, to this many addresses behind it in no order.
    Macs(u32),
}

impl Work {
    /// All that are measured, by name.
    pub const ALL: [(&str, Work); 9] = [
        ("64", Work::Unicast(64)),
        ("512", Work::Unicast(512)),
        ("1500", Work::Unicast(1500)),
        ("9000", Work::Unicast(9000)),
        ("ip6-64", Work::Ip6(64)),
        ("tso", Work::Tso),
        ("flood-8", Work::Flood(8)),
        ("macs-1k", Work::Macs(1000)),
        ("macs-100k", Work::Macs(100_000)),
    ];

    /// Frames that a burst of it has: as many as the burst's memory has room for.
    #[must_use]
    pub fn frames(self) -> usize {
        match self {
            // A frame of 64 KiB takes up to sixty buffers of its receiver.
            Work::Tso => 8,
            Work::Unicast(_) | Work::Ip6(_) | Work::Flood(_) | Work::Macs(_) => BURST,
        }
    }

    /// Addresses behind the receiver beside its own.
    fn macs(self) -> u32 {
        if let Work::Macs(count) = self { count } else { 0 }
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
            Work::Ip6(len) => {
                let ip = Ether::new(mac(1), mac(0)).ip(Ip::v6(HERE, THERE));
                // Headers of Ethernet, IPv6 and UDP are 62 bytes.
                (VnetHeader::default(), ip.udp(9, 9, &vec![0x5a; len - 62]))
            }
            Work::Flood(_) => datagram(to(MacAddr::BROADCAST), 64),
            Work::Macs(_) => datagram(to(behind(0)), 64),
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
    /// The last address that was sent to, of many.
    last: u32,
    /// Where copies end that are asked for by [`Scene::copy`].
    copies: Option<Snoops>,
}

impl Scene {
    /// Everything that this work needs, ready to be switched.
    #[must_use]
    pub fn new(work: Work) -> Self {
        let (header, frame) = work.frame();
        let mut rig = Rig::new();
        // With room for all addresses, as an administrator would plan it.
        rig.found(0, (work.macs() * 2).max(8192));
        for _ in 0..=work.receivers() {
            rig.add(0, &options(work));
        }
        for number in 0..work.macs() {
            rig.namespace(0).fdb().learn(behind(number), PortSlot(1), rig.now());
        }
        Self { rig, work, header, frame, last: 0, copies: None }
    }

    /// Limits what each port may send, receive and flood.
    pub fn set_limits(&mut self, limits: &Limits) {
        (0..=self.work.receivers()).for_each(|port| self.rig.port(port).port().set_limits(limits));
    }

    /// Nobody hears what routers and hosts say to each other, and every port may say it: neither a copy is made for control,
    /// nor does the RA guard look at what would be from a host.
    pub fn unguarded(&mut self) {
        self.guard(false);
        self.copy(false);
    }

    /// Whether the RA guard looks at what hosts send: where all are routers it does not.
    pub fn guard(&mut self, on: bool) {
        let role = if on { Role::Host } else { Role::Router };
        (0..=self.work.receivers()).for_each(|port| self.rig.port(port).port().set_role(role));
    }

    /// Whether copies are made for control of what routers and hosts say to each other. Nobody reads them here.
    pub fn copy(&mut self, on: bool) {
        let snoops = self.rig.worker().listen();
        self.copies = on.then_some(snoops);
    }

    /// Every guest is being migrated: what is written into its memory is marked.
    ///
    /// # Panics
    /// When the kernel has no memory for a log.
    pub fn logged(&mut self) {
        for number in 0..=self.work.receivers() {
            self.rig.stop(number);
            let bytes = MEMORY.div_ceil(8 * sys::LOG_PAGE);
            let file = rustix::fs::memfd_create("log", rustix::fs::MemfdFlags::CLOEXEC).expect("a memfd");
            rustix::fs::ftruncate(&file, bytes).expect("it may grow");
            let log = sys::DirtyLog::map(file, 0, bytes as usize).expect("it can be mapped");
            self.rig.port(number).set_log(Some(log));
            self.rig.start(number);
        }
    }

    /// Puts a burst into the sender's transmit ring.
    ///
    /// # Panics
    /// When there is no room: the burst before it was not taken out.
    pub fn fill(&mut self) {
        let queue = &mut self.rig.port(0).tx[0];
        for _ in 0..self.work.frames() {
            if let Work::Macs(count) = self.work {
                self.last = (self.last + STEP) % count;
                self.frame[..6].copy_from_slice(&behind(self.last).0);
            }
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

    /// How long the worker's turns of so many bursts take, without the driver's work before and after each.
    pub fn time(&mut self, bursts: u64) -> Duration {
        let mut spent = Duration::ZERO;
        for _ in 0..bursts {
            self.fill();
            let begin = Instant::now();
            self.switch();
            spent += begin.elapsed();
            self.empty();
        }
        spent
    }

    /// [`Scene::switch`], and what `clock` said at its beginning and at the end of each stage.
    pub fn switch_timed<T: Copy>(&mut self, clock: impl Fn() -> T) -> [T; 1 + Stage::ALL.len()] {
        let now = self.rig.now();
        let mut said = [clock(); 1 + Stage::ALL.len()];
        self.rig.worker().poll_watched(now, |stage| said[1 + stage as usize] = clock());
        said
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

/// One of many addresses behind one port.
fn behind(number: u32) -> MacAddr {
    let [a, b, c, d] = number.to_be_bytes();
    MacAddr([6, 1, a, b, c, d])
}

/// A stage as tables name it.
#[must_use]
pub fn stage_name(stage: Stage) -> String {
    format!("{stage:?}").to_lowercase()
}

/// What a Linux guest would negotiate, and pages for receive buffers.
fn options(work: Work) -> PortOptions {
    PortOptions {
        mtu: if work == Work::Unicast(9000) { 9000 } else { 1500 },
        features: feature::SENDER | feature::RECEIVER,
        queue: QueueOptions { in_order: true, heap_len: 4 << 20, ..QueueOptions::default() },
        buffers: (Shape::whole(), 4096),
        memory: Layout::flat(MEMORY),
        ..PortOptions::default()
    }
}
