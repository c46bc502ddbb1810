// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports with a lane beside their rings: who gets which frame by which lane, and what is counted.

use std::net::Ipv6Addr;

use dataplane::{DropReason, Lane, LaneNews, LaneSet, LaneStats, Role, Steering, Traffic};
use tests::driver::{Shape, VnetHeader};
use tests::rig::{FarEnd, Moved, PortOptions, Rig, feature, mac};
use wire::MacAddr;
use wire::build::{Ether, Ip};

use super::guard::LINK_LOCAL;
use super::{frame, numbered};

/// Ports 0 and 1, of which 1 has another lane.
fn scene() -> (Rig, FarEnd) {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    let far = rig.add_lane(1, 0);
    (rig, far)
}

fn steer(rig: &mut Rig, port: usize, steering: Steering) {
    rig.port(port).port().steer_lanes(steering);
}

fn traffic(frames: u64, bytes: u64) -> Traffic {
    Traffic { frames, bytes }
}

#[test]
fn steering_alone_says_by_which_lane_a_frame_comes() {
    let (mut rig, far) = scene();
    let (unicast, group) = (frame(mac(1), mac(0)), frame(MacAddr::BROADCAST, mac(0)));
    let netvsc = Steering { unicast: LaneSet::VF, ..Steering::default() };
    for (steering, by_ring, by_lane) in [
        (Steering::default(), vec![&unicast, &group], vec![]),
        (Steering::all(LaneSet::VF), vec![], vec![&unicast, &group]),
        (Steering::all(LaneSet::BOTH), vec![&unicast, &group], vec![&unicast, &group]),
        (netvsc, vec![&group], vec![&unicast]),
    ] {
        steer(&mut rig, 1, steering);
        rig.send_all(0, &[unicast.clone(), group.clone()]);
        assert_eq!(rig.received(1).iter().collect::<Vec<_>>(), by_ring, "{steering:?}");
        assert_eq!(far.received().iter().collect::<Vec<_>>(), by_lane, "{steering:?}");
        assert_eq!(rig.moved(1), Moved::received(2, 200), "{steering:?}: each frame counts once");
    }
    let (sole, copies) = (traffic(3, 300), traffic(2, 200));
    assert_eq!(rig.port(1).port().lane_stats(), LaneStats { sole, copies, ..LaneStats::default() });
}

#[test]
fn frames_of_the_other_lane_are_the_ports_own() {
    let (mut rig, far) = scene();
    let (good, spoofed) = (frame(mac(0), mac(1)), frame(mac(0), mac(7)));
    far.send(&good);
    far.send(&spoofed);
    far.send(&good[..13]);
    rig.poll();
    assert_eq!(rig.received(0), [good]);
    let drops = vec![(DropReason::Runt, 1), (DropReason::SpoofedMac, 1)];
    assert_eq!(rig.moved(1), Moved { drops, ..Moved::sent(3, 213) });
    assert_eq!(rig.port(1).port().lane_stats().taken, traffic(3, 213));
    // A MAC of the port is the port's, whichever lane it speaks over: nothing has moved.
    let back = frame(mac(1), mac(0));
    rig.send(0, &back);
    assert_eq!(rig.received(1), [back]);
}

#[test]
fn a_rogue_router_is_one_on_every_lane() {
    let (mut rig, far) = scene();
    let all_nodes = Ip::v6(LINK_LOCAL, Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1)).hops(255);
    far.send(&Ether::new(MacAddr([0x33, 0x33, 0, 0, 0, 1]), mac(1)).ip(all_nodes).icmp6(134, 0, &[0; 12]));
    rig.poll();
    assert!(rig.received(0).is_empty());
    assert_eq!(rig.moved(1).drops, [(DropReason::RogueRouter, 1)]);
}

