// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The message orders of real frontends.

use std::os::fd::AsRawFd;

use vhost::vhost_user::message::{VhostUserConfigFlags, VhostUserHeaderFlag, VhostUserProtocolFeatures as Protocol};
use vhost::vhost_user::{Frontend, VhostUserFrontend};
use vhost::{VhostBackend, VhostUserMemoryRegionInfo, VringConfigData};

use super::*;

#[test]
fn qemu_may_enable_rings_before_it_negotiates_features() {
    let (world, guest) = (World::new(), Guest::new());
    let mut qemu = world.frontend();
    qemu.open();
    qemu.say_with(id::SET_VRING_CALL, &0_u64.to_ne_bytes(), bell());
    qemu.say_with(id::SET_VRING_CALL, &1_u64.to_ne_bytes(), bell());
    assert_eq!(qemu.acked(Message::new(id::SET_VRING_ENABLE, vring_state(0, 1))), 0);
    assert_eq!(qemu.acked(Message::new(id::SET_VRING_ENABLE, vring_state(1, 1))), 0);
    assert!(world.host.running().is_empty());
    guest.set_used(1, 7);
    qemu.start_rings(&guest, &[0, 1]);
    assert_eq!(qemu.ask(id::GET_VRING_BASE, &vring_state(1, 0)), vring_state(1, 7), "the used index is the base");
    assert_eq!(world.host.running(), [0]);
    assert_eq!(
        world.notice(|n| if let Notice::Up { features } = n { Some(*features) } else { None }) & VERSION_1,
        VERSION_1
    );
    drop(qemu);
    assert_eq!(world.down(), "the frontend closed the connection");
    assert!(world.host.running().is_empty());
    world.host.wait("told the end", |calls| calls.last() == Some(&Call::Negotiated(0)));
}

#[test]
fn cloud_hypervisor_asks_for_an_acknowledgement_of_everything_and_enables_last() {
    let (world, guest) = (World::new(), Guest::new());
    let mut vmm = Frontend::connect(world.path(), 2).unwrap();
    vmm.set_owner().unwrap();
    let features = vmm.get_features().unwrap();
    let protocol = vmm.get_protocol_features().unwrap();
    assert_eq!(
        protocol,
        Protocol::MQ
            | Protocol::LOG_SHMFD
            | Protocol::RARP
            | Protocol::REPLY_ACK
            | Protocol::MTU
            | Protocol::CONFIG
            | Protocol::CONFIGURE_MEM_SLOTS
            | Protocol::DEVICE_STATE
    );
    vmm.set_protocol_features(protocol).unwrap();
    vmm.set_hdr_flags(VhostUserHeaderFlag::NEED_REPLY);
    assert_eq!(vmm.get_queue_num().unwrap(), 2);
    let (_, space) = vmm.get_config(0, 17, VhostUserConfigFlags::WRITABLE, &[0; 17]).unwrap();
    assert_eq!(space[..6], MAC.0);
    vmm.set_features(features & !(1 << 29)).unwrap();
    let info = VhostUserMemoryRegionInfo {
        guest_phys_addr: 0,
        memory_size: 2 * REGION,
        userspace_addr: USER,
        mmap_offset: 0,
        mmap_handle: guest.memory.as_raw_fd(),
    };
    vmm.set_mem_table(&[info]).unwrap();
    let (kick, call) = (EventFd::new(0).unwrap(), EventFd::new(0).unwrap());
    for ring in 0..2 {
        vmm.set_vring_num(ring, RING_SIZE).unwrap();
    }
    for ring in 0..2 {
        let at = USER + ring_place(u32::try_from(ring).unwrap());
        let addresses = VringConfigData {
            queue_max_size: RING_SIZE,
            queue_size: RING_SIZE,
            flags: 0,
            desc_table_addr: at,
            used_ring_addr: at + 0x3000,
            avail_ring_addr: at + 0x2000,
            log_addr: None,
        };
        vmm.set_vring_addr(ring, &addresses).unwrap();
        vmm.set_vring_base(ring, 0).unwrap();
        vmm.set_vring_call(ring, &call).unwrap();
        vmm.set_vring_kick(ring, &kick).unwrap();
    }
    assert!(world.host.running().is_empty());
    for ring in 0..2 {
        vmm.set_vring_enable(ring, true).unwrap();
    }
    assert_eq!(world.host.running(), [0, 1]);
    vmm.set_vring_enable(1, false).unwrap();
    assert_eq!(world.host.running(), [0]);
}

