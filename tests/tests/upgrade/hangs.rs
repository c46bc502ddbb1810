// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Successors that do not get on: the weftd before waits for each step for so long and no longer, ends them, and goes on.

use std::fs;
use std::path::{Path, PathBuf};

use tests::wait::{Deadline, until};

use crate::failed::{HELLO, Scene, words};

/// A successor that says these words, and then nothing for longer than anybody waits. The file has its process id.
fn hangs(scene: &Scene, said: &[&str]) -> (PathBuf, PathBuf) {
    let [file, pid] = ["words", "hanging"].map(|name| scene.daemon.folder().join(name));
    fs::write(&file, words(said)).expect("the folder is ours");
    let text = format!("echo $$ >{}; cat {} >&0; exec sleep 600", pid.display(), file.display());
    (scene.script(&text), pid)
}

/// The process whose id a file has runs no more: whoever is to reap it may not have done so.
fn assert_gone(pid: &Path) {
    let pid = fs::read_to_string(pid).expect("it has written that first");
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    assert!(matches!(state, None | Some('Z' | 'X')), "it runs: {stat}");
}

impl Scene {
    /// A successor says these words and hangs. The upgrade fails with this in its reason, guests are served while it is waited for and
    /// afterwards, and the successor is no more.
    fn assert_given_up(&mut self, said: &[&str], part: &str) {
        let (script, pid) = hangs(self, said);
        self.daemon.replace_program(&script);
        let mut upgrading = self.daemon.begin_upgrade();
        until("weft upgrade to end", Deadline::patient(), || {
            self.guests.ping();
            upgrading.is_over()
        });
        let why = upgrading.outcome().expect_err("nothing came up");
        assert!(why.contains(part) && why.contains("weftd goes on as it was"), "{part:?} is not in {why:?}");
        assert_gone(&pid);
        fs::remove_file(pid).expect("it is ours");
        assert!(self.daemon.alive() && self.daemon.json(&["status"])["pid"].as_u64() == Some(self.daemon.pid().into()));
        self.guests.ping();
    }
}

#[test]
fn one_that_never_says_hello_is_given_up() {
    Scene::new().assert_given_up(&[], "it did not say hello in time");
}

#[test]
fn one_that_hangs_where_it_is_to_get_on_is_given_up_and_rings_run_again() {
    let mut scene = Scene::new();
    // Before it has anything: no ring was stopped. Then at its worst: all were, and it was told to go on.
    scene.assert_given_up(&[HELLO], "it did not get on in time");
    scene.assert_given_up(&[HELLO, "\"ready\""], "it did not get on in time");
    scene.assert_given_up(&[HELLO, "\"ready\"", "\"lanes\""], "it did not get on in time");
    scene.daemon.replace_program(&tests::weftd::binary("weftd"));
    scene.daemon.upgrade();
    scene.guests.ping();
}
