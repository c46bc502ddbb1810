// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a virtio-net header claims about its frame, held against the frame's own headers.
//!
//! A checksum that is still to be completed is two bytes that somebody writes into the frame after it was judged: the
//! receiving guest, or the switch for it. Their place must therefore lie behind everything that judgement goes by.
//! Otherwise a host could have a Router Advertisement made of a harmless frame, or another's source MAC.

use wire::ether::ethertype;
use wire::ip4::Ip4Header;
use wire::ip6::{Chain, Walk, protocol, walk};
use wire::segment::headers_len;
use wire::{EtherHeader, SegmentError};

use crate::burst::Frame;
use crate::drops::DropReason;
use crate::features::Negotiated;

/// Below this an ethertype is the length of an 802.3 frame.
const ETHERTYPE_MIN: u16 = 0x0600;
/// Bytes of an ICMPv6 header that say what the message is: type and code.
const MEANING: usize = 2;
/// Bytes of a UDP header that say whose the message is: its ports.
const PORTS: usize = 4;

/// What was found about a frame whose offloads make sense.
#[derive(Clone, Copy)]
pub(crate) struct Claims {
    /// Bytes of all headers of a frame that is to be segmented, else 0. The guest's own figure is a hint that has led
    /// others astray: ours is handed on.
    hdr_len: u16,
    /// Bytes of the longest frame that this one becomes.
    longest: u32,
    tags: usize,
}

impl Claims {
    /// Notes it in the frame.
    pub(crate) fn note(self, frame: &mut Frame) {
        frame.vnet.hdr_len = self.hdr_len;
        frame.note_longest(self.longest, self.tags);
    }
}

/// Checks the offloads that a frame asks for by its head, and notes how long the packets are that it will become.
///
/// # Errors
/// As [`judge`].
pub(crate) fn check(frame: &mut Frame, negotiated: Negotiated) -> Result<(), DropReason> {
    if frame.vnet.is_plain() {
        frame.note_longest(frame.len, frame.ether().tags());
    } else {
        judge(frame, frame.head(), negotiated)?.note(frame);
    }
    Ok(())
}

/// Judges the offloads that a frame asks for by `bytes`, its private copy.
///
/// # Errors
/// [`DropReason::Unclassifiable`]: the headers do not end within `bytes`; more of them may help.
#[inline(never)]
pub(crate) fn judge(frame: &Frame, bytes: &[u8], negotiated: Negotiated) -> Result<Claims, DropReason> {
    let (vnet, len, ether) = (frame.vnet, frame.len as usize, frame.ether());
    if vnet.check(len).is_err() || !negotiated.may_send(&vnet) {
        return Err(DropReason::BadOffload);
    }
    if vnet.gso().is_some() {
        let headers = headers_len(bytes, len, &vnet).map_err(objection)?;
        let longest = frame.len.min(headers as u32 + u32::from(vnet.gso_size));
        return Ok(Claims { hdr_len: headers as u16, longest, tags: ether.tags() });
    }
    // What passed the check and is not to be segmented has a checksum to complete.
    let field = usize::from(vnet.csum_start) + usize::from(vnet.csum_offset);
    let (start, meaning) = transport(bytes, &ether)?;
    if usize::from(vnet.csum_start) < start || field < start + meaning {
        return Err(DropReason::BadOffload);
    }
    Ok(Claims { hdr_len: 0, longest: frame.len, tags: ether.tags() })
}

fn objection(error: SegmentError) -> DropReason {
    if error == SegmentError::Truncated { DropReason::Unclassifiable } else { DropReason::BadOffload }
}

/// Where in the frame what the packet carries begins, and how many bytes of that tell what it is.
fn transport(bytes: &[u8], ether: &EtherHeader) -> Result<(usize, usize), DropReason> {
    let packet = bytes.get(ether.l3..).unwrap_or_default();
    let (offset, meaning) = match ether.ethertype {
        ethertype::IPV4 => (Ip4Header::parse(packet).ok_or(DropReason::BadOffload)?.len, MEANING),
        ethertype::IPV6 => match walk(packet) {
            Walk::End(Chain { protocol: protocol::UDP, offset, .. }) => (offset, PORTS),
            Walk::End(chain) => (chain.offset, MEANING),
            Walk::Truncated => return Err(DropReason::Unclassifiable),
            Walk::NotIp6 => return Err(DropReason::BadOffload),
        },
        // LLC may hide an ethertype behind it, and nobody offloads a checksum in there.
        0..ETHERTYPE_MIN => return Err(DropReason::BadOffload),
        _ => (0, MEANING),
    };
    Ok((ether.l3 + offset, meaning))
}
