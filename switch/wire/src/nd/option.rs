// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The chain of options (RFC 4861 section 4.6), as octets and as what they say.

use core::mem;

use super::{Dnssl, NdError, Pref64, PrefixInfo, PvdOption, Rdnss, RouteInfo};
use crate::MacAddr;

/// Types of options (IANA "IPv6 Neighbor Discovery Option Formats").
pub mod kind {
    /// Source link-layer address (RFC 4861 section 4.6.1).
    pub const SOURCE_LINK_LAYER: u8 = 1;
    /// Target link-layer address (RFC 4861 section 4.6.1); of no meaning in the messages read here.
    pub const TARGET_LINK_LAYER: u8 = 2;
    /// Prefix information (RFC 4861 section 4.6.2).
    pub const PREFIX: u8 = 3;
    /// MTU (RFC 4861 section 4.6.4).
    pub const MTU: u8 = 5;
    /// Cryptographically generated address (RFC 3971 section 5.1).
    pub const CGA: u8 = 11;
    /// RSA signature (RFC 3971 section 5.2).
    pub const RSA_SIGNATURE: u8 = 12;
    /// Timestamp (RFC 3971 section 5.3.1).
    pub const TIMESTAMP: u8 = 13;
    /// Nonce (RFC 3971 section 5.3.2).
    pub const NONCE: u8 = 14;
    /// PvD ID router information, the PvD Option (RFC 8801 section 3.1).
    pub const PVD: u8 = 21;
    /// Route information (RFC 4191 section 2.3).
    pub const ROUTE: u8 = 24;
    /// Recursive DNS servers (RFC 8106 section 5.1).
    pub const RDNSS: u8 = 25;
    /// RA flags extension (RFC 5175 section 4).
    pub const FLAGS: u8 = 26;
    /// DNS search list (RFC 8106 section 5.2).
    pub const DNSSL: u8 = 31;
    /// Captive portal (RFC 8910 section 2.3).
    pub const CAPTIVE_PORTAL: u8 = 37;
    /// NAT64 prefix (RFC 8781 section 4).
    pub const PREF64: u8 = 38;
    /// Resolvers that are asked over TLS and the like (RFC 9463 section 6.1).
    pub const ENCRYPTED_DNS: u8 = 144;

    /// True for the options of Secure Neighbor Discovery.
    pub const fn is_send(kind: u8) -> bool {
        matches!(kind, CGA | RSA_SIGNATURE | TIMESTAMP | NONCE)
    }
}

/// Octets of the unit in which options count their lengths.
pub(super) const UNIT: usize = 8;

/// An option as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawOption<'a> {
    /// Its type, see [`kind`].
    pub kind: u8,
    /// All of it, type and length included: a multiple of 8 octets, and at least 8.
    pub bytes: &'a [u8],
}

impl<'a> RawOption<'a> {
    /// What it says.
    ///
    /// # Errors
    /// [`NdError`], of any kind but `Message`.
    pub fn parse(self) -> Result<NdOption<'a>, NdError> {
        Ok(match self.kind {
            kind::SOURCE_LINK_LAYER => NdOption::SourceLinkLayer(self.link_layer()?),
            kind::PREFIX => NdOption::Prefix(PrefixInfo::read(self)?),
            kind::ROUTE => NdOption::Route(RouteInfo::read(self)?),
            kind::MTU => NdOption::Mtu(self.mtu()?),
            kind::RDNSS => NdOption::Rdnss(Rdnss::read(self)?),
            kind::DNSSL => NdOption::Dnssl(Dnssl::read(self)?),
            kind::PREF64 => NdOption::Pref64(Pref64::read(self)?),
            kind::CAPTIVE_PORTAL => NdOption::CaptivePortal(self.uri()),
            kind::FLAGS => NdOption::Flags(self.flags()),
            kind::PVD => NdOption::Pvd(PvdOption::read(self)?),
            send if kind::is_send(send) => NdOption::Send(self),
            _ => NdOption::Unknown(self),
        })
    }

    /// All of it, when it has the one length that its type may have.
    pub(super) fn exactly<const LEN: usize>(self) -> Result<&'a [u8; LEN], NdError> {
        self.bytes.try_into().map_err(|_| NdError::OptionLength)
    }

    /// An Ethernet address, which always takes one unit (RFC 2464 section 6).
    fn link_layer(self) -> Result<MacAddr, NdError> {
        let &[_, _, ref mac @ ..] = self.exactly::<8>()?;
        Ok(MacAddr(*mac))
    }

    fn mtu(self) -> Result<u32, NdError> {
        let &[_, _, _, _, ref mtu @ ..] = self.exactly::<8>()?;
        Ok(u32::from_be_bytes(*mtu))
    }

    /// The URI without the zeros that fill its last unit (RFC 8910 section 2.3).
    fn uri(self) -> &'a [u8] {
        let padded = self.bytes.get(2..).unwrap_or_default();
        let end = padded.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
        &padded[..end]
    }

    /// The first 48 bits; a longer option has more of them that nobody knows (RFC 5175 section 4).
    fn flags(self) -> u64 {
        self.bytes.first_chunk::<UNIT>().map_or(0, |unit| u64::from_be_bytes(*unit) & 0xffff_ffff_ffff)
    }
}

