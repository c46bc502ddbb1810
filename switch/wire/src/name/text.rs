// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The presentation format of names (RFC 1035 section 5.1, RFC 4343 section 2.1).

use core::fmt;
use core::str::FromStr;

use super::{BadName, DomainName, NameRef};

impl FromStr for DomainName {
    type Err = BadName;

    /// Reads the presentation format, with or without the closing dot.
    fn from_str(text: &str) -> Result<DomainName, BadName> {
        let mut labels = vec![Vec::new()];
        let mut octets = text.bytes();
        while let Some(octet) = octets.next() {
            match octet {
                b'.' => labels.push(Vec::new()),
                b'\\' => push(&mut labels, escaped(&mut octets)?),
                other => push(&mut labels, other),
            }
        }
        if labels.last().is_some_and(Vec::is_empty) {
            labels.pop();
        }
        DomainName::from_labels(labels.iter().map(Vec::as_slice))
    }
}

fn push(labels: &mut [Vec<u8>], octet: u8) {
    if let Some(label) = labels.last_mut() {
        label.push(octet);
    }
}

/// The octet that an escape stands for; its backslash is read already.
fn escaped(octets: &mut core::str::Bytes<'_>) -> Result<u8, BadName> {
    let first = octets.next().ok_or(BadName::Escape)?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let mut value = u32::from(first - b'0');
    for _ in 0..2 {
        let digit = octets.next().filter(u8::is_ascii_digit).ok_or(BadName::Escape)?;
        value = value * 10 + u32::from(digit - b'0');
    }
    u8::try_from(value).map_err(|_| BadName::Escape)
}

/// Letters in lower case, so that equal names have equal texts.
impl fmt::Display for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for label in self.labels() {
            for octet in label.iter().map(u8::to_ascii_lowercase) {
                match octet {
                    b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => write!(f, "{}", char::from(octet))?,
                    other => write!(f, "\\{other:03}")?,
                }
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_name().fmt(f)
    }
}

impl fmt::Debug for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameRef({self})")
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DomainName({self})")
    }
}
