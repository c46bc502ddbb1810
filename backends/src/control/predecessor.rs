// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a weftd begins that takes the place of another: with what that one has left, as far as no ring runs, and then with all.
//! See [`crate::upgrade`].
//!
//! Whatever fails before it is done ends this process at once, and on the spot: what it would tidy up is still the other's.

use super::daemon::Daemon;
use super::inherited::Inherited;
use super::lanes_left::read_lanes;
use super::subscriber::Loop;
use super::{Running, notify};
use crate::runtime::clock;
use crate::upgrade::{
    Channel, Estate, FOLLOWED, LANED, LanesLeft, Remainder, STORED, VERSIONS, Word, from_text, rest_from_text,
};
use crate::vhost_user::Adoption;
use event_manager::SubscriberOps;
use sd_notify::NotifyState;
use std::process::exit;
use std::time::{Duration, Instant};
use switch::{Action, Learnt};

/// How long the other may take to say something.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long what follows may take to come. Nobody but control waits for it.
const REST_MAX: Duration = Duration::from_secs(2);
/// How long sessions may take to begin.
const ADOPTION_MAX: Duration = Duration::from_secs(4);
/// The longest rest between two looks at sessions that begin: their daemons answer within microseconds.
const LOOK: Duration = Duration::from_millis(1);

/// The weftd before this one.
pub(super) struct Predecessor {
    /// `None`: it has ended, and has left what it had to systemd.
    channel: Option<Channel>,
    learnt: Learnt,
    /// What is told last, if it has been, or will be.
    rest: Told<Remainder>,
    /// What its lanes leave, as they stop.
    lanes: Told<LanesLeft>,
    at: Duration,
    /// The file of the control socket was its own.
    owns_socket: bool,
    /// Sessions that cannot go on are ended, rather than that there is no upgrade.
    lenient: bool,
}

/// Something that follows an estate.
enum Told<T> {
    Already(Box<T>),
    AtTheEnd,
    Never,
}

impl<T> Told<T> {
    fn by(version: u32, from: u32) -> Told<T> {
        if version >= from { Told::AtTheEnd } else { Told::Never }
    }
}

impl Predecessor {
    /// Says hello, and is given the estate. What of that is not for ports stays here.
    pub(super) fn meet(channel: Channel) -> (Predecessor, Estate) {
        let hello = Word::Hello { reads: VERSIONS.to_vec(), weft: env!("CARGO_PKG_VERSION").to_owned() };
        let came = channel.say(&hello, PATIENCE).map_err(|why| why.to_string()).and_then(|()| read(&channel, PATIENCE));
        let channel = Some(channel);
        match came {
            Ok(estate) => {
                let told = (Told::by(estate.version, FOLLOWED), Told::by(estate.version, LANED));
                Predecessor::of(channel, estate, told)
            }
            Err(why) => give_up(channel.as_ref(), &why),
        }
    }

    /// Finds what was left to systemd, if anything was. Nobody finds it once more: where it cannot be used, guests have to come
    /// as after any restart.
    pub(super) fn left() -> Option<(Predecessor, Estate)> {
        let stored = Inherited::stored(STORED);
        let stored =
            stored.inspect_err(|why| tracing::warn!(%why, "systemd's descriptor store cannot be read")).ok()??;
        notify(&[NotifyState::FdStoreRemove, NotifyState::FdName(STORED)]);
        let stored = Channel::over(stored);
        match read(&stored, Duration::ZERO) {
            Ok(estate) => {
                // One that was left by an earlier weftd is followed by nothing.
                let rest = read_rest(&stored, Duration::ZERO).map_or(Told::Never, |rest| Told::Already(Box::new(rest)));
                let lanes = read_lanes(&stored, Duration::ZERO);
                let lanes = lanes.map_or(Told::Never, |lanes| Told::Already(Box::new(lanes)));
                stored.drain();
                Some(Predecessor::of(None, estate, (rest, lanes)))
            }
            Err(why) => {
                stored.drain();
                tracing::warn!(why, "what was left in systemd's descriptor store is of no use");
                None
            }
        }
    }

    fn of(
        channel: Option<Channel>,
        mut estate: Estate,
        (rest, lanes): (Told<Remainder>, Told<LanesLeft>),
    ) -> (Predecessor, Estate) {
        let learnt = std::mem::take(&mut estate.learnt);
        let owns_socket = estate.control.as_ref().is_some_and(|(_, ours)| *ours);
        // Where nobody is left who could go on, one that cannot is not everybody's end.
        let lenient = estate.lenient || channel.is_none();
        (Predecessor { channel, learnt, rest, lanes, at: estate.at, owns_socket, lenient }, estate)
    }

    /// What it tells last. It has let go of all else, so that nothing fails any more.
    fn rest(self) -> Option<Remainder> {
        match (self.rest, self.channel) {
            (Told::Already(rest), _) => Some(*rest),
            (Told::AtTheEnd, Some(channel)) => read_rest(&channel, REST_MAX)
                .inspect_err(|why| tracing::warn!(why, "what the weftd before has counted and learnt last is lost"))
                .ok(),
            _ => None,
        }
    }

    /// Another process acts still, and what it has stored is its own.
    pub(super) fn is_alive(&self) -> bool {
        self.channel.is_some()
    }

    /// Ends this process: the other goes on, or another is started.
    pub(super) fn fail(&self, why: &str) -> ! {
        give_up(self.channel.as_ref(), why)
    }

    fn say(&self, word: &Word) {
        let said = self.channel.as_ref().map_or(Ok(()), |channel| channel.say(word, PATIENCE));
        said.unwrap_or_else(|why| self.fail(&why.to_string()));
    }

