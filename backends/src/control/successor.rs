// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The weftd that takes the place of this one: started, given all, and either left alone with it or ended. See [`crate::upgrade`].
//!
//! Until it has said hello the loop goes on as always. What follows is one piece of work of the control thread: it must not hear a
//! frontend or a caller in between, for the successor will. It ends in time, whatever the successor does.

use super::Running;
use super::daemon::Daemon;
use super::subscriber::{Loop, Subscriber};
use crate::ctl_server::{Answer, Mark};
use crate::runtime::clock;
use crate::upgrade::{
    Channel, Estate, FIRST, FOLLOWED, LANED, OPTION, Orphan, Remainder, VERSIONS, Word, rest_to_text, to_text,
};
use crate::vhost_user::Legacy;
use ctl::codec::Reply;
use ctl::proto::v1::{Error, UpgradeReply};
use event_manager::{SubscriberId, SubscriberOps};
use sd_notify::NotifyState;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};
use switch::{Learnt, PortPath};

/// How long it may take until a successor says hello.
const START_MAX: Duration = Duration::from_secs(20);
/// How long after that it may take until all sessions are between two messages, and no frames wait for a guest.
const REST_MAX: Duration = Duration::from_secs(5);
/// How long it may take to be given all and to be ready. With [`DONE_MAX`] less than after what systemd's watchdog ends us.
const READY_MAX: Duration = Duration::from_secs(6);
/// How long it may take to have rings run. Guests hear nothing meanwhile.
const DONE_MAX: Duration = Duration::from_secs(2);
/// How long it may take to tell the rest, for which no guest waits.
const TELL_MAX: Duration = Duration::from_millis(500);

/// A successor that was started.
pub(super) struct Successor {
    process: Orphan,
    channel: Channel,
    subscriber: SubscriberId,
    until: Instant,
    /// Which weftd it is, once it has said so, and the format of its estate.
    weft: Option<(String, u32)>,
    /// Sessions that cannot go on are ended, rather than that there is no upgrade.
    force: bool,
    /// It has begun to use what lanes have left.
    uses_lanes: bool,
}

/// What came of the last upgrade.
pub(super) type Upgraded = Result<UpgradeReply, String>;

impl Successor {
    fn start(program: &Path, force: bool, events: &mut Loop) -> io::Result<Successor> {
        let (channel, theirs) = Channel::pair()?;
        let process = Orphan::start(program, arguments(), &theirs)?;
        let subscriber = events.add_subscriber(Subscriber::Wake(channel.as_raw_fd()));
        Ok(Successor {
            process,
            channel,
            subscriber,
            until: Instant::now() + START_MAX,
            weft: None,
            force,
            uses_lanes: false,
        })
    }

    /// Whether it has said hello.
    fn greet(&mut self) -> Result<bool, String> {
        match self.channel.heard() {
            Ok(Some(Word::Hello { reads, weft })) => {
                let Some(version) = VERSIONS.iter().find(|version| reads.contains(version)) else {
                    return Err(format!("it is weft {weft}, and reads nothing that this one can leave to it"));
                };
                self.weft = Some((weft, *version));
                self.until = Instant::now() + REST_MAX;
                Ok(true)
            }
            Ok(None) => Ok(self.weft.is_some()),
            Ok(Some(word)) => Err(said(word)),
            Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => {
                Err("it ended at once; the log says why".to_owned())
            }
            Err(why) => Err(format!("it is no weftd that can be upgraded to: {why}")),
        }
    }

    /// The format of the estate that is made for it.
    fn version(&self) -> u32 {
        self.weft.as_ref().map_or(FIRST, |(_, version)| *version)
    }

    /// Makes an estate one that it reads. What that tells of what was learnt, if more follows.
    fn fit(&self, estate: &mut Estate) -> Option<Learnt> {
        estate.version = self.version();
        if estate.version < FOLLOWED {
            return None;
        }
        // They follow as a whole: what a router has said it may take back meanwhile.
        estate.learnt.ras.clear();
        Some(estate.learnt.clone())
    }

    /// Gives it the estate, and waits until only rings are missing.
    fn give(&self, estate: Estate) -> Result<(), String> {
        let (text, fds) = to_text(estate).map_err(|why| why.to_string())?;
        let lent: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        let until = Instant::now() + READY_MAX;
        let left = || until.saturating_duration_since(Instant::now());
        let given = self.channel.say(&Word::Estate, left()).and_then(|()| self.channel.give(&text, &lent, left()));
        given.map_err(|why| silent(&why))?;
        self.expect(&Word::Ready, left())
    }

    fn expect(&self, wanted: &Word, patience: Duration) -> Result<(), String> {
        match self.channel.hear(patience).map_err(|why| silent(&why))? {
            word if word == *wanted => Ok(()),
            word => Err(said(word)),
        }
    }

