// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft-pvd-fetch`, the process that fetches Additional Information of PvDs.
//!
//! It is started when there is something to fetch, gets one order at a time, is ended when it has had none for a while, and
//! when it does not answer. Nothing here waits for it: its pipes do not block, and the loop wakes when it says something.
//! What it says is as hostile as what it fetches, should it have been taken over, so it is bounded and only ever a text.

use super::subscriber::{Loop, Subscriber};
use super::warnings::Warnings;
use crate::config::{FetchSettings, PvdFetch};
use crate::runtime::clock;
use event_manager::{SubscriberId, SubscriberOps};
use pvd::info::{Answer, OBJECT_MAX, Order, READY, State, Trouble};
use rustix::fs::OFlags;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use switch::{Control, Fetched};

/// The program, in the directory of weftd.
const PROGRAM: &str = "weft-pvd-fetch";

/// Bytes of a line of its: JSON makes six of one at worst.
const LINE_MAX: usize = 6 * OBJECT_MAX + 1024;

/// How long a process is kept that has nothing to do.
const IDLE: Duration = Duration::from_secs(60);

/// Beyond the time that a fetch may take: for its start, and for resolvers that do not answer.
const GRACE: Duration = Duration::from_secs(30);

/// How long after one that failed the next may be started: at first, and at most.
const REST: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// What it finds in its environment: resolvers that do not answer are not waited for as long as usual.
const ENVIRONMENT: (&str, &str) = ("RES_OPTIONS", "timeout:2 attempts:2");

/// See the module.
pub(super) struct Fetcher {
    how: FetchSettings,
    helper: Option<Helper>,
    /// Ended, and not yet waited for.
    dying: Vec<Child>,
    orders: u64,
    /// When the next may be started, and how long the one after a failure has to wait.
    start: Option<Instant>,
    rest: Duration,
}

/// A process that runs.
struct Helper {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    subscriber: SubscriberId,
    line: Vec<u8>,
    /// It has entered its sandbox.
    ready: bool,
    /// The order that it has not answered.
    order: Option<u64>,
    /// When it last got an order, or was started.
    since: Instant,
}

impl Fetcher {
    /// `None`: nothing is to be fetched.
    pub(super) fn new(settings: Option<&PvdFetch>) -> Option<Fetcher> {
        let Some(PvdFetch::On(how)) = settings else { return None };
        let how = (**how).clone();
        Some(Fetcher { how, helper: None, dying: Vec::new(), orders: 0, start: None, rest: REST.0 })
    }

    /// Hears what the process has said, if it has.
    pub(super) fn hear(&mut self, events: &mut Loop, control: &mut Control, warnings: &mut Warnings) {
        let Some(helper) = &mut self.helper else { return };
        let ended = helper.read();
        while let Some(line) = self.helper.as_mut().and_then(Helper::next_line) {
            if let Err(why) = self.take(&line, control, warnings) {
                return self.failed(events, control, warnings, why);
            }
        }
        let too_long = self.helper.as_ref().is_some_and(|helper| helper.line.len() > LINE_MAX);
        match ended {
            _ if too_long => self.failed(events, control, warnings, "it said too much"),
            Ok(true) => {}
            Ok(false) => self.failed(events, control, warnings, "it ended"),
            Err(_) => self.failed(events, control, warnings, "it cannot be heard"),
        }
    }

    /// What is due by time: orders, ends, and waiting for what has ended.
    pub(super) fn tick(&mut self, events: &mut Loop, control: &mut Control, warnings: &mut Warnings) {
        self.dying.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        let (wanted, now) = (control.follow_information(clock()), Instant::now());
        let patience = Duration::from_secs(self.how.timeout.unwrap_or(FetchSettings::TIMEOUT_DEFAULT).into()) + GRACE;
        let waits = |helper: &Helper, most: Duration| now.saturating_duration_since(helper.since) > most;
        match &self.helper {
            Some(helper) if helper.is_busy() && waits(helper, patience) => {
                self.failed(events, control, warnings, "it did not answer");
            }
            Some(helper) if helper.is_busy() => {}
            Some(_) if wanted => self.order(events, control, warnings),
            Some(helper) if waits(helper, IDLE) => self.end(events),
            None if wanted && self.start.is_none_or(|at| at <= now) => {
                if let Err(why) = self.spawn(events) {
                    self.put_off(warnings, &why.to_string());
                }
            }
            _ => {}
        }
    }

    /// Ends the process, if there is one.
    pub(super) fn end(&mut self, events: &mut Loop) {
        if let Some(Helper { mut child, subscriber, .. }) = self.helper.take() {
            // Each fails only for what is gone already.
            drop(events.remove_subscriber(subscriber));
            drop(child.kill());
            if matches!(child.try_wait(), Ok(None)) {
                self.dying.push(child);
            }
        }
    }

