// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where the frames of a source come from: the transmit ring of a guest, or a lane that is no ring.

use std::os::fd::BorrowedFd;

use sys::{Ring, RingFault};
use wire::VnetHeader;

use crate::burst::Burst;
use crate::features::Negotiated;
use crate::lane::{LaneGone, LaneSource};
use crate::lanes::Lane;
use crate::limits::BURST;
use crate::port::Port;
use crate::receive::{frame_len, receive};
use crate::stats::Delta;

/// See the module.
pub(crate) enum Intake {
    /// What the guest sends over its rings.
    Ring(Ring),
    /// What comes over the other lane.
    Lane(Box<dyn LaneSource>),
}

/// Nothing more comes in here until it is made anew.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Broken {
    Ring(RingFault),
    Lane,
}

impl Broken {
    /// Says so to whoever asks the port.
    pub(crate) fn tell(self, port: &Port) {
        match self {
            Self::Ring(fault) => port.set_fault(fault),
            Self::Lane => port.lanes().gone(),
        }
    }
}

impl Intake {
    pub(crate) fn lane(&self) -> Lane {
        match self {
            Self::Ring(_) => Lane::Synthetic,
            Self::Lane(_) => Lane::Vf,
        }
    }

    /// What its frames may leave undone; `port` is what the guest negotiated.
    pub(crate) fn negotiated(&self, port: Negotiated) -> Negotiated {
        match self {
            Self::Ring(_) => port,
            Self::Lane(lane) => lane.negotiated(),
        }
    }

    /// Takes up to a burst of frames.
    pub(crate) fn receive(&mut self, port: Negotiated, burst: &mut Burst, delta: &mut Delta) -> Result<(), Broken> {
        match self {
            Self::Ring(ring) => receive(ring, port.header_len(), burst, delta).map_err(Broken::Ring),
            Self::Lane(lane) => receive_lane(lane.as_mut(), burst, delta).map_err(|LaneGone| Broken::Lane),
        }
    }

    /// Gives back what was taken.
    pub(crate) fn finish(&mut self, burst: &Burst) {
        match self {
            Self::Ring(ring) => {
                for &head in burst.chains() {
                    ring.complete(head, 0);
                }
                ring.publish();
                ring.signal();
            }
            Self::Lane(lane) => lane.release(),
        }
    }

    /// What was found out only now.
    pub(crate) fn late_fault(&self) -> Option<Broken> {
        match self {
            Self::Ring(ring) => ring.late_fault().map(Broken::Ring),
            Self::Lane(_) => None,
        }
    }

    /// What is readable while there are frames.
    pub(crate) fn kick(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Ring(ring) => ring.kick(),
            Self::Lane(lane) => lane.fd(),
        }
    }

    /// Asks to be kicked. True: do not sleep, there is work. A lane's descriptor is readable for as long as there is.
    pub(crate) fn arm(&mut self) -> Result<bool, Broken> {
        match self {
            Self::Ring(ring) => ring.arm().map_err(Broken::Ring),
            Self::Lane(_) => Ok(false),
        }
    }

    /// Asks not to be kicked.
    pub(crate) fn disarm(&mut self) {
        if let Self::Ring(ring) = self {
            ring.disarm();
        }
    }

    /// Clears the kick. Reading the frames clears a lane's.
    pub(crate) fn drain_kick(&mut self) {
        if let Self::Ring(ring) = self {
            ring.drain_kick();
        }
    }

    /// Asks the processor for what [`Intake::receive`] reads first.
    pub(crate) fn ask_index(&self) {
        if let Self::Ring(ring) = self {
            ring.ask_index();
        }
    }
}

/// Stage 1 over a lane: as [`receive`], from buffers of the lane's own.
fn receive_lane(lane: &mut dyn LaneSource, burst: &mut Burst, delta: &mut Delta) -> Result<(), LaneGone> {
    burst.clear();
    let count = lane.receive()?.min(BURST);
    if count == 0 {
        return Ok(());
    }
    burst.segments.hold(lane.memory());
    for number in 0..count {
        burst.take(number as u16);
        let (address, bytes) = lane.frame(number);
        let (first, len) = (burst.segments.len(), frame_len(bytes, VnetHeader::LEN));
        match len {
            Ok(len) if burst.segments.append(address, bytes).is_ok() => burst.add(len, first),
            Ok(_) => delta.drops.add(crate::drops::DropReason::BadChain),
            Err(reason) => delta.drops.add(reason),
        }
        delta.traffic.count(bytes.saturating_sub(VnetHeader::LEN as u32));
    }
    while burst.without_head() > 0 {
        burst.copy_head(VnetHeader::LEN);
    }
    Ok(())
}
