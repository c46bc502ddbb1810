// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A QEMU whose processors stand still, and a channel to it.

use backends::place::Place;
use backends::vmm::{Channel, DeviceId, Dialect, Event, Hardware, Identity, LaneSocket, Vf};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tests::skip::skip;
use tests::wait::{Deadline, for_value, until};

/// The PCIe slots' own hot-plug: one that no guest has powered on lets its device go at once.
const OPTIONS: &str = "-M q35 -m 64 -nodefaults -display none -S -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off \
     -device pcie-root-port,id=rp0,chassis=1,slot=1 -netdev hubport,id=hub0,hubid=0 \
     -device virtio-net-pci,id=nic0,netdev=hub0,failover=on,mac=02:00:00:00:00:07";

/// A QEMU; killed when this goes.
pub(crate) struct Machine {
    folder: TempDir,
    child: Child,
}

impl Machine {
    /// Starts one. Where there is no QEMU the calling test is noted as skipped.
    pub(crate) fn start() -> Option<Machine> {
        let Ok(qemu) = qemu::Qemu::find() else {
            skip("no qemu-system-x86_64");
            return None;
        };
        let folder = tempfile::tempdir().expect("a directory");
        let monitor = folder.path().join("qmp");
        let mut command = Command::new(qemu.path);
        command.args(OPTIONS.split_whitespace());
        command.arg("-qmp").arg(format!("unix:{},server=on,wait=off", monitor.display()));
        let child = command.stdin(Stdio::null()).spawn().expect("QEMU starts");
        let machine = Machine { folder, child };
        until("QEMU's monitor", Deadline::patient(), || monitor.exists());
        Some(machine)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A channel for the port number 7, whose virtio NIC is `standby`.
    pub(crate) fn channel(&self, standby: Option<&str>) -> Line {
        let identity = Identity { device: DeviceId::of_port(7), standby: standby.map(str::to_owned) };
        let channel = Channel::new(Place::new(self.path("qmp"), None), Dialect::Qmp, identity).expect("a descriptor");
        Line { channel, origin: Instant::now() }
    }

    /// A VF whose frames are datagrams to a socket in the machine's directory.
    pub(crate) fn vf(&self, driver: &str) -> Vf {
        let text = |name| self.path(name).display().to_string();
        let socket = LaneSocket::Dgram { local: text("lane"), remote: text("weft") };
        let mac = wire::MacAddr([2, 0, 0, 0, 0, 7]);
        Vf { hardware: Hardware::Emulated { driver: driver.to_owned(), mac, socket }, bus: Some("rp0".to_owned()) }
    }

    /// Ends QEMU as a crash would.
    pub(crate) fn kill(&mut self) {
        // Both fail only for what has ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A channel, and its time.
pub(crate) struct Line {
    pub(crate) channel: Channel,
    origin: Instant,
}

impl Line {
    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    pub(crate) fn turn(&mut self) {
        self.channel.turn(self.origin.elapsed());
    }

    pub(crate) fn plug(&mut self, vf: Vf) {
        self.channel.plug(vf, self.origin.elapsed());
    }

    pub(crate) fn unplug(&mut self) {
        self.channel.unplug(self.origin.elapsed());
    }

    /// What happens next.
    pub(crate) fn next(&mut self) -> Event {
        for_value("an event", Deadline::patient(), || {
            self.turn();
            self.channel.poll_event()
        })
    }

    /// Why what was asked last has failed.
    pub(crate) fn failure(&mut self) -> String {
        match self.next() {
            Event::PlugFailed(why) | Event::UnplugFailed(why) => why.to_string(),
            other => panic!("{other:?} is no failure"),
        }
    }
}
