// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! I-JSON (RFC 7493): JSON that means the same to everybody. A key that stands twice would be one value to us and another
//! to somebody else.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Integers beyond this are not the same to everybody (RFC 7493 section 2.2).
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Octets of a key that a message quotes.
const QUOTED_MAX: usize = 64;

/// A value. Of null and of numbers nothing is ever asked but that they are good.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Other,
    Bool(bool),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// # Errors
    /// It is no I-JSON; where, and why.
    pub(super) fn read(octets: &[u8]) -> Result<Json, String> {
        // The parser bounds the depth to 128, and refuses what is no UTF-8 and surrogates that stand alone.
        serde_json::from_slice(octets).map_err(|why| why.to_string())
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("I-JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        number(value <= INTEGER_MAX)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        number(value.unsigned_abs() <= INTEGER_MAX)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        // An integer that is too long for 64 bits comes as one of these, so whole numbers have one bound however written.
        number(value.is_finite() && (value.fract() != 0.0 || value.abs() <= INTEGER_MAX as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        characters(text)?;
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, Json>()? {
            characters(&key)?;
            if object.contains_key(&key) {
                let shown: String = key.chars().take(QUOTED_MAX).collect();
                return Err(A::Error::custom(format!("the key {shown:?} stands twice")));
            }
            object.insert(key, value);
        }
        Ok(Json::Object(object))
    }
}

fn number<E: Error>(good: bool) -> Result<Json, E> {
    if good { Ok(Json::Other) } else { Err(E::custom("a number is too large to be the same to everybody")) }
}

/// Noncharacters may not be in a text (RFC 7493 section 2.1).
fn characters<E: Error>(text: &str) -> Result<(), E> {
    let is_none = |c: char| matches!(u32::from(c), 0xfdd0..=0xfdef) || u32::from(c) & 0xfffe == 0xfffe;
    if text.chars().any(is_none) { Err(E::custom("a text has a code point that is no character")) } else { Ok(()) }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_what_is_no_i_json_is_refused_with_its_reason() {
        for (text, reason) in [
            (r#"{"a":1,"a":1}"#, "the key \"a\" stands twice"),
            (r#"{"a":{"b":[{"c":1,"\u0063":2}]}}"#, "the key \"c\" stands twice"),
            (r#"{"a":1,}"#, "trailing comma"),
            (r#"{"a":9007199254740992}"#, "too large"),
            (r#"{"a":-9007199254740992}"#, "too large"),
            (r#"{"a":123456789012345678901234567890}"#, "too large"),
            (r#"{"a":1e400}"#, "out of range"),
            (r#"{"a":"\ud800"}"#, "hex escape"),
            (r#"{"a":"\ufdd0"}"#, "no character"),
            (r#"{"\uffff":1}"#, "no character"),
            (r#"{"a":1} {}"#, "trailing characters"),
            ("\u{feff}{}", "expected value"),
            ("{\"a\":NaN}", "expected value"),
            ("", "EOF"),
        ] {
            let why = Json::read(text.as_bytes()).unwrap_err();
            assert!(why.contains(reason), "{text}: {why}");
        }
        assert!(Json::read(b"{\"a\":\"\xff\"}").unwrap_err().contains("unicode"));
        let deep = "[".repeat(100_000);
        assert!(Json::read(deep.as_bytes()).unwrap_err().contains("recursion limit"));
    }

    #[test]
    fn test_numbers_that_everybody_reads_alike_are_let_pass() {
        for text in ["9007199254740991", "-9007199254740991", "0", "1.5", "1e-300", "-0.0", "1e15", "null"] {
            assert_eq!(Json::read(text.as_bytes()), Ok(Json::Other), "{text}");
        }
    }

    #[test]
    fn test_a_long_key_is_not_quoted_whole() {
        let key = "k".repeat(10_000);
        let why = Json::read(format!(r#"{{"{key}":1,"{key}":1}}"#).as_bytes()).unwrap_err();
        assert!(why.len() < 200, "{}", why.len());
    }
}
