// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! cloud-hypervisor, where somebody has installed it: it says what was recorded, and its guest's driver gets rings.

use std::path::Path;
use std::process::{Child, Stdio};

use crate::lab::{Lab, Must, patience};
use crate::recordings::recorded_nic;
use ctl::proto::v1::State;
use qemu::{CommandLine, GuestSpec, find_cloud_hypervisor};
use tests::frontend::script::Order;
use tests::guest::Side;
use tests::recorder::{Recorded, Recorder, essence};
use tests::skip::skip;
use tests::wait::until;

/// Ends the VMM with the test.
struct Vmm(Child);

impl Vmm {
    fn start(line: &CommandLine) -> Vmm {
        let vmm = line.to_command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn();
        Vmm(vmm.expect("the program is there"))
    }
}

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
    let _vmm = Vmm::start(&line);
    lab.await_state("cloud-port", State::Up);
}

/// It negotiates before its guest runs, so this needs a /dev/kvm, but not one that boots a stock kernel.
#[test]
fn cloud_hypervisor_negotiates_as_was_recorded() {
    let Some(program) = find_cloud_hypervisor() else { return skip("cloud-hypervisor is not installed") };
    if !Path::new("/dev/kvm").exists() {
        return skip("cloud-hypervisor needs KVM: there is no /dev/kvm");
    }
    let Some(lab) = Lab::open() else { return };
    lab.weft("namespace add red");
    for (number, side) in [(1, Side::Connects), (2, Side::Listens)] {
        let (nic, mut recorder) = recorded_nic(&lab, &format!("cloud-port{number}"), number, side, 2);
        let spec = GuestSpec { vcpus: 2, ..lab.guest(&format!("cloud{number}"), [nic]) };
        let line = CommandLine::cloud_hypervisor(&program, &lab.setup().image, &spec).must();
        recorder.section("connect");
        let _vmm = Vmm::start(&line);
        await_start_of(Recorded::of(Order::CloudHypervisor, 2), &recorder);
    }
}

/// Waits until as much was said as in the recording's first section, which must be the same.
fn await_start_of(recorded: Recorded, recorder: &Recorder) {
    let whole = essence(recorded.text);
    let first = whole[1..].iter().position(|line| line.starts_with('[')).expect("there are more sections") + 1;
    until("cloud-hypervisor to negotiate", patience(), || essence(&recorder.text()).len() >= first);
    let text = recorder.text();
    assert_eq!(essence(&text)[..first], whole[..first], "{text}");
}
