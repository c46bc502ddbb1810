// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ethernet addresses (IEEE Std 802-2014, clause 8.2).

use core::fmt;
use core::str::FromStr;

/// A 48-bit Ethernet address, octets in the order in which they travel.
///
/// Ordered as the number that [`MacAddr::to_u64`] gives.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// `ff:ff:ff:ff:ff:ff`, every station of the link.
    pub const BROADCAST: MacAddr = MacAddr([0xff; 6]);

    /// `00:00:00:00:00:00`, which no station may use.
    pub const ZERO: MacAddr = MacAddr([0; 6]);

    /// True for a group address, broadcast included: the first bit on the wire (I/G) is set.
    #[inline]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// True for `ff:ff:ff:ff:ff:ff` alone.
    #[inline]
    pub const fn is_broadcast(self) -> bool {
        self.to_u64() == MacAddr::BROADCAST.to_u64()
    }

    /// True for `00:00:00:00:00:00` alone.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.to_u64() == 0
    }

    /// True when the address was chosen by an administrator and not by a manufacturer (U/L bit).
    #[inline]
    pub const fn is_local(self) -> bool {
        self.0[0] & 2 != 0
    }

    /// True when a station may send from it: neither a group address nor zero.
    #[inline]
    pub const fn is_station(self) -> bool {
        !self.is_multicast() && !self.is_zero()
    }

    /// The address as a number below 2^48, the first octet most significant.
    #[inline]
    pub const fn to_u64(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// The address of a number made by [`MacAddr::to_u64`]; bits above the 48th are ignored.
    #[inline]
    pub const fn from_u64(value: u64) -> MacAddr {
        let [_, _, a, b, c, d, e, f] = value.to_be_bytes();
        MacAddr([a, b, c, d, e, f])
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        // Through `pad`, so that `{:>20}` aligns it in a table.
        let mut text = [0u8; 17];
        for (i, octet) in [a, b, c, d, e, g].into_iter().enumerate() {
            text[i * 3] = hex_digit(octet >> 4);
            text[i * 3 + 1] = hex_digit(octet & 15);
            if i < 5 {
                text[i * 3 + 2] = b':';
            }
        }
        f.pad(core::str::from_utf8(&text).unwrap_or_default())
    }
}

const fn hex_digit(nibble: u8) -> u8 {
    b"0123456789abcdef"[(nibble & 15) as usize]
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<[u8; 6]> for MacAddr {
    fn from(octets: [u8; 6]) -> MacAddr {
        MacAddr(octets)
    }
}

/// A text is no Ethernet address. The message says what one looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseMacError;

impl fmt::Display for ParseMacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expected an Ethernet address: six two-digit hexadecimal octets with colons between \
             them, such as 52:54:00:12:34:56",
        )
    }
}

impl core::error::Error for ParseMacError {}

impl FromStr for MacAddr {
    type Err = ParseMacError;

    /// Reads the form that `Display` writes, in either case of letters, and nothing else.
    fn from_str(text: &str) -> Result<MacAddr, ParseMacError> {
        let text: &[u8; 17] = text.as_bytes().try_into().map_err(|_| ParseMacError)?;
        let mut octets = [0u8; 6];
        for (i, octet) in octets.iter_mut().enumerate() {
            if i > 0 && text[i * 3 - 1] != b':' {
                return Err(ParseMacError);
            }
            *octet = hex_value(text[i * 3])? << 4 | hex_value(text[i * 3 + 1])?;
        }
        Ok(MacAddr(octets))
    }
}

fn hex_value(digit: u8) -> Result<u8, ParseMacError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(ParseMacError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GUEST: MacAddr = MacAddr([0x52, 0x54, 0x00, 0x12, 0x34, 0x56]);

    #[test]
    fn text_form_is_lower_case_with_colons_and_can_be_padded() {
        assert_eq!(GUEST.to_string(), "52:54:00:12:34:56");
        assert_eq!(format!("{GUEST:>20}|"), "   52:54:00:12:34:56|");
        assert_eq!("AA:bb:Cc:00:01:ff".parse(), Ok(MacAddr([0xaa, 0xbb, 0xcc, 0, 1, 0xff])));
    }

    #[test]
    fn other_texts_are_refused_with_the_expected_form() {
        for text in [
            "",
            "52:54:00:12:34",
            "52:54:00:12:34:5",
            "52:54:00:12:34:5g",
            "52-54-00-12-34-56",
            "52:54:00:12:34:567",
            "+2:54:00:12:34:56",
            "52:54:00:12:34:5é",
            " 2:54:00:12:34:56",
        ] {
            let error = text.parse::<MacAddr>().unwrap_err();
            assert!(error.to_string().contains("52:54:00:12:34:56"), "{text:?}");
        }
    }

    #[test]
    fn kinds() {
        assert!(MacAddr::BROADCAST.is_broadcast() && MacAddr::BROADCAST.is_multicast());
        assert!(MacAddr([0x33, 0x33, 0, 0, 0, 1]).is_multicast());
        assert!(MacAddr::ZERO.is_zero() && !MacAddr::ZERO.is_station());
        assert!(GUEST.is_station() && GUEST.is_local() && !GUEST.is_broadcast());
        assert!(!MacAddr::BROADCAST.is_station());
    }

    #[test]
    fn first_octet_is_most_significant() {
        assert_eq!(GUEST.to_u64(), 0x5254_0012_3456);
        assert_eq!(MacAddr::from_u64(0xffff_5254_0012_3456), GUEST);
    }

    proptest! {
        #[test]
        fn text_and_number_round_trip(octets: [u8; 6]) {
            let mac = MacAddr(octets);
            prop_assert_eq!(mac.to_string().parse(), Ok(mac));
            prop_assert_eq!(MacAddr::from_u64(mac.to_u64()), mac);
        }

        #[test]
        fn order_is_that_of_the_number(a: [u8; 6], b: [u8; 6]) {
            let (a, b) = (MacAddr(a), MacAddr(b));
            prop_assert_eq!(a.cmp(&b), a.to_u64().cmp(&b.to_u64()));
        }

        #[test]
        fn any_text_parses_or_is_refused(text: String) {
            let _ = text.parse::<MacAddr>();
        }
    }
}
