// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Kernel modules of the guest, in an order in which they can be loaded.
//!
//! Debian's packages carry no `modules.dep` (it is made at installation), so dependencies are read where depmod reads
//! them: in the modules' own `.modinfo` section, as `depends=a,b`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::program;

/// What a guest loads. The second column tells whether an image is of use without it.
const WANTED: [(&str, bool); 9] = [
    ("virtio_pci", true),
    ("virtio_net", true),
    ("net_failover", true),
    ("af_packet", true),
    ("ipv6", true),
    ("e1000e", false),
    ("8139cp", false),
    ("igb", false),
    ("virtio_console", false),
];

/// Writes the wanted modules of the tree `lib/modules/<release>` into `out`, unpacked, and their order into `out/order`.
pub(super) fn take(tree: &Path, out: &Path) -> Result<(), Error> {
    fs::create_dir_all(out).map_err(Error::file(out))?;
    let builtin_list = tree.join("modules.builtin");
    let builtin = fs::read_to_string(&builtin_list).map_err(Error::file(&builtin_list))?;
    let mut loader = Loader {
        builtin: builtin.lines().map(|line| module_name(Path::new(line))).collect(),
        files: BTreeMap::new(),
        order: Vec::new(),
    };
    loader.index(&tree.join("kernel"))?;
    for (name, required) in WANTED {
        loader.add(name, required, out)?;
    }
    let list: String = loader.order.iter().map(|name| format!("{name}.ko\n")).collect();
    let order = out.join("order");
    fs::write(&order, list).map_err(Error::file(&order))
}

struct Loader {
    builtin: BTreeSet<String>,
    files: BTreeMap<String, PathBuf>,
    order: Vec<String>,
}

impl Loader {
    fn index(&mut self, folder: &Path) -> Result<(), Error> {
        for entry in fs::read_dir(folder).map_err(Error::file(folder))? {
            let path = entry.map_err(Error::file(folder))?.path();
            if path.is_dir() {
                self.index(&path)?;
            } else {
                self.files.insert(module_name(&path), path);
            }
        }
        Ok(())
    }

    /// Adds a module after everything that it depends on.
    fn add(&mut self, name: &str, required: bool, out: &Path) -> Result<(), Error> {
        if self.builtin.contains(name) || self.order.iter().any(|known| known == name) {
            return Ok(());
        }
        let Some(path) = self.files.get(name) else {
            let missing = Error::Image(format!("the kernel package has no module {name}"));
            return if required { Err(missing) } else { Ok(()) };
        };
        let bytes = unpacked(path)?;
        for dependency in dependencies(&bytes) {
            self.add(&dependency, true, out)?;
        }
        let file = out.join(format!("{name}.ko"));
        fs::write(&file, bytes).map_err(Error::file(&file))?;
        self.order.push(name.to_owned());
        Ok(())
    }
}

/// `kernel/drivers/net/virtio-net.ko.xz` is the module virtio_net.
fn module_name(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.split('.').next().unwrap_or_default().replace('-', "_")
}

fn unpacked(path: &Path) -> Result<Vec<u8>, Error> {
    let (program, package) = match path.extension().and_then(|end| end.to_str()) {
        Some("xz") => ("xz", "xz-utils"),
        Some("zst") => ("zstd", "zstd"),
        _ => return fs::read(path).map_err(Error::file(path)),
    };
    program::output(Command::new(program).arg("-dc").arg(path), package)
        .map_err(|failure| failure.about(&path.display().to_string()))
}

/// The names after `depends=` in a module's `.modinfo`, a list of NUL-terminated `key=value` texts.
fn dependencies(module: &[u8]) -> Vec<String> {
    let fields = module.split(|&byte| byte == 0);
    let list = fields.filter_map(|field| field.strip_prefix(b"depends=")).next().unwrap_or_default();
    let names = String::from_utf8_lossy(list).replace('-', "_");
    names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(tree: &Path, name: &str, depends: &str) {
        fs::create_dir_all(tree.join("kernel/net")).unwrap();
        let text = format!("\x7fELF\0license=GPL\0depends={depends}\0name=x\0");
        fs::write(tree.join(format!("kernel/net/{name}.ko")), text).unwrap();
    }

    #[test]
    fn modules_come_after_what_they_depend_on() {
        let tree = tempfile::tempdir().unwrap();
        fs::write(tree.path().join("modules.builtin"), "kernel/net/packet/af_packet.ko\nkernel/net/ipv6/ipv6.ko\n")
            .unwrap();
        module(tree.path(), "virtio_net", "net_failover,virtio,virtio-ring");
        module(tree.path(), "virtio_pci", "virtio,virtio_ring");
        module(tree.path(), "virtio-ring", "");
        module(tree.path(), "virtio", "virtio_ring");
        module(tree.path(), "net_failover", "failover");
        module(tree.path(), "failover", "");
        let out = tree.path().join("out");
        take(tree.path(), &out).unwrap();
        let order = fs::read_to_string(out.join("order")).unwrap();
        let order: Vec<&str> = order.lines().collect();
        assert_eq!(
            order,
            ["virtio_ring.ko", "virtio.ko", "virtio_pci.ko", "failover.ko", "net_failover.ko", "virtio_net.ko"]
        );
        assert!(order.iter().all(|name| out.join(name).exists()));
    }

    #[test]
    fn a_kernel_without_a_required_module_is_refused() {
        let tree = tempfile::tempdir().unwrap();
        fs::write(tree.path().join("modules.builtin"), "").unwrap();
        module(tree.path(), "virtio_pci", "");
        let refusal = take(tree.path(), &tree.path().join("out")).unwrap_err();
        assert!(refusal.to_string().contains("no module virtio_net"), "{refusal}");
    }
}
