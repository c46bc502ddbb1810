// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A tap: the host's own network stack at the other end, with checksums and segmentation left to whoever does them last.
//!
//! A tap has one system call for each frame and no other way. Each queue is a descriptor of its own, with a sink and a source.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use dataplane::limits::{FRAME_MAX, QUEUE_PAIRS};
use dataplane::{DropReason, Flushed, LaneGone, LaneSink, LaneSource, Negotiated, Payload};
use rustix::io::{Errno, write};
use sys::MemoryMap;
use sys::netdev::{self, TapOffload};
use vm_memory::{Bytes, GuestAddress, GuestMemoryError};
use wire::VnetHeader;

use super::Opened;
use super::error::{Advice, LaneError};
use super::legacy::{Keeper, LaneLegacy};
use super::link::{Link, LinkState};
use super::offloads::{INTO, OUT_OF, UDP};
use super::pool::Pool;
use super::queue::count;

/// What is said when a tap cannot be had.
const ADVICE: Advice = Advice {
    right: "CAP_NET_ADMIN, or a tap that was made for its user (`ip tuntap add NAME mode tap multi_queue user USER`)",
    missing: "load the kernel's tun module",
    taken: "end the program that has it, or name another",
};

/// Opens `queues` queues of the tap with this name, which is made unless it is there.
///
/// # Errors
/// weftd lacks a right, the name is that of something else, or it is taken.
pub(super) fn open(name: &str, queues: u16) -> Result<Opened, LaneError> {
    opened(name, queues, netdev::tap_queue)
}

/// Goes on with the queues of a tap that a lane has left; `None`: they are others than are wanted. So the tap is never without anybody
/// who has it, which would be the end of one that is not to stay.
pub(super) fn adopt(name: &str, queues: u16, left: LaneLegacy) -> Option<Opened> {
    let mut there = left.others.into_iter();
    let fits = there.len() == usize::from(queues);
    fits.then(|| opened(name, queues, |_, _| there.next().ok_or_else(|| io::ErrorKind::NotFound.into())))?.ok()
}

fn opened(
    name: &str,
    queues: u16,
    mut queue: impl FnMut(&str, bool) -> io::Result<OwnedFd>,
) -> Result<Opened, LaneError> {
    let what = format!("tap {name}");
    if !(1..=QUEUE_PAIRS).contains(&queues) {
        return Err(LaneError::Described { what, why: "must have 1 to 16 queues" });
    }
    let on = |why: io::Error| match why.kind() {
        io::ErrorKind::InvalidInput => LaneError::Described {
            what: what.clone(),
            why: "is no name of a tap with as many queues: use another name",
        },
        _ => ADVICE.on(&what, why),
    };
    let link = Arc::new(Link::new(LinkState::Up));
    let (mut opened, mut offloads) = (Opened::none(link), INTO | OUT_OF);
    for _ in 0..queues {
        let queue = Arc::new(queue(name, queues > 1).map_err(on)?);
        if netdev::offer_offloads(queue.as_fd()).map_err(on)? == TapOffload::Tcp {
            offloads &= !UDP;
        }
        add(&mut opened, queue, offloads).map_err(on)?;
    }
    Ok(opened)
}

fn add(opened: &mut Opened, queue: Arc<OwnedFd>, offloads: u64) -> io::Result<()> {
    let (link, frame) = (&opened.link, vec![0; VnetHeader::LEN + FRAME_MAX]);
    let negotiated = Negotiated(offloads & INTO);
    let sink =
        Sink { link: Arc::clone(link), queue: Arc::clone(&queue), negotiated, frame, flushed: Flushed::default() };
    let negotiated = Negotiated(offloads & OUT_OF);
    let keeper = Arc::clone(&opened.keeper);
    let source = Source { link: Arc::clone(link), queue, negotiated, pool: Pool::new()?, keeper };
    opened.sinks.push(Box::new(sink));
    opened.sources.push(Box::new(source));
    Ok(())
}

/// What an error of a tap says about it: `EIO` that it is down, others that it was deleted.
fn state_after(why: Errno) -> Option<LinkState> {
    match why {
        Errno::AGAIN | Errno::INTR | Errno::NOBUFS | Errno::NOMEM | Errno::INVAL | Errno::MSGSIZE => None,
        Errno::IO => Some(LinkState::Down),
        _ => Some(LinkState::Gone),
    }
}

struct Sink {
    link: Arc<Link>,
    queue: Arc<OwnedFd>,
    negotiated: Negotiated,
    /// The frame that is being written, behind its header.
    frame: Vec<u8>,
    flushed: Flushed,
}

impl LaneSink for Sink {
    fn negotiated(&self) -> Negotiated {
        self.negotiated
    }

    fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        let end = VnetHeader::LEN + payload.len();
        let Some((front, frame)) = self.frame.get_mut(..end).and_then(|all| all.split_at_mut_checked(VnetHeader::LEN))
        else {
            return Err(DropReason::TooBig);
        };
        front.copy_from_slice(&header.forwarded(0).to_bytes());
        payload.copy_to(frame).ok_or(DropReason::TooBig)?;
        match write(&*self.queue, &self.frame[..end]) {
            Ok(_) => {
                self.link.sent.add(1);
                count(&mut self.flushed.sent, payload.len());
                self.link.set(LinkState::Up);
            }
            Err(why) => {
                self.link.lost.add(1);
                self.flushed.lost += 1;
                state_after(why).into_iter().for_each(|state| self.link.set(state));
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Flushed {
        std::mem::take(&mut self.flushed)
    }
}

struct Source {
    link: Arc<Link>,
    queue: Arc<OwnedFd>,
    negotiated: Negotiated,
    pool: Pool,
    keeper: Arc<Keeper>,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.keeper.leave(|left| left.others.extend(self.queue.try_clone()));
    }
}

impl Source {
    /// Reads the next frame into the next slot. Returns its length with its header.
    fn read(&mut self) -> Result<usize, Errno> {
        let (start, room) = Pool::slot(self.pool.len());
        let memory = self.pool.memory().mapping();
        memory.read_volatile_from(GuestAddress(start), &mut self.queue.as_fd(), room).map_err(|why| match why {
            GuestMemoryError::IOError(why) => why.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error),
            _ => Errno::IO,
        })
    }
}

impl LaneSource for Source {
    fn receive(&mut self) -> Result<usize, LaneGone> {
        self.pool.clear();
        while self.pool.has_room() {
            match self.read() {
                Ok(len) => {
                    let len = len.checked_sub(VnetHeader::LEN).and_then(|len| u32::try_from(len).ok());
                    if !len.is_some_and(|len| self.pool.take(self.pool.len(), len)) {
                        self.link.malformed.add(1);
                        break;
                    }
                }
                Err(why) => {
                    state_after(why).into_iter().for_each(|state| self.link.set(state));
                    break;
                }
            }
        }
        self.link.received.add(self.pool.len() as u64);
        // What came before it went is delivered first.
        let gone = self.link.state() == LinkState::Gone && self.pool.len() == 0;
        if gone { Err(LaneGone) } else { Ok(self.pool.len()) }
    }

    fn memory(&self) -> &Arc<MemoryMap> {
        self.pool.memory()
    }

    fn frame(&self, number: usize) -> (u64, u32) {
        self.pool.frame(number)
    }

    fn release(&mut self) {
        self.pool.clear();
    }

    fn negotiated(&self) -> Negotiated {
        self.negotiated
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.queue.as_fd())
    }
}
