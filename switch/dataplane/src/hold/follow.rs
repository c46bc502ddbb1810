// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What has waited for a guest that is elsewhere leaves by an uplink: after a guest that has gone (`elsewhere.rs`), or back to one that
//! does not come after all (`expected.rs`).

use std::sync::{Arc, MutexGuard};

use wire::EtherHeader;

use super::Room;
use crate::deliver::publish;
use crate::drops::DropReason;
use crate::emit::CONTROL;
use crate::mac_table::MacTable;
use crate::port::Port;
use crate::stats::Delta;
use crate::steering::Steering;

impl Room {
    /// Sends by an uplink what is for one guest and has to go there, in order.
    fn send(&mut self, uplink: &Port, has_to_go: impl Fn(&EtherHeader) -> bool) {
        let mut delta = Delta::default();
        self.forget_sent();
        for waiting in &self.frames {
            let frame = waiting.of(&self.bytes);
            let ether = EtherHeader::parse(frame).unwrap_or_default();
            let sent =
                has_to_go(&ether).then(|| uplink.deliver_held(&waiting.vnet, frame, &mut self.scratch, &mut delta));
            sent.and_then(Result::err).into_iter().for_each(|refused| delta.drops.add(refused.reason));
        }
        for pair in 0..uplink.queue_pairs() {
            publish(uplink, pair, CONTROL);
        }
        uplink.counters.add_rx(&delta);
    }

    /// Counts what stays, and is lost.
    fn leave(&self, port: &Port, reason: DropReason, stays: impl Fn(&EtherHeader) -> bool) {
        let (mut delta, bytes) = (Delta::default(), &self.bytes);
        let headers = self.frames.iter().skip(self.sent).map(|waiting| EtherHeader::parse(waiting.of(bytes)));
        let stay = headers.filter(|ether| stays(&ether.unwrap_or_default())).count();
        delta.drops.add_many(reason, stay as u64);
        port.counters.add_rx(&delta);
    }
}

impl Port {
    /// Sends what waits after the guest, which was heard at `uplink`, in order. What came from there is not sent back, or who is
    /// behind it would be looked for here; and what is for a group was there already.
    pub(crate) fn send_held_after(&self, uplink: &Port, table: &MacTable) {
        let mut hold = self.lanes().hold.lock();
        let Some(mut room) = hold.take() else { return };
        self.turn(&mut hold, self.wanted(&room));
        let stays = |ether: &EtherHeader| ether.dst.is_multicast() || table.lookup(ether.src) == Some(uplink.slot());
        room.send(uplink, |ether| !stays(ether));
        room.leave(self, DropReason::PortDown, stays);
    }

    /// What waits for a guest that is expected is to wait on. False: nothing does.
    pub(crate) fn waits_on(&self) -> bool {
        let mut hold = self.lanes().hold.lock();
        let Some(room) = hold.as_mut().filter(|_| self.is_expected()) else { return false };
        room.back = None;
        room.shut_in();
        self.lanes().wheel.set(Steering::HELD, true);
        true
    }

    /// What waits for a guest that does not come is to leave by these uplinks. True: a worker is to see to that.
    pub(crate) fn turn_back(&self, uplinks: Vec<Arc<Port>>) -> bool {
        let mut hold = self.lanes().hold.lock();
        let Some(room) = hold.as_mut() else { return false };
        room.back = Some(uplinks);
        let after = room.after;
        self.turn(&mut hold, after);
        true
    }

    /// What waits leaves by these uplinks, in order. What is for a group was there already.
    pub(super) fn send_held_back(&self, mut hold: MutexGuard<'_, Option<Room>>, uplinks: &[Arc<Port>]) {
        let Some(mut room) = hold.take() else { return };
        uplinks.iter().for_each(|uplink| room.send(uplink, |ether| !ether.dst.is_multicast()));
        room.leave(self, DropReason::GuestAway, |ether| ether.dst.is_multicast() || uplinks.is_empty());
        // In this order: what comes from now on leaves at once.
        _ = self.pause.end();
        self.turn(&mut hold, self.wanted(&room));
    }
}
