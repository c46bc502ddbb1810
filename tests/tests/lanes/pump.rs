// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A switch that does nothing: what comes by one lane goes by another, both ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use backends::lane::Opened;
use dataplane::{LaneGone, LaneSink, LaneSource, Payload};
use wire::VnetHeader;

use crate::burst::{sleep, turn};

/// What has crossed the pump.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crossed {
    /// Frames whose checksum was still to be completed.
    pub(crate) unfinished: u64,
    /// Frames that were still to be segmented.
    pub(crate) large: u64,
}

/// Two lanes and the thread that moves frames between them.
pub(crate) struct Pump {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(Crossed, [Opened; 2])>,
}

impl Pump {
    /// Begins.
    pub(crate) fn start(lanes: [Opened; 2]) -> Pump {
        let stop = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&stop);
        Pump { stop, thread: thread::spawn(move || run(lanes, &end)) }
    }

    /// Ends, and gives the lanes back.
    pub(crate) fn stop(self) -> (Crossed, [Opened; 2]) {
        self.stop.store(true, Ordering::Release);
        self.thread.join().expect("the pump did not panic")
    }
}

/// Moves frames until it is told to stop, or a lane has gone.
fn run([mut one, mut other]: [Opened; 2], stop: &AtomicBool) -> (Crossed, [Opened; 2]) {
    let mut crossed = Crossed::default();
    while !stop.load(Ordering::Acquire) {
        let there = cross(&mut one.sources, &mut other.sinks, &mut crossed);
        let back = cross(&mut other.sources, &mut one.sinks, &mut crossed);
        match (there, back) {
            (Ok(0), Ok(0)) => {
                let sources = one.sources.iter().chain(&other.sources);
                sleep(&sources.map(|source| &**source as &dyn LaneSource).collect::<Vec<_>>());
            }
            (Ok(_), Ok(_)) => {}
            _ => break,
        }
    }
    (crossed, [one, other])
}

fn cross(
    sources: &mut [Box<dyn LaneSource>],
    sinks: &mut [Box<dyn LaneSink>],
    crossed: &mut Crossed,
) -> Result<usize, LaneGone> {
    let mut moved = 0;
    for (source, sink) in sources.iter_mut().zip(sinks) {
        let burst = turn(source.as_mut())?;
        moved += burst.len();
        for (header, frame) in burst {
            crossed.unfinished += u64::from(header.needs_csum());
            crossed.large += u64::from(header.gso().is_some());
            assert!(header.check(frame.len()).is_ok() && source.negotiated().may_send(&header), "{header:?}");
            assert!(VnetHeader::PLAIN == header.forwarded(1) || sink.negotiated().can_receive(&header));
            let _ = sink.put(&header.forwarded(1), &Payload::held(&frame, &[]));
        }
        sink.flush();
    }
    Ok(moved)
}
