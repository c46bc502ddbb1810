// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A whole synthetic guest: memory, driver and frontend, and the calls that most tests want.
//!
//! ```no_run
//! use tests::guest::{GuestOptions, SyntheticGuest, ping};
//! # fn main() -> Result<(), tests::frontend::FrontendError> {
//! let mut one = SyntheticGuest::attach("/run/weft/one".as_ref(), GuestOptions::new("one", 1))?;
//! let mut two = SyntheticGuest::attach("/run/weft/two".as_ref(), GuestOptions::new("two", 2))?;
//! ping(&mut one, &mut two, 1);
//! # Ok(()) }
//! ```
//!
//! What happens to the switch does not touch the guest: after [`SyntheticGuest::reconnect`] the same rings go on.
mod options;
mod ping;
mod session;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub use options::{GuestOptions, Side, feature};
pub use ping::{Couple, host_of, ping};

use crate::driver::{QueueOptions, Received, RxQueue, Shape, TxQueue, Virtqueue, VnetHeader, wait_any};
use crate::frames::Mac;
use crate::frontend::{Frontend, FrontendError, FrontendListener, Request, protocol};
use crate::memory::{GuestMemory, Range};
use crate::wait::{Deadline, for_ok};
use session::{Replay, Session};

/// The two queues of one pair.
#[derive(Debug)]
pub struct QueuePair {
    /// From the switch.
    pub rx: RxQueue,
    /// To the switch.
    pub tx: TxQueue,
}

impl QueuePair {
    /// The virtqueue with this ring index: even is receive, odd is transmit.
    fn queue(&self, ring: u16) -> &Virtqueue {
        if ring.is_multiple_of(2) { self.rx.queue() } else { self.tx.queue() }
    }
}

/// A guest with one virtio-net device.
#[derive(Debug)]
pub struct SyntheticGuest {
    options: GuestOptions,
    path: PathBuf,
    listener: Option<FrontendListener>,
    memory: GuestMemory,
    pairs: Vec<QueuePair>,
    session: Session,
    link: Option<Frontend>,
}

impl SyntheticGuest {
    /// Makes a guest and attaches it to the port at `path`: negotiates, starts all queues, posts receive buffers.
    ///
    /// # Errors
    /// [`FrontendError`], when the switch refuses any step or cannot be reached by the usual deadline.
    pub fn attach(path: &Path, options: GuestOptions) -> Result<SyntheticGuest, FrontendError> {
        let mut guest = SyntheticGuest::detached(path, options)?;
        guest.connect(Deadline::patient())?;
        guest.boot()?;
        Ok(guest)
    }

    /// Makes a guest that has not spoken to the switch yet; one that [`Side::Listens`] is listening.
    ///
    /// # Errors
    /// [`FrontendError::Io`] when the kernel gives no memory or no socket.
    pub fn detached(path: &Path, options: GuestOptions) -> Result<SyntheticGuest, FrontendError> {
        let listener = match options.side {
            Side::Connects => None,
            Side::Listens => Some(FrontendListener::bind(path)?),
        };
        let memory = GuestMemory::new(&options.layout)?;
        let session = Session::new(&options);
        Ok(SyntheticGuest { options, path: path.to_owned(), listener, memory, pairs: Vec::new(), session, link: None })
    }

    /// The guest's name.
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// The guest's MAC address.
    pub fn mac(&self) -> Mac {
        self.options.mac
    }

    /// Virtio features in use.
    pub fn features(&self) -> u64 {
        self.session.features
    }

    /// The switch's answer to GET_QUEUE_NUM, if the VMM asked.
    pub fn queue_num(&self) -> Option<u64> {
        self.session.queue_num
    }

    /// The device's configuration space, if the VMM asked for it.
    pub fn config(&self) -> &[u8] {
        &self.session.config
    }

    /// The memory.
    pub fn memory(&mut self) -> &mut GuestMemory {
        &mut self.memory
    }

    /// The queues, for tests that want more than the calls below.
    pub fn pairs(&mut self) -> &mut [QueuePair] {
        &mut self.pairs
    }

    /// The VMM's connection, for tests that speak to the switch themselves.
    ///
    /// # Panics
    /// When the guest is detached.
    pub fn frontend(&mut self) -> &mut Frontend {
        self.link.as_mut().expect("the guest is attached")
    }

    /// Sends one frame on the first queue pair, its header all zero.
    ///
    /// # Panics
    /// When the switch does not complete earlier frames, so that there is never room.
    pub fn send(&mut self, frame: &[u8]) {
        let shape = self.options.shape.clone();
        self.send_as(0, &shape, VnetHeader::default(), frame);
    }