/// Cuts a chain of options into its links. After an error there is no next one.
#[derive(Clone, Copy, Debug)]
pub struct RawOptions<'a> {
    rest: &'a [u8],
}

impl<'a> RawOptions<'a> {
    /// The options that `bytes` consist of.
    pub const fn new(bytes: &'a [u8]) -> RawOptions<'a> {
        RawOptions { rest: bytes }
    }
}

impl<'a> Iterator for RawOptions<'a> {
    type Item = Result<RawOption<'a>, NdError>;

    fn next(&mut self) -> Option<Result<RawOption<'a>, NdError>> {
        let rest = mem::take(&mut self.rest);
        let (kind, len) = match *rest {
            [] => return None,
            [_, 0, ..] => return Some(Err(NdError::ZeroLength)),
            [kind, units, ..] => (kind, usize::from(units) * UNIT),
            [_] => return Some(Err(NdError::Overrun)),
        };
        let cut = rest.split_at_checked(len).ok_or(NdError::Overrun);
        Some(cut.map(|(bytes, tail)| {
            self.rest = tail;
            RawOption { kind, bytes }
        }))
    }
}

impl core::iter::FusedIterator for RawOptions<'_> {}

/// What an option says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NdOption<'a> {
    /// The sender's Ethernet address.
    SourceLinkLayer(MacAddr),
    /// A prefix that is on the link, or that hosts make addresses of, or both.
    Prefix(PrefixInfo),
    /// A more specific route through the sender.
    Route(RouteInfo),
    /// The link's MTU in octets.
    Mtu(u32),
    /// Recursive DNS servers.
    Rdnss(Rdnss<'a>),
    /// A DNS search list.
    Dnssl(Dnssl<'a>),
    /// The prefix of a NAT64.
    Pref64(Pref64),
    /// The URI of the captive portal's API, as it came; without the padding.
    CaptivePortal(&'a [u8]),
    /// 48 more flags of the header; the first is the most significant of the 48. Only the first such option counts.
    Flags(u64),
    /// The PvD that everything in the message belongs to.
    Pvd(PvdOption<'a>),
    /// A part of Secure Neighbor Discovery.
    Send(RawOption<'a>),
    /// Any other.
    Unknown(RawOption<'a>),
}

impl NdOption<'_> {
    /// Its type, see [`kind`].
    pub fn kind(&self) -> u8 {
        match self {
            NdOption::SourceLinkLayer(_) => kind::SOURCE_LINK_LAYER,
            NdOption::Prefix(_) => kind::PREFIX,
            NdOption::Route(_) => kind::ROUTE,
            NdOption::Mtu(_) => kind::MTU,
            NdOption::Rdnss(_) => kind::RDNSS,
            NdOption::Dnssl(_) => kind::DNSSL,
            NdOption::Pref64(_) => kind::PREF64,
            NdOption::CaptivePortal(_) => kind::CAPTIVE_PORTAL,
            NdOption::Flags(_) => kind::FLAGS,
            NdOption::Pvd(_) => kind::PVD,
            NdOption::Send(raw) | NdOption::Unknown(raw) => raw.kind,
        }
    }
}

/// Reads a chain of options, one after the other, and steps over PvD Options that do not count.
///
/// After an error of the chain itself there is no next option; after an error of one option there is.
#[derive(Clone, Copy, Debug)]
pub struct NdOptions<'a> {
    raw: RawOptions<'a>,
    /// The next PvD Option counts.
    pvd: bool,
}

impl<'a> NdOptions<'a> {
    /// The options of a Router Advertisement.
    pub(super) const fn of_message(bytes: &'a [u8]) -> NdOptions<'a> {
        NdOptions { raw: RawOptions::new(bytes), pvd: true }
    }

    /// Options where no PvD Option may be.
    pub(super) const fn nested(bytes: &'a [u8]) -> NdOptions<'a> {
        NdOptions { raw: RawOptions::new(bytes), pvd: false }
    }
}

impl<'a> Iterator for NdOptions<'a> {
    type Item = Result<NdOption<'a>, NdError>;

    fn next(&mut self) -> Option<Result<NdOption<'a>, NdError>> {
        loop {
            let option = match self.raw.next()? {
                Ok(option) => option,
                Err(error) => return Some(Err(error)),
            };
            if option.kind != kind::PVD || mem::take(&mut self.pvd) {
                return Some(option.parse());
            }
        }
    }
}

impl core::iter::FusedIterator for NdOptions<'_> {}
