// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Options about DNS (RFC 8106).

use core::net::Ipv6Addr;

use super::NdError;
use super::option::RawOption;
use crate::name::NameRef;

/// Recursive DNS servers (RFC 8106 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rdnss<'a> {
    /// Seconds for which they may be asked; all ones: for ever; 0: no longer.
    pub lifetime: u32,
    /// Their addresses as octets, at least one, most preferred first. See [`Rdnss::servers`].
    pub addresses: &'a [[u8; 16]],
}

impl<'a> Rdnss<'a> {
    /// The addresses. There may be 127 of them; the option's length says how many.
    pub fn servers(&self) -> impl Iterator<Item = Ipv6Addr> + use<'a> {
        self.addresses.iter().map(|octets| Ipv6Addr::from(*octets))
    }

    pub(super) fn read(option: RawOption<'a>) -> Result<Rdnss<'a>, NdError> {
        let (head, octets) = option.bytes.split_first_chunk::<8>().ok_or(NdError::OptionLength)?;
        let &[_, _, _, _, lifetime @ ..] = head;
        let (addresses, rest) = octets.as_chunks::<16>();
        if addresses.is_empty() || !rest.is_empty() {
            return Err(NdError::OptionLength);
        }
        let rdnss = Rdnss { lifetime: u32::from_be_bytes(lifetime), addresses };
        let unicast = rdnss.servers().all(|server| !server.is_multicast() && !server.is_unspecified());
        if unicast { Ok(rdnss) } else { Err(NdError::Resolver) }
    }
}

/// A DNS search list (RFC 8106 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dnssl<'a> {
    /// Seconds for which it may be used; all ones: for ever; 0: no longer.
    pub lifetime: u32,
    /// The names on the wire, without the padding behind them.
    names: &'a [u8],
}

impl<'a> Dnssl<'a> {
    /// A search list of the names that `octets` begin with, one after the other; only zeros may follow.
    ///
    /// # Errors
    /// [`NdError::Name`], also when there is no name.
    pub fn new(lifetime: u32, octets: &'a [u8]) -> Result<Dnssl<'a>, NdError> {
        let mut rest = octets;
        loop {
            (_, rest) = NameRef::split(rest).map_err(NdError::Name)?;
            if rest.iter().all(|&octet| octet == 0) {
                let names = &octets[..octets.len() - rest.len()];
                return Ok(Dnssl { lifetime, names });
            }
        }
    }

    /// The names, most preferred first.
    pub fn domains(&self) -> impl Iterator<Item = NameRef<'a>> + use<'a> {
        let mut rest = self.names;
        core::iter::from_fn(move || {
            let (name, tail) = NameRef::split(rest).ok()?;
            rest = tail;
            Some(name)
        })
    }

    /// The names on the wire, one after the other.
    pub fn as_wire(&self) -> &'a [u8] {
        self.names
    }

    pub(super) fn read(option: RawOption<'a>) -> Result<Dnssl<'a>, NdError> {
        let (head, octets) = option.bytes.split_first_chunk::<8>().ok_or(NdError::OptionLength)?;
        let &[_, _, _, _, lifetime @ ..] = head;
        if octets.is_empty() {
            return Err(NdError::OptionLength);
        }
        Dnssl::new(u32::from_be_bytes(lifetime), octets)
    }
}
