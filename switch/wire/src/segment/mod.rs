// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Cuts a frame with segmentation offload (TSO, USO) into frames that fit the wire.
//!
//! For a receiver that has not negotiated what the sender has. Each segment gets the headers of the
//! frame, corrected, and the next `gso_size` octets of its payload:
//!
//! | field | rule |
//! |---|---|
//! | IPv4 total length, IPv6 payload length, UDP length | of the segment |
//! | IPv4 identification | the frame's own, plus one a segment |
//! | IPv4 header checksum, TCP or UDP checksum | complete |
//! | TCP sequence number | plus what the segments before carried (RFC 9293, section 3.4) |
//! | TCP FIN, PSH | on the last segment only |
//! | TCP CWR | on the first segment only (RFC 3168, section 6.1.2) |
//! | everything else, options and extension headers included | as in the frame |
//!
//! That rule for the identification is Linux's. It keeps segments of a frame apart where they may be
//! fragmented later, and is harmless where they may not (RFC 6864, section 4).
//!
//! Where the headers end follows from the headers alone ([`headers_len`], for who has only the
//! beginning of the frame): `hdr_len` is a guest's hint that has led other implementations out of
//! their buffers. The frame's end is that of the bytes given, for
//! drivers write what they like into the length fields of such a packet.

mod layout;
#[cfg(test)]
mod tests;

use core::fmt;
use core::iter::FusedIterator;

use crate::VnetHeader;
use crate::vnet::VnetError;
use layout::Layout;

/// Segments that a frame may be cut into.
///
/// Enough for a frame of 64 KiB at 256 octets a segment; Linux cuts a UDP frame into 128 at most, and
/// TCP's segments of so little are of no network that anybody runs. More is a guest that makes the
/// switch work: at one octet a segment, 64 KiB would become 3.5 MB.
pub const MAX_SEGMENTS: usize = 256;

/// Octets of all headers of a frame that can be segmented, Ethernet to TCP.
///
/// Two tags, IPv6 and the longest TCP header take 122, which leaves 134 for extension headers.
pub const MAX_HEADERS: usize = 256;

/// Octets of an IP packet that can be segmented.
pub const MAX_PACKET: usize = 65_535;

/// Why a frame cannot be segmented. It is to be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SegmentError {
    /// The virtio-net header contradicts itself or the frame's length.
    Vnet(VnetError),
    /// Nothing is to be segmented, or in a way that no guest is offered (UFO).
    Unsupported,
    /// The packet is longer than [`MAX_PACKET`].
    TooLong,
    /// The octets given end before the headers do, and the frame does not: more of them may help.
    Truncated,
    /// The IP or transport header is cut or impossible.
    Headers,
    /// The frame is no packet of the IP version to be segmented.
    IpVersion,
    /// The packet is a fragment.
    Fragment,
    /// The packet does not carry the transport protocol to be segmented.
    Protocol,
    /// `csum_start` does not point at the transport header.
    CsumStart,
    /// The headers are longer than [`MAX_HEADERS`].
    HeadersTooLong,
    /// There would be more than [`MAX_SEGMENTS`].
    TooManySegments,
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SegmentError::Vnet(error) => return error.fmt(f),
            SegmentError::Unsupported => "gso_type is not TCPV4, TCPV6 or UDP_L4",
            SegmentError::TooLong => "the packet is longer than 65535 octets",
            SegmentError::Truncated => "the headers do not end within the octets at hand",
            SegmentError::Headers => "the IP or transport header is cut or impossible",
            SegmentError::IpVersion => "gso_type and the packet's IP version differ",
            SegmentError::Fragment => "the packet is already a fragment",
            SegmentError::Protocol => "gso_type and the packet's transport protocol differ",
            SegmentError::CsumStart => "csum_start does not point at the transport header",
            SegmentError::HeadersTooLong => "the headers are longer than 256 octets",
            SegmentError::TooManySegments => "gso_size would make more than 256 segments",
        })
    }
}

impl core::error::Error for SegmentError {}

impl From<VnetError> for SegmentError {
    fn from(error: VnetError) -> SegmentError {
        SegmentError::Vnet(error)
    }
}

