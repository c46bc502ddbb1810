// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! VFs through the real daemon: a guest of ours on the synthetic lane, and on the other one a socket of ours or a device of
//! the kernel's. Guests with real drivers are in `vf_guests`.
#![forbid(unsafe_code)]

mod bad;
mod dgram;
mod host_lane;
mod life;
mod uplink;

use serde_json::Value;
use std::os::unix::net::UnixDatagram;
use tests::frames;
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, for_value};
use tests::weftd::Weftd;

/// Two guests of a namespace, of which vm1 may have a VF.
struct Scene {
    weftd: Weftd,
    vm1: SyntheticGuest,
    vm2: SyntheticGuest,
}

impl Scene {
    fn new() -> Scene {
        Scene::on(Weftd::start())
    }

    fn on(weftd: Weftd) -> Scene {
        weftd.add_namespace("red");
        weftd.add_port("red", "vm1", 1, &[]);
        weftd.add_port("red", "vm2", 2, &[]);
        let (vm1, vm2) = (weftd.attach("vm1", 1), weftd.attach("vm2", 2));
        Scene { weftd, vm1, vm2 }
    }

    /// The same, where vm1 has been offered a VF by `dgram`, and has not used it yet.
    fn with_vf(model: &str) -> (Scene, Nic) {
        let scene = Scene::new();
        let (nic, lane) = Nic::new(&scene);
        scene.weft(&["port", "set", "vm1", "--vf", &lane, "--vf-model", model]);
        assert_eq!(scene.await_vf("absent")["active"], "synthetic");
        scene.weft(&["vf", "offer", "vm1"]);
        scene.await_vf("plugged");
        (scene, nic)
    }

    /// `weft vf status vm1 --json`.
    fn vf(&self) -> Value {
        self.weftd.json(&["vf", "status", "vm1"])
    }

    /// Waits until the VF is in this state.
    fn await_vf(&self, state: &str) -> Value {
        let deadline = Deadline::patient();
        for_value(&format!("the VF to be {state}"), deadline, || {
            let vf = self.vf();
            assert!(vf["state"] == state || !deadline.passed(), "the VF stays like this: {vf:#}");
            (vf["state"] == state).then_some(vf)
        })
    }

    fn weft(&self, words: &[&str]) -> String {
        self.weftd.weft(words).expect_ok()
    }

    /// A frame from vm2 to vm1 with this number.
    fn to_vm1(&self, number: u64) -> Vec<u8> {
        frames::numbered(self.vm1.mac(), self.vm2.mac(), number, 100)
    }

    /// A frame from vm1 to vm2 with this number.
    fn to_vm2(&self, number: u64) -> Vec<u8> {
        frames::numbered(self.vm2.mac(), self.vm1.mac(), number, 100)
    }
}

/// The guest's end of a VF lane of kind dgram, as QEMU has it.
struct Nic {
    socket: UnixDatagram,
    weft: std::path::PathBuf,
}

impl Nic {
    /// A NIC, and the lane as `weft` is told of it.
    fn new(scene: &Scene) -> (Nic, String) {
        let [weft, peer] = ["vf.sock", "nic.sock"].map(|name| scene.weftd.folder().join(name));
        let lane = format!("dgram:{},peer={}", weft.display(), peer.display());
        let socket = UnixDatagram::bind(&peer).expect("a fresh path");
        socket.set_nonblocking(true).expect("a socket can be so");
        (Nic { socket, weft }, lane)
    }

    fn send(&self, frame: &[u8]) {
        self.socket.send_to(frame, &self.weft).expect("weftd has its end open");
    }

    /// Frames that have come.
    fn received(&self) -> Vec<Vec<u8>> {
        let mut buffer = [0; 65_600];
        std::iter::from_fn(|| self.socket.recv(&mut buffer).ok().map(|len| buffer[..len].to_vec())).collect()
    }

    /// Waits for the next frame that the switch has for this guest.
    fn recv(&self) -> Vec<u8> {
        let mut buffer = [0; 65_600];
        let next = || self.socket.recv(&mut buffer).ok().map(|len| buffer[..len].to_vec());
        for_value("a frame over the VF lane", Deadline::patient(), next)
    }
}

/// Waits for the frame with that number.
fn await_number(guest: &mut SyntheticGuest, number: u64) {
    let wanted = |got: &tests::driver::Received| frames::number_of(&got.frame) == Some(number);
    assert!(guest.recv_until(Deadline::patient(), wanted).is_some(), "frame {number} did not come to {}", guest.name());
}
