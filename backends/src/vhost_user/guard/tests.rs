// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Each refusal of the guard, by table.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags};

use super::super::budget::{Budget, Share};
use super::*;
use crate::vhost_user::features::VERSION_1;
use crate::vhost_user::message::NOFD;

const PAGE: u64 = 4096;
const USER: u64 = 0x7000_0000;

fn limits(seals: SealPolicy) -> Limits {
    Limits { rings: 2, features: PROTOCOL_FEATURES | VERSION_1, mtu: 1500, seals }
}

/// A guard whose session has negotiated everything that is offered.
fn negotiated() -> Guard {
    let mut guard = Guard::new(limits(SealPolicy::Warn));
    for message in [
        Message::new(id::GET_FEATURES, Vec::new()),
        Message::new(id::SET_PROTOCOL_FEATURES, protocol_features().bits().to_ne_bytes().to_vec()),
    ] {
        assert!(matches!(guard.judge(message).verdict, Verdict::Forward { .. }));
    }
    guard
}

fn bell() -> OwnedFd {
    rustix::event::eventfd(0, rustix::event::EventfdFlags::empty()).unwrap()
}

fn memory(pages: u64) -> OwnedFd {
    let fd = rustix::fs::memfd_create("guest", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    rustix::fs::ftruncate(&fd, pages * PAGE).unwrap();
    fd
}

fn message(request: u32, body: &[u8], fds: Vec<OwnedFd>) -> Message {
    Message { fds: fds.into(), ..Message::new(request, body.to_vec()) }
}

/// A SET_MEM_TABLE with these regions (guest, size, user, offset), each with its file.
fn table(regions: &[[u64; 4]], fds: Vec<OwnedFd>) -> Message {
    let count = u32::try_from(regions.len()).unwrap();
    let head = [count.to_ne_bytes(), [0; 4]].concat();
    let body = regions.iter().fold(head, |body, region| [body, region.map(u64::to_ne_bytes).concat()].concat());
    message(id::SET_MEM_TABLE, &body, fds)
}

fn one(region: [u64; 4], fd: impl Into<OwnedFd>) -> Message {
    table(&[region], vec![fd.into()])
}

/// The refusal that a message without a wish for an acknowledgement meets, as text.
fn refused(guard: &mut Guard, message: Message) -> String {
    let Ruling { verdict, notes } = guard.judge(message);
    match (verdict, notes.into_iter().next()) {
        (Verdict::Refuse(refusal), _) | (Verdict::Answer(_), Some(Note::Warn(refusal))) => refusal.to_string(),
        (other, _) => panic!("not refused: {other:?}"),
    }
}

#[test]
fn every_malformed_message_is_refused_by_name() {
    let word = |value: u64| value.to_ne_bytes();
    let cases: Vec<(Message, &str)> = vec![
        (message(id::GET_FEATURES, &[0], vec![]), "GET_FEATURES has a payload of 1 bytes, expected 0"),
        (message(id::SET_FEATURES, &[0; 7], vec![]), "SET_FEATURES has a payload of 7 bytes, expected 8"),
        (message(id::SET_FEATURES, &word(1 << 33), vec![]), "SET_FEATURES: the feature word is 0x200000000"),
        (
            message(id::SET_PROTOCOL_FEATURES, &word(1 << 12), vec![]),
            "SET_PROTOCOL_FEATURES: the feature word is 0x1000",
        ),
        (message(id::SET_OWNER, &[], vec![bell()]), "SET_OWNER came with 1 file descriptors, expected 0"),
        (message(id::SET_VRING_NUM, &vring_state(2, 256), vec![]), "names ring 2, the port has 2"),
        (message(id::SET_VRING_NUM, &vring_state(0x1_0000, 256), vec![]), "names ring 65536"),
        (message(id::SET_VRING_NUM, &vring_state(u32::MAX, 256), vec![]), "names ring 4294967295"),
        (message(id::SET_VRING_NUM, &vring_state(0, 0), vec![]), "the ring size is 0x0"),
        (message(id::SET_VRING_NUM, &vring_state(0, 3), vec![]), "the ring size is 0x3"),
        (message(id::SET_VRING_NUM, &vring_state(0, 65536), vec![]), "the ring size is 0x10000"),
        (message(id::SET_VRING_NUM, &vring_state(0, 0x1_0001), vec![]), "the ring size is 0x10001"),
        (message(id::SET_VRING_BASE, &vring_state(0, 0x1_0000), vec![]), "the ring's base is 0x10000"),
        (message(id::SET_VRING_ENABLE, &vring_state(0, 2), vec![]), "the ring's state is 0x2"),
        (message(id::SET_VRING_ADDR, &[0; 40], vec![]), "SET_VRING_ADDR: the descriptor table is 0x0"),
        (message(id::SET_VRING_KICK, &word(0), vec![]), "SET_VRING_KICK came with 0 file descriptors, expected 1"),
        (message(id::SET_VRING_KICK, &word(NOFD), vec![bell()]), "came with 1 file descriptors, expected 0"),
        (message(id::SET_VRING_KICK, &word(1 << 32), vec![bell()]), "names ring 4294967296"),
        (
            message(id::SET_VRING_CALL, &word(1), vec![memory(1)]),
            "SET_VRING_CALL came with a file descriptor that is no",
        ),
        (message(id::SET_VRING_ERR, &word(7), vec![bell()]), "names ring 7"),
        (message(id::NET_SET_MTU, &word(67), vec![]), "the MTU is 0x43, expected 68 to 1500"),
        (message(id::NET_SET_MTU, &word(1501), vec![]), "the MTU is 0x5dd, expected 68 to 1500"),
        (message(id::SEND_RARP, &[0xff; 8], vec![]), "SEND_RARP: the MAC address is 0xffffffffffff"),
        (message(id::SET_BACKEND_REQ_FD, &[], vec![bell()]), "SET_BACKEND_REQ_FD belongs to a feature"),
        (message(id::GET_CONFIG, &[0; 12], vec![]), "GET_CONFIG: the size is 0x0"),
        (message(id::ADD_MEM_REG, &[0; 40], vec![]), "ADD_MEM_REG came with 0 file descriptors, expected 1"),
        (message(id::REM_MEM_REG, &[0; 40], vec![]), "REM_MEM_REG: there is no region at 0x0"),
        (message(4711, &[], vec![]), "message 4711 is unknown"),
    ];
    for (message, expected) in cases {
        let text = refused(&mut negotiated(), message);
        assert!(text.contains(expected), "{text:?} lacks {expected:?}");
    }
}

/// A SET_LOG_BASE.
fn log(size: u64, offset: u64, fd: impl Into<OwnedFd>) -> Message {
    message(id::SET_LOG_BASE, &[size, offset].map(u64::to_ne_bytes).concat(), vec![fd.into()])
}

#[test]
fn every_impossible_log_is_refused_by_name() {
    const COVERED: u64 = 8 * PAGE * PAGE;
    let readable = File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&memory(1))));
    let cases: Vec<(Message, &str)> = vec![
        (message(id::SET_LOG_BASE, &[0; 8], vec![memory(1)]), "SET_LOG_BASE has a payload of 8 bytes, expected 16"),
        (message(id::SET_LOG_BASE, &[0; 16], vec![]), "SET_LOG_BASE came with 0 file descriptors, expected 1"),
        (log(0, 0, memory(1)), "SET_LOG_BASE: the log's size is 0x0, expected 0x1001 to 0x100000000 bytes"),
        (log(PAGE, 0, memory(1)), "the log's size is 0x1000"),
        (log(u64::MAX, 0, memory(1)), "the log's size is 0xffffffffffffffff"),
        (log((1 << 32) + 1, 0, memory(1)), "the log's size is 0x100000001"),
        (log(2 * PAGE, u64::MAX - PAGE + 1, memory(2)), "impossible size 0x2000"),
        (log(2 * PAGE, 12, memory(3)), "file offset 0xc"),
        (log(2 * PAGE, PAGE, memory(2)), "the memory file has 0x2000 bytes, the region needs 0x3000"),
        (log(2 * PAGE, 0, memory(0)), "the memory file has 0x0 bytes"),
        (log(2 * PAGE, 0, bell()), "neither tmpfs nor hugetlbfs"),
        (log(2 * PAGE, 0, File::open("/dev/zero").unwrap()), "neither tmpfs nor hugetlbfs"),
    ];
    for (message, expected) in cases.into_iter().chain(readable.map(|file| (log(2 * PAGE, 0, file), "not open for"))) {
        let mut guard = negotiated();
        guard.judge(one([COVERED, PAGE, USER, 0], memory(1)));
        let text = refused(&mut guard, message);
        assert!(text.contains(expected), "{text:?} lacks {expected:?}");
    }
    let mut guard = Guard::new(limits(SealPolicy::Warn));
    assert!(refused(&mut guard, log(PAGE, 0, memory(1))).contains("SET_LOG_BASE belongs to a feature that was not"));
    let mut guard = negotiated();
    guard.limits.seals = SealPolicy::Require;
    assert!(refused(&mut guard, log(PAGE, 0, memory(1))).contains("not sealed"));
}