    /// Waits until it has let go, and tells what its lanes have left.
    fn await_go(&mut self) -> LanesLeft {
        match self.channel.as_ref().map(|channel| channel.hear(PATIENCE)) {
            None | Some(Ok(Word::Go)) => {}
            other => self.fail(&format!("the weftd before has not let go: {other:?}")),
        }
        match (std::mem::replace(&mut self.lanes, Told::Never), &self.channel) {
            (Told::Already(lanes), _) => *lanes,
            (Told::AtTheEnd, Some(channel)) => {
                read_lanes(channel, PATIENCE).unwrap_or_else(|why| self.fail(&format!("its lanes: {why}")))
            }
            _ => LanesLeft::new(),
        }
    }
}

fn read(channel: &Channel, patience: Duration) -> Result<Estate, String> {
    let came = channel.hear(patience).and_then(|word| match word {
        Word::Estate => channel.take(patience),
        word => Err(std::io::Error::other(format!("{word:?}"))),
    });
    let (text, fds) = came.map_err(|why| format!("nothing was left to it: {why}"))?;
    from_text(&text, fds).map_err(|why| why.to_string())
}

fn read_rest(channel: &Channel, patience: Duration) -> Result<Remainder, String> {
    let came = channel.hear(patience).and_then(|word| match word {
        Word::Rest => channel.take(patience),
        word => Err(std::io::Error::other(format!("{word:?}"))),
    });
    let (text, _) = came.map_err(|why| why.to_string())?;
    rest_from_text(&text).map_err(|why| why.to_string())
}

fn give_up(channel: Option<&Channel>, why: &str) -> ! {
    tracing::error!(why, "this weftd does not take over");
    // Whoever does not hear it any more is none to be told.
    let _ = channel.map(|channel| channel.say(&Word::Failed(why.to_owned()), LOOK));
    exit(1)
}

impl Running {
    /// Goes on where the weftd before this one is. When this returns, that one is done.
    pub(super) fn succeed(&mut self, mut predecessor: Predecessor) {
        if let Some(port) = self.daemon.endpoints.unclaimed().filter(|_| !predecessor.lenient) {
            let advice = "has weftd read its configuration again (SIGHUP) since that was changed?";
            predecessor.fail(&format!("port {port} is not there any more; {advice}"));
        }
        let (now, learnt) = (clock(), &predecessor.learnt);
        let way = now.since_origin().saturating_sub(predecessor.at);
        self.daemon.control.succeed(learnt, way, now);
        self.adopt(&predecessor, &Adoption::Ready);
        predecessor.say(&Word::Ready);
        let lanes = predecessor.await_go();
        if let Err(taken) = self.daemon.origin.store.claim() {
            predecessor.fail(&taken.to_string());
        }
        self.daemon.endpoints.proceed(&mut self.events);
        self.adopt(&predecessor, &Adoption::Ready);
        if !lanes.is_empty() {
            predecessor.say(&Word::Lanes);
            self.daemon.adopt_lanes(&mut self.events, lanes);
        }
        self.daemon.endpoints.proceed(&mut self.events);
        self.adopt(&predecessor, &Adoption::Done);
        predecessor.say(&Word::Done);
        let owns_socket = predecessor.owns_socket;
        predecessor.rest().into_iter().for_each(|rest| self.daemon.take_rest(rest));
        self.daemon.endpoints.take_over(&mut self.events);
        self.take_socket(owns_socket);
        self.daemon.wake(&mut self.events);
    }

    /// Serves the control socket from here on.
    fn take_socket(&mut self, with_file: bool) {
        let mut server = self.server.borrow_mut();
        if with_file {
            server.take_over(&self.place);
        }
        if let Ok(mut ops) = self.events.event_ops(self.server_id) {
            server.tick(Instant::now(), &mut ops);
        }
    }

    /// Gives sessions that begin their turns until all have come so far.
    fn adopt(&mut self, predecessor: &Predecessor, wanted: &Adoption) {
        let until = Instant::now() + ADOPTION_MAX;
        loop {
            match self.daemon.endpoints.have_adopted(&mut self.events, wanted, predecessor.lenient) {
                Ok(true) => return,
                Ok(false) if Instant::now() < until => {}
                Ok(false) => predecessor.fail("its sessions did not get on in time"),
                Err(why) => predecessor.fail(&why),
            }
            if let Err(why) = self.events.run_with_timeout(LOOK.as_millis() as i32) {
                predecessor.fail(&why.to_string());
            }
        }
    }
}

impl Daemon {
    /// Keeps an action for later while this process is not the one that acts.
    pub(super) fn put_off(&mut self, action: Action) -> Option<Action> {
        match (&mut self.asleep, action) {
            (Some(later), action @ (Action::OpenSockets | Action::Lane(..) | Action::FollowVf(_))) => {
                later.push(action);
                None
            }
            (_, action) => Some(action),
        }
    }

    /// Goes on with what the weftd before has told last.
    fn take_rest(&mut self, Remainder { at, log, rest }: Remainder) {
        let now = clock();
        self.control.take_rest(rest, now.since_origin().saturating_sub(at), now);
        if let Some(Err(why)) = log.map(|log| self.logging.take_over(log, Instant::now())) {
            tracing::warn!(%why, "the log is not set as it was");
        }
    }

    /// All is this process's own now. What was put off comes next.
    fn wake(&mut self, events: &mut Loop) {
        for action in self.asleep.take().unwrap_or_default() {
            // Only endpoints can fail to open, and they were not put off.
            let _ = self.take(events, action);
        }
        // What nobody wants any more.
        self.lanes.left().clear();
        self.act(events);
        self.settle();
    }
}
