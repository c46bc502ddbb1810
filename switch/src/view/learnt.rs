// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is seen of PvDs and Router Advertisements. Ports are named, never numbered: the number by which a registry knows
//! a port is that of its own namespace and says nothing to others.

use super::{PortView, View};
use crate::name::Name;
use crate::path::NamespacePath;
use crate::port::PortRecord;
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::stated::PvdKey;
use crate::text::Text;
use crate::tree::Namespace;
use pvd::info::Standing;
use pvd::{
    Announcement, CachedRa, Cursor, Deadline, Known, Origin, Page, Parameters, Pvd, PvdFlags, PvdHandle, PvdId,
    PvdName, Source, Statement,
};
use std::sync::Arc;
use std::time::Duration;

/// One PvD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PvdView {
    /// Its namespace, as the observer names it.
    pub namespace: NamespacePath,
    /// `corp.example.`, or for an implicit one its router and port, `fe80::1%vm1`. Its own in its namespace only.
    pub name: String,
    /// Whether its routers name it.
    pub is_explicit: bool,
    /// Its number; 0 when all were taken.
    pub number: u32,
    /// What names it in its namespace for as long as it lives.
    pub handle: PvdHandle,
    /// [`pvd::Members::base_seq`] when this was seen.
    pub base_seq: u64,
    /// When it was registered.
    pub since: Duration,
    /// What its PvD Option says, by whoever is to be believed.
    pub flags: PvdFlags,
    /// How many hold it beside its registry and this look at it.
    pub holders: usize,
    /// What is known of it and still true, from all who say it.
    pub known: Vec<Known>,
    /// Who says something: an operator first, then routers in the order in which they were first heard.
    pub sources: Vec<SourceView>,
    /// How it stands with its Additional Information, if that is fetched.
    pub information: Option<Standing>,
}

/// Who says something about a PvD, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceView {
    /// Where it was heard, with the router's address; `None`: an operator says it.
    pub router: Option<(Option<Name>, core::net::Ipv6Addr)>,
    /// What its PvD Option says.
    pub flags: PvdFlags,
    /// What has no lifetime.
    pub parameters: Parameters<Box<[u8]>>,
    /// Until when it is a default router; a time that has passed when it is none.
    pub router_until: Deadline,
    /// When it was first heard.
    pub first: Duration,
    /// When it was last heard.
    pub last: Duration,
    /// How often it was heard.
    pub heard: u64,
    /// What has a lifetime and is still true.
    pub known: Vec<Known>,
    /// It was heard from another port before.
    pub is_second: bool,
    /// How hosts are told of it, if they are; of an operator's word only.
    pub announcement: Option<Announcement>,
}

/// A part of a list of PvDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PvdPage {
    /// The PvDs, in the order of their handles' places.
    pub pvds: Vec<PvdView>,
    /// PvDs came or went since the list began: some may be missing in it, none is there twice.
    pub interrupted: bool,
    /// Where the next part begins; `None`: this was the last.
    pub next: Option<Cursor>,
    /// [`pvd::Members::base_seq`] now; 0 where no router has ever spoken.
    pub base_seq: u64,
    /// The number of the last event, as in [`super::PvdNews::seq`].
    pub seq: u64,
}

/// One Router Advertisement that is remembered.
#[derive(Clone, Debug)]
pub struct RaView {
    /// Its namespace, as the observer names it.
    pub namespace: NamespacePath,
    /// The port that it came in from.
    pub port: Name,
    /// The name of its PvD, as in [`PvdView::name`].
    pub pvd: String,
    /// All else.
    pub entry: CachedRa,
}