#[test]
fn a_log_is_answered_with_its_own_words() {
    let mut guard = negotiated();
    guard.judge(one([0, PAGE, USER, 0], memory(1)));
    let Ruling { verdict, mut notes } = guard.judge(log(PAGE, PAGE, memory(2)));
    let Verdict::Answer(Some(reply)) = verdict else { panic!("{verdict:?}") };
    assert_eq!((reply.request, reply.body), (id::SET_LOG_BASE, [PAGE, PAGE].map(u64::to_ne_bytes).concat()));
    assert!(matches!(notes.pop(), Some(Note::Log(_))));
}

/// What the guard answers to SET_DEVICE_STATE_FD and CHECK_DEVICE_STATE: the numbers, or why not.
fn transfer(guard: &mut Guard, direction: u32, pipe: OwnedFd) -> Result<[u64; 2], String> {
    let answer = |guard: &mut Guard, message| {
        let Ruling { verdict, notes } = guard.judge(message);
        match (verdict, notes.first()) {
            (_, Some(Note::Warn(refusal))) => Err(refusal.to_string()),
            (Verdict::Answer(Some(reply)), None) => Ok(reply.u64_at(0).unwrap()),
            (other, _) => panic!("{other:?}"),
        }
    };
    let begun = answer(guard, message(id::SET_DEVICE_STATE_FD, &vring_state(direction, 0), vec![pipe]))?;
    Ok([begun, answer(guard, message(id::CHECK_DEVICE_STATE, &[], vec![]))?])
}

