// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A host netdev by a packet socket: the representor of a VF, a veth, an uplink.
//!
//! Frames come by a ring that the kernel and we share ([`super::packet_ring`]) and go by `sendmmsg`, both with a virtio-net header, so
//! that checksums and segmentation are left to whoever does them last. The socket sees all frames of the netdev, to whatever MAC,
//! and none that this host sends by it. The host's own stack sees the frames as well: it should have no address there.
//!
//! The ring belongs to the socket: who is given that, and is told which slot comes next, goes on where another has stopped, with
//! all that has come meanwhile ([`adopt`]).
//!
//! A netdev that is down says so once and is waited for; one that is gone ends the lane. The ring says neither, so the socket is
//! asked once in a while when nothing comes, and when nothing can be sent.

use std::io;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use dataplane::limits::{BURST, MTU};
use dataplane::{DropReason, Flushed, LaneGone, LaneSink, LaneSource, Negotiated, Payload};
use rustix::net::netdevice::index_to_name;
use rustix::net::sockopt;
use sys::packet::{self, PacketOption};
use sys::{MemoryMap, netdev};
use wire::VnetHeader;

use super::Opened;
use super::error::{Advice, LaneError};
use super::legacy::{Keeper, LaneLegacy};
use super::link::{Link, LinkState};
use super::offloads::{INTO, OUT_OF, UDP};
use super::packet_ring::{PACKET_HEADER, RESERVE, Ring};
use super::queue::{Queue, Stopped, Style};

/// `TPACKET_V2`.
const VERSION: u32 = 1;
/// What is set of each socket.
const SETTINGS: [(PacketOption, u32); 3] =
    [(PacketOption::Version, VERSION), (PacketOption::Reserve, RESERVE), (PacketOption::IgnoreOutgoing, 1)];
/// What may be under way to the netdev, in bytes: some large frames, as the kernel counts them.
const SEND_BUFFER: usize = 4 << 20;
/// Room for the longest frames in a burst; of ordinary ones there is room for all.
const WHOLE: usize = 4;
/// Turns without a frame after which the socket is asked what has become of its netdev. A descriptor that says again and again that
/// there is something to see is heard at the latest then.
const SILENCE: u32 = 64;

/// What is said when a netdev cannot be had.
const ADVICE: Advice = Advice {
    right: "CAP_NET_RAW",
    missing: "plug it in or create it, in the network namespace that weftd runs in",
    taken: "take it from whoever has it, or name another",
};

/// Opens the netdev with this index. `bypass`: frames go past its queueing discipline.
///
/// # Errors
/// There is none, weftd lacks a right, or the kernel is too old.
pub(super) fn open(ifindex: NonZeroU32, bypass: bool) -> Result<Opened, LaneError> {
    let ifindex = ifindex.get();
    let what = format!("the netdev with index {ifindex}");
    let on = |why: io::Error| ADVICE.on(&what, why);
    let socket = packet::socket().map_err(on)?;
    let name = index_to_name(&socket, ifindex).map_err(|why| on(why.into()))?;
    let mtu = netdev::mtu(socket.as_fd(), &name).map_err(on)?;
    let offloads = prepare(socket.as_fd(), bypass).map_err(on)?;
    let ring = Ring::map(socket.try_clone().map_err(on)?).map_err(on)?;
    packet::be_promiscuous(socket.as_fd(), ifindex).map_err(on)?;
    packet::bind(socket.as_fd(), ifindex).map_err(on)?;
    Ok(opened(socket, ring, mtu, offloads))
}

/// Goes on with the socket and the ring that a lane has left; `None`: they are others than are wanted.
pub(super) fn adopt(ifindex: NonZeroU32, bypass: bool, mut left: LaneLegacy) -> Option<Opened> {
    let (ring, socket) = (left.ring?, left.others.pop()?);
    let there = Some(ifindex.get());
    packet::netdev_of(socket.as_fd()).ok().filter(|netdev| *netdev == there)?;
    let offloads = prepared(socket.as_fd(), bypass)?;
    let name = index_to_name(&socket, ifindex.get()).ok()?;
    let mtu = netdev::mtu(socket.as_fd(), &name).ok()?;
    let ring = Ring::adopt(socket.try_clone().ok()?, ring)?;
    Some(opened(socket, ring, mtu, offloads))
}

fn opened(socket: OwnedFd, ring: Ring, mtu: u32, offloads: u64) -> Opened {
    let shared = Arc::new(Shared { link: Arc::new(Link::new(LinkState::Up)), socket });
    let link = Arc::clone(&shared.link);
    let mtu = u16::try_from(mtu).unwrap_or(u16::MAX).clamp(*MTU.start(), *MTU.end());
    let burst = Queue::new(BURST, WHOLE, PACKET_HEADER);
    let sink = Sink { shared: Arc::clone(&shared), negotiated: Negotiated(offloads & INTO), burst };
    let keeper = Arc::default();
    let negotiated = Negotiated(offloads & OUT_OF);
    let source = Source { shared, ring, negotiated, silent: 0, keeper: Arc::clone(&keeper) };
    Opened { mtu, keeper, ..Opened::single(Box::new(sink), Box::new(source), link) }
}

