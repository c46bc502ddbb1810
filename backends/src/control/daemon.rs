// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The daemon's state on the control thread, and how what [`switch::Control`] asks for is done.

use super::doors::Doors;
use super::endpoints::Endpoints;
use super::exports::Exports;
use super::fetcher::Fetcher;
use super::lanes::{Lanes, Netdevs, Vmms};
use super::load::Load;
use super::logging::Logging;
use super::options::differing;
use super::remembering::Remembering;
use super::subscriber::Loop;
use super::successor::{Successor, Upgraded};
use super::texts::Texts;
use super::warnings::Warnings;
use crate::config::{Config, Settings};
use crate::ctl_server::access::Policy;
use crate::runtime::{Listener, clock};
use crate::store::{Overlay, Saved, Store};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use switch::{Action, Announced, Control, Desired, Made, Notice, Opening, PortPath, Refusal, Request};

/// Copies of frames that are heard before other events have their turn again.
const SNOOPED_AT_ONCE: usize = 64;

/// Where the desired state comes from, and where it is kept.
pub(super) struct Origin {
    pub(super) store: Store,
    /// The configuration file.
    pub(super) file: Option<PathBuf>,
    /// What the file said when it was last read.
    pub(super) base: Desired,
}

/// Everything that the control thread owns, but for the loop and the control socket.
pub(super) struct Daemon {
    pub(super) control: Control,
    pub(super) endpoints: Endpoints,
    pub(super) listener: Listener,
    pub(super) doors: Doors,
    /// Who fetches Additional Information, if it is fetched.
    pub(super) fetcher: Option<Fetcher>,
    pub(super) texts: Texts,
    pub(super) exports: Exports,
    /// Lanes beside the rings of ports, the host's netdevs and the guests' VMMs.
    pub(super) lanes: Lanes,
    pub(super) netdevs: Netdevs,
    pub(super) vmms: Vmms,
    pub(super) origin: Origin,
    pub(super) logging: Logging,
    pub(super) policy: Policy,
    /// What is in force since the start.
    pub(super) settings: Settings,
    pub(super) load: Load,
    pub(super) warnings: Warnings,
    pub(super) started: Instant,
    /// How often something has changed that must survive a restart.
    pub(super) changes: u64,
    /// How often a guest that is to leave has stopped, or gone on.
    pub(super) departures: u64,
    /// Up to which of these changes all is saved, or was tried to be.
    pub(super) settled: u64,
    /// The program that this is.
    pub(super) program: Option<PathBuf>,
    /// The weftd that is to take the place of this one, and what came of the last attempt.
    pub(super) successor: Option<Successor>,
    pub(super) upgraded: Option<Upgraded>,
    /// What is written down of what was learnt.
    pub(super) remembering: Remembering,
    /// What waits while another weftd acts; `None`: this one does.
    pub(super) asleep: Option<Vec<Action>>,
}

/// What of the store counts when all that it lies over is there: what was done with `weft`, what hosts were told of static PvDs, and
/// what was made for ports that are to come.
pub(super) type Stored = (Overlay, Vec<Announced>, Made);

impl Daemon {
    /// Makes the file and what was done with `weft` since come true.
    pub(super) fn begin(&mut self, events: &mut Loop, (overlay, announced, made): Stored) {
        // Before anything happens, control knows when.
        self.control.handle_tick(clock());
        if self.fetcher.is_some() {
            self.control.fetch_information(RandomState::new().build_hasher().finish());
        }
        let (desired, left_out) = overlay.over(&self.origin.base);
        self.left_out(left_out);
        if let Err(why) = self.request(events, Request::Apply(desired)) {
            self.warn(format!("the state from before was not restored: {why}"));
            let base = self.origin.base.clone();
            if let Err(why) = self.request(events, Request::Apply(base)) {
                self.warn(format!("the configuration was not applied: {why}"));
            }
        }
        self.control.take_back_announced(&announced);
        self.control.restore_made(made);
        self.control.made_by_operator(&self.origin.base);
        self.settle();
    }

