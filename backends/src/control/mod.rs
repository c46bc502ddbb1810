// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The control loop: one thread, one epoll set, everything slow.
//!
//! # Theory of operation
//!
//! The loop watches the endpoints of all ports, the control socket with its clients, a descriptor that rings when a
//! session has something to tell, and the signals. When events are dispatched it does, in this order:
//!
//! 1. takes note of what the sessions told;
//! 2. carries out the calls of the control socket that have come, one of each client at most: the switch decides,
//!    endpoints are opened and closed; then the state is saved, once for all of them, and only then the replies are
//!    queued; what could not be saved is answered as failed;
//! 3. serves signals: SIGTERM and SIGINT end the loop, SIGHUP reads the configuration file again;
//! 4. once a second, ages learned addresses, frees what was replaced, tries again what failed.
//!
//! A clean end closes all endpoints and removes all sockets that we made. An end by `kill -9` is no worse for guests:
//! stale sockets are replaced at the next start, and rings resume at their used index.

mod daemon;
mod endpoints;
mod inherited;
mod load;
mod logging;
mod options;
mod requests;
mod signals;
mod subscriber;
mod warnings;

pub use logging::BadFilter;
pub use options::{Options, SOCKET_DEFAULT};
pub use signals::{Asked, Signals};

use crate::ctl_server::access::Access;
use crate::ctl_server::socket::{Socket, SocketError};
use crate::ctl_server::{Pending, Server};
use crate::runtime::Workers;
use crate::store::{Overlay, Store};
use daemon::{Daemon, Origin};
use endpoints::Endpoints;
use event_manager::{EventManager, SubscriberId, SubscriberOps};
use inherited::Inherited;
use load::Load;
use logging::{LOG_DEFAULT, Logging};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::{Duration, Instant};
use subscriber::{Loop, Subscriber};
use switch::Control;
use warnings::Warnings;

/// How often what is due by time is looked for.
const TICK: Duration = Duration::from_secs(1);

/// Calls of administrators that are answered before other events have their turn again; of others it is one.
const CALLS_AT_ONCE: usize = 64;

/// Why the daemon did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The control socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The log filter.
    #[error(transparent)]
    Log(#[from] BadFilter),
    /// The system refused something.
    #[error("{what}: {why}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        why: io::Error,
    },
    /// The event loop failed.
    #[error("the control loop failed: {0}")]
    Loop(#[from] event_manager::Error),
}

/// Runs the daemon until a signal ends it.
///
/// # Errors
/// It could not start, or the loop failed.
pub fn run(options: Options, signals: Signals) -> Result<(), RunError> {
    let (mut running, overlay) = Running::start(options, signals)?;
    raise_descriptor_limit();
    running.daemon.begin(&mut running.events, &overlay);
    notify(NotifyState::Ready);
    tracing::info!("ready");
    let result = running.serve();
    notify(NotifyState::Stopping);
    running.daemon.endpoints.close_all(&mut running.events);
    result
}

/// A daemon with its loop.
struct Running {
    events: Loop,
    server: Rc<RefCell<Server>>,
    server_id: SubscriberId,
    signals: Signals,
    daemon: Daemon,
    ticked: Instant,
    /// Calls wait that were not answered in the last turn.
    more_calls: bool,
}