#[test]
fn memory_that_is_plugged_and_unplugged_restarts_the_rings() {
    let (world, guest) = (World::new(), Guest::new());
    let mut qemu = world.frontend();
    qemu.open();
    qemu.start_rings(&guest, &[0]);
    let more = memory_file(REGION);
    let body = [vec![0; 8], region(16 * REGION, REGION, USER + 16 * REGION, 0)].concat();
    assert!(qemu.ask_u64(id::GET_MAX_MEM_SLOTS) >= 32);
    assert_eq!(qemu.acked(with_fd(id::ADD_MEM_REG, &body, &more)), 0);
    assert_eq!(world.host.running(), [0]);
    let ring = world.host.rings.lock().unwrap().remove(&0).unwrap();
    assert!(ring.memory().contains(16 * REGION, 4096));
    drop(ring);
    assert_eq!(qemu.acked(Message::new(id::REM_MEM_REG, body)), 0);
    assert_eq!(world.host.running(), [0]);
    let rings = world.host.rings.lock().unwrap();
    assert!(!rings[&0].memory().contains(16 * REGION, 4096));
}

#[test]
fn what_changes_under_a_running_ring_stops_and_starts_it() {
    let (world, guest) = (World::new(), Guest::new());
    let mut qemu = world.frontend();
    qemu.open();
    qemu.start_rings(&guest, &[0, 1]);
    for message in [
        Message::new(id::SET_VRING_NUM, vring_state(1, 128)),
        Message::new(id::SET_VRING_BASE, vring_state(1, 99)),
        Message::new(id::SET_VRING_ADDR, ring_address(1)),
        with_fd(id::SET_VRING_CALL, &1_u64.to_ne_bytes(), bell()),
        with_fd(id::SET_VRING_KICK, &1_u64.to_ne_bytes(), bell()),
        // No descriptor: the guest polls.
        Message::new(id::SET_VRING_CALL, 0x101_u64.to_ne_bytes().to_vec()),
        Message::new(id::SET_VRING_KICK, 0x101_u64.to_ne_bytes().to_vec()),
        guest.table(),
    ] {
        let request = message.request;
        assert_eq!(qemu.acked(message), 0, "message {request}");
        assert_eq!(world.host.running(), [0, 1], "after message {request}");
    }
    assert_eq!(qemu.ask(id::GET_VRING_BASE, &vring_state(1, 0)), vring_state(1, 0));
    assert_eq!(qemu.ask(id::GET_VRING_BASE, &vring_state(1, 0)), vring_state(1, 0), "asking twice is fine");
    assert_eq!(world.host.running(), [0]);
}

/// A frontend with two rings that run; what is done from here on is noted.
fn at_work(world: &World, guest: &Guest) -> Raw {
    let mut qemu = world.frontend();
    qemu.open();
    qemu.start_rings(guest, &[0, 1]);
    qemu.ask_u64(id::GET_QUEUE_NUM);
    world.host.calls.lock().unwrap().clear();
    qemu
}

#[test]
fn a_bell_is_another_under_a_receive_ring_that_runs_on_and_rings_once() {
    let (world, guest) = (World::new(), Guest::new());
    let mut qemu = at_work(&world, &guest);
    let bell = bell();
    assert_eq!(qemu.acked(with_fd(id::SET_VRING_CALL, &0_u64.to_ne_bytes(), &bell)), 0);
    let mut rung = [0; 8];
    rustix::io::read(&bell, &mut rung).unwrap();
    assert_eq!(u64::from_ne_bytes(rung), 1, "who was rung before may not have heard it");
    world.host.rings.lock().unwrap().get_mut(&0).unwrap().nudge();
    rustix::io::read(&bell, &mut rung).unwrap();
    assert_eq!(qemu.acked(Message::new(id::SET_VRING_CALL, 0x100_u64.to_ne_bytes().to_vec())), 0);
    assert!(!world.host.rings.lock().unwrap().get_mut(&0).unwrap().nudge(), "the guest polls");
    assert_eq!(*world.host.calls.lock().unwrap(), [Call::Bell(0); 2], "nothing is stopped");
}

/// A log of one page, with its message.
fn log_base() -> (std::fs::File, Message) {
    let file = memory_file(4096);
    let message = with_fd(id::SET_LOG_BASE, &[4096_u64, 0].map(u64::to_ne_bytes).concat(), &file);
    (file, message)
}

