// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The control loop: one thread, one epoll set, everything slow.
//!
//! # Theory of operation
//!
//! The loop watches the endpoints of all ports, the control socket with its clients, descriptors that ring when a session
//! or a worker has something to tell, and the signals. When events are dispatched it does, in this order:
//!
//! 1. takes note of a few of the frames that workers have copied for it: however many they are, the calls have their turn; and
//!    says to guests what routers do not, when that is due; then of what the sessions and the process that fetches told, and
//!    says what follows from that;
//! 2. carries out the calls of the control socket that have come, one of each client at most: the switch decides,
//!    endpoints are opened and closed; then the state is saved, once for all of them, and only then the replies are
//!    queued; what could not be saved is answered as failed;
//! 3. serves signals: SIGTERM and SIGINT end the loop, SIGHUP reads the configuration file again;
//! 4. once a second, ages learned addresses, frees what was replaced, tries again what failed, logs what the RA guard dropped;
//! 5. answers a few questions of each client of a text socket, and tells those who asked what has happened to PvDs.
//!
//! A clean end closes all endpoints and removes all sockets that we made. An end by `kill -9` is no worse for guests:
//! stale sockets are replaced at the next start, and rings resume at their used index.

mod daemon;
mod doors;
mod endpoints;
mod exports;
mod fetcher;
mod guard_log;
mod inherited;
mod lanes;
mod lanes_left;
mod leaving;
mod load;
mod logging;
mod options;
mod predecessor;
mod remembering;
mod requests;
mod router_log;
mod signals;
mod subscriber;
mod successor;
mod texts;
mod trouble_log;
mod vfs;
mod warnings;

pub use logging::BadFilter;
pub use options::{Options, SOCKET_DEFAULT};
pub use signals::{Asked, Signals};

