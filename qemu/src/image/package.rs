// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Kernel and busybox, from Debian packages into the cache. Packages are searched with `apt-cache`, which needs no root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Flavour, vmlinux};
use crate::archive::{Tree, download, publish};
use crate::error::Error;
use crate::program;
use crate::progress::Progress;

/// How many of the newest kernels are tried: an archive may have dropped what a stale list still names.
const KERNELS_TRIED: usize = 3;

/// The linker of dynamic programs, as they name it: in `/lib64`.
pub(super) const LINKER: &str = "ld-linux-x86-64.so.2";
/// The C library, which that looks for in `/lib` at last.
pub(super) const LIBC: &str = "libc.so.6";

/// A kernel in the cache.
#[derive(Debug)]
pub(super) struct Kernel {
    /// `kernel-<package>` in the cache.
    pub(super) folder: PathBuf,
    /// As `uname -r` prints it.
    pub(super) release: String,
}

impl Kernel {
    /// False when somebody removed a part of it.
    fn is_whole(&self) -> bool {
        ["vmlinuz", "modules/order"].iter().all(|file| self.folder.join(file).is_file())
    }
}

fn kernel_folder(cache: &Path, release: &str) -> PathBuf {
    cache.join(format!("kernel-linux-image-{release}"))
}

/// The newest kernel that is already in the cache, whole.
pub(super) fn cached_kernel(cache: &Path, flavour: Flavour) -> Result<Option<Kernel>, Error> {
    let mut releases = Vec::new();
    for entry in fs::read_dir(cache).map_err(Error::file(cache))? {
        let name = entry.map_err(Error::file(cache))?.file_name();
        let package = name.to_str().and_then(|name| name.strip_prefix("kernel-"));
        releases.extend(package.and_then(|package| release_of(package, flavour)).map(str::to_owned));
    }
    releases.sort_by_key(|release| std::cmp::Reverse(version_key(release)));
    let kernels = releases.into_iter().map(|release| Kernel { folder: kernel_folder(cache, &release), release });
    Ok(kernels.into_iter().find(Kernel::is_whole))
}

/// Downloads and unpacks the newest kernel that the package archive has.
pub(super) fn fetch_kernel(cache: &Path, flavour: Flavour, progress: Progress<'_>) -> Result<Kernel, Error> {
    let releases = offered_kernels(flavour)?;
    let mut last = None;
    for release in releases.into_iter().take(KERNELS_TRIED) {
        let package = format!("linux-image-{release}");
        match download(cache, &package, progress) {
            Ok(tree) => {
                let folder = kernel_folder(cache, &release);
                take_kernel(&tree, &release, &folder)?;
                return Ok(Kernel { folder, release });
            }
            Err(failure) => last = Some(failure),
        }
    }
    Err(last.unwrap_or_else(|| Error::Package {
        package: "linux-image-*".into(),
        reason: "apt-cache knows no such kernel: run `apt-get update`, then try again".into(),
    }))
}

/// A static busybox: this machine's own when it is one, else Debian's `busybox-static`.
pub(super) fn busybox(cache: &Path, progress: Progress<'_>) -> Result<PathBuf, Error> {
    let path = cache.join("busybox/busybox");
    if path.exists() {
        return Ok(path);
    }
    let folder = cache.join("busybox");
    let installed = program::find("busybox").filter(|path| fs::read(path).is_ok_and(|bytes| is_static(&bytes)));
    match installed {
        Some(program) => publish(&folder, |staging| copy(&program, &staging.join("busybox")))?,
        None => {
            let tree = download(cache, "busybox-static", progress)?;
            let program = first_of(tree.path(), &["bin/busybox", "usr/bin/busybox"])?;
            publish(&folder, |staging| copy(&program, &staging.join("busybox")))?;
        }
    }
    Ok(path)
}

/// Debian's `radvd` and `rdisc6`, by which guests speak as routers and ask for them, in a folder with the C library that
/// they need: this machine's own, which the packages of its release fit.
pub(super) fn router_programs(cache: &Path, progress: Progress<'_>) -> Result<PathBuf, Error> {
    let folder = cache.join("router-programs");
    if folder.exists() {
        return Ok(folder);
    }
    let take = |staging: &Path, package: &str, names: &[&str], to: &str| {
        let tree = download(cache, package, progress)?;
        copy(&first_of(tree.path(), names)?, &staging.join(to))
    };
    publish(&folder, |staging| {
        take(staging, "radvd", &["usr/sbin/radvd"], "radvd")?;
        take(staging, "ndisc6", &["usr/bin/rdisc6", "bin/rdisc6"], "rdisc6")?;
        copy(Path::new("/lib64").join(LINKER).as_path(), &staging.join(LINKER))?;
        copy(&first_of(Path::new("/"), &["lib/x86_64-linux-gnu/libc.so.6", "lib64/libc.so.6"])?, &staging.join(LIBC))
    })?;
    Ok(folder)
}

