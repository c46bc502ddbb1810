// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What real VMMs say to weft is what was recorded, so that the orders that our own frontend follows stay true.

use crate::lab::{Lab, Must, PATIENCE};
use ctl::proto::v1::State;
use qemu::{Attach, Guest, GuestSpec, Hotplug, Memory, Nic, Version};
use tests::frontend::script::Order;
use tests::guest::Side;
use tests::recorder::{Recorded, Recorder};
use tests::skip::skip;

/// Older ones differ in details.
const RECORDED_FROM: Version = Version { major: 10, minor: 0 };

const PORTS: [&str; 3] = ["one-pair", "two-pairs", "listening"];

/// A port, and a NIC for it with a recorder between them.
pub(crate) fn recorded_nic(lab: &Lab, name: &str, last: u8, side: Side, pairs: u16) -> (Nic, Recorder) {
    let mode = if side == Side::Listens { "--client" } else { "" };
    let nic = lab.port(name, "red", last, &format!("--queues {pairs} {mode}"));
    let vmm = lab.daemon.folder().join(format!("{name}.vmm"));
    let recorder = Recorder::start(side, &vmm, &lab.daemon.port_path(name)).expect("there is room for two sockets");
    let attach = match side {
        Side::Connects => Attach::SwitchListens(vmm),
        Side::Listens => Attach::GuestListens(vmm),
    };
    (Nic { attach, queue_pairs: pairs, ..nic }, recorder)
}

#[test]
fn qemu_says_what_was_recorded() {
    let Some(mut lab) = Lab::open() else { return };
    if lab.setup().qemu.version < RECORDED_FROM {
        return skip(&format!("this is not the QEMU that was recorded: {RECORDED_FROM} or newer"));
    }
    lab.weft("namespace add red");
    let (one, first) = recorded_nic(&lab, PORTS[0], 1, Side::Connects, 1);
    let (two, second) = recorded_nic(&lab, PORTS[1], 2, Side::Connects, 2);
    let (three, third) = recorded_nic(&lab, PORTS[2], 3, Side::Listens, 2);
    let spec = GuestSpec {
        vcpus: 2,
        memory: Memory { mib: 256, banks: 1, hotplug: Some(Hotplug { slots: 1, max_mib: 512 }) },
        // It waits before its first instruction.
        options: vec!["-S".to_owned()],
        ..lab.guest("recorded", [one, two, three])
    };
    let mut recorders = [first, second, third];
    live(&mut lab, &spec, &mut |section| recorders.iter_mut().for_each(|recorder| recorder.section(section)));
    for (recorder, pairs) in recorders.iter().zip([1, 2, 2]) {
        Recorded::of(Order::Qemu, pairs).assert_same(&recorder.text());
    }
}

/// The life of a guest. Each section is called before what happens in it; what QEMU has to say, it has said when its
/// monitor or its guest answers.
fn live(lab: &mut Lab, spec: &GuestSpec, section: &mut dyn FnMut(&str)) {
    section("connect");
    let guest = lab.setup().start(spec).must();
    guest.qmp().query_status().must();
    section("start");
    guest.qmp().cont().must();
    guest.wait_ready().must();
    section("pause");
    guest.qmp().stop().must();
    section("resume");
    guest.qmp().cont().must();
    section("reset");
    guest.reboot().must();
    section("plug");
    guest.plug_memory("dimm0", 128).must();
    section("reconnect");
    lab.daemon.restart();
    PORTS.iter().for_each(|port| lab.await_state(port, State::Up));
    // A port is up with its first queue pair; QEMU starts all of them before its monitor answers.
    guest.qmp().query_status().must();
    section("quit");
    quit(&guest);
}

fn quit(guest: &Guest) {
    // It may hang up before it answers.
    let _ = guest.qmp().quit();
    guest.wait_exit(PATIENCE).must();
}
