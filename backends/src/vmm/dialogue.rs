// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is said to a VMM and what that says, whatever its language.

use super::event::Event;
use super::spec::Vf;
use super::trouble::Trouble;
use std::collections::VecDeque;
use std::time::Duration;

/// One side of a conversation with a VMM. Pure: octets go in and come out, and `now` is a time since an origin of the
/// caller's.
pub(super) trait Dialogue {
    /// A connection is there. What the last one knew is forgotten.
    fn begin(&mut self, now: Duration);

    /// The connection is gone.
    fn end(&mut self);

    /// Takes in what came.
    ///
    /// # Errors
    /// The connection is of no use any more.
    fn push(&mut self, octets: &[u8], now: Duration) -> Result<(), Trouble>;

    /// It is known where the VF is.
    fn is_ready(&self) -> bool;

    /// What is to be sent. Whoever sends it takes it away.
    fn output(&mut self) -> &mut Vec<u8>;

    /// Plugs a VF in.
    fn plug(&mut self, vf: Vf, now: Duration);

    /// Takes it out.
    fn unplug(&mut self, now: Duration);

    /// When something is due by time.
    fn due(&self) -> Option<Duration>;

    /// Does what is due by time, if it is.
    ///
    /// # Errors
    /// The connection is of no use any more.
    fn handle_due(&mut self, now: Duration) -> Result<(), Trouble>;

    /// What has happened, oldest first.
    fn events(&mut self) -> &mut VecDeque<Event>;
}
