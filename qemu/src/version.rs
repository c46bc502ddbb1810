// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! QEMU's releases, and what they are able to do.

use std::fmt;
use std::time::Duration;

/// A QEMU release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
}

impl Version {
    /// The oldest QEMU that survives an emulated guest that turns on the interrupt vectors of a vhost-user NIC.
    pub const OLDEST: Version = Version { major: 8, minor: 0 };

    /// How often a QEMU of this version looks for a switch that went away: twice a second where it can, else every second.
    pub fn reconnect_interval(self) -> Duration {
        if self.counts_milliseconds() { Duration::from_millis(500) } else { Duration::from_secs(1) }
    }

    /// Whether the option `reconnect-ms` is known.
    pub(crate) fn counts_milliseconds(self) -> bool {
        self >= Version { major: 9, minor: 2 }
    }

    /// Reads the first line of `qemu-system-x86_64 --version`.
    pub fn parse(text: &str) -> Option<Version> {
        let (_, rest) = text.split_once("version ")?;
        let mut numbers = rest.split(|letter: char| !letter.is_ascii_digit());
        Some(Version { major: numbers.next()?.parse().ok()?, minor: numbers.next()?.parse().ok()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_debian_are_read() {
        let parse = |text| Version::parse(text).map(|version| (version.major, version.minor));
        assert_eq!(parse("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1)"), Some((10, 0)));
        assert_eq!(parse("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"), Some((7, 2)));
        assert_eq!(parse("QEMU emulator version 9.2.50"), Some((9, 2)));
        assert_eq!(parse("bash: no such command"), None);
    }
}
