// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! In steady state the frame path does not allocate, whatever the frames are.

mod advertisement;
mod churn;
mod flood;
mod lanes;
mod million;

use allocation_counter::{AllocationInfo, measure};
use dataplane::limits::SNOOP_PORT;
use dataplane::{DropReason, Limit, Limits, NamespacePolicers, RaGuard, Rate, Role};
use tests::driver::{QueueOptions, Shape, VnetHeader};
use tests::memory::Layout;
use tests::rig::{PortOptions, Rig, feature, mac};
use wire::MacAddr;
use wire::build::{Ether, Ip, IpFrame, Tcp};
use wire::name::DomainName;
use wire::nd::{NdOption, PrefixInfo, PvdOption, encode};

/// Frames of one kind; there is no warming up.
const FRAMES: usize = 10_000;
const BURST: usize = 32;

fn rig() -> Rig {
    let queue = QueueOptions { size: 512, heap_len: 8 << 20, ..QueueOptions::default() };
    let options = PortOptions { queue, memory: Layout::flat(128 << 20), ..PortOptions::with_features(feature::SENDER) };
    let mut rig = Rig::with_ports(3, &options);
    // One that takes offloads, beside two that do not.
    rig.add(0, &PortOptions { features: feature::RECEIVER, pairs: 4, ..options });
    rig
}

/// Sends bursts of this frame and returns what `Worker::poll` allocated meanwhile. The drivers may allocate.
fn allocated(rig: &mut Rig, header: VnetHeader, frame: &[u8], frames: usize) -> AllocationInfo {
    let mut total = AllocationInfo::default();
    for _ in 0..frames.div_ceil(BURST) {
        for _ in 0..BURST {
            rig.port(0).tx[0].enqueue(&Shape::own_header(), header, frame).expect("room for a frame");
        }
        rig.port(0).tx[0].flush();
        let mut taken = 0;
        total += measure(|| taken = rig.poll_once());
        assert_eq!((taken, rig.port(0).tx[0].reclaim().len()), (BURST, BURST));
        (1..4).for_each(|port| drop(rig.received(port)));
    }
    total
}

fn check(what: &str, rig: &mut Rig, (header, frame): &(VnetHeader, Vec<u8>), frames: usize) {
    let allocated = allocated(rig, *header, frame, frames);
    assert_eq!((allocated.count_total, allocated.bytes_total), (0, 0), "{what}");
}

fn to(source: MacAddr, destination: MacAddr) -> IpFrame {
    Ether::new(destination, source).ip(Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]))
}

fn plain(frame: Vec<u8>) -> (VnetHeader, Vec<u8>) {
    (VnetHeader::default(), frame)
}

fn offloaded((header, frame): (wire::VnetHeader, Vec<u8>)) -> (VnetHeader, Vec<u8>) {
    (VnetHeader::from_bytes(&header.to_bytes()), frame)
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![1_u8; 100]))).count_total, 1);
}

#[test]
fn ways_through_the_switch_allocate_nothing() {
    let mut rig = rig();
    check("to one port", &mut rig, &plain(to(mac(0), mac(1)).udp(1, 2, &[0; 100])), FRAMES);
    check("long, to several queues", &mut rig, &plain(to(mac(0), mac(3)).udp(1, 2, &[0; 1400])), FRAMES);
    check("to everybody", &mut rig, &plain(to(mac(0), MacAddr::BROADCAST).udp(1, 2, &[0; 100])), FRAMES);
    check("to nobody known", &mut rig, &plain(to(mac(0), MacAddr([2, 9, 9, 9, 9, 9])).udp(1, 2, &[0; 100])), FRAMES);
}

#[test]
fn limits_allocate_nothing() {
    let mut rig = rig();
    let mut limits = Limits::default();
    // A rate that one burst uses up: in a rig's time the rest is too many.
    Limit::ALL.into_iter().for_each(|limit| limits.set(limit, Some(Rate { per_second: 1, burst: 65_557 })));
    (0..4).for_each(|port| rig.port(port).port().set_limits(&limits));
    let shared = self::rig();
    let above = NamespacePolicers::new();
    above.set(&limits, None);
    shared.namespace(0).policers().set(&limits, Some(&above));
    for mut rig in [rig, shared] {
        check("limited", &mut rig, &plain(to(mac(0), mac(1)).udp(1, 2, &[0; 100])), FRAMES);
        check("flooded", &mut rig, &plain(to(mac(0), MacAddr::BROADCAST).udp(1, 2, &[0; 100])), FRAMES);
    }
}