use crate::ctl_server::access::{Access, Gate, Policy};
use crate::ctl_server::socket::{Socket, SocketError};
use crate::ctl_server::{Pending, Server};
use crate::place::Place;
use crate::runtime::Workers;
use crate::store::{Saved, Store, Taken};
use crate::upgrade::{Channel, Estate};
use daemon::{Daemon, Origin, Stored};
use doors::{Door, Doors};
use endpoints::Endpoints;
use event_manager::{EventManager, SubscriberId, SubscriberOps};
use exports::Exports;
use fetcher::Fetcher;
use inherited::Inherited;
use lanes::{Lanes, Netdevs, Vmms};
use load::Load;
use logging::{LOG_DEFAULT, Logging};
use predecessor::Predecessor;
use remembering::Remembering;
use requests::Answered;
use rustix::net::SocketAddrUnix;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};
use subscriber::{Loop, Subscriber};
use switch::Control;
use texts::Texts;
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
    /// What another weftd has stored, which still acts, and is not to be touched.
    #[error("its state cannot be used here: {0}")]
    State(String),
    /// The state directory.
    #[error(transparent)]
    Taken(#[from] Taken),
    /// The event loop failed.
    #[error("the control loop failed: {0}")]
    Loop(#[from] event_manager::Error),
}

/// Runs the daemon until a signal ends it, or another weftd takes its place. `before` leads to the one whose place it takes itself.
///
/// # Errors
/// It could not start, or the loop failed.
pub fn run(options: Options, signals: Signals, before: Option<Channel>) -> Result<(), RunError> {
    let logging = Logging::start(options.settings.log.as_deref().unwrap_or(LOG_DEFAULT))?;
    raise_descriptor_limit();
    let (before, estate) = before.map(Predecessor::meet).or_else(Predecessor::left).unzip();
    let alive = before.as_ref().is_some_and(Predecessor::is_alive);
    let (mut running, stored) = match Running::start(options, signals, logging, (estate, alive)) {
        Err(why) if let Some(before) = &before => before.fail(&why.to_string()),
        started => started?,
    };
    running.daemon.begin(&mut running.events, stored);
    match before {
        Some(before) => running.succeed(before),
        None => running.daemon.recall(&mut running.events),
    }
    notify(&[NotifyState::Ready]);
    tracing::info!("ready");
    let result = running.serve();
    result.as_ref().err().into_iter().for_each(|why| tracing::error!(%why, "the end"));
    if matches!(running.daemon.upgraded, Some(Ok(_))) || running.leave_to_systemd() {
        // Whatever would be tidied up is the successor's now.
        std::process::exit(0);
    }
    notify(&[NotifyState::Stopping]);
    running.daemon.stop_fetching(&mut running.events);
    running.daemon.doors.close_all(&mut running.events);
    running.daemon.texts.close_all(&mut running.events);
    running.daemon.lanes.close_all(false);
    running.daemon.endpoints.close_all(&mut running.events);
    result
}

/// A call that is carried out, and to be answered when what it changed is saved.
struct Done {
    server: Rc<RefCell<Server>>,
    id: SubscriberId,
    pending: Pending,
    answered: Answered,
}

/// A daemon with its loop.
struct Running {
    events: Loop,
    server: Rc<RefCell<Server>>,
    server_id: SubscriberId,
    /// Where the control socket is.
    place: Place,
    signals: Signals,
    daemon: Daemon,
    ticked: Instant,
    /// Calls or copies of frames wait whose turn has not come.
    more: bool,
    /// Where the workers were when systemd was last told that all is well; `None`: it does not want to know.
    vital: Option<Vec<u64>>,
    /// What had happened when those who watch were last told of it.
    told: (u64, u64, u64),
}

impl Running {
    /// Sets all up; nothing is served yet.
    fn start(
        options: Options,
        signals: Signals,
        logging: Logging,
        (left, is_others): (Option<Estate>, bool),
    ) -> Result<(Running, Stored), RunError> {
        let system = |what| move |why| RunError::System { what, why };
        let inherited = Inherited::take().map_err(system("cannot take over systemd's sockets"))?;
        let (place, policy) = (Place::new(options.socket(), None), options.policy());
        let (control, ports) = left.map(|left| (left.control, left.ports)).unzip();
        let server = open_server(&place, &policy, &inherited, control.flatten())?;
        let program = std::env::current_exe().ok();
        sys::install_fault_guard().map_err(system("cannot install the guard against truncated guest memory"))?;
        let (workers, listener) = Workers::start(&options.workers()).map_err(system("cannot start the workers"))?;
        let seals = options.settings.seals.unwrap_or_default();
        let mut endpoints = Endpoints::new(workers, seals, inherited).map_err(system("cannot make an eventfd"))?;
        let asleep = ports.is_some().then(Vec::new);
        ports.into_iter().for_each(|ports| endpoints.inherit(ports));
        let (store, saved, told) = open_store(&options, is_others)?;
        let told: Vec<String> = told.into_iter().chain(policy.warning()).collect();
        told.iter().for_each(|told| tracing::warn!("{told}"));
        let mut events = EventManager::new()?;
        events.add_subscriber(Subscriber::Wake(endpoints.wake().as_raw_fd()));
        events.add_subscriber(Subscriber::Wake(listener.wake().as_raw_fd()));
        events.add_subscriber(Subscriber::Wake(signals.as_raw_fd()));
        let vmms = Vmms::new().map_err(system("cannot make an epoll set"))?;
        events.add_subscriber(Subscriber::Wake(vmms.as_raw_fd()));
        let server = Rc::new(RefCell::new(server));
        let server_id = events.add_subscriber(Subscriber::Ctl(Rc::clone(&server)));
        let started = Instant::now();
        let seed = RandomState::new().build_hasher().finish();
        let mut control = Control::restored(seed, saved.offered, saved.numbers);
        control.restore_routers(saved.routers_found);
        control.restore_vfs(saved.vfs);
        control.restore_moves(saved.moves);
        let daemon = Daemon {
            control,
            endpoints,
            listener,
            doors: Doors::default(),
            fetcher: Fetcher::new(options.settings.pvd_fetch.as_ref()),
            texts: Texts::default(),
            exports: Exports::default(),
            lanes: Lanes::default(),
            netdevs: Netdevs::default(),
            vmms,
            origin: Origin { store, file: options.config, base: options.base },
            logging,
            policy,
            settings: options.settings,
            load: Load::default(),
            warnings: Warnings { start: told, ..Warnings::default() },
            started,
            changes: 0,
            departures: 0,
            settled: 0,
            program,
            successor: None,
            upgraded: None,
            remembering: Remembering::default(),
            asleep,
        };
        let vital = sd_notify::watchdog_enabled().map(|_| Vec::new());
        let (more, told) = (false, (0, 0, 0));
        let running = Running { events, server, server_id, place, signals, daemon, ticked: started, more, vital, told };
        Ok((running, (saved.overlay, saved.announced, saved.made)))
    }

    fn serve(&mut self) -> Result<(), RunError> {
        while self.turn()? {}
        Ok(())
    }

    /// Waits until something happens, or until the next tick, and does what follows from it. False: a signal asked to
    /// stop, or another weftd has taken over.
    fn turn(&mut self) -> Result<bool, RunError> {
        let rest = self.daemon.silence(TICK.saturating_sub(self.ticked.elapsed()));
        let wait = if self.more { Duration::ZERO } else { rest };
        self.events.run_with_timeout(wait.as_millis() as i32)?;
        let more_snooped = self.daemon.take_snooped();
        // A host that has asked is answered before all else: a worker may be polling for that.
        self.daemon.speak(&mut self.events);
        self.daemon.take_notices(&mut self.events);
        self.daemon.take_fetched(&mut self.events);
        let more_lanes = self.daemon.take_lanes(&mut self.events);
        self.daemon.speak(&mut self.events);
        self.more = self.answer_calls()? || more_snooped || more_lanes;
        if self.turn_successor() {
            return Ok(false);
        }
        while let Some(asked) = self.signals.next() {
            match asked {
                Asked::Stop => return Ok(false),
                Asked::Reload => self.daemon.reload(&mut self.events),
            }
        }
        self.tick()?;
        self.more |= self.wake_watchers();
        self.more |= self.daemon.turn_texts(&mut self.events);
        Ok(true)
    }

    /// Those who watch look when something has happened: to a PvD, or to what there is, a namespace that they watch among
    /// it, or to a guest that leaves. True: something had.
    fn wake_watchers(&mut self) -> bool {
        let now = (self.daemon.control.pvd_stirs(), self.daemon.changes, self.daemon.departures);
        let news = std::mem::replace(&mut self.told, now) != now;
        if news {
            self.server.borrow_mut().wake_waiting();
            self.daemon.doors.all().into_iter().for_each(|door| door.server.borrow_mut().wake_waiting());
        }
        news
    }

    /// Answers calls that wait, when what they changed is saved. True: there may be more.
    fn answer_calls(&mut self) -> Result<bool, RunError> {
        let mut done = self.carry_out_calls();
        // Each tenant has his turn, and none is longer than that of another.
        for Door { server, id, .. } in self.daemon.doors.all() {
            // One that an earlier call has closed has nobody left who waits.
            let open = Rc::strong_count(&server) > 1;
            done.extend(open.then(|| self.carry_out_one(&server, id)).flatten());
        }
        let more = !done.is_empty();
        self.daemon.settle();
        for Done { server, id, pending, answered } in done {
            let answer = answered.settled(self.daemon.unsaved());
            // Fails only for a socket that was closed meanwhile, with all who were there.
            if let Ok(mut ops) = self.events.event_ops(id) {
                server.borrow_mut().answer(&pending, answer, &mut ops);
            }
        }
        Ok(more)
    }

    /// Carries out the calls of the operator's socket, unless so many that other events should have their turn.
    fn carry_out_calls(&mut self) -> Vec<Done> {
        let (mut done, server) = (Vec::new(), Rc::clone(&self.server));
        while let Some(one) = self.carry_out_one(&server, self.server_id) {
            let last = one.pending.access != Access::Administer;
            done.push(one);
            if last || done.len() >= CALLS_AT_ONCE {
                break;
            }
        }
        done
    }

    /// Carries out the next call of a socket, if there is one.
    fn carry_out_one(&mut self, server: &Rc<RefCell<Server>>, id: SubscriberId) -> Option<Done> {
        let pending = server.borrow_mut().next_call()?;
        let tenant = server.borrow().tenant().cloned();
        let answered = requests::answer(&mut self.daemon, &mut self.events, &pending, tenant.as_ref());
        Some(Done { server: Rc::clone(server), id, pending, answered })
    }

    /// Tells systemd's watchdog that this loop turns and that every worker does. One that is stuck for long ends the process:
    /// it is started anew, and guests go on.
    fn reassure(&mut self, tell: impl FnOnce(&[NotifyState<'_>])) {
        if let Some(seen) = &mut self.vital
            && self.daemon.endpoints.workers().are_alive(seen)
        {
            tell(&[NotifyState::Watchdog]);
        }
    }

    fn tick(&mut self) -> Result<(), RunError> {
        let now = Instant::now();
        if now.saturating_duration_since(self.ticked) < TICK {
            return Ok(());
        }
        self.ticked = now;
        self.reassure(notify);
        self.daemon.tick(&mut self.events, now);
        let mut ops = self.events.event_ops(self.server_id)?;
        self.server.borrow_mut().tick(now, &mut ops);
        for door in self.daemon.doors.all() {
            let mut ops = self.events.event_ops(door.id)?;
            door.server.borrow_mut().tick(now, &mut ops);
        }
        Ok(())
    }
}

/// Opens the control socket, or takes over one that systemd or a weftd before this one has made.
fn open_server(
    place: &Place,
    policy: &Policy,
    inherited: &Inherited,
    left: Option<(OwnedFd, bool)>,
) -> Result<Server, SocketError> {
    let gate = Gate::Operator(policy.clone());
    // Whoever was left a socket at another place makes one where it is wanted.
    let left = left.filter(|(fd, _)| is_at(fd, place.path()));
    match (left, inherited.get(place.path())) {
        (Some((fd, _)), _) => Ok(Server::asleep(Socket::inherit(fd, place.path(), &gate)?, gate)),
        (None, Some(fd)) => Ok(Server::new(Socket::inherit(fd, place.path(), &gate)?, gate)),
        (None, None) => Ok(Server::new(Socket::bind(place, &gate)?, gate)),
    }
}

/// Whether a socket is bound to this path.
fn is_at(fd: &OwnedFd, path: &Path) -> bool {
    let address = rustix::net::getsockname(fd).ok().and_then(|address| SocketAddrUnix::try_from(address).ok());
    address.is_some_and(|address| address.path_bytes() == Some(path.as_os_str().as_bytes()))
}

/// Opens the store; that of another weftd, which still acts, as it is.
fn open_store(options: &Options, is_others: bool) -> Result<(Store, Saved, Option<String>), RunError> {
    let mut store = Store::at(&options.state());
    if is_others {
        let saved = store.load_others(&options.base).map_err(RunError::State)?;
        return Ok((store, saved, None));
    }
    store.claim()?;
    let (saved, told) = store.load(&options.base);
    Ok((store, saved, told))
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
fn notify(states: &[NotifyState<'_>]) {
    if let Err(why) = sd_notify::notify(states) {
        tracing::warn!(%why, "systemd cannot be told");
    }
}

#[cfg(test)]
mod tests;
