// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What control makes of what the frame path has done by itself: where guests are that are on their way.

use super::{Handover, Passage, Seen};
use crate::control::{Action, Control};
use crate::diff::{Change, Op};
use crate::plant::Plant;
use crate::port::PortRecord;
use crate::reference::PortPath;
use crate::refusal::Kind;
use dataplane::Instant;
use std::collections::BTreeMap;

impl Control {
    /// What is remembered of ports that came or go, to be stored.
    pub fn moves(&self) -> &BTreeMap<PortPath, Passage> {
        &self.moves
    }

    /// Lets ports that come from now on be where an earlier process left them, by [`Control::moves`].
    pub fn restore_moves(&mut self, saved: BTreeMap<PortPath, Passage>) {
        let elsewhere = saved.iter().filter(|(_, passage)| passage.away);
        self.plant.away.extend(elsewhere.map(|(path, _)| path.clone()));
        self.moves = saved;
    }

    /// Where the move of a port stands.
    pub(crate) fn handover(&self, record: &PortRecord) -> Option<Handover> {
        self.moves.get(&record.path())?.stands()
    }

    /// Takes note of guests that have come, or gone, since this was last called.
    pub(crate) fn follow_moves(&mut self, now: Instant) {
        let on_the_way = self.moves.iter().filter(|(_, passage)| passage.stands().is_some());
        let looked_at = on_the_way.filter_map(|(path, passage)| {
            let after = passage.after(self.plant.sign_of_life(path)?);
            (after != *passage).then(|| (path.clone(), after))
        });
        let on_the_way = self.moves.iter().filter(|(_, passage)| passage.stands().is_some());
        let waiting = on_the_way.filter_map(|(path, _)| Some(&self.plant.port(path)?.device));
        // Where the worker was too busy to be told.
        self.releases.extend(waiting.filter(|device| device.wants_release()).cloned());
        for (path, after) in looked_at.collect::<Vec<_>>() {
            if let Some(record) = self.plant.port(&path) {
                record.device.set_away(after.away);
                record.device.set_leaving(after.stands() == Some(Handover::Leaving));
            }
            if !after.away {
                let withdrawn = self.awaited.withdrawing.remove(&path).unwrap_or_default();
                let frames = self.plant.take_back(&path, withdrawn);
                self.emissions.extend(frames);
                self.plant.greet(&path, now.since_origin());
                self.awaited.made.used(&path.namespace);
            }
            self.moves.insert(path.clone(), after);
            self.actions.push_back(Action::Moved(path, after.stands()));
            self.actions.push_back(Action::Save);
        }
    }

    /// Nothing is remembered of ports that have gone, and those that an earlier process knew have come.
    pub(crate) fn note_ports(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.awaited.made.note(change));
        for change in changes.iter().filter(|change| change.kind == Kind::Port) {
            let Ok(port) = change.name.parse::<PortPath>() else { continue };
            match change.op {
                Op::Del => {
                    self.offered.remove(&port);
                    self.moves.remove(&port);
                    self.awaited.withdrawing.remove(&port);
                }
                Op::Add => self.resume_move(&port),
                Op::Set => {}
            }
        }
    }

    fn resume_move(&mut self, port: &PortPath) {
        self.plant.away.remove(port);
        let leaving = self.moves.get(port).is_some_and(|passage| passage.stands() == Some(Handover::Leaving));
        if let Some(record) = self.plant.port(port).filter(|_| leaving) {
            record.device.set_leaving(true);
        }
    }
}

impl Plant {
    /// Where the guest of a port was seen last. `None`: there is no such port.
    fn sign_of_life(&self, path: &PortPath) -> Option<Seen> {
        let record = self.port(path)?;
        if record.device.is_running() {
            return Some(Seen::Here);
        }
        let table = self.set_of(&path.namespace).ok()?.plane().fdb_if_made();
        let leads_to = table.and_then(|table| table.lookup(record.spec.mac));
        Some(if leads_to.is_some_and(|slot| slot != record.device.slot()) { Seen::Elsewhere } else { Seen::Nowhere })
    }
}
