// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Domain names as Router Advertisements carry them: identifiers of PvDs (RFC 8801) and search lists (RFC 8106).
//!
//! On the wire a name is a chain of labels, each behind its length, closed by a zero (RFC 1035 section 3.1). Neither
//! option may compress them, so a name is read from its own octets alone. [`NameRef`] borrows such octets,
//! [`DomainName`] owns them in the one canonical form.
//!
//! A router is free to put any octets into a label, so a name is shown in the presentation format with everything but
//! letters, digits, hyphen and underscore escaped (RFC 4343 section 2.1): it ends up in logs and on terminals.

mod text;

use core::borrow::Borrow;
use core::fmt;

/// The longest label, in octets (RFC 1035 section 2.3.4).
pub const LABEL_MAX: usize = 63;
/// The longest name on the wire, length octets and the closing zero included (RFC 1035 section 2.3.4).
pub const WIRE_MAX: usize = 255;

/// Why something is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// It has no label: the root identifies nothing.
    Empty,
    /// A label has no octet, or more than 63.
    Label,
    /// The name has more than 255 octets on the wire.
    TooLong,
    /// A length octet has one of its two upper bits set: a compression pointer, or nothing that RFC 1035 knows.
    Compressed,
    /// The octets end before the closing zero.
    Unterminated,
    /// An escape in a text is neither `\` with three digits up to 255 nor `\` with another character.
    Escape,
}

/// A fully qualified domain name in the octets of a message. Names that differ in the case of ASCII letters only are
/// equal (RFC 4343), and so are their texts.
#[derive(Clone, Copy)]
pub struct NameRef<'a>(&'a [u8]);

impl<'a> NameRef<'a> {
    /// Reads the name that `bytes` begin with, and returns it with what follows its closing zero.
    ///
    /// # Errors
    /// [`BadName`], of any kind but `Label` and `Escape`.
    pub fn split(bytes: &'a [u8]) -> Result<(NameRef<'a>, &'a [u8]), BadName> {
        let mut end = 0;
        loop {
            let length = usize::from(*bytes.get(end).ok_or(BadName::Unterminated)?);
            end += 1 + length;
            match length {
                0 => break,
                1..=LABEL_MAX if end >= WIRE_MAX => return Err(BadName::TooLong),
                1..=LABEL_MAX => {}
                _ => return Err(BadName::Compressed),
            }
        }
        match bytes.split_at_checked(end).ok_or(BadName::Unterminated)? {
            ([0], _) => Err(BadName::Empty),
            (name, rest) => Ok((NameRef(name), rest)),
        }
    }

    /// The name on the wire: labels after their lengths, a zero at the end, letters in the case in which they came.
    pub fn as_wire(self) -> &'a [u8] {
        self.0
    }

    /// The labels, most specific first.
    pub fn labels(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (length, tail) = rest.split_first().filter(|(length, _)| **length > 0)?;
            let (label, tail) = tail.split_at_checked(usize::from(*length))?;
            rest = tail;
            Some(label)
        })
    }

    /// The octets that an equal [`DomainName`] has, put into `buffer`: the key to look one up by, without allocation.
    pub fn fold_into(self, buffer: &mut [u8; WIRE_MAX]) -> &[u8] {
        let end = self.0.len().min(WIRE_MAX);
        let folded = &mut buffer[..end];
        folded.copy_from_slice(&self.0[..end]);
        // Lengths are at most 63, which is below the first letter: only labels change.
        folded.make_ascii_lowercase();
        folded
    }
}

impl PartialEq for NameRef<'_> {
    fn eq(&self, other: &NameRef<'_>) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Eq for NameRef<'_> {}

/// A fully qualified domain name of its own, ASCII letters in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Box<[u8]>);

impl DomainName {
    /// The name that consists of these labels, the root not among them.
    ///
    /// # Errors
    /// [`BadName`], of the kinds `Empty`, `Label` and `TooLong`.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = &'a [u8]>) -> Result<DomainName, BadName> {
        let mut wire = Vec::new();
        for label in labels {
            let length = u8::try_from(label.len()).ok().filter(|n| (1..=LABEL_MAX).contains(&usize::from(*n)));
            wire.push(length.ok_or(BadName::Label)?);
            wire.extend(label.iter().map(u8::to_ascii_lowercase));
            // With room for the closing zero, and checked here so that a hostile name is bounded.
            if wire.len() + 1 > WIRE_MAX {
                return Err(BadName::TooLong);
            }
        }
        if wire.is_empty() {
            return Err(BadName::Empty);
        }
        wire.push(0);
        Ok(DomainName(wire.into()))
    }

    /// The name on the wire: labels after their lengths, a zero at the end, no compression (RFC 8801 section 3.1).
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// The same name, borrowed.
    pub fn as_name(&self) -> NameRef<'_> {
        NameRef(&self.0)
    }

    /// The labels, most specific first.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        self.as_name().labels()
    }
}

impl From<NameRef<'_>> for DomainName {
    fn from(name: NameRef<'_>) -> DomainName {
        DomainName(name.0.to_ascii_lowercase().into())
    }
}

/// Order and hash are those of the octets, so a map of names can be asked for what [`NameRef::fold_into`] gives.
impl Borrow<[u8]> for DomainName {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadName::Empty => "the name has no label",
            BadName::Label => "a label must have 1 to 63 octets",
            BadName::TooLong => "the name must not have more than 255 octets",
            BadName::Compressed => "a name in an advertisement must not be compressed",
            BadName::Unterminated => "the name does not end within its option",
            BadName::Escape => "an escape must be \\DDD or a backslash before one character",
        })
    }
}

impl core::error::Error for BadName {}

#[cfg(test)]
mod tests;
