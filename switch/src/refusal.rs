// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why a request was not carried out. A refusal is a promise: nothing has changed.

use crate::path::NamespacePath;
use crate::quota::{Resource, Usage};
use crate::reference::PortPath;
use crate::text::Text;
use std::fmt;

/// The kinds of things that a request can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A namespace.
    Namespace,
    /// A port.
    Port,
    /// An entry of a namespace's MAC table that an operator made; its name is `namespace/mac`.
    Fdb,
    /// A MAC address inside one namespace.
    Mac,
    /// A socket of a port, of its lanes or of a namespace.
    Socket,
    /// A netdev of the host.
    Netdev,
    /// A file of the host.
    File,
    /// A function of a PCI device of the host, by its address.
    Pci,
    /// The VF of a port, by the port's name.
    Vf,
    /// The number of a port or namespace in a namespace that sees it.
    Number,
    /// A provisioning domain.
    Pvd,
    /// A prefix inside one namespace.
    Prefix,
    /// A Router Advertisement that is remembered; its name is `namespace:number`.
    Ra,
}

impl Kind {
    /// The word for it in texts and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Namespace => "namespace",
            Kind::Port => "port",
            Kind::Fdb => "fdb entry",
            Kind::Mac => "mac",
            Kind::Socket => "socket",
            Kind::Netdev => "netdev",
            Kind::File => "file",
            Kind::Pci => "PCI function",
            Kind::Vf => "VF of port",
            Kind::Number => "number",
            Kind::Pvd => "PvD",
            Kind::Prefix => "prefix",
            Kind::Ra => "Router Advertisement",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A request that was refused; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error("{kind} {name:?} not found")]
    NotFound {
        /// What was looked for.
        kind: Kind,
        /// Its name.
        name: Text,
    },
    /// There are several of that name, and it was not said which is meant.
    #[error("{kind} {name:?} is ambiguous: it could be {}", one_of(candidates, *more))]
    Ambiguous {
        /// What was looked for.
        kind: Kind,
        /// What was said.
        name: String,
        /// What could be meant, as whoever asks names it: at least two.
        candidates: Vec<PortPath>,
        /// How many more could be meant.
        more: u64,
    },
    /// There is one of that name already.
    #[error("{kind} {name:?} exists already")]
    Exists {
        /// What was to be made.
        kind: Kind,
        /// Its name.
        name: Text,
    },
    /// Something else depends on it.
    #[error("{kind} {name:?} is in use by {by}")]
    InUse {
        /// What was to be removed or taken.
        kind: Kind,
        /// Its name.
        name: Text,
        /// Who uses it.
        by: Text,
    },
    /// It makes no sense as things stand.
    #[error("{why}")]
    Conflict {
        /// What stands against it, and what to do first.
        why: Text,
    },
    /// A value makes no sense.
    #[error("{field}: {value:?} is not valid (expected {expected})")]
    Invalid {
        /// The field of the request, or the key of the configuration.
        field: String,
        /// What was given.
        value: String,
        /// What would have been right.
        expected: String,
    },
    /// It would exceed a bound of [`crate::limits`].
    #[error("too many {what}: the limit is {limit}")]
    Limit {
        /// What there would be too many of.
        what: Text,
        /// How many there may be.
        limit: u64,
    },
    /// Namespaces would lie too deep inside each other.
    #[error("too many namespaces inside each other: the limit is {limit}")]
    Depth {
        /// How deep they may lie.
        limit: u64,
    },
    /// It would exceed a bound of [`crate::limits`] on all namespaces together.
    #[error("too many {what}: the limit is {limit}")]
    Everywhere {
        /// What it counts as in the quota of a namespace.
        resource: Resource,
        /// What there would be too many of.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
    /// It would exceed a quota of a namespace.
    #[error("too many {} in namespace {:?} and below: its quota is {limit}", resource.as_str(), owner.as_str())]
    Quota {
        /// What there would be too many of.
        resource: Resource,
        /// The namespace whose quota it is.
        owner: NamespacePath,
        /// The quota.
        limit: u64,
    },
}

impl Refusal {
    pub(crate) fn not_found(kind: Kind, name: impl Into<Text>) -> Refusal {
        Refusal::NotFound { kind, name: name.into() }
    }

    pub(crate) fn exists(kind: Kind, name: impl Into<Text>) -> Refusal {
        Refusal::Exists { kind, name: name.into() }
    }

    pub(crate) fn in_use(kind: Kind, name: impl Into<Text>, by: impl Into<Text>) -> Refusal {
        Refusal::InUse { kind, name: name.into(), by: by.into() }
    }

    pub(crate) fn conflict(why: impl Into<Text>) -> Refusal {
        Refusal::Conflict { why: why.into() }
    }

    /// A value that makes no sense; for callers who parse text into requests.
    pub fn invalid(field: impl Into<String>, value: impl Into<String>, expected: impl Into<String>) -> Refusal {
        Refusal::Invalid { field: field.into(), value: value.into(), expected: expected.into() }
    }

    /// The same for somebody who is bound to the namespace `base`, which has so much: in his names, and without a word
    /// of what he does not see. A bound that is not his own is told as one of his namespace: no more than it has.
    #[must_use]
    pub fn seen_from(self, base: &NamespacePath, usage: &Usage) -> Refusal {
        let quota = |resource, limit| Refusal::Quota { resource, owner: NamespacePath::root(), limit };
        match self {
            _ if base.is_root() => self,
            Refusal::NotFound { kind, name } => Refusal::NotFound { kind, name: name.seen_from(base) },
            Refusal::Exists { kind, name } => Refusal::Exists { kind, name: name.seen_from(base) },
            Refusal::InUse { kind, name, by } => {
                Refusal::InUse { kind, name: name.seen_from(base), by: by.seen_from(base) }
            }
            Refusal::Conflict { why } => Refusal::Conflict { why: why.seen_from(base) },
            Refusal::Limit { what, limit } => Refusal::Limit { what: what.seen_from(base), limit },
            Refusal::Depth { limit } => Refusal::Depth { limit: limit.saturating_sub(base.depth() as u64) },
            Refusal::Everywhere { resource, .. } => quota(resource, usage.get(resource)),
            Refusal::Quota { resource, owner, limit } => match owner.seen_from(base) {
                Some(owner) => Refusal::Quota { resource, owner, limit },
                None => quota(resource, usage.get(resource)),
            },
            // What was said and what would have been right; and names as the reader says them.
            Refusal::Invalid { .. } | Refusal::Ambiguous { .. } => self,
        }
    }

    pub(crate) fn everywhere(resource: Resource, what: &'static str, limit: usize) -> Refusal {
        Refusal::Everywhere { resource, what, limit: limit as u64 }
    }

    pub(crate) fn limit(what: impl Into<Text>, limit: usize) -> Refusal {
        Refusal::Limit { what: what.into(), limit: limit as u64 }
    }
}

/// `"a", "b" or "c"`
fn one_of(candidates: &[PortPath], more: u64) -> String {
    let more = (more > 0).then(|| format!("one of {more} more"));
    let mut all: Vec<String> = candidates.iter().map(|port| format!("{port:?}")).chain(more).collect();
    let last = all.pop().unwrap_or_default();
    if all.is_empty() { last } else { format!("{} or {last}", all.join(", ")) }
}
