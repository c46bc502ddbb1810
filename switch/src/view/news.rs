// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What has happened to the PvDs of a namespace, as it is seen: ports by name, also those that are gone by now.

use super::View;
use crate::name::Name;
use crate::path::NamespacePath;
use crate::refusal::Refusal;
use crate::tree::Namespace;
use core::net::Ipv6Addr;
use pvd::{Change, Event, EventKind, Origin, PvdHandle, Registry, What};
use std::time::Duration;

/// Events of one namespace, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PvdNews {
    /// The events.
    pub events: Vec<PvdEventView>,
    /// Up to which number all is told: where to go on from.
    pub seq: u64,
    /// Some were not told and never will be: whoever wants to know what there is has to list it.
    pub missed: bool,
}

/// Something that has happened to a PvD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PvdEventView {
    /// Its number: one more than that of the event before in this namespace.
    pub seq: u64,
    /// When.
    pub at: Duration,
    /// What.
    pub kind: EventKind,
    /// The name of the PvD, as in [`super::PvdView::name`].
    pub name: String,
    /// What names the PvD, or named it.
    pub handle: PvdHandle,
    /// What changed, one by one.
    pub changes: Vec<ChangeView>,
    /// How many more changes there were.
    pub more: u64,
    /// Why what was fetched is of no use, if it is not ([`Event::failed`]).
    pub failed: Option<String>,
}

/// One change of what somebody says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeView {
    /// Who says it, or said it, as in [`super::SourceView::router`].
    pub router: Option<(Option<Name>, Ipv6Addr)>,
    /// What changed.
    pub what: What,
}

impl View<'_> {
    /// At most `most` events of the PvDs of one namespace, from the one behind number `since` on; 0 is before all. `None`:
    /// none, only from where on there will be more.
    ///
    /// # Errors
    /// There is no such namespace.
    pub fn pvd_news(&self, path: &NamespacePath, since: Option<u64>, most: usize) -> Result<PvdNews, Refusal> {
        let home = self.find(path)?;
        let registry = home.get(self.control.plant.learning.pvds).and_then(|place| place.made());
        let last = registry.map_or(0, Registry::last_event);
        let Some(since) = since else { return Ok(PvdNews { seq: last, ..PvdNews::default() }) };
        let Some(registry) = registry else { return Ok(PvdNews { missed: since > 0, ..PvdNews::default() }) };
        let Ok(events) = registry.events_since(since) else {
            return Ok(PvdNews { seq: last, missed: true, ..PvdNews::default() });
        };
        let events: Vec<_> = events.take(most).map(|event| self.event_view(home, event)).collect();
        Ok(PvdNews { seq: events.last().map_or(last, |event| event.seq), events, missed: false })
    }

    fn event_view(&self, home: &Namespace, event: &Event) -> PvdEventView {
        let Event { seq, at, handle, ref id, kind, ref changes, more, ref failed } = *event;
        PvdEventView {
            seq,
            at,
            kind,
            name: self.pvd_name(home, id),
            handle,
            changes: changes.iter().map(|change| self.change_view(home, change)).collect(),
            more: more as u64,
            failed: failed.as_deref().map(str::to_owned),
        }
    }

    fn change_view(&self, home: &Namespace, Change { origin, what }: &Change) -> ChangeView {
        let router = match *origin {
            Origin::Operator => None,
            Origin::Router { port, address } => Some((self.past_port_name(home, port), address)),
        };
        ChangeView { router, what: what.clone() }
    }

    /// The name of the port that a namespace knows, or has known, by a number.
    pub(super) fn past_port_name(&self, home: &Namespace, number: u32) -> Option<Name> {
        let place = home.get(self.control.plant.learning.pvds);
        self.port_name(home, number).or_else(|| place?.gone_port(number).cloned())
    }
}
