// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is to be plugged in, and who is told to.

use std::fmt;
use switch::PciAddress;
use wire::MacAddr;

/// The language of a VMM's socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// QEMU's monitor protocol.
    Qmp,
    /// cloud-hypervisor's API.
    CloudHypervisor,
}

impl Dialect {
    /// The option that gives the VMM such a socket.
    pub(super) fn option(self) -> &'static str {
        match self {
            Dialect::Qmp => "-qmp unix:PATH,server=on,wait=off",
            Dialect::CloudHypervisor => "--api-socket path=PATH",
        }
    }
}

/// The VMM's name.
impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dialect::Qmp => "QEMU",
            Dialect::CloudHypervisor => "cloud-hypervisor",
        })
    }
}

/// How the VMM names a port's VF. Devices of other names are never touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceId(String);

impl DeviceId {
    /// That of the port with this number, which is its own as long as it is there and for long after.
    pub fn of_port(number: u32) -> DeviceId {
        DeviceId(format!("weft-vf-{number}"))
    }

    /// The name as text: letters, digits and `-` only, as QEMU demands (`id_wellformed`).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the netdev behind it.
    pub(super) fn lane(&self) -> String {
        self.0.replace("-vf-", "-lane-")
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose VF a channel is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The VF's name at the VMM.
    pub device: DeviceId,
    /// What the VMM calls the port's virtio NIC (`id=`), when it has `failover=on`: the VF is then its primary. The
    /// guest must negotiate `VIRTIO_NET_F_STANDBY` before QEMU shows it one.
    pub standby: Option<String>,
}

/// A VF to plug in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vf {
    /// What the guest gets to see.
    pub hardware: Hardware,
    /// QEMU's name of the bus that it goes to, one that takes hot-plugged devices: a `pcie-root-port`. `None`: QEMU
    /// chooses, which on `q35` is refused.
    pub bus: Option<String>,
}

/// What the guest gets to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hardware {
    /// A NIC that QEMU emulates; its frames come to weft.
    Emulated {
        /// QEMU's name of the device: `e1000e`, `rtl8139`, `igb`.
        driver: String,
        /// The MAC address; for a failover pair that of the port.
        mac: MacAddr,
        /// Where its frames go.
        socket: LaneSocket,
    },
    /// A host device by VFIO; its frames bypass weft.
    Vfio {
        /// Its PCI address.
        address: PciAddress,
    },
    /// A device that another process serves by vfio-user.
    VfioUser {
        /// That process's socket.
        path: String,
    },
}

/// How QEMU reaches the lane's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneSocket {
    /// A frame is a datagram (`-netdev dgram`).
    Dgram {
        /// The socket that QEMU makes and weft sends to.
        local: String,
        /// weft's socket.
        remote: String,
    },
    /// A frame follows its length (`-netdev stream`); weft listens.
    Stream {
        /// weft's socket.
        path: String,
    },
}