#[test]
fn the_state_that_is_saved_can_be_loaded_and_no_other() {
    let mut guard = negotiated();
    let pipe = || rustix::pipe::pipe().unwrap();
    let (from, to) = pipe();
    assert_eq!(transfer(&mut guard, 0, to), Ok([NOFD, 0]));
    let mut saved = [0; 64];
    let len = rustix::io::read(&from, &mut saved).unwrap();
    assert_eq!(rustix::io::read(&from, &mut saved[len..]), Ok(0), "the end is the end of the state");
    let load = |bytes: &[u8]| {
        let (from, to) = pipe();
        rustix::io::write(&to, bytes).unwrap();
        drop(to);
        transfer(&mut negotiated(), 1, from)
    };
    assert_eq!(load(&saved[..len]), Ok([NOFD, 0]));
    assert_eq!(load(b""), Ok([NOFD, 0]));
    for foreign in [&b"weft net 2\n"[..], b"weft net 1\nand more", b"\0", &[0xff; 4096], &saved[..len - 1]] {
        assert!(load(foreign).unwrap_err().contains("of another backend or of a newer weft"));
    }
}

#[test]
fn a_state_that_cannot_be_moved_is_refused_by_name() {
    let mut guard = negotiated();
    let text = refused(&mut guard, message(id::CHECK_DEVICE_STATE, &[], vec![]));
    assert!(text.contains("no transfer was begun"), "{text}");
    let (from, _to) = rustix::pipe::pipe().unwrap();
    assert!(transfer(&mut guard, 1, from).unwrap_err().contains("has not come to its end"));
    assert!(transfer(&mut guard, 0, memory(1)).unwrap_err().contains("no pipe"));
    let (from, to) = rustix::pipe::pipe().unwrap();
    drop(from);
    assert!(transfer(&mut guard, 0, to).unwrap_err().contains("does not take the state"));
    let (_from, to) = rustix::pipe::pipe().unwrap();
    assert!(transfer(&mut guard, 2, to).unwrap_err().contains("the direction is 0x2"));
}

#[test]
fn a_ring_is_logged_where_its_address_message_says() {
    let mut guard = negotiated();
    guard.judge(one([0, PAGE, USER, 0], memory(1)));
    for (flags, log) in [(1, Some(0x1234)), (0, None)] {
        let words = [USER, USER, USER, 0x1234].map(u64::to_ne_bytes).concat();
        let ruling = guard.judge(message(id::SET_VRING_ADDR, &[vring_state(1, flags), words].concat(), vec![]));
        assert_eq!(ruling.notes, [Note::RingLog(1, log)]);
    }
}

