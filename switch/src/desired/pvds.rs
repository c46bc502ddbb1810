// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Static PvDs, and the rules about them: within a namespace a prefix belongs to one of them at most, and what is announced in the
//! name of one router has one header, for hosts that know no PvDs go by what they hear last.

use super::Desired;
use crate::limits;
use crate::path::NamespacePath;
use crate::quota::Resource;
use crate::refusal::{Kind, Refusal};
use crate::stated::{self, PvdKey};
use crate::text::Text;
use core::net::Ipv6Addr;
use pvd::{Announcement, Fact, Prefix, PvdName, Statement};
use std::collections::{BTreeMap, BTreeSet};

/// All static PvDs, with what the rules ask for. It follows from them, so two that are equal have equal ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StaticPvds {
    all: BTreeMap<PvdKey, Statement>,
    /// Those of each namespace that has any.
    names: BTreeMap<NamespacePath, BTreeSet<PvdName>>,
    /// The PvD that each prefix of a namespace belongs to.
    owners: BTreeMap<(NamespacePath, Prefix), PvdName>,
    /// Those that are announced in the name of each router of a namespace.
    announced: BTreeMap<(NamespacePath, Ipv6Addr), BTreeSet<PvdName>>,
    /// Facts of all of them.
    facts: usize,
}

impl StaticPvds {
    fn insert(&mut self, key: PvdKey, statement: Statement) {
        let PvdKey { namespace, name } = &key;
        for prefix in prefixes(&statement) {
            self.owners.insert((namespace.clone(), prefix), name.clone());
        }
        self.names.entry(namespace.clone()).or_default().insert(name.clone());
        if let Some(said) = &statement.announcement {
            self.announced.entry((namespace.clone(), said.router)).or_default().insert(name.clone());
        }
        self.facts += statement.facts.len();
        self.all.insert(key, statement);
    }

    fn remove(&mut self, key: &PvdKey) {
        let Some(statement) = self.all.remove(key) else { return };
        for prefix in prefixes(&statement) {
            self.owners.remove(&(key.namespace.clone(), prefix));
        }
        self.facts -= statement.facts.len();
        if let Some(said) = &statement.announcement {
            let router = (key.namespace.clone(), said.router);
            let left = self.announced.get_mut(&router).map(|names| {
                names.remove(&key.name);
                names.len()
            });
            if left == Some(0) {
                self.announced.remove(&router);
            }
        }
        if let Some(names) = self.names.get_mut(&key.namespace) {
            names.remove(&key.name);
            if names.is_empty() {
                self.names.remove(&key.namespace);
            }
        }
    }

    /// Another PvD of the namespace whose announcement does not go together with this one. As all others go together, one speaks
    /// for them.
    fn contradicting(&self, key: &PvdKey, said: &Announcement) -> Option<(PvdKey, Announcement)> {
        let names = self.announced.get(&(key.namespace.clone(), said.router))?;
        let name = names.iter().find(|name| **name != key.name)?.clone();
        let other = PvdKey { namespace: key.namespace.clone(), name };
        let theirs = self.all.get(&other)?.announcement?;
        (!said.agrees(&theirs)).then_some((other, theirs))
    }

    fn owner(&self, namespace: &NamespacePath, prefix: Prefix) -> Option<&PvdName> {
        self.owners.get(&(namespace.clone(), prefix))
    }
}

impl Desired {
    /// All static PvDs, in tree order.
    pub fn pvds(&self) -> &BTreeMap<PvdKey, Statement> {
        &self.pvds.all
    }

    /// What is said about a static PvD.
    ///
    /// # Errors
    /// There is none.
    pub fn pvd(&self, key: &PvdKey) -> Result<&Statement, Refusal> {
        self.pvds.all.get(key).ok_or_else(|| Refusal::not_found(Kind::Pvd, key))
    }

