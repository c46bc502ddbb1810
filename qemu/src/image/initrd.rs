// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Packs the guest's first file system. Its name carries a hash of all that is inside, so it is rebuilt exactly when
//! a script, busybox or the kernel changed.

use std::fs;
use std::path::{Path, PathBuf};

use super::package::{Kernel, LIBC, LINKER};
use crate::cpio::Archive;
use crate::error::Error;
use crate::progress::{Progress, Step};

const INIT: &[u8] = include_bytes!("../../guest/init");
const COMMANDS: &[u8] = include_bytes!("../../guest/commands");
const JOB: &[u8] = include_bytes!("../../guest/job");

/// The guest's programs, in the cache.
#[derive(Clone, Copy)]
pub(super) struct Programs<'a> {
    /// A static busybox.
    pub(super) busybox: &'a Path,
    /// The folder of [`super::package::router_programs`].
    pub(super) routers: &'a Path,
}

/// Builds the file system, or finds it in the cache.
pub(super) fn build(
    cache: &Path,
    kernel: &Kernel,
    programs: Programs<'_>,
    progress: Progress<'_>,
) -> Result<PathBuf, Error> {
    let bytes = pack(&kernel.folder.join("modules"), programs)?;
    let path = cache.join(format!("initrd-{:016x}", fnv1a(&bytes)));
    if fs::metadata(&path).is_ok_and(|known| known.len() == bytes.len() as u64) {
        return Ok(path);
    }
    progress(Step::Packing);
    let staging = cache.join("partial-initrd");
    fs::write(&staging, bytes).map_err(Error::file(&staging))?;
    fs::rename(&staging, &path).map_err(Error::file(&path))?;
    Ok(path)
}

fn pack(modules: &Path, Programs { busybox, routers }: Programs<'_>) -> Result<Vec<u8>, Error> {
    let read = |path: &Path| fs::read(path).map_err(Error::file(path));
    let order = read(&modules.join("order"))?;
    let mut archive = Archive::default();
    for folder in ["bin", "dev", "etc", "lib", "lib64", "modules"] {
        archive.folder(folder);
    }
    // The kernel opens /dev/console for init before any file system is mounted over it.
    archive.character_device("dev/console", (5, 1));
    archive.file("bin/busybox", 0o755, &read(busybox)?);
    archive.symlink("bin/sh", "busybox");
    for (folder, name) in [("bin", "radvd"), ("bin", "rdisc6"), ("lib64", LINKER), ("lib", LIBC)] {
        archive.file(&format!("{folder}/{name}"), 0o755, &read(&routers.join(name))?);
    }
    // radvd asks who it is.
    archive.file("etc/passwd", 0o644, b"root::0:0:root:/root:/bin/sh\n");
    archive.file("init", 0o755, INIT);
    archive.file("etc/commands", 0o755, COMMANDS);
    archive.file("etc/job", 0o755, JOB);
    archive.file("modules/order", 0o644, &order);
    for name in String::from_utf8_lossy(&order).lines() {
        archive.file(&format!("modules/{name}"), 0o644, &read(&modules.join(name))?);
    }
    Ok(archive.finish())
}

/// FNV-1a, 64 bits: stable over Rust releases, which the standard library's hasher is not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a_published_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_second_build_finds_the_first_and_a_change_makes_a_new_one() {
        let cache = tempfile::tempdir().unwrap();
        let kernel = Kernel { folder: cache.path().join("kernel"), release: "1.2.3".into() };
        fs::create_dir_all(kernel.folder.join("modules")).unwrap();
        fs::write(kernel.folder.join("modules/order"), "a.ko\n").unwrap();
        fs::write(kernel.folder.join("modules/a.ko"), "module").unwrap();
        let busybox = cache.path().join("busybox");
        fs::write(&busybox, "program").unwrap();
        for name in ["radvd", "rdisc6", LINKER, LIBC] {
            fs::write(cache.path().join(name), name).unwrap();
        }
        let programs = Programs { busybox: &busybox, routers: cache.path() };
        let steps = std::cell::RefCell::new(0);
        let count = |_| *steps.borrow_mut() += 1;
        let first = build(cache.path(), &kernel, programs, &count).unwrap();
        assert_eq!(build(cache.path(), &kernel, programs, &count).unwrap(), first);
        assert_eq!(*steps.borrow(), 1);
        fs::write(&first, "truncated").unwrap();
        assert_eq!(build(cache.path(), &kernel, programs, &count).unwrap(), first, "a damaged file is rebuilt");
        assert!(fs::metadata(&first).unwrap().len() > 1000);
        fs::write(&busybox, "another").unwrap();
        assert_ne!(build(cache.path(), &kernel, programs, &count).unwrap(), first);
    }
}
