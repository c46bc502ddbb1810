// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The test as a switch: both lanes of one guest, a frame a datagram, steered by hand.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use qemu::Attach;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tests::stream::Wire;

/// Longest frame of a NIC without segmentation.
const FRAME_MAX: usize = 2048;

/// Frames that may wait for a lane.
const WAITING_MAX: usize = 8192;

/// The two ways to the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Synthetic,
    Vf,
}

pub(crate) use Lane::{Synthetic, Vf};

/// Where frames go, and what came from where. Shared with the thread that has the sockets.
#[derive(Debug, Default)]
pub(crate) struct Steering {
    open: [AtomicBool; 2],
    heard: [AtomicU64; 2],
}

impl Steering {
    /// Sends every frame over each of these lanes from now on; over none means to hold them until there is one.
    pub(crate) fn set(&self, lanes: &[Lane]) {
        for lane in [Synthetic, Vf] {
            self.open[lane as usize].store(lanes.contains(&lane), Ordering::Relaxed);
        }
    }

    /// Frames that came over a lane so far.
    pub(crate) fn heard(&self, lane: Lane) -> u64 {
        self.heard[lane as usize].load(Ordering::Relaxed)
    }
}

/// The sockets.
#[derive(Debug)]
pub(crate) struct Lanes {
    sockets: [UnixDatagram; 2],
    guest: [PathBuf; 2],
    steering: Arc<Steering>,
    /// While no lane is open.
    held: VecDeque<Vec<u8>>,
    /// By lane, for a virtio ring would have room for them where a socket has not.
    waiting: [VecDeque<Vec<u8>>; 2],
}

impl Lanes {
    /// Makes the switch's ends of both lanes in a folder.
    pub(crate) fn open(folder: &Path) -> (Lanes, Arc<Steering>) {
        let socket = |lane| {
            let socket = UnixDatagram::bind(path(folder, lane, "switch")).expect("a fresh folder");
            socket.set_nonblocking(true).expect("a socket");
            socket
        };
        let steering = Arc::new(Steering::default());
        let lanes = Lanes {
            sockets: [Synthetic, Vf].map(socket),
            guest: [Synthetic, Vf].map(|lane| path(folder, lane, "guest")),
            steering: Arc::clone(&steering),
            held: VecDeque::new(),
            waiting: Default::default(),
        };
        (lanes, steering)
    }

    /// Sends a frame over the lanes that are open.
    fn put(&mut self, frame: &[u8], open: [bool; 2]) {
        for lane in [Synthetic, Vf].into_iter().filter(|lane| open[*lane as usize]) {
            self.waiting[lane as usize].push_back(frame.to_vec());
            assert!(self.waiting[lane as usize].len() < WAITING_MAX, "the guest takes nothing over {lane:?}");
        }
        self.flush();
        if open == [true; 2] {
            // A VF that nobody drives yet must not be found full of frames that came by the other lane.
            self.waiting[Vf as usize].clear();
        }
    }

    /// Sends what waits for room, in order, as far as there is room.
    fn flush(&mut self) {
        for ((socket, guest), waiting) in self.sockets.iter().zip(&self.guest).zip(&mut self.waiting) {
            while waiting.front().is_some_and(|frame| is_taken(socket.send_to(frame, guest), guest)) {
                waiting.pop_front();
            }
        }
    }

    fn heard(&self) -> Option<Vec<u8>> {
        let mut frame = vec![0; FRAME_MAX];
        for (socket, heard) in self.sockets.iter().zip(&self.steering.heard) {
            if let Ok(len) = socket.recv(&mut frame) {
                heard.fetch_add(1, Ordering::Relaxed);
                frame.truncate(len);
                return Some(frame);
            }
        }
        None
    }
}

/// The guest's end of a lane.
pub(crate) fn attach(folder: &Path, lane: Lane) -> Attach {
    Attach::Dgram { local: path(folder, lane, "guest"), remote: path(folder, lane, "switch") }
}

fn path(folder: &Path, lane: Lane, end: &str) -> PathBuf {
    folder.join(format!("{lane:?}.{end}"))
}

impl Wire for Lanes {
    fn send(&mut self, frame: &[u8]) {
        self.held.push_back(frame.to_vec());
        let open = self.steering.open.each_ref().map(|open| open.load(Ordering::Relaxed));
        if open == [false; 2] {
            return;
        }
        while let Some(frame) = self.held.pop_front() {
            self.put(&frame, open);
        }
    }

    fn receive(&mut self, until: Instant) -> Option<Vec<u8>> {
        loop {
            self.flush();
            let heard = self.heard();
            let left = until.saturating_duration_since(Instant::now());
            if heard.is_some() || left.is_zero() {
                return heard;
            }
            let mut fds = self.sockets.each_ref().map(|socket| PollFd::new(socket, PollFlags::IN));
            let left = Timespec::try_from(left).expect("a short time fits a timespec");
            // Interrupted or not: it is looked at again.
            let _ = poll(&mut fds, Some(&left));
        }
    }
}

/// False when the lane is full. What is sent where nobody is plugged in is taken, and lost.
fn is_taken(sent: io::Result<usize>, guest: &Path) -> bool {
    match sent.map_err(|why| why.kind()) {
        Err(ErrorKind::WouldBlock) => false,
        Ok(_) | Err(ErrorKind::NotFound | ErrorKind::ConnectionRefused) => true,
        Err(why) => panic!("{}: {why}", guest.display()),
    }
}
