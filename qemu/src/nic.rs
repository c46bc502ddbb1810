// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One NIC of a guest, and how it becomes QEMU's `-chardev`, `-netdev` and `-device`.

use std::fmt;
use std::path::PathBuf;

use crate::version::Version;

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
}

impl Model {
    fn device(self) -> &'static str {
        match self {
            Model::Virtio => "virtio-net-pci",
            Model::E1000e => "e1000e",
            Model::Rtl8139 => "rtl8139",
        }
    }
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
    /// Further device properties, passed on as they are: `("mrg_rxbuf", "off")`, `("failover", "on")`.
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
            properties: Vec::new(),
        }
    }

    /// True for a NIC that shares the guest's memory with the switch.
    pub(crate) fn is_vhost_user(&self) -> bool {
        matches!(self.attach, Attach::SwitchListens(_) | Attach::GuestListens(_))
    }

    /// The Unix socket of this NIC.
    pub(crate) fn path(&self) -> &PathBuf {
        match &self.attach {
            Attach::SwitchListens(path)
            | Attach::GuestListens(path)
            | Attach::StreamListens(path)
            | Attach::StreamConnects(path) => path,
        }
    }

    /// QEMU's options, flat: option, value, option, value.
    pub(crate) fn arguments(&self, version: Version) -> Vec<String> {
        let mut arguments = self.netdev(version);
        arguments.extend(["-device".to_owned(), self.device(version)]);
        arguments
    }

    fn netdev(&self, version: Version) -> Vec<String> {
        let (id, path) = (&self.id, self.path().display());
        let chardev = |role: &str| format!("socket,id=char-{id},path={path},{role}");
        let queues = if self.queue_pairs > 1 { format!(",queues={}", self.queue_pairs) } else { String::new() };
        let vhost_user = |role: &str| {
            let netdev = format!("vhost-user,id=net-{id},chardev=char-{id}{queues}");
            ["-chardev".to_owned(), chardev(role), "-netdev".to_owned(), netdev].to_vec()
        };
        let stream = |role: &str| {
            let netdev = format!("stream,id=net-{id},addr.type=unix,addr.path={path},{role}");
            ["-netdev".to_owned(), netdev].to_vec()
        };
        match &self.attach {
            Attach::SwitchListens(_) => vhost_user(&reconnect(version)),
            Attach::GuestListens(_) => vhost_user("server=on,wait=off"),
            Attach::StreamListens(_) => stream("server=on"),
            Attach::StreamConnects(_) => stream(&format!("server=off,{}", reconnect(version))),
        }
    }

    fn device(&self, version: Version) -> String {
        let id = &self.id;
        let mut text = format!("{},id=nic-{id},netdev=net-{id},mac={},romfile=", self.model.device(), self.mac);
        let mut add = |name: &str, value: &str| text.push_str(&format!(",{name}={value}"));
        if self.model == Model::Virtio {
            if self.queue_pairs > 1 {
                add("mq", "on");
            }
            if let Some(vectors) = self.vectors(version) {
                add("vectors", &vectors.to_string());
            }
            if let Some(mtu) = self.mtu {
                add("host_mtu", &mtu.to_string());
            }
            for name in
                switched_off(self.transmit, &TRANSMIT, version).chain(switched_off(self.receive, &RECEIVE, version))
            {
                add(name, "off");
            }
        }
        for (name, value) in &self.properties {
            add(name, value);
        }
        text
    }

    /// Interrupt vectors (MSI-X), where QEMU's own choice does not do.
    fn vectors(&self, version: Version) -> Option<u16> {
        if version < Version::OLDEST && self.is_vhost_user() {
            return Some(0);
        }
        // One a queue, one for the control queue, one for configuration changes.
        (self.queue_pairs > 1).then_some(2 * self.queue_pairs + 2)
    }
}

/// The option that makes QEMU look for a peer that went away.
fn reconnect(version: Version) -> String {
    let interval = version.reconnect_interval();
    if version.counts_milliseconds() {
        format!("reconnect-ms={}", interval.as_millis())
    } else {
        format!("reconnect={}", interval.as_secs())
    }
}

/// Device properties of one direction.
struct Direction {
    checksum: &'static str,
    segmentation: &'static [&'static str],
    /// Segmentation of UDP, which QEMU has since 8.2.
    udp_segmentation: &'static [&'static str],
}

const TRANSMIT: Direction = Direction {
    checksum: "csum",
    segmentation: &["gso", "host_tso4", "host_tso6", "host_ecn", "host_ufo"],
    udp_segmentation: &["host_uso"],
};

const RECEIVE: Direction = Direction {
    checksum: "guest_csum",
    segmentation: &["guest_tso4", "guest_tso6", "guest_ecn", "guest_ufo"],
    udp_segmentation: &["guest_uso4", "guest_uso6"],
};

fn switched_off(offload: Offload, names: &Direction, version: Version) -> impl Iterator<Item = &'static str> {
    let checksum = (offload == Offload::None).then_some(names.checksum);
    let segmentation = if offload == Offload::Full { &[] } else { names.segmentation };
    let has_udp = offload != Offload::Full && version >= Version { major: 8, minor: 2 };
    let udp = if has_udp { names.udp_segmentation } else { &[] };
    checksum.into_iter().chain(segmentation.iter().copied()).chain(udp.iter().copied())
}
