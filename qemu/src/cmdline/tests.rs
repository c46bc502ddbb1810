// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Command lines against files in `tests/golden`. The same texts stand in README.md, as scenarios to copy.

use std::path::Path;

use super::*;
use crate::nic::{Attach, Mac, Model, Nic, Offload};
use crate::spec::Hotplug;
use crate::version::Version;

const README: &str = include_str!("../../README.md");

fn image() -> Image {
    Image { kernel: "/cache/vmlinux".into(), initrd: "/cache/initrd".into(), release: "6.12".into() }
}

fn qemu(major: u32, minor: u32) -> Qemu {
    Qemu { path: "qemu-system-x86_64".into(), version: Version { major, minor } }
}

fn guest() -> GuestSpec {
    GuestSpec::new("red-vm1", Path::new("/tmp/guests"))
}

fn nic(attach: fn(PathBuf) -> Attach) -> Nic {
    Nic::new("a", Mac([0x52, 0x54, 0, 0, 0, 1]), attach("/run/weft/red-vm1.sock".into()))
}

/// Compares with a golden file, and the file with the README.
fn check(line: &CommandLine, golden: &str) {
    assert_eq!(line.to_string(), golden.trim_end(), "\n{line}\n");
    assert!(README.contains(golden.trim_end()), "README.md shows another command line than\n{golden}");
}

#[test]
fn switch_listens() {
    let spec = guest().with_nic(nic(Attach::SwitchListens));
    let line = CommandLine::qemu(&qemu(10, 0), &image(), Kind::Tcg, &spec);
    check(&line, include_str!("../../tests/golden/switch_listens.txt"));
}

#[test]
fn guest_listens_with_queues_mtu_and_no_offloads() {
    let nic = Nic {
        queue_pairs: 2,
        mtu: Some(9000),
        transmit: Offload::None,
        receive: Offload::Checksum,
        ..nic(Attach::GuestListens)
    };
    let mut spec = guest().with_nic(nic);
    spec.vcpus = 2;
    let line = CommandLine::qemu(&qemu(10, 0), &image(), Kind::Kvm, &spec);
    check(&line, include_str!("../../tests/golden/guest_listens.txt"));
}

#[test]
fn several_banks_and_room_for_more_memory() {
    let mut spec = guest().with_nic(nic(Attach::SwitchListens));
    spec.memory.banks = 2;
    spec.memory.hotplug = Some(Hotplug { slots: 4, max_mib: 2048 });
    let line = CommandLine::qemu(&qemu(10, 0), &image(), Kind::Tcg, &spec);
    check(&line, include_str!("../../tests/golden/memory.txt"));
}

#[test]
fn a_second_nic_stands_in_for_a_passthrough_one() {
    let synthetic = nic(Attach::SwitchListens).standby();
    let (local, remote) = ("/tmp/guests/red-vm1.vf".into(), "/run/weft/red-vm1.vf".into());
    let passthrough = synthetic.primary("vf", Model::E1000e, 0, Attach::Dgram { local, remote });
    let mut spec = guest().with_nic(synthetic).with_nic(passthrough);
    spec.pci_slots = 1;
    spec.has_switch_monitor = true;
    let line = CommandLine::qemu(&qemu(10, 0), &image(), Kind::Tcg, &spec);
    check(&line, include_str!("../../tests/golden/passthrough.txt"));
}

#[test]
fn cloud_hypervisor_knows_the_same_guest() {
    let mut spec = guest().with_nic(nic(Attach::SwitchListens));
    spec.memory.hotplug = Some(Hotplug { slots: 4, max_mib: 2048 });
    let line = CommandLine::cloud_hypervisor(Path::new("cloud-hypervisor"), &image(), &spec).unwrap();
    check(&line, include_str!("../../tests/golden/cloud_hypervisor.txt"));
}

#[test]
fn an_older_qemu_gets_options_that_it_knows() {
    let nic = Nic { transmit: Offload::None, ..nic(Attach::SwitchListens) };
    let text = CommandLine::qemu(&qemu(8, 0), &image(), Kind::Tcg, &guest().with_nic(nic)).to_string();
    assert!(text.contains("reconnect=1 ") && text.contains("host_ufo=off"), "{text}");
    assert!(!text.contains("reconnect-ms") && !text.contains("uso"), "{text}");
}

#[test]
fn the_qemu_of_debian_12_gets_no_interrupt_vectors() {
    let nic = Nic { queue_pairs: 2, ..nic(Attach::GuestListens) };
    let line =
        |major, minor| CommandLine::qemu(&qemu(major, minor), &image(), Kind::Tcg, &guest().with_nic(nic.clone()));
    assert!(line(7, 2).to_string().contains("mq=on,vectors=0"));
    assert!(line(8, 0).to_string().contains("mq=on,vectors=6"));
}

#[test]
fn cloud_hypervisor_refuses_what_only_qemu_can() {
    let program = Path::new("cloud-hypervisor");
    let refusal = |spec: &GuestSpec| CommandLine::cloud_hypervisor(program, &image(), spec).unwrap_err().to_string();
    let stream = guest().with_nic(nic(Attach::StreamListens));
    assert!(refusal(&stream).contains("vhost-user"));
    let queues = guest().with_nic(Nic { queue_pairs: 2, ..nic(Attach::GuestListens) });
    assert!(refusal(&queues).contains("queue pairs"));
}

#[test]
fn shells_read_back_what_was_quoted() {
    let line = CommandLine { program: "echo".into(), arguments: vec!["-n".into(), "it's $HOME".into(), String::new()] };
    let output = Command::new("sh").args(["-c", &line.to_string()]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "it's $HOME ");
}

#[test]
fn impossible_guests_are_refused_before_anything_starts() {
    let refusal = |spec: GuestSpec| spec.check().unwrap_err().to_string();
    assert!(refusal(GuestSpec { name: "red/vm1".into(), ..guest() }).contains("name: expected letters"));
    assert!(refusal(GuestSpec { folder: "/x".repeat(60).into(), ..guest() }).contains("too long"));
    assert!(refusal(GuestSpec { folder: "/a,b".into(), ..guest() }).contains("comma"));
    let mut memory = guest();
    memory.memory.banks = 3;
    assert!(refusal(memory).contains("3 banks"));
    let twice = guest().with_nic(nic(Attach::SwitchListens)).with_nic(nic(Attach::SwitchListens));
    assert!(refusal(twice).contains("unique"));
}