#[test]
fn a_lane_that_takes_less_gets_its_frames_finished() {
    let mut rig = Rig::new();
    rig.add(0, &PortOptions::with_features(feature::SENDER));
    rig.add(0, &PortOptions::default());
    let far = rig.add_lane(1, 0);
    steer(&mut rig, 1, Steering::all(LaneSet::VF));
    let packet = Ether::new(mac(1), mac(0)).ip(Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]));
    let (header, unfinished) = packet.clone().udp_offloaded((5, 6), &[7; 300], None);
    rig.send_as(0, &Shape::whole(), VnetHeader::from_bytes(&header.to_bytes()), &unfinished);
    let finished = packet.udp(5, 6, &[7; 300]);
    assert_eq!(rig.moved(1), Moved { checksums: 1, ..Moved::received(1, finished.len()) });
    assert_eq!(far.received(), [finished]);
}

#[test]
fn what_a_lane_does_not_take_is_a_drop_and_of_a_copy_none() {
    let (mut rig, far) = scene();
    let burst: Vec<_> = (0..5).map(|number| numbered(mac(1), mac(0), number, 100)).collect();
    far.set_room(3);
    steer(&mut rig, 1, Steering::all(LaneSet::VF));
    rig.send_all(0, &burst);
    assert_eq!(far.received(), burst[..3]);
    assert_eq!(rig.moved(1), Moved { drops: vec![(DropReason::LaneFull, 2)], ..Moved::received(3, 300) });
    steer(&mut rig, 1, Steering::all(LaneSet::BOTH));
    rig.send_all(0, &burst);
    assert_eq!(rig.received(1), burst);
    assert_eq!(rig.moved(1), Moved::received(5, 500));
    assert_eq!(rig.port(1).port().lane_stats().copies_lost, 5);
}

#[test]
fn a_lane_that_is_not_there_any_more_loses_nothing() {
    let (mut rig, _far) = scene();
    steer(&mut rig, 1, Steering::all(LaneSet::VF));
    assert_eq!(rig.port(1).port().replace_sinks(Vec::new()).len(), 1);
    let sent = frame(mac(1), mac(0));
    rig.send(0, &sent);
    assert_eq!(rig.received(1), std::slice::from_ref(&sent));
    let now = rig.now();
    assert!(rig.port(1).port().emit(&sent, now));
    assert_eq!(rig.received(1), [sent]);
}

#[test]
fn control_hears_once_when_the_guest_speaks_over_a_lane_that_it_watches() {
    let (mut rig, far) = scene();
    let own = frame(mac(0), mac(1));
    let hear = |rig: &mut Rig| (rig.take_news(), rig.port(1).port().take_lane_news());
    let nothing = LaneNews::default();
    far.send(&own);
    rig.poll();
    assert_eq!(hear(&mut rig), (false, nothing), "nobody watches");
    rig.port(1).port().watch_lane(Some(Lane::Vf));
    far.send(&frame(mac(0), mac(7)));
    rig.send(1, &own);
    rig.poll();
    assert_eq!(hear(&mut rig), (false, nothing), "a foreign address, and the other lane");
    (0..3).for_each(|_| far.send(&own));
    rig.poll();
    assert_eq!(hear(&mut rig), (true, LaneNews { vf: true, ..nothing }));
    rig.port(1).port().watch_lane(Some(Lane::Synthetic));
    rig.send(1, &own);
    assert_eq!(hear(&mut rig), (true, LaneNews { synthetic: true, ..nothing }));
    far.vanish();
    rig.poll();
    assert_eq!(hear(&mut rig), (true, LaneNews { gone: true, ..nothing }));
}

#[test]
fn what_control_says_takes_the_lane_of_its_kind() {
    let (mut rig, far) = scene();
    let (group, unicast) = (frame(MacAddr::BROADCAST, mac(9)), frame(mac(1), mac(9)));
    let now = rig.now();
    let netvsc = Steering { unicast: LaneSet::VF, ..Steering::default() };
    steer(&mut rig, 1, netvsc);
    assert!(rig.port(1).port().emit(&group, now) && rig.port(1).port().emit(&unicast, now));
    assert_eq!((rig.received(1), far.received()), (vec![group.clone()], vec![unicast]));
    steer(&mut rig, 1, Steering::all(LaneSet::BOTH));
    assert!(rig.port(1).port().emit(&group, now));
    assert_eq!((rig.received(1), far.received()), (vec![group.clone()], vec![group]));
    assert_eq!(rig.moved(1), Moved::received(3, 300));
}

