// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The watchdog of the unit. It takes its time, so only one systemd is asked, and this file has a name that comes first: other tests run
//! meanwhile.

use tests::wait::{Deadline, until};

use crate::machine::on_first;
use crate::service::{Service, UNIT};

#[test]
fn the_watchdog_is_fed_and_a_weftd_that_hangs_is_started_anew() {
    on_first(|machine| {
        let service = Service::start(machine);
        let mut guests = service.couple();
        let first = service.show("MainPID");
        let (period, start) = (10_000_000, service.number("ActiveEnterTimestampMonotonic"));
        assert_eq!(service.show("WatchdogUSec"), "10s");
        until("more than a period to pass", Deadline::patient(), || {
            service.number("WatchdogTimestampMonotonic") > start + period
        });
        assert_eq!([service.show("MainPID"), service.show("NRestarts")], [first, "0".to_owned()]);
        machine.systemctl(&["kill", "--signal", "STOP", UNIT]);
        service.await_property("NRestarts", |count| count == "1");
        service.await_property("ActiveState", |state| state == "active");
        guests.one.reconnect(Deadline::patient());
        guests.two.reconnect(Deadline::patient());
        guests.ping();
        assert!(machine.journal().contains("Watchdog timeout"), "{}", machine.journal());
    });
}
