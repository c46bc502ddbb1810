// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a guest is made of.

use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::nic::Nic;

/// A guest's memory. It is always a sealed, shared memfd, as vhost-user needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Size at boot in MiB.
    pub mib: u32,
    /// Number of equal parts, each a memfd and a NUMA node of its own: more than one region for the switch.
    pub banks: u8,
    /// What may be plugged in while the guest runs.
    pub hotplug: Option<Hotplug>,
}

/// Room for memory that is plugged in with [`crate::Guest::plug_memory`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hotplug {
    /// Number of modules.
    pub slots: u8,
    /// Upper limit of the guest's memory in MiB, what it boots with included.
    pub max_mib: u32,
}

/// A guest. Start from [`GuestSpec::new`] and change fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestSpec {
    /// The guest's host name, used in every error; letters, digits and dashes.
    pub name: String,
    /// Folder of its sockets and logs; created when missing. Keep it short, for socket paths end at 107 bytes.
    pub folder: PathBuf,
    /// Virtual processors.
    pub vcpus: u8,
    /// Memory.
    pub memory: Memory,
    /// NICs, in the order in which the guest counts them: `eth0`, `eth1`, …
    pub nics: Vec<Nic>,
    /// Empty PCI Express slots `slot0`, `slot1`, … for devices that are plugged in while the guest runs.
    pub pci_slots: u8,
    /// Whether QEMU has a second monitor, at [`GuestSpec::switch_monitor`]: each serves one client.
    pub has_switch_monitor: bool,
    /// Further words for the kernel's command line.
    pub kernel_parameters: String,
    /// Further options for QEMU, passed on as they are.
    pub options: Vec<String>,
}

impl GuestSpec {
    /// A guest with one processor, 256 MiB and no NIC.
    pub fn new(name: &str, folder: &Path) -> GuestSpec {
        GuestSpec {
            name: name.to_owned(),
            folder: folder.to_owned(),
            vcpus: 1,
            memory: Memory { mib: 256, banks: 1, hotplug: None },
            nics: Vec::new(),
            pci_slots: 0,
            has_switch_monitor: false,
            kernel_parameters: String::new(),
            options: Vec::new(),
        }
    }

    /// Adds a NIC.
    #[must_use]
    pub fn with_nic(mut self, nic: Nic) -> GuestSpec {
        self.nics.push(nic);
        self
    }

    /// The same guest as one that does not boot, but waits for a running one of this shape to move in; its folder and the
    /// sockets of its NICs must be others. See [`crate::Guest::await_move`].
    #[must_use]
    pub fn incoming(mut self) -> GuestSpec {
        self.options.extend(["-incoming", "defer"].map(str::to_owned));
        self
    }

    /// The monitor (QMP) that is for the switch, or whoever else shall have one beside the test.
    pub fn switch_monitor(&self) -> PathBuf {
        self.file(File::SwitchMonitor)
    }

    /// A file of this guest.
    pub(crate) fn file(&self, file: File) -> PathBuf {
        self.folder.join(format!("{}.{}", self.name, file.suffix()))
    }

    /// The kernel's command line. `console` and `command` are the guest's terminals for people and for [`crate::Guest::run`].
    pub(crate) fn kernel_command_line(&self, console: &str, command: &str) -> String {
        // The three switches in the middle spare an emulated guest about a second of measuring and self-tests.
        let mut line = format!(
            "console={console} quiet panic=0 tsc=reliable no_timer_check mitigations=off cryptomgr.notests \
             weft.name={} weft.console={console} weft.command={command}",
            self.name
        );
        if !self.kernel_parameters.is_empty() {
            line = format!("{line} {}", self.kernel_parameters);
        }
        line
    }

    /// Refuses what QEMU would refuse with less helpful words.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |field, reason: String| Err(Error::Spec { guest: self.name.clone(), field, reason });
        let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !is_name(&self.name) {
            return refuse("name", "expected letters, digits and dashes".into());
        }
        if self.memory.banks == 0 || !self.memory.mib.is_multiple_of(u32::from(self.memory.banks)) {
            return refuse("memory", format!("{} MiB do not divide into {} banks", self.memory.mib, self.memory.banks));
        }
        if self.memory.hotplug.is_some_and(|hotplug| hotplug.max_mib <= self.memory.mib) {
            return refuse("memory", "max_mib must be above what the guest boots with".into());
        }
        let sockets = [File::Qmp, File::SwitchMonitor, File::Command, File::Console].map(|file| self.file(file));
        let nics = self.nics.iter().flat_map(Nic::paths);
        for path in sockets.iter().map(PathBuf::as_path).chain(nics) {
            if SocketAddr::from_pathname(path).is_err() {
                return refuse("folder", format!("{} is too long for a Unix socket", path.display()));
            }
            // QEMU separates options by commas.
            if path.to_string_lossy().contains(',') {
                return refuse("folder", format!("{} has a comma in it", path.display()));
            }
        }
        for (index, nic) in self.nics.iter().enumerate() {
            if !is_name(&nic.id) || self.nics[..index].iter().any(|other| other.id == nic.id) {
                return refuse("nics", format!("the id `{}` must be unique letters, digits and dashes", nic.id));
            }
        }
        Ok(())
    }
}

/// The files that a running guest has in its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum File {
    Qmp,
    SwitchMonitor,
    Command,
    Console,
    ConsoleLog,
    Stderr,
}

impl File {
    fn suffix(self) -> &'static str {
        match self {
            File::Qmp => "qmp",
            File::SwitchMonitor => "switch.qmp",
            File::Command => "command",
            File::Console => "console",
            File::ConsoleLog => "console.log",
            File::Stderr => "stderr",
        }
    }
}
