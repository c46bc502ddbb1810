// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A QEMU that does what it should, and guests that do not.

use super::*;

#[test]
fn an_emulated_vf_gets_a_netdev_and_a_device_and_loses_both() {
    let mut monitor = Monitor::ready(Some("nic0"), &["nic0", "rp0"]);
    monitor.begins(emulated());
    let unix = |path| json!({ "type": "unix", "path": path });
    let lane = json!({ "type": "dgram", "id": "weft-lane-7", "local": unix("/run/q"), "remote": unix("/run/w") });
    assert_eq!(monitor.answers("netdev_add", "{}"), lane);
    let device = json!({
        "driver": "e1000e", "id": OURS, "bus": "rp0", "mac": "02:00:00:00:00:07", "netdev": "weft-lane-7",
        "failover_pair_id": "nic0", "rombar": 0, "romfile": "",
    });
    assert_eq!(monitor.answers("device_add", "{}"), device);
    monitor.lists(&["nic0", OURS]);
    assert_eq!(monitor.event(), Some(Event::Plugged));
    monitor.unplug();
    assert_eq!(monitor.answers("device_del", "{}"), json!({ "id": OURS }));
    monitor.assert_quiet();
    monitor.deleted(OURS);
    assert_eq!(monitor.answers("netdev_del", "{}"), json!({ "id": "weft-lane-7" }));
    assert_eq!(monitor.event(), Some(Event::Unplugged));
    monitor.assert_quiet();
}

#[test]
fn devices_of_other_kinds_are_plugged_without_a_netdev() {
    let user = || on(Hardware::VfioUser { path: "/run/u".to_owned() });
    let vfio = || on(Hardware::Vfio { address: "0000:3b:02.1".parse().unwrap() });
    let socket = json!({ "type": "unix", "path": "/run/u" });
    let expected = [
        (vfio(), json!({ "driver": "vfio-pci", "host": "0000:3b:02.1", "id": OURS })),
        (user(), json!({ "driver": "vfio-user-pci", "socket": socket, "id": OURS })),
    ];
    for (vf, device) in expected {
        let mut monitor = Monitor::ready(None, &[]);
        monitor.plug(vf);
        assert_eq!(monitor.answers("device_add", "{}"), device);
        monitor.lists(&[OURS]);
        assert_eq!(monitor.event(), Some(Event::Plugged));
    }
}

#[test]
fn a_stream_is_connected_to_weft_and_again_where_qemu_can() {
    let socket = LaneSocket::Stream { path: "/run/w".to_owned() };
    let vf = on(Hardware::Emulated { driver: "rtl8139".to_owned(), mac: MacAddr([2; 6]), socket });
    let unix = json!({ "type": "unix", "path": "/run/w" });
    let plain = json!({ "type": "stream", "id": "weft-lane-7", "server": false, "addr": unix });
    for (version, option) in [((7, 2), None), ((8, 0), Some("reconnect")), ((9, 2), Some("reconnect-ms"))] {
        let mut monitor = Monitor::ready(None, &[]);
        monitor.qmp.version = version;
        monitor.plug(vf.clone());
        let mut lane = monitor.answers("netdev_add", "{}");
        let taken = option.map(|option| lane.as_object_mut().unwrap().remove(option).unwrap());
        assert!(taken.is_none_or(|pause| pause.as_u64() > Some(0)));
        assert_eq!(lane, plain, "{version:?}");
    }
}

/// QEMU refuses a primary that has functions beside its own. The guest takes it by its MAC.
#[test]
fn an_igb_is_plugged_beside_its_standby_without_being_named_its_primary() {
    let mut monitor = Monitor::ready(Some("nic0"), &["nic0"]);
    let Vf { hardware: Hardware::Emulated { mac, socket, .. }, .. } = emulated() else { unreachable!() };
    monitor.begins(on(Hardware::Emulated { driver: "igb".to_owned(), mac, socket }));
    monitor.answers("netdev_add", "{}");
    let device = monitor.answers("device_add", "{}");
    assert_eq!((&device["driver"], device.get("failover_pair_id")), (&json!("igb"), None), "{device}");
    monitor.lists(&["nic0", OURS]);
    assert_eq!(monitor.event(), Some(Event::Plugged));
}

/// QEMU would plug the VF in as a NIC of its own.
#[test]
fn a_standby_that_there_is_not_is_missed_first() {
    let mut monitor = Monitor::ready(Some("nic0"), &[]);
    monitor.plug(emulated());
    monitor.lists(&["nic1"]);
    let why = failed(monitor.event());
    assert!(why.contains("no device nic0") && why.contains("failover=on"), "{why}");
    monitor.assert_quiet();
}