#[test]
fn every_impossible_memory_table_is_refused_by_name() {
    let two = |a, b| table(&[a, b], vec![memory(4), memory(4)]);
    let readable = {
        let fd = memory(1);
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&fd));
        OwnedFd::from(File::open(path).unwrap())
    };
    let sealed = memory(1);
    rustix::fs::fcntl_add_seals(&sealed, SealFlags::FUTURE_WRITE).unwrap();
    let many = |count: usize| {
        let regions: Vec<[u64; 4]> = (0..count as u64).map(|at| [at * PAGE, PAGE, USER + at * PAGE, 0]).collect();
        let file = memory(1);
        let fds = regions.iter().map(|_| file.as_fd().try_clone_to_owned().unwrap()).collect();
        table(&regions, fds)
    };
    let cases: Vec<(Message, &str)> = vec![
        (many(0), "0 regions, expected 1 to 32"),
        (many(33), "33 regions, expected 1 to 32"),
        (table(&[[0, PAGE, USER, 0]], vec![]), "came with 0 file descriptors, expected 1"),
        (table(&[[0, PAGE, USER, 0]], vec![memory(1), memory(1)]), "came with 2 file descriptors, expected 1"),
        (one([0, 0, USER, 0], memory(1)), "impossible size 0x0"),
        (one([0, 1 << 47, USER, 0], memory(1)), "impossible size 0x800000000000"),
        (one([u64::MAX - PAGE, 2 * PAGE, USER, 0], memory(2)), "impossible size 0x2000"),
        (one([0, 2 * PAGE, u64::MAX - PAGE, 0], memory(2)), "impossible size 0x2000"),
        (one([0, PAGE, USER, u64::MAX - 1], memory(1)), "impossible size 0x1000"),
        (one([0, PAGE, USER, 12], memory(2)), "file offset 0xc"),
        (one([0, PAGE, USER, PAGE], memory(1)), "the memory file has 0x1000 bytes, the region needs 0x2000"),
        (one([0, PAGE, USER, 0], memory(0)), "the memory file has 0x0 bytes"),
        (two([0, 2 * PAGE, USER, 0], [PAGE, PAGE, 2 * USER, 0]), "the region at 0x1000 overlaps"),
        (two([0, 2 * PAGE, USER, 0], [4 * PAGE, PAGE, USER + PAGE, 0]), "the region at 0x4000 overlaps"),
        (one([0, PAGE, USER, 0], bell()), "neither tmpfs nor hugetlbfs"),
        (one([0, PAGE, USER, 0], File::open("/").unwrap()), "neither tmpfs nor hugetlbfs"),
        (one([0, PAGE, USER, 0], File::open("/dev/zero").unwrap()), "neither tmpfs nor hugetlbfs"),
        (one([0, PAGE, USER, 0], File::open("/proc/self/maps").unwrap()), "neither tmpfs nor hugetlbfs"),
        (one([0, PAGE, USER, 0], readable), "not open for reading and writing"),
        (one([0, PAGE, USER, 0], sealed), "not open for reading and writing"),
    ];
    for (message, expected) in cases {
        let text = refused(&mut negotiated(), message);
        assert!(text.contains(expected), "{text:?} lacks {expected:?}");
    }
    assert!(matches!(negotiated().judge(many(32)).verdict, Verdict::Forward { .. }));
}

#[test]
fn regions_go_to_the_daemon_sorted_and_each_keeps_its_file() {
    let regions = [[8 * PAGE, PAGE, USER + 8 * PAGE, 0], [0, 2 * PAGE, USER, PAGE]];
    let (small, large) = (memory(1), memory(3));
    let Verdict::Forward { messages, .. } = negotiated().judge(table(&regions, vec![small, large])).verdict else {
        panic!("refused");
    };
    let message = messages.last().unwrap();
    assert_eq!((message.u64_at(8), message.u64_at(40)), (Some(0), Some(8 * PAGE)));
    let sizes: Vec<i64> = message.fds.iter().map(|fd| rustix::fs::fstat(fd).unwrap().st_size).collect();
    assert_eq!(sizes, [3 * 4096, 4096]);
}