    /// Sends one frame on any pair, in any shape, with any header. Panics as [`SyntheticGuest::send`].
    pub fn send_as(&mut self, pair: usize, shape: &Shape, header: VnetHeader, frame: &[u8]) {
        let deadline = Deadline::patient();
        let tx = &mut self.pairs[pair].tx;
        loop {
            tx.reclaim();
            if tx.send(shape, header, frame).is_ok() {
                return;
            }
            let room = tx.in_flight() > 0 && wait_any(&[tx.queue()], deadline);
            assert!(
                room,
                "{}: the switch completes nothing, {} frames are in flight",
                self.options.name,
                tx.in_flight()
            );
        }
    }

    /// The next frame on any pair, if one is there.
    pub fn recv(&mut self) -> Option<Received> {
        self.pairs.iter_mut().find_map(|pair| pair.rx.recv())
    }

    /// Receives until `wanted` takes a frame, asleep between interrupts; other frames are dropped. `None` at the
    /// deadline.
    pub fn recv_until(&mut self, deadline: Deadline, mut wanted: impl FnMut(&Received) -> bool) -> Option<Received> {
        loop {
            while let Some(received) = self.recv() {
                if wanted(&received) {
                    return Some(received);
                }
            }
            let queues: Vec<&Virtqueue> = self.pairs.iter().map(|pair| pair.rx.queue()).collect();
            if !wait_any(&queues, deadline) {
                return None;
            }
        }
    }

    /// Waits until the switch has completed everything that was sent.
    ///
    /// # Panics
    /// When it has not by the deadline.
    pub fn drain(&mut self, deadline: Deadline) {
        for pair in &mut self.pairs {
            while !pair.tx.reclaim().is_empty() || pair.tx.in_flight() > 0 {
                let left = pair.tx.in_flight();
                assert!(
                    left == 0 || wait_any(&[pair.tx.queue()], deadline),
                    "{left} frames are stuck in {}",
                    pair.tx.queue().name()
                );
            }
        }
    }

    /// Stops the rings as the VMM does for a driver that goes away, and hangs up. The guest can
    /// [`SyntheticGuest::reconnect`].
    ///
    /// # Errors
    /// When the switch does not follow.
    pub fn detach(&mut self) -> Result<(), FrontendError> {
        self.play("stop")?;
        self.link = None;
        Ok(())
    }

    /// Stops the rings as [`SyntheticGuest::detach`] does, and keeps the connection.
    ///
    /// # Errors
    /// When the switch does not follow.
    pub fn stop(&mut self) -> Result<(), FrontendError> {
        self.play("stop")
    }

    /// Where the VMM says each ring goes on when it starts next; `None`: it finds out as after a broken connection.
    pub fn bases(&mut self) -> &mut [Option<u16>] {
        &mut self.session.bases
    }

    /// Ends as the VMM does whose guest is switched off.
    ///
    /// # Errors
    /// When the switch does not follow.
    pub fn quit(mut self) -> Result<(), FrontendError> {
        self.play("quit")
    }

    /// Hangs up without a word, as a killed VMM does, or a VMM whose switch was killed.
    pub fn hang_up(&mut self) {
        self.link = None;
    }

    /// Pauses the guest, or lets it run again; VMMs do it in different ways.
    ///
    /// # Errors
    /// When the switch does not follow.
    pub fn pause(&mut self, on: bool) -> Result<(), FrontendError> {
        self.play(if on { "pause" } else { "resume" })
    }

    /// Shakes hands again over the same memory and the same rings, again and again until the switch follows. It must
    /// offer every feature that the guest runs with.
    ///
    /// # Panics
    /// When it does not follow by the deadline, with the reason.
    pub fn reconnect(&mut self, deadline: Deadline) {
        let what = format!("{} to attach again", self.options.name);
        for_ok(&what, deadline, || {
            self.link = None;
            self.link(deadline)?;
            self.play("reconnect")
        });
    }

    /// Goes on where it stopped, over a connection that was made meanwhile ([`SyntheticGuest::connect`]), as a guest does that has
    /// been moved to another host.
    ///
    /// # Errors
    /// When the switch does not follow.
    pub fn land(&mut self) -> Result<(), FrontendError> {
        self.play("start")
    }

    /// From now on, whenever rings start, the VMM wants writes to be logged, or does not, and gives this log: its file and its
    /// size in bytes. What runs already is not told.
    pub fn set_logged(&mut self, on: bool, log: Option<(OwnedFd, u64)>) {
        (self.session.logged, self.session.log) = (on, log);
    }

    /// The messages that the last of these calls consisted of, and when each was said, and answered where the VMM waits for that.
    pub fn said(&self) -> &[(Request, Instant)] {
        &self.session.said
    }

