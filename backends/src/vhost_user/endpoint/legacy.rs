// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What one process leaves to the next when weftd is upgraded under a running guest: the listening socket, and the session as it
//! stands. See [`crate::upgrade`].
//!
//! Until the next one says that it serves the guest, the one before can go on as if nothing had been, so neither ends anything
//! that both have.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use event_manager::EventOps;

use super::serve::State;
use super::{Endpoint, Notice};
use crate::dispose::Connection;
use crate::vhost_user::guard::{Guard, Script};
use crate::vhost_user::relay::{Ended, Relay};
use crate::vhost_user::rings::Side;
use crate::vhost_user::script::Adoption;
use crate::vhost_user::session::Session;

/// What is left of an endpoint.
#[derive(Debug, Default)]
pub(crate) struct Legacy {
    /// Where its socket is.
    pub(crate) path: PathBuf,
    /// Its listening socket, and whether its file goes with it.
    pub(crate) listener: Option<(OwnedFd, bool)>,
    /// The connection of its frontend, and all that was said over it.
    pub(crate) session: Option<(UnixStream, Script)>,
}

impl Endpoint {
    /// All that another process needs to go on here, with the session in force if one is wanted. Nothing changes by that.
    ///
    /// # Errors
    /// Just now it cannot go on: the text says why.
    pub(crate) fn legacy(&self, with_session: bool) -> io::Result<Legacy> {
        let session = match &self.state {
            State::Serving { relay, .. } if with_session => Some((relay.frontend().try_clone()?, relay.script()?)),
            State::Ending { .. } if with_session => return Err(io::Error::other("its session is ending")),
            _ => None,
        };
        Ok(Legacy { path: self.path.clone(), listener: self.source.share()?, session })
    }

    /// Stops the rings of one side until [`Endpoint::resume`].
    pub(crate) fn suspend(&self, side: Side) {
        if let State::Serving { session, .. } = &self.state {
            session.rings().suspend(side);
        }
    }

    /// The other process has failed: the rings of one side are ours as before.
    pub(crate) fn resume(&self, side: Side) {
        if let State::Serving { session, .. } = &self.state {
            session.rings().resume(side);
        }
    }

    /// Begins what was begun elsewhere, as far as no ring runs.
    pub(super) fn adopt(&mut self, now: Instant, ops: &mut EventOps<'_>) {
        let Some((stream, script)) = self.left.take() else { return };
        let guard = Guard::new(self.limits);
        let begun = Session::start(&self.spec, Arc::clone(&self.host), guard.ledger());
        let outcome = begun.map_err(|error| error.to_string()).and_then(|(session, link)| {
            let relay = Relay::adopt(Connection::shared(stream), link, guard, script, now);
            self.serve(Box::new(relay), session, ops)
        });
        match outcome {
            Ok(()) => self.attend(now, ops),
            Err(why) => self.adoption_failed(why),
        }
    }

    pub(super) fn adoption_failed(&mut self, why: String) {
        self.outlet.send(Notice::Warned { reason: format!("the session cannot go on in this process: {why}") });
        self.failed = Some(why);
    }

    /// Gives a session up that cannot go on here. Its frontend sees its end when the other process lets go of it.
    pub(crate) fn abandon(&mut self, ops: &mut EventOps<'_>) {
        if let Some(why) = self.failed.take() {
            self.end(Ended::Adoption(why), ops);
        }
    }

    /// How far it is with what was begun elsewhere. To be asked until it is [`Adoption::Ready`], and after each
    /// [`Endpoint::proceed`] until it is that again, or [`Adoption::Done`].
    pub(crate) fn adoption(&mut self, ops: &mut EventOps<'_>) -> Adoption {
        self.pump(Instant::now(), false, ops);
        match (&self.state, &self.failed) {
            (_, Some(why)) => Adoption::Failed(why.clone()),
            (State::Serving { relay, .. }, None) => relay.adoption(),
            _ => Adoption::Done,
        }
    }

    /// Has what was begun elsewhere go on: its receive rings run, and the next time the others.
    pub(crate) fn proceed(&mut self, ops: &mut EventOps<'_>) {
        if let State::Serving { relay, .. } = &mut self.state {
            relay.proceed();
            self.pump(Instant::now(), false, ops);
        }
    }

    /// Nobody else has what was left any more: whoever connects is welcome.
    pub(crate) fn take_over(&mut self, ops: &mut EventOps<'_>) {
        self.asleep = false;
        self.source.take_over();
        self.watch_source(ops);
        match &mut self.state {
            State::Serving { relay, .. } => {
                relay.take_over();
                self.pump(Instant::now(), false, ops);
            }
            State::Ending { .. } => {}
            State::Idle => self.awake(ops),
        }
    }
}