    fn order(&mut self, events: &mut Loop, control: &mut Control, warnings: &mut Warnings) {
        let (Some(helper), Some(host)) = (&mut self.helper, control.next_fetch(clock())) else { return };
        self.orders += 1;
        tracing::debug!(host, "Additional Information is being fetched");
        let order = Order { id: self.orders, host };
        let text = serde_json::to_string(&order).map(|text| text + "\n");
        // It is shorter than what a pipe takes whole.
        let written = text.map_err(io::Error::from).and_then(|text| helper.input.write_all(text.as_bytes()));
        if written.is_ok() {
            (helper.order, helper.since) = (Some(order.id), Instant::now());
        } else {
            control.not_fetched(clock());
            self.failed(events, control, warnings, "it takes no orders");
        }
    }

    /// Takes in a line.
    ///
    /// # Errors
    /// It is none that can be said now.
    fn take(&mut self, line: &[u8], control: &mut Control, warnings: &mut Warnings) -> Result<(), &'static str> {
        let Some(helper) = &mut self.helper else { return Ok(()) };
        if !helper.ready {
            helper.ready = line == READY.as_bytes();
            return if helper.ready { Ok(()) } else { Err("it is no weft-pvd-fetch") };
        }
        let answer: Answer = serde_json::from_slice(line).map_err(|_| "it said what is no answer")?;
        if helper.order != Some(answer.id) {
            return Err("it said what it was not asked");
        }
        helper.order = None;
        (self.rest, warnings.fetching) = (REST.0, None);
        answered(control, answer.result.as_deref().map_err(|why| *why));
        Ok(())
    }

    /// The process is of no use any more. What it was fetching has failed.
    fn failed(&mut self, events: &mut Loop, control: &mut Control, warnings: &mut Warnings, why: &str) {
        let was_fetching = self.helper.as_ref().is_some_and(|helper| helper.order.is_some());
        self.end(events);
        self.put_off(warnings, why);
        if was_fetching {
            answered(control, Err(Trouble::Died));
        }
    }

    fn put_off(&mut self, warnings: &mut Warnings, why: &str) {
        let rest = self.rest;
        tracing::warn!("{PROGRAM}: {why}; it is started again in {} s at the earliest", rest.as_secs());
        warnings.fetching = Some(format!("{PROGRAM}, which fetches Additional Information of PvDs, failed: {why}"));
        self.start = Some(Instant::now() + rest);
        self.rest = (2 * rest).min(REST.1);
    }

    fn spawn(&mut self, events: &mut Loop) -> io::Result<()> {
        let beside = || Some(std::env::current_exe().ok()?.parent()?.join(PROGRAM));
        let program = self.how.program.clone().or_else(beside).unwrap_or_else(|| PathBuf::from(PROGRAM));
        let mut command = Command::new(&program);
        command.args(self.how.arguments()).env_clear().env(ENVIRONMENT.0, ENVIRONMENT.1).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let named = |why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", program.display()));
        let mut child = command.spawn().map_err(named)?;
        let (input, output) = match pipes(&mut child) {
            Ok(pipes) => pipes,
            Err(why) => {
                // It ends when its input does; until then somebody has to wait for it.
                self.dying.push(child);
                return Err(why);
            }
        };
        let subscriber = events.add_subscriber(Subscriber::Wake(output.as_raw_fd()));
        let (line, since) = (Vec::new(), Instant::now());
        self.helper = Some(Helper { child, input, output, subscriber, line, ready: false, order: None, since });
        Ok(())
    }
}

impl Helper {
    /// It enters its sandbox, or has an order.
    fn is_busy(&self) -> bool {
        !self.ready || self.order.is_some()
    }

    /// Reads what has come, and not much more than one line. False: nothing will come any more.
    fn read(&mut self) -> io::Result<bool> {
        let mut octets = [0; 16 << 10];
        while self.line.len() <= LINE_MAX {
            match self.output.read(&mut octets) {
                Ok(0) => return Ok(false),
                Ok(read) => self.line.extend_from_slice(&octets[..read]),
                Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
        Ok(true)
    }

    /// A line without its end, if one has come whole.
    fn next_line(&mut self) -> Option<Vec<u8>> {
        let end = self.line.iter().position(|octet| *octet == b'\n')?;
        let mut line: Vec<u8> = self.line.drain(..=end).collect();
        line.pop();
        Some(line)
    }
}

/// A process's input and output, neither of which anybody waits for.
fn pipes(child: &mut Child) -> io::Result<(ChildStdin, ChildStdout)> {
    let missing = || io::Error::other("it has no pipes");
    let input = child.stdin.take().ok_or_else(missing)?;
    let output = child.stdout.take().ok_or_else(missing)?;
    for pipe in [input.as_fd(), output.as_fd()] {
        rustix::fs::fcntl_setfl(pipe, OFlags::NONBLOCK)?;
    }
    Ok((input, output))
}

fn answered(control: &mut Control, body: Result<&str, Trouble>) {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let Some(Fetched { namespace, name, state }) = control.fetched(body, clock(), wall) else { return };
    match state {
        State::Failed(why) => tracing::info!(%namespace, pvd = %name, why = %why, "no Additional Information"),
        _ => tracing::info!(%namespace, pvd = %name, "Additional Information was fetched"),
    }
}
