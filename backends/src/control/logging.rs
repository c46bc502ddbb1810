// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The log: lines on standard error, through a filter that can be changed while the daemon runs, for good or for a
//! while. Nothing on the frame path logs. What a guest or a client had a hand in is logged in quotes, escaped.

use super::guard_log::GuardLog;
use super::router_log::RouterLog;
use super::trouble_log::TroubleLog;
use crate::log_filter;
use crate::upgrade::LogLeft;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// What is logged when nobody says otherwise.
pub(super) const LOG_DEFAULT: &str = "info";

/// A text that is not a log filter.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a log filter (expected a level such as info, or module=level pairs)")]
pub struct BadFilter(pub String);

/// The log filter, and who tells of what is counted elsewhere.
pub(super) struct Logging {
    pub(super) guard: GuardLog,
    pub(super) routers: RouterLog,
    pub(super) sockets: TroubleLog,
    pub(super) lanes: TroubleLog,
    handle: reload::Handle<EnvFilter, Registry>,
    /// The filter that this process was started with.
    started: String,
    current: String,
    /// When which filter comes back.
    back: Option<(Instant, String)>,
}

impl Logging {
    /// Starts logging; once in a process. A second call changes nothing but what it returns, and what it returns has no
    /// effect (tests run several daemons in one process).
    ///
    /// # Errors
    /// The filter makes no sense.
    pub(super) fn start(filter: &str) -> Result<Logging, BadFilter> {
        let (layer, handle) = reload::Layer::new(parse(filter)?);
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colour);
        // The journal has times of its own.
        let lines = if is_journal(std::io::stderr()) { lines.without_time().boxed() } else { lines.boxed() };
        let _ = tracing_subscriber::registry().with(layer).with(lines).try_init();
        Ok(Logging {
            guard: GuardLog::default(),
            routers: RouterLog::default(),
            sockets: TroubleLog::default(),
            lanes: TroubleLog::default(),
            handle,
            started: filter.to_owned(),
            current: filter.to_owned(),
            back: None,
        })
    }

    /// Changes the filter and returns the one before. After `span`, if given, the one that stood when the first of such
    /// changes was made comes back.
    ///
    /// # Errors
    /// The filter makes no sense; the one before stays.
    pub(super) fn set(&mut self, filter: &str, span: Option<Duration>, now: Instant) -> Result<String, BadFilter> {
        let parsed = parse(filter)?;
        let base = self.back.take().map_or_else(|| self.current.clone(), |(_, base)| base);
        // A span that no clock can express is for good.
        self.back = span.and_then(|span| now.checked_add(span)).map(|until| (until, base));
        Ok(self.put(parsed, filter))
    }

    /// How it was set since the start, for a process that takes the place of this one. `None`: it was not.
    pub(super) fn left(&self, now: Instant) -> Option<LogLeft> {
        let back = self.back.as_ref().map(|(until, base)| (until.saturating_duration_since(now), base.clone()));
        let is_set = self.current != self.started || back.is_some();
        is_set.then(|| LogLeft { filter: self.current.clone(), back })
    }

    /// Goes on with how it was set in another process.
    ///
    /// # Errors
    /// A filter makes no sense.
    pub(super) fn take_over(&mut self, left: LogLeft, now: Instant) -> Result<(), BadFilter> {
        if let Some((_, base)) = &left.back {
            self.set(base, None, now)?;
        }
        self.set(&left.filter, left.back.map(|(span, _)| span), now).map(drop)
    }

    /// Brings a filter back whose time has come.
    pub(super) fn tick(&mut self, now: Instant) {
        let due = self.back.take_if(|(until, _)| *until <= now);
        if let Some((filter, parsed)) = due.and_then(|(_, filter)| parse(&filter).ok().map(|parsed| (filter, parsed))) {
            self.put(parsed, &filter);
            tracing::info!(filter, "the log filter is what it was before");
        }
    }

    fn put(&mut self, parsed: EnvFilter, text: &str) -> String {
        // Fails only when the log is gone, and then nobody misses it.
        let _ = self.handle.reload(parsed);
        std::mem::replace(&mut self.current, text.to_owned())
    }
}

fn parse(filter: &str) -> Result<EnvFilter, BadFilter> {
    log_filter::parse(filter).ok_or_else(|| BadFilter(filter.to_owned()))
}

/// Whether what is written there goes to systemd's journal (systemd.exec(5), `$JOURNAL_STREAM`).
fn is_journal(stream: impl AsFd) -> bool {
    let said = std::env::var("JOURNAL_STREAM");
    let place = rustix::fs::fstat(stream).map(|stat| format!("{}:{}", stat.st_dev, stat.st_ino));
    said.is_ok_and(|said| place.is_ok_and(|place| place == said))
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_filter_for_a_while_gives_way_to_the_one_before_all_of_them() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut log = Logging::start("info").unwrap();
        assert_eq!(log.set("debug", Some(60 * second), start).unwrap(), "info");
        assert_eq!(log.set("trace", Some(10 * second), start).unwrap(), "debug");
        log.tick(start + 9 * second);
        assert_eq!(log.current, "trace");
        log.tick(start + 10 * second);
        assert_eq!(log.current, "info");
        log.set("warn", None, start).unwrap();
        log.tick(start + 1000 * second);
        assert_eq!(log.current, "warn");
    }

    #[test]
    fn test_a_filter_that_was_set_is_left_to_another_process_and_so_is_when_it_ends() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let (mut log, mut next) = (Logging::start("info").unwrap(), Logging::start("info").unwrap());
        assert_eq!(log.left(start), None);
        log.set("warn", None, start).unwrap();
        log.set("debug", Some(60 * second), start).unwrap();
        next.take_over(log.left(start + 20 * second).unwrap(), start).unwrap();
        next.tick(start + 39 * second);
        assert_eq!(next.current, "debug");
        next.tick(start + 40 * second);
        assert_eq!(next.current, "warn");
        let bad = LogLeft { filter: "backends=loud".to_owned(), back: None };
        assert!(next.take_over(bad, start).is_err() && next.current == "warn");
    }

    #[test]
    fn test_a_filter_that_makes_no_sense_changes_nothing() {
        let mut log = Logging::start("info").unwrap();
        let error = log.set("backends=loud", None, Instant::now()).unwrap_err();
        assert!(error.to_string().starts_with("\"backends=loud\" is not a log filter"), "{error}");
        assert_eq!(log.current, "info");
    }
}
