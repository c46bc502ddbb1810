// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frontends that break the protocol: their session ends with a reason, and the next is served.

use super::*;
use crate::dispose::tests::{assert_broken_off, lingering};

/// The port works for whoever comes next.
fn assert_served(world: &World) {
    let mut next = world.frontend();
    next.open();
    assert_eq!(next.ask_u64(id::GET_QUEUE_NUM), 2);
}

#[test]
fn streams_that_are_not_the_protocol_end_their_session() {
    let world = World::new();
    let head = |request: u32, flags: u32, size: u32| [request, flags, size].map(u32::to_ne_bytes).concat();
    for (bytes, reason) in [
        (head(1, 2, 0), "version 2"),
        (head(1, 1 | 4, 0), "wrong direction"),
        (head(1, 1 | 1 << 20, 0), "reserved flag bits"),
        (head(1, 1, 4097), "4097 bytes"),
        (head(1, 1, u32::MAX), "4294967295 bytes"),
        (head(999, 1, 0), "message 999 is unknown"),
        (b"GET / HTTP/1.1\r\n".to_vec(), "the frontend broke the protocol"),
    ] {
        let mut bad = world.frontend();
        bad.0.write_all(&bytes).unwrap();
        assert_eq!(bad.hear(), None, "closed");
        let told = world.down();
        assert!(told.contains(reason), "{told}");
    }
    assert_served(&world);
}

#[test]
fn floods_of_descriptors_end_their_session() {
    let world = World::new();
    let bells: Vec<OwnedFd> = (0..40).map(|_| bell()).collect();
    let message = Message::new(id::SET_VRING_KICK, vec![0; 8]).to_bytes();
    for (count, expected) in [(2, "came with 2 file descriptors"), (32, "came with 32"), (33, "more file descriptors")]
    {
        let mut bad = world.frontend();
        send_many(&bad, &message, &bells[..count]);
        assert_eq!(bad.hear(), None);
        let reason = world.down();
        assert!(reason.contains(expected), "{reason}");
    }
    let mut bad = world.frontend();
    bad.0.write_all(&message[..12]).unwrap();
    send_many(&bad, &message[12..], &bells[..1]);
    assert_eq!(bad.hear(), None);
    assert!(world.down().contains("in the middle of a message"));
    assert_served(&world);
}

/// Sends more descriptors than our own code would.
fn send_many(to: &Raw, bytes: &[u8], fds: &[OwnedFd]) {
    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(40))];
    let mut control = rustix::net::SendAncillaryBuffer::new(&mut space);
    assert!(control.push(rustix::net::SendAncillaryMessage::ScmRights(&fds)));
    let flags = rustix::net::SendFlags::NOSIGNAL;
    rustix::net::sendmsg(&to.0, &[std::io::IoSlice::new(bytes)], &mut control, flags).unwrap();
}

#[test]
fn a_message_in_many_pieces_is_one_message() {
    let world = World::new();
    let mut slow = world.frontend();
    slow.say(id::SET_OWNER, &[]);
    for byte in Message::new(id::GET_FEATURES, Vec::new()).to_bytes() {
        slow.0.write_all(&[byte]).unwrap();
    }
    assert_eq!(slow.hear().unwrap().0, id::GET_FEATURES);
}

#[test]
fn what_was_never_offered_is_refused_and_the_session_goes_on() {
    let world = World::new();
    let mut qemu = world.frontend();
    qemu.open();
    for request in
        [id::SET_LOG_BASE, id::RESET_DEVICE, id::SET_INFLIGHT_FD, id::SET_BACKEND_REQ_FD, id::SET_CONFIG, 12345]
    {
        assert_ne!(qemu.acked(Message::new(request, Vec::new())), 0, "message {request}");
    }
    assert_eq!(qemu.acked(with_fd(id::SET_LOG_FD, &[0; 8], bell())), 0);
    assert_eq!(qemu.ask(id::GET_INFLIGHT_FD, &[7; 24])[..16], [0; 16]);
    assert!(qemu.ask(id::POSTCOPY_ADVISE, &[]).is_empty());
    assert_eq!(qemu.ask_u64(id::GET_QUEUE_NUM), 2);
}

#[test]
fn a_memory_file_that_is_too_short_is_refused_before_it_is_touched() {
    let world = World::new();
    let short = Guest { memory: memory_file(REGION) };
    let mut qemu = world.frontend();
    qemu.open();
    qemu.say(id::SET_FEATURES, &(PROTOCOL_FEATURES | VERSION_1).to_ne_bytes());
    assert_ne!(qemu.acked(short.table()), 0);
    assert_eq!(qemu.ask_u64(id::GET_QUEUE_NUM), 2, "with an acknowledgement the session survives");
    qemu.send(&short.table());
    assert_eq!(qemu.hear(), None);
    let reason = world.down();
    assert!(reason.contains("the memory file has 0x100000 bytes, the region needs 0x200000"), "{reason}");
    assert_served(&world);
}

