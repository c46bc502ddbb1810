// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Real guests for tests: what they need on this machine, prepared once for all tests of a program.

use std::sync::OnceLock;

use qemu::{Error, Setup};

/// What guests are made with. `None` where they cannot run: the calling test is noted as skipped.
///
/// # Panics
/// When this machine has all that it takes and the preparation fails all the same.
pub fn setup_or_skip() -> Option<&'static Setup> {
    static SETUP: OnceLock<Result<Setup, String>> = OnceLock::new();
    let prepare = || match Setup::prepare(&|step| eprintln!("{step}")) {
        Ok(setup) => Ok(setup),
        Err(reason) if reason.is_missing_tool() => Err(reason.to_string()),
        Err(failure) => panic!("{failure}"),
    };
    match SETUP.get_or_init(prepare) {
        Ok(setup) => Some(setup),
        Err(reason) => {
            crate::skip::skip(&format!("no guests: {reason}"));
            None
        }
    }
}

/// Ends a test with an error's own text, which is made for people and has many lines.
pub trait Must<T> {
    /// The value.
    ///
    /// # Panics
    /// With the error's text when there is none.
    fn must(self) -> T;
}

impl<T> Must<T> for Result<T, Error> {
    #[track_caller]
    fn must(self) -> T {
        self.unwrap_or_else(|error| panic!("{error}"))
    }
}
