// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that know nothing of weft: those that `./check` has unpacked for the tests (xtask/judges.sh), else those that
//! are installed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::skip::skip;

/// Where the unpacked ones and their libraries are, below the prefix.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";
/// Where in there programs of systemd have one of their own.
const OF_SYSTEMD: &str = "systemd";
/// The linker that starts them, whatever C library the machine has.
const LINKER: &str = "ld-linux-x86-64.so.2";
/// Where in a prefix programs lie.
const FOLDERS: [&str; 2] = ["usr/bin", "usr/sbin"];

/// How a program is started: its path, or the linker and what that wants to know, and the environment that it needs.
#[derive(Debug, Clone)]
pub struct Program {
    words: Vec<OsString>,
    environment: Vec<(&'static str, PathBuf)>,
}

impl Program {
    /// The program of this name that came with `./check`, else the installed one.
    pub fn find(name: &str) -> Option<Program> {
        Program::unpacked(name).or_else(|| Program::installed(name))
    }

    /// As [`Program::find`]; where there is none the calling test is noted as skipped.
    pub fn find_or_skip(name: &str) -> Option<Program> {
        let found = Program::find(name);
        if found.is_none() {
            skip(&format!("no {name} (./check unpacks it into .cache/)"));
        }
        found
    }

    /// The program of this name that came with `./check`.
    pub fn unpacked(name: &str) -> Option<Program> {
        let prefix = prefix();
        let path = FOLDERS.iter().map(|folder| prefix.join(folder).join(name)).find(|path| path.is_file())?;
        let libraries = prefix.join(LIBRARIES);
        let folders = format!("{0}:{0}/{OF_SYSTEMD}", libraries.display());
        let words = [libraries.join(LINKER).into(), "--library-path".into(), folders.into(), path.into()];
        // Read by tshark, which else looks for it where it would be installed.
        let environment = vec![("WIRESHARK_DATA_DIR", prefix.join("usr/share/wireshark"))];
        Some(Program { words: words.into(), environment })
    }

    fn installed(name: &str) -> Option<Program> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        // Not in the path of every user, and that is where daemons lie.
        let folders = std::env::split_paths(&folders).chain(["/usr/sbin".into(), "/sbin".into()]);
        let path = folders.map(|folder: PathBuf| folder.join(name)).find(|path| path.is_file())?;
        Some(Program { words: vec![path.into()], environment: Vec::new() })
    }

    /// The command, without arguments of the program's own.
    pub fn command(&self) -> Command {
        self.command_after(&[])
    }

    /// The command behind that of a program which becomes another one, such as `ip netns exec NAME`.
    pub fn command_after(&self, wrapper: &[&str]) -> Command {
        let mut words = wrapper.iter().map(OsString::from).chain(self.words.iter().cloned());
        let mut command = Command::new(words.next().expect("a program has a path"));
        command.args(words).envs(self.environment.iter().cloned()).stdin(Stdio::null());
        command
    }
}

/// The folder that `./check` unpacked.
fn prefix() -> PathBuf {
    qemu::cache_folder().join("judges")
}

/// What a program prints, which must succeed.
///
/// # Panics
/// When it cannot be started, fails, or prints what is no text; with what it said.
pub fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|why| panic!("{command:?}: {why}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Writes a capture file (libpcap's, of microseconds, of Ethernet frames), a frame each millisecond.
///
/// # Panics
/// When there is no room for it.
pub fn capture(path: &Path, frames: &[Vec<u8>]) {
    let header = [0xa1b2_c3d4_u32, 2 | 4 << 16, 0, 0, 1 << 18, 1];
    let mut bytes: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    for (number, frame) in (0..).zip(frames) {
        let len = frame.len() as u32;
        bytes.extend([number / 1000, number % 1000 * 1000, len, len].iter().flat_map(|word: &u32| word.to_le_bytes()));
        bytes.extend(frame);
    }
    std::fs::write(path, bytes).expect("room for a capture file");
}

/// A Python that has scapy: the first in the path need not be Debian's, for which Debian's package is. Where there is none
/// the calling test is noted as skipped.
pub fn scapy_or_skip() -> Option<&'static str> {
    let has_scapy = |python: &&str| {
        let found = Command::new(python).args(["-c", "import scapy"]).output();
        found.is_ok_and(|output| output.status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_scapy);
    if found.is_none() {
        skip("no scapy (apt-get install python3-scapy)");
    }
    found
}