#[test]
fn what_was_done_of_a_plug_that_fails_is_undone() {
    let mut monitor = Monitor::ready(None, &[]);
    monitor.plug(emulated());
    monitor.refuses("netdev_add", "GenericError", "can't bind unix=/run/q to socket: Address already in use");
    assert!(failed(monitor.event()).starts_with("QEMU says: can't bind"));
    monitor.begins(emulated());
    monitor.answers("netdev_add", "{}");
    monitor.refuses("device_add", "GenericError", "Bus 'pcie.0' does not support hotplugging");
    assert_eq!(monitor.event(), None, "the netdev is still there");
    monitor.answers("netdev_del", "{}");
    let why = failed(monitor.event());
    assert!(why.contains("Bus 'pcie.0' does not support hotplugging; ") && why.contains("--vf-bus"), "{why}");
    monitor.assert_quiet();
    monitor.begins(emulated());
    monitor.answers("netdev_add", "{}");
}

#[test]
fn a_primary_waits_for_a_guest_that_knows_standbys() {
    let mut monitor = Monitor::ready(Some("nic0"), &[]);
    monitor.begins(emulated());
    monitor.answers("netdev_add", "{}");
    monitor.answers("device_add", "{}");
    monitor.lists(&["nic0"]);
    assert_eq!(monitor.event(), Some(Event::Waiting));
    monitor.negotiated("another");
    monitor.assert_quiet();
    monitor.negotiated("nic0");
    assert_eq!(monitor.event(), Some(Event::Negotiated));
    monitor.lists(&[OURS]);
    assert_eq!(monitor.event(), Some(Event::Plugged));
}

#[test]
fn a_primary_that_qemu_cannot_make_after_all_is_a_failure() {
    let mut monitor = Monitor::ready(Some("nic0"), &[]);
    monitor.begins(emulated());
    monitor.answers("netdev_add", "{}");
    monitor.answers("device_add", "{}");
    monitor.lists(&[]);
    monitor.negotiated("nic0");
    monitor.lists(&[]);
    monitor.answers("netdev_del", "{}");
    let events: Vec<Event> = std::iter::from_fn(|| monitor.event()).collect();
    assert_eq!(events[..2], [Event::Waiting, Event::Negotiated]);
    assert!(failed(events.get(2).cloned()).contains("QEMU has no device weft-vf-7"));
}

#[test]
fn a_primary_that_waits_is_taken_back() {
    let mut monitor = Monitor::ready(Some("nic0"), &[]);
    monitor.begins(emulated());
    monitor.answers("netdev_add", "{}");
    monitor.answers("device_add", "{}");
    monitor.lists(&[]);
    assert_eq!(monitor.event(), Some(Event::Waiting));
    monitor.unplug();
    monitor.refuses("device_del", "DeviceNotFound", "Device 'weft-vf-7' not found");
    monitor.answers("netdev_del", "{}");
    assert_eq!(monitor.event(), Some(Event::Unplugged));
}

/// QEMU remembers the primary of a standby, and makes it again for each guest that negotiates.
#[test]
fn what_qemu_plugs_in_again_by_itself_is_taken_out() {
    let mut monitor = Monitor::ready(Some("nic0"), &[]);
    monitor.negotiated("nic0");
    assert_eq!(monitor.event(), Some(Event::Negotiated));
    monitor.lists(&[OURS]);
    monitor.answers("device_del", "{}");
    monitor.deleted(OURS);
    monitor.answers("netdev_del", "{}");
    assert_eq!(monitor.event(), Some(Event::Unplugged));
}

#[test]
fn a_guest_that_boots_while_a_vf_is_offered_delays_it_only() {
    let mut monitor = Monitor::ready(Some("nic0"), &[]);
    monitor.negotiated("nic0");
    monitor.plug(emulated());
    monitor.lists(&[]);
    monitor.lists(&["nic0"]);
    monitor.answers("netdev_add", "{}");
    monitor.answers("device_add", "{}");
    monitor.lists(&[OURS]);
    assert_eq!([monitor.event(), monitor.event()], [Some(Event::Negotiated), Some(Event::Plugged)]);
}

