// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A lane that is no ring, with its far end in the test's hands.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard};

use dataplane::{DropReason, Flushed, LaneGone, LaneSink, LaneSource, Negotiated, Payload};
use sys::MemoryMap;

use crate::driver::VnetHeader;
use crate::memory::{GuestMemory, Layout, Window};

/// Bytes of a buffer: header and frame.
const BUFFER: u64 = 64 << 10;
/// Buffers of a source: a burst.
const BUFFERS: usize = dataplane::limits::BURST;

/// What the two ends share.
#[derive(Default)]
struct Wire {
    /// Sent by the switch.
    out: VecDeque<(VnetHeader, Vec<u8>)>,
    /// To be read by it.
    incoming: VecDeque<(VnetHeader, Vec<u8>)>,
    /// The far end takes so many more frames.
    room: usize,
    gone: bool,
}

/// The far end: what a guest or the world behind a lane would be.
#[derive(Clone)]
pub struct FarEnd(Arc<Mutex<Wire>>);

impl FarEnd {
    /// A lane both ends of which allow what `features` say.
    #[must_use]
    pub fn new(features: u64) -> (FarEnd, Box<dyn LaneSink>, Box<dyn LaneSource>) {
        let far = FarEnd(Arc::new(Mutex::new(Wire { room: usize::MAX, ..Wire::default() })));
        let mut memory = GuestMemory::new(&Layout::flat(BUFFER * (BUFFERS as u64 + 1))).expect("a memfd");
        let map = MemoryMap::new(&memory.to_vm_memory());
        let buffers = (0..BUFFERS).map(|_| memory.allocate(BUFFER as usize, 8)).collect();
        let sink = Sink { far: far.clone(), features: Negotiated(features), put: Vec::new() };
        let source = Source { far: far.clone(), features: Negotiated(features), map, buffers, read: Vec::new() };
        (far, Box::new(sink), Box::new(source))
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().expect("no test panics while it holds a wire")
    }

    /// Everything that the switch has sent.
    pub fn received_with_headers(&self) -> Vec<(VnetHeader, Vec<u8>)> {
        self.wire().out.drain(..).collect()
    }

    /// The same without headers.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.received_with_headers().into_iter().map(|(_, frame)| frame).collect()
    }

    /// Sends a frame to the switch.
    pub fn send(&self, frame: &[u8]) {
        self.send_as(VnetHeader::default(), frame);
    }

    /// Sends a frame with any header.
    pub fn send_as(&self, header: VnetHeader, frame: &[u8]) {
        self.wire().incoming.push_back((header, frame.to_vec()));
    }

    /// Takes only so many more frames.
    pub fn set_room(&self, frames: usize) {
        self.wire().room = frames;
    }

    /// The lane is surprisingly removed.
    pub fn vanish(&self) {
        self.wire().gone = true;
    }
}

struct Sink {
    far: FarEnd,
    features: Negotiated,
    put: Vec<(VnetHeader, Vec<u8>)>,
}

impl LaneSink for Sink {
    fn negotiated(&self) -> Negotiated {
        self.features
    }

    fn put(&mut self, header: &wire::VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        let mut frame = vec![0; payload.len()];
        assert_eq!(payload.copy_to(&mut frame), Some(frame.len()));
        self.put.push((VnetHeader::from_bytes(&header.to_bytes()), frame));
        Ok(())
    }

    fn flush(&mut self) -> Flushed {
        let (mut flushed, mut wire) = (Flushed::default(), self.far.wire());
        for frame in self.put.drain(..) {
            if wire.room == 0 || wire.gone {
                flushed.lost += 1;
                continue;
            }
            wire.room -= 1;
            flushed.sent.count(frame.1.len() as u32);
            wire.out.push_back(frame);
        }
        flushed
    }
}

struct Source {
    far: FarEnd,
    features: Negotiated,
    map: Arc<MemoryMap>,
    buffers: Vec<Window>,
    /// Lengths of what was read.
    read: Vec<u32>,
}

impl LaneSource for Source {
    fn receive(&mut self) -> Result<usize, LaneGone> {
        assert!(self.read.is_empty(), "what was read before was not released");
        let mut wire = self.far.wire();
        while self.read.len() < BUFFERS
            && let Some((header, frame)) = wire.incoming.pop_front()
        {
            let bytes = [&header.to_bytes()[..], &frame].concat();
            self.buffers[self.read.len()].write(0, &bytes);
            self.read.push(bytes.len() as u32);
        }
        if wire.gone && self.read.is_empty() { Err(LaneGone) } else { Ok(self.read.len()) }
    }

    fn memory(&self) -> &Arc<MemoryMap> {
        &self.map
    }

    fn frame(&self, number: usize) -> (u64, u32) {
        (self.buffers[number].gpa(), self.read[number])
    }

    fn release(&mut self) {
        self.read.clear();
    }

    fn negotiated(&self) -> Negotiated {
        self.features
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
