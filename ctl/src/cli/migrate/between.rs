// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft migrate prepare --wait`: the one who tells the destination what the source knows of the guest.
//!
//! The source says when the guest stops and when it goes on (`MoveWatch`), and each word is carried to the destination (`MoveTell`),
//! which then has frames of its own ports wait. That no frame is lost meanwhile depends on how soon it hears: so the channel is open
//! before, and something is said over it now and then, which keeps it open. When it breaks all the same, it is opened anew with the
//! next word.
//!
//! Why this command and not weftd: it has the rights of whoever arranges the migration at both ends, and the TLS; weftd would have to keep
//! a connection to a stranger that it cannot open anew, and who holds it. And when this command ends too early, all that is lost is
//! what it was there for: nothing else waits for it, neither at the source, which answers it as it does all clients, nor at the
//! destination, which gives up by itself.

use std::time::Duration;

use super::channel::{Channel, Way};
use super::is_unknown;
use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::client::Client;
use crate::proto::v1::{Departure, MoveTell, MoveWatch};
use crate::render::text::printable;

/// How often something is said, be there news or not: within the time that a weft-peer gives a silent peer.
const BEAT: Duration = Duration::from_secs(4);

/// See the module.
pub(super) struct Between {
    way: Way,
    /// The way to the destination, while it is open.
    there: Option<Channel>,
    id: String,
    timeout: Duration,
}

impl Between {
    pub(super) fn new(way: Way, there: Channel, id: String, timeout: Duration) -> Between {
        Between { way, there: Some(there), id, timeout }
    }

    /// Carries word until the guest is gone, or stays.
    ///
    /// # Errors
    /// The source says no more. That the destination does not hear is noted, and tried again.
    pub(super) fn run(
        mut self,
        here: &mut Client,
        name: &str,
        context: &mut Context<'_>,
    ) -> Result<Departure, Failure> {
        let mut words = here.watch(&MoveWatch { name: name.to_owned(), id: self.id.clone() })?;
        let (mut guest, mut heard) = (Departure::Runs, true);
        loop {
            if let Some(word) = words.next_within(BEAT)? {
                guest = word.guest;
            }
            if guest == Departure::Gone {
                return Ok(guest);
            }
            let told = self.tell(guest);
            if guest == Departure::Stays {
                return match told {
                    Err(why) if !is_unknown(&why) => Err(Failure::Untold { why: Box::new(why) }),
                    _ => Ok(guest),
                };
            }
            if let Some(why) = told.as_ref().err().filter(|_| heard) {
                context.note(&format!("{why}; it is told again"));
            }
            heard = told.is_ok();
        }
    }

    /// Says it by the channel that is open, or else by another.
    fn tell(&mut self, guest: Departure) -> Result<(), Failure> {
        let word = MoveTell { id: self.id.clone(), guest };
        if let Some(mut there) = self.there.take() {
            match there.call(&word) {
                Err(why) if why.broke() => {}
                told => {
                    self.there = Some(there);
                    return told.map(drop);
                }
            }
        }
        let mut there = Channel::open(&self.way, self.timeout)?;
        there.call(&word)?;
        self.there = Some(there);
        Ok(())
    }
}

/// How it ended, in a line.
pub(super) fn line(name: &str, guest: Departure) -> String {
    let name = printable(name);
    match guest {
        Departure::Gone => format!("{name}: its guest has moved\n"),
        _ => format!("{name}: stays; the other weftd has given up its port\n"),
    }
}
