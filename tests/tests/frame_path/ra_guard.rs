// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A port with rules for its router: what of its advertisements passes, and that no dress helps against the rules.

use std::net::Ipv6Addr;

use dataplane::{DropReason, MacPolicy, PortTag, RaGuard, Role, SnoopKind};
use tests::driver::{Shape, VnetHeader};
use tests::rig::{Moved, PortOptions, RawQueue, Rig, feature, mac, meanwhile, readable};
use wire::build::{Ether, Ip, advertisement, neighbor_solicitation, solicitation};
use wire::name::DomainName;
use wire::nd::{NdOption, Preference, PrefixInfo, PvdOption, RaHeader, RouteInfo, encode, set_checksum};
use wire::{MacAddr, icmp6};

use super::guard::{LINK_LOCAL, fragment, rogues};

const ROUTER: usize = 0;
const HOST: usize = 1;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ELSEWHERE: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
const OTHER_MAC: MacAddr = MacAddr([2, 0xbb, 0, 0, 0, 9]);

/// A port of this role that may use any MAC and has these rules, and a host.
fn scene(role: Role, rules: &RaGuard) -> Rig {
    let mut rig = Rig::new();
    let options = PortOptions { role, macs: MacPolicy::Any, mtu: 9000, ..PortOptions::with_features(feature::SENDER) };
    rig.add(0, &options);
    rig.add(0, &PortOptions { mtu: 9000, ..PortOptions::default() });
    rig.port(ROUTER).port().set_ra_guard(rules);
    rig
}

fn prefixes() -> RaGuard {
    RaGuard { prefixes: ["2001:db8::/32".parse().expect("a prefix")].into(), ..RaGuard::default() }
}

fn prefix(text: &str) -> NdOption<'static> {
    let prefix = text.parse().expect("an address");
    NdOption::Prefix(PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 9, preferred: 9 })
}

/// The router's advertisement with these options.
fn telling<'a>(options: impl IntoIterator<Item = NdOption<'a>>) -> Vec<u8> {
    advertisement(mac(ROUTER), LINK_LOCAL, 1800, &encode(options).expect("options"))
}

