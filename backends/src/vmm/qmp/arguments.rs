// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What belongs to each command. Sources: QEMU `qapi/net.json`, `qapi/qdev.json`, `qapi/qom.json`.

use super::message::Version;
use crate::vmm::spec::{Hardware, Identity, LaneSocket, Vf};
use serde_json::{Value, json};

/// Where QEMU keeps devices that have a name.
const DEVICES: &str = "/machine/peripheral";

/// Asks which devices there are.
pub(super) fn look() -> Value {
    json!({ "path": DEVICES })
}

/// Whether what it says to that names this device.
pub(super) fn lists(said: &Value, id: &str) -> bool {
    let named = |device: &Value| device.get("name").and_then(Value::as_str) == Some(id);
    said.as_array().is_some_and(|devices| devices.iter().any(named))
}

/// Whether an event speaks of our device. It names that, or gives its path, or both; the path of what is a part of it is
/// another one.
pub(super) fn is_ours(data: &Value, identity: &Identity) -> bool {
    let text = |key| data.get(key).and_then(Value::as_str);
    let device = identity.device.as_str();
    let path_is_ours = |path: &str| path.strip_prefix(DEVICES).and_then(|rest| rest.strip_prefix('/')) == Some(device);
    match (text("device"), text("path")) {
        (Some(name), Some(path)) => name == device && path_is_ours(path),
        (Some(name), None) => name == device,
        (None, Some(path)) => path_is_ours(path),
        (None, None) => false,
    }
}

/// The netdev behind an emulated VF; `None` where there is none.
pub(super) fn lane(vf: &Vf, identity: &Identity, version: Version) -> Option<Value> {
    let Hardware::Emulated { socket, .. } = &vf.hardware else { return None };
    let unix = |path: &str| json!({ "type": "unix", "path": path });
    let id = identity.device.lane();
    Some(match socket {
        LaneSocket::Dgram { local, remote } => {
            json!({ "type": "dgram", "id": id, "local": unix(local), "remote": unix(remote) })
        }
        LaneSocket::Stream { path } => {
            let mut lane = json!({ "type": "stream", "id": id, "addr": unix(path), "server": false });
            if let Some((option, pause)) = reconnect(version) {
                lane[option] = json!(pause);
            }
            lane
        }
    })
}

/// What has QEMU connect again when weft was away, from the version on that has it.
fn reconnect(version: Version) -> Option<(&'static str, u32)> {
    match version {
        (9, 2..) | (10.., _) => Some(("reconnect-ms", 500)),
        (8.., _) => Some(("reconnect", 1)),
        _ => None,
    }
}

/// The device.
pub(super) fn device(vf: &Vf, identity: &Identity) -> Value {
    let mut device = match &vf.hardware {
        // QEMU refuses to hot-plug what has a boot ROM, as these have unless told otherwise.
        Hardware::Emulated { driver, mac, .. } => json!({
            "driver": driver, "mac": mac.to_string(), "netdev": identity.device.lane(), "rombar": 0, "romfile": "",
        }),
        Hardware::Vfio { address } => json!({ "driver": "vfio-pci", "host": address.to_string() }),
        Hardware::VfioUser { path } => {
            json!({ "driver": "vfio-user-pci", "socket": { "type": "unix", "path": path } })
        }
    };
    device["id"] = json!(identity.device.as_str());
    if let Some(bus) = &vf.bus {
        device["bus"] = json!(bus);
    }
    if let Some(standby) = identity.standby.as_ref().filter(|_| can_be_primary(&vf.hardware)) {
        device["failover_pair_id"] = json!(standby);
    }
    device
}

/// Whether QEMU takes a device as the primary of a standby: not one that has functions beside its own, as an `igb` has VFs.
/// The guest's net_failover takes that by its MAC all the same, and QEMU does not hold it back until the guest has negotiated
/// STANDBY.
fn can_be_primary(hardware: &Hardware) -> bool {
    !matches!(hardware, Hardware::Emulated { driver, .. } if driver == "igb")
}

/// The device, to take it out.
pub(super) fn no_device(identity: &Identity) -> Value {
    json!({ "id": identity.device.as_str() })
}

/// The netdev, to remove it.
pub(super) fn no_lane(identity: &Identity) -> Value {
    json!({ "id": identity.device.lane() })
}