    /// Carries out a request and what it entails. An endpoint that cannot be opened is not an error here: its port is
    /// down, says why, and is tried again. The state is to be saved by [`Daemon::settle`] before anybody is told of it.
    pub(super) fn request(&mut self, events: &mut Loop, request: Request) -> Result<switch::Reply, Refusal> {
        if let Request::PortDel { port, force } = &request {
            // Its guest goes first, so that no frame of it is under way when its place in the namespace is given up. A
            // whole configuration may be refused at its last step, so there the sessions end when it is accepted.
            self.control.check_deletable(port, *force)?;
            self.endpoints.close(events, port);
            self.lanes.close(port);
        }
        if let Request::NamespaceDel { path, recursive, force } = &request {
            let ports = self.control.check_namespace_deletable(path, *recursive, *force)?;
            for port in &ports {
                self.endpoints.close(events, port);
                self.lanes.close(port);
            }
        }
        let reply = self.control.handle_request(request)?;
        self.act(events);
        Ok(reply)
    }

    /// Reads the configuration file again. What was done with `weft` stays over it.
    pub(super) fn reload(&mut self, events: &mut Loop) {
        if self.successor.is_some() {
            return tracing::warn!("the configuration is not read again during an upgrade: ask for it afterwards");
        }
        let Some(file) = self.origin.file.clone() else {
            return tracing::warn!("there is no configuration file to read again");
        };
        match Config::load(&file) {
            Ok(config) => self.rebase(events, config),
            Err(why) => tracing::error!(%why, "the configuration before stays"),
        }
        self.settle();
    }

    /// Puts another file under what was done with `weft`.
    fn rebase(&mut self, events: &mut Loop, config: Config) {
        let overlay = Overlay::between(&self.origin.base, self.control.desired());
        let (desired, left_out) = overlay.over(&config.desired);
        for (key, old, new) in differing(&self.settings, &config.settings) {
            tracing::warn!(key, old, new, "this setting is read when weftd starts, and at no other time");
        }
        match self.request(events, Request::Apply(desired)) {
            Ok(_) => {
                self.control.made_by_operator(&config.desired);
                self.origin.base = config.desired;
                self.left_out(left_out);
                self.changes += 1;
                tracing::info!("the configuration was read again");
            }
            Err(why) => tracing::error!(%why, "the configuration was not applied; the one before stays"),
        }
    }

    /// Makes everything as `config` says, and what was done with `weft` before is forgotten. What then differs from the
    /// configuration file is what a restart has to remember.
    pub(super) fn apply(&mut self, events: &mut Loop, config: Config) -> Result<switch::Reply, Refusal> {
        let file = self.origin.file.as_deref().map(Config::load);
        let reply = self.request(events, Request::Apply(config.desired))?;
        if let Some(Ok(file)) = file {
            self.origin.base = file.desired;
        }
        self.left_out(Vec::new());
        self.changes += 1;
        Ok(reply)
    }

    /// Takes note of what the sessions told.
    pub(super) fn take_notices(&mut self, events: &mut Loop) {
        for (port, notice) in self.endpoints.take_notices() {
            log(&port, &notice);
            let (left, came) = (matches!(notice, Notice::Down { .. }), matches!(notice, Notice::Up { .. }));
            self.control.handle_notice(&port, notice);
            if came {
                self.control.greet(&port, clock());
            }
            if left && self.endpoints.take_outdated(&port) {
                self.reopen(events, &port);
            }
        }
        self.act(events);
    }

