// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The PvD Option (RFC 8801 section 3.1).
//!
//! ```text
//!  0: 21 | length | H L R, 9 reserved bits, 4 bits of delay
//!  4: sequence number
//!  6: identifier, labels up to the closing zero; then zeros up to a multiple of 8
//!   : 16 octets of header, when R
//!   : options
//! ```

use super::option::{NdOptions, RawOption, RawOptions, UNIT};
use super::{NdError, RaHeader};
use crate::name::NameRef;

/// H: there is additional information to be had over HTTPS.
const HTTP: u16 = 0x8000;
/// L: DHCPv4 of this link belongs to the PvD.
const LEGACY: u16 = 0x4000;
/// R: a header is inside.
const HEADER: u16 = 0x2000;
const DELAY: u16 = 0x000f;
/// Octets before the identifier.
const NAME_AT: usize = 6;

/// Which PvD a Router Advertisement belongs to, and what it says to hosts that know of PvDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PvdOption<'a> {
    /// H flag: `https://<name>/.well-known/pvd` has more. Without it delay and sequence mean nothing.
    pub http: bool,
    /// L flag: what DHCPv4 tells on this link belongs to this PvD.
    pub legacy: bool,
    /// Exponent of the time over which hosts spread their requests, at most 15 (RFC 8801 section 4.1).
    pub delay: u8,
    /// Changes when the additional information does.
    pub sequence: u16,
    /// The identifier.
    pub name: NameRef<'a>,
    /// R flag: this header counts instead of the message's own (RFC 8801 section 3.4).
    pub header: Option<RaHeader>,
    /// The octets of the options inside, a sound chain.
    pub nested: &'a [u8],
}

impl<'a> PvdOption<'a> {
    /// One without flags: a name, and what belongs to it.
    pub fn new(name: NameRef<'a>, nested: &'a [u8]) -> PvdOption<'a> {
        PvdOption { http: false, legacy: false, delay: 0, sequence: 0, name, header: None, nested }
    }

    /// The options inside, in their order. PvD Options do not count there.
    pub fn options(&self) -> NdOptions<'a> {
        NdOptions::nested(self.nested)
    }

    /// The options inside as they are.
    pub fn raw_options(&self) -> RawOptions<'a> {
        RawOptions::new(self.nested)
    }

    /// The flags on the wire, reserved bits clear; `None` when the delay is too large for them.
    pub(super) fn flags(&self) -> Option<u16> {
        let flag = |set: bool, bit| if set { bit } else { 0 };
        let flags = flag(self.http, HTTP) | flag(self.legacy, LEGACY) | flag(self.header.is_some(), HEADER);
        let delay = u16::from(self.delay);
        (delay <= DELAY).then_some(flags | delay)
    }

    /// Reserved bits and padding are the sender's to clear and nobody's to look at, and so are type, code and checksum
    /// of the header inside.
    pub(super) fn read(option: RawOption<'a>) -> Result<PvdOption<'a>, NdError> {
        let (&[_, _, f0, f1, s0, s1], rest) = option.bytes.split_first_chunk::<NAME_AT>().ok_or(NdError::Overrun)?;
        let flags = u16::from_be_bytes([f0, f1]);
        let (name, _) = NameRef::split(rest).map_err(NdError::PvdName)?;
        let tail = option.bytes.get(head_len(name)..).unwrap_or_default();
        let (header, nested) = match tail.split_first_chunk::<{ RaHeader::LEN }>() {
            _ if flags & HEADER == 0 => (None, tail),
            Some((header, nested)) => (Some(RaHeader::read(header)), nested),
            None => return Err(NdError::PvdHeader),
        };
        RawOptions::new(nested).try_for_each(|option| option.map(drop))?;
        Ok(PvdOption {
            http: flags & HTTP != 0,
            legacy: flags & LEGACY != 0,
            delay: (flags & DELAY) as u8,
            sequence: u16::from_be_bytes([s0, s1]),
            name,
            header,
            nested,
        })
    }
}

/// Octets from the option's start to the header or the options inside, the padding included.
fn head_len(name: NameRef<'_>) -> usize {
    (NAME_AT + name.as_wire().len()).next_multiple_of(UNIT)
}
