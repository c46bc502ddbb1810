// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What systemd's watchdog is told, and when it is not.

use super::*;
use crate::runtime::held::hold;

impl Running {
    /// Whether systemd would be told now that all is well.
    fn reassures(&mut self) -> bool {
        let mut told = 0;
        self.reassure(|states| {
            assert!(matches!(states, [NotifyState::Watchdog]), "{states:?}");
            told += 1;
        });
        told == 1
    }
}

#[test]
fn nothing_is_said_while_a_worker_is_held() {
    let directory = tempfile::tempdir().unwrap();
    let mut running = running(directory.path(), None);
    assert!(!running.reassures(), "nobody wants to know");
    running.vital = Some(Vec::new());
    assert!(running.reassures());
    let held = hold(|to, sources| running.daemon.endpoints.workers().attach_lane(to, Vec::new(), sources, false));
    // It may have made turns since, until it was held.
    running.reassures();
    for _ in 0..100 {
        assert!(!running.reassures(), "its worker makes no turn");
    }
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !running.reassures() {
        assert!(Instant::now() < deadline, "the worker turns, and systemd is not told");
    }
}
