// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What an operator says about a PvD, in words and checked. A PvD that he speaks of is a static one; routers may speak of it
//! as well, and he comes before them.
//!
//! In configuration, store and on the wire a fact is a text: `2001:db8:1::/64`, with what is to be known of it behind
//! commas. One place reads and writes them all.

use crate::limits;
use crate::path::NamespacePath;
use crate::refusal::Refusal;
use crate::spec::{check_mac, in_range};
use core::net::Ipv6Addr;
use pvd::{Announcement, Fact, Prefix, PvdName, Statement};
use wire::nd::{Preference, pio_flag};

/// A static PvD: its name is its own in its namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PvdKey {
    /// The namespace that it is in.
    pub namespace: NamespacePath,
    /// What names it.
    pub name: PvdName,
}

impl PvdKey {
    /// What a name must look like, for error texts.
    pub const NAME: &'static str = "a domain name such as work.example: labels of 1 to 63 letters, digits, hyphens and \
                                    underscores, 253 characters in all";

    /// How texts name it: `red:work.example.`
    pub fn label(&self) -> String {
        format!("{}:{}", self.namespace, self.name)
    }

    /// Reads a name that an operator gives to a PvD. Routers may use any octets; what people say has to be a host name, for
    /// hosts look it up.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for the field `name`.
    pub fn parse_name(text: &str) -> Result<PvdName, Refusal> {
        let good = |name: &PvdName| !name.to_string().contains('\\');
        let name = text.parse::<PvdName>().ok().filter(good);
        name.ok_or_else(|| Refusal::invalid("name", text, PvdKey::NAME))
    }
}

/// One of the lists that facts of a static PvD are said in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactList {
    /// Prefixes of the link.
    Prefixes,
    /// Where its router leads.
    Routes,
    /// Recursive DNS servers.
    Rdnss,
    /// DNS search domains.
    Dnssl,
    /// NAT64 prefixes.
    Pref64,
}

/// Words for [`pio_flag`]s.
const PREFIX_FLAGS: [(&str, u8); 2] = [("on-link", pio_flag::ON_LINK), ("autonomous", pio_flag::AUTONOMOUS)];
/// The word for none of them.
const NO_FLAG: &str = "none";
/// Words for the preference of a route.
const PREFERENCES: [(&str, Preference); 3] =
    [("low", Preference::Low), ("medium", Preference::Medium), ("high", Preference::High)];

impl FactList {
    /// All of them.
    pub const ALL: [FactList; 5] =
        [FactList::Prefixes, FactList::Routes, FactList::Rdnss, FactList::Dnssl, FactList::Pref64];

    /// The word for it in texts, in configuration and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            FactList::Prefixes => "prefixes",
            FactList::Routes => "routes",
            FactList::Rdnss => "rdnss",
            FactList::Dnssl => "dnssl",
            FactList::Pref64 => "pref64",
        }
    }

    /// What its items look like, for error texts.
    pub fn expected(self) -> &'static str {
        match self {
            FactList::Prefixes => {
                "a prefix such as 2001:db8:1::/64, nothing behind its length set, and what it is for unless that is both: \
                 ,on-link or ,autonomous (of 64 bits only) or ,none"
            }
            FactList::Routes => {
                "a prefix such as 2001:db8::/32, nothing behind its length set, and ,high or ,low if it is"
            }
            FactList::Rdnss => "the IPv6 address of one DNS server",
            FactList::Dnssl => "a domain name such as corp.example",
            FactList::Pref64 => "a prefix of 96, 64, 56, 48, 40 or 32 bits such as 64:ff9b::/96",
        }
    }

    /// Says this list of a statement anew.
    ///
    /// # Errors
    /// [`Refusal::Invalid`]: an item is none of the list, or is there twice. The statement is as it was.
    pub fn set<S: AsRef<str>>(self, statement: &mut Statement, items: &[S]) -> Result<(), Refusal> {
        let mut facts = statement.facts.clone();
        facts.retain(|fact, _| FactList::of(fact) != self);
        for item in items {
            let item = item.as_ref();
            let (fact, flags) =
                self.parse(item).ok_or_else(|| Refusal::invalid(self.as_str(), item, self.expected()))?;
            if facts.insert(fact, flags).is_some() {
                return Err(Refusal::invalid(self.as_str(), item, "each of them once"));
            }
        }
        statement.facts = facts;
        Ok(())
    }

    /// The items of this list, as [`FactList::set`] takes them.
    pub fn items(self, statement: &Statement) -> Vec<String> {
        let own = statement.facts.iter().filter(|(fact, _)| FactList::of(fact) == self);
        own.map(|(fact, flags)| item(fact, *flags)).collect()
    }

    fn of(fact: &Fact) -> FactList {
        match fact {
            Fact::Prefix(_) => FactList::Prefixes,
            Fact::Route(_) => FactList::Routes,
            Fact::Rdnss(_) => FactList::Rdnss,
            Fact::Dnssl(_) => FactList::Dnssl,
            Fact::Pref64(_) => FactList::Pref64,
        }
    }

    fn parse(self, item: &str) -> Option<(Fact, u8)> {
        let (value, words) = item.split_once(',').map_or((item, None), |(value, words)| (value, Some(words)));
        match (self, words) {
            (FactList::Prefixes, words) => owned_prefix(prefix(value)?, words),
            (FactList::Routes, words) => {
                let word = words.unwrap_or("medium");
                let preference = PREFERENCES.into_iter().find(|(name, _)| *name == word)?.1;
                Some((Fact::Route(prefix(value)?), preference as u8))
            }
            (_, Some(_)) => None,
            (FactList::Rdnss, None) => {
                let server: Ipv6Addr = value.parse().ok()?;
                let one = !server.is_multicast() && !server.is_unspecified();
                one.then_some((Fact::Rdnss(server), 0))
            }
            (FactList::Dnssl, None) => Some((Fact::Dnssl(PvdKey::parse_name(value).ok()?), 0)),
            (FactList::Pref64, None) => {
                // RFC 8781 section 4.
                let good = |prefix: &Prefix| matches!(prefix.length(), 96 | 64 | 56 | 48 | 40 | 32);
                Some((Fact::Pref64(prefix(value).filter(good)?), 0))
            }
        }
    }
}