#[test]
fn a_memory_file_that_is_truncated_later_ends_its_session_only() {
    let (world, guest) = (World::new(), Guest::new());
    let mut qemu = world.frontend();
    qemu.open();
    qemu.start_rings(&guest, &[0, 1]);
    qemu.ask_u64(id::GET_QUEUE_NUM);
    guest.memory.set_len(0).unwrap();
    // Any change makes a ring anew, and that reads its used index.
    qemu.say(id::SET_VRING_BASE, &vring_state(1, 0));
    assert_eq!(qemu.hear(), None);
    let reason = world.down();
    assert!(reason.contains("truncated"), "{reason}");
    assert_served(&world);
}

#[test]
fn seals_are_demanded_by_policy() {
    let world = World::with(|config| config.seals = SealPolicy::Require);
    let guest = Guest::new();
    let mut qemu = world.frontend();
    qemu.open();
    assert_ne!(qemu.acked(guest.table()), 0);
    seal(&guest.memory);
    assert_eq!(qemu.acked(guest.table()), 0);
    let world = World::with(|config| config.seals = SealPolicy::Warn);
    let mut qemu = world.frontend();
    qemu.open();
    assert_eq!(qemu.acked(Guest::new().table()), 0);
    let warning = world.notice(|n| if let Notice::Warned { reason } = n { Some(reason.clone()) } else { None });
    assert!(warning.contains("F_SEAL_SHRINK"), "{warning}");
}

#[test]
fn a_ring_that_does_not_fit_its_memory_ends_the_session() {
    let (world, guest) = (World::new(), Guest::new());
    let mut qemu = world.frontend();
    qemu.open();
    qemu.start_rings(&guest, &[0]);
    let end = USER + REGION - 16;
    let words = [end, end, end, 0].map(u64::to_ne_bytes).concat();
    qemu.say(id::SET_VRING_ADDR, &[vring_state(0, 0), words].concat());
    assert_eq!(qemu.hear(), None);
    let reason = world.down();
    assert!(reason.starts_with("ring 0:"), "{reason}");
    assert_served(&world);
}

#[test]
fn random_bytes_never_hang_or_stop_the_port() {
    let world = World::new();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..60 {
        let mut noise = [0; 600];
        for byte in &mut noise {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (seed >> 56) as u8;
        }
        let mut bad = world.frontend();
        // Half of them in the form of messages, so that they get further.
        if seed & 1 == 0 {
            let head = [u32::from(noise[0] % 45), 1, 588].map(u32::to_ne_bytes).concat();
            noise[..12].copy_from_slice(&head);
        }
        let _ = bad.0.write_all(&noise);
        let _ = bad.0.shutdown(std::net::Shutdown::Write);
        while bad.hear().is_some() {}
        world.down();
    }
    assert_served(&world);
}

#[test]
fn descriptors_that_take_a_minute_to_close_hold_up_nobody() {
    let world = World::new();
    let kick = Message::new(id::SET_VRING_KICK, vec![0; 8]).to_bytes();
    // Refused; more than may come with one message; in the middle of one; in a connection that is turned away.
    for (bytes, count) in [(&kick[..], 1), (&kick[..], 33), (&kick[..1], 1)] {
        let mut bad = world.frontend();
        let (sender, reader) = lingering();
        if bytes.len() == 1 {
            bad.0.write_all(&kick[..12]).unwrap();
        }
        let senders: Vec<OwnedFd> = (0..count).map(|_| sender.try_clone().unwrap().into()).collect();
        send_many(&bad, bytes, &senders);
        drop((sender, senders));
        assert_eq!(bad.hear(), None);
        world.down();
        assert_broken_off(reader);
    }
    let first = world.frontend();
    first.say(id::SET_OWNER, &[]);
    // It may be turned away before it has said anything; then the descriptor never leaves us, and nothing is shown.
    let (mut second, sender, reader) = loop {
        let (mut second, (sender, reader)) = (world.frontend(), lingering());
        if sys::fd::send_with_fds(second.0.as_fd(), &kick, &[sender.as_fd()]).is_ok() {
            break (second, sender, reader);
        }
        rustix::net::sockopt::set_socket_linger(&sender, None).unwrap();
        assert_eq!(second.hear(), None);
    };
    drop(sender);
    assert_eq!(second.hear(), None);
    assert_broken_off(reader);
    drop(first);
    world.down();
    assert_served(&world);
}
