// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports whose only lane is a netdev of the host.

use super::{Scene, await_number};
use tests::frames;
use tests::netns::{Netns, can_have_namespaces};
use tests::weftd::Weftd;

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
