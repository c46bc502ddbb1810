// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A second virtual CPU.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Ends the other thread also when the test fails: it would otherwise be waited for in vain.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does `flip` again and again on another thread while `work` runs, and returns what that returns.
pub fn meanwhile<T>(mut flip: impl FnMut() + Send, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let stop = Stop(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                flip();
            }
        });
        let result = work();
        drop(stop);
        result
    })
}
