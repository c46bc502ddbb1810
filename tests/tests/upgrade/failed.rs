// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Successors that do not come up: the weftd before goes on, and says why.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tests::guest::{Couple, ping};
use tests::weftd::{Weftd, binary, toml};

use crate::uplink::Far;

pub(crate) struct Scene {
    pub(crate) daemon: Weftd,
    pub(crate) guests: Couple,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene::over(Weftd::start_copy())
    }

    /// Two guests of red, at a weftd that can be replaced.
    pub(crate) fn over(daemon: Weftd) -> Scene {
        let guests = daemon.attach_couple("red");
        Scene { daemon, guests }
    }

    /// A program that a shell runs.
    pub(crate) fn script(&self, text: &str) -> PathBuf {
        let path = self.daemon.folder().join("script");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("the folder is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        path
    }

    /// The upgrade fails with this in its reason, and nothing else is different.
    pub(crate) fn assert_fails(&mut self, part: &str) {
        let pid = self.daemon.pid();
        let why = self.daemon.begin_upgrade().outcome().expect_err("it cannot be");
        assert!(why.contains(part), "{part:?} is not in {why:?}");
        assert!(self.daemon.alive());
        assert_eq!(self.daemon.json(&["status"])["pid"].as_u64(), Some(u64::from(pid)));
        self.guests.ping();
    }
}

/// Words as they go over the socket between the two.
pub(crate) fn words(all: &[&str]) -> Vec<u8> {
    let word = |text: &&str| {
        let head = [u32::try_from(text.len()).expect("it is short"), 0].map(u32::to_le_bytes).concat();
        [head, text.as_bytes().to_vec()].concat()
    };
    all.iter().flat_map(word).collect()
}

/// A successor that says these words, and ends.
pub(crate) fn says(scene: &Scene, all: &[&str]) -> PathBuf {
    let file = scene.daemon.folder().join("words");
    fs::write(&file, words(all)).expect("the folder is ours");
    // It reads on for a while, for otherwise it would be gone before it was given anything.
    scene.script(&format!("cat {} >&0; timeout 1 cat <&0 >/dev/null", file.display()))
}

pub(crate) const HELLO: &str = r#"{"hello":{"reads":[1],"weft":"9.9"}}"#;

#[test]
fn a_program_that_is_none_changes_nothing() {
    let mut scene = Scene::new();
    scene.daemon.replace_program(&scene.script("exit 3"));
    scene.assert_fails("it ended at once");
    scene.daemon.replace_program(&scene.script("echo hello >&0; cat <&0 >/dev/null"));
    scene.assert_fails("it is no weftd that can be upgraded to");
    fs::remove_file(scene.daemon.program()).expect("it is there");
    scene.assert_fails("cannot be started");
    scene.daemon.replace_program(&binary("weftd"));
    scene.daemon.upgrade();
    scene.guests.ping();
}

#[test]
fn one_that_ends_at_any_point_gives_all_back() {
    let mut scene = Scene::new();
    scene.daemon.replace_program(&says(&scene, &[HELLO]));
    scene.assert_fails("it ended");
    // At its worst: rings are stopped and lanes closed, and it ends before it has them.
    let far = Far::of(&scene.daemon);
    scene.daemon.replace_program(&says(&scene, &[HELLO, "\"ready\""]));
    scene.assert_fails("it ended");
    far.assert_hears(&scene.daemon, &mut scene.guests.one, 1);
    scene.daemon.replace_program(&says(&scene, &[HELLO, r#"{"failed":"no room"}"#]));
    scene.assert_fails("no room");
    scene.daemon.replace_program(&says(&scene, &[r#"{"hello":{"reads":[7],"weft":"99.0"}}"#]));
    scene.assert_fails("weft 99.0");
    scene.daemon.replace_program(&binary("weftd"));
    scene.daemon.upgrade();
    scene.guests.ping();
}

#[test]
fn a_configuration_that_has_changed_meanwhile_is_refused() {
    let both = toml::namespace("red") + &toml::port("red", "one", 1);
    let daemon = Weftd::start_configured(&(both + &toml::port("red", "two", 2)));
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    let text = (toml::namespace("red") + &toml::port("red", "one", 1))
        .replace("{dir}", &daemon.folder().display().to_string());
    fs::write(daemon.folder().join("weft.toml"), text).expect("the folder is ours");
    let why = daemon.begin_upgrade().outcome().expect_err("the guest of a port would have none");
    assert!(why.contains("port red:two is not there any more") && why.contains("SIGHUP"), "{why}");
    ping(&mut one, &mut two, 1);
}
