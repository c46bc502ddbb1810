// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How much a port or a namespace may move, as objects of the protocol and as an operator writes a rate.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The limits of a port, by direction as its guest sees it; or of all ports of a namespace and below it together, which has
/// none of what is received. What is absent is not limited. Floods are what the guest
/// sends to broadcast, multicast and unknown MACs; they count under `tx` too. Bytes are those of the Ethernet frames;
/// a frame that is still to be segmented (TSO) is one frame with all of its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Frames that the guest sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_frames: Option<Rate>,
    /// Bytes that the guest sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_bytes: Option<Rate>,
    /// Frames that are delivered to the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rx_frames: Option<Rate>,
    /// Bytes that are delivered to the guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rx_bytes: Option<Rate>,
    /// Frames that the guest floods; each counts once, however many receive it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flood_frames: Option<Rate>,
    /// Bytes that the guest floods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flood_bytes: Option<Rate>,
}

impl Limits {
    /// Those that are said, with their names on the command line and in a configuration.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Rate)> {
        let all = [
            ("tx-frames", self.tx_frames),
            ("tx-bytes", self.tx_bytes),
            ("rx-frames", self.rx_frames),
            ("rx-bytes", self.rx_bytes),
            ("flood-frames", self.flood_frames),
            ("flood-bytes", self.flood_bytes),
        ];
        all.into_iter().filter_map(|(name, rate)| Some((name, rate?)))
    }

    /// Whether none is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

/// A rate and how much may pass at once after a pause. An operator writes `10k` or `125M:2M`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Frames or bytes a second; 0 takes the limit away.
    pub rate: u64,
    /// Frames or bytes at once. Absent in a request: a tenth of a second's worth, at least 64 frames or 65557 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u64>,
}

/// A text that is no rate; says what one looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRate;

impl BadRate {
    /// What a rate looks like, to follow "expected".
    pub const EXPECTED: &str = "a number a second such as 10000, 10k, 125M or 1G, and a burst if need be: 10k:2k";
}

impl fmt::Display for BadRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", Self::EXPECTED)
    }
}

impl std::error::Error for BadRate {}

/// Letters that an operator may put behind a number. Powers of ten, as link speeds have.
const SUFFIXES: [(char, u64); 3] = [('G', 1_000_000_000), ('M', 1_000_000), ('k', 1000)];

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Rate, BadRate> {
        let (rate, burst) = text.split_once(':').map_or((text, None), |(rate, burst)| (rate, Some(burst)));
        Ok(Rate { rate: amount(rate)?, burst: burst.map(amount).transpose()? })
    }
}

/// A number above 0 with or without a suffix.
fn amount(text: &str) -> Result<u64, BadRate> {
    let suffix = SUFFIXES.into_iter().find(|(letter, _)| text.ends_with(*letter));
    let (digits, factor) = suffix.map_or((text, 1), |(_, factor)| (&text[..text.len() - 1], factor));
    // A sign is none of ours, though Rust would take it.
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
    number.and_then(|number| number.checked_mul(factor)).filter(|number| *number > 0).ok_or(BadRate)
}

/// A number, to be shown with the largest suffix that loses nothing of it.
pub(crate) struct Amount(pub(crate) u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Amount(number) = *self;
        match SUFFIXES.into_iter().find(|(_, factor)| number > 0 && number.is_multiple_of(*factor)) {
            Some((letter, factor)) => write!(f, "{}{letter}", number / factor),
            None => write!(f, "{number}"),
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn rates_read_and_print() {
        for (text, rate, burst) in [
            ("1", 1, None),
            ("10k", 10_000, None),
            ("125M:2M", 125_000_000, Some(2_000_000)),
            ("1G:65557", 1_000_000_000, Some(65_557)),
            ("1001:1", 1001, Some(1)),
        ] {
            assert_eq!(text.parse(), Ok(Rate { rate, burst }), "{text}");
            let shown = [Some(rate), burst].into_iter().flatten().map(|number| Amount(number).to_string());
            assert_eq!(shown.collect::<Vec<_>>().join(":"), text);
        }
        assert_eq!((Amount(2_000_000).to_string(), Amount(0).to_string()), ("2M".to_owned(), "0".to_owned()));
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        let wrong = [
            "",
            "k",
            ":",
            "1:",
            ":1",
            "0",
            "0k",
            "-1",
            "+1",
            "1.5G",
            "1 k",
            " 1",
            "1K",
            "1m",
            "1kk",
            "1:2:3",
            "none",
            "1e3",
            "0x10",
            "99999999999999999999",
            "99999999999999999G",
            "1:0",
            "١",
            "5µ",
        ];
        for text in wrong {
            assert_eq!(text.parse::<Rate>(), Err(BadRate), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_an_empty_object() {
        assert!(Limits::default().is_empty());
        assert_eq!(serde_json::to_string(&Limits::default()).unwrap(), "{}");
        assert!(serde_json::from_str::<Limits>(r#"{"tx_bits":{"rate":1}}"#).is_err());
    }
}
