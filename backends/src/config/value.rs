// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Values that remember where they stand in the file, and what they mean; what does not fit is a mistake at that place.

use super::mistake::Mistake;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;
use switch::{Kind, Name, NamespacePath, Refusal};
use toml::Spanned;
use wire::MacAddr;

/// What a MAC address looks like, for error texts here and on the control socket.
pub(crate) const MAC_EXPECTED: &str = "six hex pairs, e.g. 02:00:00:00:00:01";

/// A text and its place.
pub(super) type Text = Spanned<String>;
/// A number and its place.
pub(super) type Number = Spanned<i64>;

pub(super) fn path(text: &Text) -> Result<NamespacePath, Mistake> {
    let bad = |_| not(text, "the path of a namespace", NamespacePath::EXPECTED);
    text.get_ref().parse().map_err(bad)
}

pub(super) fn name(text: &Text) -> Result<Name, Mistake> {
    let bad = |_| not(text, "a name", Name::EXPECTED);
    text.get_ref().parse().map_err(bad)
}

pub(super) fn mac(text: &Text) -> Result<MacAddr, Mistake> {
    MacAddr::from_str(text.get_ref()).map_err(|_| not(text, "a MAC address", MAC_EXPECTED))
}

pub(super) fn word<T: Copy>(text: &Text, words: &[(&str, T)]) -> Result<T, Mistake> {
    let expected = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    known(text, |given| words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value), &expected)
}

pub(super) fn known<T>(text: &Text, meaning: impl Fn(&str) -> Option<T>, expected: &str) -> Result<T, Mistake> {
    meaning(text.get_ref()).ok_or_else(|| Mistake::new(text.span(), invalid(&quoted(text), expected)))
}

pub(super) fn number<T: TryFrom<i64>>(number: &Number, range: RangeInclusive<i64>) -> Result<T, Mistake> {
    let value = Some(*number.get_ref()).filter(|value| range.contains(value));
    let fits = value.and_then(|value| T::try_from(value).ok());
    let expected = format!("{} to {}", range.start(), range.end());
    fits.ok_or_else(|| Mistake::new(number.span(), invalid(&number.get_ref().to_string(), &expected)))
}

/// A number from 0 to `most`, which is 0 unless it is said.
pub(super) fn small_number<T>(said: Option<&Number>, most: T) -> Result<T, Mistake>
where
    T: TryFrom<i64> + Into<i64> + Default,
{
    said.map_or_else(|| Ok(T::default()), |said| number(said, 0..=most.into()))
}

pub(super) fn not(text: &Text, what: &str, expected: &str) -> Mistake {
    Mistake::new(text.span(), format!("{} is not {what} (expected {expected})", quoted(text)))
}

fn invalid(value: &str, expected: &str) -> String {
    format!("{value} is not valid (expected {expected})")
}

pub(super) fn quoted(text: &Text) -> String {
    format!("{:?}", text.get_ref())
}

/// Puts a refusal beside the key that it is about, or else beside `object`.
pub(super) fn at_key(refusal: &Refusal, object: Range<usize>, keys: &[(&str, Range<usize>)]) -> Mistake {
    let (field, message) = match refusal {
        Refusal::Invalid { field, value, expected } => (field.as_str(), invalid(&format!("{value:?}"), expected)),
        Refusal::NotFound { kind: Kind::Namespace, name } => {
            ("namespace", format!("{name:?} does not exist (expected the name of a [[namespace]])"))
        }
        Refusal::NotFound { kind: Kind::Port, name } => {
            ("port", format!("{name:?} does not exist (expected the name of a [[port]] of that namespace)"))
        }
        Refusal::InUse { kind: Kind::Prefix, name, by } => ("prefixes", format!("{name:?} is in use by {by}")),
        Refusal::InUse { kind: Kind::Mac, name, by } => ("mac", format!("{name:?} is in use by {by}")),
        Refusal::InUse { kind: Kind::Socket, name, by } => ("vhost-user", format!("{name:?} is in use by {by}")),
        other => ("", other.to_string()),
    };
    let span = keys.iter().find(|(key, _)| *key == field).map_or(object, |(_, span)| span.clone());
    Mistake::new(span, message)
}
