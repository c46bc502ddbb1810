// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What an intruder would try. Each line says what was tried and what came of it, for a test to read.

use rustix::net::{AddressFamily, SendFlags, SocketType, ipproto};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

type Attempt = fn() -> io::Result<()>;

const ATTEMPTS: [(&str, Attempt); 20] = [
    ("read a file", || File::open("/etc/passwd").map(drop)),
    ("read a file of the system", || File::open("/proc/self/maps").map(drop)),
    ("read how names are resolved", || File::open("/etc/hosts").map(drop)),
    ("list a directory", || fs::read_dir("/").map(drop)),
    ("make a file", || File::create("/tmp/weft-pvd-fetch-probe").map(drop)),
    ("write a file", || OpenOptions::new().write(true).open("/dev/null").map(drop)),
    ("remove a file", || fs::remove_file("/tmp/weft-pvd-fetch-probe")),
    ("start a program", || Command::new("/bin/true").spawn().map(drop)),
    ("become a program", || Err(Command::new("/bin/true").exec())),
    ("start a thread", || std::thread::Builder::new().spawn(|| ()).map(drop)),
    ("trace", || Ok(nix::sys::ptrace::traceme()?)),
    ("kill", || Ok(kill_process(Pid::INIT, Signal::CONT)?)),
    ("connect to a Unix socket", || UnixStream::connect("/run/weft/ctl.sock").map(drop)),
    ("open a socket of the kernel", || {
        Ok(rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None).map(drop)?)
    }),
    ("open a socket of many paths", || {
        Ok(rustix::net::socket(AddressFamily::INET, SocketType::STREAM, Some(ipproto::MPTCP)).map(drop)?)
    }),
    ("send while connecting", || {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        let flags = SendFlags::from_bits_retain(libc::MSG_FASTOPEN as u32);
        let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 22);
        Ok(rustix::net::sendto(socket, b"hello", flags, &to).map(drop)?)
    }),
    ("listen", || TcpListener::bind("127.0.0.1:0").map(drop)),
    ("receive datagrams", || UdpSocket::bind("127.0.0.1:0").map(drop)),
    ("connect to another port", || TcpStream::connect("127.0.0.1:22").map(drop)),
    ("become root", || Ok(nix::unistd::setuid(nix::unistd::Uid::from_raw(0))?)),
];

/// Tries everything, and writes down what came of it.
///
/// # Errors
/// Nobody reads that.
pub(crate) fn run() -> io::Result<()> {
    let mut output = io::stdout().lock();
    for (what, attempt) in ATTEMPTS {
        let became = attempt().map_or_else(|why| said(&why), |()| "done".to_owned());
        writeln!(output, "{what}: {became}")?;
    }
    let refused = Vec::<u8>::new().try_reserve(512 << 20).is_err();
    writeln!(output, "memory of 512 MiB: {}", if refused { "none" } else { "done" })?;
    writeln!(output, "descriptors: {}", descriptors())?;
    writeln!(output, "user: {}", rustix::process::getuid())
}

/// The system's own name of an error.
fn said(why: &io::Error) -> String {
    why.raw_os_error().map_or_else(|| why.to_string(), |raw| format!("{:?}", nix::errno::Errno::from_raw(raw)))
}

/// How many can be open at a time.
fn descriptors() -> usize {
    let mut open = Vec::new();
    while let Ok(another) = rustix::io::fcntl_dupfd_cloexec(io::stdin().as_fd(), 0) {
        open.push(another);
    }
    open.len() + 3
}
