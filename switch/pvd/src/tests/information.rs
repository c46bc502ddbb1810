// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which objects of Additional Information are believed (RFC 8801 section 4.3).

use super::build::{name, prefix};
use crate::info::{Flaw, Information, LIST_MAX, OBJECT_MAX};
use proptest::prelude::*;
use std::time::Duration;

/// The beginning of 2026.
const NOW: Duration = Duration::from_secs(1_767_225_600);

fn read(text: &str) -> Result<Information, Flaw> {
    Information::read(text.as_bytes(), &name("corp.example"), NOW)
}

/// An object with more after its mandatory keys.
fn with(more: &str) -> String {
    let fixed = r#""identifier":"Corp.EXAMPLE.","expires":"2026-01-01T00:00:01Z","prefixes":["2001:db8::/48"]"#;
    format!("{{{fixed}{more}}}")
}

#[test]
fn test_an_object_says_when_it_ends_and_what_is_behind_the_pvd() {
    let text = with(r#","dnsZones":["example.com","sub.example.com"],"noInternet":true,"vendor-x":{"y":[1,null]}"#);
    let information = read(&text).unwrap();
    assert_eq!(information.expires, NOW + Duration::from_secs(1));
    assert_eq!(*information.prefixes, [prefix("2001:db8::/48")]);
    assert_eq!(*information.dns_zones, [name("example.com"), name("sub.example.com")]);
    assert!(information.no_internet);
    assert_eq!(*information.text, *text, "what means nothing here is shown all the same");
    let brief = read(&with("")).unwrap();
    assert!(brief.dns_zones.is_empty() && !brief.no_internet);
}

#[test]
fn test_the_sample_of_the_rfc_has_a_comma_too_many() {
    let sample = "{\n  \"identifier\": \"corp.example\",\n  \"expires\": \"2030-05-23T06:00:00Z\",\n  \
                  \"prefixes\": [\"2001:db8:1::/48\", \"2001:db8:4::/48\"],\n}";
    assert!(matches!(read(sample), Err(Flaw::Json(why)) if why.contains("trailing comma")));
    assert!(read(&sample.replace("],", "]")).is_ok());
}

#[test]
fn test_what_is_missing_wrong_or_of_another_pvd_is_ignored() {
    let wrong = |key, expected| Flaw::Wrong { key, expected };
    let prefixes = "a list of at most 256 IPv6 prefixes, such as 2001:db8::/48";
    let date = "a date with time and zone, such as 2030-01-01T00:00:00Z";
    let zones = "a list of at most 256 domain names";
    let rest = r#""expires":"2030-01-01T00:00:00Z","prefixes":[]"#;
    let of = |expires: &str, prefixes: &str| {
        format!(r#"{{"identifier":"corp.example","expires":{expires},"prefixes":{prefixes}}}"#)
    };
    let later = r#""2030-01-01T00:00:00Z""#;
    for (text, flaw) in [
        ("[]".to_owned(), Flaw::NoObject),
        ("\"corp.example\"".to_owned(), Flaw::NoObject),
        ("{}".to_owned(), Flaw::Missing("identifier")),
        (format!("{{{rest}}}"), Flaw::Missing("identifier")),
        (format!(r#"{{"identifier":"corp.example.org",{rest}}}"#), Flaw::Other(name("corp.example.org"))),
        (format!(r#"{{"identifier":7,{rest}}}"#), wrong("identifier", "a text")),
        (format!(r#"{{"identifier":"a..b",{rest}}}"#), wrong("identifier", "a domain name")),
        (format!(r#"{{"Identifier":"corp.example",{rest}}}"#), Flaw::Missing("identifier")),
        (r#"{"identifier":"corp.example","prefixes":[]}"#.to_owned(), Flaw::Missing("expires")),
        (r#"{"identifier":"corp.example","expires":"2030-01-01T00:00:00Z"}"#.to_owned(), Flaw::Missing("prefixes")),
        (of(r#""2026-01-01T00:00:00Z""#, "[]"), Flaw::Expired),
        (of(r#""1969-01-01T00:00:00Z""#, "[]"), Flaw::Expired),
        (of(r#""2026-01-01T01:00:00+01:00""#, "[]"), Flaw::Expired),
        (of(r#""2030-01-01""#, "[]"), wrong("expires", date)),
        (of(r#""2030-01-01T00:00:00""#, "[]"), wrong("expires", date)),
        (of(r#""2030-02-30T00:00:00Z""#, "[]"), wrong("expires", date)),
        (of("1893456000", "[]"), wrong("expires", "a text")),
        (of(later, "{}"), wrong("prefixes", prefixes)),
        (of(later, "[7]"), wrong("prefixes", prefixes)),
        (of(later, r#"["2001:db8::"]"#), wrong("prefixes", prefixes)),
        (of(later, r#"["2001:db8::/129"]"#), wrong("prefixes", prefixes)),
        (of(later, r#"["2001:db8::/+48"]"#), wrong("prefixes", prefixes)),
        (of(later, r#"["192.0.2.0/24"]"#), wrong("prefixes", prefixes)),
        (of(later, &format!("[{}7]", r#""::/0","#.repeat(LIST_MAX))), wrong("prefixes", prefixes)),
        (with(r#","dnsZones":"example.com""#), wrong("dnsZones", zones)),
        (with(r#","dnsZones":[""]"#), wrong("dnsZones", zones)),
        (with(r#","noInternet":"true""#), wrong("noInternet", "true or false")),
        (with(r#","noInternet":null"#), wrong("noInternet", "true or false")),
    ] {
        assert_eq!(read(&text), Err(flaw), "{text}");
    }
}

#[test]
fn test_what_is_too_long_is_not_even_parsed() {
    let text = with(&format!(r#","x":"{}""#, "y".repeat(OBJECT_MAX)));
    assert_eq!(read(&text), Err(Flaw::TooLong));
    let fits = OBJECT_MAX - with(r#","x":"""#).len();
    assert!(read(&with(&format!(r#","x":"{}""#, "y".repeat(fits)))).is_ok());
}

#[test]
fn test_every_prefix_that_is_announced_must_be_listed() {
    let information = read(&with("")).unwrap();
    let check = |announced: &[&str]| information.check(&announced.iter().map(|text| prefix(text)).collect::<Vec<_>>());
    assert_eq!(check(&[]), Ok(()));
    assert_eq!(check(&["2001:db8::/48", "2001:db8:0:1::/64"]), Ok(()));
    for text in ["2001:db8:1::/64", "2001:db8::/47", "fd00::/64"] {
        assert_eq!(check(&["2001:db8::/64", text]), Err(Flaw::Uncovered(prefix(text))), "{text}");
    }
}

proptest! {
    #[test]
    fn test_no_octets_make_it_panic_or_be_believed_by_mistake(
        noise in prop::collection::vec((0..400usize, any::<u8>()), 0..6),
        cut in 0..400usize,
    ) {
        let mut octets = with(r#","dnsZones":["example.com"],"noInternet":true,"vendor-x":{"y":[1.5,null]}"#).into_bytes();
        for (at, octet) in noise {
            if let Some(place) = octets.get_mut(at) {
                *place = octet;
            }
        }
        octets.truncate(if cut < 200 { octets.len() } else { cut });
        if let Ok(information) = Information::read(&octets, &name("corp.example"), NOW) {
            prop_assert!(information.expires > NOW);
            let text: serde_json::Value = serde_json::from_slice(&octets).unwrap();
            prop_assert_eq!(text["identifier"].as_str().unwrap().parse(), Ok(name("corp.example")));
            prop_assert_eq!(text["prefixes"].as_array().unwrap().len(), information.prefixes.len());
        }
    }
}