    /// Goes on at another switch over the same memory and the same rings, as a guest that has migrated.
    ///
    /// # Panics
    /// As [`SyntheticGuest::reconnect`].
    pub fn reconnect_at(&mut self, path: &Path, deadline: Deadline) {
        path.clone_into(&mut self.path);
        self.reconnect(deadline);
    }

    /// Plugs memory into the running guest and returns the number of the new region.
    ///
    /// # Errors
    /// When the switch does not follow.
    pub fn add_memory(&mut self, range: Range) -> Result<usize, FrontendError> {
        let region = self.memory.add_region(range)?;
        let (slots, link) = (self.session.protocol & protocol::CONFIGURE_MEM_SLOTS != 0, self.link.as_mut());
        let link = link.expect("the guest is attached");
        link.acknowledge(self.session.protocol & protocol::REPLY_ACK != 0);
        match slots {
            true => {
                link.add_mem_reg(&self.memory.regions()[region])?;
                self.session.told.push(region);
            }
            false => link.set_mem_table(self.memory.regions())?,
        }
        Ok(region)
    }

    /// Unplugs a region that the guest has no queues in any more.
    ///
    /// # Errors
    /// When the switch does not follow, or was never told of the region one by one (ADD_MEM_REG).
    pub fn remove_memory(&mut self, region: usize) -> Result<(), FrontendError> {
        let link = self.link.as_mut().expect("the guest is attached");
        link.acknowledge(self.session.protocol & protocol::REPLY_ACK != 0);
        link.rem_mem_reg(&self.memory.regions()[region])?;
        self.session.told.retain(|told| *told != region);
        Ok(())
    }

    /// Reboots: the VMM stops the rings, the guest forgets them and sets up new ones elsewhere in its memory.
    ///
    /// # Errors
    /// When the switch does not follow.
    pub fn reboot(&mut self) -> Result<(), FrontendError> {
        self.play("stop")?;
        self.pairs.clear();
        self.session.bases.fill(Some(0));
        self.boot()
    }

    /// Cuts a region's file short under the switch's mapping. The guest itself must not use what is gone.
    ///
    /// # Errors
    /// `EPERM` when the memory is sealed.
    pub fn truncate_memory(&mut self, region: usize, size: u64) -> io::Result<()> {
        self.memory.truncate(region, size)
    }

    /// The guest's driver comes up: starts all queues, posts receive buffers.
    ///
    /// # Errors
    /// When the switch does not follow.
    pub fn boot(&mut self) -> Result<(), FrontendError> {
        self.make_queues();
        self.play("start")?;
        let buffer = GuestOptions::receive_buffer(self.session.features);
        for pair in &mut self.pairs {
            let posted = pair.rx.keep_filled(&self.options.shape, buffer);
            assert!(posted > 0, "a receive queue holds at least one buffer");
        }
        Ok(())
    }

    /// The VMM makes the connection and negotiates; the guest has no driver yet.
    ///
    /// # Errors
    /// As [`SyntheticGuest::attach`].
    pub fn connect(&mut self, deadline: Deadline) -> Result<(), FrontendError> {
        self.link(deadline)?;
        self.play("connect")
    }

    fn link(&mut self, deadline: Deadline) -> Result<(), FrontendError> {
        self.link = Some(match &self.listener {
            Some(listener) => listener.accept(deadline)?,
            None => for_ok("the port's socket", deadline, || Frontend::connect(&self.path)),
        });
        self.session.told.clear();
        Ok(())
    }

    fn play(&mut self, section: &str) -> Result<(), FrontendError> {
        let link = self.link.as_mut().expect("the guest is attached");
        let (options, memory, pairs) = (&self.options, &self.memory, &self.pairs);
        Replay { options, memory, pairs, session: &mut self.session, link }.play(section)
    }

    fn make_queues(&mut self) {
        let features = self.session.features;
        let has = |bit: u64| features & bit != 0;
        for number in 0..self.options.queue_pairs {
            let options = |kind: &str, heap_len: usize| QueueOptions {
                name: format!("{} {kind}{number}", self.options.name),
                size: self.options.queue_size,
                event_idx: has(feature::EVENT_IDX),
                in_order: has(feature::IN_ORDER),
                heap_len,
                start_index: 0,
            };
            let rx_heap = self.options.receive_heap(features);
            let rx = RxQueue::new(&mut self.memory, &options("rx", rx_heap), has(feature::MRG_RXBUF));
            let tx = TxQueue::new(&mut self.memory, &options("tx", QueueOptions::default().heap_len));
            self.pairs.push(QueuePair { rx, tx });
        }
    }
}
