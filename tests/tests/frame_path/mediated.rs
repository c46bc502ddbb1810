// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Router Advertisements of which control decides who gets them: they reach it, nobody else, and each is counted once.

use dataplane::limits::{SNOOP_LEN, SNOOP_PORT};
use dataplane::{DropReason, Role};
use tests::rig::{Moved, PortOptions, mac};
use wire::build;

use super::frame;
use super::guard::{LINK_LOCAL, rogues};
use super::snoop::{HOST, OTHER, ROUTER, advertisement, scene, solicit, tag};

#[test]
fn an_advertisement_goes_to_control_and_to_nobody_else() {
    for by_namespace in [false, true] {
        let mut rig = scene();
        let set = |rig: &mut tests::rig::Rig, on| match by_namespace {
            true => rig.namespace(0).set_mediated(on),
            false => rig.port(ROUTER).port().set_mediated(on),
        };
        set(&mut rig, true);
        let long = [100, 1000, 8000].map(|len| ("a long one", advertisement(len)));
        for (dress, frame) in rogues().into_iter().chain(long).filter(|(dress, _)| *dress != "a redirect") {
            rig.send(ROUTER, &frame);
            assert!(rig.received(HOST).is_empty() && rig.received(OTHER).is_empty(), "{dress}");
            let moved = Moved::sent(1, frame.len()).dropped(DropReason::Mediated, 1);
            assert_eq!((rig.moved(ROUTER).drops, rig.taken()), (moved.drops, vec![(tag(ROUTER), true)]), "{dress}");
        }
        set(&mut rig, false);
        rig.send(ROUTER, &advertisement(0));
        assert_eq!((rig.received(HOST).len(), rig.taken()), (1, vec![(tag(ROUTER), false)]));
    }
}

#[test]
fn what_control_cannot_see_through_goes_past_nobody() {
    let plain = advertisement(0);
    let tags = [0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x81, 0, 0, 7];
    let hidden = [&plain[..12], &tags[..], &plain[12..]].concat();
    for by_namespace in [false, true] {
        let mut rig = scene();
        rig.send(ROUTER, &hidden);
        assert_eq!(rig.received(HOST), [&hidden[..]], "a router that may say anything may say it in three tags");
        match by_namespace {
            true => rig.namespace(0).set_mediated(true),
            false => rig.port(ROUTER).port().set_mediated(true),
        }
        rig.moved(ROUTER);
        rig.send(ROUTER, &hidden);
        assert_eq!(rig.moved(ROUTER), Moved::sent(1, hidden.len()).dropped(DropReason::Unclassifiable, 1));
        assert_eq!((rig.received(HOST).len(), rig.taken()), (0, vec![]));
    }
}

#[test]
fn one_that_is_sent_to_one_host_goes_to_control_as_well() {
    let mut rig = scene();
    rig.namespace(0).set_mediated(true);
    let mut told = advertisement(0);
    told[..6].copy_from_slice(&mac(HOST).0);
    rig.send(ROUTER, &told);
    assert!(rig.received(HOST).is_empty());
    assert_eq!(rig.taken(), [(tag(ROUTER), true)]);
}

#[test]
fn all_else_goes_on_as_ever() {
    let mut rig = scene();
    rig.namespace(0).set_mediated(true);
    let redirect = rogues().into_iter().find(|(dress, _)| *dress == "a redirect").map(|(_, frame)| frame);
    let mut redirect = redirect.expect("there is one");
    redirect[..6].copy_from_slice(&mac(OTHER).0);
    let others = [
        frame(mac(OTHER), mac(ROUTER)),
        build::neighbor_announcement(mac(ROUTER), LINK_LOCAL, false),
        solicit(ROUTER, 1),
        redirect,
    ];
    let mut burst = others.to_vec();
    burst.insert(2, advertisement(0));
    rig.send_all(ROUTER, &burst);
    assert_eq!(rig.received(OTHER), others, "in the same burst");
    assert_eq!(rig.moved(ROUTER).drops, [(DropReason::Mediated, 1)]);
    assert_eq!(rig.taken(), [(tag(ROUTER), true), (tag(ROUTER), false)]);
    rig.send(HOST, &[&advertisement(0)[..6], &mac(HOST).0, &advertisement(0)[12..]].concat());
    assert_eq!((rig.moved(HOST).drops, rig.taken()), (vec![(DropReason::RogueRouter, 1)], vec![]));
}

#[test]
fn what_control_has_no_room_for_is_lost_and_counted_by_itself() {
    let mut rig = scene();
    rig.port(ROUTER).port().set_mediated(true);
    rig.send_all(ROUTER, &vec![advertisement(0); 64]);
    assert!(rig.received(HOST).is_empty());
    let share = SNOOP_PORT as u64;
    let lost = |taken: u64, all: u64| vec![(DropReason::Mediated, taken), (DropReason::NotMediated, all - taken)];
    let moved = rig.moved(ROUTER);
    assert_eq!((moved.drops, moved.snooped.lost), (lost(share, 64), 64 - share));
    assert_eq!(rig.taken().len(), SNOOP_PORT);
    rig.send(ROUTER, &advertisement(SNOOP_LEN - advertisement(0).len() + 1));
    assert_eq!(rig.moved(ROUTER).drops, [(DropReason::NotMediated, 1)]);
    assert!(rig.taken().is_empty() && rig.received(HOST).is_empty());
}

#[test]
fn hosts_behind_an_uplink_that_ask_and_ask_do_not_cost_its_router_its_voice() {
    let mut rig = scene();
    rig.namespace(0).set_mediated(true);
    let asked = solicit(ROUTER, 9);
    let burst = [vec![asked; 40], vec![advertisement(0)]].concat();
    rig.send_all(ROUTER, &burst);
    let taken = rig.taken();
    assert_eq!((taken.len(), taken.last()), (SNOOP_PORT + 1, Some(&(tag(ROUTER), true))));
    assert_eq!(rig.moved(ROUTER).drops, [(DropReason::Mediated, 1)]);
}

#[test]
fn what_a_policer_or_the_mac_table_drops_is_not_taken() {
    let mut rig = scene();
    rig.namespace(0).set_mediated(true);
    let mut own = advertisement(0);
    own[..6].copy_from_slice(&mac(ROUTER).0);
    rig.send(ROUTER, &own);
    assert_eq!((rig.moved(ROUTER).drops, rig.taken()), (vec![(DropReason::Hairpin, 1)], vec![]));
}

#[test]
fn each_side_of_a_link_mediates_for_itself() {
    let mut rig = scene();
    let ends = [0, 1].map(|namespace| rig.add(namespace, &PortOptions::with_role(Role::Router)));
    let far = rig.add(1, &PortOptions::default());
    ends.iter().for_each(|&end| rig.port(end).port().set_tag(tag(end)));
    rig.link(ends[0], ends[1]);
    rig.namespace(1).set_mediated(true);
    rig.send(ROUTER, &advertisement(200));
    assert_eq!((rig.received(HOST).len(), rig.received(far).len()), (1, 0));
    assert_eq!(rig.taken(), [(tag(ROUTER), false), (tag(ends[1]), true)]);
    assert_eq!((rig.moved(ROUTER).drops, rig.moved(ends[1]).drops), (vec![], vec![(DropReason::Mediated, 1)]));
    rig.namespace(0).set_mediated(true);
    rig.send(ROUTER, &advertisement(200));
    assert_eq!((rig.received(HOST).len(), rig.received(far).len()), (0, 0));
    assert_eq!(
        rig.taken(),
        [(tag(ROUTER), true)],
        "who gets it on this side, and whether an end does, is not known yet"
    );
}
