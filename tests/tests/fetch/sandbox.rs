// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What somebody could do who has taken the helper over: nothing that it does not need itself.
use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::getuid;
use tests::https::Authority;
use tests::weftd::binary;

use crate::scene::Helper;

#[test]
fn whatever_an_intruder_tries_fails() {
    let output = Command::new(binary("weft-pvd-fetch"))
        .args(["--probe", "--ca"])
        .arg(ca().path())
        .stdin(Stdio::null())
        .output()
        .expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let said: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once(": ")).collect();
    for (what, expected) in [
        ("read a file", "EACCES"),
        ("read a file of the system", "EACCES"),
        ("read how names are resolved", "done"),
        ("list a directory", "EACCES"),
        ("make a file", "EPERM"),
        ("write a file", "EPERM"),
        ("remove a file", "EPERM"),
        ("start a program", "EPERM"),
        ("become a program", "EPERM"),
        ("start a thread", "EPERM"),
        ("trace", "EPERM"),
        ("kill", "EPERM"),
        ("connect to a Unix socket", "EPERM"),
        ("open a socket of the kernel", "EPERM"),
        ("open a socket of many paths", "EPERM"),
        ("send while connecting", "EPERM"),
        ("listen", "EPERM"),
        ("receive datagrams", "EPERM"),
        ("connect to another port", "EACCES"),
        ("become root", "EPERM"),
        ("memory of 512 MiB", "none"),
        ("descriptors", "16"),
    ] {
        assert_eq!(said.get(what), Some(&expected), "{what}\n{text}");
    }
    if getuid().is_root() {
        assert_eq!(said.get("user"), Some(&"65534"));
    }
}

#[test]
fn the_kernel_says_that_it_has_nothing() {
    let authority = Authority::new();
    let helper = Helper::start(&authority, &[], &[]);
    let status = fs::read_to_string(format!("/proc/{}/status", helper.pid())).expect("it runs");
    let said: BTreeMap<&str, &str> = status.lines().filter_map(|line| line.split_once(":\t")).collect();
    for (key, expected) in [("NoNewPrivs", "1"), ("Seccomp", "2"), ("Threads", "1")] {
        assert_eq!(said.get(key), Some(&expected), "{key}");
    }
    for key in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(said.get(key), Some(&"0000000000000000"), "{key}");
    }
    if getuid().is_root() {
        let nobody = "65534\t65534\t65534\t65534";
        assert_eq!((said.get("Uid"), said.get("Gid")), (Some(&nobody), Some(&nobody)));
        assert_eq!(said.get("Groups").map(|groups| groups.trim()), Some(""));
    }
}

#[test]
fn descriptors_that_were_left_open_for_it_are_closed() {
    let secret = fs::File::open("/etc/passwd").expect("everybody has one");
    fcntl_setfd(&secret, FdFlags::empty()).expect("it is open");
    let authority = Authority::new();
    let helper = Helper::start(&authority, &[], &[]);
    let Ok(open) = fs::read_dir(format!("/proc/{}/fd", helper.pid())) else {
        return tests::skip::skip("only root may look at the descriptors of others");
    };
    let mut open: Vec<_> = open.flatten().map(|entry| entry.file_name().into_string().expect("a number")).collect();
    open.sort();
    assert_eq!(open, ["0", "1", "2"], "{} was left open", secret.as_raw_fd());
}

#[test]
fn a_helper_ends_with_its_input_and_at_nonsense() {
    let file = ca();
    let run = |input: &[u8]| {
        let mut command = Command::new(binary("weft-pvd-fetch"));
        command.arg("--ca").arg(file.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it can be started");
        std::io::Write::write_all(&mut child.stdin.take().expect("it was asked for"), input).expect("it reads");
        child.wait_with_output().expect("it ends").status.code()
    };
    assert_eq!(run(b""), Some(0));
    for nonsense in [&b"{}\n"[..], b"\n", b"\xff\n", &[b'x'; 4096]] {
        assert_eq!(run(nonsense), Some(1), "{nonsense:?}");
    }
}

#[test]
fn without_anybody_to_believe_it_does_not_start() {
    let empty = tempfile::NamedTempFile::new().expect("there is room");
    for file in ["/does/not/exist".into(), empty.path().display().to_string()] {
        let mut command = Command::new(binary("weft-pvd-fetch"));
        let output = command.args(["--ca", &file]).stdin(Stdio::null()).output().expect("it can be started");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && text.contains("cannot be read as certificates"), "{text}");
    }
}

/// A file with the certificate of some authority.
fn ca() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("there is room");
    fs::write(file.path(), Authority::new().pem()).expect("it is ours");
    file
}
