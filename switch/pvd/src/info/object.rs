// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The object itself, judged (RFC 8801 section 4.3): what it must say, may say, and must not.

use super::json::Json;
use super::{LIST_MAX, OBJECT_MAX};
use crate::PvdName;
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wire::Prefix;

/// What is wrong with an object: it must be ignored (RFC 8801 sections 4.1 and 4.3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is longer than [`OBJECT_MAX`].
    #[error("the object has more than {OBJECT_MAX} bytes")]
    TooLong,
    /// It is no I-JSON.
    #[error("the object is no I-JSON: {0}")]
    Json(String),
    /// It is JSON, and no object.
    #[error("it is JSON and no object")]
    NoObject,
    /// A key that must be there is not.
    #[error("the object has no {0}")]
    Missing(&'static str),
    /// The value of a key is none that it may have.
    #[error("{key} of the object is not {expected}")]
    Wrong {
        /// The key.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// It is about another PvD.
    #[error("the object is about {0}")]
    Other(PvdName),
    /// It has expired.
    #[error("the object has expired")]
    Expired,
    /// A router gives a prefix to the PvD that the object does not list.
    #[error("the object does not list {0}, which a router says is of this PvD")]
    Uncovered(Prefix),
}

/// What an object says, and nothing is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Information {
    /// Until when it holds, since the beginning of 1970.
    pub expires: Duration,
    /// Prefixes that are the PvD's.
    pub prefixes: Box<[Prefix]>,
    /// DNS zones that can be searched, and reached, through the PvD.
    pub dns_zones: Box<[PvdName]>,
    /// There is no Internet behind the PvD.
    pub no_internet: bool,
    /// The object as it came, with the keys that mean nothing here.
    pub text: Box<str>,
}

type Object = BTreeMap<String, Json>;

impl Information {
    /// Reads the object about the PvD of that name. `wall` is the time since the beginning of 1970.
    ///
    /// # Errors
    /// The first flaw; never `Uncovered`.
    pub fn read(octets: &[u8], name: &PvdName, wall: Duration) -> Result<Information, Flaw> {
        if octets.len() > OBJECT_MAX {
            return Err(Flaw::TooLong);
        }
        let Json::Object(object) = Json::read(octets).map_err(Flaw::Json)? else { return Err(Flaw::NoObject) };
        let identifier = domain("identifier", must(&object, "identifier")?)?;
        if identifier != *name {
            return Err(Flaw::Other(identifier));
        }
        let expires = expires(must(&object, "expires")?)?;
        let prefixes = list("prefixes", must(&object, "prefixes")?, prefix)?;
        let zones = object.get("dnsZones").map(|value| list("dnsZones", value, |text| text.parse().ok()));
        let no_internet = match object.get("noInternet") {
            None => false,
            Some(Json::Bool(value)) => *value,
            Some(_) => return Err(Flaw::Wrong { key: "noInternet", expected: "true or false" }),
        };
        if expires <= wall {
            return Err(Flaw::Expired);
        }
        let text = String::from_utf8_lossy(octets).into();
        Ok(Information { expires, prefixes, dns_zones: zones.transpose()?.unwrap_or_default(), no_internet, text })
    }

    /// Looks for every prefix of the PvD that routers announce (RFC 8801 section 4.1).
    ///
    /// # Errors
    /// `Uncovered`: the first that no listed prefix covers.
    pub fn check(&self, announced: &[Prefix]) -> Result<(), Flaw> {
        let covered = |prefix: &Prefix| self.prefixes.iter().any(|listed| listed.covers(*prefix));
        announced.iter().find(|prefix| !covered(prefix)).map_or(Ok(()), |prefix| Err(Flaw::Uncovered(*prefix)))
    }
}

fn must<'a>(object: &'a Object, key: &'static str) -> Result<&'a Json, Flaw> {
    object.get(key).ok_or(Flaw::Missing(key))
}

fn text<'a>(key: &'static str, value: &'a Json) -> Result<&'a str, Flaw> {
    match value {
        Json::Text(text) => Ok(text),
        _ => Err(Flaw::Wrong { key, expected: "a text" }),
    }
}

fn domain(key: &'static str, value: &Json) -> Result<PvdName, Flaw> {
    text(key, value)?.parse().map_err(|_| Flaw::Wrong { key, expected: "a domain name" })
}

fn expires(value: &Json) -> Result<Duration, Flaw> {
    let wrong = Flaw::Wrong { key: "expires", expected: "a date with time and zone, such as 2030-01-01T00:00:00Z" };
    let date = OffsetDateTime::parse(text("expires", value)?, &Rfc3339).map_err(|_| wrong)?;
    // What is before 1970 is over as well.
    Ok(Duration::from_secs(u64::try_from(date.unix_timestamp()).unwrap_or(0)))
}

fn prefix(text: &str) -> Option<Prefix> {
    let (address, length) = text.split_once('/')?;
    let digits = length.bytes().all(|octet| octet.is_ascii_digit());
    let length = length.parse().ok().filter(|length| digits && *length <= 128)?;
    Some(Prefix::of(address.parse().ok()?, length))
}

fn list<T>(key: &'static str, value: &Json, read: impl Fn(&str) -> Option<T>) -> Result<Box<[T]>, Flaw> {
    let expected = match key {
        "prefixes" => "a list of at most 256 IPv6 prefixes, such as 2001:db8::/48",
        _ => "a list of at most 256 domain names",
    };
    let wrong = || Flaw::Wrong { key, expected };
    let Json::List(values) = value else { return Err(wrong()) };
    let one = |value: &Json| text(key, value).ok().and_then(&read).ok_or_else(wrong);
    if values.len() > LIST_MAX { Err(wrong()) } else { values.iter().map(one).collect() }
}
