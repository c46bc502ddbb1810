// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Names of namespaces: the way to one from whoever names it, `red/dev`.
//!
//! `/` is where the way begins: for the operator the root, for someone who is bound to a namespace that namespace. There
//! is no way up, so whatever is joined to a base stays within it. Paths are ordered as the tree is walked, a namespace
//! before what is in it and that before its next sibling, so that a subtree is one range of an ordered map.

use crate::limits::PATH_MAX;
use crate::name::Name;
use crate::refusal::Refusal;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

const ROOT: &str = "/";

/// The path of a namespace: names with `/` between them, or `/` alone. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NamespacePath(Arc<str>);

/// The text is not a [`NamespacePath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", NamespacePath::EXPECTED)]
pub struct BadPath;

impl NamespacePath {
    /// What a path must look like, for error texts.
    pub const EXPECTED: &'static str =
        "names with / between them, each 1 to 63 characters of a-z 0-9 . _ - that begin with a letter or a digit";

    /// The namespace that all ways begin at.
    pub fn root() -> NamespacePath {
        NamespacePath(ROOT.into())
    }

    /// Parses a path that a user gave for `field`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with the field, the text and what was expected.
    pub fn parse(field: &str, text: &str) -> Result<NamespacePath, Refusal> {
        text.parse().map_err(|BadPath| Refusal::invalid(field, text, NamespacePath::EXPECTED))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `/`.
    pub fn is_root(&self) -> bool {
        self.inner().is_empty()
    }

    /// How far it is below the root, which itself is at 0.
    pub fn depth(&self) -> usize {
        if self.is_root() { 0 } else { 1 + self.0.bytes().filter(|byte| *byte == b'/').count() }
    }

    /// The namespace that it lies in; the root lies in none.
    pub fn parent(&self) -> Option<NamespacePath> {
        match self.inner().rsplit_once('/') {
            Some((parent, _)) => Some(NamespacePath(parent.into())),
            None => (!self.is_root()).then(NamespacePath::root),
        }
    }

    /// It, what it lies in, and so on to the root.
    pub fn and_ancestors(&self) -> impl Iterator<Item = NamespacePath> + use<> {
        std::iter::successors(Some(self.clone()), NamespacePath::parent)
    }

    /// What `below` names for someone who stands here.
    pub fn join(&self, below: &NamespacePath) -> NamespacePath {
        match (self.is_root(), below.is_root()) {
            (true, _) => below.clone(),
            (_, true) => self.clone(),
            _ => NamespacePath(format!("{}/{}", self.0, below.0).into()),
        }
    }

    /// Whether it is `base` or lies below it.
    pub fn is_within(&self, base: &NamespacePath) -> bool {
        self.below(base).is_some()
    }

    /// How someone who stands at `base` names it; `None`: from there it does not exist.
    pub fn seen_from(&self, base: &NamespacePath) -> Option<NamespacePath> {
        if base.is_root() {
            return Some(self.clone());
        }
        self.below(base).map(|rest| if rest.is_empty() { NamespacePath::root() } else { NamespacePath(rest.into()) })
    }

    fn below(&self, base: &NamespacePath) -> Option<&str> {
        let (own, base) = (self.inner(), base.inner());
        let rest = own.strip_prefix(base)?;
        if rest.is_empty() || base.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }

    /// Without the `/` that only the root has.
    fn inner(&self) -> &str {
        if &*self.0 == ROOT { "" } else { &self.0 }
    }
}

impl FromStr for NamespacePath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<NamespacePath, BadPath> {
        let good = text == ROOT || text.len() <= PATH_MAX && text.split('/').all(Name::is_valid);
        good.then(|| NamespacePath(text.into())).ok_or(BadPath)
    }
}

impl From<Name> for NamespacePath {
    fn from(name: Name) -> NamespacePath {
        NamespacePath(name.as_str().into())
    }
}

/// The byte of `/` counts as the smallest, and no name contains a smaller one.
impl Ord for NamespacePath {
    fn cmp(&self, other: &NamespacePath) -> Ordering {
        let bytes = |path: &NamespacePath| path.inner().len();
        let (own, theirs) = (self.inner().as_bytes(), other.inner().as_bytes());
        let key = |byte: u8| if byte == b'/' { 0 } else { byte };
        match own.iter().zip(theirs).find(|(a, b)| a != b) {
            Some((a, b)) => key(*a).cmp(&key(*b)),
            None => bytes(self).cmp(&bytes(other)),
        }
    }
}

impl PartialOrd for NamespacePath {
    fn partial_cmp(&self, other: &NamespacePath) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for NamespacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for NamespacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn path(text: &str) -> NamespacePath {
        text.parse().unwrap()
    }

    #[test]
    fn test_paths_that_are_refused() {
        let long = format!("{}a", "a/".repeat(PATH_MAX / 2 + 1));
        let tricks = ["", "//", "/red", "red/", "red//dev", "red/../blue", ".", "..", "red/.", "Red/dev", "red/d\nv"];
        for text in tricks.into_iter().chain(["red\\dev", "red/\0", "red/\u{2215}dev", long.as_str()]) {
            assert_eq!(text.parse::<NamespacePath>(), Err(BadPath), "{text:?}");
        }
    }

    #[test]
    fn test_the_order_is_that_of_the_tree() {
        let ordered = ["/", "red", "red/a", "red/dev", "red/dev/x", "red-x", "red.y", "red0", "z"];
        let mut sorted = ordered.map(path);
        sorted.reverse();
        sorted.sort();
        assert_eq!(sorted.map(|path| path.to_string()), ordered);
    }

    #[test]
    fn test_a_subtree_does_not_contain_a_namespace_whose_name_begins_alike() {
        assert!(!path("red-x").is_within(&path("red")) && !path("reddish/dev").is_within(&path("red")));
        assert!(path("red/dev").is_within(&path("red")) && path("red").is_within(&path("red")));
        assert_eq!(path("red/dev").seen_from(&path("red")), Some(path("dev")));
        assert_eq!(path("red").seen_from(&path("red")), Some(path("/")));
        assert_eq!(path("red").seen_from(&path("red/dev")), None);
        assert_eq!(path("red").seen_from(&path("/")), Some(path("red")));
    }

    #[test]
    fn test_whatever_is_joined_stays_within() {
        assert_eq!(path("red").join(&path("dev/x")), path("red/dev/x"));
        assert_eq!((path("red").join(&path("/")), path("/").join(&path("red"))), (path("red"), path("red")));
        let up: Vec<String> = path("a/b/c").and_ancestors().map(|path| path.to_string()).collect();
        assert_eq!(up, ["a/b/c", "a/b", "a", "/"]);
        assert_eq!((path("/").depth(), path("a").depth(), path("a/b/c").depth()), (0, 1, 3));
    }
}
