// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Words that name objects. A refusal is put into words where it happens, and read by somebody who may be bound to a
//! namespace: names in a text stay names, so that [`Text::seen_from`] can say them as the reader does, and leave out
//! what he does not see.

use crate::desired::FdbKey;
use crate::path::NamespacePath;
use crate::reference::PortPath;
use crate::stated::PvdKey;
use std::fmt;

/// What stands for something that the reader does not see.
const UNSEEN: &str = "something else";

/// A text with names in it, as the operator reads it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text(Vec<Piece>);

#[derive(Clone, PartialEq, Eq)]
enum Piece {
    Words(String),
    Name(Name),
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Name {
    Namespace(NamespacePath),
    Port(PortPath),
    Fdb(FdbKey),
    Pvd(PvdKey),
}

impl Name {
    fn seen_from(&self, base: &NamespacePath) -> Option<String> {
        match self {
            Name::Namespace(path) => path.seen_from(base).map(|path| path.to_string()),
            Name::Port(port) => port.seen_from(base).map(|port| port.to_string()),
            Name::Fdb(FdbKey { namespace, mac }) => {
                Some(FdbKey { namespace: namespace.seen_from(base)?, mac: *mac }.label())
            }
            Name::Pvd(PvdKey { namespace, name }) => {
                Some(PvdKey { namespace: namespace.seen_from(base)?, name: name.clone() }.label())
            }
        }
    }
}

impl Text {
    /// Goes on with a name in quotes.
    pub(crate) fn quoted(self, name: impl Into<Name>) -> Text {
        self.and("\"").with(Piece::Name(name.into())).and("\"")
    }

    /// Goes on with a name as it is said in a command.
    pub(crate) fn named(self, name: impl Into<Name>) -> Text {
        self.with(Piece::Name(name.into()))
    }

    /// Goes on with words.
    pub(crate) fn and(self, words: impl Into<String>) -> Text {
        self.with(Piece::Words(words.into()))
    }

    /// The same for somebody who is bound to the namespace `base`.
    pub(crate) fn seen_from(&self, base: &NamespacePath) -> Text {
        let seen = |piece: &Piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Name(name) => name.seen_from(base).unwrap_or_else(|| UNSEEN.to_owned()),
        };
        Text::from(self.0.iter().map(seen).collect::<String>())
    }

    fn with(mut self, piece: Piece) -> Text {
        self.0.push(piece);
        self
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = NamespacePath::root();
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Words(words) => f.write_str(words),
            Piece::Name(name) => f.write_str(&name.seen_from(&root).unwrap_or_default()),
        })
    }
}

/// In quotes.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl From<&NamespacePath> for Name {
    fn from(path: &NamespacePath) -> Name {
        Name::Namespace(path.clone())
    }
}

impl From<&PortPath> for Name {
    fn from(port: &PortPath) -> Name {
        Name::Port(port.clone())
    }
}

impl From<&FdbKey> for Name {
    fn from(key: &FdbKey) -> Name {
        Name::Fdb(key.clone())
    }
}

impl From<&PvdKey> for Name {
    fn from(key: &PvdKey) -> Name {
        Name::Pvd(key.clone())
    }
}

impl<'a, T> From<&'a T> for Text
where
    Name: From<&'a T>,
{
    fn from(name: &'a T) -> Text {
        Text(vec![Piece::Name(name.into())])
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Text {
        Text(vec![Piece::Words(words.to_owned())])
    }
}

impl From<String> for Text {
    fn from(words: String) -> Text {
        Text(vec![Piece::Words(words)])
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_names_are_said_as_the_reader_says_them_and_what_he_does_not_see_is_not_named() {
        let port: PortPath = "red/dev:vm1".parse().unwrap();
        let text = Text::from("port ").quoted(&port).and(" and 1 more");
        assert_eq!(text.to_string(), r#"port "red/dev:vm1" and 1 more"#);
        let seen = |base: &str| text.seen_from(&base.parse().unwrap()).to_string();
        assert_eq!(seen("red"), r#"port "dev:vm1" and 1 more"#);
        assert_eq!(seen("red/dev"), r#"port "/:vm1" and 1 more"#);
        assert_eq!(seen("blue"), r#"port "something else" and 1 more"#);
        assert_eq!(format!("{:?}", Text::from(&port)), r#""red/dev:vm1""#);
    }
}
