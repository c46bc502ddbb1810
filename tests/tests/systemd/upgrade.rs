// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft upgrade` under systemd, which has to follow to a process that it has not started.

use std::fs;

use tests::wait::{Deadline, until};

use crate::machine::{Machine, on_each};
use crate::restart::{come_back, restart};
use crate::service::{Service, UNIT};

/// What systemd starts anew or stops gets other ones.
const SAME: [&str; 3] = ["InvocationID", "ActiveEnterTimestampMonotonic", "NRestarts"];

/// Puts a program where weftd is, as a package manager does.
fn install(machine: &Machine, from: &str) {
    let [from, beside, place] = [from, "/usr/sbin/weftd.new", "/usr/sbin/weftd"].map(|path| machine.path(path));
    fs::copy(from, &beside).and_then(|_| fs::rename(&beside, place)).expect("they are ours");
}

#[test]
fn systemd_follows_to_the_successor() {
    on_each(|machine| {
        let service = Service::start(machine);
        let mut guests = service.couple();
        guests.ping();
        let (before, same) = (service.show("MainPID"), SAME.map(|property| service.show(property)));
        install(machine, "/usr/sbin/weftd");
        let said = service.json(&["upgrade"]);
        assert_eq!(said["guests"], 2);
        service.await_property("MainPID", |pid| pid != before);
        until("the one before to be gone", Deadline::patient(), || service.processes() == service.show("MainPID"));
        guests.ping();
        assert_eq!(service.show("ActiveState"), "active");
        assert_eq!(SAME.map(|property| service.show(property)), same, "nothing was started anew");
        let fed = service.number("WatchdogTimestampMonotonic");
        until("the watchdog to be fed", Deadline::patient(), || service.number("WatchdogTimestampMonotonic") > fed);
        // It is a main process like any other.
        restart(service, &mut guests);
        service.json(&["upgrade"]);
        machine.systemctl(&["kill", "--kill-whom=main", "--signal", "KILL", UNIT]);
        come_back(&mut guests);
        guests.ping();
        service.await_property("NRestarts", |count| count == "1");
    });
}
