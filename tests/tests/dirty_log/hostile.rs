// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Logs that are none, and logs that go away.
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use tests::frontend::{FrontendError, Request};
use tests::guest::{SyntheticGuest, feature, ping};
use tests::wait::Deadline;
use tests::weftd::Weftd;

use crate::load::{Case, scene};
use crate::log::{Log, PAGE};
use crate::migration::{Migration, set_log, set_logged};

/// What must hold after each attack: the guests that nothing has happened to exchange frames, and the port is served again.
fn check(daemon: &mut Weftd, honest: &mut [SyntheticGuest; 2]) {
    assert!(daemon.alive());
    let [two, three] = honest;
    ping(two, three, 1);
    daemon.await_state("one", "down");
    let mut one = daemon.attach_as("one", Case::all()[0].options("one", 1));
    ping(&mut one, two, 2);
    one.quit().expect("an honest VMM is served");
    daemon.await_state("one", "down");
}

/// A daemon with the attacker and two honest guests.
fn stage() -> (Weftd, SyntheticGuest, [SyntheticGuest; 2]) {
    let (daemon, one, two) = scene(&Case::all()[0]);
    daemon.add_port("red", "three", 3, &[]);
    let three = daemon.attach("three", 3);
    (daemon, one, [two, three])
}

/// What weft answers to a log of these words.
fn answer(one: &mut SyntheticGuest, words: [u64; 2], fds: &[BorrowedFd]) -> Result<Vec<u8>, FrontendError> {
    let body = words.map(u64::to_le_bytes).concat();
    one.frontend().acknowledge(true);
    let request = Request::named("SET_LOG_BASE");
    one.frontend().send(request, tests::frontend::FLAG_NEED_REPLY, &body, fds)?;
    one.frontend().reply(request)
}

#[test]
fn logs_that_cannot_be_are_refused_and_the_guest_goes_on() {
    let (mut daemon, mut one, mut honest) = stage();
    let log = Log::of(one.memory());
    let (size, zero) = (log.size(), File::open("/dev/zero").expect("it is there"));
    let no = 1_u64.to_le_bytes();
    for (words, fds, reason) in [
        ([size, 0], vec![], "came with 0 file descriptors"),
        ([size, 0], vec![log.file(), log.file()], "came with 2 file descriptors"),
        ([0, 0], vec![log.file()], "the log's size is 0x0"),
        ([size / 2, 0], vec![log.file()], "the log's size is"),
        ([u64::MAX, 0], vec![log.file()], "the log's size is 0xffffffffffffffff"),
        ([size, u64::MAX - 4095], vec![log.file()], "the region needs 0xffff"),
        ([size, u64::MAX - 7], vec![log.file()], "impossible size"),
        ([size, 1 << 40], vec![log.file()], "the memory file has"),
        ([1 << 32, 0], vec![log.file()], "the memory file has"),
        ([size, 8], vec![log.file()], "is not a multiple of the page size"),
        ([size, 0], vec![zero.as_fd()], "neither tmpfs nor hugetlbfs"),
    ] {
        assert_eq!(answer(&mut one, words, &fds).expect("an answer"), no, "{reason}");
        daemon.await_reason("one", reason);
        ping(&mut one, &mut honest[0], 3);
    }
    Migration::begin(&mut one).finish(&mut one);
    drop(one);
    check(&mut daemon, &mut honest);
}

#[test]
fn a_refused_log_ends_the_session_of_who_would_not_hear_of_it() {
    let (mut daemon, mut one, mut honest) = stage();
    one.frontend().acknowledge(false);
    one.frontend().send(Request::named("SET_LOG_BASE"), 0, &[0; 16], &[]).expect("the session is open");
    assert!(one.frontend().wait_closed(Deadline::patient()));
    daemon.await_reason("one", "SET_LOG_BASE came with 0 file descriptors");
    drop(one);
    check(&mut daemon, &mut honest);
}

#[test]
fn a_log_that_is_cut_short_ends_its_session_and_no_other() {
    let (mut daemon, mut one, mut honest) = stage();
    let log = Log::unsealed(1 << 33);
    set_log(&mut one, &log);
    set_logged(&mut one, true);
    ping(&mut one, &mut honest[0], 4);
    log.cut();
    // The answer may be the last.
    let frame = tests::frames::numbered(one.mac(), honest[0].mac(), 5, 60);
    honest[0].send(&frame);
    assert!(one.frontend().wait_closed(Deadline::patient()), "the session goes on without its log");
    daemon.await_reason("one", "the dirty log of the guest's migration was truncated");
    one.hang_up();
    drop(one);
    check(&mut daemon, &mut honest);
}

#[test]
fn half_of_it_does_no_harm() {
    let (mut daemon, mut one, mut honest) = stage();
    // LOG_ALL without a log.
    set_logged(&mut one, true);
    ping(&mut one, &mut honest[0], 6);
    set_logged(&mut one, false);
    // A log that nobody wants written.
    let log = Log::of(one.memory());
    set_log(&mut one, &log);
    ping(&mut one, &mut honest[0], 7);
    assert!(log.take().is_empty());
    // Used rings that are logged where the log has no bits, or in the last of them.
    set_logged(&mut one, true);
    let ring = one.pairs()[0].rx.queue().ring().clone();
    for place in [8 * PAGE * log.size() - 1, 8 * PAGE * log.size(), u64::MAX - 1, u64::MAX] {
        let at = tests::frontend::RingAddresses { flags: 1, log: place, ..(&ring).into() };
        one.frontend().set_vring_addr(0, at).expect("any place is taken");
        ping(&mut one, &mut honest[0], 8);
    }
    assert!(one.features() & feature::LOG_ALL == 0, "the guest itself knows nothing of it");
    drop(one);
    check(&mut daemon, &mut honest);
}

/// A VMM that announces a log and gives none: its rings wait, but not for ever.
#[test]
fn a_log_that_never_comes_is_not_waited_for_without_end() {
    let (mut daemon, mut one, mut honest) = stage();
    one.hang_up();
    daemon.await_state("one", "down");
    one.set_logged(true, None);
    one.reconnect(Deadline::patient());
    let [two, three] = &mut honest;
    ping(two, three, 9);
    daemon.await_reason("one", "has given no log");
    ping(&mut one, &mut honest[0], 10);
    // It may come then, and it may be taken back while it is waited for.
    Migration::begin(&mut one).finish(&mut one);
    one.set_logged(true, None);
    one.pause(false).expect("rings start again");
    set_logged(&mut one, false);
    ping(&mut one, &mut honest[0], 11);
    drop(one);
    check(&mut daemon, &mut honest);
}

/// A log may be one of the guest's own pages: weft marks what it wrote, and garbles that guest alone.
#[test]
fn a_log_in_guest_memory_is_its_own_guests_affair() {
    let (mut daemon, mut one, mut honest) = stage();
    let region = &one.memory().regions()[0];
    let file = region.file().try_clone_to_owned().expect("a descriptor");
    one.frontend().acknowledge(true);
    one.frontend().set_log_base(1 << 18, 0, file.as_fd()).expect("a file is a file");
    let features = one.features() | feature::LOG_ALL;
    // The answer may be lost in what the guest has done to itself.
    let _ = one.frontend().set_features(features);
    let [two, three] = &mut honest;
    (0..20).for_each(|sequence| ping(two, three, sequence));
    drop(one);
    check(&mut daemon, &mut honest);
}
