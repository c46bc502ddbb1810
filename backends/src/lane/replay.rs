// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A lane that brings the frames of a capture file, each once, as fast as they are taken. What goes in is counted.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use dataplane::{LaneGone, LaneSource, Negotiated};
use rustix::event::{EventfdFlags, eventfd};
use sys::MemoryMap;

use super::error::LaneError;
use super::link::{Link, LinkState};
use super::pool::Pool;
use super::{Opened, WITHIN, null};

/// Bytes of a file at most: all of it is kept.
const FILE_MAX: u64 = 64 << 20;
/// What a file of the first kind begins with: microseconds or nanoseconds, in either order of bytes (libpcap).
const PCAP: [u32; 2] = [0xa1b2_c3d4, 0xa1b2_3c4d];
/// What a section of the second kind begins with, and what tells its order of bytes (draft-ietf-opsawg-pcapng).
const SECTION: u32 = 0x0a0d_0d0a;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Types of blocks that have a packet: enhanced, and simple.
const ENHANCED: u32 = 6;
const SIMPLE: u32 = 3;

/// Opens the file.
///
/// # Errors
/// It is not there, is too large, or is no capture file.
pub(super) fn open(path: &Path) -> Result<Opened, LaneError> {
    let what = format!("capture file {}", path.display());
    let on = |why| WITHIN.on(&what, why);
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(FILE_MAX + 1).read_to_end(&mut bytes)).map_err(on)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(LaneError::Described { what, why: "is too large: it may have 64 MiB" });
    }
    let Some(frames) = frames(&bytes) else {
        return Err(LaneError::Described { what, why: "is none: write pcap or pcapng" });
    };
    let bell = eventfd(1, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(|why| on(why.into()))?;
    let link = Arc::new(Link::new(LinkState::Up));
    let source = Source { link: Arc::clone(&link), bytes, frames, next: 0, bell, pool: Pool::new().map_err(on)? };
    Ok(Opened::single(null::sink(&link), Box::new(source), link))
}

/// Where the frames of a file lie in it; `None`: it is no capture file. What is cut off at its end is left out.
fn frames(bytes: &[u8]) -> Option<Vec<Range<usize>>> {
    let first = word(bytes, 0, false)?;
    if first == SECTION {
        return Some(blocks(bytes));
    }
    let swapped = PCAP.contains(&first.swap_bytes());
    (swapped || PCAP.contains(&first)).then(|| records(bytes, swapped))
}

/// The frames of a file of records.
fn records(bytes: &[u8], swapped: bool) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 24);
    while let Some(len) = word(bytes, at + 8, swapped) {
        let frame = at + 16..(at + 16).saturating_add(len as usize);
        at = frame.end;
        found.extend(Some(frame).filter(|frame| frame.end <= bytes.len()));
    }
    found
}

/// The frames of a file of blocks.
fn blocks(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut at, mut swapped) = (Vec::new(), 0, false);
    while let Some(kind) = word(bytes, at, swapped) {
        if kind == SECTION {
            swapped = word(bytes, at + 8, false) != Some(BYTE_ORDER);
        }
        let Some(len) = word(bytes, at + 4, swapped).filter(|len| *len >= 12) else { break };
        let end = at.saturating_add(len as usize);
        let (start, stored) = match kind {
            ENHANCED => (at + 28, word(bytes, at + 20, swapped)),
            SIMPLE => (at + 12, word(bytes, at + 8, swapped)),
            _ => (at, None),
        };
        let frame = stored.map(|stored| start..start.saturating_add(stored as usize));
        found.extend(frame.filter(|frame| frame.end <= end && end <= bytes.len()));
        at = end;
    }
    found
}

/// The word at `at`.
fn word(bytes: &[u8], at: usize, swapped: bool) -> Option<u32> {
    let word = u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    Some(if swapped { word.swap_bytes() } else { word })
}

struct Source {
    link: Arc<Link>,
    bytes: Vec<u8>,
    frames: Vec<Range<usize>>,
    next: usize,
    /// Rung until the last frame was taken.
    bell: OwnedFd,
    pool: Pool,
}

impl LaneSource for Source {
    fn receive(&mut self) -> Result<usize, LaneGone> {
        self.pool.clear();
        while self.pool.has_room() {
            let Some(frame) = self.frames.get(self.next) else {
                // It was rung once.
                let _ = rustix::io::read(&self.bell, &mut [0; 8]);
                break;
            };
            self.next += 1;
            if !self.pool.put(self.bytes.get(frame.clone()).unwrap_or_default()) {
                self.link.malformed.add(1);
            }
        }
        self.link.received.add(self.pool.len() as u64);
        Ok(self.pool.len())
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
        Negotiated(0)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.bell.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ctl::pcapng::{self, About};
    use proptest::prelude::*;

    /// A file of blocks in which this is all there is.
    fn written(packets: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        pcapng::section(&mut out);
        pcapng::interface(&mut out, "eth0");
        for packet in packets {
            let about = About { interface: 0, micros: 7, len: packet.len() as u32, way: None, comment: "hello" };
            pcapng::packet(&mut out, &about, packet);
        }
        out
    }

    /// The same as a file of records, in this order of bytes.
    fn recorded(packets: &[&[u8]], word: fn(u32) -> [u8; 4]) -> Vec<u8> {
        let mut out: Vec<u8> = [PCAP[0], 0x0004_0002, 0, 0, 65535, 1].into_iter().flat_map(word).collect();
        for packet in packets {
            let len = packet.len() as u32;
            out.extend([1, 2, len, len].into_iter().flat_map(word));
            out.extend(*packet);
        }
        out
    }

    fn read(bytes: &[u8]) -> Vec<&[u8]> {
        frames(bytes).unwrap().into_iter().map(|frame| &bytes[frame]).collect()
    }

    #[test]
    fn both_kinds_are_read_in_both_orders_up_to_where_they_were_cut() {
        let packets: [&[u8]; 3] = [&[1; 60], &[2; 61], &[]];
        let blocks = written(&packets);
        for bytes in [recorded(&packets, u32::to_le_bytes), recorded(&packets, u32::to_be_bytes), blocks.clone()] {
            assert_eq!(read(&bytes), packets);
        }
        assert_eq!(read(&blocks[..blocks.len() - 80]), packets[..1]);
        assert!(frames(b"").is_none() && frames(b"#!/bin/sh\n").is_none());
    }

    proptest! {
        #[test]
        fn whatever_a_file_says_no_frame_lies_outside_it(mut bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0..3) {
            let start = match kind {
                0 => written(&[]),
                1 => recorded(&[], u32::to_le_bytes),
                _ => recorded(&[], u32::to_be_bytes),
            };
            bytes.splice(..0, start);
            prop_assert!(frames(&bytes).unwrap().iter().all(|frame| bytes.get(frame.clone()).is_some()));
        }
    }
}
