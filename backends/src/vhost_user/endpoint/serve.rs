// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From one state of the endpoint to the next.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_manager::{EventOps, EventSet, Events};

use super::source::hung_up;
use super::{Endpoint, Notice, token};
use crate::dispose::Connection;
use crate::vhost_user::guard::{Guard, Note};
use crate::vhost_user::relay::{Ended, Interest, Relay};
use crate::vhost_user::session::Session;

/// How long to leave the listener alone when a connection cannot be accepted (no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// How long rings wait for the log of a migration that their frontend has announced. It comes within milliseconds; who never
/// gives it migrates nobody.
const LOG_TIME_MAX: Duration = Duration::from_secs(10);

/// What the endpoint is doing.
pub(super) enum State {
    /// No session.
    Idle,
    /// A session. The relay is dropped first and with it the link, or the session would never end.
    Serving { relay: Box<Relay>, interest: (Interest, Interest), session: Session },
    /// The session is told to end; its reason, if the daemon does not know it.
    Ending { reason: Option<String>, session: Session },
}

impl Endpoint {
    /// The control loop has taken us on.
    pub(super) fn awake(&mut self, ops: &mut EventOps<'_>) {
        self.outlet.send(self.source.notice());
        self.look(Instant::now(), ops);
    }

    /// The session before is over: takes who waits, or has a rest.
    fn rest(&mut self, ops: &mut EventOps<'_>) {
        let now = Instant::now();
        self.outlet.send(self.source.notice());
        self.watch_listener(EventSet::IN, ops);
        self.alarm.set(self.source.pause().map(|pause| now + pause), now);
        if let Some(stream) = self.source.take_waiting() {
            self.begin(stream, now, ops);
        }
    }

    /// Server mode: somebody connects.
    pub(super) fn welcome(&mut self, ops: &mut EventOps<'_>) {
        let Some(listener) = self.source.listener() else { return };
        let stream = match listener.accept() {
            Ok(Some(stream)) => stream,
            Ok(None) => return,
            Err(error) => return self.pause_listener(&error, ops),
        };
        match &self.state {
            State::Idle => self.begin(stream, Instant::now(), ops),
            State::Serving { relay, .. } if !hung_up(relay.frontend()) => self.turn_away(&stream),
            // The session before is ending, or its end is about to be noticed.
            _ => {
                if let Some(stream) = self.source.keep(stream) {
                    self.turn_away(&stream);
                }
            }
        }
    }

    /// Leaves the listener alone until the session is over, or for a while: who waits there goes on waiting.
    fn pause_listener(&mut self, error: &std::io::Error, ops: &mut EventOps<'_>) {
        self.outlet.warn(format!("a connection cannot be accepted: {error}"));
        self.watch_listener(EventSet::empty(), ops);
        if let State::Idle = self.state {
            let now = Instant::now();
            self.alarm.set(Some(now + ACCEPT_PAUSE), now);
        }
    }

    fn watch_listener(&self, events: EventSet, ops: &mut EventOps<'_>) {
        if let Some(listener) = self.source.listener() {
            // It fails only for a descriptor that is not watched, and init has told that already.
            let _ = ops.modify(Events::with_data(listener.socket(), token::LISTENER, events));
        }
    }

    /// Refuses a connection by closing it.
    fn turn_away(&self, stream: &Connection) {
        let who = match sys::fd::peer_credentials(stream.as_fd()) {
            Ok(peer) => format!("process {} of user {}", peer.pid, peer.uid),
            Err(_) => "an unknown process".to_owned(),
        };
        self.outlet.send(Notice::Refused { reason: format!("{who} connected while another frontend is served") });
    }

    /// Begins a session with this frontend.
    fn begin(&mut self, stream: Connection, now: Instant, ops: &mut EventOps<'_>) {
        match self.try_begin(stream, now, ops) {
            Ok(()) => self.attend(now, ops),
            Err(error) => {
                self.state = State::Idle;
                self.outlet.down(format!("the session cannot begin: {error}"));
                self.rest(ops);
            }
        }
    }

    fn try_begin(&mut self, stream: Connection, now: Instant, ops: &mut EventOps<'_>) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        let guard = Guard::new(self.limits);
        let (session, link) = Session::start(&self.spec, Arc::clone(&self.host), guard.ledger()).map_err(text)?;
        self.serve(Box::new(Relay::new(stream, link, guard, now)), session, ops)
    }

