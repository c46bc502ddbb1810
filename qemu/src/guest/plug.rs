// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is plugged into a running guest and pulled out again: memory and NICs.

use serde_json::{Value, json};

use super::{Guest, QMP_LIMIT};
use crate::error::Error;
use crate::nic::Nic;

impl Guest {
    /// Plugs `mib` MiB of shared memory in as `id`. The guest takes it into use by itself, a moment later.
    ///
    /// # Errors
    /// [`Error::Qmp`]; among others when the spec left no slot for it.
    pub fn plug_memory(&self, id: &str, mib: u64) -> Result<(), Error> {
        let backend = format!("{id}-memory");
        let mut qmp = self.qmp();
        qmp.object_add(&json!({
            "qom-type": "memory-backend-memfd", "id": backend, "size": mib << 20, "share": true,
        }))?;
        qmp.device_add(&json!({ "driver": "pc-dimm", "id": id, "memdev": backend }))
    }

    /// Plugs a NIC in. The guest finds it by itself, a moment later.
    ///
    /// # Errors
    /// [`Error::Spec`] for a vhost-user NIC, which a guest has from the start or never; [`Error::Qmp`] with QEMU's words,
    /// and then nothing was plugged in.
    pub fn plug_nic(&self, nic: &Nic) -> Result<(), Error> {
        if nic.is_vhost_user() {
            let reason = format!("the vhost-user NIC `{}` cannot be plugged into a running guest", nic.id);
            return Err(Error::Spec { guest: self.spec.name.clone(), field: "nics", reason });
        }
        let mut qmp = self.qmp();
        qmp.netdev_add(&nic.netdev(self.version).to_json())?;
        let plugged = qmp.device_add(&nic.device(self.version).to_json());
        if plugged.is_err() {
            qmp.netdev_del(&nic.netdev_id())?;
        }
        plugged
    }

    /// Asks the guest to let a NIC go, and returns at once: [`Guest::wait_unplugged`] tells when it did.
    ///
    /// # Errors
    /// [`Error::Qmp`] with QEMU's words.
    pub fn ask_unplug(&self, nic: &Nic) -> Result<(), Error> {
        self.qmp().device_del(&nic.device_id())
    }

    /// Waits until the guest has let a NIC go, and removes the other end of it.
    ///
    /// # Errors
    /// [`Error::Qmp`] when the guest keeps it.
    pub fn wait_unplugged(&self, nic: &Nic) -> Result<(), Error> {
        let (device, limit) = (nic.device_id(), self.scaled(QMP_LIMIT));
        let mut qmp = self.qmp();
        qmp.wait_event_about("DEVICE_DELETED", limit, |data| {
            data.get("device").and_then(Value::as_str) == Some(&device)
        })?;
        qmp.netdev_del(&nic.netdev_id())
    }
}
