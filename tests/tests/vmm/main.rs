// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! weft's channel to a VMM, with a real QEMU that has no guest: it is never started, and lets go of what nobody drives.

mod machine;

use backends::vmm::{Event, Hardware, LaneSocket, Trouble, Vf};
use machine::Machine;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::time::Duration;
use tests::wait::{Deadline, until};

/// NICs that QEMU emulates and whose Linux driver knows a primary.
const DRIVERS: [&str; 3] = ["e1000e", "rtl8139", "igb"];

#[test]
fn qemu_takes_a_vf_and_lets_it_go() {
    let Some(machine) = Machine::start() else { return };
    let mut channel = machine.channel(None);
    assert_eq!(channel.next(), Event::Ready { plugged: false });
    let _lane = UnixDatagram::bind(machine.path("weft")).expect("a socket of weft's");
    for driver in DRIVERS {
        // The second finds nothing left of the first.
        for _ in 0..2 {
            channel.plug(machine.vf(driver));
            assert_eq!(channel.next(), Event::Plugged, "{driver}");
            channel.unplug();
            assert_eq!(channel.next(), Event::Unplugged, "{driver}");
        }
    }
}

#[test]
fn a_stream_leads_to_weft_and_again_when_it_was_away() {
    let Some(machine) = Machine::start() else { return };
    let mut channel = machine.channel(None);
    assert_eq!(channel.next(), Event::Ready { plugged: false });
    let path = machine.path("weft");
    let listener = UnixListener::bind(&path).expect("a socket of weft's");
    let vf = machine.vf("e1000e");
    let Hardware::Emulated { driver, mac, .. } = vf.hardware else { unreachable!("it is emulated") };
    let socket = LaneSocket::Stream { path: path.display().to_string() };
    channel.plug(Vf { hardware: Hardware::Emulated { driver, mac, socket }, bus: vf.bus });
    assert_eq!(channel.next(), Event::Plugged);
    for _ in 0..2 {
        drop(listener.accept().expect("QEMU connects"));
    }
}

#[test]
fn what_qemu_refuses_leaves_nothing_behind() {
    let Some(machine) = Machine::start() else { return };
    let mut channel = machine.channel(None);
    assert_eq!(channel.next(), Event::Ready { plugged: false });
    let nowhere = |bus: Option<&str>| Vf { bus: bus.map(str::to_owned), ..machine.vf("e1000e") };
    let refused = [
        (nowhere(None), "does not support hotplugging; give the VF a slot that does"),
        (nowhere(Some("nobus")), "not found; start QEMU with -device pcie-root-port"),
        (machine.vf("nonic"), "choose another with --vf-device"),
    ];
    for (vf, expected) in refused {
        channel.plug(vf);
        let why = channel.failure();
        assert!(why.starts_with("QEMU says: ") && why.contains(expected), "{why}");
    }
    channel.plug(machine.vf("e1000e"));
    assert_eq!(channel.next(), Event::Plugged);
}

#[test]
fn a_primary_waits_for_a_guest_and_is_taken_back() {
    let Some(machine) = Machine::start() else { return };
    let mut channel = machine.channel(Some("nic1"));
    assert_eq!(channel.next(), Event::Ready { plugged: false });
    channel.plug(machine.vf("e1000e"));
    assert!(channel.failure().contains("QEMU has no device nic1"));
    drop(channel);
    let mut channel = machine.channel(Some("nic0"));
    assert_eq!(channel.next(), Event::Ready { plugged: false });
    // QEMU takes no second primary of another name, not even when the first is gone. An igb is none, and is not kept back.
    for driver in DRIVERS {
        channel.plug(machine.vf(driver));
        assert_eq!(channel.next(), if driver == "igb" { Event::Plugged } else { Event::Waiting });
        channel.unplug();
        assert_eq!(channel.next(), Event::Unplugged);
    }
}

#[test]
fn a_vf_outlives_weft_and_a_monitor_has_one_client() {
    let Some(mut machine) = Machine::start() else { return };
    let mut first = machine.channel(None);
    assert_eq!(first.next(), Event::Ready { plugged: false });
    first.plug(machine.vf("rtl8139"));
    assert_eq!(first.next(), Event::Plugged);
    let mut second = machine.channel(None);
    second.channel.turn(Duration::ZERO);
    second.channel.turn(Duration::from_secs(10));
    assert_eq!(second.next(), Event::Lost(Trouble::NoGreeting));
    drop((first, second));
    let mut next = machine.channel(None);
    assert_eq!(next.next(), Event::Ready { plugged: true });
    next.unplug();
    assert_eq!(next.next(), Event::Unplugged);
    machine.kill();
    assert!(matches!(next.next(), Event::Lost(Trouble::Closed { .. })));
    until("an attempt that fails", Deadline::patient(), || {
        next.turn();
        next.channel.due().is_some_and(|due| due > next.now())
    });
    assert!(!next.channel.is_ready());
}
