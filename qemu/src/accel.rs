// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How guests run on this machine, and how much patience they need. `calibration` finds it out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A machine that boots a guest in this time needs no more patience than a caller asks for.
pub(crate) const REFERENCE_BOOT: Duration = Duration::from_secs(2);

/// How guests run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// On the processor, through /dev/kvm.
    Kvm,
    /// Emulated by QEMU.
    Tcg,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Kvm => "KVM",
            Kind::Tcg => "TCG",
        }
    }
}

/// How guests run on this machine, and how fast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accel {
    /// KVM where it works.
    pub kind: Kind,
    /// How long the calibration boot took.
    pub boot: Duration,
    /// Why KVM is not used, for people; empty when it is.
    pub why_not_kvm: String,
}

impl Accel {
    /// A time limit for this machine: `base`, longer where guests are slower than a second or two per boot.
    pub fn limit(&self, base: Duration) -> Duration {
        base.mul_f64((self.boot.as_secs_f64() / REFERENCE_BOOT.as_secs_f64()).max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_grow_with_slow_machines_and_never_shrink() {
        let accel = |seconds| Accel { kind: Kind::Tcg, boot: Duration::from_secs(seconds), why_not_kvm: String::new() };
        assert_eq!(accel(1).limit(Duration::from_secs(10)), Duration::from_secs(10));
        assert_eq!(accel(6).limit(Duration::from_secs(10)), Duration::from_secs(30));
    }
}
