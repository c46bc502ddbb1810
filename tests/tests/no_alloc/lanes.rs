// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes that are not rings.

use std::num::NonZeroU32;
use std::os::unix::net::{UnixDatagram, UnixStream};

use allocation_counter::measure;
use backends::lane::{Kind, Opened, open};
use backends::place::Place;
use dataplane::Payload;
use tests::netns::{Netns, can_have_namespaces};
use wire::VnetHeader;

const BURSTS: usize = 200;

/// What the frame path asks of a lane in many bursts; `between` is the peer's part, who may allocate.
fn check(what: &str, lane: &mut Opened, mut between: impl FnMut()) {
    let frame = vec![2; 300];
    for _ in 0..BURSTS {
        let Opened { sinks, sources, .. } = lane;
        let allocated = measure(|| {
            for _ in 0..64 {
                let _ = sinks[0].put(&VnetHeader::PLAIN, &Payload::held(&frame, &[]));
            }
            sinks[0].flush();
            for turn in 0..8 {
                let frames = sources[0].receive().unwrap_or(0);
                (0..frames).for_each(|number| assert_ne!(sources[0].frame(number).1, turn));
                sources[0].release();
            }
        });
        assert_eq!((allocated.count_total, allocated.bytes_total), (0, 0), "{what}");
        between();
    }
}

#[test]
fn lanes_to_nowhere_and_to_themselves_allocate_nothing() {
    for kind in [Kind::Loopback, Kind::Null] {
        check("within weftd", &mut open(&kind).unwrap(), || {});
    }
}

#[test]
fn lanes_over_sockets_allocate_nothing_whether_the_peer_is_there_and_quick_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let [local, remote, path] = ["local", "remote", "stream"].map(|name| folder.path().join(name));
    let kind = Kind::Dgram { local: Place::new(&local, None), remote: Place::new(&remote, None) };
    let mut lane = open(&kind).unwrap();
    let peer = UnixDatagram::bind(&remote).unwrap();
    peer.set_nonblocking(true).unwrap();
    let mut bytes = [0; 2048];
    check("dgram", &mut lane, || {
        let _ = peer.send_to(&[1; 60], &local);
        // Slower than the lane by far.
        (0..5).for_each(|_| _ = peer.recv(&mut bytes));
    });
    drop(peer);
    let mut lane = open(&Kind::Stream { place: Place::new(&path, None), listen: true }).unwrap();
    let peer = UnixStream::connect(&path).unwrap();
    // The lane learns of it: what comes from then on is steady.
    assert_eq!(lane.sources[0].receive(), Ok(0));
    check("stream", &mut lane, || {
        let _ = std::io::Write::write_all(&mut &peer, &[&[0, 0, 0, 60][..], &[1; 60]].concat());
    });
}

#[test]
fn a_lane_on_a_netdev_allocates_nothing() {
    if !can_have_namespaces() {
        return;
    }
    let netns = Netns::make();
    netns.ip("link add eth0 type veth peer name eth1");
    let mut lanes = ["eth0", "eth1"].map(|netdev| {
        netns.ip(&format!("link set {netdev} up"));
        let shown = netns.ip_json(&format!("link show dev {netdev}"));
        let ifindex = shown[0]["ifindex"].as_u64().and_then(|number| NonZeroU32::new(number as u32)).unwrap();
        netns.inside(|| open(&Kind::Packet { ifindex, bypass: false }).unwrap())
    });
    let [one, other] = &mut lanes;
    check("packet, out", one, || {});
    check("packet, in", other, || {});
    let mut tap = netns.inside(|| open(&Kind::Tap { name: "weft0".into(), queues: 1 }).unwrap());
    netns.ip("link set weft0 up");
    check("tap", &mut tap, || {});
}
