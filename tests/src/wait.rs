// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Waiting on a condition, with a deadline and a failure text that says what never came.
//!
//! Tests never sleep to give something time: they state what must become true. The deadline is generous because
//! machines are slow; it is a bound on a failing test, never a measurement.
use std::thread;
use std::time::{Duration, Instant};

/// The usual bound on one wait. Long enough for a loaded machine with two cores.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How soon a condition is looked at again: at first at once, then less and less often, for looking takes processor time
/// from those who are waited for.
const INTERVAL_MIN: Duration = Duration::from_millis(1);
const INTERVAL_MAX: Duration = Duration::from_millis(30);

/// Pauses between looks, each a little longer than the one before.
struct Pauses(Duration);

impl Pauses {
    fn pause(&mut self, deadline: Deadline) {
        thread::sleep(self.0.min(deadline.left()));
        self.0 = (self.0 * 5 / 4).min(INTERVAL_MAX);
    }
}

/// A point in time after which a test gives up.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline `after` from now.
    pub fn after(after: Duration) -> Deadline {
        Deadline(Instant::now() + after)
    }

    /// The usual deadline, [`PATIENCE`] from now.
    pub fn patient() -> Deadline {
        Deadline::after(PATIENCE)
    }

    /// What is left, zero when it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// True once it has passed.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }
}

/// Waits until `probe` gives a value.
///
/// # Panics
/// When `deadline` passes first; `what` completes the sentence "waited in vain for ...".
pub fn for_value<T>(what: &str, deadline: Deadline, mut probe: impl FnMut() -> Option<T>) -> T {
    let mut pauses = Pauses(INTERVAL_MIN);
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(!deadline.passed(), "waited in vain for {what}");
        pauses.pause(deadline);
    }
}

/// Waits until `probe` is true. Panics as [`for_value`] does.
pub fn until(what: &str, deadline: Deadline, mut probe: impl FnMut() -> bool) {
    for_value(what, deadline, || probe().then_some(()));
}

/// Waits until `probe` succeeds.
///
/// # Panics
/// When `deadline` passes first, with the last error that `probe` gave: use it where the reason matters.
pub fn for_ok<T, E: std::fmt::Display>(what: &str, deadline: Deadline, mut probe: impl FnMut() -> Result<T, E>) -> T {
    let mut pauses = Pauses(INTERVAL_MIN);
    loop {
        match probe() {
            Ok(value) => return value,
            Err(error) => assert!(!deadline.passed(), "waited in vain for {what}: {error}"),
        }
        pauses.pause(deadline);
    }
}

#[cfg(test)]
mod tests {
    use super::{Deadline, for_ok, until};
    use std::time::Duration;

    #[test]
    fn a_condition_that_becomes_true_ends_the_wait() {
        let mut looks = 0;
        until("the third look", Deadline::patient(), || {
            looks += 1;
            looks == 3
        });
        assert_eq!(looks, 3);
    }

    #[test]
    #[should_panic(expected = "waited in vain for a miracle: not today")]
    fn a_wait_in_vain_tells_the_last_reason() {
        for_ok::<(), _>("a miracle", Deadline::after(Duration::ZERO), || Err("not today"));
    }
}
