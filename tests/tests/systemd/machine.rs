// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A machine on which systemd is process 1 (`machine.sh`), with nothing in it but weftd's units and the journal.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;

use rustix::process::geteuid;
use tempfile::TempDir;
use tests::skip::skip;
use tests::wait::{Deadline, until};
use tests::weftd::{Outcome, binary};

/// Below which there may be a systemd: the newer one that `./check` unpacks, and that of this machine.
const SYSTEMS: [fn() -> PathBuf; 2] = [|| qemu::cache_folder().join("judges"), || PathBuf::from("/")];

/// Where it lies there.
const PROGRAM: &str = "usr/lib/systemd/systemd";

/// What units want or are ordered after, and that is of no importance here.
const TARGETS: [&str; 7] = ["basic", "local-fs", "multi-user", "network", "network-online", "shutdown", "sockets"];

/// The journal of the machine, which is where people look.
const JOURNAL: [&str; 3] = ["systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket"];

/// See the module.
#[derive(Debug)]
pub(crate) struct Machine {
    folder: TempDir,
    /// It ends the machine when its standard input does.
    keeper: Child,
    /// Its process 1, as this machine numbers it.
    init: u32,
    version: u32,
}

/// Does this on a machine with each systemd that there is. Where there can be none the calling test is noted as skipped.
pub(crate) fn on_each(test: impl Fn(&Machine)) {
    on_some(SYSTEMS.len(), test);
}

/// The same on one machine, with the first of them.
pub(crate) fn on_first(test: impl Fn(&Machine)) {
    on_some(1, test);
}

fn on_some(most: usize, test: impl Fn(&Machine)) {
    let systems = SYSTEMS.map(|system| system()).into_iter().filter(|system| system.join(PROGRAM).is_file());
    let mut begun = 0;
    let mut reason = "it is not installed".to_owned();
    for system in systems.take(most) {
        match Machine::start(&system) {
            Ok(machine) => {
                eprintln!("on systemd {} of {}", machine.version, system.display());
                test(&machine);
                begun += 1;
            }
            Err(why) => reason = why,
        }
    }
    if begun == 0 {
        skip(&format!("systemd cannot be process 1 of namespaces here: {reason}"));
    }
}

impl Machine {
    /// The error says what stands in the way on this machine.
    fn start(system: &Path) -> Result<Machine, String> {
        if !geteuid().is_root() {
            return Err("that takes root".to_owned());
        }
        let folder = tempfile::Builder::new().prefix("weft-test-").tempdir().expect("there is room");
        furnish(folder.path());
        let mut keeper = keep(folder.path(), system).map_err(|why| format!("unshare: {why}"))?;
        let deadline = Deadline::patient();
        let ended = |keeper: &mut Child| keeper.try_wait().expect("it is ours").is_some();
        until("a machine to begin", deadline, || folder.path().join("began").exists() || ended(&mut keeper));
        let mut machine = Machine { folder, keeper, init: 0, version: 0 };
        until("systemd to be up", deadline, || {
            machine.init = machine.find_init().unwrap_or_default();
            machine.is_up() || ended(&mut machine.keeper)
        });
        if ended(&mut machine.keeper) {
            return Err(machine.last_words());
        }
        let said = machine.systemctl(&["--version"]);
        machine.version = said.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a version");
        Ok(machine)
    }

    fn is_up(&self) -> bool {
        self.init != 0 && self.run("systemctl", &["is-system-running"]).stdout == "running\n"
    }