/// Which pages of a log are marked; it is clear then.
fn marked(log: &std::fs::File) -> Vec<u64> {
    let mut bytes = [0; 4096];
    log.read_exact_at(&mut bytes, 0).unwrap();
    log.write_all_at(&[0; 4096], 0).unwrap();
    (0..8 * 4096).filter(|page| bytes[page / 8] >> (page % 8) & 1 == 1).map(|page| page as u64).collect()
}

#[test]
fn a_log_comes_and_goes_under_rings_that_run_on() {
    let (world, guest) = (World::new(), Guest::new());
    let mut qemu = at_work(&world, &guest);
    let features =
        |log: u64| Message::new(id::SET_FEATURES, (PROTOCOL_FEATURES | VERSION_1 | log).to_ne_bytes().to_vec());
    let logged_at = |address: u64| {
        let mut body = ring_address(1);
        body[4] = 1;
        body.splice(32.., address.to_ne_bytes());
        Message::new(id::SET_VRING_ADDR, body)
    };
    let ((first, message), (second, renewed)) = (log_base(), log_base());
    qemu.send(&message);
    assert_eq!(qemu.hear(), Some((id::SET_LOG_BASE, message.body)));
    assert!(marked(&first).is_empty(), "it is not wanted yet");
    assert_eq!(qemu.acked(features(LOG_ALL)), 0);
    let page = |ring| (ring_place(ring) + 0x3000) / 4096;
    assert_eq!(marked(&first), [page(0), page(1)], "who served the rings before may have died over a mark");
    assert_eq!(qemu.acked(logged_at(77 * 4096)), 0);
    assert_eq!(marked(&first), [77]);
    qemu.send(&renewed);
    assert_eq!(qemu.hear(), Some((id::SET_LOG_BASE, renewed.body)));
    assert_eq!((marked(&first), marked(&second)), (vec![], vec![page(0), 77]));
    world.host.rings.lock().unwrap().get_mut(&1).unwrap().publish();
    assert_eq!((marked(&first), marked(&second)), (vec![], vec![77]));
    assert_eq!(qemu.acked(features(0)), 0);
    world.host.rings.lock().unwrap().get_mut(&1).unwrap().publish();
    assert_eq!((marked(&first), marked(&second)), (vec![], vec![]));
    let calls = world.host.calls.lock().unwrap();
    assert!(calls.iter().all(|call| matches!(call, Call::Relog(..))), "nothing is stopped: {calls:?}");
}

/// QEMU's order for a device that starts in the middle of a migration: the log comes last.
#[test]
fn rings_that_are_to_be_logged_begin_when_there_is_a_log() {
    let (world, guest) = (World::new(), Guest::new());
    let mut qemu = at_work(&world, &guest);
    let features =
        |log: u64| Message::new(id::SET_FEATURES, (PROTOCOL_FEATURES | VERSION_1 | log).to_ne_bytes().to_vec());
    let logged = |ring: u32| {
        let mut body = ring_address(ring);
        body[4] = 1;
        body.splice(32.., (u64::from(70 + ring) * 4096).to_ne_bytes());
        Message::new(id::SET_VRING_ADDR, body)
    };
    let kick = |ring: u32| with_fd(id::SET_VRING_KICK, &u64::from(ring).to_ne_bytes(), bell());
    let begin = |qemu: &mut Raw| {
        (0..2).for_each(|ring| _ = qemu.ask(id::GET_VRING_BASE, &vring_state(ring, 0)));
        assert_eq!(qemu.acked(features(LOG_ALL)), 0);
        (0..2).for_each(|ring| assert_eq!([qemu.acked(logged(ring)), qemu.acked(kick(ring))], [0; 2]));
        assert!(world.host.running().is_empty(), "there is no log");
    };
    begin(&mut qemu);
    let (first, message) = log_base();
    qemu.send(&message);
    qemu.hear().unwrap();
    assert_eq!((world.host.running(), marked(&first)), (vec![0, 1], vec![70, 71]));
    // What changes under a ring that has begun keeps it from nothing, with a log or without.
    assert_eq!(qemu.acked(kick(1)), 0);
    assert_eq!(world.host.running(), [0, 1]);
    qemu.ask(id::GET_VRING_BASE, &vring_state(0, 0));
    assert_eq!([qemu.acked(kick(0)), u64::from(world.host.running() == [0, 1])], [0, 1], "one ring has run on");
    begin(&mut qemu);
    assert_eq!(qemu.acked(features(0)), 0);
    assert_eq!(world.host.running(), [0, 1], "no log is wanted any more");
    assert_eq!(qemu.acked(features(LOG_ALL)), 0);
    assert_eq!(qemu.acked(guest.table()), 0);
    assert_eq!(world.host.running(), [0, 1], "who runs waits for no log");
    assert_eq!(marked(&first), [70, 71], "from when they were kicked for the first time");
}