/// A prefix of the link. Hosts make addresses from one of 64 bits only (RFC 4862 section 5.5.3, RFC 4291 section 2.5.1), and
/// ignore the link-local one (RFC 4861 section 6.3.4).
fn owned_prefix(prefix: Prefix, words: Option<&str>) -> Option<(Fact, u8)> {
    let both = pio_flag::ON_LINK | pio_flag::AUTONOMOUS;
    let flags = match words {
        None => both,
        Some(NO_FLAG) => 0,
        Some(words) => words.split(',').try_fold(0, |flags, word| {
            let flag = PREFIX_FLAGS.into_iter().find(|(name, _)| *name == word)?.1;
            (flags & flag == 0).then_some(flags | flag)
        })?,
    };
    let of_link = !prefix.address().is_unicast_link_local() && !prefix.address().is_multicast();
    let good = of_link && (flags & pio_flag::AUTONOMOUS == 0 || prefix.length() == 64);
    good.then_some((Fact::Prefix(prefix), flags))
}

/// Bits behind the length are a slip of whoever wrote it.
fn prefix(text: &str) -> Option<Prefix> {
    let (address, length) = text.split_once('/')?;
    let (address, length): (Ipv6Addr, u8) = (address.parse().ok()?, length.parse().ok()?);
    let prefix = Prefix::of(address, length);
    (prefix.address() == address && prefix.length() == length).then_some(prefix)
}

fn item(fact: &Fact, flags: u8) -> String {
    match fact {
        Fact::Prefix(prefix) if flags == pio_flag::ON_LINK | pio_flag::AUTONOMOUS => prefix.to_string(),
        Fact::Prefix(prefix) => {
            let words = PREFIX_FLAGS.into_iter().filter(|(_, flag)| flags & flag != 0).map(|(word, _)| word);
            let words: Vec<&str> = words.collect();
            format!("{prefix},{}", if words.is_empty() { NO_FLAG.to_owned() } else { words.join(",") })
        }
        Fact::Route(prefix) if flags == Preference::Medium as u8 => prefix.to_string(),
        Fact::Route(prefix) => {
            let word = PREFERENCES.into_iter().find(|(_, preference)| *preference as u8 == flags);
            format!("{prefix},{}", word.map_or("medium", |(word, _)| word))
        }
        Fact::Rdnss(server) => server.to_string(),
        Fact::Dnssl(name) => name.to_string(),
        Fact::Pref64(prefix) => prefix.to_string(),
    }
}

/// Refuses what cannot be said about a PvD.
pub(crate) fn check(statement: &Statement) -> Result<(), Refusal> {
    in_range("delay", statement.flags.delay.into(), 0, limits::DELAY_MAX.into())?;
    if statement.parameters.mtu > 0 {
        let (low, high) = (limits::MTU_IPV6_MIN.into(), limits::MTU_MAX.into());
        in_range("mtu", statement.parameters.mtu.into(), low, high)?;
    }
    let uri = &statement.parameters.captive_portal;
    if uri.len() > limits::CAPTIVE_PORTAL_MAX || !uri.iter().all(u8::is_ascii_graphic) {
        let expected = format!("a URI of at most {} characters", limits::CAPTIVE_PORTAL_MAX);
        return Err(Refusal::invalid("captive-portal", String::from_utf8_lossy(uri), expected));
    }
    if statement.facts.len() > limits::STATIC_FACTS_MAX {
        return Err(Refusal::limit("prefixes, routes and resolvers of one PvD", limits::STATIC_FACTS_MAX));
    }
    statement.announcement.as_ref().map_or(Ok(()), check_announcement)
}

