// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A Debian tree with the peers, so that the machine's own packages neither matter nor change.

use crate::cargo;
use crate::failure::Failure;
use crate::progress::{Mark, Progress};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The release whose packages are the yardstick.
const SUITE: &str = "trixie";
/// OVS with its DPDK datapath; testpmd.
const PACKAGES: [&str; 2] = ["openvswitch-switch-dpdk", "dpdk-dev"];
/// Where a command in the tree finds the folder that it was given.
pub(crate) const FOLDER: &str = "/mnt";

/// Gives a command the tree as its root, the kernel's file systems in it, and one folder of ours, in a mount namespace
/// of its own: nothing is left behind. `$0` is the tree, `$1` the folder.
const ENTER: &str = r#"
for each in proc sys dev; do mount --rbind "/$each" "$0/$each"; done
mount --bind "$1" "$0/mnt"
root=$0; shift
exec chroot "$root" "$@"
"#;

/// See the module.
pub(crate) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The tree at `root`; made from Debian's archive where it is not there yet.
    ///
    /// # Errors
    /// A tool is missing, or the archive cannot be reached.
    pub(crate) fn prepare(root: &Path, no_install: bool) -> Result<Tree, Failure> {
        let tree = Tree { root: root.to_path_buf() };
        if tree.root.join("usr/bin/dpdk-testpmd").exists() {
            return Ok(tree);
        }
        if no_install {
            return Err(Failure::new(format!("{}: no tree with the peers; run without --no-install", root.display())));
        }
        need_debootstrap()?;
        println!("A Debian {SUITE} tree with {} goes to {}; delete it at will.", PACKAGES.join(", "), root.display());
        tree.bootstrap()?;
        Ok(tree)
    }

    /// Where it is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `program` in the tree, with `folder` of this machine at [`FOLDER`].
    pub(crate) fn command(&self, folder: &Path, program: &str) -> Command {
        let mut command = mortal("unshare");
        command.args(["--mount", "sh", "-ec", ENTER]).arg(&self.root).arg(folder).arg(program);
        command
    }

    /// The version of one of its packages.
    pub(crate) fn version(&self, package: &str) -> Option<String> {
        let mut command = Command::new("chroot");
        command.arg(&self.root).args(["dpkg-query", "--show", "--showformat=${Version}", package]);
        let output = command.stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn bootstrap(&self) -> Result<(), Failure> {
        let partial = self.root.with_extension("partial");
        // Of an attempt that was interrupted; there may be none.
        let _ = std::fs::remove_dir_all(&partial);
        if let Some(parent) = partial.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let include = format!("--include={}", PACKAGES.join(","));
        let mut command = Command::new("debootstrap");
        command.args(["--variant=minbase", &include, SUITE]).arg(&partial).stdin(Stdio::null());
        carry_out("Debian tree with the peers", command, "debootstrap.log")?;
        std::fs::rename(&partial, &self.root).map_err(Failure::of(self.root.display()))
    }
}

/// A program that is killed when this one is: a switch that polls for ever would spoil whatever is measured later.
pub(crate) fn mortal(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

fn need_debootstrap() -> Result<(), Failure> {
    let mut probe = Command::new("debootstrap");
    probe.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    if probe.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    println!("Installing debootstrap: it makes the tree that the peers run in.");
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command.args(["install", "--yes", "--no-install-recommends", "debootstrap"]);
    carry_out("installing debootstrap", command, "apt.log")
}

fn carry_out(label: &str, command: Command, log: &str) -> Result<(), Failure> {
    let progress = Progress::start(label);
    let log = cargo::output_folder("bench")?.join(log);
    let status = cargo::run(command, &log, |line| progress.note(line)).map_err(Failure::of(label))?;
    if !status.success() {
        progress.end(Mark::Bad, "");
        return Err(Failure::new(format!("{label} failed:\n{}", cargo::tail(&log, 20))));
    }
    progress.end(Mark::Good, "");
    Ok(())
}