/// The same with all of this in a PvD Option.
fn in_pvd(name: &str, http: bool, options: &[NdOption<'_>]) -> Vec<u8> {
    let (name, nested) =
        (name.parse::<DomainName>().expect("a name"), encode(options.iter().copied()).expect("options"));
    let (header, name) = (None::<RaHeader>, name.as_name());
    telling([NdOption::Pvd(PvdOption { http, legacy: false, delay: 0, sequence: 0, name, header, nested: &nested })])
}

/// Sends an advertisement that passes unchanged, and control hears of it.
fn passes(rig: &mut Rig, what: &str, frame: &[u8]) {
    rig.send(ROUTER, frame);
    assert_eq!(rig.received(HOST), [frame], "{what}");
    assert_eq!(rig.snooped(), [(PortTag(0), SnoopKind::Advertisement, frame.to_vec())], "{what}");
    assert_eq!(rig.moved(ROUTER).drops, [], "{what}");
}

/// Sends a frame that is dropped for this reason, and nobody hears of it.
fn dropped(rig: &mut Rig, what: &str, frame: &[u8], reason: DropReason) {
    rig.send(ROUTER, frame);
    assert_eq!(rig.moved(ROUTER), Moved::sent(1, frame.len()).dropped(reason, 1), "{what}");
    assert_eq!((rig.received(HOST).len(), rig.snooped().len()), (0, 0), "{what}");
}

/// Rules, what passes them, what does not, and why.
fn criteria() -> Vec<(RaGuard, Vec<u8>, Vec<u8>, DropReason)> {
    let route = |text: &str, preference| {
        let (prefix, prefix_len, lifetime) = (text.parse().expect("a prefix"), 48, 9);
        NdOption::Route(RouteInfo { prefix, prefix_len, preference, lifetime })
    };
    let from = |mac, src| advertisement(mac, src, 1800, &[]);
    let pvds = || ["corp.example".parse().expect("a name")].into();
    let any = RaGuard::default;
    vec![
        (
            RaGuard { routers: [LINK_LOCAL].into(), ..any() },
            telling([]),
            from(mac(ROUTER), ELSEWHERE),
            DropReason::RaRouter,
        ),
        (RaGuard { macs: [mac(ROUTER)].into(), ..any() }, telling([]), from(OTHER_MAC, LINK_LOCAL), DropReason::RaMac),
        (
            RaGuard { macs: [mac(ROUTER)].into(), ..any() },
            telling([]),
            telling([NdOption::SourceLinkLayer(OTHER_MAC)]),
            DropReason::RaMac,
        ),
        (prefixes(), telling([prefix("2001:db8::")]), telling([prefix("2001:db9::")]), DropReason::RaPrefix),
        (
            prefixes(),
            telling([route("2001:db8::", Preference::High)]),
            telling([route("2001:db9::", Preference::Low)]),
            DropReason::RaPrefix,
        ),
        (
            prefixes(),
            in_pvd("a.example", true, &[prefix("2001:db8::")]),
            in_pvd("a.example", true, &[prefix("2001:db9::")]),
            DropReason::RaPrefix,
        ),
        (
            RaGuard { pvds: pvds(), ..any() },
            in_pvd("CORP.Example", true, &[]),
            in_pvd("corp.example.org", true, &[]),
            DropReason::RaPvd,
        ),
        (RaGuard { pvd_required: true, ..any() }, in_pvd("a.example", false, &[]), telling([]), DropReason::RaPvd),
        (
            RaGuard { http: false, ..any() },
            in_pvd("corp.example", false, &[]),
            in_pvd("corp.example", true, &[]),
            DropReason::RaHttp,
        ),
        (
            RaGuard { pvd_size: 32, ..any() },
            in_pvd("corp.example", false, &[prefix("2001:db8::")]),
            in_pvd("corp.example", false, &[prefix("2001:db8::"), prefix("2001:db9::")]),
            DropReason::RaPvdSize,
        ),
        (
            RaGuard { preference: Preference::Medium, ..any() },
            telling([route("2001:db8::", Preference::Medium)]),
            telling([route("2001:db8::", Preference::High)]),
            DropReason::RaPreference,
        ),
    ]
}

#[test]
fn every_criterion_holds_for_routers_and_uplinks() {
    let cases = criteria();
    for (role, (rules, good, bad, reason)) in
        [Role::Router, Role::Uplink].into_iter().flat_map(|role| cases.iter().map(move |case| (role, case)))
    {
        let mut rig = scene(role, rules);
        passes(&mut rig, &format!("{rules:?}"), good);
        dropped(&mut rig, &format!("{rules:?}"), bad, *reason);
        rig.port(ROUTER).port().set_ra_guard(&RaGuard::default());
        passes(&mut rig, "rules end with the next burst", bad);
        rig.port(ROUTER).port().set_ra_guard(rules);
        rig.port(ROUTER).port().set_role(Role::Host);
        dropped(&mut rig, "rules make no router of a host", good, DropReason::RogueRouter);
    }
}

#[test]
fn no_dress_gets_past_the_rules() {
    let strict = RaGuard { routers: [ELSEWHERE].into(), ..RaGuard::default() };
    let mut rig = scene(Role::Router, &strict);
    for (dress, frame) in rogues() {
        dropped(&mut rig, dress, &frame, DropReason::RaRouter);
    }
    dropped(&mut rig, "a fragment", &fragment(icmp6::kind::ROUTER_ADVERTISEMENT), DropReason::FragmentedNd);
    let ip = || Ip::v6(LINK_LOCAL, ALL_NODES).hops(255);
    let odd = |number, bytes: &[u8]| Ether::new(mac(HOST), mac(ROUTER)).ip(ip()).raw(number, bytes);
    dropped(&mut rig, "an endless chain", &odd(60, &[60, 200, 0, 0, 0, 0, 0, 0]), DropReason::Unclassifiable);
    dropped(&mut rig, "a header that nobody knows", &odd(253, &[58; 24]), DropReason::UnrecognisedHeader);
    rig.port(ROUTER).port().set_ra_guard(&RaGuard { unrecognised: true, ..strict });
    rig.send(ROUTER, &odd(253, &[58; 24]));
    assert_eq!(rig.received(HOST).len(), 1, "unless it may pass");
    rig.port(ROUTER).port().set_ra_guard(&RaGuard { routers: [LINK_LOCAL].into(), ..RaGuard::default() });
    for (dress, frame) in rogues() {
        rig.send(ROUTER, &frame);
        assert_eq!(rig.received(HOST), [frame], "{dress}");
    }
}

#[test]
fn what_else_a_router_sends_is_not_looked_at() {
    let nobody = RaGuard { routers: [ELSEWHERE].into(), pvd_required: true, http: false, ..prefixes() };
    let mut rig = scene(Role::Router, &nobody);
    for frame in [
        solicitation(mac(ROUTER), LINK_LOCAL),
        neighbor_solicitation(mac(ROUTER), LINK_LOCAL, ELSEWHERE),
        super::frame(mac(HOST), mac(ROUTER)),
    ] {
        rig.send(ROUTER, &frame);
        assert_eq!(rig.received(HOST), [frame]);
    }
}

/// An advertisement whose only bad prefix is behind so many octets of others.
fn far_behind(octets: usize) -> Vec<u8> {
    let good = vec![prefix("2001:db8::"); octets / 32];
    telling(good.into_iter().chain([prefix("2001:db9::")]))
}

#[test]
fn a_prefix_is_found_wherever_it_stands_and_however_the_frame_is_cut() {
    let mut rig = scene(Role::Router, &prefixes());
    for octets in [0, 32, 64, 96, 1000, 8000] {
        let bad = far_behind(octets);
        let good = telling(vec![prefix("2001:db8::"); octets / 32 + 1]);
        for shape in
            [Shape::whole(), Shape::own_header(), Shape::cut(&[12, 60, 1, 33]), Shape::cut(&[40; 12]).indirect_from(0)]
        {
            rig.send_as(ROUTER, &shape, VnetHeader::default(), &bad);
            assert_eq!(rig.moved(ROUTER).drops, [(DropReason::RaPrefix, 1)], "{octets} {shape:?}");
            rig.send_as(ROUTER, &shape, VnetHeader::default(), &good);
            assert_eq!(rig.moved(ROUTER).drops, [], "{octets} {shape:?}");
            let sizes: Vec<usize> = rig.received(HOST).iter().map(Vec::len).collect();
            assert_eq!(sizes, [good.len()], "{octets} {shape:?}");
        }
    }
}

#[test]
fn what_is_malformed_is_dropped_where_there_are_rules_and_only_there() {
    let good = telling([prefix("2001:db8::")]);
    let changed = |at: usize, byte: u8| {
        let mut frame = good.clone();
        frame[at] = byte;
        // Its checksum is right all the same, but for where that is the matter.
        let mut message = frame.split_off(14 + 40);
        let src: [u8; 16] = frame[22..38].try_into().unwrap();
        set_checksum(&mut message, src.into(), ALL_NODES);
        [frame, message].concat()
    };
    let mut unsummed = good.clone();
    unsummed[56] ^= 1;
    let second = 54 + 16 + 8;
    let cases = [
        ("it was forwarded", changed(21, 254)),
        ("it comes from beyond the link", changed(22, 0x20)),
        ("its code", changed(55, 1)),
        ("its checksum", unsummed),
        ("an option of no length", changed(second + 1, 0)),
        ("an option beyond its end", changed(second + 1, 5)),
        ("a prefix of another length", changed(second + 1, 3)),
        ("a prefix of too many bits", changed(second + 2, 129)),
        ("a payload that is not there", changed(19, 200)),
    ];
    let mut rig = scene(Role::Router, &prefixes());
    passes(&mut rig, "as it was", &good);
    for (what, frame) in &cases {
        dropped(&mut rig, what, frame, DropReason::RaMalformed);
    }
    rig.port(ROUTER).port().set_ra_guard(&RaGuard::default());
    for (what, frame) in &cases {
        rig.send(ROUTER, frame);
        assert_eq!(rig.received(HOST), std::slice::from_ref(frame), "{what}");
    }
}

#[test]
fn a_checksum_left_to_others_may_be_its_own_and_nothing_else() {
    let mut rig = scene(Role::Router, &prefixes());
    let good = telling([prefix("2001:db8::")]);
    rig.send_as(ROUTER, &Shape::whole(), VnetHeader::needs_checksum(54, 2), &good);
    assert_eq!((rig.moved(ROUTER).drops, rig.received(HOST).len()), (vec![], 1));
    let into_prefix = 54 + 16 + 8 + 16;
    for (what, start, offset) in
        [("the prefix", 54, into_prefix - 54), ("from elsewhere", 58, 2), ("a lifetime", 54, 6)]
    {
        rig.send_as(ROUTER, &Shape::whole(), VnetHeader::needs_checksum(start, offset), &good);
        assert_eq!(rig.moved(ROUTER).drops, [(DropReason::RaMalformed, 1)], "{what}");
        assert_eq!(rig.received(HOST).len(), 0, "{what}");
    }
}

#[test]
fn an_end_of_a_link_has_rules_of_its_own() {
    let mut rig = Rig::new();
    for (namespace, role) in [(0, Role::Router), (0, Role::Host), (1, Role::Router), (1, Role::Host)] {
        rig.add(namespace, &PortOptions { macs: MacPolicy::Any, ..PortOptions::with_role(role) });
    }
    rig.link(1, 2);
    rig.port(2).port().set_ra_guard(&prefixes());
    let (good, bad) = (telling([prefix("2001:db8::")]), telling([prefix("2001:db9::")]));
    rig.send(0, &bad);
    assert_eq!(rig.moved(2).drops, [(DropReason::RaPrefix, 1)], "where it comes out");
    rig.send(0, &good);
    assert_eq!(rig.received(3), [good]);
    assert_eq!(rig.moved(0).drops, [], "where it was sent");
}

#[test]
fn a_racing_router_never_gets_a_prefix_through_that_is_not_its_own() {
    const FRAMES: u16 = 20_000;
    let mut rig = scene(Role::Router, &prefixes());
    let mut tx = rig.raw_transmit(ROUTER, 8);
    // Between two values whose difference the sum does not see, behind the head.
    let frame = telling(vec![prefix("2001:db8::"); 6]);
    let at = frame.len() - 16;
    let placed = tx.fill(0, &[&[0; 12], &frame[..]].concat());
    tx.chain(0, &[readable(placed, 12 + frame.len() as u32)]);
    let window = tx.buffers().part(12 + at, 4);
    let flip = || {
        window.write(0, &[0x0d, 0xb8, 0x20, 0x01]);
        window.write(0, &[0x20, 0x01, 0x0d, 0xb8]);
    };
    let delivered: usize = meanwhile(flip, || (0..FRAMES).map(|_| send_raced(&mut rig, &mut tx, at)).sum());
    let dropped: u64 = rig.moved(ROUTER).drops.iter().map(|(_, count)| count).sum();
    assert_eq!(delivered as u64 + dropped, u64::from(FRAMES));
}

/// Sends the frame once more and checks what arrives of it. Returns how many frames arrived.
fn send_raced(rig: &mut Rig, tx: &mut RawQueue, at: usize) -> usize {
    tx.offer(&[0]);
    rig.poll();
    let arrived = rig.received(HOST);
    assert!(arrived.iter().all(|frame| frame[at..at + 4] == [0x20, 0x01, 0x0d, 0xb8]));
    arrived.len()
}