fn check_announcement(said: &Announcement) -> Result<(), Refusal> {
    if !said.router.is_unicast_link_local() {
        let expected = "a link-local address such as fe80::1, which a router speaks from";
        return Err(Refusal::invalid("announce.router", said.router.to_string(), expected));
    }
    check_mac("announce.mac", said.mac)
}

/// What differs, as key and both values.
pub(crate) fn pairs(old: &Statement, new: &Statement) -> impl Iterator<Item = (&'static str, String, String)> {
    let [old, new] = [old, new].map(words);
    old.into_iter().zip(new).map(|((key, old), (_, new))| (key, old, new))
}

fn words(statement: &Statement) -> Vec<(&'static str, String)> {
    let Statement { flags, parameters, announcement, .. } = statement;
    let list = |list: FactList| (list.as_str(), or_none(list.items(statement).join(" ")));
    let portal = String::from_utf8_lossy(&parameters.captive_portal).into_owned();
    let own = [
        ("http", flags.http.to_string()),
        ("legacy", flags.legacy.to_string()),
        ("sequence", flags.sequence.to_string()),
        ("delay", flags.delay.to_string()),
        ("mtu", parameters.mtu.to_string()),
        ("captive-portal", or_none(portal)),
        ("announce", or_none(announcement.as_ref().map(announcement_words).unwrap_or_default())),
    ];
    own.into_iter().chain(FactList::ALL.map(list)).collect()
}

fn announcement_words(Announcement { router, mac, lifetime, inner }: &Announcement) -> String {
    let inner = if *inner { " inside the option" } else { "" };
    format!("{router} at {mac}, router for {lifetime}s{inner}")
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_what_is_said_is_read_back() {
        let all: [(FactList, &[&str]); 5] = [
            (
                FactList::Prefixes,
                &["2001:db8:1::/64", "2001:db8:2::/48,on-link", "2001:db8:3::/64,autonomous", "2001:db8:4::/64,none"],
            ),
            (FactList::Routes, &["::/0", "2001:db8::/32,high", "2001:db9::/32,low"]),
            (FactList::Rdnss, &["2001:db8::53", "fe80::53"]),
            (FactList::Dnssl, &["corp.example."]),
            (FactList::Pref64, &["64:ff9b::/96"]),
        ];
        let mut statement = Statement::default();
        for (list, items) in all {
            list.set(&mut statement, items).unwrap();
        }
        for (list, items) in all {
            let mut said = list.items(&statement);
            said.sort_unstable();
            let mut items = items.to_vec();
            items.sort_unstable();
            assert_eq!(said, items);
        }
        FactList::Prefixes.set::<&str>(&mut statement, &[]).unwrap();
        assert_eq!(statement.facts.len(), 7, "the others stay");
        check(&statement).unwrap();
    }

    #[test]
    fn test_what_makes_no_sense_is_refused() {
        let bad: [(FactList, &[&str]); 5] = [
            (
                FactList::Prefixes,
                &[
                    "2001:db8::1/64",
                    "2001:db8::/129",
                    "2001:db8::",
                    "fe80::/64",
                    "ff00::/64",
                    "10.0.0.0/8",
                    "2001:db8::/48",
                    "2001:db8::/64,",
                    "2001:db8::/64,L",
                    "2001:db8::/64,on-link,on-link",
                    "2001:db8::/64,none,on-link",
                    " 2001:db8::/64",
                ],
            ),
            (FactList::Routes, &["2001:db8::/32,urgent", "2001:db8::1", "2001:db8::/32,high,low"]),
            (FactList::Rdnss, &["ff02::1", "::", "192.0.2.1", "dns.example", "2001:db8::53,1"]),
            (FactList::Dnssl, &["", ".", "a..b", "a b"]),
            (FactList::Pref64, &["64:ff9b::/97", "64:ff9b::"]),
        ];
        for (list, items) in bad {
            for item in items {
                let mut statement = Statement::default();
                let why = list.set(&mut statement, &[*item]).expect_err(item);
                assert!(matches!(&why, Refusal::Invalid { field, .. } if field == list.as_str()), "{why}");
                assert_eq!(statement, Statement::default());
            }
        }
        let twice = FactList::Rdnss.set(&mut Statement::default(), &["::1", "0::1"]).unwrap_err();
        assert!(twice.to_string().contains("each of them once"), "{twice}");
    }

    #[test]
    fn test_names_are_host_names() {
        for text in
            ["work.example", "WORK.example.", "_pvd.work-1.example", &["a".repeat(63), "b".repeat(63)].join(".")]
        {
            PvdKey::parse_name(text).unwrap_or_else(|why| panic!("{why}"));
        }
        let long = vec!["a".repeat(63); 4].join(".");
        for text in ["", ".", "a..b", ".a", "a b", "a\\046b", "fe80::1%vm1", "bücher.example", &"a".repeat(64), &long]
        {
            PvdKey::parse_name(text).expect_err(text);
        }
    }
}
