// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use super::Guest;
use crate::mmsg::{MESSAGES_MAX, Slots, receive_burst, send_burst};

const SLOTS: Slots = Slots { first: 0x100, stride: 0x40, room: 8 };

#[test]
fn a_burst_arrives_each_message_in_its_slot() {
    let (one, other) = UnixDatagram::pair().unwrap();
    let (guest, mut lens) = (Guest::new(), [0; 4]);
    assert_eq!(send_burst(one.as_fd(), b"abcdefghijkl", &[0..3, 3..3, 3..12]).unwrap(), 3);
    assert_eq!(receive_burst(other.as_fd(), &guest.map(), SLOTS, &mut lens).unwrap(), 3);
    assert_eq!(lens, [3, 0, 9, 0], "the third is longer than a slot");
    assert_eq!((guest.get(0x100), guest.get(0x180), guest.get(0x188)), (*b"abc", *b"defghijk", [0]));
    let nothing = receive_burst(other.as_fd(), &guest.map(), SLOTS, &mut lens).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
}

#[test]
fn what_lies_outside_is_neither_sent_nor_written() {
    let (one, other) = UnixDatagram::pair().unwrap();
    let (guest, mut lens) = (Guest::new(), [7; 2]);
    #[expect(clippy::reversed_empty_ranges, reason = "what nobody should pass")]
    let ranges = [2..9, 3..1];
    assert_eq!(send_burst(one.as_fd(), b"abc", &ranges).unwrap(), 2);
    // The second slot has its end beyond the first two regions.
    let slots = Slots { first: 0x1_fff0, stride: 0x8, room: 9 };
    assert_eq!(receive_burst(other.as_fd(), &guest.map(), slots, &mut lens).unwrap(), 1);
    let nowhere = Slots { first: u64::MAX, stride: u64::MAX, room: 1 };
    assert_eq!(receive_burst(other.as_fd(), &guest.map(), nowhere, &mut lens).unwrap(), 0);
    assert_eq!(lens, [0, 7]);
}

#[test]
fn no_call_takes_more_than_it_has_room_for_and_none_waits() {
    let (one, other) = UnixDatagram::pair().unwrap();
    let messages = vec![0..1; MESSAGES_MAX + 1];
    let mut sent = 0;
    let full = loop {
        match send_burst(one.as_fd(), b"x", &messages) {
            Ok(count) => sent += count,
            Err(why) => break why,
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    assert_eq!(send_burst(one.as_fd(), b"x", &[]).unwrap(), 0);
    let (guest, mut lens) = (Guest::new(), [0; MESSAGES_MAX + 1]);
    let mut came = 0;
    while let Ok(count) = receive_burst(other.as_fd(), &guest.map(), SLOTS, &mut lens) {
        assert!(count <= MESSAGES_MAX);
        came += count;
    }
    assert_eq!(came, sent);
    drop(other);
    assert_eq!(send_burst(one.as_fd(), b"x", &messages).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
