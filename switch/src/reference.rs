// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How ports are spoken of. The name of a port is its own in its namespace only, so its full name is [`PortPath`],
//! `red/dev:vm1`. Whoever says `vm1` alone says a [`PortRef`], and means the one port of that name that he sees;
//! [`PortRef::resolve`] finds out which that is, and refuses where it could be several.

use crate::name::Name;
use crate::path::NamespacePath;
use crate::refusal::{Kind, Refusal};
use std::fmt;
use std::str::FromStr;

/// Between a namespace and a port of it; part of no name.
const SEPARATOR: char = ':';

/// So many of those that could be meant are named.
const CANDIDATES_SHOWN: usize = 16;

/// A port and the namespace that it is in: `red/dev:vm1`, `/:vm1`. Ordered as the tree is walked, then by name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortPath {
    /// The namespace.
    pub namespace: NamespacePath,
    /// Its name there.
    pub name: Name,
}

/// What somebody says to mean a port: `red/dev:vm1`, or `vm1` where that leaves no doubt.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortRef {
    /// The namespace, if it is said.
    pub namespace: Option<NamespacePath>,
    /// The name.
    pub name: Name,
}

/// The text is not a [`PortRef`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", PortRef::EXPECTED)]
pub struct BadPortRef;

impl PortPath {
    /// The port of that name in that namespace.
    pub fn new(namespace: NamespacePath, name: Name) -> PortPath {
        PortPath { namespace, name }
    }

    /// What all ports of a namespace and below it come after.
    pub(crate) fn before(namespace: &NamespacePath) -> PortPath {
        PortPath { namespace: namespace.clone(), name: Name::lowest() }
    }

    /// How someone who stands at `base` names it; `None`: from there it does not exist.
    pub fn seen_from(&self, base: &NamespacePath) -> Option<PortPath> {
        Some(PortPath { namespace: self.namespace.seen_from(base)?, name: self.name.clone() })
    }
}

impl PortRef {
    /// What it must look like, for error texts.
    pub const EXPECTED: &'static str = "NAME or NAMESPACE:NAME, such as vm1 or red/dev:vm1";

    /// Parses what a user gave for `field`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with the field, the text and what was expected.
    pub fn parse(field: &str, text: &str) -> Result<PortRef, Refusal> {
        text.parse().map_err(|BadPortRef| Refusal::invalid(field, text, PortRef::EXPECTED))
    }

    /// Which of `ports` is meant by someone who stands at `base`, where the namespaces that he says begin. `ports` are
    /// those that he sees: nothing else is looked at, so nothing else can be told.
    ///
    /// # Errors
    /// None is, or several could be.
    pub fn resolve<'a>(
        &self,
        base: &NamespacePath,
        ports: impl IntoIterator<Item = &'a PortPath>,
    ) -> Result<PortPath, Refusal> {
        let home = self.namespace.as_ref().map(|said| base.join(said));
        let meant =
            |port: &&PortPath| port.name == self.name && home.as_ref().is_none_or(|home| port.namespace == *home);
        let mut found = ports.into_iter().filter(meant);
        let Some(first) = found.next() else { return Err(Refusal::not_found(Kind::Port, self.to_string())) };
        let others: Vec<&PortPath> = found.collect();
        if others.is_empty() {
            return Ok(first.clone());
        }
        let all = std::iter::once(first).chain(others.iter().copied());
        let candidates: Vec<PortPath> = all.filter_map(|port| port.seen_from(base)).take(CANDIDATES_SHOWN).collect();
        let more = (1 + others.len() - candidates.len()) as u64;
        Err(Refusal::Ambiguous { kind: Kind::Port, name: self.name.to_string(), candidates, more })
    }
}

impl From<PortPath> for PortRef {
    fn from(PortPath { namespace, name }: PortPath) -> PortRef {
        PortRef { namespace: Some(namespace), name }
    }
}

impl From<Name> for PortRef {
    fn from(name: Name) -> PortRef {
        PortRef { namespace: None, name }
    }
}

impl FromStr for PortRef {
    type Err = BadPortRef;

