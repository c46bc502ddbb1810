// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What can go wrong between weft and a VMM, in words that tell the operator what to do.

use super::spec::Dialect;
use super::{ANSWER_MAX, UNPLUG_MAX};
use std::path::PathBuf;
use std::time::Duration;

/// Characters of a VMM's own words that are repeated.
const SAID_MAX: usize = 300;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nobody can be connected to.
    #[error("{path}: {why}; start {vmm} with {}, weft keeps trying", .vmm.option())]
    NoSocket {
        /// Who should listen.
        vmm: Dialect,
        /// Where.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// QEMU accepts and says nothing.
    #[error(
        "QEMU does not greet within {} s: it has one client on each monitor, so another one may hold this; give weft a \
         monitor of its own with another -qmp", ANSWER_MAX.as_secs()
    )]
    NoGreeting,
    /// A question was not answered in time.
    #[error("{vmm} has not answered {command} within {} s: it hangs, or is stopped; weft connects anew", .within.as_secs())]
    Silent {
        /// Who.
        vmm: Dialect,
        /// What it was told.
        command: &'static str,
        /// How long it had.
        within: Duration,
    },
    /// The connection has ended.
    #[error("the connection to {vmm} has ended: {why}; weft keeps trying to connect")]
    Closed {
        /// Whose.
        vmm: Dialect,
        /// What the system says.
        why: String,
    },
    /// What came makes no sense.
    #[error("{vmm} says what weft does not understand ({what}): is this its socket from {}?", .vmm.option())]
    Nonsense {
        /// Who.
        vmm: Dialect,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The VMM said no.
    #[error("{vmm} says: {said}{}", advice(said))]
    Refused {
        /// Who.
        vmm: Dialect,
        /// Its own words.
        said: String,
    },
    /// There is nobody to tell it to.
    #[error("weft is not connected to {vmm}, which needs a socket from {}", .vmm.option())]
    NotConnected {
        /// Whom it would be told to.
        vmm: Dialect,
    },
    /// First something else has to end.
    #[error("the VF {0}; wait until that has ended, or revoke it first")]
    Busy(&'static str),
    /// The guest does not let go.
    #[error(
        "the guest has not let the VF go within {} s: it must run, and have PCI hot-plug (acpiphp, pciehp); weft goes on \
         waiting for it", UNPLUG_MAX.as_secs()
    )]
    Stuck,
    /// The guest says no.
    #[error("the guest refuses to let the VF go; close what uses it there")]
    GuestRefuses,
    /// QEMU lacks a device that should be there.
    #[error("QEMU has no device {id}; {help}")]
    Missing {
        /// Its name.
        id: String,
        /// What helps.
        help: &'static str,
    },
    /// This VMM has no such device.
    #[error("cloud-hypervisor emulates no NICs: give the port a VFIO or vfio-user device, or use the model host-lane")]
    NotEmulated,
}

impl Trouble {
    /// What a VMM said, as far as it can be repeated.
    pub(super) fn refused(vmm: Dialect, said: &str) -> Trouble {
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        let said = said.trim().trim_end_matches('.').chars().take(SAID_MAX).map(clean).collect();
        Trouble::Refused { vmm, said }
    }
}

/// What helps against what VMMs say: a part of their words, and the advice.
const ADVICE: [(&str, &str); 9] = [
    ("does not support hotplugging", "give the VF a slot that does, a pcie-root-port, with --vf-bus"),
    (
        "more than one primary",
        "that standby has had a primary of another name; restart QEMU, or let weft plug in all of them",
    ),
    ("not a valid device model name", "this QEMU has no such NIC; choose another with --vf-device"),
    ("already occupied", "another device has that slot; give the VF one of its own with --vf-bus"),
    ("already in use", "another device has it; give the VF one of its own with --vf-bus"),
    ("Bus '", "start QEMU with -device pcie-root-port,id=NAME and say that name with --vf-bus"),
    ("vfio", "bind the device to vfio-pci on the host, and let QEMU open its group in /dev/vfio"),
    ("VFIO", "bind the device to vfio-pci on the host, and let the VMM open its group in /dev/vfio"),
    ("Parameter 'type'", "this QEMU has no such netdev; dgram and stream need QEMU 7.2"),
];

fn advice(said: &str) -> String {
    let found = ADVICE.iter().find(|(part, _)| said.contains(part));
    found.map(|(_, advice)| format!("; {advice}")).unwrap_or_default()
}
