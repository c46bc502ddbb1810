// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a NIC becomes QEMU's `-chardev`, `-netdev` and `-device`, or the same in the monitor.

use std::path::Path;

use super::{Attach, Failover, Model, Nic, Offload};
use crate::options::Options;
use crate::version::Version;

impl Model {
    fn device(self) -> &'static str {
        match self {
            Model::Virtio => "virtio-net-pci",
            Model::E1000e => "e1000e",
            Model::Rtl8139 => "rtl8139",
            Model::Igb => "igb",
        }
    }
}

impl Nic {
    /// The device's name in QEMU.
    pub(crate) fn device_id(&self) -> String {
        format!("nic-{}", self.id)
    }

    /// The netdev's name in QEMU.
    pub(crate) fn netdev_id(&self) -> String {
        format!("net-{}", self.id)
    }

    /// QEMU's options, flat: option, value, option, value.
    pub(crate) fn arguments(&self, version: Version) -> Vec<String> {
        let parts = [
            ("-chardev", self.chardev(version)),
            ("-netdev", Some(self.netdev(version))),
            ("-device", Some(self.device(version))),
        ];
        let words = parts.into_iter().filter_map(|(option, value)| Some([option.to_owned(), value?.to_text()]));
        words.flatten().collect()
    }

    /// The socket of a vhost-user NIC, whose netdev knows only its name.
    fn chardev(&self, version: Version) -> Option<Options> {
        let socket = |path: &Path| {
            Options::new("backend", "socket").with("id", format!("char-{}", self.id)).with("path", text(path))
        };
        match &self.attach {
            Attach::SwitchListens(path) => Some(reconnecting(socket(path), version)),
            Attach::GuestListens(path) => Some(socket(path).with("server", true).with("wait", false)),
            Attach::StreamListens(_) | Attach::StreamConnects(_) | Attach::Dgram { .. } => None,
        }
    }

    /// Where its frames go.
    pub(crate) fn netdev(&self, version: Version) -> Options {
        let netdev = |kind| Options::new("type", kind).with("id", self.netdev_id());
        let stream = |path: &Path| netdev("stream").with("addr.type", "unix").with("addr.path", text(path));
        match &self.attach {
            Attach::SwitchListens(_) | Attach::GuestListens(_) => {
                let mut options = netdev("vhost-user").with("chardev", format!("char-{}", self.id));
                if self.queue_pairs > 1 {
                    options.add("queues", self.queue_pairs);
                }
                options
            }
            Attach::StreamListens(path) => stream(path).with("server", true),
            Attach::StreamConnects(path) => reconnecting(stream(path).with("server", false), version),
            Attach::Dgram { local, remote } => netdev("dgram")
                .with("local.type", "unix")
                .with("local.path", text(local))
                .with("remote.type", "unix")
                .with("remote.path", text(remote)),
        }
    }

    /// What the guest sees.
    pub(crate) fn device(&self, version: Version) -> Options {
        let mut options = Options::new("driver", self.model.device())
            .with("id", self.device_id())
            .with("netdev", self.netdev_id())
            .with("mac", self.mac.to_string())
            .with("romfile", "");
        if self.model == Model::Virtio {
            self.add_virtio(&mut options, version);
        }
        match &self.failover {
            Failover::Alone => {}
            Failover::Standby => options.add("failover", true),
            Failover::Primary { slot, standby } => {
                options.add("bus", format!("slot{slot}"));
                // QEMU takes no device for it that has virtual functions of its own. The guest joins it by its MAC all the same.
                if self.model != Model::Igb {
                    options.add("failover_pair_id", format!("nic-{standby}"));
                }
                // Without this a device without a ROM cannot be plugged in.
                options.add("rombar", 0);
            }
        }
        for (name, value) in &self.properties {
            options.add_text(name, value);
        }
        options
    }

    fn add_virtio(&self, options: &mut Options, version: Version) {
        if self.queue_pairs > 1 {
            options.add("mq", true);
        }
        if let Some(vectors) = self.vectors(version) {
            options.add("vectors", vectors);
        }
        if let Some(mtu) = self.mtu {
            options.add("host_mtu", mtu);
        }
        let transmit = switched_off(self.transmit, &TRANSMIT, version);
        for name in transmit.chain(switched_off(self.receive, &RECEIVE, version)) {
            options.add(name, false);
        }
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

/// Makes QEMU look for a peer that went away.
fn reconnecting(options: Options, version: Version) -> Options {
    let interval = version.reconnect_interval();
    if version.counts_milliseconds() {
        options.with("reconnect-ms", u64::try_from(interval.as_millis()).unwrap_or(u64::MAX))
    } else {
        options.with("reconnect", interval.as_secs())
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
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
