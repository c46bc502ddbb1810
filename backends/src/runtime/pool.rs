// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The worker threads as a pool that sources are given to and taken back from.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use dataplane::{Emission, Port, PortTag, Snoops, Source, SourceId, Worker};
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};

use super::cpus::Cpus;
use super::gauges::{Gauges, Work};
use super::listener::{Bell, Landings, Listener};
use super::patience::PollMode;
use super::thread::{Bells, Command, Releasing, WorkerThread};
use super::watchdog::Watchdog;

/// Commands that may wait for one worker; more make their senders wait.
const MAILBOX: usize = 64;

/// Frames of control's that a worker delivers before its guests have their turn again.
const EMITTED_AT_ONCE: usize = 64;

/// How one worker is to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkerSpec {
    /// When it polls.
    pub poll: PollMode,
    /// Where it may run; `None`: where the kernel likes.
    pub pin: Option<Cpus>,
}

/// How one worker runs, and what it has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerStats {
    /// As it was told.
    pub spec: WorkerSpec,
    /// Source queues that it owns.
    pub sources: usize,
    /// All that it did since it started.
    pub work: Work,
}

/// The threads; they end when it is dropped.
pub(super) struct Pool {
    members: Vec<Member>,
    next_id: AtomicU64,
    landings: Arc<Landings>,
    _watchdog: Watchdog,
}

struct Member {
    spec: WorkerSpec,
    /// Taken when the pool ends, which ends the thread.
    commands: Option<SyncSender<Command>>,
    doorbell: EventFd,
    gauges: Arc<Gauges>,
    sources: AtomicUsize,
    thread: Option<JoinHandle<()>>,
}

/// A source that a worker owns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    member: usize,
    id: SourceId,
}

impl Pool {
    /// Starts one thread for each of `specs`.
    pub(super) fn start(specs: &[WorkerSpec]) -> io::Result<(Self, Listener)> {
        let bell = Arc::new(Bell::new()?);
        let started = specs.iter().enumerate().map(|(index, spec)| Member::start(index, spec.clone(), &bell));
        let (members, snoops): (Vec<_>, _) = started.collect::<io::Result<Vec<_>>>()?.into_iter().unzip();
        let watchdog = Watchdog::start(members.iter().map(|member| Arc::clone(&member.gauges.pulse)).collect())?;
        let landings = Landings::new(&bell);
        let listener = Listener::new(bell, Arc::clone(&landings), snoops);
        Ok((Self { members, next_id: AtomicU64::new(0), landings, _watchdog: watchdog }, listener))
    }

    /// Tells control that the guest of a port has landed.
    pub(super) fn tell_landed(&self, port: PortTag) {
        self.landings.tell(port);
    }

    /// Tells control that a guest which is to leave has stopped, or goes on.
    pub(super) fn tell_departure(&self) {
        self.landings.tell_departure();
    }

    /// What each worker has done.
    pub(super) fn stats(&self) -> Vec<WorkerStats> {
        self.members.iter().map(Member::stats).collect()
    }

    /// Whether all have made a turn since they were where `seen` says, or sleep.
    pub(super) fn are_alive(&self, seen: &mut Vec<u64>) -> bool {
        seen.resize(self.members.len(), u64::MAX);
        // Each is looked at, whatever the others do.
        let members = self.members.iter().zip(seen);
        members.fold(true, |alive, (member, seen)| member.gauges.pulse.is_alive(seen) & alive)
    }

    /// Gives a source to the worker that owns fewest. Returns when it is polled.
    pub(super) fn attach(&self, source: Source) -> Place {
        let load = |index: &usize| self.members[*index].sources.load(Ordering::Relaxed);
        let member = (0..self.members.len()).min_by_key(load).unwrap_or(0);
        let id = SourceId(self.next_id.fetch_add(1, Ordering::Relaxed));
        self.members[member].sources.fetch_add(1, Ordering::Relaxed);
        let (done, wait) = sync_channel(1);
        self.members[member].command(Command::Attach(id, Box::new(source), done));
        // An error means that the worker is gone, and a worker that panics takes the process with it.
        let _ = wait.recv();
        Place { member, id }
    }

    /// Takes a source back. Returns when its worker has finished the burst that it may be in.
    pub(super) fn detach(&self, place: Place) -> Option<Box<Source>> {
        let (reply, wait) = sync_channel(1);
        self.members[place.member].command(Command::Detach(place.id, reply));
        let source = wait.recv().ok().flatten()?;
        self.members[place.member].sources.fetch_sub(1, Ordering::Relaxed);
        Some(source)
    }

