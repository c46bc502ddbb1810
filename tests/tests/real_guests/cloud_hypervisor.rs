// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A guest under cloud-hypervisor, where somebody has installed it: its driver gets its rings from weft.

use std::process::{Child, Stdio};

use crate::lab::{Lab, Must};
use ctl::proto::v1::State;
use qemu::{CommandLine, find_cloud_hypervisor};
use tests::skip::skip;

/// Ends the VMM with the test.
struct Vmm(Child);

impl Drop for Vmm {
    fn drop(&mut self) {
        // It fails only when the VMM has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_guest_under_cloud_hypervisor_attaches() {
    let Some(program) = find_cloud_hypervisor() else { return skip("cloud-hypervisor is not installed") };
    let Some(lab) = Lab::open() else { return };
    let why_not_kvm = &lab.setup().accel.why_not_kvm;
    if !why_not_kvm.is_empty() {
        return skip(&format!("cloud-hypervisor needs KVM: {why_not_kvm}"));
    }
    lab.weft("namespace add red");
    let spec = lab.guest("cloud", [lab.port("cloud-port", "red", 1, "")]);
    let line = CommandLine::cloud_hypervisor(&program, &lab.setup().image, &spec).must();
    let vmm = line.to_command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn();
    let _vmm = Vmm(vmm.expect("the program is there"));
    lab.await_state("cloud-port", State::Up);
}
