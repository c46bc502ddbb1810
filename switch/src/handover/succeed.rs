// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a switch has learnt and nothing remembers over its end: for a process that takes its place while guests run.
//!
//! Whatever an operator said is in the store, and comes from there as after any restart. This is the rest: where addresses are,
//! without which the first frames to each would be flooded, which IP addresses guests have, who may not say so again for long, and
//! what routers have said, without which hosts would have to wait for them to say it again.

use super::{RaLeft, aged};
use crate::control::Control;
use crate::path::NamespacePath;
use crate::reference::PortPath;
use dataplane::{Address, Instant, Kind};
use std::collections::BTreeMap;
use std::time::Duration;
use wire::MacAddr;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learnt {
    /// Addresses behind each port, and for how long each was not seen.
    pub macs: BTreeMap<PortPath, Vec<(MacAddr, Duration)>>,
    /// IP addresses of the guest of each port.
    pub addresses: BTreeMap<PortPath, Vec<Address>>,
    /// What routers have told each namespace, those first that are to be believed most.
    pub ras: BTreeMap<NamespacePath, Vec<RaLeft>>,
}

impl Control {
    /// All that was learnt, as it stands.
    pub fn learnt(&self, now: Instant) -> Learnt {
        let mut learnt = Learnt::default();
        let addresses = self.plant.ports().map(|(path, record)| (path.clone(), record.device.addresses(now)));
        learnt.addresses = addresses.filter(|(_, known)| !known.is_empty()).collect();
        let root = NamespacePath::root();
        for namespace in self.desired.namespaces().keys().chain([&root]) {
            let ras = self.plant.ras_left(namespace, now.since_origin(), (usize::MAX, usize::MAX));
            if !ras.is_empty() {
                learnt.ras.insert(namespace.clone(), ras);
            }
            for (port, mac) in self.macs_learnt(namespace, now) {
                learnt.macs.entry(port).or_default().push(mac);
            }
        }
        learnt
    }

    /// A port whose guest hears nothing just now, and for which frames wait.
    pub fn waited_for(&self) -> Option<&PortPath> {
        self.plant.ports().find(|(_, record)| record.device.is_held()).map(|(path, _)| path)
    }

    fn macs_learnt(&self, home: &NamespacePath, now: Instant) -> Vec<(PortPath, (MacAddr, Duration))> {
        let Ok(set) = self.plant.set_of(home) else { return Vec::new() };
        let (plane, owners) = (set.plane(), set.owners());
        let entries = plane.fdb_if_made().map(|table| table.entries(now)).unwrap_or_default();
        let learnt = entries.into_iter().filter(|entry| entry.kind == Kind::Learned);
        let owned = |entry: dataplane::Entry| {
            let name = (*owners.get(&entry.port)?).clone();
            Some((PortPath { namespace: home.clone(), name }, (entry.mac, entry.age)))
        };
        learnt.filter_map(owned).collect()
    }

    /// Takes over what another process has learnt, `way` ago, of ports and namespaces that are here. What the rules here do not
    /// allow any more is left out.
    pub fn succeed(&mut self, learnt: &Learnt, way: Duration, now: Instant) {
        for (home, ras) in &learnt.ras {
            self.plant.land_ras(home, ras, way, now.since_origin());
        }
        for (path, addresses) in &learnt.addresses {
            if let Some(record) = self.plant.port(path) {
                record.device.restore_addresses(&aged(addresses, way), now);
            }
        }
        for (path, macs) in &learnt.macs {
            let Ok(set) = self.plant.set_of(&path.namespace) else { continue };
            let Some(record) = self.plant.port(path) else { continue };
            let seen = |age: Duration| {
                let then = now.since_origin().saturating_sub(age.saturating_add(way));
                Instant::from_nanos(u64::try_from(then.as_nanos()).unwrap_or(0))
            };
            let table = set.plane().fdb();
            // What was seen here later was seen since.
            let is_news =
                |mac, age: Duration| table.get(mac, now).is_none_or(|here| here.age >= age.saturating_add(way));
            for (mac, age) in macs.iter().filter(|(mac, age)| record.device.may_use(*mac) && is_news(*mac, *age)) {
                table.learn(*mac, record.device.slot(), seen(*age));
            }
        }
    }
}
