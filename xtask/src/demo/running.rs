// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A ping that runs in a guest while something is done to it, to its peer or to the switch, and what that has cost.

use super::ping::Pings;
use super::screen::Screen;
use super::steps::{WAIT_MAX, await_truth};
use crate::failure::Failure;
use qemu::{Guest, Job};
use std::time::Duration;

/// Answers in a row that show that frames flow.
pub(super) const ENOUGH: usize = 10;
/// Between requests.
pub(super) const PAUSE: Duration = Duration::from_millis(100);
/// More than it gets to send before it is told to stop.
const REQUESTS: u32 = 6000;

/// See the module.
pub(crate) struct Running<'a>(Job<'a>);

impl<'a> Running<'a> {
    /// Has `guest` ping `address`, and waits until answers flow.
    ///
    /// # Errors
    /// When the guest takes no commands, or nothing answers.
    pub(crate) fn start(guest: &'a Guest, address: &str) -> Result<Running<'a>, Failure> {
        let pause = PAUSE.as_secs_f32();
        let ping = Running(guest.spawn(&format!("ping -i {pause} -c {REQUESTS} -W 1 {address} 2>&1"))?);
        if ping.goes_on()? {
            return Ok(ping);
        }
        Err(Failure::new(format!("{}: ping {address}: {}", guest.name(), ping.text()?)))
    }

    /// What it has printed so far.
    ///
    /// # Errors
    /// When the guest takes no commands.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        Ok(self.0.stdout_so_far()?)
    }

    /// Whether further requests are answered.
    ///
    /// # Errors
    /// As [`Running::text`].
    pub(crate) fn goes_on(&self) -> Result<bool, Failure> {
        let heard = self.answers()?;
        await_truth(|| Ok(self.answers()? >= heard + ENOUGH))
    }

    /// Ends it, and claims that `most` requests or fewer were lost and none was answered twice.
    ///
    /// # Errors
    /// When it does not end.
    pub(crate) fn end(self, most: u32, screen: &mut Screen) -> Result<(), Failure> {
        self.0.signal("INT")?;
        let pings = Pings::up_to_the_last_answer(&self.0.wait(WAIT_MAX)?.text()).unwrap_or_default();
        let Pings { sent, received, duplicates, longest_ms } = pings;
        let lost = pings.lost();
        let text = format!("{lost} of {sent} answers were lost (at most {most} may be), {duplicates} came twice");
        screen.claim(received > 0 && lost <= most && duplicates == 0, &text);
        screen.say(&format!("the longest wait for an answer was {longest_ms} ms"));
        Ok(())
    }

    fn answers(&self) -> Result<usize, Failure> {
        Ok(self.text()?.matches("bytes from").count())
    }
}