    /// Takes note of frames that workers have copied. True: there may be more, for another turn.
    pub(super) fn take_snooped(&mut self) -> bool {
        let (control, now) = (&mut self.control, clock());
        let more = self.listener.hear(SNOOPED_AT_ONCE, |copy| {
            let became = match copy.taken {
                true => control.taken(copy.tag, copy.frame(), now),
                false => control.snooped(copy.tag, copy.frame(), now),
            };
            tracing::trace!(?became, "a frame was heard");
        });
        self.listener.take_landings().into_iter().for_each(|tag| control.landed(tag, now));
        self.departures += u64::from(self.listener.take_departures());
        more
    }

    /// How long it may take until [`Daemon::speak`] has something to do; at most `most`.
    pub(super) fn silence(&self, most: Duration) -> Duration {
        let (now, due) = (clock().since_origin(), self.control.next_due().map(dataplane::Instant::since_origin));
        let due = due.into_iter().chain(self.vmms.due()).min();
        due.map_or(most, |due| most.min(due.saturating_sub(now)))
    }

    /// Lets workers deliver what control has to say.
    pub(super) fn speak(&mut self, events: &mut Loop) {
        self.control.handle_due(clock());
        self.act(events);
        let emissions = self.control.take_emissions();
        if !emissions.is_empty() {
            self.endpoints.workers().emit(emissions);
        }
        self.release();
    }

    /// Has workers let go what has waited for guests.
    pub(super) fn release(&mut self) {
        self.control.take_releases().iter().for_each(|port| self.endpoints.workers().release(port));
    }

    /// Takes note of what was fetched.
    pub(super) fn take_fetched(&mut self, events: &mut Loop) {
        if let Some(fetcher) = &mut self.fetcher {
            fetcher.hear(events, &mut self.control, &mut self.warnings);
        }
    }

    /// Ends the process that fetches.
    pub(super) fn stop_fetching(&mut self, events: &mut Loop) {
        if let Some(fetcher) = &mut self.fetcher {
            fetcher.end(events);
        }
    }

    /// What is due by time.
    pub(super) fn tick(&mut self, events: &mut Loop, now: Instant) {
        for (port, fault) in self.control.ports_to_end() {
            self.endpoints.end_session(&port, &fault.to_string());
        }
        for port in self.endpoints.due(now) {
            self.reopen(events, &port);
        }
        self.retry_lanes(events, now);
        self.control.handle_tick(clock());
        if let Some(fetcher) = &mut self.fetcher {
            fetcher.tick(events, &mut self.control, &mut self.warnings);
        }
        self.act(events);
        if self.warnings.unsaved.is_some() {
            self.save();
        }
        if self.doors.lacks_any() || self.texts.lacks_any() {
            self.open_sockets(events);
        }
        self.texts.tick(events, now);
        self.settle();
        self.logging.tick(now);
        self.logging.guard.tick(&self.control, now);
        self.logging.routers.tick(&mut self.control, clock().since_origin(), now);
        self.load.tick(&self.endpoints.workers().stats());
        self.remember(now);
    }

    /// Opens an endpoint and returns why that failed, which the port then says too.
    pub(super) fn open(&mut self, events: &mut Loop, opening: &Opening) -> Result<(), String> {
        match self.endpoints.open(events, opening) {
            Ok(features) => {
                self.control.handle_offered(&opening.port, features);
                self.logging.sockets.is_over(&opening.port);
                Ok(())
            }
            Err(why) => {
                let reason = why.to_string();
                self.control.handle_notice(&opening.port, Notice::Down { reason: reason.clone() });
                if self.logging.sockets.is_news(&opening.port, &reason) {
                    tracing::warn!(port = %opening.port, why = ?reason, "the port's socket cannot be opened");
                }
                Err(reason)
            }
        }
    }

    /// Does what the switch asks for.
    pub(super) fn act(&mut self, events: &mut Loop) -> Vec<String> {
        let mut failures = Vec::new();
        while let Some(action) = self.control.poll_action() {
            failures.extend(self.put_off(action).and_then(|action| self.take(events, action).err()));
        }
        // Whose sessions were closed just now is read by nobody any more.
        self.control.reap();
        failures
    }

