// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! weftd ends, by a word of an operator or a crash, and systemd starts it anew under running guests.

use tests::guest::Couple;
use tests::wait::Deadline;

use crate::machine::on_each;
use crate::service::{Service, UNIT};

/// Since this version systemd tells a service that it keeps descriptors for it.
const KEEPS: u32 = 254;

/// More than systemd starts a service anew in ten seconds unless it is told to.
const KILLS: usize = 6;

/// What VMMs do when a session has ended.
pub(crate) fn come_back(guests: &mut Couple) {
    for guest in [&mut guests.one, &mut guests.two] {
        assert!(guest.frontend().wait_closed(Deadline::patient()), "the session has ended");
        guest.reconnect(Deadline::patient());
    }
}

/// Restarts it under guests, which stay where they are if systemd keeps their sessions.
pub(crate) fn restart(service: Service<'_>, guests: &mut Couple) {
    let before = service.show("MainPID");
    service.machine.systemctl(&["restart", UNIT]);
    assert_ne!(service.show("MainPID"), before);
    if service.machine.version() < KEEPS {
        come_back(guests);
    }
    guests.ping();
    assert_eq!(service.number("NFileDescriptorStore"), 0, "what was left there was taken");
    assert_eq!(service.port("one")["state"], "up");
}

#[test]
fn a_restart_leaves_guests_where_they_are() {
    on_each(|machine| {
        let service = Service::start(machine);
        assert_eq!(service.show("FileDescriptorStoreMax"), "1");
        let mut guests = service.couple();
        guests.ping();
        for _ in 0..3 {
            restart(service, &mut guests);
        }
        assert!(!machine.journal().contains("WARN"), "{}", machine.journal());
    });
}

#[test]
fn however_often_it_is_killed_it_comes_back_and_guests_go_on() {
    on_each(|machine| {
        let service = Service::start(machine);
        let mut guests = service.couple();
        for kill in 1..=KILLS {
            guests.ping();
            machine.systemctl(&["kill", "--signal", "KILL", UNIT]);
            come_back(&mut guests);
            service.await_property("NRestarts", |count| count == kill.to_string());
        }
        guests.ping();
        service.await_property("ActiveState", |state| state == "active");
        assert_eq!(service.port("two")["state"], "up");
    });
}