#[test]
fn the_daemon_is_greeted_before_the_first_message_and_once() {
    let mut guard = Guard::new(limits(SealPolicy::Off));
    let forwarded = |verdict| match verdict {
        Verdict::Forward { messages, .. } => messages.iter().map(|message| message.request).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let enable = || Message::new(id::SET_VRING_ENABLE, vring_state(0, 1));
    assert_eq!(forwarded(guard.judge(enable()).verdict), [id::SET_FEATURES, id::SET_VRING_ENABLE]);
    assert_eq!(forwarded(guard.judge(enable()).verdict), [id::SET_VRING_ENABLE]);
}

#[test]
fn acknowledgements_are_given_only_where_they_were_negotiated() {
    let wish = || Message { flags: 1 | 8, ..Message::new(id::SET_VRING_NUM, vring_state(0, 3)) };
    let mut early = Guard::new(limits(SealPolicy::Off));
    assert!(matches!(early.judge(wish()).verdict, Verdict::Refuse(_)));
    let mut guard = negotiated();
    for _ in 0..WARNINGS_MAX {
        let Verdict::Answer(Some(reply)) = guard.judge(wish()).verdict else { panic!("no acknowledgement") };
        assert_eq!((reply.request, reply.u64_at(0)), (id::SET_VRING_NUM, Some(1)));
    }
    assert!(
        matches!(guard.judge(wish()).verdict, Verdict::Refuse(Refusal::TooMany { .. })),
        "it does not go on for ever"
    );
}

#[test]
fn optional_messages_that_are_refused_are_ignored_with_a_warning() {
    let ruling = negotiated().judge(message(id::SET_BACKEND_REQ_FD, &[], vec![bell()]));
    assert!(matches!(ruling.verdict, Verdict::Answer(None)));
    assert_eq!(ruling.notes, [Note::Warn(Refusal::NotNegotiated { message: "SET_BACKEND_REQ_FD" })]);
}

#[test]
fn doorbells_cannot_block_us() {
    let bell = bell();
    let copy = bell.as_fd().try_clone_to_owned().unwrap();
    negotiated().judge(message(id::SET_VRING_CALL, &[0; 8], vec![bell]));
    assert!(rustix::fs::fcntl_getfl(&copy).unwrap().contains(rustix::fs::OFlags::NONBLOCK));
}

#[test]
fn the_table_has_one_line_for_each_message() {
    let mut ids: Vec<u32> = table::TABLE.iter().map(|rule| rule.request).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), table::TABLE.len());
}

/// An ADD_MEM_REG of `size` bytes at guest-physical `guest`.
fn add(guest: u64, size: u64, fd: OwnedFd) -> Message {
    let words = [0, guest, size, USER + guest, 0].map(u64::to_ne_bytes).concat();
    message(id::ADD_MEM_REG, &words, vec![fd])
}

#[test]
fn regions_are_taken_up_to_the_slots_that_are_announced() {
    let mut guard = negotiated();
    let ask = guard.judge(message(id::GET_MAX_MEM_SLOTS, &[], vec![])).verdict;
    let Verdict::Answer(Some(reply)) = ask else { panic!("{ask:?}") };
    assert_eq!(reply.u64_at(0), Some(64));
    for at in 0..64 {
        assert!(matches!(guard.judge(add(at * PAGE, PAGE, memory(1))).verdict, Verdict::Forward { .. }));
    }
    assert!(refused(&mut guard, add(64 * PAGE, PAGE, memory(1))).contains("65 regions"));
}

#[test]
fn one_guest_has_a_tebibyte_at_most() {
    let mut guard = negotiated();
    let half = (1 << 39) / PAGE;
    for at in 0..2 {
        assert!(matches!(guard.judge(add(at << 39, 1 << 39, memory(half))).verdict, Verdict::Forward { .. }));
    }
    let text = refused(&mut guard, add(1 << 40, PAGE, memory(1)));
    assert!(text.contains("0x10000001000 bytes of guest memory, at most 0x10000000000"), "{text}");
}

#[test]
fn what_all_guests_map_is_bounded_and_a_refusal_is_of_one_session() {
    let budget = Box::leak(Box::new(Budget::new(Share { bytes: 3 * PAGE, regions: 9 })));
    let guard = || Guard { ledger: Arc::new(Ledger::new(budget)), ..negotiated() };
    let (mut greedy, mut other) = (guard(), guard());
    let two = || one([0, 2 * PAGE, USER, 0], memory(2));
    assert!(matches!(greedy.judge(two()).verdict, Verdict::Forward { .. }));
    assert!(refused(&mut other, two()).contains("the guests of all ports would need more than"));
    // What was refused is not in the table either.
    assert!(refused(&mut other, message(id::REM_MEM_REG, &[0; 40], vec![])).contains("there is no region"));
    drop(greedy);
    assert!(matches!(other.judge(two()).verdict, Verdict::Forward { .. }));
    assert!(refused(&mut other, two()).contains("the guests of all ports"), "old and new would be there at once");
    other.ledger().advance();
    assert!(matches!(other.judge(one([0, PAGE, USER, 0], memory(1))).verdict, Verdict::Forward { .. }));
}