/// Port 0 is a guest whose VF is a device of the host, port 1 another guest, port 2 the uplink.
fn host_lane() -> (Rig, FarEnd) {
    let mut rig = Rig::with_ports(2, &PortOptions::default());
    let uplink = PortOptions { macs: dataplane::MacPolicy::Any, ..PortOptions::with_role(Role::Uplink) };
    rig.add(0, &uplink);
    let far = rig.add_lane(0, 0);
    rig.port(0).port().set_inward(true);
    (rig, far)
}

#[test]
fn a_host_lane_takes_what_the_guest_sends_to_one_and_brings_what_is_for_it() {
    let (mut rig, far) = host_lane();
    let (unicast, group) = (frame(mac(1), mac(0)), frame(MacAddr::BROADCAST, mac(0)));
    let both = [unicast.clone(), group.clone()];
    rig.send_all(0, &both);
    assert_eq!((rig.received(1), far.received()), (both.to_vec(), vec![]));
    steer(&mut rig, 0, Steering { outward: true, ..Steering::default() });
    rig.send_all(0, &both);
    assert_eq!((rig.received(1), far.received()), (vec![group.clone()], vec![unicast.clone()]));
    // From outside: what is for the guest reaches it, in either state; what it hears through its namespace does not come twice.
    for outward in [true, false] {
        steer(&mut rig, 0, Steering { outward, ..Steering::default() });
        let inward = frame(mac(0), mac(5));
        [&inward, &frame(MacAddr::BROADCAST, mac(5)), &frame(mac(6), mac(5))]
            .into_iter()
            .for_each(|sent| far.send(sent));
        rig.poll();
        assert_eq!(rig.received(0), [inward]);
    }
    let moved = rig.moved(0);
    assert_eq!((moved.rx, moved.tx), (traffic(2, 200), traffic(4, 400)));
    assert_eq!(moved.drops, [(DropReason::LaneStray, 4)]);
    let stats = rig.port(0).port().lane_stats();
    assert_eq!((stats.outward, stats.taken), (traffic(1, 100), traffic(6, 600)));
}

#[test]
fn what_left_outward_may_come_back_by_an_uplink_and_by_no_other_port() {
    let (mut rig, far) = host_lane();
    let sent = frame(mac(1), mac(0));
    steer(&mut rig, 0, Steering { outward: true, ..Steering::default() });
    rig.send(0, &sent);
    let came_out = far.received();
    rig.send(2, &came_out[0]);
    assert_eq!(rig.received(1), came_out);
    rig.send(1, &frame(mac(2), mac(0)));
    assert_eq!(rig.moved(1).drops, [(DropReason::SpoofedMac, 1)]);
    // The address is still the guest's, and the port's.
    let back = frame(mac(0), mac(1));
    rig.send(1, &back);
    assert_eq!(rig.received(0), [back]);
    // What was on its way when the data path was switched arrives.
    steer(&mut rig, 0, Steering::default());
    rig.send(2, &sent);
    assert_eq!(rig.received(1), std::slice::from_ref(&sent));
    rig.port(0).port().set_inward(false);
    rig.send(2, &sent);
    assert_eq!(rig.moved(2).drops, [(DropReason::SpoofedMac, 1)], "without a VF nothing of it is out there");
}

#[test]
fn a_thousand_switches_under_load_lose_and_double_nothing() {
    let (mut rig, far) = host_lane();
    let mut expected = 0;
    for round in 0..1000_u64 {
        steer(&mut rig, 0, Steering { outward: round % 2 == 1, ..Steering::default() });
        let burst: Vec<_> = (0..9).map(|at| numbered(mac(1), mac(0), round * 9 + at, 100)).collect();
        rig.send_all(0, &burst);
        // The world outside brings it to the uplink at once.
        far.received().iter().for_each(|frame| rig.send(2, frame));
        let got = rig.received(1);
        assert_eq!(got, burst, "round {round}");
        expected += got.len();
    }
    assert_eq!(expected, 9000);
}
