// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Boots real guests. Says so, and asserts nothing, where this machine cannot run them.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use qemu::{Attach, Error, Guest, GuestSpec, Hotplug, Mac, Model, Nic, Pings, Setup};

/// Prepared once for all tests of this file; `None` where guests cannot run.
fn setup() -> Option<&'static Setup> {
    static SETUP: OnceLock<Option<Setup>> = OnceLock::new();
    let prepare = || match Setup::prepare(&|step| println!("{step}")) {
        Ok(setup) => Some(setup),
        Err(reason) if reason.is_missing_tool() => {
            println!("skipped: no qemu: {reason}");
            None
        }
        Err(failure) => panic!("{failure}"),
    };
    SETUP.get_or_init(prepare).as_ref()
}

fn booted(setup: &Setup, spec: &GuestSpec) -> Guest {
    let guest = setup.start(spec).expect("the guest starts");
    guest.wait_ready().expect("the guest boots");
    guest
}

#[test]
fn commands_come_back_byte_by_byte() {
    let Some(setup) = setup() else { return };
    let folder = tempfile::tempdir().unwrap();
    let guest = booted(setup, &GuestSpec::new("solo", folder.path()));
    assert_eq!(guest.run_ok("hostname").unwrap(), "solo");

    let output = guest.run(r"printf '\0\001\r\n\377weft-end 1\n'; echo oops >&2; exit 3").unwrap();
    assert_eq!(output.status, 3);
    assert_eq!(output.stdout, b"\0\x01\r\n\xffweft-end 1\n");
    assert_eq!(output.stderr, b"oops\n");

    let numbers: String = (1..=100_000).map(|number| format!("{number}\n")).collect();
    assert!(guest.run("seq 1 100000").unwrap().stdout == numbers.as_bytes(), "a long output was changed");
    let text = "0123456789".repeat(3000);
    assert_eq!(guest.run_ok(&format!("echo {text} | tr -d '\\n' | wc -c")).unwrap(), "30000");
    assert!(guest.run(&text.repeat(2)).unwrap_err().to_string().contains("longer than"));

    let failure = guest.run_ok("echo reason >&2; false").unwrap_err().to_string();
    assert!(failure.contains("status 1: reason"), "{failure}");
    let failure = guest.run_within("echo started; sleep 600", Duration::from_secs(1)).unwrap_err();
    assert!(matches!(failure, Error::Timeout { .. }) && failure.to_string().contains("started"), "{failure}");
    assert_eq!(guest.run_ok("echo still here").unwrap(), "still here");

    let modules = guest.run_ok("cut -d' ' -f1 /proc/modules").unwrap();
    for module in ["virtio_net", "net_failover", "e1000e", "8139cp"] {
        assert!(modules.lines().any(|name| name == module), "{module} is not among\n{modules}");
    }

    guest.run("poweroff -f").unwrap_err();
    assert_eq!(guest.wait_exit(Duration::from_secs(20)).unwrap(), "exit code 0");
    assert!(matches!(guest.run("true").unwrap_err(), Error::Ended { .. }));
}

#[test]
fn memory_is_plugged_in_and_the_machine_is_paused_and_reset() {
    let Some(setup) = setup() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut spec = GuestSpec::new("memory", folder.path());
    spec.memory.banks = 2;
    spec.memory.hotplug = Some(Hotplug { slots: 2, max_mib: 1024 });
    spec.vcpus = 2;
    let guest = booted(setup, &spec);
    assert_eq!(guest.run_ok("nproc").unwrap(), "2");

    let total_kib = "grep MemTotal /proc/meminfo | tr -dc 0-9";
    let before: u64 = guest.run_ok(total_kib).unwrap().parse().unwrap();
    guest.plug_memory("dimm0", 128).unwrap();
    let expected = before + (128 << 10);
    guest.run_ok(&format!("until [ $({total_kib}) -ge {expected} ]; do sleep 0.1; done")).unwrap();
    assert!(guest.plug_memory("dimm0", 128).is_err(), "the same id a second time");

    guest.qmp().stop().unwrap();
    assert_eq!(guest.qmp().query_status().unwrap(), "paused");
    guest.qmp().cont().unwrap();
    assert_eq!(guest.qmp().query_status().unwrap(), "running");

    guest.run_ok("touch /run/before-the-reset").unwrap();
    guest.reboot().unwrap();
    assert_eq!(guest.run("[ -e /run/before-the-reset ]").unwrap().status, 1);
    guest.qmp().wait_event("RESET", setup.limit(Duration::from_secs(5))).unwrap();
}

fn joined(name: &str, folder: &Path, last: u8, attach: Attach) -> GuestSpec {
    GuestSpec::new(name, folder).with_nic(Nic::new("a", Mac([0x52, 0x54, 0, 0, 0, last]), attach))
}

fn address(guest: &Guest, last: u8) {
    guest.configure("eth0", &[&format!("10.0.0.{last}/24"), &format!("fd00::{last}/64")]).expect("addresses are added");
}