fn take_kernel(tree: &Tree, release: &str, folder: &Path) -> Result<(), Error> {
    let packed = first_of(tree.path(), &[&format!("boot/vmlinuz-{release}"), &format!("usr/boot/vmlinuz-{release}")])?;
    let modules = first_of(tree.path(), &[&format!("lib/modules/{release}"), &format!("usr/lib/modules/{release}")])?;
    publish(folder, |staging| {
        copy(&packed, &staging.join("vmlinuz"))?;
        copy(&modules.join("modules.builtin"), &staging.join("modules.builtin"))?;
        super::modules::take(&modules, &staging.join("modules"))?;
        vmlinux::unpack(&staging.join("vmlinuz"), &staging.join("vmlinux"))
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map(drop).map_err(Error::file(from))
}

fn first_of(tree: &Path, names: &[&str]) -> Result<PathBuf, Error> {
    let found = names.iter().map(|name| tree.join(name)).find(|path| path.exists());
    found.ok_or_else(|| Error::Image(format!("the package has no file {}", names[0])))
}

fn offered_kernels(flavour: Flavour) -> Result<Vec<String>, Error> {
    let mut search = Command::new("apt-cache");
    let output = program::run(search.args(["search", "--names-only", "^linux-image-[0-9].*-amd64$"]), "apt")
        .map_err(|reason| reason.about("linux-image-*"))?;
    let names = output.lines().filter_map(|line| line.split_whitespace().next());
    let mut releases: Vec<String> = names.filter_map(|name| release_of(name, flavour)).map(str::to_owned).collect();
    releases.sort_by_key(|release| std::cmp::Reverse(version_key(release)));
    Ok(releases)
}

/// The kernel release of a package of this flavour; `None` for other packages, meta-packages among them.
fn release_of(package: &str, flavour: Flavour) -> Option<&str> {
    let release = package.strip_prefix("linux-image-")?;
    let plain = release.strip_suffix("-amd64")?;
    let (numbers, is_cloud) = match plain.strip_suffix("-cloud") {
        Some(numbers) => (numbers, true),
        None => (plain, false),
    };
    // A meta-package has only two numbers (6.12), a real one at least three (6.12.100+deb12, 6.1.0-56).
    let wanted = is_cloud == (flavour == Flavour::Cloud) && !numbers.ends_with("-rt");
    (wanted && version_key(numbers).len() > 2).then_some(release)
}

/// The numbers in a kernel's name, for comparing: 6.12.100+deb12 is newer than 6.12.43+deb12.
fn version_key(release: &str) -> Vec<u64> {
    let numbers = release.trim_end_matches("-amd64").split(|letter: char| !letter.is_ascii_digit());
    numbers.filter_map(|number| number.parse().ok()).collect()
}

/// True for an ELF program without an interpreter segment.
fn is_static(bytes: &[u8]) -> bool {
    const PROGRAM_INTERPRETER: u32 = 3;
    let u64_at = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let u16_at = |at: usize| bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes);
    let (Some(start), Some(size), Some(count)) = (u64_at(32), u16_at(54), u16_at(56)) else { return false };
    let kind = |index: u16| {
        let at = usize::try_from(start).ok()? + usize::from(size) * usize::from(index);
        bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
    };
    bytes.starts_with(b"\x7fELF") && (0..count).all(|index| kind(index) != Some(PROGRAM_INTERPRETER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_told_apart_and_ordered() {
        let generic = |name| release_of(name, Flavour::Generic);
        assert_eq!(generic("linux-image-6.12.117+deb12-amd64"), Some("6.12.117+deb12-amd64"));
        assert_eq!(generic("linux-image-6.12.117+deb12-cloud-amd64"), None);
        assert_eq!(generic("linux-image-6.12.117+deb12-rt-amd64"), None);
        assert_eq!(generic("linux-image-6.12-amd64"), None);
        assert_eq!(generic("linux-image-amd64"), None);
        assert_eq!(release_of("linux-image-6.1.0-56-cloud-amd64", Flavour::Cloud), Some("6.1.0-56-cloud-amd64"));
        assert!(version_key("6.12.117+deb12-amd64") > version_key("6.12.43+deb12-amd64"));
        assert!(version_key("6.12.43+deb13-amd64") > version_key("6.1.0-56-amd64"));
    }

    #[test]
    fn only_a_whole_kernel_is_taken_from_the_cache() {
        let cache = tempfile::tempdir().unwrap();
        let folder = kernel_folder(cache.path(), "6.1.0-56-amd64");
        let write = |path: PathBuf| fs::write(&path, b"x").map_err(Error::file(&path));
        publish(&folder, |staging| write(staging.join("vmlinuz"))).unwrap();
        assert!(cached_kernel(cache.path(), Flavour::Generic).unwrap().is_none(), "it has no modules");
        publish(&folder, |staging| {
            fs::create_dir(staging.join("modules")).unwrap();
            write(staging.join("vmlinuz"))?;
            write(staging.join("modules/order"))
        })
        .unwrap();
        assert_eq!(cached_kernel(cache.path(), Flavour::Generic).unwrap().unwrap().folder, folder);
    }

    #[test]
    fn a_dynamic_program_is_not_static() {
        let shell = fs::read("/proc/self/exe").unwrap();
        assert!(!is_static(&shell));
        assert!(!is_static(b"\x7fELF"));
    }
}