    fn from_str(text: &str) -> Result<PortRef, BadPortRef> {
        let (namespace, name) = match text.split_once(SEPARATOR) {
            Some((namespace, name)) => (Some(namespace.parse().map_err(|_| BadPortRef)?), name),
            None => (None, text),
        };
        Ok(PortRef { namespace, name: name.parse().map_err(|_| BadPortRef)? })
    }
}

impl FromStr for PortPath {
    type Err = BadPortRef;

    fn from_str(text: &str) -> Result<PortPath, BadPortRef> {
        let PortRef { namespace, name } = text.parse()?;
        Ok(PortPath { namespace: namespace.ok_or(BadPortRef)?, name })
    }
}

impl fmt::Display for PortPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{SEPARATOR}{}", self.namespace, self.name))
    }
}

impl fmt::Display for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => f.pad(&format!("{namespace}{SEPARATOR}{}", self.name)),
            None => f.pad(self.name.as_str()),
        }
    }
}

/// In quotes, as texts name it.
impl fmt::Debug for PortPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

/// In quotes, as texts name it.
impl fmt::Debug for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn path(text: &str) -> NamespacePath {
        text.parse().unwrap()
    }

    fn said(text: &str) -> PortRef {
        text.parse().unwrap()
    }

    fn port(text: &str) -> PortPath {
        text.parse().unwrap()
    }

    #[test]
    fn test_what_is_said_is_read_back() {
        for text in ["vm1", "red:vm1", "red/dev:vm1", "/:vm1"] {
            assert_eq!(said(text).to_string(), text);
        }
        for text in ["", ":", ":vm1", "red:", "red:dev:vm1", "red/:vm1", "/red:vm1", "red/vm1", "Red:vm1", "red: vm1"] {
            assert_eq!(text.parse::<PortRef>(), Err(BadPortRef), "{text:?}");
        }
        assert_eq!("vm1".parse::<PortPath>(), Err(BadPortRef), "whose?");
    }

    #[test]
    fn test_ports_are_ordered_as_the_tree_is_walked() {
        let ordered = ["/:vm2", "red:a", "red:vm1", "red/dev:vm1", "red-x:vm1"];
        let mut sorted = ordered.map(port);
        sorted.reverse();
        sorted.sort();
        assert_eq!(sorted.map(|port| port.to_string()), ordered);
        assert!(PortPath::before(&path("red")) < port("red:0") && PortPath::before(&path("red")) > port("/:zz"));
    }

    #[test]
    fn test_a_name_alone_is_the_one_port_of_that_name() {
        let ports = ["red:vm1", "red:vm2", "red/dev:vm1"].map(port);
        let means = |text: &str| said(text).resolve(&NamespacePath::root(), &ports).map_err(|why| why.to_string());
        assert_eq!(means("vm2"), Ok(port("red:vm2")));
        assert_eq!(means("red:vm1"), Ok(port("red:vm1")));
        assert_eq!(means("vm1"), Err(r#"port "vm1" is ambiguous: it could be "red:vm1" or "red/dev:vm1""#.into()));
        assert_eq!(means("vm3"), Err(r#"port "vm3" not found"#.into()));
        assert_eq!(means("dev:vm1"), Err(r#"port "dev:vm1" not found"#.into()));
    }

    #[test]
    fn test_names_begin_where_one_stands() {
        let ports = ["red:vm1", "red/dev:vm1", "red/qa:vm1"].map(port);
        let means = |text: &str| said(text).resolve(&path("red"), &ports).map_err(|why| why.to_string());
        assert_eq!(means("dev:vm1"), Ok(port("red/dev:vm1")));
        assert_eq!(means("/:vm1"), Ok(port("red:vm1")));
        assert_eq!(means("red:vm1"), Err(r#"port "red:vm1" not found"#.into()));
        assert!(means("vm1").unwrap_err().ends_with(r#""/:vm1", "dev:vm1" or "qa:vm1""#));
    }

    #[test]
    fn test_not_all_of_very_many_are_named() {
        let ports: Vec<PortPath> = (0..100).map(|i| port(&format!("t{i}:vm1"))).collect();
        let why = said("vm1").resolve(&NamespacePath::root(), &ports).unwrap_err().to_string();
        assert!(why.ends_with(r#""t15:vm1" or one of 84 more"#), "{why}");
    }
}
