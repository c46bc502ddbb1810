// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How what was learnt ends: by its lifetime, with its port, by order.

use super::Registry;
use super::edit::Edit;
use crate::advert::Origin;
use crate::event::{What, Why};
use crate::handle::PvdHandle;
use crate::pvd::Pvd;
use crate::source::{Entry, Source};
use std::sync::Arc;
use std::time::Duration;

impl Registry {
    /// Forgets what has ended by `now`. Costs nothing for what has not.
    pub fn expire(&mut self, now: Duration) {
        while let Some(index) = self.timers.pop(now) {
            let Some(pvd) = self.membership.members().at(index).cloned() else {
                continue;
            };
            let attributes = pvd.attributes();
            // Most were heard again since the timer was set.
            match attributes.sources().iter().any(|source| source.has_ended(now)) {
                true => self.thin_out(&pvd, Why::Expired, now, |entry| !entry.valid().passed(now)),
                false => self.look_at(&pvd, attributes.next_deadline(now)),
            }
        }
        self.membership.publish();
    }

    /// A port is gone, and with it what was heard from it. PvDs that are heard from other ports as well stay.
    pub fn forget_port(&mut self, port: u32, now: Duration) {
        self.end_sources(Why::PortGone, now, |origin| origin.port() == Some(port));
    }

    /// The namespace is going: everything ends, the operator's own too.
    pub fn clear(&mut self, now: Duration) {
        self.announced.clear();
        self.end_sources(Why::PortGone, now, |_| true);
    }

    /// Removes what is learnt of a PvD, as if its routers had never been heard; what the operator says of it stays.
    /// `false`: the handle names nothing.
    pub fn forget(&mut self, handle: PvdHandle, now: Duration) -> bool {
        let Some(pvd) = self.membership.members().get(handle).cloned() else {
            return false;
        };
        self.end_sources_of(&pvd, Why::Forgotten, now, |origin| origin != Origin::Operator);
        self.membership.publish();
        true
    }

    fn end_sources(&mut self, why: Why, now: Duration, ends: impl Fn(Origin) -> bool + Copy) {
        let all: Vec<_> = self.membership.members().iter().cloned().collect();
        all.iter().for_each(|pvd| self.end_sources_of(pvd, why, now, ends));
        self.membership.publish();
    }

    pub(super) fn end_sources_of(&mut self, pvd: &Arc<Pvd>, why: Why, now: Duration, ends: impl Fn(Origin) -> bool) {
        let mut edit = Edit::of(pvd);
        let ending: Vec<_> = edit.sources().iter().map(|source| source.origin()).filter(|it| ends(*it)).collect();
        for origin in ending {
            edit.take(origin);
            edit.changes.push(origin, What::Gone(why));
        }
        if !edit.changes.is_empty() {
            self.commit(edit, now);
        }
    }

    /// Leaves the PvD only the entries that are to be kept, and only sources that still say something.
    pub(super) fn thin_out(&mut self, pvd: &Arc<Pvd>, why: Why, now: Duration, keep: impl Fn(&Entry) -> bool) {
        let mut edit = Edit::of(pvd);
        for source in edit.sources().to_vec() {
            if !source.entries().iter().all(&keep) {
                edit.put(source.retain(&keep));
            }
        }
        for source in edit.sources().to_vec() {
            self.tell_end(&mut edit, pvd, &source, why, now);
        }
        self.commit(edit, now);
    }

    fn tell_end(&self, edit: &mut Edit, pvd: &Pvd, source: &Source, why: Why, now: Duration) {
        let origin = source.origin();
        let attributes = pvd.attributes();
        let before = attributes.source(origin);
        let entries = before.map(Source::entries).unwrap_or_default();
        edit.changes.compare(origin, entries, source.entries(), why);
        if source.router_ends(now) {
            edit.changes.push(origin, What::DefaultRouter(false));
        }
        if !source.is_alive(now) {
            edit.take(origin);
            edit.changes.push(origin, What::Gone(why));
        }
    }
}
