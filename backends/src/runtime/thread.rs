// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The loop of one worker thread.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};

use dataplane::{Emission, Instant, Port, Source, SourceId, Worker};
use vmm_sys_util::eventfd::EventFd;

use super::clock::TurnClock;
use super::gauges::Gauges;
use super::listener::Bell;
use super::patience::{Patience, PollMode};
use super::sleeper::{GLANCE_MS, HEARTBEAT_MS, Sleeper};

/// What a worker is told between two bursts.
pub(super) enum Command {
    /// Poll this source from now on. The answer says that it is polled.
    Attach(SourceId, Box<Source>, SyncSender<()>),
    /// Stop polling it and give it back.
    Detach(SourceId, SyncSender<Option<Box<Source>>>),
    /// Deliver what control has to say, a few frames.
    Emit(Vec<Emission>),
    /// Deliver what has waited for the guest of a port, or see to it that another worker may.
    Release(Releasing),
}

/// Turns after which a worker has looked at all that a guest had sent before the first: as many as its longest rings have bursts.
const TURNS: u32 = 512;

/// What has waited for the guest of a port is to be delivered. Before that all workers look once at what guests have sent: it says
/// what this one has heard already.
pub(super) struct Releasing {
    pub(super) port: Arc<Port>,
    /// Each worker has one until it has looked.
    pub(super) looks: Arc<()>,
    /// It is this worker that delivers.
    pub(super) delivers: bool,
    /// Turns made since it was told.
    pub(super) turns: u32,
}

impl Releasing {
    /// After a turn, in which there were frames or not. True: this is done.
    fn go_on(&mut self, was_busy: bool, now: Instant) -> bool {
        self.turns = self.turns.saturating_add(1);
        let looks_on = was_busy && self.turns < TURNS;
        !looks_on && (!self.delivers || (Arc::get_mut(&mut self.looks).is_some() && self.port.release(now)))
    }
}

/// How a worker is woken, and wakes.
pub(super) struct Bells {
    /// Rung by those who command it.
    pub(super) own: EventFd,
    /// Rung for what it hands to control.
    pub(super) control: Arc<Bell>,
}

/// All that the thread owns.
pub(super) struct WorkerThread {
    worker: Worker,
    clock: TurnClock,
    patience: Patience,
    commands: Receiver<Command>,
    sleeper: Sleeper,
    /// Sources that cannot wake us: their guests give no kick. While there is one, we do not sleep.
    kickless: BTreeSet<SourceId>,
    gauges: Arc<Gauges>,
    control: Arc<Bell>,
    /// Ports for whose guests frames still wait, because their rings were full or other workers have not looked yet.
    releasing: Vec<Releasing>,
    /// Commands may be left that nothing rings for any more.
    owes: bool,
}

impl WorkerThread {
    /// The thread of `worker`.
    pub(super) fn new(
        worker: Worker,
        mode: PollMode,
        commands: Receiver<Command>,
        bells: Bells,
        gauges: Arc<Gauges>,
    ) -> io::Result<Self> {
        let clock = TurnClock::start();
        let patience = Patience::new(mode, clock.now());
        let (sleeper, kickless) = (Sleeper::new(bells.own)?, BTreeSet::new());
        let (control, releasing, owes) = (bells.control, Vec::new(), false);
        Ok(Self { worker, clock, patience, commands, sleeper, kickless, gauges, control, releasing, owes })
    }

    /// Runs until the last sender of commands is gone.
    pub(super) fn run(mut self) {
        if let Err(error) = self.gauges.pulse.begin() {
            tracing::warn!(%error, "a doorbell that blocks would stop this worker");
        }
        while self.obey() {
            self.gauges.pulse.beat();
            let was_busy = self.poll();
            self.release(was_busy);
            if was_busy || self.owes {
                continue;
            }
            let now = self.clock.now();
            if self.kickless.is_empty() && self.patience.is_over(now) {
                self.sleep();
            } else if !self.let_control_answer() {
                std::hint::spin_loop();
            }
        }
    }

    /// Control may have no other CPU to answer on. False: it is not about to.
    fn let_control_answer(&self) -> bool {
        let awaits = self.patience.awaits(self.clock.now());
        if awaits {
            std::thread::yield_now();
        }
        awaits
    }

    /// A turn over all sources. True: there were frames.
    fn poll(&mut self) -> bool {
        let taken = self.worker.poll(self.clock.now());
        let spent = self.clock.turn();
        if taken > 0 {
            self.patience.worked(self.clock.now());
            self.gauges.worked(&self.worker, spent);
        }
        if self.worker.take_news() {
            self.control.ring();
            self.patience.asked(self.clock.now());
        }
        taken > 0
    }

    /// Applies what has been commanded. False: nobody is left to command.
    fn obey(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Attach(id, source, done)) => {
                    self.attach(id, *source);
                    // Who asked may have given up waiting; the source is ours all the same.
                    let _ = done.try_send(());
                }
                Ok(Command::Detach(id, reply)) => {
                    let _ = reply.try_send(self.detach(id));
                }
                Ok(Command::Emit(emissions)) => {
                    // A port that cannot take one counts that. More of them wait for the next turn: guests' frames come first.
                    emissions.iter().for_each(|Emission { port, frame }| _ = port.emit(frame, self.clock.now()));
                    self.patience.answered();
                    self.owes = true;
                    return true;
                }
                Ok(Command::Release(releasing)) => self.releasing.push(releasing),
                Err(TryRecvError::Empty) => {
                    self.owes = false;
                    return true;
                }
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// After a turn, delivers what has waited, as far as there is room for it.
    fn release(&mut self, was_busy: bool) {
        let now = self.clock.now();
        self.releasing.retain_mut(|releasing| !releasing.go_on(was_busy, now));
    }

    fn attach(&mut self, id: SourceId, source: Source) {
        let watched = source.kick().map(|kick| self.sleeper.watch(id, kick));
        if !matches!(watched, Some(Ok(()))) {
            self.kickless.insert(id);
        }
        self.worker.attach(id, source);
    }

    fn detach(&mut self, id: SourceId) -> Option<Box<Source>> {
        let source = self.worker.detach(id)?;
        self.kickless.remove(&id);
        if let Some(kick) = source.kick() {
            self.sleeper.forget(kick);
        }
        Some(Box::new(source))
    }

    fn sleep(&mut self) {
        if !self.worker.arm() {
            let most = if self.releasing.is_empty() { HEARTBEAT_MS } else { GLANCE_MS };
            self.gauges.pulse.rest(|| self.sleeper.sleep(most));
            self.gauges.woke();
            self.clock.turn();
            self.patience.woke(self.clock.now());
            // Frames first: nobody waits for a doorbell to be cleared.
            self.poll();
            self.let_control_answer();
            for id in self.sleeper.kicked() {
                self.worker.drain_kick(id);
                self.worker.dead_kick(id).into_iter().for_each(|kick| self.sleeper.forget(kick));
            }
        }
        self.worker.disarm();
    }
}
