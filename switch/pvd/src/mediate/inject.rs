// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A PvD Option for routers that know nothing of PvDs.
//!
//! Without a header of its own the option has nothing inside: RFC 8801 section 3.4 counts all of an advertisement to the PvD that
//! it names, and hosts that do not know the option read the rest as ever. With one (section 5.2) header and options move
//! into it, and such hosts are told nothing: neither a default router nor a prefix.

use crate::PvdName;
use core::net::Ipv6Addr;
use wire::ip6;
use wire::nd::{self, NdOption, PvdOption, RaHeader, RouterAdvert, kind};

/// The largest delay that the option can say (RFC 8801 section 3.1).
pub const PVD_DELAY_MAX: u8 = 15;

/// The option that advertisements of a router get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The PvD.
    pub name: PvdName,
    /// H: there is Additional Information.
    pub http: bool,
    /// L: what DHCPv4 gives belongs to this PvD.
    pub legacy: bool,
    /// Of the Additional Information; 0 without H.
    pub sequence: u16,
    /// See [`crate::PvdFlags::delay`]; 0 without H.
    pub delay: u8,
    /// R: header and options move into the option, and only hosts that know PvDs make use of them.
    pub header: bool,
}

/// Why an advertisement got no option. It goes on as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInjected {
    /// It has one already.
    HasOne,
    /// It is signed (RFC 3971).
    Signed,
    /// It would be longer than the link's MTU, or the option than an option can be.
    TooLong,
    /// It cannot be read.
    Unreadable,
}

impl Injection {
    /// An option that says nothing but a name.
    pub fn new(name: PvdName) -> Injection {
        Injection { name, http: false, legacy: false, sequence: 0, delay: 0, header: false }
    }

    /// The same message from `src` to `dst` with the option, on a link of this MTU. What the message says of the MTU holds
    /// beside that.
    ///
    /// # Errors
    /// [`NotInjected`].
    pub fn inject(&self, message: &[u8], src: Ipv6Addr, dst: Ipv6Addr, mtu: usize) -> Result<Vec<u8>, NotInjected> {
        let advert = RouterAdvert::parse(message).map_err(|_| NotInjected::Unreadable)?;
        advert.check().map_err(|_| NotInjected::Unreadable)?;
        if advert.is_signed() {
            return Err(NotInjected::Signed);
        }
        if advert.raw_options().flatten().any(|option| option.kind == kind::PVD) {
            return Err(NotInjected::HasOne);
        }
        let injected = if self.header { self.around(&advert) } else { self.beside(message) };
        let mut injected = injected.map_err(|_| NotInjected::TooLong)?;
        if injected.len() + ip6::HEADER_LEN > mtu.min(mtu_of(&advert)) {
            return Err(NotInjected::TooLong);
        }
        nd::set_checksum(&mut injected, src, dst);
        Ok(injected)
    }

    fn beside(&self, message: &[u8]) -> Result<Vec<u8>, nd::BuildError> {
        Ok([message, &nd::encode([NdOption::Pvd(self.option(None, &[]))])?].concat())
    }

    /// The sender's Ethernet address stays outside: without it hosts of either kind would have to ask for it.
    fn around(&self, advert: &RouterAdvert<'_>) -> Result<Vec<u8>, nd::BuildError> {
        let (mut outside, mut inside) = (Vec::new(), Vec::new());
        for option in advert.raw_options().flatten() {
            let place = if option.kind == kind::SOURCE_LINK_LAYER { &mut outside } else { &mut inside };
            place.extend(option.bytes);
        }
        let option = nd::encode([NdOption::Pvd(self.option(Some(advert.header), &inside))])?;
        Ok([&RaHeader::default().to_bytes()[..], &outside, &option].concat())
    }

    fn option<'a>(&'a self, header: Option<RaHeader>, nested: &'a [u8]) -> PvdOption<'a> {
        let Injection { http, legacy, sequence, delay, .. } = *self;
        PvdOption { http, legacy, delay, sequence, name: self.name.as_name(), header, nested }
    }
}

/// What the router says of the link's MTU; less than every link has is a mistake (RFC 8200 section 5).
fn mtu_of(advert: &RouterAdvert<'_>) -> usize {
    let said = advert.raw_options().flatten().find_map(|option| match option.parse() {
        Ok(NdOption::Mtu(mtu)) if mtu >= crate::advert::MTU_MIN => usize::try_from(mtu).ok(),
        _ => None,
    });
    said.unwrap_or(usize::MAX)
}
