// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Live migration: a guest goes on under another QEMU, which waits for it, and this is what both say of it.
//!
//! The source copies memory while the guest runs, again and again what the guest, or whoever writes for it, has dirtied
//! meanwhile; then it stops the guest, sends the rest, and the destination lets it run. Source: QEMU
//! `docs/devel/migration/main.rst`, `qapi/migration.json`.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Guest, QMP_LIMIT, lock};
use crate::error::Error;
use crate::qmp::Qmp;

/// For a whole migration of a small guest over a Unix socket.
const MOVE_LIMIT: Duration = Duration::from_secs(60);

/// How hard the source tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long the guest may stand still at the end.
    pub downtime: Duration,
    /// Bytes a second; `None`: as fast as it goes.
    pub bandwidth: Option<u64>,
}

impl Default for Pace {
    /// QEMU's own 300 ms, and no limit.
    fn default() -> Pace {
        Pace { downtime: Duration::from_millis(300), bandwidth: None }
    }
}

/// How a migration ended, or how it stands (`MigrationStatus` of QEMU's monitor).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moving {
    /// The guest is at the destination.
    Completed,
    /// It was called off, and the guest is where it was.
    Cancelled,
    /// It failed, and the guest is where it was.
    Failed,
    /// Under way: `setup`, `wait-unplug`, `active`, `device`, …
    UnderWay(String),
}

/// A migration that is over, in QEMU's own figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// How long the guest stood still, by the source's account.
    pub downtime: Duration,
    /// From the order to the end.
    pub total: Duration,
    /// Bytes of memory that were sent.
    pub sent: u64,
    /// How often dirty pages were gathered.
    pub rounds: u64,
    /// Since 1970: the source stopped the guest,
    pub stopped: Duration,
    /// and the destination let it run.
    pub resumed: Duration,
}

impl Guest {
    /// Waits, as a guest that was started from [`GuestSpec::incoming`](crate::GuestSpec::incoming), for another to move in over
    /// this Unix socket. Returns as soon as QEMU listens.
    ///
    /// # Errors
    /// [`Error::Qmp`] with QEMU's words.
    pub fn await_move(&self, socket: &Path) -> Result<(), Error> {
        let mut qmp = self.qmp();
        qmp.migrate_set_capability("events", true)?;
        qmp.execute("migrate-incoming", &json!({ "uri": uri(socket) })).map(drop)
    }

    /// Whether the NICs are connected to their switches, as far as QEMU knows.
    ///
    /// # Errors
    /// [`Error::Qmp`]
    pub fn is_connected(&self) -> Result<bool, Error> {
        let devices = self.qmp().execute("query-chardev", &json!({}))?;
        let mut nics =
            devices.as_array().into_iter().flatten().filter(|device| text(device, "label").starts_with("char-"));
        Ok(nics.all(|device| !text(device, "filename").starts_with("disconnected")))
    }

    /// Begins to move the guest to who listens at this Unix socket. Returns as soon as QEMU has taken the order.
    ///
    /// # Errors
    /// [`Error::Qmp`] with QEMU's words: among others why a device of the guest cannot be migrated.
    pub fn start_move(&self, socket: &Path, pace: Pace) -> Result<(), Error> {
        let mut qmp = self.qmp();
        qmp.forget_events();
        qmp.migrate_set_capability("events", true)?;
        set_pace(&mut qmp, pace)?;
        qmp.execute("migrate", &json!({ "uri": uri(socket) })).map(drop)
    }

    /// Goes on with another pace.
    ///
    /// # Errors
    /// [`Error::Qmp`] with QEMU's words.
    pub fn change_pace(&self, pace: Pace) -> Result<(), Error> {
        set_pace(&mut self.qmp(), pace)
    }

    /// Calls a migration off; [`Guest::wait_move`] tells when that is done.
    ///
    /// # Errors
    /// [`Error::Qmp`] with QEMU's words.
    pub fn cancel_move(&self) -> Result<(), Error> {
        self.qmp().execute("migrate_cancel", &json!({})).map(drop)
    }

    /// How the migration stands.
    ///
    /// # Errors
    /// [`Error::Qmp`]
    pub fn moving(&self) -> Result<Moving, Error> {
        let answer = self.qmp().execute("query-migrate", &json!({}))?;
        Ok(Moving::of(text(&answer, "status")))
    }

