// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One Router Advertisement as several, when it is larger than the link's MTU: Neighbor Discovery is never fragmented
//! (RFC 6980).

use core::net::Ipv6Addr;

use super::build::{BuildError, finish, set_checksum};
use super::option::{RawOption, kind};
use super::{PvdOption, RaHeader, RouterAdvert};
use crate::ip6;

/// Octets of the largest option.
const OPTION_MAX: usize = 255 * 8;

/// Cuts a Router Advertisement into several that together have all of its options, each at most `mtu` octets long with its
/// IPv6 header, and writes their checksums. One that is short enough stays as it is otherwise, and altogether when it is
/// signed.
///
/// The header is in every part, and so is the PvD Option up to the options inside, behind the options outside; each
/// option is in one part (RFC 8801 section 3.2). PvD Options that do not count are left out.
///
/// # Errors
/// [`BuildError::Mtu`] when an option does not fit even alone, [`BuildError::Signed`], [`BuildError::Options`].
pub fn split(message: &[u8], src: Ipv6Addr, dst: Ipv6Addr, mtu: usize) -> Result<Vec<Vec<u8>>, BuildError> {
    let advert = RouterAdvert::parse(message)?;
    let room = mtu.saturating_sub(ip6::HEADER_LEN);
    advert.check()?;
    let mut parts = match (message.len() <= room, advert.is_signed()) {
        // The signature is over the addresses and the checksum as well (RFC 3971 section 5.2).
        (true, true) => return Ok(vec![message.to_vec()]),
        (true, false) => vec![message.to_vec()],
        (false, true) => return Err(BuildError::Signed),
        (false, false) => Parts::cut(message, &advert, room)?,
    };
    parts.iter_mut().for_each(|part| set_checksum(part, src, dst));
    Ok(parts)
}

/// The part that is being filled, and those before it.
struct Parts<'a> {
    header: &'a [u8],
    /// The PvD Option up to the options inside.
    pvd: &'a [u8],
    room: usize,
    outside: Vec<u8>,
    inside: Vec<u8>,
    done: Vec<Vec<u8>>,
}

impl<'a> Parts<'a> {
    fn cut(message: &'a [u8], advert: &RouterAdvert<'a>, room: usize) -> Result<Vec<Vec<u8>>, BuildError> {
        let header = message.split_at(RaHeader::LEN).0;
        let (outside, inside, done) = (Vec::new(), Vec::new(), Vec::new());
        let (pvd, nested) = first_pvd(advert).unwrap_or_default();
        let mut parts = Parts { header, pvd, room, outside, inside, done };
        for option in advert.raw_options().flatten().filter(|option| option.kind != kind::PVD) {
            parts.make_room(option)?;
            parts.outside.extend(option.bytes);
        }
        for option in super::RawOptions::new(nested).flatten().filter(|option| option.kind != kind::PVD) {
            parts.make_room(option)?;
            parts.inside.extend(option.bytes);
        }
        parts.close()?;
        Ok(parts.done)
    }

    /// Begins another part when `option` does not fit into this one.
    fn make_room(&mut self, option: RawOption<'_>) -> Result<(), BuildError> {
        let fits = |parts: &Parts<'_>| {
            let inside = parts.pvd.len() + parts.inside.len();
            let len = parts.header.len() + parts.outside.len() + inside + option.bytes.len();
            len <= parts.room && inside <= OPTION_MAX
        };
        if fits(self) {
            return Ok(());
        }
        self.close()?;
        if fits(self) { Ok(()) } else { Err(BuildError::Mtu) }
    }

    fn close(&mut self) -> Result<(), BuildError> {
        let mut part = [self.header, &self.outside].concat();
        let start = part.len();
        part.extend(self.pvd);
        part.append(&mut self.inside);
        if !self.pvd.is_empty() {
            finish(&mut part, start)?;
        }
        self.outside.clear();
        self.done.push(part);
        Ok(())
    }
}

/// The octets of the PvD Option that counts, and those of the options inside.
fn first_pvd<'a>(advert: &RouterAdvert<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let option = advert.raw_options().flatten().find(|option| option.kind == kind::PVD)?;
    let pvd = PvdOption::read(option).ok()?;
    option.bytes.split_at_checked(option.bytes.len() - pvd.nested.len())
}
