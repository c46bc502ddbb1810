// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What real guests need on this machine, with its progress on the screen.

use crate::progress::Progress;
use qemu::{Error, Kind, Qemu, Setup, Step, cache_folder};

/// QEMU, the guests' image and the calibration; a moment when all is in the cache.
///
/// # Errors
/// Where [`Error::is_missing_tool`] is true this machine cannot run guests; else something is broken.
pub(crate) fn prepare(progress: &Progress) -> Result<Setup, Error> {
    Setup::prepare(&|step| show(progress, &step))
}

/// Debian 12's own QEMU, which one test runs besides the installed one.
///
/// # Errors
/// Where [`Error::is_missing_tool`] is true this machine cannot get it or run it, and the test says so.
pub(crate) fn prepare_bookworm(progress: &Progress) -> Result<Qemu, Error> {
    Qemu::of_bookworm(&cache_folder(), &|step| show(progress, &step))
}

fn show(progress: &Progress, step: &Step) {
    progress.note(&step.to_string());
    if let Step::Downloading { percent, .. } = step {
        progress.advance(u64::from(*percent), 100);
    }
}

/// How guests run here, in a few words.
pub(crate) fn remark(setup: &Setup) -> String {
    let version = setup.qemu.version;
    match setup.accel.kind {
        Kind::Kvm => format!("QEMU {version}, KVM"),
        Kind::Tcg => format!("QEMU {version}, emulated (no usable KVM)"),
    }
}
