// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The loop of one worker thread.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::Duration;

use dataplane::{Instant, Source, SourceId, Worker};
use vmm_sys_util::eventfd::EventFd;

use super::clock;
use super::sleeper::Sleeper;
use super::watchdog::Pulse;

/// How long an adaptive worker goes on polling after the last frame: longer than the gap between two bursts of a guest
/// that is busy, shorter than anyone would notice on an idle machine.
const LINGER: Duration = Duration::from_micros(50);

/// When a worker polls and when it sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PollMode {
    /// Polls under load and for a moment after, else sleeps.
    #[default]
    Adaptive,
    /// Never sleeps: lowest latency, one core always busy.
    Always,
    /// Sleeps as soon as there is nothing to do: least CPU.
    Never,
}

/// What a worker is told between two bursts.
pub(super) enum Command {
    /// Poll this source from now on. The answer says that it is polled.
    Attach(SourceId, Box<Source>, SyncSender<()>),
    /// Stop polling it and give it back.
    Detach(SourceId, SyncSender<Option<Box<Source>>>),
}

/// What a worker thread shows of itself.
#[derive(Default)]
pub(super) struct Gauges {
    pub(super) busy_nanos: AtomicU64,
    pub(super) frames: AtomicU64,
    pub(super) wakeups: AtomicU64,
    pub(super) pulse: Arc<Pulse>,
}

/// All that the thread owns.
pub(super) struct WorkerThread {
    worker: Worker,
    mode: PollMode,
    commands: Receiver<Command>,
    doorbell: EventFd,
    sleeper: Sleeper,
    /// Sources that cannot wake us: their guests give no kick. While there is one, we do not sleep.
    kickless: BTreeSet<SourceId>,
    gauges: Arc<Gauges>,
}

impl WorkerThread {
    pub(super) fn new(
        mode: PollMode,
        commands: Receiver<Command>,
        doorbell: EventFd,
        gauges: Arc<Gauges>,
    ) -> io::Result<Self> {
        let sleeper = Sleeper::new(&doorbell)?;
        let kickless = BTreeSet::new();
        Ok(Self { worker: Worker::new(), mode, commands, doorbell, sleeper, kickless, gauges })
    }

    /// Runs until the last sender of commands is gone.
    pub(super) fn run(mut self) {
        if let Err(error) = self.gauges.pulse.begin() {
            tracing::warn!(%error, "a doorbell that blocks would stop this worker");
        }
        let mut now = clock();
        let mut last_work = now;
        while self.obey() {
            self.gauges.pulse.beat();
            let taken = self.worker.poll(now);
            let then = std::mem::replace(&mut now, clock());
            if taken > 0 {
                last_work = now;
                self.account(taken, now.since(then));
            } else if self.may_sleep(now, last_work) {
                self.sleep();
                now = clock();
            } else {
                std::hint::spin_loop();
            }
        }
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
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn attach(&mut self, id: SourceId, source: Source) {
        let watched = source.ring().kick().map(|kick| self.sleeper.watch(id, kick));
        if !matches!(watched, Some(Ok(()))) {
            self.kickless.insert(id);
        }
        self.worker.attach(id, source);
    }

    fn detach(&mut self, id: SourceId) -> Option<Box<Source>> {
        let source = self.worker.detach(id)?;
        self.kickless.remove(&id);
        if let Some(kick) = source.ring().kick() {
            self.sleeper.forget(kick);
        }
        Some(Box::new(source))
    }

    fn may_sleep(&self, now: Instant, last_work: Instant) -> bool {
        match self.mode {
            _ if !self.kickless.is_empty() => false,
            PollMode::Always => false,
            PollMode::Never => true,
            PollMode::Adaptive => now.since(last_work) > LINGER,
        }
    }

    fn sleep(&mut self) {
        if !self.worker.arm() {
            for id in self.gauges.pulse.rest(|| self.sleeper.sleep()) {
                self.worker.drain_kick(id);
            }
            self.gauges.wakeups.fetch_add(1, Ordering::Relaxed);
            // Level-triggered: an unread doorbell would wake us for ever.
            let _ = self.doorbell.read();
        }
        self.worker.disarm();
    }

    fn account(&self, taken: usize, busy: Duration) {
        self.gauges.frames.fetch_add(taken as u64, Ordering::Relaxed);
        self.gauges.busy_nanos.fetch_add(busy.as_nanos() as u64, Ordering::Relaxed);
    }
}
