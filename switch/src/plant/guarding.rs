// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports whose RA guard learns: when it begins, what it hears, and what becomes of it when that is decided.

use super::Plant;
use crate::arena::Handle;
use crate::port::PortRecord;
use crate::ra_learning::{RaGuardState, RaLearning, RoutersFound};
use crate::reference::PortPath;
use crate::spec::PortSpec;
use core::net::Ipv6Addr;
use dataplane::{DropReason, Emission};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wire::nd::{NdPacket, RouterAdvert};
use wire::{MacAddr, build};

impl Plant {
    /// A port has come: what was decided of it in an earlier process holds.
    pub(super) fn resume_learning(&mut self, path: &PortPath) {
        let found = self.decided.remove(path);
        let Some(record) = self.port_mut(path) else { return };
        if let Some(found) = found.filter(|_| record.spec.mediation.learn.is_some()) {
            record.learn(RaLearning::resume(found));
        }
    }

    /// A port is another than `before`: a span that is new, or changes while it runs, begins now.
    pub(super) fn follow_learning(&mut self, path: &PortPath, before: &PortSpec) {
        let Some(record) = self.port_mut(path) else { return };
        let (was, is) = (before.mediation.learn, record.spec.mediation.learn);
        if was != is {
            record.learning.respan(is);
            record.guard_routers();
        }
    }

    /// An operator has a port learn anew. What it has taught stays until that is decided.
    pub(crate) fn relearn(&mut self, path: &PortPath) {
        if let Some(record) = self.port_mut(path) {
            record.learn(RaLearning::begin(record.spec.mediation.learn));
        }
    }

    /// Time has passed for the ports that learn. True: of one it is decided.
    pub(super) fn tick_learning(&mut self, now: Duration) -> bool {
        let mut any = false;
        for path in self.learners() {
            let Some(record) = self.port_mut(&path) else { continue };
            let guest = record.is_present();
            if record.learning.tick(now, guest) {
                record.guard_routers();
                self.forget_unless_allowed(&path);
                any = true;
            }
        }
        any
    }

    /// Questions for the routers behind ports that learn, for whoever is there to hear them. Over a link nobody is asked: it is for
    /// those on its other side to ask their routers.
    pub(crate) fn ask_routers(&mut self, now: Duration) -> Vec<Emission> {
        let learners = self.learners().into_iter();
        let questions = learners.filter_map(|path| {
            let record = self.port_mut(&path).filter(|record| record.spec.far().is_none())?;
            let question = || build::solicitation(asker(record.spec.mac), Ipv6Addr::UNSPECIFIED);
            record.learning.asks(now).then(|| Emission { port: Arc::clone(&record.device), frame: question() })
        });
        questions.collect()
    }

    fn learners(&self) -> Vec<PortPath> {
        let learners = self.ports().filter(|(_, record)| record.learning.is_learning());
        learners.map(|(path, _)| path.clone()).collect()
    }

    /// Hears an advertisement of a port, all rules but what is learnt allowing it.
    ///
    /// # Errors
    /// It goes no further, and why.
    pub(crate) fn watch_router(
        &mut self,
        record: Handle<PortRecord>,
        mac: MacAddr,
        packet: &NdPacket<'_>,
        advert: &RouterAdvert<'_>,
    ) -> Result<(), DropReason> {
        let Some(port) = self.ports.get_mut(record) else { return Ok(()) };
        port.learning_objection().inspect_err(|reason| {
            if *reason == DropReason::RaLearning {
                port.learning.note(&port.spec.mediation.guard, mac, packet.src, advert);
            }
        })
    }

    /// What was decided of each port, to be stored.
    pub(crate) fn save_decided(&self) -> BTreeMap<PortPath, RoutersFound> {
        let decided =
            |(path, record): (&PortPath, &PortRecord)| Some((path.clone(), record.learning.decided()?.clone()));
        self.ports().filter_map(decided).collect()
    }
}

/// By which address weft asks at a port with this one. It is not that: a router's guest would hear itself.
fn asker(MacAddr(mut octets): MacAddr) -> MacAddr {
    // Locally administered, and of another block than the port's.
    octets[0] = (octets[0] ^ 0x0c) | 0x02;
    MacAddr(octets)
}

impl PortRecord {
    /// Why no router of it is heard, by what was learnt.
    ///
    /// # Errors
    /// The reason.
    pub(crate) fn learning_objection(&self) -> Result<(), DropReason> {
        match self.ra_guard_state {
            RaGuardState::Off | RaGuardState::Forwarding => Ok(()),
            RaGuardState::Learning => Err(DropReason::RaLearning),
            RaGuardState::Blocking => Err(DropReason::RaBlocked),
        }
    }
}
