// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest as a QEMU command line.
//!
//! The machine is a bare q35: no display, no default devices, two serial ports (ttyS0 for people, ttyS1 for
//! [`crate::Guest::run`]) and a QMP monitor, each on a Unix socket in the guest's folder. Memory is a memfd, which QEMU
//! seals against shrinking, shared with whoever serves a vhost-user NIC.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use crate::accel::Kind;
use crate::emulator::Qemu;
use crate::image::Image;
use crate::spec::{File, GuestSpec};

/// A program and its arguments. Its `Display` can be pasted into a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl CommandLine {
    /// The command line of a guest under QEMU.
    pub fn qemu(qemu: &Qemu, image: &Image, accelerator: Kind, spec: &GuestSpec) -> CommandLine {
        let mut line = CommandLine { program: qemu.path.clone(), arguments: Vec::new() };
        line.machine(accelerator, spec);
        line.memory(spec);
        line.boot(image, spec);
        line.terminals(spec);
        for slot in 0..spec.pci_slots {
            line.add("-device", &format!("pcie-root-port,id=slot{slot},chassis={},slot={slot}", slot + 1));
        }
        for nic in &spec.nics {
            line.arguments.extend(nic.arguments(qemu.version));
        }
        line.arguments.extend(spec.options.iter().cloned());
        line
    }

    /// Ready to be started.
    pub fn to_command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }

    pub(crate) fn flag(&mut self, name: &str) {
        self.arguments.push(name.to_owned());
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.arguments.extend([name.to_owned(), value.to_owned()]);
    }

    fn machine(&mut self, accelerator: Kind, spec: &GuestSpec) {
        let (accel, cpu) = match accelerator {
            Kind::Kvm => ("kvm", "host"),
            // The plainest model: nothing in the guest is worth the price of emulating wide vectors.
            Kind::Tcg => ("tcg", "qemu64"),
        };
        self.add("-name", &spec.name);
        for flag in ["-nodefaults", "-no-user-config"] {
            self.flag(flag);
        }
        self.add("-display", "none");
        let memory = if spec.memory.banks == 1 { ",memory-backend=memory0" } else { "" };
        self.add("-machine", &format!("q35{memory}"));
        self.add("-accel", accel);
        self.add("-cpu", cpu);
        self.add("-smp", &spec.vcpus.to_string());
    }

    fn memory(&mut self, spec: &GuestSpec) {
        let memory = spec.memory;
        let hotplug = memory.hotplug.map(|room| format!(",slots={},maxmem={}M", room.slots, room.max_mib));
        self.add("-m", &format!("{}M{}", memory.mib, hotplug.unwrap_or_default()));
        let bank_mib = memory.mib / u32::from(memory.banks);
        for bank in 0..memory.banks {
            self.add("-object", &format!("memory-backend-memfd,id=memory{bank},size={bank_mib}M,share=on"));
            if memory.banks > 1 {
                let processors =
                    if bank == 0 { format!(",cpus=0-{}", spec.vcpus.saturating_sub(1)) } else { String::new() };
                self.add("-numa", &format!("node,nodeid={bank},memdev=memory{bank}{processors}"));
            }
        }
    }

    fn boot(&mut self, image: &Image, spec: &GuestSpec) {
        self.add("-kernel", &image.kernel.display().to_string());
        self.add("-initrd", &image.initrd.display().to_string());
        self.add("-append", &spec.kernel_command_line("ttyS0", "ttyS1"));
    }

    fn terminals(&mut self, spec: &GuestSpec) {
        let socket = |id: &str, file| format!("socket,id={id},path={},server=on,wait=off", spec.file(file).display());
        let log = spec.file(File::ConsoleLog);
        self.add("-chardev", &format!("{},logfile={}", socket("console", File::Console), log.display()));
        self.add("-serial", "chardev:console");
        self.add("-chardev", &socket("command", File::Command));
        self.add("-serial", "chardev:command");
        self.add("-chardev", &socket("qmp", File::Qmp));
        self.add("-mon", "chardev=qmp,mode=control");
        if spec.has_switch_monitor {
            self.add("-chardev", &socket("switch-qmp", File::SwitchMonitor));
            self.add("-mon", "chardev=switch-qmp,mode=control");
        }
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", quoted(&self.program.display().to_string()))?;
        for argument in &self.arguments {
            let separator = if argument.starts_with('-') { " \\\n    " } else { " " };
            write!(f, "{separator}{}", quoted(argument))?;
        }
        Ok(())
    }
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=.,:/+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