#[test]
fn links_allocate_nothing() {
    let mut rig = rig();
    let far: Vec<usize> = (0..2).map(|_| rig.add(1, &PortOptions::default())).collect();
    rig.link(1, far[0]);
    for (what, destination) in [("to one port behind it", mac(far[1])), ("to everybody", MacAddr::BROADCAST)] {
        check(what, &mut rig, &plain(to(mac(0), destination).udp(1, 2, &[0; 100])), FRAMES);
    }
}

#[test]
fn what_control_hears_of_allocates_nothing() {
    let mut rig = rig();
    let solicitation = wire::build::solicitation(mac(0), [0xfe; 16].into());
    let long = wire::build::advertisement(mac(0), [0xfe; 16].into(), 1800, &[1; 1000]);
    rig.port(0).port().set_role(Role::Router);
    for frame in [solicitation, long] {
        for _ in 0..FRAMES / BURST {
            check("handed over", &mut rig, &plain(frame.clone()), BURST);
            assert_eq!(rig.snooped().len(), SNOOP_PORT, "some find room, and some do not");
        }
    }
}

#[test]
fn rules_for_routers_allocate_nothing() {
    let mut rig = rig();
    let router = "fe80::1".parse().expect("an address");
    let prefix = |text: &str| {
        let prefix = text.parse().expect("an address");
        NdOption::Prefix(PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 9, preferred: 9 })
    };
    let telling = |text| {
        let nested = encode(vec![prefix(text); 30]).expect("options");
        let (header, name) = (None, "corp.example".parse::<DomainName>().expect("a name"));
        let (name, nested) = (name.as_name(), &nested[..]);
        let pvd = PvdOption { http: false, legacy: false, delay: 0, sequence: 1, name, header, nested };
        wire::build::advertisement(mac(0), router, 1800, &encode([NdOption::Pvd(pvd)]).expect("an option"))
    };
    let (good, bad) = (telling("2001:db8::"), telling("2001:db9::"));
    rig.port(0).port().set_role(Role::Router);
    rig.port(0).port().set_ra_guard(&RaGuard {
        routers: [router].into(),
        macs: [mac(0)].into(),
        prefixes: (0..16).map(|n| format!("2001:db8:{n:x}::/48").parse().expect("a prefix")).collect(),
        pvds: (0..16).map(|n| format!("corp{n}.example").parse().expect("a name")).collect(),
        http: false,
        ..RaGuard::default()
    });
    check("another PvD", &mut rig, &plain(good.clone()), 1000);
    let named = RaGuard { pvds: ["corp.example".parse().expect("a name")].into(), ..RaGuard::default() };
    let prefixes = ["2001:db8::/32".parse().expect("a prefix")].into();
    rig.port(0).port().set_ra_guard(&RaGuard { prefixes, ..named });
    check("allowed", &mut rig, &plain(good), 1000);
    check("another prefix", &mut rig, &plain(bad), 1000);
    let counted = |reason| rig.port(0).port().stats().drops.get(reason);
    assert_eq!([DropReason::RaPvd, DropReason::RaPrefix].map(counted), [1024, 1024]);
}

#[test]
fn neither_drops_nor_slow_paths_allocate() {
    let mut rig = rig();
    let advertisement = wire::build::advertisement(mac(0), [0xfe; 16].into(), 1800, &[]);
    check("an advertisement", &mut rig, &plain(advertisement), 1000);
    check("spoofed", &mut rig, &plain(Ether::new(mac(1), mac(2)).raw(0x88b5, &[0; 100])), 1000);
    let ip = Ip::v6([0xfe; 16], [0xff; 16]).extension(60, &[&[24, 1, 196][..], &[0; 196]].concat());
    let hidden = Ether::new(MacAddr::BROADCAST, mac(0)).ip(ip).icmp6(128, 0, &[0; 8]);
    check("classified whole", &mut rig, &plain(hidden), 1000);
    let unsummed = to(mac(0), MacAddr::BROADCAST).tcp_offloaded(&Tcp::default(), &[0; 900], None);
    check("checksums in software", &mut rig, &offloaded(unsummed), 1000);
    let large = to(mac(0), MacAddr::BROADCAST).tcp_offloaded(&Tcp::default(), &[0; 10_000], Some(1400));
    check("segments in software", &mut rig, &offloaded(large), 1000);
}
