// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The fixed part of a Router Advertisement (RFC 4861 section 4.2), which a PvD Option may repeat.

use crate::icmp6::kind;

/// Bits of [`RaHeader::flags`] (IANA "IPv6 ND Router Advertisement flags").
pub mod ra_flag {
    /// M: addresses are available through DHCPv6 (RFC 4861 section 4.2).
    pub const MANAGED: u8 = 0x80;
    /// O: other configuration is available through DHCPv6 (RFC 4861 section 4.2).
    pub const OTHER: u8 = 0x40;
    /// H: the router is a Mobile IPv6 home agent (RFC 6275 section 7.1).
    pub const HOME_AGENT: u8 = 0x20;
    /// P: a proxy has relayed the message (RFC 4389).
    pub const PROXY: u8 = 0x04;
}

/// Bits of the octet behind the checksum of a Neighbor Advertisement (RFC 4861 section 4.4).
pub mod na_flag {
    /// R: the sender is a router.
    pub const ROUTER: u8 = 0x80;
    /// S: somebody has asked.
    pub const SOLICITED: u8 = 0x40;
    /// O: what is known otherwise is to be forgotten. Proxies and anycast addresses do not say so.
    pub const OVERRIDE: u8 = 0x20;
}

/// How a router, or a route through it, compares with others (RFC 4191 section 2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Preference {
    /// Below the default.
    Low,
    /// The default.
    #[default]
    Medium,
    /// Above the default.
    High,
}

impl Preference {
    /// Reads the two bits, which stand in the same place of a header and of a route. `None`: the reserved value.
    pub(super) const fn read(flags: u8) -> Option<Preference> {
        match flags >> 3 & 3 {
            0b00 => Some(Preference::Medium),
            0b01 => Some(Preference::High),
            0b11 => Some(Preference::Low),
            _ => None,
        }
    }

    /// The two bits in their place.
    pub(super) const fn bits(self) -> u8 {
        match self {
            Preference::Low => 0b11 << 3,
            Preference::Medium => 0,
            Preference::High => 0b01 << 3,
        }
    }
}

/// What a router says about itself and the link. Zero means "unspecified" in all numbers but the lifetime, and leaves
/// what is known as it is (RFC 4861 section 6.3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RaHeader {
    /// The hop limit that hosts should send with.
    pub hop_limit: u8,
    /// [`ra_flag`]s and the preference, as they are on the wire.
    pub flags: u8,
    /// Seconds for which the router is a default router; 0: it is none.
    pub lifetime: u16,
    /// Milliseconds for which a neighbour counts as reachable.
    pub reachable: u32,
    /// Milliseconds between two solicitations of a neighbour.
    pub retrans: u32,
}

impl RaHeader {
    /// Octets of the header, from the ICMPv6 type on.
    pub const LEN: usize = 16;

    /// Reads the header; type, code and checksum are the caller's.
    pub(super) const fn read(bytes: &[u8; RaHeader::LEN]) -> RaHeader {
        let &[_, _, _, _, hop_limit, flags, l0, l1, a0, a1, a2, a3, t0, t1, t2, t3] = bytes;
        RaHeader {
            hop_limit,
            flags,
            lifetime: u16::from_be_bytes([l0, l1]),
            reachable: u32::from_be_bytes([a0, a1, a2, a3]),
            retrans: u32::from_be_bytes([t0, t1, t2, t3]),
        }
    }

    /// The header on the wire, checksum zero: as a PvD Option has it (RFC 8801 section 3.1).
    pub fn to_bytes(self) -> [u8; RaHeader::LEN] {
        let ([l0, l1], [a0, a1, a2, a3]) = (self.lifetime.to_be_bytes(), self.reachable.to_be_bytes());
        let [t0, t1, t2, t3] = self.retrans.to_be_bytes();
        let advertisement = kind::ROUTER_ADVERTISEMENT;
        [advertisement, 0, 0, 0, self.hop_limit, self.flags, l0, l1, a0, a1, a2, a3, t0, t1, t2, t3]
    }

    /// True when one of these [`ra_flag`]s is set.
    pub const fn has(self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// The preference as default router. The reserved value reads as medium, and so does any value of a router that is
    /// no default router (RFC 4191 section 2.2).
    pub fn preference(self) -> Preference {
        match self.lifetime {
            0 => Preference::Medium,
            _ => Preference::read(self.flags).unwrap_or_default(),
        }
    }

    /// The same header with another preference.
    #[must_use]
    pub const fn with_preference(self, preference: Preference) -> RaHeader {
        RaHeader { flags: self.flags & !(3 << 3) | preference.bits(), ..self }
    }
}
