// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Router Advertisements of which weftd decides who gets them, as guests and an operator see it.

use serde_json::json;
use tests::guest::SyntheticGuest;
use tests::wait::Deadline;
use tests::weftd::Weftd;
use wire::name::DomainName;
use wire::nd::{NdMessage, NdOption, NdPacket, PvdOption, encode};
use wire::{EtherHeader, MacAddr, build};

/// A router and two hosts in red.
fn scene() -> (Weftd, [SyntheticGuest; 3]) {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "router", 1, &["--role", "router"]);
    daemon.add_port("red", "one", 2, &[]);
    daemon.add_port("red", "two", 3, &[]);
    let guests = [("router", 1), ("one", 2), ("two", 3)].map(|(port, number)| daemon.attach(port, number));
    (daemon, guests)
}

/// An advertisement of the guest, of this PvD if it has a name, that is told from others by an MTU.
fn advertise(guest: &SyntheticGuest, pvd: Option<&str>, mtu: u32) -> Vec<u8> {
    let name = pvd.map(|pvd| pvd.parse::<DomainName>().expect("a good name"));
    let option = name.as_ref().map(|name| {
        let (http, legacy, delay, sequence, header) = (false, false, 0, 0, None);
        NdOption::Pvd(PvdOption { http, legacy, delay, sequence, name: name.as_name(), header, nested: &[] })
    });
    let options = encode([NdOption::Mtu(mtu)].into_iter().chain(option)).expect("good options");
    build::advertisement(MacAddr(guest.mac()), [0xfe80, 0, 0, 0, 0, 0, 0, 1].into(), 1800, &options)
}

/// The Router Advertisements that a guest gets, up to `last`.
fn advertisements(guest: &mut SyntheticGuest, last: &[u8]) -> Vec<Vec<u8>> {
    let mut got = Vec::new();
    let found = guest.recv_until(Deadline::patient(), |received| {
        let packet = received.frame.get(14..).unwrap_or_default();
        if NdPacket::validate(packet).is_ok_and(|packet| matches!(packet.message, NdMessage::Advert(_))) {
            got.push(received.frame.clone());
        }
        received.frame == last
    });
    assert!(found.is_some(), "the last one never came, only {got:?}");
    got
}

#[test]
fn a_port_gets_advertisements_of_its_pvds_alone() {
    let (daemon, [mut router, mut one, mut two]) = scene();
    daemon.weft(&["pvd", "bind", "red:one", "--pvd", "Work.example"]).expect_ok();
    assert_eq!(daemon.port("one")["pvds"], json!(["work.example."]));
    assert_eq!(daemon.port("two").get("pvds"), None);
    let said = [(Some("work.example"), 1400), (Some("home.example"), 1401), (None, 1402), (Some("work.example"), 1403)];
    let said = said.map(|(pvd, mtu)| advertise(&router, pvd, mtu));
    said.iter().for_each(|frame| router.send(frame));
    assert_eq!(advertisements(&mut two, &said[3]), said);
    assert_eq!(advertisements(&mut one, &said[3]), [said[0].clone(), said[3].clone()]);
    let seen = daemon.await_port("router", |port| port["mediated"]["heard"] == 4);
    assert_eq!((&seen["mediated"]["sent"], &seen["drops"]["mediated"]), (&json!(6), &json!(4)));
    let bound = |pvd: &str| daemon.json(&["pvd", "show", pvd, "-n", "red"])["bound"].clone();
    assert_eq!((bound("work.example"), bound("home.example")), (json!(["one"]), json!([])));
    daemon.weft(&["pvd", "bind", "red:one", "--all"]).expect_ok();
    router.send(&said[2]);
    assert_eq!(advertisements(&mut one, &said[2]), [said[2].clone()]);
    assert_eq!(daemon.port("router")["drops"]["mediated"], 4, "what is as ever is forwarded as ever");
    let refused = daemon.refusal(&["pvd", "bind", "red:one", "--pvd", "a..b"]);
    assert_eq!(refused["error"], "org.weft.Switch1.Invalid");
}

#[test]
fn a_router_that_knows_no_pvds_gets_one_and_listings_say_so() {
    let (daemon, [mut router, mut one, _]) = scene();
    daemon.weft(&["port", "set", "router", "--inject-pvd", "work.example,http,sequence=7"]).expect_ok();
    let plain = advertise(&router, None, 1400);
    router.send(&plain);
    let whole = |received: &[u8]| received.get(..12) == plain.get(..12) && received.len() > plain.len();
    let told =
        one.recv_until(Deadline::patient(), |received| whole(&received.frame)).expect("it comes with an option").frame;
    let packet = NdPacket::validate(&told[EtherHeader::parse(&told).expect("a frame").l3..]).expect("a valid one");
    let NdMessage::Advert(advert) = packet.message else { panic!("no advertisement") };
    let pvd = advert.pvd().expect("a good option").expect("one");
    assert_eq!((pvd.name.to_string().as_str(), pvd.http, pvd.sequence), ("work.example.", true, 7));
    let shown = daemon.json(&["pvd", "show", "work.example", "-n", "red"]);
    assert_eq!(shown["sources"][0]["flags"], json!(["http", "injected"]));
    assert_eq!(daemon.json(&["ra", "list", "red"])[0]["injected"], true);
    let port = daemon.port("router");
    assert_eq!((&port["mediated"]["injected"], &port["inject_pvd"]["name"]), (&json!(1), &json!("work.example.")));
    let refused = daemon.refusal(&["port", "set", "one", "--inject-pvd", "work.example"]);
    assert_eq!(refused["error"], "org.weft.Switch1.Invalid", "a host sends none");
    daemon.weft(&["port", "set", "router", "--inject-pvd", "none"]).expect_ok();
    router.send(&plain);
    assert_eq!(advertisements(&mut one, &plain), [plain]);
}

#[test]
fn repetitions_are_held_back_and_who_asks_is_told() {
    let (daemon, [mut router, mut one, mut two]) = scene();
    let set = daemon.json(&["namespace", "set", "red", "--ra-throttle", "5m"]);
    assert_eq!(set["ra_throttle_s"], 300);
    let (first, second, third) =
        (advertise(&router, None, 1400), advertise(&router, None, 1401), advertise(&router, None, 1402));
    for frame in [&first, &first, &first, &second] {
        router.send(frame);
    }
    assert_eq!(advertisements(&mut one, &second), [first.clone(), second.clone()]);
    let asked = build::solicitation(MacAddr(one.mac()), [0xfe80, 0, 0, 0, 0, 0, 0, 2].into());
    one.send(&asked);
    assert!(router.recv_until(Deadline::patient(), |received| received.frame == asked).is_some());
    router.send(&second);
    router.send(&third);
    let alone = [&one.mac()[..], &second[6..]].concat();
    assert_eq!(advertisements(&mut one, &third), [alone, third.clone()]);
    assert_eq!(advertisements(&mut two, &third), [first, second, third]);
    assert_eq!(daemon.port("router")["mediated"]["held"], 3);
    daemon.weft(&["namespace", "set", "red", "--ra-throttle", "none"]).expect_ok();
}