    /// Waits until all runs there.
    fn await_done(&mut self) -> Result<(), String> {
        let until = Instant::now() + DONE_MAX;
        loop {
            match self.channel.hear(until.saturating_duration_since(Instant::now())).map_err(|why| silent(&why))? {
                Word::Lanes if !self.uses_lanes => self.uses_lanes = true,
                Word::Done => return Ok(()),
                word => return Err(said(word)),
            }
        }
    }

    /// Ends it. When this returns it touches nothing any more; tells whether it has begun to use lanes.
    fn end(mut self, events: &mut Loop) -> bool {
        self.process.end();
        drop(events.remove_subscriber(self.subscriber));
        while let Ok(Some(word)) = self.channel.heard() {
            self.uses_lanes |= word == Word::Lanes;
        }
        self.uses_lanes
    }
}

/// Those of this process, and one that makes it a successor.
fn arguments() -> impl Iterator<Item = OsString> {
    let own = std::env::args_os().skip(1).filter(|argument| argument != OPTION);
    own.chain([OPTION.into()])
}

fn said(word: Word) -> String {
    match word {
        Word::Failed(why) => why,
        word => format!("it said {word:?} when something else was due"),
    }
}

fn silent(why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::TimedOut => "it did not get on in time".to_owned(),
        _ => format!("it ended; the log says why ({why})"),
    }
}

impl Daemon {
    /// Starts the program that is at this one's path now, as its successor.
    pub(super) fn begin_upgrade(&mut self, force: bool, events: &mut Loop) -> Result<(), String> {
        if self.successor.is_some() {
            return Err("an upgrade is under way".to_owned());
        }
        let program = self.program.as_deref().ok_or("it is not known which program this weftd is")?;
        let started = Successor::start(program, force, events);
        let successor = started.map_err(|why| format!("{} cannot be started: {why}", program.display()))?;
        tracing::info!(program = %program.display(), pid = successor.process.id(), "a successor was started");
        (self.successor, self.upgraded) = (Some(successor), None);
        Ok(())
    }

    /// The sockets and sessions of ports, when all are at a point where another process can go on. `lenient`: without what cannot
    /// go on, rather than nothing.
    pub(super) fn legacies(&self, lenient: bool) -> Result<BTreeMap<PortPath, Legacy>, String> {
        if let Some(port) = self.control.waited_for().filter(|_| !lenient) {
            return Err(format!(
                "port {port}: its guest is on its way, and frames wait for it; try again when it has come, \
                 say `weft migrate cancel {port}` if it stays, or have --force drop them"
            ));
        }
        self.endpoints.legacies(lenient).map_err(|why| format!("{why}; --force ends such a session"))
    }

    /// All that is left to a successor. `lenient`: as for [`Daemon::legacies`].
    pub(super) fn estate(&self, control: io::Result<(OwnedFd, bool)>, lenient: bool) -> Result<Estate, String> {
        let ports = self.legacies(lenient)?;
        let control = Some(control.map_err(|why| format!("the control socket: {why}"))?);
        let now = clock();
        let (version, at, learnt) = (FIRST, now.since_origin(), self.control.learnt(now));
        Ok(Estate { version, at, lenient, control, ports, learnt })
    }

    /// Leaves what follows an estate in which `told` was said. No ring runs any more.
    pub(super) fn leave_rest(&mut self, channel: &Channel, told: &Learnt, patience: Duration) -> Result<(), String> {
        self.hear_all();
        self.count_lane_losses();
        let (now, log) = (clock(), self.logging.left(Instant::now()));
        let rest = Remainder { at: now.since_origin(), log, rest: self.control.rest(told, now) };
        let text = rest_to_text(&rest).map_err(|why| why.to_string())?;
        let left = channel.say(&Word::Rest, patience).and_then(|()| channel.give(&text, &[], patience));
        left.map_err(|why| why.to_string())
    }

    /// Takes note of all copies of frames that wait. There are no more: no ring runs.
    pub(super) fn hear_all(&mut self) {
        while self.take_snooped() {}
    }

    /// Lets go of what only one process can have, and that guests do not wait for; of all lanes, unless those stay that can be left
    /// to another. Tells whose were closed.
    pub(super) fn let_go(&mut self, events: &mut Loop, lanes_stay: bool) -> Vec<PortPath> {
        self.stop_fetching(events);
        self.doors.close_all(events);
        self.texts.close_all(events);
        let ports = self.control.desired().ports().iter().filter(|(_, spec)| spec.vf.is_some());
        ports.for_each(|(port, _)| self.vmms.follow(port, 0, None));
        self.origin.store.let_go();
        self.lanes.close_all(lanes_stay)
    }

    /// Takes it back: lanes that were open are opened once more, and their state is what it was.
    fn take_back(&mut self, events: &mut Loop, lanes: &[PortPath]) {
        self.go_on(events);
        if let Err(taken) = self.origin.store.claim() {
            tracing::warn!(%taken, "the state directory was not let go of for good, and another has it now");
        }
        self.open_sockets(events);
        let ports: Vec<PortPath> = self.control.desired().ports().keys().cloned().collect();
        ports.iter().for_each(|port| self.follow_vf(events, port));
        lanes.iter().for_each(|port| self.reopen_lane(events, port));
        self.act(events);
    }