impl View<'_> {
    /// At most `most` PvDs of one namespace, from `from` on.
    ///
    /// # Errors
    /// There is no such namespace.
    pub fn pvds(
        &self,
        path: &NamespacePath,
        from: Option<Cursor>,
        most: usize,
        now: Duration,
    ) -> Result<PvdPage, Refusal> {
        let home = self.find(path)?;
        let registry = home.get(self.control.plant.learning.pvds).and_then(|place| place.made());
        let Some(registry) = registry else {
            return Ok(PvdPage { pvds: Vec::new(), interrupted: false, next: None, base_seq: 0, seq: 0 });
        };
        let Page { base_seq, interrupted, pvds, next } = registry.members().page(from, most);
        let pvds = pvds.iter().map(|pvd| self.pvd_view(home, pvd, base_seq, now)).collect();
        Ok(PvdPage { pvds, interrupted, next, base_seq, seq: registry.last_event() })
    }

    /// The names of all PvDs of one namespace, in the order of their handles' places.
    ///
    /// # Errors
    /// There is no such namespace.
    pub fn pvd_names(&self, path: &NamespacePath) -> Result<Vec<String>, Refusal> {
        let home = self.find(path)?;
        let registry = home.get(self.control.plant.learning.pvds).and_then(|place| place.made());
        let all = registry.into_iter().flat_map(|registry| registry.members().iter());
        Ok(all.map(|pvd| self.pvd_name(home, pvd.id())).collect())
    }

    /// The PvD of that name in a namespace.
    ///
    /// # Errors
    /// There is none, or no such namespace.
    pub fn pvd(&self, path: &NamespacePath, name: &str, now: Duration) -> Result<PvdView, Refusal> {
        let home = self.find(path)?;
        let registry = home.get(self.control.plant.learning.pvds).and_then(|place| place.made());
        let found = registry.and_then(|registry| {
            let members = registry.members();
            let pvd = members.by_id(&self.pvd_id(home, name)?)?;
            Some(self.pvd_view(home, pvd, members.base_seq(), now))
        });
        found.ok_or_else(|| Refusal::not_found(Kind::Pvd, name))
    }

    /// What an operator says about the PvD of that name in a namespace, if he does.
    pub fn stated(&self, path: &NamespacePath, name: &PvdName) -> Option<&Statement> {
        let key = PvdKey { namespace: self.absolute(path), name: name.clone() };
        self.control.desired.pvd(&key).ok()
    }

    /// The ports of its namespace that are bound to a PvD, among others perhaps; not those that see all PvDs.
    pub fn bound_to(&self, pvd: &PvdView) -> Vec<Name> {
        let name = pvd.name.parse::<PvdName>().ok().filter(|_| pvd.is_explicit);
        let is_bound = |port: &PortView| {
            let sight = &port.spec.mediation.sight;
            sight.is_narrow() && sight.sees(name.as_ref().map(PvdName::as_name))
        };
        let ports = self.ports(Some(&pvd.namespace)).unwrap_or_default().into_iter();
        ports.filter(is_bound).map(|port| port.name).collect()
    }

    /// Whether hosts are told of a static PvD of a namespace or of what is below it.
    pub fn announces(&self, path: &NamespacePath) -> bool {
        let mut inside = self.control.desired.pvds_within(&self.absolute(path));
        inside.any(|(_, said)| said.announcement.is_some())
    }

    /// At most `most` Router Advertisements of one namespace, by number: the first of those behind `after`.
    ///
    /// # Errors
    /// There is no such namespace.
    pub fn ras(&self, path: &NamespacePath, after: u64, most: usize) -> Result<Vec<RaView>, Refusal> {
        let home = self.find(path)?;
        let ras = home.get(self.control.plant.learning.ras);
        let all = ras.into_iter().flat_map(|ras| ras.cache.iter());
        let mut found: Vec<&CachedRa> = all.filter(|entry| entry.serial > after).collect();
        found.sort_by_key(|entry| entry.serial);
        Ok(found.into_iter().filter_map(|entry| self.ra_view(home, entry)).take(most).collect())
    }

    /// The Router Advertisement of that number in a namespace.
    ///
    /// # Errors
    /// There is none, or no such namespace.
    pub fn ra(&self, path: &NamespacePath, serial: u64) -> Result<RaView, Refusal> {
        let before = serial.checked_sub(1);
        let next = before.map(|before| self.ras(path, before, 1)).transpose()?.into_iter().flatten().next();
        let found = next.filter(|ra| ra.entry.serial == serial);
        found.ok_or_else(|| Refusal::not_found(Kind::Ra, Text::from(path.as_str()).and(format!(":{serial}"))))
    }

    fn pvd_view(&self, home: &Namespace, pvd: &Arc<Pvd>, base_seq: u64, now: Duration) -> PvdView {
        let attributes = pvd.attributes();
        let routers = attributes.sources().iter().filter(|source| source.origin().port().is_some());
        let first = routers.min_by_key(|source| source.first_heard()).and_then(|source| source.origin().port());
        let (learning, informing) = (&self.control.plant.learning, self.control.informing.as_ref());
        let record = home.get(learning.pvds).and_then(|place| learning.record(place.record(pvd.handle())?));
        PvdView {
            number: record.map_or(0, |record| record.ident.nr_in(self.base)),
            namespace: self.relative(home),
            name: self.pvd_name(home, pvd.id()),
            is_explicit: pvd.id().name().is_some(),
            handle: pvd.handle(),
            base_seq,
            since: pvd.since(),
            flags: attributes.flags(),
            // Its place and its bucket have it too.
            holders: Arc::strong_count(pvd).saturating_sub(2),
            known: attributes.known(now),
            sources: attributes.sources().iter().map(|source| self.source_view(home, source, first, now)).collect(),
            information: pvd.id().name().and_then(|name| informing?.standing(home, name, now)),
        }
    }

    fn source_view(&self, home: &Namespace, source: &Source, first: Option<u32>, now: Duration) -> SourceView {
        let router = match source.origin() {
            Origin::Operator => None,
            Origin::Router { port, address } => Some((self.port_name(home, port), address)),
        };
        let entries = source.entries().iter().filter(|entry| !entry.valid().passed(now));
        SourceView {
            router,
            flags: source.flags(),
            parameters: source.parameters().clone(),
            router_until: source.router_until(),
            first: source.first_heard(),
            last: source.last_heard(),
            heard: source.heard(),
            known: entries.map(Known::from).collect(),
            is_second: source.origin().port().is_some_and(|port| Some(port) != first),
            announcement: source.announcement(),
        }
    }

    fn ra_view(&self, home: &Namespace, entry: &CachedRa) -> Option<RaView> {
        let record = self.port_record(home, entry.port)?;
        let port = record.name.clone();
        let pvd = self.pvd_name(home, &entry.id());
        Some(RaView { namespace: self.relative(home), port, pvd, entry: entry.clone() })
    }

    fn relative(&self, home: &Namespace) -> NamespacePath {
        home.path().seen_from(self.base.path()).unwrap_or_else(NamespacePath::root)
    }

    /// How a PvD is named to those who see its namespace.
    pub(super) fn pvd_name(&self, home: &Namespace, id: &PvdId) -> String {
        match id {
            PvdId::Explicit(name) => name.to_string(),
            PvdId::Implicit { port, router } => match self.past_port_name(home, *port) {
                Some(port) => format!("{router}%{port}"),
                None => id.to_string(),
            },
        }
    }

    /// The reverse of [`View::pvd_name`].
    fn pvd_id(&self, home: &Namespace, text: &str) -> Option<PvdId> {
        let Some((router, port)) = text.split_once('%') else {
            return Some(PvdId::Explicit(text.parse::<PvdName>().ok()?));
        };
        let path = PortPath::new(home.path().clone(), port.parse().ok()?);
        let port = self.control.plant.port(&path)?.ident.nr_at_home();
        PvdId::implicit(port, router.parse().ok()?)
    }

    /// The name of the port that a namespace knows by a number.
    pub(super) fn port_name(&self, home: &Namespace, number: u32) -> Option<Name> {
        self.port_record(home, number).map(|record| record.name.clone())
    }

    fn port_record(&self, home: &Namespace, number: u32) -> Option<&PortRecord> {
        let plant = &self.control.plant;
        plant.port_at(plant.tree.look_up(plant.numbers, home.handle(), number)?)
    }
}
