// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the source of a move says of the guest, and what the destination makes of it.
//!
//! Nothing depends on its being said, or heard: the guest itself tells both switches where it is. But when the destination knows that
//! the guest has stopped at the source, frames of its own ports need not be lost on the way there: they wait ([`dataplane::Namespace::expect`]).
//!
//! Whoever says it names the move, which is known to those alone who have had its document, and by that a port which came by it and
//! whose guest is not here. So a liar has the frames of others wait for a while that are for his own guest, and no more. Of a port
//! whose guest is here nothing can be said.

use super::{Handover, MoveId, Passage};
use crate::control::{Action, Control};
use crate::reference::PortPath;
use crate::refusal::Refusal;
use dataplane::Instant;
use std::sync::Arc;

/// Where the guest of a port that leaves is, as its source knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It runs at the source.
    Runs,
    /// It has stopped there: it is on its way, or about to go on.
    Stopped,
    /// It was heard elsewhere.
    Gone,
    /// It is not to leave by this move any more.
    Stays,
}

/// What is left to be done about a port whose source has said something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Heard(PortPath),
    /// It was made for this move, whose guest stays where it is: it is to be deleted, and no ring of it starts any more.
    Unwanted(PortPath),
}

impl Control {
    /// Where the guest of a port is that leaves by this move.
    ///
    /// # Errors
    /// There is no such port, or it has no guest that could move.
    pub fn departure(&self, path: &PortPath, id: MoveId) -> Result<Departure, Refusal> {
        let record = self.movable(path)?;
        let passage = self.moves.get(path).filter(|passage| passage.went == Some(id));
        Ok(match passage.and_then(Passage::stands) {
            Some(Handover::Moved) => Departure::Gone,
            Some(Handover::Leaving) if record.device.is_paused() => Departure::Stopped,
            Some(Handover::Leaving) => Departure::Runs,
            Some(Handover::Staged) | None => Departure::Stays,
        })
    }

    /// The source of a move says where the guest is. Of a port whose guest is here, or has been, it changes nothing.
    ///
    /// # Errors
    /// No port has come by that move.
    pub fn source_says(&mut self, id: MoveId, said: Departure, now: Instant) -> Result<Told, Refusal> {
        // A guest may have come since control last looked.
        self.follow_moves(now);
        let found =
            self.moves.iter().find(|(path, passage)| passage.came == Some(id) && self.plant.port(path).is_some());
        let Some((path, passage)) = found.map(|(path, passage)| (path.clone(), *passage)) else {
            return Err(Refusal::invalid(
                "id",
                id.to_string(),
                "a move by which a port has come here and not gone again",
            ));
        };
        if passage.stands() != Some(Handover::Staged) {
            return Ok(Told::Heard(path));
        }
        self.expect(&path, said == Departure::Stopped, now);
        if said != Departure::Stays {
            return Ok(Told::Heard(path));
        }
        let device = self.plant.port(&path).map(|record| &record.device);
        if device.is_none_or(|device| device.is_running()) {
            return Ok(Told::Heard(path));
        }
        if passage.before.is_none() {
            // A guest that comes at this very moment has come, or finds no port.
            let unwanted = device.is_some_and(|device| device.turn_away());
            return Ok(if unwanted { Told::Unwanted(path) } else { Told::Heard(path) });
        }
        // It was here before, and is again what it was.
        self.moves.insert(path.clone(), Passage { went: passage.before, before: None, ..passage });
        self.actions.push_back(Action::Save);
        Ok(Told::Heard(path))
    }

    /// Has frames wait for a guest that is about to come, or not any more.
    fn expect(&mut self, path: &PortPath, expected: bool, now: Instant) {
        let Some(device) = self.plant.port(path).map(|record| Arc::clone(&record.device)) else { return };
        let Ok(set) = self.plant.set_of(&path.namespace) else { return };
        let plane = set.plane();
        // One that comes while it is said to be about to gets at once what has waited.
        let let_go = match expected {
            true => !plane.expect(&device, now) && device.wants_release(),
            false => plane.expect_no_more(&device),
        };
        self.releases.extend(let_go.then_some(device));
    }
}
