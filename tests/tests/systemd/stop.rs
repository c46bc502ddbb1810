// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A stop, what it takes away, and how weftd comes back.

use tests::wait::Deadline;

use crate::machine::on_each;
use crate::restart::come_back;
use crate::service::{Service, UNIT};

/// A port's socket that is not where the unit wants them.
const ELSEWHERE: &str = "/run/weft/three.sock";

#[test]
fn a_stop_takes_sockets_of_ports_away_and_leaves_the_state() {
    on_each(|machine| {
        let service = Service::start(machine);
        let mut guests = service.couple();
        guests.ping();
        let numbers = service.json(&["port", "list"]);
        machine.systemctl(&["stop", UNIT]);
        assert_eq!(["ActiveState", "Result"].map(|property| service.show(property)), ["inactive", "success"]);
        assert_eq!((service.number("NFileDescriptorStore"), service.processes()), (0, String::new()));
        for guest in [&mut guests.one, &mut guests.two] {
            assert!(guest.frontend().wait_closed(Deadline::patient()), "nobody has its session any more");
        }
        assert!(!service.path("/run/weft/ports").exists());
        assert!(service.path("/var/lib/weft/state.json").exists());
        // The control socket is the other unit's: whoever calls has weftd started.
        let again = service.json(&["port", "list"]);
        assert_eq!(service.show("ActiveState"), "active");
        let known = |ports: &serde_json::Value| {
            ports.as_array().expect("a list").iter().map(|port| port["number"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(known(&again), known(&numbers));
        come_back(&mut guests);
        guests.ping();
    });
}

#[test]
fn a_socket_elsewhere_is_replaced_and_the_control_socket_goes_with_its_unit() {
    on_each(|machine| {
        let service = Service::start(machine);
        let mut guests = service.couple();
        service.add_port("three", 3, ELSEWHERE);
        drop(service.attach("three", 3, ELSEWHERE));
        machine.systemctl(&["stop", UNIT, "weftd.socket"]);
        assert!(!service.path("/run/weft/ctl.sock").exists());
        machine.systemctl(&["start", UNIT]);
        come_back(&mut guests);
        guests.ping();
        service.attach("three", 3, ELSEWHERE);
    });
}