#[test]
fn a_device_may_be_gone_before_that_is_answered_or_by_itself() {
    let mut monitor = Monitor::plugged(None);
    monitor.unplug();
    monitor.deleted(OURS);
    monitor.answers("device_del", "{}");
    monitor.answers("netdev_del", "{}");
    assert_eq!(monitor.event(), Some(Event::Unplugged));
    let mut monitor = Monitor::plugged(None);
    monitor.says(r#"{"event": "DEVICE_DELETED", "data": {"path": "/machine/peripheral/weft-vf-7"}}"#);
    monitor.answers("netdev_del", "{}");
    assert_eq!(monitor.event(), Some(Event::Unplugged));
}

#[test]
fn a_guest_that_does_not_let_go_is_not_waited_for_for_ever() {
    let mut monitor = Monitor::plugged(None);
    monitor.unplug();
    monitor.answers("device_del", "{}");
    assert_eq!(monitor.qmp.due(), Some(UNPLUG_MAX));
    monitor.pass(UNPLUG_MAX).unwrap();
    assert_eq!(monitor.event(), Some(Event::UnplugFailed(Trouble::Stuck)));
    assert_eq!(monitor.qmp.due(), None);
    // Once more, and the guest says no.
    monitor.unplug();
    monitor.answers("device_del", "{}");
    monitor.says(r#"{"event": "DEVICE_UNPLUG_GUEST_ERROR", "data": {"device": "weft-vf-7", "path": "/machine/peripheral/weft-vf-7"}}"#);
    assert_eq!(monitor.event(), Some(Event::UnplugFailed(Trouble::GuestRefuses)));
    // It may come late.
    monitor.deleted(OURS);
    monitor.answers("netdev_del", "{}");
    assert_eq!(monitor.event(), Some(Event::Unplugged));
}

#[test]
fn an_unplug_that_qemu_refuses_leaves_the_vf_where_it_is() {
    let mut monitor = Monitor::plugged(None);
    monitor.unplug();
    monitor.refuses("device_del", "GenericError", "Device weft-vf-7 is already in the process of unplug");
    assert!(failed(monitor.event()).contains("already in the process of unplug"));
    monitor.plug(emulated());
    assert!(failed(monitor.event()).contains("is plugged in already"));
}

#[test]
fn whoever_revokes_while_it_is_plugged_in_gets_it_out_again() {
    let mut monitor = Monitor::ready(None, &[]);
    monitor.plug(emulated());
    monitor.unplug();
    monitor.answers("netdev_add", "{}");
    monitor.answers("device_add", "{}");
    monitor.lists(&[OURS]);
    assert_eq!(monitor.event(), Some(Event::Plugged));
    monitor.answers("device_del", "{}");
    monitor.plug(emulated());
    assert!(failed(monitor.event()).contains("is being taken out"));
    monitor.deleted(OURS);
    // One that comes while only the netdev is left waits for that.
    monitor.plug(emulated());
    monitor.answers("netdev_del", "{}");
    assert_eq!(monitor.event(), Some(Event::Unplugged));
    monitor.answers("netdev_add", "{}");
}

#[test]
fn a_vf_that_is_there_when_weft_comes_is_ours_again() {
    let mut monitor = Monitor::ready(None, &["nic0", OURS]);
    monitor.unplug();
    monitor.answers("device_del", "{}");
    monitor.deleted(OURS);
    monitor.answers("netdev_del", "{}");
    assert_eq!(monitor.event(), Some(Event::Unplugged));
    monitor.unplug();
    assert_eq!(monitor.event(), Some(Event::Unplugged), "there is none");
}

#[test]
fn what_concerns_the_whole_guest_is_told() {
    let mut monitor = Monitor::plugged(Some("nic0"));
    for name in ["STOP", "RESUME", "RESET", "SHUTDOWN", "NIC_RX_FILTER_CHANGED"] {
        monitor.says(&json!({ "event": name, "data": { "guest": true } }).to_string());
    }
    monitor.says(r#"{"event": "UNPLUG_PRIMARY", "data": {"device-id": "weft-vf-7"}}"#);
    let told: Vec<Event> = std::iter::from_fn(|| monitor.event()).collect();
    let all = [Machine::Stopped, Machine::Resumed, Machine::Reset, Machine::ShutDown].map(Event::Machine);
    assert_eq!(told, [&all[..], &[Event::UnplugAsked]].concat());
}

#[test]
fn a_vf_that_is_taken_out_for_a_migration_is_out_when_that_begins_and_back_when_it_fails() {
    for end in ["failed", "cancelled"] {
        let mut monitor = Monitor::plugged(Some("nic0"));
        let says = |monitor: &mut Monitor, status: &str| {
            monitor.says(&json!({ "event": "MIGRATION", "data": { "status": status } }).to_string());
        };
        says(&mut monitor, "active");
        assert_eq!(monitor.event(), None, "one that left the VF where it was is no matter");
        monitor.says(r#"{"event": "UNPLUG_PRIMARY", "data": {"device-id": "weft-vf-7"}}"#);
        ["wait-unplug", "active", "cancelling", end].iter().for_each(|status| says(&mut monitor, status));
        let told = [monitor.event(), monitor.event(), monitor.event()];
        assert_eq!(told, [Event::UnplugAsked, Event::Unplugged, Event::Plugged].map(Some));
        says(&mut monitor, "active");
        assert_eq!(monitor.event(), None, "and the next one begins anew");
    }
}

#[test]
fn nobody_is_told_anything_before_qemu_is_ready() {
    let mut monitor = Monitor::new(None);
    monitor.plug(emulated());
    monitor.unplug();
    for _ in 0..2 {
        assert!(failed(monitor.event()).contains("-qmp unix:"));
    }
    monitor.assert_quiet();
}
