// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Connections: who may come, when, and what is left when they go.

use std::os::unix::net::UnixListener;
use std::sync::mpsc::RecvTimeoutError;

use super::*;

fn opened(config: EndpointConfig) -> Result<Endpoint, OpenError> {
    Endpoint::open(config, Arc::new(FakeHost::default()), channel().0, EventFd::new(EFD_NONBLOCK).unwrap())
}

#[test]
fn a_frontend_that_reconnects_at_once_is_served_every_time() {
    let (world, guest) = (World::new(), Guest::new());
    for _ in 0..20 {
        let mut qemu = world.frontend();
        qemu.open();
        qemu.start_rings(&guest, &[0, 1]);
        qemu.ask_u64(id::GET_QUEUE_NUM);
        assert_eq!(world.host.running(), [0, 1]);
    }
}

#[test]
fn a_second_frontend_is_refused_by_name_and_the_first_works_on() {
    let world = World::new();
    let mut first = world.frontend();
    first.open();
    let mut second = world.frontend();
    assert_eq!(second.hear(), None, "closed at once");
    let reason = world.notice(|n| if let Notice::Refused { reason } = n { Some(reason.clone()) } else { None });
    assert!(reason.contains(&format!("process {}", std::process::id())), "{reason}");
    assert_eq!(first.ask_u64(id::GET_QUEUE_NUM), 2);
}

#[test]
fn client_mode_finds_a_frontend_that_comes_late_and_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vmm.sock");
    let world = World::with(|config| {
        config.mode = Mode::Client;
        config.place = Place::new(&path, None);
    });
    world.notice(|n| (*n == Notice::Connecting).then_some(()));
    world.notice(|n| matches!(n, Notice::Warned { .. }).then_some(()));
    for _ in 0..2 {
        let listener = UnixListener::bind(&path).unwrap();
        let mut vmm = Raw::new(listener.accept().unwrap().0);
        vmm.open();
        assert_eq!(vmm.ask_u64(id::GET_QUEUE_NUM), 2);
        drop((vmm, listener));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(world.down(), "the frontend closed the connection");
    }
}

#[test]
fn a_stale_socket_file_is_replaced_and_a_live_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("port.sock");
    drop(UnixListener::bind(&path).unwrap());
    let first = opened(config(path.clone())).unwrap();
    assert!(matches!(opened(config(path.clone())), Err(OpenError::InUse { .. })));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o660);
    first.close();
    assert!(!path.exists(), "our file goes with us");
}

#[test]
fn paths_that_cannot_be_are_named_errors() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    assert!(matches!(opened(config(file.clone())), Err(OpenError::NotASocket { .. })));
    assert_eq!(std::fs::read(&file).unwrap(), b"kept");
    assert!(matches!(opened(config(dir.path().join("no/such"))), Err(OpenError::NoDirectory { .. })));
    assert!(matches!(opened(config(dir.path().join("x".repeat(120)))), Err(OpenError::PathTooLong { .. })));
    let mut pairs = config(dir.path().join("s"));
    pairs.queue_pairs = 129;
    assert!(matches!(opened(pairs), Err(OpenError::QueuePairs { got: 129 })));
}

#[test]
fn a_socket_from_systemd_is_served_and_left_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("systemd.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let world = World::with(|config| config.inherited = Some(listener.into()));
    let mut qemu = Raw::new(UnixStream::connect(&path).unwrap());
    qemu.open();
    assert_eq!(qemu.ask_u64(id::GET_QUEUE_NUM), 2);
    drop(world);
    assert!(path.exists());
    let mut wrong = config(dir.path().join("s"));
    wrong.inherited = Some(bell());
    assert!(matches!(opened(wrong), Err(OpenError::Inherited)));
}

#[test]
fn a_session_can_be_ended_from_our_side_with_a_reason() {
    let (world, guest) = (World::new(), Guest::new());
    let mut qemu = world.frontend();
    qemu.open();
    qemu.start_rings(&guest, &[0, 1]);
    qemu.ask_u64(id::GET_QUEUE_NUM);
    world.end_session("guest memory faulted");
    assert_eq!(world.down(), "guest memory faulted");
    assert!(world.host.running().is_empty());
    assert_eq!(qemu.hear(), None);
    world.frontend().open();
}

#[test]
fn a_defect_in_the_data_plane_ends_one_session_and_no_more() {
    let (world, guest) = (World::new(), Guest::new());
    world.host.panics.store(true, Ordering::Relaxed);
    let mut qemu = world.frontend();
    qemu.open();
    qemu.start_rings(&guest, &[0]);
    assert!(world.down().contains("a defect in weft ended this session"));
    world.host.panics.store(false, Ordering::Relaxed);
    let mut qemu = world.frontend();
    qemu.open();
    qemu.start_rings(&guest, &[0]);
    qemu.ask_u64(id::GET_QUEUE_NUM);
    assert_eq!(world.host.running(), [0]);
}

#[test]
fn sessions_leave_no_descriptors_and_no_threads_behind() {
    let count = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    // Tests run side by side in one process, so this one compares with itself in a process of its own.
    if std::env::var_os("WEFT_TEST_ALONE").is_none() {
        let name = "vhost_user::tests::life::sessions_leave_no_descriptors_and_no_threads_behind";
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let status = alone.args(["--exact", name, "--test-threads=1"]).env("WEFT_TEST_ALONE", "1").status().unwrap();
        assert!(status.success());
        return;
    }
    let (world, guest) = (World::new(), Guest::new());
    let (fds, threads) = (count("fd"), count("task"));
    for _ in 0..30 {
        let mut qemu = world.frontend();
        qemu.open();
        qemu.start_rings(&guest, &[0, 1]);
        // Descriptors that belong to no message.
        let mut stray = Message::new(id::GET_QUEUE_NUM, Vec::new());
        stray.fds = (0..8).map(|_| bell()).collect();
        qemu.send(&stray);
        assert_eq!(qemu.hear(), None);
        world.down();
        world.notice(|n| (*n == Notice::Listening).then_some(()));
        drop(qemu);
    }
    assert_eq!(world.notices.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    // The last of them are closed by another thread, and a joined thread may show in /proc for a moment longer.
    let deadline = std::time::Instant::now() + PATIENCE;
    while count("fd") > fds || count("task") > threads {
        assert!(std::time::Instant::now() < deadline, "descriptors or threads are left");
        std::thread::yield_now();
    }
}
