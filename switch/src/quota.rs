// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Quotas: how much a namespace and all below it may have together. Whoever makes something is held to the quota of
//! every namespace on the way to the root, and the refusal says whose it was.

use crate::path::NamespacePath;
use std::collections::BTreeMap;

/// What can be limited for a subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Namespaces below the one that has the quota.
    Namespaces,
    /// Ports in it and below.
    Ports,
    /// Entries that the MAC tables of it and below may hold together: the sum of their sizes, used or not.
    Macs,
    /// Provisioning domains.
    Pvds,
    /// Router Advertisements that are remembered.
    RaEntries,
}

const COUNT: usize = Resource::ALL.len();

impl Resource {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Resource; 5] =
        [Resource::Namespaces, Resource::Ports, Resource::Macs, Resource::Pvds, Resource::RaEntries];

    /// The word for it in texts, in configuration and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Resource::Namespaces => "namespaces",
            Resource::Ports => "ports",
            Resource::Macs => "macs",
            Resource::Pvds => "pvds",
            Resource::RaEntries => "ra-entries",
        }
    }

    /// The resource that a word stands for.
    pub fn of(word: &str) -> Option<Resource> {
        Resource::ALL.into_iter().find(|resource| resource.as_str() == word)
    }
}

/// Upper bounds of a subtree; what has none is bounded by those above and by [`crate::limits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas([Option<u64>; COUNT]);

impl Quotas {
    /// The bound on a resource.
    pub fn get(&self, resource: Resource) -> Option<u64> {
        self.0[resource as usize]
    }

    /// Sets or lifts the bound on a resource.
    pub fn set(&mut self, resource: Resource, most: Option<u64>) {
        self.0[resource as usize] = most;
    }

    /// These with the bounds that `changed` names in place of their own.
    #[must_use]
    pub fn with(mut self, changed: &[(Resource, Option<u64>)]) -> Quotas {
        changed.iter().for_each(|(resource, most)| self.set(*resource, *most));
        self
    }
}

/// What a subtree has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage([u64; COUNT]);

impl Usage {
    /// How much it has of a resource.
    pub fn get(&self, resource: Resource) -> u64 {
        self.0[resource as usize]
    }

    fn add(&mut self, resource: Resource, count: u64) {
        self.0[resource as usize] += count;
    }

    fn sub(&mut self, resource: Resource, count: u64) {
        self.0[resource as usize] = self.get(resource).saturating_sub(count);
    }

    /// The sum of both.
    #[must_use]
    pub(crate) fn and(mut self, other: Usage) -> Usage {
        Resource::ALL.into_iter().for_each(|resource| self.add(resource, other.get(resource)));
        self
    }

    /// The same without what is said of one resource.
    #[must_use]
    pub(crate) fn without(mut self, resource: Resource) -> Usage {
        self.0[resource as usize] = 0;
        self
    }

    fn is_zero(&self) -> bool {
        *self == Usage::default()
    }
}

/// What each namespace and all below it have, where they have anything. Having nothing is having no entry, so that equal
/// states have equal books.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UsageBook(BTreeMap<NamespacePath, Usage>);

impl UsageBook {
    /// What a namespace and all below it have.
    pub(crate) fn usage(&self, path: &NamespacePath) -> Usage {
        self.0.get(path).copied().unwrap_or_default()
    }

    /// Counts what comes, for `path` and all that it lies in.
    pub(crate) fn charge(&mut self, path: &NamespacePath, resource: Resource, count: u64) {
        path.and_ancestors().for_each(|owner| self.0.entry(owner).or_default().add(resource, count));
    }

    /// Counts what goes.
    pub(crate) fn discharge(&mut self, path: &NamespacePath, resource: Resource, count: u64) {
        for owner in path.and_ancestors() {
            let Some(usage) = self.0.get_mut(&owner) else { continue };
            usage.sub(resource, count);
            if usage.is_zero() {
                self.0.remove(&owner);
            }
        }
    }
}