/// Octets of the headers, Ethernet to transport, of a frame that is to be segmented.
///
/// `head`: the first octets of a frame of `frame_len`, as many as are at hand, but [`ether::MAX_LEN`]
/// at least. What passes, the [`Segmenter`] takes too, unless it would become more than
/// [`MAX_SEGMENTS`].
///
/// [`ether::MAX_LEN`]: crate::ether::MAX_LEN
///
/// # Errors
/// The first thing wrong. [`SegmentError::Truncated`] alone may change with more octets.
pub fn headers_len(head: &[u8], frame_len: usize, vnet: &VnetHeader) -> Result<usize, SegmentError> {
    Layout::parse(head, frame_len, vnet).map(|layout| layout.headers_len)
}

/// The segments of a frame, in order. There is always at least one, even without payload.
#[derive(Clone, Debug)]
pub struct Segmenter<'a> {
    layout: Layout,
    headers: &'a [u8],
    payload: &'a [u8],
    gso_size: usize,
    /// Segments made so far; at most [`MAX_SEGMENTS`].
    made: usize,
    count: usize,
}

impl<'a> Segmenter<'a> {
    /// Checks `frame` (private memory: it is read more than once) and its virtio-net header.
    ///
    /// # Errors
    /// The first thing wrong with them. Afterwards nothing can fail.
    pub fn new(frame: &'a [u8], vnet: &VnetHeader) -> Result<Segmenter<'a>, SegmentError> {
        let layout = Layout::parse(frame, frame.len(), vnet)?;
        let (headers, payload) = frame.split_at_checked(layout.headers_len).ok_or(SegmentError::Headers)?;
        let gso_size = usize::from(vnet.gso_size);
        let count = payload.len().div_ceil(gso_size).max(1);
        if count > MAX_SEGMENTS {
            return Err(SegmentError::TooManySegments);
        }
        Ok(Segmenter { layout, headers, payload, gso_size, made: 0, count })
    }

    /// Octets of the longest segment that is still to come, headers included.
    pub fn longest(&self) -> usize {
        let sent = self.payload.len().min(self.made * self.gso_size);
        self.headers.len() + (self.payload.len() - sent).min(self.gso_size)
    }
}

impl<'a> Iterator for Segmenter<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        if self.made == self.count {
            return None;
        }
        let from = self.made * self.gso_size;
        let to = self.payload.len().min(from + self.gso_size);
        let place = Place { index: self.made, payload_before: from, last: self.made + 1 == self.count };
        let mut segment = Segment::new(self.headers, self.payload.get(from..to)?);
        self.layout.correct(&mut segment, place);
        self.made += 1;
        Some(segment)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.made;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Segmenter<'_> {}
impl FusedIterator for Segmenter<'_> {}

/// Where a segment stands among the others.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Number of segments before this one.
    index: usize,
    /// Octets of payload that those carry.
    payload_before: usize,
    /// No segment follows.
    last: bool,
}

/// One frame for the wire: no offload is left to do, its virtio-net header is all zero.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    head: [u8; MAX_HEADERS],
    head_len: usize,
    body: &'a [u8],
}

impl<'a> Segment<'a> {
    fn new(headers: &[u8], body: &'a [u8]) -> Segment<'a> {
        let head_len = headers.len().min(MAX_HEADERS);
        let mut head = [0; MAX_HEADERS];
        head[..head_len].copy_from_slice(&headers[..head_len]);
        Segment { head, head_len, body }
    }

    /// The headers, Ethernet to transport.
    pub fn head(&self) -> &[u8] {
        &self.head[..self.head_len]
    }

    /// The payload, which still lies in the frame.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Octets of the whole segment.
    pub fn frame_len(&self) -> usize {
        self.head_len + self.body.len()
    }

    /// Writes the whole segment to the start of `out`; `None`, and nothing written, when it does not
    /// fit. Otherwise its length.
    pub fn write_to(&self, out: &mut [u8]) -> Option<usize> {
        let out = out.get_mut(..self.frame_len())?;
        let (head, body) = out.split_at_mut(self.head_len);
        head.copy_from_slice(self.head());
        body.copy_from_slice(self.body);
        Some(self.frame_len())
    }
}
