// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What may arrive, whatever the attacker rewrites and whenever: every property that the switch decides by is found in
//! the very bytes that it delivers.

use dataplane::DropReason;
use wire::ether::ethertype;
use wire::ip4::Ip4Header;
use wire::ip6::{Walk, walk};
use wire::segment::headers_len;
use wire::{EtherHeader, MacAddr, NdKind, nd_kind};

use crate::driver::VnetHeader;

/// Bytes of the longest frame without tags that the ports' MTU allows.
const LONGEST: usize = 1500 + 14;

/// Judges a frame of the attacker, whose own MAC is `from`, with the header before it. `offloads`: the receiver takes
/// frames with offloads.
///
/// # Panics
/// When the switch could not have decided to deliver it.
pub(super) fn judge(header: &VnetHeader, frame: &[u8], from: MacAddr, offloads: bool) {
    let vnet = wire::VnetHeader::from_bytes(&header.to_bytes());
    let ether = EtherHeader::parse(frame).expect("a frame");
    assert_eq!(ether.src, from, "the source MAC that was checked is the one that arrives");
    let kind = nd_kind(frame, &ether);
    assert!(!matches!(kind, NdKind::RouterAdvertisement | NdKind::Redirect), "a host speaks as a router: {frame:02x?}");
    assert_ne!(kind, NdKind::Unclassified, "nobody can tell what this is: {frame:02x?}");
    assert!(offloads || vnet.is_plain(), "{header:?} for a receiver without offloads");
    assert_eq!(vnet.check(frame.len()), Ok(()), "{header:?}, {} bytes", frame.len());
    let longest = LONGEST + 4 * ether.tags();
    if vnet.gso().is_some() {
        assert_eq!(headers_len(frame, frame.len(), &vnet), Ok(usize::from(vnet.hdr_len)), "{header:?}");
        let segment = usize::from(vnet.hdr_len) + usize::from(vnet.gso_size);
        assert!(segment.min(frame.len()) <= longest, "{header:?}: segments longer than the MTU");
        return;
    }
    assert!(frame.len() <= longest, "{} bytes are more than the MTU allows", frame.len());
    if vnet.needs_csum() {
        let field = usize::from(vnet.csum_start) + usize::from(vnet.csum_offset);
        assert!(field >= transport(frame, &ether) + 2, "{header:?}: a checksum among what was judged");
    }
}

/// Where what the packet carries begins.
fn transport(frame: &[u8], ether: &EtherHeader) -> usize {
    let packet = &frame[ether.l3..];
    ether.l3
        + match ether.ethertype {
            ethertype::IPV4 => Ip4Header::parse(packet).expect("an IPv4 header").len,
            ethertype::IPV6 => match walk(packet) {
                Walk::End(chain) => chain.offset,
                walk => panic!("{walk:?}"),
            },
            _ => 0,
        }
}

/// Judges what a receiver lost: segments that nobody would make, or more than its ring has room for.
///
/// # Panics
/// When it lost anything else.
pub(super) fn losses(drops: &[(DropReason, u64)]) {
    for (reason, count) in drops {
        let expected = matches!(reason, DropReason::OffloadFailed | DropReason::RingFull);
        assert!(expected, "a neighbour of the attacker lost {count} frames: {reason}");
    }
}