#[test]
fn two_guests_reach_each_other() {
    let Some(setup) = setup() else { return };
    let folder = tempfile::tempdir().unwrap();
    let cable = folder.path().join("cable");
    let one = setup.start(&joined("one", folder.path(), 1, Attach::StreamListens(cable.clone()))).unwrap();
    let two = setup.start(&joined("two", folder.path(), 2, Attach::StreamConnects(cable))).unwrap();
    for (guest, last) in [(&one, 1), (&two, 2)] {
        guest.wait_ready().unwrap();
        address(guest, last);
    }
    for target in ["10.0.0.2", "fd00::2"] {
        assert_eq!(one.ping(target, 5).unwrap(), Pings { sent: 5, received: 5 }, "{target}");
    }
    assert_eq!(one.ping_in_vain("10.0.0.3", 1).unwrap().lost(), 1, "nobody has this address");
    assert_eq!(two.run_ok("cat /sys/class/net/eth0/address").unwrap(), "52:54:00:00:00:02");

    let ping = one.spawn("ping -i 0.1 10.0.0.2").unwrap();
    for target in ["10.0.0.2", "fd00::2"] {
        let transfer = one.send_bulk(&two, target, 4).unwrap();
        assert!(transfer.is_intact() && transfer.sent.len() == 64, "{transfer:?}");
    }
    ping.signal("INT").unwrap();
    let output = ping.wait(setup.limit(Duration::from_secs(10))).unwrap().text();
    let pings = Pings::parse(&output).unwrap();
    // The last may have been on its way when it was to end.
    assert!(pings.received > 0 && pings.lost() <= 1, "{output}");
    assert!(ping.stdout_so_far().unwrap().contains("seq=0"));
    ping.signal("KILL").unwrap();

    two.reboot().unwrap();
    address(&two, 2);
    assert_eq!(one.ping("10.0.0.2", 5).unwrap().lost(), 0);
}

#[test]
fn a_second_nic_joins_the_virtio_one_as_its_primary() {
    let Some(setup) = setup() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let standby = Nic::new("a", Mac([0x52, 0x54, 0, 0, 0, 1]), Attach::StreamListens(file("synthetic"))).standby();
    let frames = Attach::Dgram { local: file("guest"), remote: file("switch") };
    let primary = |model| standby.primary("vf", model, 0, frames.clone());
    let mut spec = GuestSpec::new("pair", folder.path()).with_nic(standby.clone()).with_nic(primary(Model::E1000e));
    spec.pci_slots = 1;
    spec.has_switch_monitor = true;
    let guest = booted(setup, &spec);
    let mut driver = "e1000e";
    for next in [Model::Rtl8139, Model::E1000e] {
        // A module may still be probing when the command line is up.
        guest.run_ok("until [ -e /sys/class/net/eth2/master ]; do sleep 0.1; done").unwrap();
        let members =
            guest.run_ok("cd /sys/class/net/eth0; echo lower_*; readlink /sys/class/net/eth2/device/driver").unwrap();
        assert!(
            members.starts_with("lower_eth1 lower_eth2\n") && members.ends_with(&format!("/{driver}")),
            "{members}"
        );
        guest.ask_unplug(&primary(next)).unwrap();
        guest.wait_unplugged(&primary(next)).unwrap();
        assert_eq!(guest.run_ok("cd /sys/class/net/eth0; echo lower_*").unwrap(), "lower_eth1");
        guest.plug_nic(&primary(next)).unwrap();
        assert!(guest.plug_nic(&primary(next)).is_err(), "the same NIC a second time");
        driver = "8139cp";
    }
    let nic = Nic::new("b", standby.mac, Attach::SwitchListens(file("port")));
    assert!(matches!(guest.plug_nic(&nic), Err(Error::Spec { .. })));
    let mut greeting = [0; 7];
    UnixStream::connect(spec.switch_monitor()).unwrap().read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"{\"QMP\":", "the second monitor has nobody else");
}

#[test]
fn a_guest_that_dies_says_why() {
    let Some(setup) = setup() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut spec = GuestSpec::new("dying", folder.path());
    spec.options = vec!["-device".into(), "no-such-device".into()];
    let refusal = setup.start(&spec).and_then(|guest| guest.wait_ready()).unwrap_err().to_string();
    assert!(refusal.contains("exit code 1") && refusal.contains("'no-such-device' is not a valid device"), "{refusal}");

    let absent = Attach::SwitchListens(folder.path().join("switch"));
    let waiting = setup.start(&joined("waiting", folder.path(), 1, absent)).unwrap();
    let failure = waiting.wait_ready_within(Duration::from_secs(1)).unwrap_err().to_string();
    assert!(failure.contains("does not boot before the switch is there"), "{failure}");

    spec.options.clear();
    let guest = booted(setup, &spec);
    let failure = guest.run("echo c >/proc/sysrq-trigger").unwrap_err();
    assert!(matches!(failure, Error::Lost { .. }), "{failure}");
    assert!(failure.to_string().contains("sysrq triggered crash"), "{failure}");
    guest.reboot().unwrap();

    guest.kill();
    let failure = guest.run("true").unwrap_err().to_string();
    assert!(failure.contains("guest dying") && failure.contains("SIGKILL"), "{failure}");
}