    /// Why it has ended.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().last().unwrap_or("machine.sh has failed").to_owned()
    }

    /// The version of its systemd.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Where a path of the machine is found from here.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.init))
    }

    /// A program of the machine's, which runs there.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.init.to_string(), "--all", "--", program]).env("SYSTEMD_PAGER", "");
        command.stdin(Stdio::null());
        command
    }

    /// What came of a program there.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Outcome {
        outcome(self.command(program).args(arguments))
    }

    /// What came of a program of this machine's in the network of that one.
    pub(crate) fn outside(&self, program: &str, arguments: &[&str]) -> Outcome {
        let mut command = Command::new("nsenter");
        outcome(command.args(["--target", &self.init.to_string(), "--net", "--", program]).args(arguments))
    }

    /// `systemctl`, which must succeed.
    pub(crate) fn systemctl(&self, arguments: &[&str]) -> String {
        self.run("systemctl", arguments).expect_ok()
    }

    /// All that is in the journal.
    pub(crate) fn journal(&self) -> String {
        self.run("journalctl", &["--no-pager", "--output=short-monotonic"]).stdout
    }

    /// The one child of the process that has made its namespaces.
    fn find_init(&self) -> Option<u32> {
        children(self.keeper.id())
            .into_iter()
            .flat_map(children)
            .flat_map(children)
            .find(|pid| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("systemd")))
    }

    /// Ends it and all that runs there.
    fn end(&mut self) -> ExitStatus {
        drop(self.keeper.stdin.take());
        self.keeper.wait().expect("it is ours")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if thread::panicking() && self.init != 0 {
            eprintln!("--- journal of the machine with systemd {}\n{}--- its end", self.version, self.journal());
        }
        let ended = self.end();
        // One that could not begin has said so already.
        assert!(ended.success() || self.init == 0 || thread::panicking(), "something is left of a machine: {ended}");
    }
}

/// Makes what `machine.sh` wants to find: the repository's units as they are, and the programs where those expect them.
fn furnish(folder: &Path) {
    for name in ["group", "root", "sbin", "units"] {
        fs::create_dir(folder.join(name)).expect("the folder is ours");
    }
    for program in ["weftd", "weft", "weft-peer", "weft-pvd-fetch"] {
        let (from, to) = (binary(program), folder.join("sbin").join(program));
        let placed = fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop));
        placed.expect("there is room for a program");
    }
    let units = folder.join("units");
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../backends/systemd");
    for unit in fs::read_dir(ours).expect("it is in the repository").map(|unit| unit.expect("it can be read").path()) {
        fs::copy(&unit, units.join(unit.file_name().expect("a file has a name"))).expect("the folder is ours");
    }
    for target in TARGETS {
        fs::write(units.join(format!("{target}.target")), "[Unit]\n").expect("the folder is ours");
    }
    fs::write(units.join("sysinit.target"), format!("[Unit]\nWants={}\n", JOURNAL.join(" "))).expect("it is ours");
    for unit in JOURNAL {
        symlink(Path::new("/usr/lib/systemd/system").join(unit), units.join(unit)).expect("the folder is ours");
    }
}

/// Starts `machine.sh`.
fn keep(folder: &Path, system: &Path) -> std::io::Result<Child> {
    let log = File::create(folder.join("log"))?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/systemd/machine.sh");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh"]).arg(script).arg(folder).arg(system);
    command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).spawn()
}

fn outcome(command: &mut Command) -> Outcome {
    let output = command.stdin(Stdio::null()).output().expect("nsenter is beside unshare");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = output.status.code().unwrap_or(-1);
    Outcome { status, stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn nothing_is_left_of_a_machine_also_after_a_panic() {
    let seen = Mutex::new((0, 0));
    let panicked = catch_unwind(|| {
        on_first(|machine| {
            *seen.lock().expect("nobody has panicked yet") = (machine.init, machine.keeper.id());
            panic!("as a test does that fails");
        });
    });
    let (init, keeper) = *seen.lock().expect("it was let go of");
    if init == 0 {
        return;
    }
    assert!(panicked.is_err() && !Path::new(&format!("/proc/{init}")).exists(), "process {init}");
    let mounts = fs::read_to_string("/proc/self/mounts").expect("Linux has that");
    let groups = mounts.lines().filter(|line| line.starts_with("cgroup")).filter_map(|line| line.split(' ').nth(1));
    groups.for_each(|place| assert!(!Path::new(place).join(format!("weft-test-{keeper}")).exists(), "{place}"));
}
