// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A port's socket: one session after the other, for ever.
//!
//! ```text
//!            accept, connect            frontend or daemon gone, refusal
//!   Idle ----------------------> Serving ------------------------------> Ending
//!    ^                                                                     |
//!    +------- the supervisor has stopped every ring and reported ----------+
//! ```
//!
//! The next session begins only when the last one has let go of every ring. A frontend that reconnects at once waits in
//! the meantime: one connection is kept aside. Whoever comes while a session is alive is refused by closing, with a
//! notice that names the process.

mod alarm;
mod legacy;
mod outlet;
mod serve;
mod source;

use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use switch::Notice;
use vmm_sys_util::eventfd::EventFd;
use wire::MacAddr;

use self::alarm::Alarm;
use self::outlet::Outlet;
use self::serve::State;
use self::source::Source;
use super::device::DeviceConfig;
use super::error::OpenError;
use super::features::PROTOCOL_FEATURES;
use super::guard::{Limits, Script, SealPolicy};
use super::host::RingHost;
use super::session::SessionSpec;
use crate::place::Place;

pub(crate) use self::legacy::Legacy;

/// Who listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// We listen, the frontend connects (and should be told to reconnect).
    Server,
    /// The frontend listens, we connect, again and again.
    Client,
}

/// What an endpoint needs to know of its port.
#[derive(Debug)]
pub struct EndpointConfig {
    /// The port's full name; notices carry it.
    pub port: String,
    /// Where the socket is.
    pub place: Place,
    /// Who listens.
    pub mode: Mode,
    /// A listening socket from systemd, instead of one of our own at `place`. Server mode only.
    pub inherited: Option<OwnedFd>,
    /// What a process before this one has left, and goes on with until [`Endpoint::proceed`].
    pub(crate) legacy: Option<Legacy>,
    /// Receive and transmit queue pairs, 1 to 128.
    pub queue_pairs: u16,
    /// The port's address, offered to the guest.
    pub mac: MacAddr,
    /// The port's MTU in bytes, offered to the guest.
    pub mtu: u16,
    /// Virtio feature bits offered, see [`offered_features`](super::features::offered_features).
    pub features: u64,
    /// What is demanded of memory files.
    pub seals: SealPolicy,
}

/// What a ready descriptor is.
mod token {
    pub(super) const LISTENER: u32 = 0;
    pub(super) const ALARM: u32 = 1;
    pub(super) const DONE: u32 = 2;
    pub(super) const FRONTEND: u32 = 3;
    pub(super) const LINK: u32 = 4;
}

/// A port's vhost-user socket, a subscriber of the control loop. It never blocks the loop.
pub struct Endpoint {
    spec: SessionSpec,
    /// Where its socket is.
    path: PathBuf,
    limits: Limits,
    host: Arc<dyn RingHost>,
    outlet: Outlet,
    source: Source,
    alarm: Alarm,
    /// Until when rings wait for the log that they are to have.
    log_due: Option<Instant>,
    state: State,
    /// Why the session is being ended from our side.
    end_reason: Option<String>,
    /// Another process serves the port still.
    asleep: bool,
    /// The session that it has left, until it is begun here; and why it cannot go on here.
    left: Option<(UnixStream, Script)>,
    failed: Option<String>,
}

impl Endpoint {
    /// Opens the port's socket. Nothing is served before the endpoint is added to the control loop. `wake` is rung for
    /// each notice.
    ///
    /// # Errors
    /// [`OpenError`]; its text tells what to do.
    pub fn open(
        config: EndpointConfig,
        host: Arc<dyn RingHost>,
        notices: Sender<(String, Notice)>,
        wake: EventFd,
    ) -> Result<Self, OpenError> {
        if !(1..=128).contains(&config.queue_pairs) {
            return Err(OpenError::QueuePairs { got: config.queue_pairs });
        }
        let EndpointConfig { queue_pairs, mac, mtu, seals, .. } = config;
        // Without the extension bit there is no session at all.
        let features = config.features | PROTOCOL_FEATURES;
        let limits = Limits { rings: 2 * u32::from(queue_pairs), features, mtu, seals };
        let spec = SessionSpec { port: config.port.clone(), device: DeviceConfig { mac, queue_pairs, mtu }, features };
        let alarm = Alarm::new().map_err(|source| OpenError::Io { path: config.place.path().to_owned(), source })?;
        let (asleep, legacy) = (config.legacy.is_some(), config.legacy.unwrap_or_default());
        let path = config.place.path().to_owned();
        // Who was left a socket at another place makes one where it is wanted.
        let listener = legacy.listener.filter(|_| legacy.path == path);
        let source = Source::open(config.mode, config.place, config.inherited, listener)?;
        let outlet = Outlet::new(config.port, notices, wake);
        let (state, left) = (State::Idle, legacy.session);
        Ok(Self {
            spec,
            path,
            limits,
            host,
            outlet,
            source,
            alarm,
            log_due: None,
            state,
            end_reason: None,
            asleep,
            left,
            failed: None,
        })
    }

    /// Ends the session in force, if there is one, with this reason; another may begin at once. For trouble that only the
    /// data plane sees, such as guest memory that faults.
    pub fn end_session(&mut self, reason: String) {
        if let State::Serving { relay, .. } = &self.state {
            self.end_reason = Some(reason);
            // The event that follows does the rest; it fails only when the frontend has gone by itself.
            let _ = relay.frontend().shutdown(Shutdown::Both);
        }
    }

    /// Has the control loop watch what tells of new frontends.
    fn watch_source(&mut self, ops: &mut EventOps<'_>) {
        let mut registered = ops.add(Events::with_data(self.alarm.fd(), token::ALARM, EventSet::IN));
        if let Some(listener) = self.source.listener() {
            registered = registered.and(ops.add(Events::with_data(listener.socket(), token::LISTENER, EventSet::IN)));
        }
        if let Err(error) = registered {
            self.outlet.warn(format!("the control loop cannot watch this port: {error}"));
        }
    }

    /// Closes the socket, after it was removed from the control loop: ends the session, waits until its rings are
    /// stopped (milliseconds), and removes the socket's file if it is ours. Dropping does the same.
    pub fn close(self) {}
}

impl MutEventSubscriber for Endpoint {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        if self.asleep {
            return self.adopt(Instant::now(), ops);
        }
        self.watch_source(ops);
        self.awake(ops);
    }

    fn process(&mut self, events: Events, ops: &mut EventOps<'_>) {
        let hung_up = events.event_set().intersects(EventSet::HANG_UP | EventSet::ERROR);
        match events.data() {
            token::LISTENER => self.welcome(ops),
            token::ALARM => self.alarmed(Instant::now(), ops),
            token::DONE => self.finish(ops),
            token::FRONTEND => self.pump(Instant::now(), hung_up, ops),
            _ => self.pump(Instant::now(), false, ops),
        }
    }
}
