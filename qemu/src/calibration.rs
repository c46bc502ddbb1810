// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Decides between KVM and emulation (TCG) by booting a guest, and measures how fast this machine is.
//!
//! `/dev/kvm` may exist, answer, and still not run a stock kernel (on machines that are virtual themselves), so only a
//! boot that reached its command line counts. The result is kept in the cache until the host reboots or QEMU or the
//! kernel changes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::accel::{Accel, Kind, REFERENCE_BOOT};
use crate::emulator::Qemu;
use crate::error::Error;
use crate::guest::Guest;
use crate::image::{self, Image};
use crate::progress::{Progress, Step};
use crate::spec::GuestSpec;

/// How long KVM may take to prove itself; it needs about a second where it works.
const KVM_PATIENCE: Duration = Duration::from_secs(15);
/// How long an emulated boot may take on the slowest machine.
const TCG_PATIENCE: Duration = Duration::from_secs(180);

/// What a measurement is valid for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cached {
    host_boot: String,
    qemu: String,
    release: String,
    accel: Accel,
}

impl Accel {
    /// Takes the result of an earlier calibration on this machine, or boots one or two guests.
    ///
    /// # Errors
    /// Those of a guest that does not boot under emulation either.
    pub fn calibrate(cache: &Path, qemu: &Qemu, image: &Image, progress: Progress<'_>) -> Result<Accel, Error> {
        let _lock = image::lock(cache, progress)?;
        let path = cache.join("accel.json");
        let host_boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
        let current = |accel| Cached {
            host_boot: host_boot.clone(),
            qemu: format!("{} {}", qemu.path.display(), qemu.version),
            release: image.release.clone(),
            accel,
        };
        let known = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Cached>(&bytes).ok());
        if let Some(known) = known
            && known == current(known.accel.clone())
        {
            return Ok(known.accel);
        }
        let accel = measure(qemu, image, progress)?;
        let text = serde_json::to_vec_pretty(&current(accel.clone())).expect("numbers and texts are always JSON");
        fs::write(&path, text).map_err(Error::file(&path))?;
        Ok(accel)
    }
}

fn measure(qemu: &Qemu, image: &Image, progress: Progress<'_>) -> Result<Accel, Error> {
    let why_not_kvm = match fs::File::options().read(true).write(true).open("/dev/kvm") {
        Err(failure) => format!("/dev/kvm cannot be opened: {failure}"),
        Ok(_) => {
            progress(Step::Calibrating { accelerator: Kind::Kvm.name() });
            match boot(qemu, image, Kind::Kvm, KVM_PATIENCE) {
                Ok(boot) => return Ok(Accel { kind: Kind::Kvm, boot, why_not_kvm: String::new() }),
                Err(failure) => format!("/dev/kvm is there, but a guest did not boot on it: {failure}"),
            }
        }
    };
    progress(Step::Calibrating { accelerator: Kind::Tcg.name() });
    let boot = boot(qemu, image, Kind::Tcg, TCG_PATIENCE)?;
    Ok(Accel { kind: Kind::Tcg, boot, why_not_kvm })
}

fn boot(qemu: &Qemu, image: &Image, kind: Kind, patience: Duration) -> Result<Duration, Error> {
    let folder = std::env::temp_dir().join(format!("weft-calibrate-{}", std::process::id()));
    // As if it had taken the reference time: `patience` is meant as it stands.
    let unscaled = Accel { kind, boot: REFERENCE_BOOT, why_not_kvm: String::new() };
    let started = Instant::now();
    let spec = GuestSpec::new("calibrate", &folder);
    let outcome = Guest::start(qemu, image, &unscaled, &spec).and_then(|guest| guest.wait_ready_within(patience));
    let took = started.elapsed();
    let _ = fs::remove_dir_all(&folder);
    outcome.map(|()| took)
}