    /// The static PvDs of a namespace and all below it, in tree order.
    pub fn pvds_within<'a>(&'a self, top: &NamespacePath) -> impl Iterator<Item = (PvdKey, &'a Statement)> + use<'a> {
        let (inside, top) = (self.pvds.names.range(top.clone()..), top.clone());
        let inside = inside.take_while(move |(path, _)| path.is_within(&top));
        inside
            .flat_map(|(path, names)| names.iter().map(|name| PvdKey { namespace: path.clone(), name: name.clone() }))
            .filter_map(|key| Some((key.clone(), self.pvds.all.get(&key)?)))
    }

    /// Adds a static PvD.
    ///
    /// # Errors
    /// There is one of that name, its namespace does not exist, a value is out of bounds, another one has one of its
    /// prefixes, or there are too many.
    pub fn add_pvd(&mut self, key: PvdKey, statement: Statement) -> Result<(), Refusal> {
        self.namespace(&key.namespace)?;
        if self.pvds.all.contains_key(&key) {
            return Err(Refusal::exists(Kind::Pvd, &key));
        }
        if self.pvds.all.len() >= limits::STATIC_PVDS_ALL_MAX {
            return Err(Refusal::everywhere(Resource::Pvds, "static PvDs", limits::STATIC_PVDS_ALL_MAX));
        }
        if self.pvds.names.get(&key.namespace).map_or(0, BTreeSet::len) >= limits::STATIC_PVDS_MAX {
            let what = Text::from("static PvDs in namespace ").quoted(&key.namespace);
            return Err(Refusal::limit(what, limits::STATIC_PVDS_MAX));
        }
        self.check_pvd(&key, &statement)?;
        self.check_quotas(&key.namespace, Resource::Pvds, 1)?;
        self.index.charge(&key.namespace, Resource::Pvds, 1);
        self.pvds.insert(key, statement);
        Ok(())
    }

    /// Replaces all that is said about a static PvD.
    ///
    /// # Errors
    /// It does not exist, a value is out of bounds, or another one has one of its prefixes.
    pub fn set_pvd(&mut self, key: &PvdKey, statement: Statement) -> Result<(), Refusal> {
        self.pvd(key)?;
        self.check_pvd(key, &statement)?;
        self.pvds.remove(key);
        self.pvds.insert(key.clone(), statement);
        Ok(())
    }

    /// Removes a static PvD.
    ///
    /// # Errors
    /// It does not exist.
    pub fn del_pvd(&mut self, key: &PvdKey) -> Result<(), Refusal> {
        self.pvd(key)?;
        self.pvds.remove(key);
        self.index.discharge(&key.namespace, Resource::Pvds, 1);
        Ok(())
    }

    fn check_pvd(&self, key: &PvdKey, statement: &Statement) -> Result<(), Refusal> {
        stated::check(statement)?;
        for prefix in prefixes(statement) {
            if let Some(name) = self.pvds.owner(&key.namespace, prefix).filter(|name| **name != key.name) {
                let owner = PvdKey { namespace: key.namespace.clone(), name: name.clone() };
                let by = Text::from("PvD ").quoted(&owner);
                return Err(Refusal::in_use(Kind::Prefix, prefix.to_string(), by));
            }
        }
        if let Some(said) = &statement.announcement
            && let Some((other, theirs)) = self.pvds.contradicting(key, said)
        {
            return Err(contradiction(said, &other, &theirs));
        }
        let before = self.pvds.all.get(key).map_or(0, |before| before.facts.len());
        let facts = self.pvds.facts - before + statement.facts.len();
        if facts > limits::STATIC_FACTS_ALL_MAX {
            let what = "prefixes, routes and resolvers of static PvDs";
            return Err(Refusal::everywhere(Resource::Pvds, what, limits::STATIC_FACTS_ALL_MAX));
        }
        Ok(())
    }

    /// What is said of a static PvD without those of its prefixes that belong to another one in `next`, and without its announcement
    /// if that contradicts another one's there. `None`: neither is so.
    pub(crate) fn without_ceded(&self, key: &PvdKey, next: &Desired) -> Option<Statement> {
        let before = self.pvds.all.get(key)?;
        let ceded = |fact: &Fact| {
            let owner = fact.owned_prefix().and_then(|prefix| next.pvds.owner(&key.namespace, prefix));
            owner.is_some_and(|owner| *owner != key.name)
        };
        let mut rest = before.clone();
        rest.facts.retain(|fact, _| !ceded(fact));
        let contradicted = |said: &Announcement| next.pvds.contradicting(key, said).is_some();
        rest.announcement = rest.announcement.filter(|said| !contradicted(said));
        (rest != *before).then_some(rest)
    }
}

fn contradiction(said: &Announcement, other: &PvdKey, theirs: &Announcement) -> Refusal {
    let as_said = |said: &Announcement| format!("{} as default router for {} s", said.mac, said.outer_lifetime());
    let expected = format!(
        "another link-local address, or the same header: PvD {:?} is announced in that name with {}, this one with {}, and hosts that \
         know no PvDs go by what they hear last",
        other.label(),
        as_said(theirs),
        as_said(said),
    );
    Refusal::invalid("announce.router", said.router.to_string(), expected)
}

fn prefixes(statement: &Statement) -> impl Iterator<Item = Prefix> {
    statement.facts.keys().filter_map(Fact::owned_prefix)
}
