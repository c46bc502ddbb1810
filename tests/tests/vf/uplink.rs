// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports whose only lane is a netdev of the host.

use super::{Scene, await_number};
use std::net::UdpSocket;
use tests::frames;
use tests::netns::{Netns, can_have_namespaces};
use tests::weftd::{Weftd, mac_text};
use wire::MacAddr;
use wire::build::{Ether, Ip};

/// Flows each way, and frames of each.
const FLOWS: u16 = 16;
const FRAMES: u8 = 3;
/// The first flow's port on the host.
const PORT: u16 = 5000;

#[test]
fn an_uplink_carries_a_namespace_to_the_world_and_comes_back_with_its_netdev() {
    if !can_have_namespaces() {
        return;
    }
    let host = Netns::make();
    host.ip("link add up0 type veth peer name world");
    let mut scene = Scene::on(host.inside(Weftd::start));
    scene.weft(&["port", "add", "up", "--namespace", "red", "--role", "uplink", "--lane", "packet:up0"]);
    host.ip("link set up0 up");
    host.ip("link set world up");
    scene.weftd.await_state("up", "up");
    // The world is another port's lane here: what one sends the other hears.
    scene.weft(&["namespace", "add", "world"]);
    scene.weft(&["port", "add", "w", "--namespace", "world", "--role", "uplink", "--lane", "packet:world"]);
    scene.weftd.add_port("world", "far", 9, &[]);
    let mut far = scene.weftd.attach("far", 9);
    let frame = frames::numbered(far.mac(), scene.vm1.mac(), 1, 200);
    tests::wait::until("a frame to cross both uplinks", tests::wait::Deadline::patient(), || {
        scene.vm1.send(&frame);
        far.recv().is_some_and(|got| got.frame == frame)
    });
    far.send(&frames::numbered(scene.vm1.mac(), far.mac(), 2, 200));
    await_number(&mut scene.vm1, 2);
    host.ip("link del up0");
    scene.weftd.await_state("up", "down");
    host.ip("link add up0 type veth peer name world");
    host.ip("link set up0 up");
    host.ip("link set world up");
    scene.weftd.await_state("up", "up");
}

#[test]
fn a_tap_of_four_queues_carries_every_flow_whole_and_in_order_both_ways() {
    if !can_have_namespaces() {
        return;
    }
    let host = Netns::make();
    let mut scene = Scene::on(host.inside(Weftd::start));
    scene.weft(&["port", "add", "t", "--namespace", "red", "--role", "uplink", "--lane", "tap:weft0,queues=4"]);
    host.ip("addr add 10.0.0.9/24 dev weft0");
    host.ip("link set weft0 up");
    host.ip(&format!("neigh add 10.0.0.1 lladdr {} dev weft0", mac_text(scene.vm1.mac())));
    scene.weftd.await_state("t", "up");
    let queues = host.ip_json("-d link show weft0")[0]["linkinfo"]["info_data"]["numqueues"].as_u64();
    assert_eq!(queues, Some(4));
    let mac = host.ip_json("link show weft0")[0]["address"].as_str().expect("an address").parse().expect("an address");
    let sockets: Vec<_> = (0..FLOWS).map(|flow| host.inside(|| socket(flow))).collect();
    for number in 0..FRAMES {
        sockets.iter().for_each(|socket| _ = socket.send(&[number]).expect("the guest is known"));
    }
    let mut came = vec![Vec::new(); FLOWS.into()];
    tests::wait::until("all flows at the guest", tests::wait::Deadline::patient(), || {
        while let Some(got) = scene.vm1.recv() {
            if let [.., 0x08, 0x00] = got.frame[..14] {
                came[usize::from(u16::from_be_bytes([got.frame[34], got.frame[35]]) - PORT)].push(got.frame[42]);
            }
        }
        came.iter().map(Vec::len).sum::<usize>() >= usize::from(FLOWS) * usize::from(FRAMES)
    });
    assert!(came.iter().all(|numbers| numbers.iter().copied().eq(0..FRAMES)), "{came:?}");
    let ether = Ether::new(mac, MacAddr(scene.vm1.mac())).ip(Ip::v4([10, 0, 0, 1], [10, 0, 0, 9]));
    for (number, flow) in (0..FRAMES).flat_map(|number| (0..FLOWS).map(move |flow| (number, flow))) {
        scene.vm1.send(&ether.clone().udp(7, PORT + flow, &[number]));
    }
    for (flow, socket) in sockets.iter().enumerate() {
        let mut byte = [0];
        let heard = (0..FRAMES).map(|_| socket.recv(&mut byte).map(|_| byte[0]).expect("a frame of each"));
        assert_eq!(heard.collect::<Vec<_>>(), (0..FRAMES).collect::<Vec<_>>(), "flow {flow}");
    }
}

/// The host's end of a flow.
fn socket(flow: u16) -> UdpSocket {
    let socket = UdpSocket::bind(("10.0.0.9", PORT + flow)).expect("the host's own address");
    socket.connect("10.0.0.1:7").expect("a way to the guest");
    socket.set_read_timeout(Some(tests::wait::Deadline::patient().left())).expect("a time that is not zero");
    socket
}
