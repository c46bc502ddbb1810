// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Names of ports and namespaces.
//!
//! A name ends up in file names, log lines, metrics and shell commands, so its alphabet is small enough that it never
//! needs quoting or escaping. A `/` is not part of it: it stands between the names of a path ([`crate::NamespacePath`]).

use crate::limits::NAME_MAX;
use crate::refusal::Refusal;
use std::fmt;
use std::str::FromStr;

/// A valid name: 1 to 63 of `a-z 0-9 . _ -`, the first a letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// The text is not a [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Name::EXPECTED)]
pub struct BadName;

impl Name {
    /// What a name must look like, for error texts.
    pub const EXPECTED: &'static str = "1 to 63 characters of a-z 0-9 . _ - that begin with a letter or a digit";

    /// Whether a text is a name.
    pub(crate) fn is_valid(text: &str) -> bool {
        let allowed = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        let first = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        first && text.len() <= NAME_MAX && text.as_bytes().iter().all(allowed)
    }

    /// What sorts before every name, and is none.
    pub(crate) const fn lowest() -> Name {
        Name(String::new())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses a name that a user gave for `field`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with the field, the text and what was expected.
    pub fn parse(field: &str, text: &str) -> Result<Name, Refusal> {
        text.parse().map_err(|BadName| Refusal::invalid(field, text, Name::EXPECTED))
    }
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Name, BadName> {
        Name::is_valid(text).then(|| Name(text.to_owned())).ok_or(BadName)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_names_that_are_allowed() {
        for text in ["a", "vm1", "red.dev", "9p", "a_b-c", &"x".repeat(63)] {
            assert_eq!(text.parse::<Name>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn test_names_that_are_refused() {
        for text in ["", "Vm1", "-x", ".", "..", "_a", "a/b", "a b", "a\n", "ü", "a\0", &"x".repeat(64)] {
            assert_eq!(text.parse::<Name>(), Err(BadName), "{text:?}");
        }
    }

    #[test]
    fn test_the_error_says_what_is_allowed() {
        let refusal = Name::parse("namespace", "Red").unwrap_err();
        assert_eq!(
            refusal.to_string(),
            r#"namespace: "Red" is not valid (expected 1 to 63 characters of a-z 0-9 . _ - that begin with a letter or a digit)"#
        );
    }
}
