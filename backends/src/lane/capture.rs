// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Another lane, written down: each frame that goes in or comes out is appended to a capture file, up to a size.
//!
//! A frame is written as it crosses the lane, with checksums and segmentation left undone as they are there. Each queue and
//! direction gathers a burst in memory of its own, and appends it to the file as a whole. When the file is full, or cannot be
//! written any more, frames go on and the file ends there.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ctl::pcapng::{self, About, PACKET_OVERHEAD, Way};
use dataplane::limits::FRAME_MAX;
use dataplane::{DropReason, Flushed, LaneGone, LaneSink, LaneSource, Negotiated, Payload};
use rustix::fs::OFlags;
use sys::MemoryMap;
use wire::VnetHeader;

use super::error::LaneError;
use super::pool::read;
use super::{Opened, WITHIN};

/// Bytes that are gathered before they are written: some of the longest frames.
const GATHERED: usize = 4 * (FRAME_MAX + PACKET_OVERHEAD);

/// Writes what crosses `inner` to a new file at `path`, of at most `most` bytes.
///
/// # Errors
/// The file cannot be made.
pub(super) fn open(inner: Opened, path: &Path, most: u64) -> Result<Opened, LaneError> {
    let on = |why| WITHIN.on(&format!("capture file {}", path.display()), why);
    let log = Arc::new(Log(Mutex::new(Some((create(path).map_err(on)?, most)))));
    let mut start = Vec::new();
    pcapng::section(&mut start);
    pcapng::interface(&mut start, "lane");
    log.append(&start);
    let sink = |inner| {
        let frame = vec![0; FRAME_MAX];
        Box::new(Sink { inner, recorder: Recorder::new(&log, Way::Out), frame }) as Box<dyn LaneSink>
    };
    let source = |inner| {
        let whole = vec![0; VnetHeader::LEN + FRAME_MAX];
        Box::new(Source { inner, recorder: Recorder::new(&log, Way::In), whole }) as Box<dyn LaneSource>
    };
    let (sinks, sources) = (inner.sinks.into_iter().map(sink), inner.sources.into_iter().map(source));
    let opened = Opened { mtu: inner.mtu, ..Opened::none(inner.link) };
    Ok(Opened { sinks: sinks.collect(), sources: sources.collect(), ..opened })
}

/// Makes the file anew. What is there already and is no capture file is left as it is: it may be anybody's.
fn create(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(flags);
    let mut file = match options.clone().create_new(true).open(path) {
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => options.open(path)?,
        made => return made,
    };
    let mut magic = [0; 4];
    let ours = file.metadata()?.is_file()
        && (file.read_exact(&mut magic).is_ok() && u32::from_le_bytes(magic) == pcapng::SECTION);
    if !ours {
        return Err(io::Error::other("there is something else at that path; name another file"));
    }
    file.set_len(0)?;
    file.rewind()?;
    Ok(file)
}

/// The file, and how many bytes it may still get; `None` once it has ended.
struct Log(Mutex<Option<(File, u64)>>);

impl Log {
    /// Appends whole blocks, all or none.
    fn append(&self, blocks: &[u8]) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((file, left)) = open.as_mut() else { return };
        match left.checked_sub(blocks.len() as u64) {
            Some(after) if file.write_all(blocks).is_ok() => *left = after,
            _ => *open = None,
        }
    }
}

/// What gathers the frames of one queue in one direction.
struct Recorder {
    log: Arc<Log>,
    way: Way,
    blocks: Vec<u8>,
    /// Of the burst that is being gathered.
    micros: u64,
}

impl Recorder {
    fn new(log: &Arc<Log>, way: Way) -> Self {
        Self { log: Arc::clone(log), way, blocks: Vec::with_capacity(GATHERED), micros: 0 }
    }

    fn record(&mut self, frame: &[u8]) {
        if self.blocks.capacity() - self.blocks.len() < PACKET_OVERHEAD + frame.len() {
            self.end();
        }
        if self.blocks.is_empty() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        }
        let about =
            About { interface: 0, micros: self.micros, len: frame.len() as u32, way: Some(self.way), comment: "" };
        pcapng::packet(&mut self.blocks, &about, frame);
    }

    fn end(&mut self) {
        if !self.blocks.is_empty() {
            self.log.append(&self.blocks);
            self.blocks.clear();
        }
    }
}

struct Sink {
    inner: Box<dyn LaneSink>,
    recorder: Recorder,
    /// A frame on its way into the file.
    frame: Vec<u8>,
}

impl LaneSink for Sink {
    fn negotiated(&self) -> Negotiated {
        self.inner.negotiated()
    }

    fn put(&mut self, header: &VnetHeader, payload: &Payload<'_>) -> Result<(), DropReason> {
        self.inner.put(header, payload)?;
        if let Some(len) = payload.copy_to(&mut self.frame) {
            self.recorder.record(&self.frame[..len]);
        }
        Ok(())
    }

    fn set_spare(&mut self, spare: bool) {
        self.inner.set_spare(spare);
    }

    fn is_clear(&mut self) -> bool {
        self.inner.is_clear()
    }

    fn flush(&mut self) -> Flushed {
        self.recorder.end();
        self.inner.flush()
    }
}

struct Source {
    inner: Box<dyn LaneSource>,
    recorder: Recorder,
    /// A frame with its header, on its way into the file.
    whole: Vec<u8>,
}

impl LaneSource for Source {
    fn receive(&mut self) -> Result<usize, LaneGone> {
        let frames = self.inner.receive()?;
        for number in 0..frames {
            if let Some(len) = read(self.inner.memory(), self.inner.frame(number), &mut self.whole) {
                self.recorder.record(self.whole.get(VnetHeader::LEN..len).unwrap_or_default());
            }
        }
        self.recorder.end();
        Ok(frames)
    }

    fn memory(&self) -> &Arc<MemoryMap> {
        self.inner.memory()
    }

    fn frame(&self, number: usize) -> (u64, u32) {
        self.inner.frame(number)
    }

    fn release(&mut self) {
        self.inner.release();
    }

    fn negotiated(&self) -> Negotiated {
        self.inner.negotiated()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.inner.fd()
    }
}
