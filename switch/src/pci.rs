// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where a device sits on the PCI buses of the host: `0000:65:00.1`.

use std::fmt;
use std::str::FromStr;

/// The address of a PCI function, as sysfs and every VMM write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PciAddress {
    domain: u16,
    bus: u8,
    device: u8,
    function: u8,
}

/// A text that is no address of a PCI function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the address of a PCI function such as {}", PciAddress::EXPECTED)]
pub struct BadPciAddress;

impl PciAddress {
    /// What it looks like, for error texts.
    pub const EXPECTED: &'static str = "0000:65:00.1";
    /// Devices of one bus, and functions of one device (PCI Local Bus Specification 3.0, section 3.2.2.3.4).
    const DEVICES: u8 = 32;
    const FUNCTIONS: u8 = 8;
}

impl FromStr for PciAddress {
    type Err = BadPciAddress;

    fn from_str(text: &str) -> Result<PciAddress, BadPciAddress> {
        let (domain, rest) = text.split_once(':').ok_or(BadPciAddress)?;
        let (bus, rest) = rest.split_once(':').ok_or(BadPciAddress)?;
        let (device, function) = rest.split_once('.').ok_or(BadPciAddress)?;
        let byte = |text, digits| u8::try_from(hexadecimal(text, digits)?).map_err(|_| BadPciAddress);
        let address = PciAddress {
            domain: hexadecimal(domain, 4)?,
            bus: byte(bus, 2)?,
            device: byte(device, 2)?,
            function: byte(function, 1)?,
        };
        let exists = address.device < PciAddress::DEVICES && address.function < PciAddress::FUNCTIONS;
        exists.then_some(address).ok_or(BadPciAddress)
    }
}

/// As [`PciAddress::from_str`] reads it.
impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{}", self.domain, self.bus, self.device, self.function)
    }
}

/// A number of exactly so many digits, without a sign.
fn hexadecimal(text: &str, digits: usize) -> Result<u16, BadPciAddress> {
    let good = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| u16::from_str_radix(text, 16).ok()).flatten().ok_or(BadPciAddress)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_addresses_are_read_as_sysfs_writes_them_and_nothing_else_is() {
        for good in ["0000:65:00.1", "ffff:ff:1f.7", "0000:00:00.0"] {
            assert_eq!(good.parse::<PciAddress>().unwrap().to_string(), good);
        }
        assert_eq!("0000:AB:1F.7".parse::<PciAddress>().unwrap().to_string(), "0000:ab:1f.7");
        for bad in
            ["", "65:00.1", "0000:65:00", "0000:65:20.0", "0000:65:00.8", "+000:65:00.1", "0000:65:0.1", "0:1:2.3"]
        {
            assert_eq!(bad.parse::<PciAddress>(), Err(BadPciAddress), "{bad}");
        }
    }
}
