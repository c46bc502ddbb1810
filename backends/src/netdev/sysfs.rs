// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a netdev hangs on, from sysfs: what rtnetlink does not tell, or not on every kernel.

use std::fs;
use std::path::{Path, PathBuf};

use switch::PciAddress;

use super::Bus;

/// Where the kernel shows its netdevs.
pub const SYSFS_NET: &str = "/sys/class/net";

/// The class of a NetVSC among the devices of a VMBus, as `class_id` shows it.
const NETVSC_CLASS: &str = "{f8615163-df3e-46c5-913f-f2d2f965ed0e}";

/// What the netdev of this name hangs on, below `root`, which is [`SYSFS_NET`] but in tests.
///
/// What cannot be read hangs on nothing: a netdev may be gone or renamed while it is looked at, and what follows is told
/// by rtnetlink.
pub fn bus_of(root: &Path, name: &str) -> Bus {
    // The kernel has no such names; what asks for one asks for another directory.
    if name.is_empty() || name.contains('/') || name == "." || name == ".." {
        return Bus::None;
    }
    let device = root.join(name).join("device");
    if last_of_link(&device.join("subsystem")).as_deref() == Some("pci") {
        let address = last_of_link(&device).and_then(|name| name.parse::<PciAddress>().ok());
        return address.map_or(Bus::None, Bus::Pci);
    }
    let class = fs::read_to_string(device.join("class_id"));
    if class.is_ok_and(|class| class.trim() == NETVSC_CLASS) { Bus::NetVsc } else { Bus::None }
}

/// The last part of what a symbolic link leads to.
fn last_of_link(link: &Path) -> Option<String> {
    let target: PathBuf = fs::read_link(link).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A netdev whose device is at `device` below `devices`, on the bus of this name.
    fn netdev(root: &Path, name: &str, device: &str, bus: &str) -> PathBuf {
        let at = root.join("devices").join(device);
        fs::create_dir_all(&at).unwrap();
        fs::create_dir_all(root.join(name)).unwrap();
        symlink(format!("../../../../bus/{bus}"), at.join("subsystem")).unwrap();
        symlink(format!("../devices/{device}"), root.join(name).join("device")).unwrap();
        at
    }

    #[test]
    fn a_vf_shows_its_pci_address() {
        let root = tempfile::tempdir().unwrap();
        netdev(root.path(), "eth3", "0000:03:02.1", "pci");
        assert_eq!(bus_of(root.path(), "eth3"), Bus::Pci("0000:03:02.1".parse().unwrap()));
    }

    #[test]
    fn a_netvsc_is_known_by_its_class() {
        let root = tempfile::tempdir().unwrap();
        let at = netdev(root.path(), "eth0", "f8615163-0001-1000", "vmbus");
        assert_eq!(bus_of(root.path(), "eth0"), Bus::None);
        fs::write(at.join("class_id"), format!("{NETVSC_CLASS}\n")).unwrap();
        assert_eq!(bus_of(root.path(), "eth0"), Bus::NetVsc);
    }

    #[test]
    fn what_is_not_there_or_not_right_hangs_on_nothing() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("veth0")).unwrap();
        netdev(root.path(), "eth1", "virtio0", "virtio");
        netdev(root.path(), "eth2", "no address", "pci");
        for name in ["veth0", "eth1", "eth2", "eth3", "", ".", "..", "../eth1", "devices/0000:03:02.1"] {
            assert_eq!(bus_of(root.path(), name), Bus::None, "{name}");
        }
    }
}
