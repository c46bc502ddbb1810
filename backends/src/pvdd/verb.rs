// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a message asks for.

use std::net::Ipv6Addr;
use wire::name::DomainName;

/// One PvD, by the name under which it is told, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    All,
    One(String),
}

/// A message, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    GetList,
    GetAttributes(Which),
    GetAttribute {
        name: String,
        key: String,
    },
    /// To be told which PvDs come and go, or no more.
    SubscribeList(bool),
    /// To be told what changes of these, or no more.
    Subscribe(Which, bool),
    PromoteControl,
    PromoteBinary,
    Change(Change),
}

/// A message that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Create(String),
    Remove(String),
    Begin(String),
    Set { name: String, key: String, value: String },
    Unset { name: String, key: String },
    End(String),
}

/// Why a message asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadVerb {
    /// There is no such verb.
    Unknown,
    /// This is what must stand behind the verb.
    Arguments(&'static str),
    /// A PvD cannot have this name.
    Name(String),
}

/// What stands behind verbs.
const NOTHING: &str = "nothing";
const NAME: &str = "the name of a PvD";
const NAME_OR_ALL: &str = "the name of a PvD, or *";
const NAME_AND_KEY: &str = "the name of a PvD and that of an attribute";
const ID_AND_NAME: &str = "a number and the name of a PvD";
const ASSIGNMENT: &str = "the name of a PvD, that of an attribute, and a value in JSON";

impl Verb {
    /// Reads a message, and returns the word that it begins with.
    pub(super) fn parse(message: &str) -> (&str, Result<Verb, BadVerb>) {
        let (word, rest) = cut(message);
        (word, Verb::read(word, rest))
    }

    fn read(word: &str, rest: &str) -> Result<Verb, BadVerb> {
        Ok(match word {
            "PVD_GET_LIST" => nothing(rest, Verb::GetList)?,
            "PVD_GET_ATTRIBUTES" => Verb::GetAttributes(which(rest)?),
            "PVD_GET_ATTRIBUTE" => {
                let (name, key) = name_and_key(rest)?;
                Verb::GetAttribute { name, key }
            }
            "PVD_SUBSCRIBE_NOTIFICATIONS" => nothing(rest, Verb::SubscribeList(true))?,
            "PVD_UNSUBSCRIBE_NOTIFICATIONS" => nothing(rest, Verb::SubscribeList(false))?,
            "PVD_SUBSCRIBE" => Verb::Subscribe(which(rest)?, true),
            "PVD_UNSUBSCRIBE" => Verb::Subscribe(which(rest)?, false),
            "PVD_CONNECTION_PROMOTE_CONTROL" => nothing(rest, Verb::PromoteControl)?,
            "PVD_CONNECTION_PROMOTE_BINARY" => nothing(rest, Verb::PromoteBinary)?,
            _ => Verb::Change(Change::read(word, rest)?),
        })
    }
}

impl Change {
    fn read(word: &str, rest: &str) -> Result<Change, BadVerb> {
        Ok(match word {
            "PVD_CREATE_PVD" => {
                let (id, name) = cut(rest);
                // The number means nothing, in pvdd neither.
                id.parse::<i64>().map_err(|_| BadVerb::Arguments(ID_AND_NAME))?;
                Change::Create(one(name, ID_AND_NAME)?)
            }
            "PVD_REMOVE_PVD" => Change::Remove(one(rest, NAME)?),
            "PVD_BEGIN_TRANSACTION" => Change::Begin(one(rest, NAME)?),
            "PVD_END_TRANSACTION" => Change::End(one(rest, NAME)?),
            "PVD_SET_ATTRIBUTE" => {
                let (text, rest) = cut(rest);
                let (key, value) = cut(rest);
                let missing = key.is_empty() || value.is_empty();
                let name = one(text, ASSIGNMENT)?;
                let set = Change::Set { name, key: key.to_owned(), value: value.to_owned() };
                (!missing).then_some(set).ok_or(BadVerb::Arguments(ASSIGNMENT))?
            }
            "PVD_UNSET_ATTRIBUTE" => {
                let (name, key) = name_and_key(rest)?;
                Change::Unset { name, key }
            }
            _ => return Err(BadVerb::Unknown),
        })
    }
}

/// The first word, and what stands behind it and its white space.
fn cut(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

fn nothing(rest: &str, verb: Verb) -> Result<Verb, BadVerb> {
    rest.is_empty().then_some(verb).ok_or(BadVerb::Arguments(NOTHING))
}

fn which(rest: &str) -> Result<Which, BadVerb> {
    if rest == "*" { Ok(Which::All) } else { one(rest, NAME_OR_ALL).map(Which::One) }
}

fn name_and_key(rest: &str) -> Result<(String, String), BadVerb> {
    let (name, key) = cut(rest);
    let good = !key.is_empty() && !key.contains(char::is_whitespace);
    let key = good.then(|| key.to_owned()).ok_or(BadVerb::Arguments(NAME_AND_KEY))?;
    Ok((one(name, NAME_AND_KEY)?, key))
}

/// One name, in the one way in which it is told.
fn one(text: &str, expected: &'static str) -> Result<String, BadVerb> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err(BadVerb::Arguments(expected));
    }
    let name = match text.split_once('%') {
        Some((router, port)) => router.parse::<Ipv6Addr>().ok().map(|router| format!("{router}%{port}")),
        None => text.parse::<DomainName>().ok().map(|name| name.to_string()),
    };
    name.ok_or_else(|| BadVerb::Name(text.to_owned()))
}
