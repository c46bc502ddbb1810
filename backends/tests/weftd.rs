// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weftd` as a process: how it starts, what signals do to it, what it leaves behind.
// The helpers of a test may end it, as its assertions do.
#![allow(clippy::unwrap_used)]

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(20);

/// A running daemon in a directory of its own.
struct Daemon {
    child: Child,
    told: UnixDatagram,
    directory: PathBuf,
}

impl Daemon {
    /// Starts it and waits until it tells systemd that it is ready.
    fn start(directory: &Path) -> Daemon {
        Daemon::start_with(directory, &[])
    }

    /// The same with more in its environment.
    fn start_with(directory: &Path, more: &[(&str, &str)]) -> Daemon {
        let notify = directory.join("notify");
        let _ = fs::remove_file(&notify);
        let told = UnixDatagram::bind(&notify).unwrap();
        told.set_read_timeout(Some(DEADLINE)).unwrap();
        let child =
            weftd(directory).env("NOTIFY_SOCKET", &notify).envs(more.iter().copied()).stderr(Stdio::piped()).spawn();
        let child = child.unwrap();
        let daemon = Daemon { child, told, directory: directory.to_owned() };
        assert_eq!(daemon.next_state(), "READY=1");
        daemon
    }

    fn next_state(&self) -> String {
        let mut bytes = [0; 256];
        let n = self.told.recv(&mut bytes).expect("systemd is told in time");
        String::from_utf8_lossy(&bytes[..n]).trim().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The names of the ports, asked over the control socket.
    fn ports(&self) -> Vec<String> {
        let mut stream = UnixStream::connect(self.directory.join("ctl.sock")).unwrap();
        stream.write_all(b"{\"method\":\"org.weft.Switch1.PortList\"}\0").unwrap();
        let mut bytes = Vec::new();
        let mut byte = [1];
        while byte[0] != 0 && stream.read(&mut byte).unwrap() == 1 {
            bytes.push(byte[0]);
        }
        let reply: serde_json::Value = serde_json::from_slice(&bytes[..bytes.len() - 1]).unwrap();
        let ports = reply["parameters"]["ports"].as_array().unwrap();
        ports.iter().map(|port| port["name"].as_str().unwrap().to_owned()).collect()
    }

    fn wait_for_ports(&self, expected: &[&str]) {
        let end = Instant::now() + DEADLINE;
        while self.ports() != expected {
            assert!(Instant::now() < end, "{:?} instead of {expected:?}", self.ports());
            std::thread::yield_now();
        }
    }

    /// Waits for its end; its exit status and what it logged.
    fn end(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Daemon {
    /// A test that failed leaves no daemon behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn weftd(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weftd"));
    command.arg("--socket").arg(directory.join("ctl.sock")).arg("--state").arg(directory.join("state"));
    if directory.join("weft.toml").exists() {
        command.arg("--config").arg(directory.join("weft.toml"));
    }
    command
}

fn config(directory: &Path, ports: &[&str]) {
    let mut text = "[[namespace]]\nname = \"red\"\n".to_owned();
    for port in ports {
        let path = directory.join(format!("{port}.sock"));
        text += &format!("[[port]]\nname = \"{port}\"\nnamespace = \"red\"\nvhost-user = {path:?}\n");
    }
    fs::write(directory.join("weft.toml"), text).unwrap();
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn test_sigterm_ends_it_cleanly_and_removes_its_sockets() {
    let directory = tempfile::tempdir().unwrap();
    config(directory.path(), &["vm1"]);
    let daemon = Daemon::start(directory.path());
    assert!(directory.path().join("vm1.sock").exists());
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.next_state(), "STOPPING=1");
    let (status, log) = daemon.end();
    assert_eq!(status, Some(0), "{log}");
    assert!(!directory.path().join("vm1.sock").exists() && !directory.path().join("ctl.sock").exists());
}

#[test]
fn test_after_kill_9_it_starts_over_its_own_remains() {
    let directory = tempfile::tempdir().unwrap();
    config(directory.path(), &["vm1"]);
    let daemon = Daemon::start(directory.path());
    daemon.signal(Signal::KILL);
    daemon.end();
    assert!(directory.path().join("ctl.sock").exists());
    let daemon = Daemon::start(directory.path());
    assert_eq!(daemon.ports(), ["vm1"]);
    let second = run(&mut weftd(directory.path()));
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another weftd listens on it"));
    daemon.signal(Signal::INT);
    assert_eq!(daemon.end().0, Some(0));
}

#[test]
fn test_systemds_watchdog_is_fed_where_there_is_one_and_while_the_process_runs() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = Daemon::start_with(directory.path(), &[("WATCHDOG_USEC", "10000000")]);
    assert_eq!([daemon.next_state(), daemon.next_state()], ["WATCHDOG=1", "WATCHDOG=1"]);
    daemon.signal(Signal::TERM);
    let stopping = std::iter::from_fn(|| Some(daemon.next_state())).find(|state| state != "WATCHDOG=1");
    assert_eq!(stopping.as_deref(), Some("STOPPING=1"));
    daemon.end();
}

#[test]
fn test_sighup_reads_the_file_again_and_a_bad_file_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    config(directory.path(), &["vm1"]);
    let daemon = Daemon::start(directory.path());
    config(directory.path(), &["vm1", "vm2"]);
    daemon.signal(Signal::HUP);
    daemon.wait_for_ports(&["vm1", "vm2"]);
    fs::write(directory.path().join("weft.toml"), "[[prot]]\n").unwrap();
    daemon.signal(Signal::HUP);
    assert_eq!(daemon.ports(), ["vm1", "vm2"]);
    // Pending signals are served in the order of their numbers, so the file is read before the end.
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.end();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("the configuration before stays") && log.contains("weft.toml:1: prot: unknown key"), "{log}");
}

#[test]
fn test_a_mistake_in_the_file_is_told_and_nothing_starts() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("weft.toml");
    fs::write(&file, "[daemon]\nworkers = 0\n").unwrap();
    let expected = format!("weftd: {}:2: daemon: workers: 0 is not valid (expected 1 to 64)\n", file.display());
    for arguments in [&[][..], &["--check-config"]] {
        let output = run(weftd(directory.path()).args(arguments));
        assert_eq!(
            (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
            (Some(1), expected.as_str())
        );
    }
    assert!(!directory.path().join("ctl.sock").exists());
    config(directory.path(), &[]);
    assert!(run(weftd(directory.path()).arg("--check-config")).status.success());
}
