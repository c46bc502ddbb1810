// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The two messages, from their ICMPv6 type on.

use super::option::{NdOption, NdOptions, RawOptions, kind};
use super::{NdError, PvdOption, RaHeader};
use crate::MacAddr;
use crate::icmp6;

/// A Router Advertisement (RFC 4861 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterAdvert<'a> {
    /// What is said before all options.
    pub header: RaHeader,
    /// The options' octets.
    pub options: &'a [u8],
}

impl<'a> RouterAdvert<'a> {
    /// Reads an ICMPv6 message; code and checksum are not looked at, nor are the options.
    ///
    /// # Errors
    /// [`NdError::Message`].
    pub fn parse(message: &'a [u8]) -> Result<RouterAdvert<'a>, NdError> {
        let (header, options) = message.split_first_chunk::<{ RaHeader::LEN }>().ok_or(NdError::Message)?;
        if header[0] != icmp6::kind::ROUTER_ADVERTISEMENT {
            return Err(NdError::Message);
        }
        Ok(RouterAdvert { header: RaHeader::read(header), options })
    }

    /// The options, in their order, the first PvD Option among them.
    pub fn options(&self) -> NdOptions<'a> {
        NdOptions::of_message(self.options)
    }

    /// The options as they are, every PvD Option among them.
    pub fn raw_options(&self) -> RawOptions<'a> {
        RawOptions::new(self.options)
    }

    /// The PvD that everything in the message belongs to; `None`: the implicit one of its sender (RFC 8801 section 3.4).
    ///
    /// # Errors
    /// The first that [`NdError::discards_message`].
    pub fn pvd(&self) -> Result<Option<PvdOption<'a>>, NdError> {
        let mut first = None;
        for option in self.raw_options() {
            let option = option?;
            if option.kind == kind::PVD && first.is_none() {
                first = Some(PvdOption::read(option)?);
            }
        }
        Ok(first)
    }

    /// Whether the message may be used at all, as far as its options decide that (RFC 4861 section 6.1.2).
    ///
    /// # Errors
    /// The first that [`NdError::discards_message`].
    pub fn check(&self) -> Result<(), NdError> {
        self.pvd().map(drop)
    }

    /// True when an option of Secure Neighbor Discovery (RFC 3971) is there. Such a message must not be changed: its
    /// signature would be wrong.
    pub fn is_signed(&self) -> bool {
        self.raw_options().flatten().any(|option| kind::is_send(option.kind))
    }
}

/// A Router Solicitation (RFC 4861 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterSolicit<'a> {
    /// The options' octets.
    pub options: &'a [u8],
}

impl<'a> RouterSolicit<'a> {
    /// Octets before the options.
    pub const LEN: usize = 8;

    /// Reads an ICMPv6 message; code and checksum are not looked at, nor are the options.
    ///
    /// # Errors
    /// [`NdError::Message`].
    pub fn parse(message: &'a [u8]) -> Result<RouterSolicit<'a>, NdError> {
        match message.split_first_chunk::<{ RouterSolicit::LEN }>() {
            Some(([icmp6::kind::ROUTER_SOLICITATION, ..], options)) => Ok(RouterSolicit { options }),
            _ => Err(NdError::Message),
        }
    }

    /// The options, in their order; a PvD Option is none that a host may send, and is stepped over.
    pub fn options(&self) -> NdOptions<'a> {
        NdOptions::nested(self.options)
    }

    /// Whether the message may be used at all, as far as its options decide that (RFC 4861 section 6.1.1).
    ///
    /// # Errors
    /// The first that [`NdError::discards_message`].
    pub fn check(&self) -> Result<(), NdError> {
        RawOptions::new(self.options).try_for_each(|option| option.map(drop))
    }

    /// Where the answer may be sent to on the link, when the host says so.
    pub fn source_link_layer(&self) -> Option<MacAddr> {
        self.options().flatten().find_map(|option| match option {
            NdOption::SourceLinkLayer(mac) => Some(mac),
            _ => None,
        })
    }
}
