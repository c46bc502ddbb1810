// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a port that sends without end, or never receives, can do to the others: nothing.

use dataplane::DropReason;
use tests::driver::{QueueOptions, Shape, VnetHeader};
use tests::frames::number_of;
use tests::memory::Layout;
use tests::rig::{Moved, PortOptions, Rig, mac};
use wire::MacAddr;

use super::numbered;

/// Frames that one queue may have switched before the others have their turn.
const BURST: usize = 64;

/// Fills a port's transmit queues to the brim with frames from it to `to`.
fn flood(rig: &mut Rig, port: usize, to: MacAddr) {
    for queue in &mut rig.port(port).tx {
        queue.reclaim();
        while queue.enqueue(&Shape::whole(), VnetHeader::default(), &numbered(to, mac(port), 0, 60)).is_ok() {}
        queue.flush();
    }
}

fn flooder(pairs: u16) -> PortOptions {
    PortOptions { pairs, memory: Layout::flat(64 << 20), ..PortOptions::default() }
}

#[test]
fn a_flood_from_many_queues_delays_a_slow_port_by_one_round() {
    let mut rig = Rig::new();
    rig.add(0, &flooder(4));
    for _ in 0..3 {
        rig.add(0, &PortOptions::default());
    }
    for number in 1..=200 {
        flood(&mut rig, 0, mac(3));
        let sent = numbered(mac(2), mac(1), number, 60);
        rig.port(1).tx[0].reclaim();
        rig.port(1).tx[0].send(&Shape::whole(), VnetHeader::default(), &sent).unwrap();
        assert_eq!(rig.poll_once(), 4 * BURST + 1, "a burst of each queue of the flood, and the slow port's frame");
        assert_eq!(rig.received(2), [sent]);
    }
    assert_eq!((rig.moved(1), rig.moved(2)), (Moved::sent(200, 200 * 60), Moved::received(200, 200 * 60)));
}

#[test]
fn a_stopped_receiver_costs_its_own_frames_alone() {
    let mut rig = Rig::with_ports(4, &PortOptions::default());
    let room = u64::from(QueueOptions::default().size);
    let (mut to_three, total) = (Vec::new(), 1000);
    for number in 0..total {
        // Port 2 never looks at its ring. The frames for it and for port 3 go out in one burst, and everybody hears some.
        let queue = &mut rig.port(0).tx[0];
        queue.reclaim();
        for to in [mac(2), mac(3), MacAddr([0xff; 6])] {
            queue.enqueue(&Shape::whole(), VnetHeader::default(), &numbered(to, mac(0), number, 60)).unwrap();
        }
        queue.flush();
        assert_eq!(rig.poll_once(), 3, "the sender is never held up");
        assert_eq!(rig.received(1).len(), 1);
        to_three.extend(rig.received(3).iter().filter_map(|frame| number_of(frame)));
    }
    assert_eq!(to_three, (0..total).flat_map(|number| [number; 2]).collect::<Vec<_>>(), "whole and in order");
    let stopped = rig.moved(2);
    assert_eq!((stopped.rx.frames, stopped.drops), (room, vec![(DropReason::RingFull, 2 * total - room)]));
    assert_eq!((rig.moved(0).drops, rig.moved(3).drops), (vec![], vec![]));
}