    /// Has the control loop watch a session that has begun.
    pub(super) fn serve(&mut self, relay: Box<Relay>, session: Session, ops: &mut EventOps<'_>) -> Result<(), String> {
        let watch = |ops: &mut EventOps<'_>| {
            ops.add(Events::with_data(session.done(), token::DONE, EventSet::IN))?;
            ops.add(Events::with_data(relay.frontend(), token::FRONTEND, EventSet::IN))?;
            ops.add(Events::with_data(relay.link(), token::LINK, EventSet::IN))
        };
        if let Err(error) = watch(ops) {
            forget(ops, &[session.done().as_raw_fd(), relay.frontend().as_raw_fd(), relay.link().as_raw_fd()]);
            // The relay first: the session ends when its link does.
            drop(relay);
            return Err(error.to_string());
        }
        self.outlet.begin();
        let reads = Interest { read: true, write: false };
        self.state = State::Serving { relay, interest: (reads, reads), session };
        Ok(())
    }

    /// One of the session's sockets is ready.
    pub(super) fn pump(&mut self, now: Instant, hung_up: bool, ops: &mut EventOps<'_>) {
        let State::Serving { relay, session, .. } = &mut self.state else { return };
        let (outlet, host, log_due) = (&mut self.outlet, &self.host, &mut self.log_due);
        let ended = relay.pump(now, hung_up, |note| match note {
            Note::Warn(refusal) => outlet.warn(refusal.to_string()),
            Note::Announce(mac) => host.announce(mac),
            Note::Negotiated(features) => outlet.up(features),
            Note::Log(log) => {
                *log_due = None;
                session.rings().set_log(log);
            }
            Note::RingLog(ring, address) => {
                if address.is_some() {
                    *log_due = Some(now + LOG_TIME_MAX);
                }
                session.rings().set_log_address(ring, address);
            }
        });
        match ended {
            // What another process still serves is not ended here.
            Some(ended) if self.asleep => self.adoption_failed(reason(ended, None).unwrap_or_default()),
            Some(ended) => self.end(ended, ops),
            None => self.attend(now, ops),
        }
    }

    /// Waits for what the relay waits for.
    pub(super) fn attend(&mut self, now: Instant, ops: &mut EventOps<'_>) {
        let State::Serving { relay, interest, .. } = &mut self.state else { return };
        let wanted = relay.interest();
        self.alarm.set(relay.deadline().into_iter().chain(self.log_due).min(), now);
        if *interest == wanted {
            return;
        }
        *interest = wanted;
        let frontend = ops.modify(Events::with_data(relay.frontend(), token::FRONTEND, event_set(wanted.0)));
        let link = ops.modify(Events::with_data(relay.link(), token::LINK, event_set(wanted.1)));
        if let Err(error) = frontend.and(link) {
            self.end(Ended::Socket(error.to_string()), ops);
        }
    }

    /// Tells the session to end.
    pub(super) fn end(&mut self, ended: Ended, ops: &mut EventOps<'_>) {
        let (relay, session) = match std::mem::replace(&mut self.state, State::Idle) {
            State::Serving { relay, session, .. } => (relay, session),
            other => return self.state = other,
        };
        forget(ops, &[relay.frontend().as_raw_fd(), relay.link().as_raw_fd()]);
        self.alarm.set(None, Instant::now());
        self.log_due = None;
        if relay.greeted() {
            self.source.encourage();
        }
        let reason = self.end_reason.take().or_else(|| reason(ended, self.outlet.warned()));
        self.state = State::Ending { reason, session };
    }

    /// The supervisor has stopped every ring.
    pub(super) fn finish(&mut self, ops: &mut EventOps<'_>) {
        // The daemon may end before its last answer is passed on.
        self.pump(Instant::now(), false, ops);
        self.end(Ended::Daemon, ops);
        let State::Ending { reason, mut session } = std::mem::replace(&mut self.state, State::Idle) else { return };
        forget(ops, &[session.done().as_raw_fd()]);
        let report = session.join();
        drop(session);
        self.outlet.down(reason.unwrap_or(report));
        self.rest(ops);
    }

    /// A time limit or a pause is over.
    pub(super) fn alarmed(&mut self, now: Instant, ops: &mut EventOps<'_>) {
        self.alarm.set(None, now);
        self.check_log(now);
        match &self.state {
            State::Serving { relay, .. } => match relay.check_time(now) {
                Some(ended) => self.end(ended, ops),
                None => self.attend(now, ops),
            },
            State::Ending { .. } => {}
            State::Idle => self.look(now, ops),
        }
    }

    /// Rings that have waited too long for a log run without one.
    fn check_log(&mut self, now: Instant) {
        let State::Serving { session, .. } = &self.state else { return };
        if self.log_due.is_none_or(|due| now < due) {
            return;
        }
        let rings = session.rings();
        if rings.start_unlogged() {
            let waited = LOG_TIME_MAX.as_secs();
            self.outlet.warn(format!(
                "the frontend wants writes to be logged and has given no log for {waited} s; its rings run without one"
            ));
        }
        // The kicks may come late, too.
        self.log_due = rings.wants_log().then(|| now + LOG_TIME_MAX);
    }

    /// Client mode: tries to connect. Server mode: takes connections again.
    fn look(&mut self, now: Instant, ops: &mut EventOps<'_>) {
        self.watch_listener(EventSet::IN, ops);
        match self.source.dial() {
            None => {}
            Some(Ok(stream)) => self.begin(stream, now, ops),
            Some(Err((pause, error))) => {
                self.outlet.warn(format!("no frontend yet: {error}"));
                self.alarm.set(Some(now + pause), now);
            }
        }
    }
}

fn forget(ops: &mut EventOps<'_>, fds: &[i32]) {
    for fd in fds {
        // It fails for what was never added.
        let _ = ops.remove(Events::empty_raw(*fd));
    }
}

fn event_set(interest: Interest) -> EventSet {
    let read = if interest.read { EventSet::IN } else { EventSet::empty() };
    let write = if interest.write { EventSet::OUT } else { EventSet::empty() };
    read | write
}

/// What the relay knows of the end; `None`: the daemon knows better. A frontend that goes may do so over what it was
/// refused, which the last warning tells.
fn reason(ended: Ended, warned: Option<&str>) -> Option<String> {
    match ended {
        Ended::Closed => Some(match warned {
            None => "the frontend closed the connection".to_owned(),
            Some(warning) => format!("the frontend closed the connection; the last warning was: {warning}"),
        }),
        Ended::Daemon => None,
        Ended::Refused(refusal) => Some(format!("the frontend broke the protocol: {refusal}")),
        Ended::Silent => Some("the frontend connected and said nothing".to_owned()),
        Ended::Adoption(why) => Some(format!("the session cannot go on in this process: {why}")),
        Ended::Socket(error) => Some(format!("the connection failed: {error}")),
    }
}
