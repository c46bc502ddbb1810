// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Makes options and messages of what they say. Off the frame path: these allocate.

use core::fmt;
use core::net::Ipv6Addr;

use super::option::{NdOption, RawOptions, UNIT, kind};
use super::prefix::{PREF64_LENGTHS, masked};
use super::{NdError, Pref64, PrefixInfo, PvdOption, RouteInfo, RouterAdvert, RouterSolicit};
use crate::checksum::Sum;
use crate::icmp6;
use crate::ip6::protocol;

/// Why a message cannot be made, or not be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// An option would have more than 255 units of 8 octets.
    TooLong,
    /// Octets that were given as options are none, or the message to change is none.
    Options(NdError),
    /// A PvD Option inside another, or a second one (RFC 8801 section 3.2).
    ManyPvds,
    /// A prefix has a length that its option cannot say.
    PrefixLength,
    /// The delay has more than four bits.
    Delay,
    /// There is no resolver in the option.
    NoServer,
    /// One option alone does not fit into the MTU.
    Mtu,
    /// Secure Neighbor Discovery signs the message: it goes as it is or not at all (RFC 3971).
    Signed,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BuildError::TooLong => "an option must not have more than 2040 octets",
            BuildError::Options(why) => return write!(f, "the options to send cannot be read: {why}"),
            BuildError::ManyPvds => "an advertisement has one PvD Option at most, and none inside it",
            BuildError::PrefixLength => "a prefix has a length that its option cannot say",
            BuildError::Delay => "the delay of a PvD must be at most 15",
            BuildError::NoServer => "a list of resolvers must have at least one",
            BuildError::Mtu => "an option does not fit into the MTU, even alone",
            BuildError::Signed => "a signed message must not be changed",
        })
    }
}

impl core::error::Error for BuildError {}

impl From<NdError> for BuildError {
    fn from(error: NdError) -> BuildError {
        BuildError::Options(error)
    }
}

/// The octets of these options, one after the other.
///
/// # Errors
/// [`BuildError`], of any kind but `Mtu` and `Signed`.
pub fn encode<'a>(options: impl IntoIterator<Item = NdOption<'a>>) -> Result<Vec<u8>, BuildError> {
    let mut out = Vec::new();
    for option in options {
        let start = out.len();
        out.extend([option.kind(), 0]);
        put_content(&option, &mut out)?;
        finish(&mut out, start)?;
    }
    Ok(out)
}

/// Fills the last unit of the option that begins at `start` with zeros, and writes its length.
pub(super) fn finish(out: &mut Vec<u8>, start: usize) -> Result<(), BuildError> {
    let len = (out.len() - start).next_multiple_of(UNIT);
    out.resize(start + len, 0);
    out[start + 1] = u8::try_from(len / UNIT).map_err(|_| BuildError::TooLong)?;
    Ok(())
}

/// What follows type and length.
fn put_content(option: &NdOption<'_>, out: &mut Vec<u8>) -> Result<(), BuildError> {
    match option {
        NdOption::SourceLinkLayer(mac) => out.extend(mac.0),
        NdOption::Prefix(prefix) => put_prefix(prefix, out)?,
        NdOption::Route(route) => put_route(route, out)?,
        NdOption::Mtu(mtu) => put_after_reserved(*mtu, &[], out),
        NdOption::Rdnss(rdnss) if rdnss.addresses.is_empty() => return Err(BuildError::NoServer),
        NdOption::Rdnss(rdnss) => put_after_reserved(rdnss.lifetime, rdnss.addresses.as_flattened(), out),
        NdOption::Dnssl(dnssl) => put_after_reserved(dnssl.lifetime, dnssl.as_wire(), out),
        NdOption::Pref64(pref64) => put_pref64(pref64, out)?,
        NdOption::CaptivePortal(uri) => out.extend(*uri),
        NdOption::Flags(flags) => out.extend(flags.to_be_bytes().split_at(2).1),
        NdOption::Pvd(pvd) => put_pvd(pvd, out)?,
        NdOption::Send(raw) | NdOption::Unknown(raw) => out.extend(raw.bytes.get(2..).unwrap_or_default()),
    }
    Ok(())
}

fn put_after_reserved(number: u32, rest: &[u8], out: &mut Vec<u8>) {
    out.extend([0; 2]);
    out.extend(number.to_be_bytes());
    out.extend(rest);
}