    /// Lets workers deliver frames: those of one port always the same worker, so that they stay in order. Never waits: what a
    /// worker has no room for is lost.
    pub(super) fn emit(&self, emissions: Vec<Emission>) {
        let mut parts: Vec<Vec<Emission>> = self.members.iter().map(|_| Vec::new()).collect();
        for emission in emissions {
            let worker = usize::from(emission.port.slot().0) % parts.len();
            parts[worker].push(emission);
        }
        for (member, part) in self.members.iter().zip(parts) {
            let mut part = part.into_iter().peekable();
            while part.peek().is_some() {
                member.try_emit(part.by_ref().take(EMITTED_AT_ONCE).collect());
            }
        }
    }

    /// Has the worker that emits to it deliver what has waited for a port's guest, once all have looked at what guests have sent.
    pub(super) fn release(&self, port: &Arc<Port>) {
        self.releases(port).for_each(|(member, releasing)| member.command(Command::Release(releasing)));
    }

    /// The same, if the workers have room for being told.
    pub(super) fn try_release(&self, port: &Arc<Port>) {
        for (member, releasing) in self.releases(port) {
            if let Some(commands) = &member.commands {
                let _ = commands.try_send(Command::Release(releasing));
                // A full doorbell is rung already.
                let _ = member.doorbell.write(1);
            }
        }
    }

    /// What each worker is told.
    fn releases<'a>(&'a self, port: &'a Arc<Port>) -> impl Iterator<Item = (&'a Member, Releasing)> {
        let (looks, delivers) = (Arc::new(()), usize::from(port.slot().0) % self.members.len());
        self.members.iter().enumerate().map(move |(index, member)| {
            let (port, looks) = (Arc::clone(port), Arc::clone(&looks));
            (member, Releasing { port, looks, delivers: index == delivers, turns: 0 })
        })
    }
}

impl Member {
    /// Returns when the thread runs where it is to run.
    fn start(index: usize, spec: WorkerSpec, bell: &Arc<Bell>) -> io::Result<(Self, Snoops)> {
        let doorbell = EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)?;
        let (commands, mailbox) = sync_channel(MAILBOX);
        let gauges = Arc::new(Gauges::new());
        let mut worker = Worker::new();
        let snoops = worker.listen();
        let bells = Bells { own: doorbell.try_clone()?, control: Arc::clone(bell) };
        let worker = WorkerThread::new(worker, spec.poll, mailbox, bells, Arc::clone(&gauges))?;
        let (tell, pinned) = sync_channel(1);
        let pin = spec.pin.clone();
        let thread = thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
            // Nobody commands a worker that could not be pinned, and so it ends.
            let _ = tell.send(pin.map_or(Ok(()), |cpus| cpus.pin()));
            run_or_abort(worker);
        })?;
        pinned.recv().unwrap_or(Ok(()))?;
        let sources = AtomicUsize::new(0);
        Ok((Self { spec, commands: Some(commands), doorbell, gauges, sources, thread: Some(thread) }, snoops))
    }

    fn command(&self, command: Command) {
        if let Some(commands) = &self.commands {
            let _ = commands.send(command);
            // A full doorbell is rung already.
            let _ = self.doorbell.write(1);
        }
    }

    fn try_emit(&self, emissions: Vec<Emission>) {
        let Some(commands) = &self.commands else { return };
        if let Err(TrySendError::Full(Command::Emit(lost))) = commands.try_send(Command::Emit(emissions)) {
            lost.iter().for_each(|emission| emission.port.lose_emission());
        }
        // A full doorbell is rung already.
        let _ = self.doorbell.write(1);
    }

    fn stats(&self) -> WorkerStats {
        let sources = self.sources.load(Ordering::Relaxed);
        WorkerStats { spec: self.spec.clone(), sources, work: self.gauges.work() }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.doorbell.write(1);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A worker without its thread would be a switch that forwards nothing and looks alive. Better to end, and be started
/// again: guests reconnect by themselves.
fn run_or_abort(worker: WorkerThread) {
    if catch_unwind(AssertUnwindSafe(|| worker.run())).is_err() {
        tracing::error!("a worker panicked; weftd ends so that it can be started anew");
        std::process::abort();
    }
}

#[cfg(test)]
mod tests;
