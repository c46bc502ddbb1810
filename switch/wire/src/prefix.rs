// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! IPv6 prefixes, as options have them and as an operator writes them: `2001:db8::/32`.

use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

/// An IPv6 prefix: an address, and how many of its bits count. All bits behind those are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    address: Ipv6Addr,
    len: u8,
}

/// Why something is not a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPrefix {
    /// It is not an IPv6 address, a slash and a number.
    Form,
    /// It has more bits than an address.
    Length,
    /// Bits behind its length are set: another prefix may be meant, or another length.
    Bits,
}

impl Prefix {
    /// What a prefix looks like, to follow "expected".
    pub const EXPECTED: &'static str = "an IPv6 prefix such as 2001:db8::/32, all bits behind its length zero";

    /// The prefix of `len` bits that `address` is the lowest address of.
    ///
    /// # Errors
    /// [`BadPrefix::Length`] or [`BadPrefix::Bits`].
    pub fn new(address: Ipv6Addr, len: u8) -> Result<Prefix, BadPrefix> {
        if len > 128 {
            return Err(BadPrefix::Length);
        }
        let prefix = Prefix { address, len };
        if address.to_bits() & !prefix.mask() == 0 { Ok(prefix) } else { Err(BadPrefix::Bits) }
    }

    /// The prefix that an address lies in; lengths above 128 are 128.
    pub fn of(address: Ipv6Addr, len: u8) -> Prefix {
        let whole = Prefix { address, len: len.min(128) };
        Prefix { address: Ipv6Addr::from_bits(address.to_bits() & whole.mask()), ..whole }
    }

    /// Its first address.
    pub fn address(self) -> Ipv6Addr {
        self.address
    }

    /// Its length in bits.
    pub fn length(self) -> u8 {
        self.len
    }

    /// Every address of `other` is one of this.
    pub fn covers(self, other: Prefix) -> bool {
        self.len <= other.len && Prefix::of(other.address, self.len) == self
    }

    fn mask(self) -> u128 {
        u128::MAX.checked_shl(128 - u32::from(self.len)).unwrap_or(0)
    }
}

impl FromStr for Prefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Prefix, BadPrefix> {
        let (address, len) = text.split_once('/').ok_or(BadPrefix::Form)?;
        let address = address.parse().map_err(|_| BadPrefix::Form)?;
        // A sign is none of ours, though Rust would take it.
        let digits = len.len() <= 3 && len.bytes().all(|byte| byte.is_ascii_digit());
        let len = digits.then(|| len.parse::<u16>().ok()).flatten().ok_or(BadPrefix::Form)?;
        Prefix::new(address, u8::try_from(len).map_err(|_| BadPrefix::Length)?)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

impl fmt::Display for BadPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadPrefix::Form => "a prefix is an IPv6 address, a slash and a number of bits",
            BadPrefix::Length => "a prefix has at most 128 bits",
            BadPrefix::Bits => "bits behind the length of the prefix are set",
        })
    }
}

impl core::error::Error for BadPrefix {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_prefix_says_why() {
        for (text, why) in [
            ("", BadPrefix::Form),
            ("2001:db8::", BadPrefix::Form),
            ("2001:db8::/", BadPrefix::Form),
            ("2001:db8::/+32", BadPrefix::Form),
            ("2001:db8::/0032", BadPrefix::Form),
            ("192.0.2.0/24", BadPrefix::Form),
            ("fe80::1%eth0/64", BadPrefix::Form),
            ("2001:db8::/129", BadPrefix::Length),
            ("2001:db8::/999", BadPrefix::Length),
            ("2001:db8::1/64", BadPrefix::Bits),
            ("8000::/0", BadPrefix::Bits),
        ] {
            assert_eq!(text.parse::<Prefix>(), Err(why), "{text:?}");
        }
    }

    #[test]
    fn a_prefix_covers_itself_and_what_is_longer_in_it() {
        let covers = |prefix: &str, other: &str| prefix.parse::<Prefix>().unwrap().covers(other.parse().unwrap());
        assert!(covers("2001:db8::/32", "2001:db8::/32") && covers("2001:db8::/32", "2001:db8:1::/48"));
        assert!(covers("::/0", "::/0") && covers("::/0", "2001:db8::1/128"));
        assert!(!covers("2001:db8::/32", "2001:db9::/48"), "beside it");
        assert!(!covers("2001:db8::/32", "2001::/16"), "around it");
        assert!(!covers("2001:db8::1/128", "2001:db8::2/128"));
    }

    proptest! {
        #[test]
        fn every_prefix_is_read_as_it_is_shown(bits: u128, len in 0..=128_u8) {
            let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
            let prefix = Prefix::new(Ipv6Addr::from_bits(bits & mask), len).unwrap();
            prop_assert_eq!(prefix.to_string().parse(), Ok(prefix));
            let address = Ipv6Addr::from_bits(bits);
            prop_assert_eq!(Prefix::of(address, len), prefix);
            prop_assert!(prefix.covers(Prefix::of(address, 128)) && prefix.covers(prefix));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9a-f:/.+-]{0,20}") {
            let _ = text.parse::<Prefix>();
        }
    }
}