    /// Does one thing that the switch asks for.
    pub(super) fn take(&mut self, events: &mut Loop, action: Action) -> Result<(), String> {
        match action {
            Action::CloseEndpoint(port) => self.endpoints.close(events, &port),
            Action::OpenEndpoint(opening) => return self.open(events, &opening),
            Action::SetMtu(port, _) if self.control.is_attached(&port) => self.endpoints.outdate(port),
            Action::SetMtu(port, _) => self.reopen(events, &port),
            Action::OpenSockets => self.open_sockets(events),
            Action::Lane(port, ask) => self.lane(events, &port, ask),
            Action::FollowVf(port) => self.follow_vf(events, &port),
            Action::Moved(port, stands) => tracing::info!(%port, ?stands, "a guest has come or gone"),
            Action::Save => self.changes += 1,
        }
        Ok(())
    }

    /// The sockets of namespaces are those that are wanted, as far as they can be opened.
    pub(super) fn open_sockets(&mut self, events: &mut Loop) {
        self.doors.follow(events, self.control.desired());
        self.texts.follow(events, self.control.desired(), &self.policy);
    }

    /// Saves the state if something has changed since: once for all that was done meanwhile, because to wait for the
    /// disk takes longer than all else. What fails is tried again at each tick.
    pub(super) fn settle(&mut self) {
        if self.settled != self.changes && self.asleep.is_none() {
            self.save();
        }
    }

    /// Why what was done is not saved, if it is not.
    pub(super) fn unsaved(&self) -> Option<&str> {
        self.warnings.unsaved.as_deref()
    }

    fn save(&mut self) {
        self.settled = self.changes;
        let overlay = Overlay::between(&self.origin.base, self.control.desired());
        let (offered, numbers) = (self.control.offered().clone(), self.control.numbers());
        let (routers_found, vfs) = (self.control.routers_found(), self.control.vf_states());
        let (moves, announced) = (self.control.moves().clone(), self.control.announced());
        let made = self.control.made().clone();
        let saved = Saved { offered, numbers, routers_found, vfs, moves, made, announced, overlay };
        let store = &self.origin.store;
        let failed = |why| format!("the state cannot be saved in {}: {why}", store.path().display());
        let unsaved = store.save(&saved).err().map(failed);
        match &unsaved {
            Some(why) if unsaved != self.warnings.unsaved => tracing::error!("{why}"),
            None if self.warnings.unsaved.is_some() => tracing::info!("the state is saved again"),
            _ => {}
        }
        self.warnings.unsaved = unsaved;
    }

    fn reopen(&mut self, events: &mut Loop, port: &PortPath) {
        self.endpoints.close(events, port);
        if let Some(opening) = self.control.opening(port) {
            // A failure is in the port's state and in the log.
            let _ = self.open(events, &opening);
        }
    }

    fn warn(&mut self, what: String) {
        tracing::warn!("{what}");
        self.warnings.start.push(what);
    }

    /// Takes note of what had to be left out when the configuration file was last read.
    fn left_out(&mut self, what: Vec<String>) {
        what.iter().for_each(|what| tracing::warn!("{what}"));
        self.warnings.left_out = what;
    }
}

/// Reasons may quote a guest's VMM, so they are written in quotes, escaped.
fn log(port: &PortPath, notice: &Notice) {
    match notice {
        Notice::Listening => tracing::debug!(%port, "waits for a guest"),
        Notice::Connecting => tracing::debug!(%port, "looks for its guest"),
        Notice::Up { features } => tracing::info!(%port, features, "a guest is attached"),
        Notice::Down { reason } => tracing::info!(%port, ?reason, "the session ended"),
        Notice::Refused { reason } => tracing::warn!(%port, ?reason, "a connection was refused"),
        Notice::Warned { reason } => tracing::warn!(%port, ?reason, "attention"),
    }
}
