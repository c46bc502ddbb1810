// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Plays streams over a wire on a thread, while the test does things to the path.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Losses, Report, Still, Stream};

/// How often a thread without anything to send looks whether it shall end.
const GLANCE: Duration = Duration::from_millis(20);

/// Where frames go and come from.
pub trait Wire {
    /// Sends a frame, or loses it: never waits for long.
    fn send(&mut self, frame: &[u8]);
    /// The next frame, if one comes by this time.
    fn receive(&mut self, until: Instant) -> Option<Vec<u8>>;
}

/// Streams under way. They end with it.
#[derive(Debug)]
pub struct Traffic {
    streams: Arc<Mutex<Vec<Stream>>>,
    /// When it began, since 1970.
    began: Duration,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Traffic {
    /// Starts to play these streams over the wire.
    pub fn start(mut wire: impl Wire + Send + 'static, streams: Vec<Stream>) -> Traffic {
        let (streams, is_over) = (Arc::new(Mutex::new(streams)), Arc::new(AtomicBool::new(false)));
        let (playing, end) = (Arc::clone(&streams), Arc::clone(&is_over));
        let began = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
        let origin = Instant::now();
        let thread = thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let next = send_due(&mut wire, &playing, origin);
                if let Some(frame) = wire.receive(next) {
                    let now = origin.elapsed();
                    lock(&playing).iter_mut().any(|stream| stream.take(&frame, now));
                }
            }
        });
        Traffic { streams, began, is_over, thread: Some(thread) }
    }

    /// Changes something about the path between two requests. Gives, for each stream, the number of the first request that
    /// is sent afterwards.
    pub fn between<const N: usize>(&self, change: impl FnOnce()) -> [u64; N] {
        let streams = lock(&self.streams);
        change();
        std::array::from_fn(|index| streams[index].tally().sent())
    }

    /// How many requests of a stream were sent.
    pub fn sent(&self, index: usize) -> u64 {
        lock(&self.streams)[index].tally().sent()
    }

    /// How long after this time, since 1970, the first answer to a stream came.
    pub fn first_answer(&self, index: usize, after: Duration) -> Option<Duration> {
        let after = after.saturating_sub(self.began);
        lock(&self.streams)[index].tally().first_answer(after).map(|answered| answered - after)
    }

    /// What became of some requests of a stream so far.
    pub fn report(&self, index: usize, numbers: Range<u64>) -> Report {
        lock(&self.streams)[index].tally().report(numbers)
    }

    /// When those of some requests of a stream were sent that were lost, as seen from a guest that stood still at times since 1970.
    pub fn losses(&self, index: usize, numbers: Range<u64>, still: Still) -> Losses {
        let [from, until] = [still.from, still.until].map(|at| at.saturating_sub(self.began));
        lock(&self.streams)[index].tally().losses(numbers, Still { from, until })
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if ended.is_some_and(|ended| ended.is_err()) && !thread::panicking() {
            panic!("the thread with the traffic panicked");
        }
    }
}

/// Sends what is due; gives the time at which to look again.
fn send_due(wire: &mut impl Wire, streams: &Mutex<Vec<Stream>>, origin: Instant) -> Instant {
    let mut streams = lock(streams);
    for stream in streams.iter_mut() {
        // At most one each: a stream that is ever late must not keep answers from being received.
        if let Some(frame) = stream.poll(origin.elapsed()) {
            wire.send(&frame);
        }
    }
    let due = streams.iter().map(Stream::due).min();
    let glance = Instant::now() + GLANCE;
    due.map_or(glance, |due| glance.min(origin + due))
}

fn lock(streams: &Mutex<Vec<Stream>>) -> MutexGuard<'_, Vec<Stream>> {
    streams.lock().unwrap_or_else(PoisonError::into_inner)
}