    /// Has a successor go on.
    fn go(&mut self, channel: &Channel, with_lanes: bool) -> Result<(), String> {
        channel.say(&Word::Go, DONE_MAX).map_err(|why| silent(&why))?;
        if with_lanes { self.leave_lanes(channel, DONE_MAX) } else { Ok(()) }
    }

    /// Saves what is not saved.
    fn make_sure(&mut self) -> Result<(), String> {
        self.settle();
        match self.unsaved() {
            Some(why) => Err(format!("what it would read is not what holds here: {why}")),
            None => Ok(()),
        }
    }
}

impl Running {
    /// What there is to be done about a successor. True: it has taken over, and this process has nothing left.
    pub(super) fn turn_successor(&mut self) -> bool {
        let Some(successor) = &mut self.daemon.successor else { return false };
        let socket = self.server.borrow().share();
        let force = successor.force;
        let late = Instant::now() >= successor.until;
        let outcome = match successor.greet() {
            Ok(false) if late => Err("it did not say hello in time".to_owned()),
            Ok(false) => return false,
            Ok(true) => match self.daemon.estate(socket, force) {
                Ok(estate) => self.hand_over(estate),
                Err(why) if late => Err(why),
                // It may be a moment, and what ends it wakes the loop, if not the next tick does.
                Err(_) => return false,
            },
            Err(why) => Err(why),
        };
        let replaced = outcome.is_ok();
        self.conclude(outcome);
        replaced
    }

    /// Gives all to the successor, and is as before when it does not take it.
    fn hand_over(&mut self, mut estate: Estate) -> Result<UpgradeReply, String> {
        let Some(mut successor) = self.daemon.successor.take() else { return Err("there is none".to_owned()) };
        let guests = estate.ports.values().filter(|legacy| legacy.session.is_some()).count() as u64;
        let told = successor.fit(&mut estate);
        // The watchdog is not told anything until this is over.
        super::notify(&[NotifyState::Watchdog]);
        let given = self.daemon.make_sure().and_then(|()| successor.give(estate));
        if let Err(why) = given {
            successor.end(&mut self.events);
            return Err(why);
        }
        let lanes_stay = successor.version() >= LANED;
        let closed = self.daemon.let_go(&mut self.events, lanes_stay);
        let stopped = Instant::now();
        self.daemon.stop_all();
        match self.daemon.go(&successor.channel, lanes_stay).and_then(|()| successor.await_done()) {
            Ok(()) => {
                let gap_us = u64::try_from(stopped.elapsed().as_micros()).unwrap_or(u64::MAX);
                if let Some(Err(why)) = told.map(|told| self.daemon.leave_rest(&successor.channel, &told, TELL_MAX)) {
                    tracing::warn!(why, "the successor is not told what was counted and learnt last");
                }
                let version = successor.weft.map(|(weft, _)| weft).unwrap_or_default();
                Ok(UpgradeReply { pid: successor.process.id(), version, guests, gap_us })
            }
            Err(why) => {
                if successor.end(&mut self.events) {
                    self.daemon.lanes.cut();
                }
                self.daemon.take_back(&mut self.events, &closed);
                Err(why)
            }
        }
    }

    /// Tells those who wait for it, and systemd.
    fn conclude(&mut self, outcome: Upgraded) {
        if let Some(successor) = self.daemon.successor.take() {
            successor.end(&mut self.events);
        }
        match &outcome {
            Ok(done) => {
                super::notify(&[NotifyState::MainPid(done.pid)]);
                tracing::info!(
                    pid = done.pid,
                    version = done.version,
                    gap_us = done.gap_us,
                    "the successor has taken over"
                );
            }
            Err(why) => tracing::error!(why, "there was no upgrade; this weftd goes on"),
        }
        let done = outcome.is_ok();
        self.daemon.upgraded = Some(outcome);
        self.server.borrow_mut().wake_waiting();
        // Otherwise they are answered with all others.
        if done {
            self.answer_upgrades();
        }
    }

    /// The last that this process says. Whoever else has called does so again.
    fn answer_upgrades(&mut self) {
        let mut server = self.server.borrow_mut();
        while let Some(pending) = server.next_call() {
            if let (Some(Mark::Upgrade), Some(answer)) = (&pending.from, self.daemon.upgrade_answer())
                && let Ok(mut ops) = self.events.event_ops(self.server_id)
            {
                server.answer(&pending, answer, &mut ops);
            }
        }
    }
}

impl Daemon {
    /// What whoever waits for the end of an upgrade is told; `None`: it is under way.
    pub(super) fn upgrade_answer(&self) -> Option<Answer> {
        let reply = match self.upgraded.as_ref()? {
            Ok(done) => Reply::result(done).ok()?,
            Err(why) => Reply::error(&Error::Failed { message: format!("weftd goes on as it was: {why}") }),
        };
        Some(reply.into())
    }
}
