// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The format of what lanes leave that are no rings, version 1: JSON, in which descriptors are numbers of those that come with it.
//! Whoever reads it makes nothing of what he does not know: that lane is opened anew.

use super::BadEstate;
use crate::handover::hex;
use crate::lane::{BoundLegacy, LaneLegacy, RingLegacy};
use crate::store::format::parse;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use switch::{LaneSpec, PortPath};
use sys::packet::RingShape;

/// What each lane leaves, with what it was opened as: another lane makes nothing of it.
pub(crate) type LanesLeft = BTreeMap<PortPath, (LaneSpec, LaneLegacy)>;

#[derive(Serialize, Deserialize)]
struct LanesV1 {
    #[serde(default)]
    ports: BTreeMap<String, LaneV1>,
}

#[derive(Serialize, Deserialize)]
struct LaneV1 {
    /// Its words.
    lane: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound: Option<BoundV1>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ring: Option<RingV1>,
    /// In hexadecimal, as all that follows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    came: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct BoundV1 {
    fd: usize,
    device: u64,
    inode: u64,
}

/// Of a ring that a socket receives into: bytes of a block, blocks, bytes of a slot, slots; and the slot that comes next.
#[derive(Serialize, Deserialize)]
struct RingV1 {
    shape: [u32; 4],
    next: u32,
}

/// Writes what lanes leave, and lends their descriptors.
pub(crate) fn lanes_to_text(all: &LanesLeft) -> Result<(String, Vec<BorrowedFd<'_>>), BadEstate> {
    let mut fds = Vec::new();
    let mut ports = BTreeMap::new();
    for (port, (lane, left)) in all {
        let bound = left.bound.as_ref().map(|BoundLegacy { socket, file: (device, inode) }| {
            fds.push(socket.as_fd());
            BoundV1 { fd: fds.len() - 1, device: *device, inode: *inode }
        });
        let first = fds.len();
        fds.extend(left.others.iter().map(AsFd::as_fd));
        let (came, waiting) = (hex::encode(&left.came), left.waiting.iter().map(|message| hex::encode(message)));
        let others = (first..fds.len()).collect();
        let ring = left.ring.map(ring_said);
        let said = LaneV1 { lane: lane.to_string(), bound, others, ring, came, waiting: waiting.collect() };
        ports.insert(port.to_string(), said);
    }
    let text = serde_json::to_string(&LanesV1 { ports }).map_err(|why| BadEstate(why.to_string()))?;
    Ok((text, fds))
}

/// Reads what lanes have left, that came with these descriptors.
pub(crate) fn lanes_from_text(text: &str, fds: Vec<OwnedFd>) -> Result<LanesLeft, BadEstate> {
    let whole: LanesV1 = serde_json::from_str(text).map_err(|why| BadEstate(why.to_string()))?;
    let mut fds: Vec<_> = fds.into_iter().map(Some).collect();
    let mut one = |(port, said): (String, LaneV1)| {
        let path = parse("port", &port)?;
        let left = meant(&said, &mut fds).map_err(|why| format!("port {port}: {why}"))?;
        // A lane that is not known here is one of a weftd that is newer than this.
        Ok(said.lane.parse().ok().map(|lane| (path, (lane, left))))
    };
    whole.ports.into_iter().filter_map(|said| one(said).transpose()).collect::<Result<_, String>>().map_err(BadEstate)
}

fn meant(said: &LaneV1, fds: &mut [Option<OwnedFd>]) -> Result<LaneLegacy, String> {
    let mut take = |index: usize| {
        let fd = fds.get_mut(index).and_then(Option::take);
        fd.ok_or_else(|| format!("file descriptor {index} is not there, or named twice"))
    };
    let bytes = |text: &String| hex::decode(text).ok_or_else(|| "a frame is not in hexadecimal".to_owned());
    let bound = said
        .bound
        .as_ref()
        .map(|bound| Ok::<_, String>(BoundLegacy { socket: take(bound.fd)?, file: (bound.device, bound.inode) }));
    Ok(LaneLegacy {
        bound: bound.transpose()?,
        others: said.others.iter().map(|fd| take(*fd)).collect::<Result<_, _>>()?,
        ring: said.ring.as_ref().map(ring_meant),
        came: bytes(&said.came)?,
        waiting: said.waiting.iter().map(bytes).collect::<Result<_, _>>()?,
    })
}

fn ring_said(RingLegacy { shape, next }: RingLegacy) -> RingV1 {
    let RingShape { block_size, blocks, slot_size, slots } = shape;
    RingV1 { shape: [block_size, blocks, slot_size, slots], next }
}

/// Whether it is as the socket's is judged by whoever opens the lane.
fn ring_meant(RingV1 { shape, next }: &RingV1) -> RingLegacy {
    let [block_size, blocks, slot_size, slots] = *shape;
    RingLegacy { shape: RingShape { block_size, blocks, slot_size, slots }, next: *next }
}
