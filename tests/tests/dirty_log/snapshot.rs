// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A snapshot of a running guest, restored later, in cloud-hypervisor's words: the rings stop, weft says what state it has, the
//! memory is copied. What the guest did after that has never been.
use std::io::{Read, Write, pipe};
use std::os::fd::AsFd;

use tests::frames::{number_of, numbered};
use tests::frontend::protocol;
use tests::frontend::script::Order;
use tests::guest::{GuestOptions, SyntheticGuest, ping};
use tests::memory::{Layout, Window};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

/// Frames that come between the snapshot and its restoration, and are forgotten.
const FORGOTTEN: u64 = 50;

fn scene() -> (Weftd, SyntheticGuest, SyntheticGuest) {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    let options = GuestOptions::new("one", 1);
    let (layout, protocol) = (Layout::flat(16 << 20), options.protocol | protocol::DEVICE_STATE);
    let one = daemon.attach_as("one", GuestOptions { order: Order::CloudHypervisor, layout, protocol, ..options });
    daemon.add_port("red", "two", 2, &[]);
    let two = daemon.attach("two", 2);
    (daemon, one, two)
}

/// What weft has to say of the device, whose rings have stopped.
fn save(guest: &mut SyntheticGuest) -> Vec<u8> {
    let (mut reader, writer) = pipe().expect("a pipe");
    let own = guest.frontend().set_device_state_fd(false, writer.as_fd()).expect("it is saved");
    assert!(own.is_none(), "weft takes the pipe that it is given");
    drop(writer);
    let mut state = Vec::new();
    reader.read_to_end(&mut state).expect("it comes to its end");
    guest.frontend().check_device_state().expect("it went well");
    assert!(!state.is_empty());
    state
}

/// True when weft takes this state.
fn load(guest: &mut SyntheticGuest, state: &[u8]) -> bool {
    let (reader, mut writer) = pipe().expect("a pipe");
    writer.write_all(state).expect("there is room in it");
    guest.frontend().set_device_state_fd(true, reader.as_fd()).expect("a pipe is a pipe");
    drop(writer);
    guest.frontend().check_device_state().is_ok()
}

/// All memory of the guest.
fn memory(guest: &mut SyntheticGuest) -> Window {
    let region = &guest.memory().regions()[0];
    region.window(0, region.range().size as usize)
}

fn say(from: &mut SyntheticGuest, to: &SyntheticGuest, numbers: std::ops::Range<u64>) {
    numbers.for_each(|number| from.send(&numbered(to.mac(), from.mac(), number, 300)));
}

/// Takes these numbers and no others.
fn hear(guest: &mut SyntheticGuest, numbers: std::ops::Range<u64>) {
    for due in numbers {
        let got = guest.recv_until(Deadline::patient(), |_| true).expect("a frame");
        assert_eq!(number_of(&got.frame), Some(due), "{}", guest.name());
    }
}

#[test]
fn a_guest_goes_on_where_its_snapshot_was_taken() {
    let (daemon, mut one, mut two) = scene();
    say(&mut one, &two, 0..30);
    hear(&mut two, 0..30);
    say(&mut two, &one, 0..30);
    hear(&mut one, 0..20);
    one.drain(Deadline::patient());
    one.stop().expect("rings stop");
    let (state, bases) = (save(&mut one), one.bases().to_vec());
    let memory = memory(&mut one);
    let saved = memory.read(0, memory.len());
    one.land().expect("rings start again");
    say(&mut two, &one, 30..30 + FORGOTTEN);
    let ring = one.pairs()[0].rx.queue().ring().clone();
    until("the guest to be told of more", Deadline::patient(), || u64::from(ring.used_index()) == 30 + FORGOTTEN);
    one.hang_up();
    daemon.await_state("one", "down");
    // The guest's driver has seen nothing of that, and its memory is now what it was.
    memory.write(0, &saved);
    one.connect(Deadline::patient()).expect("the next VMM connects");
    assert!(load(&mut one, &state));
    one.bases().copy_from_slice(&bases);
    one.land().expect("rings start");
    hear(&mut one, 20..30);
    say(&mut one, &two, 30..60);
    hear(&mut two, 30..60);
    // Every buffer that was posted is still there.
    let posted = u64::from(ring.avail_index().wrapping_sub(ring.used_index()));
    let first = 30 + FORGOTTEN;
    say(&mut two, &one, first..first + posted);
    until("all buffers to be used", Deadline::patient(), || ring.used_index() == ring.avail_index());
    hear(&mut one, first..first + posted);
    ping(&mut one, &mut two, 1);
}

#[test]
fn a_state_that_is_none_is_refused_and_the_session_goes_on() {
    let (daemon, mut one, mut two) = scene();
    one.stop().expect("rings stop");
    let state = save(&mut one);
    let mut flipped = state.clone();
    flipped[0] ^= 1;
    let more = [&state[..], b"and more"].concat();
    for wrong in [&state[..state.len() - 1], &state[..1], &flipped, &more, b"somebody else's", &[0xff; 4096]] {
        assert!(!load(&mut one, wrong), "{wrong:x?}");
        daemon.await_reason("one", "the state is of another backend or of a newer weft");
    }
    assert!(one.frontend().check_device_state().is_err(), "nothing was begun");
    daemon.await_reason("one", "no transfer was begun");
    let (reader, writer) = pipe().expect("a pipe");
    one.frontend().set_device_state_fd(true, reader.as_fd()).expect("a pipe is a pipe");
    assert!(one.frontend().check_device_state().is_err(), "its end has not come");
    drop(writer);
    let file = one.memory().regions()[0].file().try_clone_to_owned().expect("a descriptor");
    assert!(one.frontend().set_device_state_fd(true, file.as_fd()).is_err(), "that is no pipe");
    daemon.await_reason("one", "the file descriptor is no pipe");
    // Who has never had any has nothing to load.
    assert!(load(&mut one, &state) && load(&mut one, &[]));
    one.land().expect("rings start again");
    ping(&mut one, &mut two, 1);
}
