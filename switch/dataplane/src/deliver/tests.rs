// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames of a burst whose destination changes between the decision and the delivery: no order of calls from outside shows that.

use std::time::Duration;

use wire::MacAddr;

use super::*;
use crate::namespace::{Namespace, NamespaceConfig};
use crate::port::{MacPolicy, PortConfig, Role};

const HERE: MacAddr = MacAddr([2, 0, 0, 0, 0, 0]);
const COMING: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const UPLINK: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

fn port(namespace: &Namespace, slot: u16, mac: MacAddr, role: Role) -> Arc<Port> {
    let config = PortConfig { mac, role, macs: MacPolicy::Any, mtu: 1500, queue_pairs: 1 };
    let port = Port::new(PortSlot(slot), &config);
    namespace.plug(Arc::clone(&port)).unwrap();
    port
}

/// A burst of one frame that is to go there.
fn burst_for(verdict: Verdict) -> Burst {
    let mut burst = Burst::of(&[[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0].as_slice(), &[0; 48]].concat(), VnetHeader::PLAIN);
    burst.frames_mut()[0].verdict = verdict;
    burst
}

#[test]
fn what_was_to_wait_when_the_wait_ended_leaves_by_the_uplinks_unless_it_was_there() {
    let namespace = Namespace::new(&NamespaceConfig { macs_max: 16, age: Duration::from_secs(300), seed: 1 });
    let here = port(&namespace, 0, HERE, Role::Host);
    let coming = port(&namespace, 1, COMING, Role::Host);
    let uplink = port(&namespace, 2, UPLINK, Role::Uplink);
    coming.set_away(true);
    let now = Instant::from_nanos(1);
    let lost = |port: &Port| port.stats().drops.get(DropReason::PortDown);
    for verdict in [Verdict::Port(coming.slot()), Verdict::Flood] {
        let (before, burst) = ((lost(&coming), lost(&uplink)), burst_for(verdict));
        let (mut delivery, mut delta, ports) = (Delivery::new(), Delta::default(), namespace.ports.load());
        let sender = Sender { id: SourceId(1), slot: here.slot(), hops: 0, now };
        assert!(namespace.expect(&coming, now));
        delivery.targets.collect(burst.frames(), &ports, here.slot(), &mut delta);
        assert!(namespace.expect_no_more(&coming) && coming.release(now));
        delivery.deliver_collected(&burst, sender, &ports, &mut delta);
        // Nobody is there either, which shows that it was sent there, and how often.
        assert_eq!(lost(&uplink) - before.1, 1, "{verdict:?}");
        assert_eq!(lost(&coming) - before.0, u64::from(verdict == Verdict::Flood), "{verdict:?}");
        assert_eq!(delta, Delta::default(), "the sender has done nothing wrong");
    }
}
