// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Those who are busy during a siege: one who sends as fast as it can, and a host that takes what comes.

use wire::nd::{NdMessage, NdPacket};
use wire::{EtherHeader, MacAddr, build};

use crate::driver::{Shape, TxQueue, VnetHeader, wait_any};
use crate::flood::forgery::{OURS, address, advertisement, forged};
use crate::guest::SyntheticGuest;
use crate::wait::Deadline;

/// Frames between two looks at what has come to the host; the smallest number that is forged at once.
pub(super) const ROUND: u64 = 256;

/// See the module.
pub(super) struct Guests {
    /// `None`: it is dead.
    router: Option<SyntheticGuest>,
    forger: SyntheticGuest,
    host: SyntheticGuest,
    /// How often the router has spoken.
    pub(super) spoken: u64,
    /// Frames that were forged.
    pub(super) sent: u64,
    /// Frames that came to the host.
    pub(super) came: u64,
    /// Of these, the forger's.
    pub(super) forged: u64,
}

impl Guests {
    pub(super) fn new([router, forger, host]: [SyntheticGuest; 3]) -> Guests {
        Guests { router: Some(router), forger, host, spoken: 0, sent: 0, came: 0, forged: 0 }
    }

    /// The router says what it always says.
    pub(super) fn router_speaks(&mut self) {
        let Some(router) = &mut self.router else { return };
        self.spoken += 1;
        router.send(&advertisement(MacAddr(router.mac()), 1, OURS, 1));
        router.drain(Deadline::patient());
    }

    /// The router says nothing any more.
    pub(super) fn router_dies(&mut self) {
        self.router = None;
    }

    /// Forges so many more, rounded up to whole rounds, and waits until the switch has taken them.
    ///
    /// # Panics
    /// When it does not.
    pub(super) fn forge(&mut self, frames: u64) {
        let mac = MacAddr(self.forger.mac());
        for _ in 0..frames.div_ceil(ROUND) {
            let tx = &mut self.forger.pairs()[0].tx;
            (self.sent..self.sent + ROUND).for_each(|number| enqueue(tx, &forged(mac, number)));
            tx.flush();
            self.sent += ROUND;
            self.listen();
        }
        self.forger.drain(Deadline::patient());
        self.listen();
    }

    /// Takes what has come to either.
    pub(super) fn listen(&mut self) {
        while self.forger.recv().is_some() {}
        while let Some(got) = self.host.recv() {
            self.came += 1;
            self.forged += u64::from(got.frame[6..12] == self.forger.mac());
        }
    }

    /// The host asks for a router, and whether it is told of ours.
    pub(super) fn host_is_answered(&mut self) -> bool {
        let asked = build::solicitation(MacAddr(self.host.mac()), address(0xff));
        self.host.send(&asked);
        self.host.recv_until(Deadline::patient(), |got| is_ours(&got.frame)).is_some()
    }
}

fn enqueue(tx: &mut TxQueue, frame: &[u8]) {
    while tx.enqueue(&Shape::whole(), VnetHeader::default(), frame).is_err() {
        tx.flush();
        if tx.reclaim().is_empty() {
            assert!(wait_any(&[tx.queue()], Deadline::patient()), "the switch takes nothing any more");
        }
    }
}

/// Whether this is a valid Router Advertisement of the router that is what it says.
fn is_ours(frame: &[u8]) -> bool {
    let Some(ether) = EtherHeader::parse(frame) else { return false };
    let Ok(packet) = NdPacket::validate(&frame[ether.l3..]) else { return false };
    let NdMessage::Advert(advert) = packet.message else { return false };
    let named = advert.pvd().ok().flatten().is_some_and(|pvd| pvd.name.to_string().trim_end_matches('.') == OURS);
    named && packet.src == address(1) && advert.header.lifetime > 0
}
