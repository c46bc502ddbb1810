// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a hostile guest can do through shared memory, and that it does it to nobody but itself.
//!
//! One worker serves a hostile guest, two of its own tenant and two of another. After every attack the same is asked: did
//! the right counter of the attacker move and no other, did everybody else's counters stay, and do frames of both
//! tenants still get through?

mod addresses;
mod buffers;
mod chains;
mod memory;
mod race;
mod rings;

use dataplane::{DropReason, RingFault};
use tests::driver::{Descriptor, Shape, VnetHeader};
use tests::frames;
use tests::rig::{Moved, PortOptions, RawQueue, Rig, feature, mac, readable};
use wire::MacAddr;

const EVIL: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const DAVE: usize = 3;
const ERIN: usize = 4;
/// Entries of the attacker's rings.
const SIZE: u16 = 8;
/// Bytes of an honest frame, and with its header.
const LEN: usize = 100;
const CHAIN: u32 = 112;

struct Scene {
    rig: Rig,
    /// The attacker's transmit ring.
    tx: RawQueue,
}

impl Scene {
    fn new() -> Scene {
        Scene::with(&PortOptions::with_features(feature::SENDER))
    }

    fn with(evil: &PortOptions) -> Scene {
        let mut rig = Rig::new();
        rig.add(0, evil);
        (0..2).for_each(|_| assert!(rig.add(0, &PortOptions::default()) > EVIL));
        (0..2).for_each(|_| assert!(rig.add(1, &PortOptions::default()) > EVIL));
        let tx = rig.raw_transmit(EVIL, SIZE);
        Scene { rig, tx }
    }

    /// Writes an honest broadcast with its header into the attacker's memory and returns where.
    fn honest(&self) -> u64 {
        self.tx.fill(0, &[&[0; 12], &frame(MacAddr::BROADCAST)[..]].concat())
    }

    /// Polls, and expects this of the attacker's counters and nothing of anybody's else.
    fn expect(&mut self, what: &str, expected: &Moved) {
        self.rig.poll();
        assert_eq!(self.rig.moved(EVIL), *expected, "{what}");
        for port in [BOB, CAROL, DAVE, ERIN] {
            assert_eq!(self.rig.moved(port), Moved::default(), "{what}: port {port}");
        }
        self.others_are_well();
    }

    /// Forgets what the counters of the attacker's tenant did so far, but for the attacker's own.
    fn look_away(&mut self) {
        for port in [BOB, CAROL] {
            self.rig.moved(port);
        }
    }

    /// Frames of both tenants still get through, each in one turn of the worker however busy the attacker keeps it.
    fn others_are_well(&mut self) {
        for (from, to) in [(BOB, CAROL), (DAVE, ERIN)] {
            let sent = frames::numbered(mac(to).0, mac(from).0, 7, LEN);
            self.rig.port(from).tx[0].send(&Shape::whole(), VnetHeader::default(), &sent).expect("room for a frame");
            self.rig.poll_once();
            assert_eq!(self.rig.port(from).tx[0].reclaim().len(), 1);
            assert!(self.rig.received(to).contains(&sent));
            let moved = self.rig.moved(from);
            assert_eq!(moved, Moved { rx: moved.rx, ..Moved::sent(1, LEN) });
            assert_eq!(self.rig.moved(to).drops, []);
        }
    }

    /// Makes one chain of these descriptors available and expects it to be dropped as malformed and given back.
    fn malformed(&mut self, what: &str, descriptors: &[Descriptor]) {
        self.tx.chain(0, descriptors);
        self.rejected(what);
    }

    /// The same for a chain that was written to entry 0 by other means.
    fn rejected(&mut self, what: &str) {
        self.tx.offer(&[0]);
        self.expect(what, &Moved::sent(1, 0).dropped(DropReason::BadChain, 1));
        assert_eq!(self.tx.take_used(), [(0, 0)], "{what}: given back once");
        assert_eq!(self.rig.port(EVIL).port().fault(), None, "{what}: the ring itself is fine");
    }

    /// Offers an honest frame and expects the tenant to get it: the ring works.
    fn works(&mut self) {
        let at = self.honest();
        self.tx.chain(0, &[readable(at, CHAIN)]);
        self.tx.offer(&[0]);
        self.arrives(&frame(MacAddr::BROADCAST));
        assert_eq!(self.tx.take_used(), [(0, 0)]);
    }

    /// Expects what was offered to reach the attacker's own tenant as this frame, and nobody else.
    fn arrives(&mut self, sent: &[u8]) {
        self.rig.poll();
        assert_eq!(self.rig.moved(EVIL), Moved::sent(1, sent.len()));
        for port in [BOB, CAROL] {
            assert_eq!(self.rig.received(port), [sent]);
            assert_eq!(self.rig.moved(port), Moved::received(1, sent.len()));
        }
        assert_eq!(self.rig.moved(DAVE), Moved::default());
    }

    /// Expects the transmit ring to be broken and left alone until it is started anew, and to work then.
    fn broken(&mut self, what: &str, fault: RingFault) {
        self.expect(what, &Moved::default());
        assert_eq!(self.rig.port(EVIL).port().fault(), Some(fault), "{what}");
        let used = self.tx.ring().used_index();
        self.rig.poll();
        assert_eq!(self.tx.ring().used_index(), used, "{what}: a broken ring is not served");
        self.tx.resync();
        let ring = self.tx.ring().clone();
        self.rig.restart_transmit(EVIL, &ring);
        assert_eq!(self.rig.port(EVIL).port().fault(), None, "{what}: a restart clears it");
        self.works();
    }
}

/// The attacker's honest frame.
fn frame(to: MacAddr) -> Vec<u8> {
    frames::numbered(to.0, mac(EVIL).0, 1, LEN)
}
