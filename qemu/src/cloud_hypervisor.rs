// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The same guest as a cloud-hypervisor command line.
//!
//! cloud-hypervisor has one serial port and one virtio console: the serial port carries [`crate::Guest::run`]'s command
//! line, the virtio console the kernel's messages. It needs KVM and a NIC of the kind vhost-user; it is not in Debian, so
//! it is used only where somebody installed it.

use std::path::{Path, PathBuf};

use crate::cmdline::CommandLine;
use crate::error::Error;
use crate::image::Image;
use crate::nic::{Attach, Failover, Model, Nic, Offload};
use crate::program;
use crate::spec::{File, GuestSpec};

/// Ring size that is asked for; cloud-hypervisor's own default.
const QUEUE_SIZE: u16 = 256;

/// The first `cloud-hypervisor` in `$PATH`, if any.
pub fn find() -> Option<PathBuf> {
    program::find("cloud-hypervisor")
}

impl CommandLine {
    /// The command line of a guest under cloud-hypervisor.
    ///
    /// # Errors
    /// [`Error::Spec`] for what only QEMU can do: NICs that are not virtio over vhost-user, several memory banks.
    pub fn cloud_hypervisor(program: &Path, image: &Image, spec: &GuestSpec) -> Result<CommandLine, Error> {
        let refuse = |field, reason: &str| Err(Error::Spec { guest: spec.name.clone(), field, reason: reason.into() });
        spec.check()?;
        if spec.memory.banks > 1 {
            return refuse("memory", "cloud-hypervisor is started with one bank");
        }
        let is_plain = |nic: &Nic| {
            let virtio = nic.is_vhost_user() && nic.model == Model::Virtio;
            virtio && nic.failover == Failover::Alone && nic.properties.is_empty()
        };
        if !spec.nics.iter().all(is_plain) {
            return refuse("nics", "cloud-hypervisor takes virtio NICs over vhost-user without further properties");
        }
        if spec.nics.iter().any(|nic| nic.queue_pairs > u16::from(spec.vcpus)) {
            return refuse("nics", "cloud-hypervisor takes no more queue pairs than processors");
        }
        let mut line = CommandLine { program: program.to_owned(), arguments: Vec::new() };
        line.add("--kernel", &image.kernel.display().to_string());
        line.add("--initramfs", &image.initrd.display().to_string());
        line.add("--cmdline", &spec.kernel_command_line("hvc0", "ttyS0"));
        line.add("--cpus", &format!("boot={}", spec.vcpus));
        let room = spec.memory.hotplug.map(|room| format!(",hotplug_size={}M", room.max_mib - spec.memory.mib));
        line.add("--memory", &format!("size={}M,shared=on{}", spec.memory.mib, room.unwrap_or_default()));
        line.add("--console", &format!("file={}", spec.file(File::ConsoleLog).display()));
        line.add("--serial", &format!("socket={}", spec.file(File::Command).display()));
        if !spec.nics.is_empty() {
            line.flag("--net");
            line.arguments.extend(spec.nics.iter().map(nic_argument));
        }
        line.arguments.extend(spec.options.iter().cloned());
        Ok(line)
    }
}

/// The two directions of segmentation and checksums are one switch each in cloud-hypervisor.
fn nic_argument(nic: &Nic) -> String {
    let mode = if matches!(nic.attach, Attach::GuestListens(_)) { "server" } else { "client" };
    let both = |wanted: fn(Offload) -> bool| if wanted(nic.transmit) && wanted(nic.receive) { "on" } else { "off" };
    let segmentation = both(|offload| offload == Offload::Full);
    let checksum = both(|offload| offload != Offload::None);
    let mtu = nic.mtu.map(|mtu| format!(",mtu={mtu}")).unwrap_or_default();
    format!(
        "id={},mac={},vhost_user=true,socket={},vhost_mode={mode},num_queues={},queue_size={QUEUE_SIZE}{mtu},\
         offload_tso={segmentation},offload_ufo={segmentation},offload_csum={checksum}",
        nic.id,
        nic.mac,
        nic.paths().map(|path| path.display().to_string()).collect::<String>(),
        2 * nic.queue_pairs,
    )
}