fn put_prefix(info: &PrefixInfo, out: &mut Vec<u8>) -> Result<(), BuildError> {
    let prefix = prefix_octets(info.prefix, info.prefix_len)?;
    out.extend([info.prefix_len, info.flags]);
    out.extend([info.valid, info.preferred, 0].into_iter().flat_map(u32::to_be_bytes));
    out.extend(prefix);
    Ok(())
}

/// The prefix takes no more units than its bits need (RFC 4191 section 2.3).
fn put_route(route: &RouteInfo, out: &mut Vec<u8>) -> Result<(), BuildError> {
    let prefix = prefix_octets(route.prefix, route.prefix_len)?;
    out.extend([route.prefix_len, route.preference.bits()]);
    out.extend(route.lifetime.to_be_bytes());
    out.extend(prefix.chunks(8).take(usize::from(route.prefix_len).div_ceil(64)).flatten());
    Ok(())
}

fn put_pref64(pref64: &Pref64, out: &mut Vec<u8>) -> Result<(), BuildError> {
    let code = PREF64_LENGTHS.iter().position(|len| *len == pref64.prefix_len).ok_or(BuildError::PrefixLength)?;
    out.extend((pref64.lifetime & !7 | code as u16).to_be_bytes());
    out.extend(prefix_octets(pref64.prefix, pref64.prefix_len)?.split_at(12).0);
    Ok(())
}

fn prefix_octets(prefix: Ipv6Addr, len: u8) -> Result<[u8; 16], BuildError> {
    if len > 128 { Err(BuildError::PrefixLength) } else { Ok(masked(prefix.octets(), len).octets()) }
}

fn put_pvd(pvd: &PvdOption<'_>, out: &mut Vec<u8>) -> Result<(), BuildError> {
    if pvds_of(pvd.nested)? > 0 {
        return Err(BuildError::ManyPvds);
    }
    let start = out.len() - 2;
    out.extend(pvd.flags().ok_or(BuildError::Delay)?.to_be_bytes());
    out.extend(pvd.sequence.to_be_bytes());
    out.extend(pvd.name.as_wire());
    // The padding counts from the start of the option (RFC 8801 section 3.1), which need not be that of `out`.
    out.resize(start + (out.len() - start).next_multiple_of(UNIT), 0);
    out.extend(pvd.header.map(super::RaHeader::to_bytes).iter().flatten());
    out.extend(pvd.nested);
    Ok(())
}

/// How many PvD Options are among these options.
fn pvds_of(options: &[u8]) -> Result<usize, NdError> {
    RawOptions::new(options).try_fold(0, |sum, option| Ok(sum + usize::from(option?.kind == kind::PVD)))
}

impl RouterAdvert<'_> {
    /// The message from `src` to `dst`, checksum included.
    ///
    /// # Errors
    /// [`BuildError::Options`] and [`BuildError::ManyPvds`]. Whether it fits into an MTU is for [`super::split`] to say.
    pub fn to_message(&self, src: Ipv6Addr, dst: Ipv6Addr) -> Result<Vec<u8>, BuildError> {
        if pvds_of(self.options)? > 1 {
            return Err(BuildError::ManyPvds);
        }
        let mut message = [&self.header.to_bytes(), self.options].concat();
        set_checksum(&mut message, src, dst);
        Ok(message)
    }
}

impl RouterSolicit<'_> {
    /// The message from `src` to `dst`, checksum included.
    ///
    /// # Errors
    /// [`BuildError::Options`] and [`BuildError::ManyPvds`].
    pub fn to_message(&self, src: Ipv6Addr, dst: Ipv6Addr) -> Result<Vec<u8>, BuildError> {
        if pvds_of(self.options)? > 0 {
            return Err(BuildError::ManyPvds);
        }
        let mut message = [&[icmp6::kind::ROUTER_SOLICITATION, 0, 0, 0, 0, 0, 0, 0], self.options].concat();
        set_checksum(&mut message, src, dst);
        Ok(message)
    }
}

/// Writes the checksum of an ICMPv6 message that goes from `src` to `dst` (RFC 4443 section 2.3).
pub fn set_checksum(message: &mut [u8], src: Ipv6Addr, dst: Ipv6Addr) {
    if let Some(field) = message.get_mut(2..4) {
        field.fill(0);
        let checksum = sum(message, src, dst).finish();
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// The sum over a message and its pseudo header.
pub(super) fn sum(message: &[u8], src: Ipv6Addr, dst: Ipv6Addr) -> Sum {
    Sum::pseudo_v6(src.octets(), dst.octets(), protocol::ICMP6, message.len() as u32).add_bytes(message)
}
