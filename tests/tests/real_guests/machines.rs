// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guests that are not plain: memory that is plugged in under traffic, several queue pairs, a failover NIC.

use crate::lab::{Lab, Must, patience};
use crate::traffic::{address, assert_reaches, assert_transfers, end_ping, ip4, ip6, replies, serve, start_ping};
use ctl::proto::v1::State;
use qemu::{Guest, GuestSpec, Hotplug, Memory, Nic};
use tests::wait::until;

const NEW_MIB: u64 = 256;
const MIB: u32 = 32;

#[test]
fn machines_of_every_kind_are_served() {
    let Some(lab) = Lab::open() else { return };
    lab.weft("namespace add red");
    let pairs = |name: &str, last| Nic { queue_pairs: 2, ..lab.port(name, "red", last, "--queues 2") };
    let hotplug = Some(Hotplug { slots: 2, max_mib: 1024 });
    let wide = GuestSpec {
        vcpus: 2,
        memory: Memory { mib: 256, banks: 2, hotplug },
        ..lab.guest("wide", [pairs("wide-port", 1)])
    };
    let broad = GuestSpec { vcpus: 2, ..lab.guest("broad", [pairs("broad-port", 2)]) };
    let standby = lab.port("failover-port", "red", 3, "").standby();
    let [wide, broad, failover] = lab.boot([wide, broad, lab.guest("failover", [standby])]);
    for (guest, host) in [(&wide, 1), (&broad, 2), (&failover, 3)] {
        address(guest, "eth0", 0, host);
        lab.await_state(&format!("{}-port", guest.name()), State::Up);
    }
    a_failover_nic_works_over_its_standby_lane(&failover, &wide);
    all_queue_pairs_carry_frames(&wide, &broad);
    memory_is_plugged_in_under_traffic(&wide, &broad);
}

fn a_failover_nic_works_over_its_standby_lane(failover: &Guest, other: &Guest) {
    assert_eq!(failover.run_ok("cd /sys/class/net/eth0; echo lower_*").must(), "lower_eth1");
    assert_reaches(failover, 0, 1);
    assert_reaches(other, 0, 3);
}

/// Many flows from both processors, each of which has a transmit queue of its own.
fn all_queue_pairs_carry_frames(one: &Guest, other: &Guest) {
    for (from, to, host) in [(one, other, 2), (other, one, 1)] {
        assert_eq!(from.run_ok("cd /sys/class/net/eth0/queues; echo *").must(), "rx-0 rx-1 tx-0 tx-1");
        assert_transfers(from, to, &ip6(0, host), 8);
        serve(to, "-ll", 7, "hostname");
        let target = ip4(0, host);
        let asked = from.run_ok(&format!("for i in 1 2 1 2 1 2 1 2; do taskset $i nc {target} 7; done")).must();
        assert_eq!(asked, [to.name(); 8].join("\n"));
    }
    for guest in [one, other] {
        let interrupts = guest.run_ok("grep virtio.-input /proc/interrupts").must();
        let used = |line: &&str| line.split_whitespace().skip(1).take(2).any(|count| count != "0");
        assert_eq!(interrupts.lines().filter(used).count(), 2, "receive queues of {}:\n{interrupts}", guest.name());
    }
}

fn memory_is_plugged_in_under_traffic(guest: &Guest, other: &Guest) {
    let total = "grep MemTotal /proc/meminfo | tr -dc 0-9";
    let before: u64 = guest.run_ok(total).must().parse().expect("a number of KiB");
    let ping = start_ping(other, &ip4(0, 1));
    until("replies", patience(), || replies(&ping) >= 5);
    guest.plug_memory("dimm0", NEW_MIB).must();
    let expected = before + (NEW_MIB << 10) * 9 / 10;
    guest.run_ok(&format!("until [ $({total}) -ge {expected} ]; do sleep 0.1; done")).must();
    let heard = replies(&ping);
    until("more replies", patience(), || replies(&ping) >= heard + 10);
    // Before the bulk below, which may fill a ring: an echo request that finds no room is rightly lost.
    let pings = end_ping(&ping);
    assert_eq!(pings.lost(), 0, "{pings:?}");
    the_new_memory_is_where_frames_go(guest);
    assert_transfers(other, guest, &ip4(0, 1), MIB);
    assert_transfers(guest, other, &ip6(0, 2), MIB);
}

/// Linux takes pages from the highest zone first. The guest booted with memory below 4 GiB (zone DMA32); what was
/// plugged in lies above (zone Normal), so from now on buffers come from there.
fn the_new_memory_is_where_frames_go(guest: &Guest) {
    let managed = "awk '/zone +Normal/ { normal = 1 } normal && $1 == \"managed\" { sum += $2; normal = 0 } \
                   END { print sum }' /proc/zoneinfo";
    let pages: u64 = guest.run_ok(managed).must().parse().expect("a number of pages");
    assert!(pages << 12 > (NEW_MIB << 20) / 2, "only {pages} pages above 4 GiB");
}