    /// Waits until the migration has ended one way or another, and tells which.
    ///
    /// # Errors
    /// [`Error::Qmp`] when it does not end.
    pub fn wait_move(&self) -> Result<Moving, Error> {
        let limit = self.scaled(MOVE_LIMIT);
        let is_end = |data: &Value| !matches!(Moving::of(text(data, "status")), Moving::UnderWay(_));
        let event = self.qmp().wait_event_about("MIGRATION", limit, is_end)?;
        Ok(Moving::of(text(&event.data, "status")))
    }

    /// Moves the guest to `to`, which must be waiting at `socket`; from then on that is the guest, which takes commands and
    /// knows its jobs, and this one is an empty shell.
    ///
    /// # Errors
    /// [`Error::Qmp`] with QEMU's words when it cannot begin, or does not succeed; the guest is then where it was.
    pub fn move_to(&self, to: &Guest, socket: &Path, pace: Pace) -> Result<Moved, Error> {
        self.start_move(socket, pace)?;
        let ended = self.wait_move()?;
        if ended != Moving::Completed {
            let report = self.qmp().execute("query-migrate", &json!({}))?;
            let reason = format!("it ended as {ended:?}: {} {}", text(&report, "error-desc"), to.watch.stderr());
            return Err(Error::Qmp { command: "migrate".to_owned(), reason: reason.trim().to_owned() });
        }
        self.hand_over(to)
    }

    /// Waits until the guest, whose move from here has completed, runs there; as after [`Guest::move_to`] that one is the guest then.
    ///
    /// # Errors
    /// [`Error::Qmp`] when it does not run there.
    pub fn hand_over(&self, to: &Guest) -> Result<Moved, Error> {
        let report = self.qmp().execute("query-migrate", &json!({}))?;
        let stopped = self.qmp().wait_event("STOP", self.scaled(QMP_LIMIT))?;
        let resumed = to.take_over(self)?;
        Ok(Moved { stopped: stopped.at, resumed, ..Moved::of(&report) })
    }

    /// Goes on to talk with the guest, whose move from there has completed. Gives the time at which it ran here, since 1970.
    fn take_over(&self, from: &Guest) -> Result<Duration, Error> {
        let resumed = self.qmp().wait_event("RESUME", self.scaled(QMP_LIMIT))?;
        // The last that is said of this move, so that it is not taken for what is said of the next.
        self.wait_move()?;
        let next_id = lock(&from.terminal).next_id;
        let mut terminal = lock(&self.terminal);
        (terminal.is_ready, terminal.next_id) = (true, next_id);
        self.numbers.store(from.numbers.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok(resumed.at)
    }
}

fn set_pace(qmp: &mut Qmp, pace: Pace) -> Result<(), Error> {
    let downtime = u64::try_from(pace.downtime.as_millis()).unwrap_or(u64::MAX);
    // Zero means without limit.
    let bandwidth = pace.bandwidth.unwrap_or(0);
    let pace = json!({ "downtime-limit": downtime, "max-bandwidth": bandwidth });
    qmp.execute("migrate-set-parameters", &pace).map(drop)
}

impl Moving {
    fn of(status: &str) -> Moving {
        match status {
            "completed" => Moving::Completed,
            "cancelled" => Moving::Cancelled,
            "failed" => Moving::Failed,
            other => Moving::UnderWay(other.to_owned()),
        }
    }
}

impl Moved {
    fn of(report: &Value) -> Moved {
        let millis = |name| Duration::from_millis(report.get(name).and_then(Value::as_u64).unwrap_or(0));
        let of_ram = |name| report.get("ram").and_then(|ram| ram.get(name)).and_then(Value::as_u64).unwrap_or(0);
        Moved {
            downtime: millis("downtime"),
            total: millis("total-time"),
            sent: of_ram("transferred"),
            rounds: of_ram("dirty-sync-count"),
            ..Moved::default()
        }
    }
}

fn uri(socket: &Path) -> String {
    format!("unix:{}", socket.display())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_qemu_reports_is_read() {
        let ram = json!({ "transferred": 4096, "dirty-sync-count": 3 });
        let report = json!({ "status": "completed", "downtime": 12, "total-time": 345, "ram": ram });
        let millis = Duration::from_millis;
        let moved = Moved { downtime: millis(12), total: millis(345), sent: 4096, rounds: 3, ..Moved::default() };
        assert_eq!(Moved::of(&report), moved);
        assert_eq!(Moved::of(&json!({})), Moved::default());
        assert_eq!(Moving::of("wait-unplug"), Moving::UnderWay("wait-unplug".into()));
    }
}
