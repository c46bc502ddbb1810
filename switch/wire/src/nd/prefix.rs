// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Options that tell a prefix: of the link, of a route, of a NAT64.

use core::net::Ipv6Addr;

use super::option::RawOption;
use super::{NdError, Preference};

/// Bits of [`PrefixInfo::flags`] (IANA "IPv6 Neighbor Discovery Prefix Information Option Flags").
pub mod pio_flag {
    /// L: the prefix is on the link (RFC 4861 section 4.6.2).
    pub const ON_LINK: u8 = 0x80;
    /// A: hosts may make addresses of it (RFC 4862 section 5.5).
    pub const AUTONOMOUS: u8 = 0x40;
    /// R: the field holds an address of the router, the prefix being its beginning (RFC 6275 section 7.2).
    pub const ROUTER_ADDRESS: u8 = 0x20;
    /// P: hosts should rather ask DHCPv6 for a prefix of their own (RFC 9762).
    pub const DELEGATION: u8 = 0x10;
}

/// Prefix information (RFC 4861 section 4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PrefixInfo {
    /// The prefix, zeros behind its length: what else may stand there is no part of it.
    pub prefix: Ipv6Addr,
    /// Its bits, at most 128.
    pub prefix_len: u8,
    /// [`pio_flag`]s, as they are on the wire.
    pub flags: u8,
    /// Seconds for which it is valid; all ones: for ever.
    pub valid: u32,
    /// Seconds for which addresses made of it are preferred; all ones: for ever.
    pub preferred: u32,
}

impl PrefixInfo {
    pub(super) fn read(option: RawOption<'_>) -> Result<PrefixInfo, NdError> {
        let &[_, _, prefix_len, flags, v0, v1, v2, v3, p0, p1, p2, p3, _, _, _, _, ref prefix @ ..] =
            option.exactly::<32>()?;
        if prefix_len > 128 {
            return Err(NdError::PrefixLength);
        }
        Ok(PrefixInfo {
            prefix: masked(*prefix, prefix_len),
            prefix_len,
            flags,
            valid: u32::from_be_bytes([v0, v1, v2, v3]),
            preferred: u32::from_be_bytes([p0, p1, p2, p3]),
        })
    }

    /// True when one of these [`pio_flag`]s is set.
    pub const fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }
}

/// Route information (RFC 4191 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RouteInfo {
    /// The destinations, zeros behind the length.
    pub prefix: Ipv6Addr,
    /// Bits of the prefix, at most 128; 0 is the default route.
    pub prefix_len: u8,
    /// How it compares with the same route through another router.
    pub preference: Preference,
    /// Seconds for which it is valid; all ones: for ever.
    pub lifetime: u32,
}

impl RouteInfo {
    /// The prefix may be cut behind its last bit, at 0, 8 or 16 octets.
    pub(super) fn read(option: RawOption<'_>) -> Result<RouteInfo, NdError> {
        let (head, octets) = option.bytes.split_first_chunk::<8>().ok_or(NdError::OptionLength)?;
        let &[_, _, prefix_len, flags, l0, l1, l2, l3] = head;
        let mut prefix = [0; 16];
        prefix.get_mut(..octets.len()).ok_or(NdError::OptionLength)?.copy_from_slice(octets);
        if usize::from(prefix_len) > octets.len() * 8 {
            return Err(NdError::PrefixLength);
        }
        Ok(RouteInfo {
            prefix: masked(prefix, prefix_len),
            prefix_len,
            preference: Preference::read(flags).ok_or(NdError::Preference)?,
            lifetime: u32::from_be_bytes([l0, l1, l2, l3]),
        })
    }
}

/// The prefix from which hosts make IPv6 addresses of IPv4 ones (RFC 8781 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pref64 {
    /// The prefix, zeros behind its length.
    pub prefix: Ipv6Addr,
    /// Its bits: 96, 64, 56, 48, 40 or 32.
    pub prefix_len: u8,
    /// Seconds for which it is valid, a multiple of 8; 0: no longer.
    pub lifetime: u16,
}

/// Lengths of NAT64 prefixes, each at its code (RFC 8781 section 4).
pub(super) const PREF64_LENGTHS: [u8; 6] = [96, 64, 56, 48, 40, 32];

impl Pref64 {
    pub(super) fn read(option: RawOption<'_>) -> Result<Pref64, NdError> {
        let &[_, _, l0, l1, ref highest @ ..] = option.exactly::<16>()?;
        let scaled = u16::from_be_bytes([l0, l1]);
        let code = usize::from(scaled & 7);
        let prefix_len = *PREF64_LENGTHS.get(code).ok_or(NdError::LengthCode)?;
        let mut prefix = [0; 16];
        prefix[..12].copy_from_slice(highest);
        // The lifetime counts eights and stands above three bits, so it is in place once these are gone.
        Ok(Pref64 { prefix: masked(prefix, prefix_len), prefix_len, lifetime: scaled & !7 })
    }
}

/// `prefix` with zeros behind its first `len` bits.
pub(super) fn masked(prefix: [u8; 16], len: u8) -> Ipv6Addr {
    let bits = u128::MAX.checked_shl(128u32.saturating_sub(u32::from(len))).unwrap_or(0);
    Ipv6Addr::from_bits(u128::from_be_bytes(prefix) & bits)
}
