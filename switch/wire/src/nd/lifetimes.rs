// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lifetimes of a Router Advertisement changed where they stand, so that one can be sent again later and says no more
//! than its router did.

use core::net::Ipv6Addr;

use super::build::{BuildError, set_checksum};
use super::option::{RawOption, UNIT, kind};
use super::{PvdOption, RaHeader, RouterAdvert};

/// What is left of a lifetime after `elapsed` seconds. All ones is for ever (RFC 4861 section 4.6.2) and stays so.
pub const fn aged(lifetime: u32, elapsed: u32) -> u32 {
    match lifetime {
        u32::MAX => u32::MAX,
        finite => finite.saturating_sub(elapsed),
    }
}

/// Where a lifetime stands in a header.
const ROUTER_LIFETIME: usize = 6;

/// Passes every lifetime of a Router Advertisement through `map`, those inside PvD Options included, and writes the
/// checksum of a message from `src` to `dst`. Where a field is too small for what `map` gives, it takes its largest
/// value; a PREF64 lifetime is rounded down to a multiple of 8.
///
/// Options that cannot be read otherwise are changed too, since some receiver might read them; of those that nobody
/// here knows, nobody knows a lifetime either.
///
/// ```
/// # use wire::nd::{RaHeader, RouterAdvert, aged, rewrite_lifetimes};
/// # let (src, dst) = ("fe80::1".parse().unwrap(), "ff02::1".parse().unwrap());
/// let header = RaHeader { lifetime: 1800, ..RaHeader::default() };
/// let mut message = RouterAdvert { header, options: &[] }.to_message(src, dst).unwrap();
/// rewrite_lifetimes(&mut message, src, dst, |lifetime| aged(lifetime, 300)).unwrap();
/// assert_eq!(RouterAdvert::parse(&message).unwrap().header.lifetime, 1500);
/// ```
///
/// # Errors
/// [`BuildError::Signed`] and [`BuildError::Options`]; the message is then as it was.
pub fn rewrite_lifetimes(
    message: &mut [u8],
    src: Ipv6Addr,
    dst: Ipv6Addr,
    map: impl Fn(u32) -> u32,
) -> Result<(), BuildError> {
    let advert = RouterAdvert::parse(message)?;
    advert.check()?;
    if advert.is_signed() {
        return Err(BuildError::Signed);
    }
    let (header, options) = message.split_at_mut(RaHeader::LEN);
    map_u16(header, ROUTER_LIFETIME, &map);
    map_options(options, &map, true);
    set_checksum(message, src, dst);
    Ok(())
}

fn map_options(mut rest: &mut [u8], map: &impl Fn(u32) -> u32, pvds: bool) {
    while let &mut [kind, units @ 1..=255, ..] = rest {
        let Some((option, tail)) = rest.split_at_mut_checked(usize::from(units) * UNIT) else {
            return;
        };
        match kind {
            kind::PVD if pvds => map_pvd(option, map),
            kind::PREF64 => map_pref64(option, map),
            _ => lifetimes_at(kind).iter().for_each(|at| map_u32(option, *at, map)),
        }
        rest = tail;
    }
}

/// Where an option of this type has lifetimes of 32 bits.
const fn lifetimes_at(kind: u8) -> &'static [usize] {
    match kind {
        kind::PREFIX => &[4, 8],
        kind::ROUTE | kind::RDNSS | kind::DNSSL | kind::ENCRYPTED_DNS => &[4],
        _ => &[],
    }
}

/// The header inside, if there is one, and the options inside.
fn map_pvd(option: &mut [u8], map: &impl Fn(u32) -> u32) {
    let Ok(pvd) = PvdOption::read(RawOption { kind: kind::PVD, bytes: option }) else {
        return;
    };
    let (nested, has_header) = (pvd.nested.len(), pvd.header.is_some());
    let Some((head, nested)) = option.split_at_mut_checked(option.len() - nested) else {
        return;
    };
    if has_header {
        map_u16(head, head.len().saturating_sub(RaHeader::LEN) + ROUTER_LIFETIME, map);
    }
    map_options(nested, map, false);
}

/// The lifetime counts eights, above three bits of something else (RFC 8781 section 4).
fn map_pref64(option: &mut [u8], map: &impl Fn(u32) -> u32) {
    if let Some(field) = option.get_mut(2..).and_then(<[u8]>::first_chunk_mut::<2>) {
        let scaled = u16::from_be_bytes(*field);
        *field = (clamped(map(u32::from(scaled & !7))) & !7 | scaled & 7).to_be_bytes();
    }
}

fn map_u16(bytes: &mut [u8], at: usize, map: &impl Fn(u32) -> u32) {
    if let Some(field) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<2>) {
        *field = clamped(map(u32::from(u16::from_be_bytes(*field)))).to_be_bytes();
    }
}

fn map_u32(bytes: &mut [u8], at: usize, map: &impl Fn(u32) -> u32) {
    if let Some(field) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<4>) {
        *field = map(u32::from_be_bytes(*field)).to_be_bytes();
    }
}

fn clamped(lifetime: u32) -> u16 {
    u16::try_from(lifetime).unwrap_or(u16::MAX)
}
