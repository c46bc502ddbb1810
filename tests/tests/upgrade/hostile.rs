// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest whose session cannot go on elsewhere: without more nothing happens, and by force it is the only one that is ended.

use std::io::Write;
use std::os::unix::net::UnixStream;

use tests::guest::{Couple, GuestOptions};
use tests::memory::{Backing, Layout};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

struct Scene {
    daemon: Weftd,
    guests: Couple,
}

impl Scene {
    /// Two guests of red, and blue with a port `evil`.
    fn new() -> Scene {
        let daemon = Weftd::start();
        daemon.add_namespace("blue");
        daemon.add_port("blue", "evil", 3, &[]);
        let guests = daemon.attach_couple("red");
        Scene { daemon, guests }
    }

    fn force(&mut self) {
        let said = self.daemon.begin_upgrade_with(&["--force"]).outcome().unwrap_or_else(|why| panic!("{why}"));
        self.daemon.succeeded_by(&said);
        self.guests.ping();
    }
}

#[test]
fn memory_that_was_cut_off_meanwhile_keeps_nobody_else_from_going_on() {
    let mut scene = Scene::new();
    let options = GuestOptions::new("evil", 3);
    let layout = Layout { backing: Backing::Unsealed, ..options.layout.clone() };
    let mut evil = scene.daemon.attach_as("evil", GuestOptions { layout, ..options });
    let last = evil.memory().regions().len() - 1;
    let size = evil.memory().regions()[last].range().size;
    evil.truncate_memory(last, size - 4096).expect("it is its own");
    scene.guests.ping();
    assert_eq!(scene.daemon.port("evil")["state"], "up", "nothing has touched what is missing");
    let why = scene.daemon.begin_upgrade().outcome().expect_err("its session cannot begin anew");
    assert!(why.contains("port blue:evil"), "{why}");
    scene.guests.ping();
    assert_eq!(scene.daemon.port("evil")["state"], "up", "all is as it was");
    scene.force();
    assert!(evil.frontend().wait_closed(Deadline::patient()), "its VMM sees that this is the end");
    drop(evil);
    scene.daemon.await_state("evil", "down");
    drop(scene.daemon.attach("evil", 3));
    scene.guests.ping();
}

#[test]
fn a_message_that_is_never_finished_keeps_nobody_else_from_going_on() {
    let mut scene = Scene::new();
    let mut half = UnixStream::connect(scene.daemon.port_path("evil")).expect("it listens");
    half.write_all(&[1, 0, 0]).expect("there is room");
    until("the connection to be served", Deadline::patient(), || {
        // Whoever comes now is turned away.
        let another = UnixStream::connect(scene.daemon.port_path("evil")).expect("it listens");
        drop(another);
        scene.daemon.log().contains("connected while another frontend is served")
    });
    scene.force();
    drop(half);
    let mut evil = scene.daemon.attach("evil", 3);
    assert!(evil.recv().is_none() && scene.daemon.port("evil")["state"] == "up");
}
