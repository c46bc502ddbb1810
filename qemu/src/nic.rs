// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One NIC of a guest: what the guest sees, where its frames go, and whether it is one half of a pair.

mod arguments;

use std::fmt;
use std::path::{Path, PathBuf};

/// A hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// What the guest sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Model {
    /// virtio-net on PCI.
    #[default]
    Virtio,
    /// Intel 82574, driver e1000e; stands in for a passthrough NIC.
    E1000e,
    /// Realtek 8139C+, driver 8139cp; stands in for a passthrough NIC.
    Rtl8139,
    /// Intel 82576, driver igb; stands in for a passthrough NIC. QEMU has it since 8.0.
    Igb,
}

/// Where frames go on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attach {
    /// vhost-user; the switch listens at this path, the virtual machine connects, and again whenever it is cut off.
    SwitchListens(PathBuf),
    /// vhost-user; the virtual machine listens at this path and does not boot before the switch has connected.
    GuestListens(PathBuf),
    /// QEMU's own stream of frames over a Unix socket that this guest listens at: two guests without a switch.
    StreamListens(PathBuf),
    /// The other end of [`Attach::StreamListens`]; connects again when cut off.
    StreamConnects(PathBuf),
    /// One frame a datagram over Unix sockets. QEMU makes `local`, in place of what is there, and sends to `remote`, which
    /// need not be there yet: what is sent meanwhile is lost.
    Dgram {
        /// Where QEMU receives.
        local: PathBuf,
        /// Where it sends.
        remote: PathBuf,
    },
}

/// The part that a NIC has in a failover pair, which Linux's net_failover makes one interface of. Both halves have the
/// same MAC address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Failover {
    /// None.
    #[default]
    Alone,
    /// The virtio NIC that is always there (virtio feature STANDBY).
    Standby,
    /// The NIC that is used while it is there. QEMU hides it until the guest has accepted STANDBY (an igb it does not hide).
    Primary {
        /// Which of [`crate::GuestSpec::pci_slots`] it is in.
        slot: u8,
        /// The [`Nic::id`] of its standby.
        standby: String,
    },
}

/// How much work a guest may leave undone, in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offload {
    /// Checksums and TCP segmentation (TSO).
    #[default]
    Full,
    /// Checksums only.
    Checksum,
    /// Nothing: every frame on the wire is whole and correct.
    None,
}

/// A NIC. Start from [`Nic::new`] and change fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// Name inside QEMU, unique in the guest; letters, digits and dashes. The device is `nic-<id>`.
    pub id: String,
    /// Its address.
    pub mac: Mac,
    /// Where its frames go.
    pub attach: Attach,
    /// What the guest sees.
    pub model: Model,
    /// Pairs of queues; more than one turns multi-queue on (virtio only).
    pub queue_pairs: u16,
    /// MTU that is offered to the guest (virtio feature MTU); `None` offers none.
    pub mtu: Option<u16>,
    /// What the guest may leave undone in frames that it sends (virtio features CSUM and HOST_*).
    pub transmit: Offload,
    /// What the guest accepts as undone in frames that it receives (virtio features GUEST_*).
    pub receive: Offload,
    /// Its part in a failover pair.
    pub failover: Failover,
    /// Further device properties, passed on as they are: `("mrg_rxbuf", "off")`.
    pub properties: Vec<(String, String)>,
}

impl Nic {
    /// A virtio NIC with one queue pair and all offloads.
    pub fn new(id: &str, mac: Mac, attach: Attach) -> Nic {
        Nic {
            id: id.to_owned(),
            mac,
            attach,
            model: Model::Virtio,
            queue_pairs: 1,
            mtu: None,
            transmit: Offload::Full,
            receive: Offload::Full,
            failover: Failover::Alone,
            properties: Vec::new(),
        }
    }

    /// This NIC as the half of a pair that is always there.
    #[must_use]
    pub fn standby(self) -> Nic {
        Nic { failover: Failover::Standby, ..self }
    }

    /// The other half for this NIC, in `slot`, its frames going to `attach`.
    #[must_use]
    pub fn primary(&self, id: &str, model: Model, slot: u8, attach: Attach) -> Nic {
        let failover = Failover::Primary { slot, standby: self.id.clone() };
        Nic { model, failover, ..Nic::new(id, self.mac, attach) }
    }

    /// True for a NIC that shares the guest's memory with the switch.
    pub(crate) fn is_vhost_user(&self) -> bool {
        matches!(self.attach, Attach::SwitchListens(_) | Attach::GuestListens(_))
    }

    /// The Unix sockets of this NIC.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let (one, other) = match &self.attach {
            Attach::SwitchListens(path)
            | Attach::GuestListens(path)
            | Attach::StreamListens(path)
            | Attach::StreamConnects(path) => (path, None),
            Attach::Dgram { local, remote } => (local, Some(remote)),
        };
        std::iter::once(one).chain(other).map(PathBuf::as_path)
    }
}
