// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! F6 and F7: memory tables that cannot be, and files that are no memory.
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::scene::{End, Scene, VICTIM, bell, expect_no, say, words32, words64};
use rustix::fs::{MemfdFlags, memfd_create};
use tests::frames::{BROADCAST, numbered};
use tests::frontend::{Frontend, Request};
use tests::wait::Deadline;

const PAGE: u64 = 4096;
/// Some address of a frontend; nobody looks there.
const USER: u64 = 0x7000_0000_0000;

fn memory(size: u64) -> OwnedFd {
    let fd = memfd_create("memory", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("there is memory");
    File::from(fd.try_clone().expect("a descriptor to spare")).set_len(size).expect("it is empty");
    fd
}

/// A region: guest address, size, frontend address, offset.
fn region(gpa: u64, size: u64, offset: u64) -> [u64; 4] {
    [gpa, size, USER.wrapping_add(gpa), offset]
}

fn table(regions: &[[u64; 4]]) -> Vec<u8> {
    let count = words32(&[regions.len() as u32, 0]);
    regions.iter().fold(count, |body, region| [body, words64(region)].concat())
}

fn refused(scene: &mut Scene, what: &str, regions: &[[u64; 4]], files: &[OwnedFd], reason: &'static str) {
    let fds: Vec<BorrowedFd> = files.iter().map(AsFd::as_fd).collect();
    let frontend = scene.negotiated();
    scene.attack(what, frontend, End::Warned(reason), |frontend| {
        expect_no(frontend, "SET_MEM_TABLE", &table(regions), &fds);
    });
    let frontend = scene.negotiated();
    scene.attack(what, frontend, End::Closed(reason), |frontend| {
        say(frontend, "SET_MEM_TABLE", &table(regions), &fds);
    });
}

#[test]
fn tables_that_cannot_be_are_refused() {
    let mut scene = Scene::new();
    let many = |count: u64| (0..count).map(|at| region(at * PAGE, PAGE, 0)).collect::<Vec<_>>();
    let files = |count: usize| (0..count).map(|_| memory(4 * PAGE)).collect::<Vec<_>>();
    let cases = [
        ("no region", many(0), files(0), "0 regions, expected 1 to 32"),
        ("33 regions", many(33), files(32), "33 regions, expected 1 to 32"),
        ("too few files", many(3), files(2), "came with 2 file descriptors, expected 3"),
        ("too many files", many(1), files(2), "came with 2 file descriptors, expected 1"),
        ("no bytes", vec![region(0, 0, 0)], files(1), "impossible size 0x0"),
        ("too many bytes", vec![region(0, 1 << 47, 0)], files(1), "impossible size 0x800000000000"),
        ("beyond the end of addresses", vec![region(u64::MAX - PAGE + 1, 2 * PAGE, 0)], files(1), "impossible size"),
        ("offset beyond everything", vec![region(0, PAGE, u64::MAX - 100)], files(1), "impossible size"),
        ("offset inside a page", vec![region(0, PAGE, 12)], files(1), "file offset 0xc"),
        ("overlap", vec![region(0, 2 * PAGE, 0), region(PAGE, PAGE, 0)], files(2), "overlaps another"),
        (
            "overlap in the frontend only",
            vec![[0, PAGE, USER, 0], [8 * PAGE, PAGE, USER, 0]],
            files(2),
            "overlaps another",
        ),
    ];
    for (what, regions, files, reason) in cases {
        refused(&mut scene, what, &regions, &files, reason);
    }
}

#[test]
fn files_that_are_no_memory_are_refused() {
    let mut scene = Scene::new();
    let readable = {
        let fd = memory(PAGE);
        OwnedFd::from(File::open(format!("/proc/self/fd/{}", fd.as_raw_fd())).expect("it is ours"))
    };
    let (socket, _peer) = UnixStream::pair().expect("a descriptor to spare");
    let (pipe, _end) = rustix::pipe::pipe().expect("a descriptor to spare");
    let open = |path: &str| OwnedFd::from(File::open(path).expect("every Linux has it"));
    for (what, file, reason) in [
        ("empty", memory(0), "the memory file has 0x0 bytes"),
        ("short", memory(PAGE - 1), "the memory file has 0xfff bytes"),
        ("an eventfd", bell(), "neither tmpfs nor hugetlbfs"),
        ("a socket", socket.into(), "neither tmpfs nor hugetlbfs"),
        ("a pipe", pipe, "neither tmpfs nor hugetlbfs"),
        ("a directory", open("/proc/self"), "neither tmpfs nor hugetlbfs"),
        ("/dev/zero", open("/dev/zero"), "neither tmpfs nor hugetlbfs"),
        ("a file of the kernel", open("/proc/self/maps"), "neither tmpfs nor hugetlbfs"),
        ("read-only", readable, "not open for reading and writing"),
    ] {
        refused(&mut scene, what, &[region(0, PAGE, 0)], &[file], reason);
    }
}

#[test]
fn one_file_for_32_regions_is_fine() {
    let mut scene = Scene::new();
    let file = memory(32 * PAGE);
    let regions: Vec<[u64; 4]> = (0..32).map(|at| region(at * PAGE, PAGE, at * PAGE)).collect();
    let frontend = scene.negotiated();
    scene.attack("the same file 32 times", frontend, End::Served, |frontend| {
        frontend.acknowledge(true);
        for _ in 0..10 {
            let fds = vec![file.as_fd(); 32];
            frontend.command(Request::named("SET_MEM_TABLE"), &table(&regions), &fds).expect("it is");
        }
    });
}

fn add(frontend: &mut Frontend, region: [u64; 4], file: &OwnedFd) -> bool {
    let request = Request::named("ADD_MEM_REG");
    let body = [words64(&[0]), words64(&region)].concat();
    frontend.acknowledge(true);
    frontend.command(request, &body, &[file.as_fd()]).is_ok()
}

#[test]
fn regions_are_added_up_to_the_slots_and_no_further() {
    let mut scene = Scene::new();
    let frontend = scene.negotiated();
    let file = memory(PAGE);
    scene.attack("one region too many", frontend, End::Warned("regions, expected 1 to"), |frontend| {
        let slots = frontend.get_max_mem_slots().expect("it is answered");
        assert!(slots >= 32, "{slots} slots are fewer than a table can have");
        for at in 0..slots {
            assert!(add(frontend, region(at * PAGE, PAGE, 0), &file), "region {at} of {slots}");
        }
        assert!(!add(frontend, region(slots * PAGE, PAGE, 0), &file), "one more than the slots");
        assert!(!add(frontend, region(0, PAGE, 0), &file), "one that is there");
    });
}

#[test]
fn regions_that_are_not_there_cannot_be_removed() {
    let mut scene = Scene::new();
    let frontend = scene.negotiated();
    let file = memory(PAGE);
    scene.attack("remove", frontend, End::Warned("there is no region"), |frontend| {
        assert!(add(frontend, region(0, PAGE, 0), &file));
        for wrong in [region(PAGE, PAGE, 0), region(0, 2 * PAGE, 0), [0, PAGE, USER + PAGE, 0]] {
            expect_no(frontend, "REM_MEM_REG", &[words64(&[0]), words64(&wrong)].concat(), &[file.as_fd()]);
        }
        let body = [words64(&[0]), words64(&region(0, PAGE, 0))].concat();
        frontend.command(Request::named("REM_MEM_REG"), &body, &[]).expect("it is there, once");
        expect_no(frontend, "REM_MEM_REG", &body, &[]);
    });
}

/// A table is replaced by one without the running rings: they cannot run any more, and that is said.
#[test]
fn memory_is_taken_from_under_running_rings() {
    let mut scene = Scene::new();
    let mut guest = scene.daemon.attach(VICTIM, 3);
    let from = guest.mac();
    (0..100).for_each(|number| guest.send(&numbered(BROADCAST, from, number, 1000)));
    let file = memory(PAGE);
    let far = table(&[region(1 << 40, PAGE, 0)]);
    let _ = guest.frontend().command(Request::named("SET_MEM_TABLE"), &far, &[file.as_fd()]);
    assert!(guest.frontend().wait_closed(Deadline::patient()), "rings outside of all memory cannot run");
    scene.daemon.await_reason(VICTIM, "ring");
    guest.hang_up();
    scene.check();
}