#[test]
fn messages_that_the_crate_does_not_know_are_served_in_order() {
    let world = World::new();
    let mut qemu = world.frontend();
    qemu.open();
    let mac = [0x52, 0x54, 0, 1, 2, 3, 0, 0];
    assert_eq!(qemu.acked(Message::new(id::SEND_RARP, mac.to_vec())), 0);
    assert_eq!(world.host.calls.lock().unwrap().last(), Some(&Call::Announce(MacAddr([0x52, 0x54, 0, 1, 2, 3]))));
    assert_eq!(qemu.acked(Message::new(id::NET_SET_MTU, 1400_u64.to_ne_bytes().to_vec())), 0);
    assert_ne!(qemu.acked(Message::new(id::NET_SET_MTU, 9000_u64.to_ne_bytes().to_vec())), 0);
    qemu.say(id::SET_STATUS, &15_u64.to_ne_bytes());
    // Many questions in one go: the answers come in the order of the questions, whoever gives them.
    for request in [id::GET_FEATURES, id::GET_STATUS, id::GET_QUEUE_NUM, id::GET_STATUS, id::GET_FEATURES] {
        qemu.say(request, &[]);
    }
    let answers: Vec<u32> = (0..5).map(|_| qemu.hear().unwrap().0).collect();
    assert_eq!(answers, [id::GET_FEATURES, id::GET_STATUS, id::GET_QUEUE_NUM, id::GET_STATUS, id::GET_FEATURES]);
}

#[test]
fn the_order_in_which_a_ring_is_described_does_not_matter() {
    let (world, guest) = (World::new(), Guest::new());
    let parts: [fn() -> Message; 6] = [
        || Message::new(id::SET_FEATURES, (PROTOCOL_FEATURES | VERSION_1).to_ne_bytes().to_vec()),
        || Message::new(id::SET_VRING_NUM, vring_state(0, u32::from(RING_SIZE))),
        || Message::new(id::SET_VRING_ADDR, ring_address(0)),
        || with_fd(id::SET_VRING_KICK, &[0; 8], bell()),
        || with_fd(id::SET_VRING_CALL, &[0; 8], bell()),
        || Message::new(id::SET_VRING_ENABLE, vring_state(0, 1)),
    ];
    for last in 0..parts.len() {
        let mut vmm = world.frontend();
        vmm.open();
        // Addresses are the frontend's own, so the memory table must come before them.
        assert_eq!(vmm.acked(guest.table()), 0);
        for step in 1..=parts.len() {
            // Without features (0) the driver is a legacy one, without a call (4) it polls.
            let needed = step == parts.len() && !matches!(last, 0 | 4);
            assert!(!needed || world.host.running().is_empty(), "part {last} is missing and the ring runs");
            assert_eq!(vmm.acked(parts[(last + step) % parts.len()]()), 0);
        }
        assert_eq!(world.host.running(), [0], "with part {last} last");
    }
}

#[test]
fn a_legacy_driver_is_served_too() {
    let (world, guest) = (World::new(), Guest::new());
    let mut qemu = world.frontend();
    qemu.open();
    qemu.start_rings(&guest, &[0, 1]);
    qemu.say(id::SET_FEATURES, &PROTOCOL_FEATURES.to_ne_bytes());
    qemu.ask_u64(id::GET_QUEUE_NUM);
    assert_eq!(world.host.running(), [0, 1]);
}

#[test]
fn reset_owner_disables_the_rings_and_the_frontend_may_start_over() {
    let (world, guest) = (World::new(), Guest::new());
    let mut old = world.frontend();
    old.open();
    old.start_rings(&guest, &[0, 1]);
    assert_eq!(old.acked(Message::new(id::RESET_OWNER, Vec::new())), 0);
    assert!(world.host.running().is_empty());
    old.say(id::SET_OWNER, &[]);
    old.say(id::SET_OWNER, &[]);
    old.start_rings(&guest, &[0, 1]);
    old.ask_u64(id::GET_QUEUE_NUM);
    assert_eq!(world.host.running(), [0, 1]);
}