/// Sets what must be set before there is a ring. Returns what frames may leave undone.
fn prepare(socket: BorrowedFd<'_>, bypass: bool) -> io::Result<u64> {
    for (option, value) in SETTINGS {
        packet::set(socket, option, value)?;
    }
    if bypass {
        packet::set(socket, PacketOption::QdiscBypass, 1)?;
    }
    // Without CAP_NET_ADMIN there is as much as the host gives everybody.
    if sockopt::set_socket_send_buffer_size_force(socket, SEND_BUFFER).is_err() {
        sockopt::set_socket_send_buffer_size(socket, SEND_BUFFER)?;
    }
    // A kernel that knows of the other length of header (6.5) knows of UDP's segmentation (6.2).
    let knows = packet::set(socket, PacketOption::VnetHeaderSize, VnetHeader::LEN as u32).is_ok();
    packet::set(socket, PacketOption::VnetHeader, 1)?;
    Ok(offloads(knows))
}

/// What frames may leave undone by a socket that [`prepare`] has prepared; `None`: it has not, or not as is wanted.
fn prepared(socket: BorrowedFd<'_>, bypass: bool) -> Option<u64> {
    let is = |option, value| packet::get(socket, option).is_ok_and(|set| set == value);
    let all = SETTINGS.into_iter().all(|(option, value)| is(option, value));
    let set = all && is(PacketOption::QdiscBypass, bypass.into()) && is(PacketOption::VnetHeader, 1);
    match packet::get(socket, PacketOption::VnetHeaderSize) {
        Ok(size) => (set && size as usize == PACKET_HEADER).then(|| offloads(true)),
        Err(_) => set.then(|| offloads(false)),
    }
}

fn offloads(knows_udp: bool) -> u64 {
    if knows_udp { INTO | OUT_OF } else { (INTO | OUT_OF) & !UDP }
}

/// What both halves share.
struct Shared {
    link: Arc<Link>,
    socket: OwnedFd,
}

impl Shared {
    /// Looks what has become of the netdev.
    #[cold]
    fn look(&self) -> LinkState {
        if let Ok(lost) = packet::take_losses(self.socket.as_fd()) {
            self.link.missed.add(lost.into());
        }
        // It says once that it is down, and again and again that it is readable until somebody has heard that.
        let said = matches!(sockopt::socket_error(&self.socket), Ok(Err(_)));
        match packet::netdev_of(self.socket.as_fd()) {
            Ok(Some(_)) if said => self.link.set(LinkState::Down),
            Ok(Some(_)) => {}
            _ => self.link.set(LinkState::Gone),
        }
        self.link.state()
    }
}

struct Sink {
    shared: Arc<Shared>,
    negotiated: Negotiated,
    burst: Queue,
}

impl Sink {
    fn send(&mut self) {
        let Shared { link, socket } = &*self.shared;
        let sent = self.burst.send(socket.as_fd(), Style::Datagrams);
        link.sent.add(sent.frames);
        link.lost.add(sent.refused + self.burst.clear());
        match sent.stopped {
            Some(Stopped::Broken(_)) => {
                // It may have been heard of on this call only.
                link.set(LinkState::Down);
                self.shared.look();
            }
            _ if sent.frames > 0 => link.set(LinkState::Up),
            _ => {}
        }
    }
}

impl LaneSink for Sink {
    fn negotiated(&self) -> Negotiated {
        self.negotiated
    }

    fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        if !self.burst.has_room(payload.len()) {
            self.send();
        }
        let header = header.forwarded(0).to_bytes();
        if self.burst.push(&header[..PACKET_HEADER], payload) { Ok(()) } else { Err(DropReason::TooBig) }
    }

    fn flush(&mut self) -> Flushed {
        if !self.burst.is_empty() {
            self.send();
        }
        self.burst.outcome()
    }
}

struct Source {
    shared: Arc<Shared>,
    ring: Ring,
    negotiated: Negotiated,
    /// Turns since a frame came.
    silent: u32,
    keeper: Arc<Keeper>,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.keeper.leave(|left| {
            left.ring = Some(self.ring.leave());
            left.others.extend(self.shared.socket.try_clone());
        });
    }
}

impl LaneSource for Source {
    fn receive(&mut self) -> Result<usize, LaneGone> {
        let (frames, malformed) = self.ring.receive();
        let link = &self.shared.link;
        link.received.add(frames as u64);
        link.malformed.add(malformed);
        if frames > 0 {
            self.silent = 0;
            link.set(LinkState::Up);
            return Ok(frames);
        }
        self.silent += 1;
        if self.silent < SILENCE && link.state() != LinkState::Gone {
            return Ok(0);
        }
        self.silent = 0;
        if self.shared.look() == LinkState::Gone { Err(LaneGone) } else { Ok(0) }
    }

    fn memory(&self) -> &Arc<MemoryMap> {
        self.ring.memory()
    }

    fn frame(&self, number: usize) -> (u64, u32) {
        self.ring.frame(number)
    }

    fn release(&mut self) {
        self.ring.release();
    }

    fn negotiated(&self) -> Negotiated {
        self.negotiated
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.shared.socket.as_fd())
    }
}
