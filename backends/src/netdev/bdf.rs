// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! PCI addresses, as VMMs and sysfs write them.

use std::fmt;
use std::str::FromStr;

/// Where a function sits on PCI: `0000:03:02.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bdf {
    /// The domain, also called segment. Above 16 bits behind some host bridges (Azure's, VMD's).
    pub domain: u32,
    /// The bus.
    pub bus: u8,
    /// The device, below 32.
    pub device: u8,
    /// The function, below 8.
    pub function: u8,
}

/// A text is no PCI address. The message says what one looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a PCI address: domain, bus, device and function, such as 0000:03:02.1 (lspci -D shows them)")]
pub struct ParseBdfError;

impl fmt::Display for Bdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04x}:{:02x}:{:02x}.{:x}", self.domain, self.bus, self.device, self.function))
    }
}

impl FromStr for Bdf {
    type Err = ParseBdfError;

    /// Reads the form that `Display` writes, in either case of letters, and nothing else.
    fn from_str(text: &str) -> Result<Bdf, ParseBdfError> {
        let mut parts = text.split(':');
        let (Some(domain), Some(bus), Some(place), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ParseBdfError);
        };
        let (device, function) = place.split_once('.').ok_or(ParseBdfError)?;
        let bdf = Bdf {
            domain: hex(domain, 4..=8)?,
            bus: narrow(hex(bus, 2..=2)?, 255)?,
            device: narrow(hex(device, 2..=2)?, 31)?,
            function: narrow(hex(function, 1..=1)?, 7)?,
        };
        Ok(bdf)
    }
}

/// A hexadecimal number of so many digits.
fn hex(text: &str, digits: std::ops::RangeInclusive<usize>) -> Result<u32, ParseBdfError> {
    // The standard parser would take a sign.
    let plain = digits.contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(text, 16).ok()).flatten().ok_or(ParseBdfError)
}

fn narrow(number: u32, most: u8) -> Result<u8, ParseBdfError> {
    u8::try_from(number).ok().filter(|number| *number <= most).ok_or(ParseBdfError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["0000:03:02.1", "0000:00:1f.7", "ab0c:ff:00.0", "10000:e1:00.0"] {
            assert_eq!(text.parse::<Bdf>().unwrap().to_string(), text);
        }
        assert_eq!("0000:0A:1F.0".parse::<Bdf>().unwrap().to_string(), "0000:0a:1f.0");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let no =
            ["", "03:02.1", "0000:03:02", "0000:03:20.0", "0000:03:02.8", "0000:03:02.1 ", "000:03:02.1", "virtio0"];
        let strange = ["0000:+3:02.1", "0000:03:02.1:0", "0000:03:02.01", "123456789:03:02.1", "0000:03:é.1"];
        for text in no.into_iter().chain(strange) {
            assert_eq!(text.parse::<Bdf>(), Err(ParseBdfError), "{text}");
        }
    }
}
