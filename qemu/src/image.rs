// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guest image: a Debian kernel and a first file system of busybox, radvd, rdisc6, modules and a few scripts.
//!
//! Everything lives below one cache folder and nothing outside it is written:
//!
//! ```text
//! kernel-<package>/   vmlinuz, vmlinux (when it could be unpacked), modules/, modules.builtin
//! busybox/busybox     a static busybox
//! router-programs/    radvd and rdisc6, and the C library that they need
//! qemu-bookworm/      Debian 12's own QEMU, where a test has asked for it
//! initrd-<hash>       the file system; the hash covers everything that is inside
//! lock                held while one process prepares; others wait
//! ```
//!
//! Each entry appears by one rename, so an interrupted preparation leaves nothing that looks finished. A kernel that is
//! already in the cache is used as it is, without asking the package archive for a newer one: remove the folder for that.

mod initrd;
mod modules;
mod package;
mod vmlinux;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::progress::{Progress, Step};
use initrd::Programs;

/// Which of Debian's kernels a guest boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// `linux-image-*-amd64`: has e1000e, 8139cp and igb, which play the passthrough NIC.
    #[default]
    Generic,
    /// `linux-image-*-cloud-amd64`: a third of the download, boots about a second faster, has virtio only.
    Cloud,
}

/// A bootable guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The kernel: an uncompressed `vmlinux` where possible (saves a second of emulated decompression), else `vmlinuz`.
    pub kernel: PathBuf,
    /// The first file system.
    pub initrd: PathBuf,
    /// The kernel's release, as `uname -r` prints it.
    pub release: String,
}

/// The cache folder: `$WEFT_CACHE`, or `.cache/guest` in the folder of the workspace.
pub fn cache_folder() -> PathBuf {
    match std::env::var_os("WEFT_CACHE") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
            crate_folder.parent().unwrap_or(crate_folder).join(".cache/guest")
        }
    }
}

impl Image {
    /// Takes the image from the cache, and builds first what is missing there. Needs the network only for that.
    ///
    /// # Errors
    /// Names the package, program or file that stood in the way.
    pub fn prepare(cache: &Path, flavour: Flavour, progress: Progress<'_>) -> Result<Image, Error> {
        let _lock = lock(cache, progress)?;
        let kernel = match package::cached_kernel(cache, flavour)? {
            Some(kernel) => kernel,
            None => package::fetch_kernel(cache, flavour, progress)?,
        };
        let busybox = package::busybox(cache, progress)?;
        let routers = package::router_programs(cache, progress)?;
        let programs = Programs { busybox: &busybox, routers: &routers };
        let initrd = initrd::build(cache, &kernel, programs, progress)?;
        let plain = kernel.folder.join("vmlinux");
        let kernel_file = if plain.exists() { plain } else { kernel.folder.join("vmlinuz") };
        Ok(Image { kernel: kernel_file, initrd, release: kernel.release })
    }
}

/// Holds the cache for this process until the file is closed.
pub(crate) fn lock(cache: &Path, progress: Progress<'_>) -> Result<File, Error> {
    fs::create_dir_all(cache).map_err(Error::file(cache))?;
    let path = cache.join("lock");
    let file = File::create(&path).map_err(Error::file(&path))?;
    if file.try_lock().is_err() {
        progress(Step::Waiting);
        file.lock().map_err(Error::file(&path))?;
    }
    Ok(file)
}
