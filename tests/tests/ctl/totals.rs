// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a namespace has moved and lost: all its ports together, those too that are gone.
use serde_json::Value;
use tests::frames::{number_of, numbered};
use tests::guest::SyntheticGuest;
use tests::wait::Deadline;

use crate::tenant::Scene;

const FRAMES: u64 = 50;
const LEN: usize = 100;

/// One sends, and the other has got all when this returns.
fn exchange(from: &mut SyntheticGuest, to: &mut SyntheticGuest) {
    for number in 0..FRAMES {
        from.send(&numbered(to.mac(), from.mac(), number, LEN));
    }
    let last = to.recv_until(Deadline::patient(), |got| number_of(&got.frame) == Some(FRAMES - 1));
    assert!(last.is_some(), "{} waits for the last frame", to.name());
    from.drain(Deadline::patient());
}

fn moved(totals: &Value) -> [u64; 4] {
    ["rx_frames", "tx_frames", "rx_bytes", "tx_bytes"].map(|key| totals[key].as_u64().expect("a number"))
}

#[test]
fn what_was_counted_stays_when_the_ports_that_counted_are_gone() {
    let scene = Scene::new();
    let daemon = &scene.daemon;
    daemon.add_port("red", "four", 4, &[]);
    let (mut one, mut four) = (daemon.attach("one", 1), daemon.attach("four", 4));
    ["one", "four"].iter().for_each(|port| drop(daemon.await_state(port, "up")));
    exchange(&mut one, &mut four);
    four.send(&numbered(one.mac(), [2, 9, 9, 9, 9, 9], 1, LEN));
    four.drain(Deadline::patient());
    daemon.await_port("four", |port| port["drops"]["spoofed-mac"] == 1);
    let red = || daemon.json(&["namespace", "show", "red"]);
    let before = red();
    let bytes = FRAMES * LEN as u64;
    assert_eq!(moved(&before), [FRAMES, FRAMES + 1, bytes, bytes + LEN as u64]);
    assert_eq!(before["drops"]["spoofed-mac"], 1);
    drop(four);
    daemon.weft(&["port", "del", "red:four", "--force"]).expect_ok();
    assert_eq!(moved(&red()), moved(&before), "while its last users go");
    daemon.add_port("red", "four", 4, &[]);
    let mut four = daemon.attach("four", 4);
    daemon.await_state("four", "up");
    assert_eq!(daemon.port("four")["rx_frames"], 0, "a port of that name begins anew");
    exchange(&mut one, &mut four);
    let after = red();
    assert_eq!(moved(&after), [2 * FRAMES, 2 * FRAMES + 1, 2 * bytes, 2 * bytes + LEN as u64]);
    assert_eq!(after["drops"], before["drops"]);
    assert_eq!(moved(&daemon.json(&["namespace", "show", "blue"])), [0; 4]);
    let page = daemon.weft(&["namespace", "show", "red"]).expect_ok();
    assert!(page.contains("100 frames, 10000 bytes (to its ports)") && page.contains("spoofed-mac"), "{page}");
    let seen = scene.json(&["namespace", "show", "/"]);
    assert_eq!(
        (&seen["name"], &seen["number"], moved(&seen)),
        (&"/".into(), &0.into(), moved(&after)),
        "the tenant's own"
    );
}
