// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which addresses may be connected to. A tenant chooses the name and whoever has its zone chooses the address, so that
//! anything that only this host can reach would be at their mercy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Blocks that are not public (the IANA registries of special-purpose addresses): private, shared, of one link, of one host,
/// of documentation, of tests, of groups, reserved.
const SPECIAL_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// All that is public lies in here. Mapped and compatible addresses, unique local ones, those of one link or site and groups
/// do not.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What in it is not public: of protocols, Teredo among them, of documentation, and of 6to4, which leads to an IPv4 address.
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Leads to the IPv4 address in its last 32 bits (RFC 6052 section 2.1).
const NAT64: (Ipv6Addr, u8) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Everybody may be made to talk to it.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) if within_v6(address, NAT64) => is_public_v4(Ipv4Addr::from_bits(address.to_bits() as u32)),
        IpAddr::V6(address) => {
            within_v6(address, GLOBAL_V6) && !SPECIAL_V6.iter().any(|block| within_v6(address, *block))
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|block| within_v4(address, *block))
}

fn within_v4(address: Ipv4Addr, (block, length): (Ipv4Addr, u8)) -> bool {
    let beyond = 32 - u32::from(length);
    (address.to_bits() ^ block.to_bits()).checked_shr(beyond).unwrap_or(0) == 0
}

fn within_v6(address: Ipv6Addr, (block, length): (Ipv6Addr, u8)) -> bool {
    let beyond = 128 - u32::from(length);
    (address.to_bits() ^ block.to_bits()).checked_shr(beyond).unwrap_or(0) == 0
}

/// Addresses that an operator allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    address: IpAddr,
    length: u8,
}

impl Block {
    /// The address is one of them.
    pub(crate) fn has(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(block), IpAddr::V4(address)) => within_v4(address, (block, self.length)),
            (IpAddr::V6(block), IpAddr::V6(address)) => within_v6(address, (block, self.length)),
            _ => false,
        }
    }
}

impl FromStr for Block {
    type Err = String;

    fn from_str(text: &str) -> Result<Block, String> {
        let expected = || "expected ADDRESS/LEN, such as 10.0.0.0/8".to_owned();
        let (address, length) = text.split_once('/').ok_or_else(expected)?;
        let address: IpAddr = address.parse().map_err(|_| expected())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = length.parse().ok().filter(|length| *length <= most).ok_or_else(expected)?;
        Ok(Block { address, length })
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_only_public_addresses_are_let_pass() {
        for text in
            ["8.8.8.8", "1.1.1.1", "100.128.0.1", "172.32.0.1", "2a00:1450::1", "2606:4700::1111", "64:ff9b::808:808"]
        {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::808:808",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "3fff::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn test_a_block_has_its_own_addresses() {
        let block = |text: &str| text.parse::<Block>().unwrap();
        let has = |text, address: &str| block(text).has(address.parse().unwrap());
        assert!(has("127.0.0.0/8", "127.9.9.9") && !has("127.0.0.0/8", "128.0.0.1") && !has("127.0.0.0/8", "::1"));
        assert!(has("::1/128", "::1") && !has("::1/128", "::2") && has("0.0.0.0/0", "9.9.9.9") && has("::/0", "9::"));
        for text in ["127.0.0.1", "127.0.0.1/33", "::1/129", "a/8", "10.0.0.0/-1"] {
            assert!(text.parse::<Block>().is_err(), "{text}");
        }
    }
}