impl Running {
    /// Sets all up; nothing is served yet.
    fn start(options: Options, signals: Signals) -> Result<(Running, Overlay), RunError> {
        let system = |what| move |why| RunError::System { what, why };
        let logging = Logging::start(options.settings.log.as_deref().unwrap_or(LOG_DEFAULT))?;
        let inherited = Inherited::take().map_err(system("cannot take over systemd's sockets"))?;
        let (path, policy) = (options.socket(), options.policy());
        let socket = match inherited.get(&path) {
            Some(fd) => Socket::inherit(fd, &path)?,
            None => Socket::bind(&path, &policy)?,
        };
        sys::install_fault_guard().map_err(system("cannot install the guard against truncated guest memory"))?;
        let workers = Workers::start(&options.workers()).map_err(system("cannot start the workers"))?;
        let seals = options.settings.seals.unwrap_or_default();
        let endpoints = Endpoints::new(workers, seals, inherited).map_err(system("cannot make an eventfd"))?;
        let (store, saved, told) = Store::open(&options.state(), &options.base);
        if let Some(told) = &told {
            tracing::warn!("{told}");
        }
        let mut events = EventManager::new()?;
        events.add_subscriber(Subscriber::Wake(endpoints.wake().as_raw_fd()));
        events.add_subscriber(Subscriber::Wake(signals.as_raw_fd()));
        let server = Rc::new(RefCell::new(Server::new(socket, policy.clone())));
        let server_id = events.add_subscriber(Subscriber::Ctl(Rc::clone(&server)));
        let started = Instant::now();
        let daemon = Daemon {
            control: Control::restored(RandomState::new().build_hasher().finish(), saved.offered, saved.numbers),
            endpoints,
            origin: Origin { store, file: options.config, base: options.base },
            logging,
            policy,
            settings: options.settings,
            load: Load::default(),
            warnings: Warnings { start: told.into_iter().collect(), ..Warnings::default() },
            started,
            changes: 0,
            settled: 0,
        };
        let running = Running { events, server, server_id, signals, daemon, ticked: started, more_calls: false };
        Ok((running, saved.overlay))
    }

    fn serve(&mut self) -> Result<(), RunError> {
        while self.turn()? {}
        Ok(())
    }

    /// Waits until something happens, or until the next tick, and does what follows from it. False: a signal asked to
    /// stop.
    fn turn(&mut self) -> Result<bool, RunError> {
        let rest = TICK.saturating_sub(self.ticked.elapsed());
        let wait = if self.more_calls { Duration::ZERO } else { rest };
        self.events.run_with_timeout(wait.as_millis() as i32)?;
        self.daemon.take_notices(&mut self.events);
        self.more_calls = self.answer_calls()?;
        while let Some(asked) = self.signals.next() {
            match asked {
                Asked::Stop => return Ok(false),
                Asked::Reload => self.daemon.reload(&mut self.events),
            }
        }
        self.tick()?;
        Ok(true)
    }

    /// Answers calls that wait, when what they changed is saved. True: there may be more.
    fn answer_calls(&mut self) -> Result<bool, RunError> {
        let (mut done, mut more) = (Vec::new(), false);
        while let Some(pending) = self.next_call(done.len()) {
            more = true;
            let last = pending.access != Access::Administer;
            let answered = requests::answer(&mut self.daemon, &mut self.events, &pending);
            done.push((pending, answered));
            if last {
                break;
            }
        }
        self.daemon.settle();
        for (pending, answered) in done {
            let answer = answered.settled(self.daemon.unsaved());
            let mut ops = self.events.event_ops(self.server_id)?;
            self.server.borrow_mut().answer(&pending, answer, &mut ops);
        }
        Ok(more)
    }

    /// The next call, unless so many are done that other events should have their turn.
    fn next_call(&self, done: usize) -> Option<Pending> {
        if done < CALLS_AT_ONCE { self.server.borrow_mut().next_call() } else { None }
    }

    fn tick(&mut self) -> Result<(), RunError> {
        let now = Instant::now();
        if now.saturating_duration_since(self.ticked) < TICK {
            return Ok(());
        }
        self.ticked = now;
        self.daemon.tick(&mut self.events, now);
        let mut ops = self.events.event_ops(self.server_id)?;
        self.server.borrow_mut().tick(now, &mut ops);
        Ok(())
    }
}

/// Allows as many descriptors as the system lets us have: each port needs a dozen, and the soft limit is 1024 for the
/// sake of programs that use select(2).
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(why) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%why, "the limit of open files stays as it is");
    }
}

/// Tells systemd, when it started us.
fn notify(state: NotifyState<'_>) {
    if let Err(why) = sd_notify::notify(&[state]) {
        tracing::warn!(%why, "systemd cannot be told");
    }
}

#[cfg(test)]
mod tests;
