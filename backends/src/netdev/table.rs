// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The network devices of the host, and what happens to them: no I/O.

use std::collections::{BTreeMap, VecDeque};

use super::message::{Link, Route, Said};
use super::routes::{Family, Routes};
use super::{Bus, Netdev};

/// Netdevs that are known. A host with more has more than a switch can use; those that come last are left out.
pub const NETDEVS_MAX: usize = 16384;

/// Something that has happened to a netdev.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The netdev with this number has come.
    Came(u32),
    /// This one has gone; what was known of it last.
    Gone(Netdev),
    /// The netdev with this number has another name now.
    Renamed {
        /// Its number.
        index: u32,
        /// The name that it had.
        from: String,
    },
    /// Something else of the netdev with this number is different.
    Changed(u32),
}

/// The netdevs of the host.
#[derive(Debug, Default)]
pub struct Table {
    netdevs: BTreeMap<u32, Known>,
    routes: Routes,
    /// Routes that are being listed anew; the old ones hold until then.
    fresh: Option<Routes>,
    events: VecDeque<Event>,
    /// Counts lists of netdevs.
    round: u32,
    /// Netdevs have been listed, and then routes.
    complete: bool,
    /// Netdevs that had no place, or not all of what was said was taken.
    left_out: u64,
}

/// A netdev, and the list that it was in last.
#[derive(Debug)]
struct Known {
    netdev: Netdev,
    round: u32,
}

/// What the kernel does without a word, so that it must be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// None.
    No,
    /// Of IPv4 routes: those of a netdev that is set down, or with a source address that is deleted, go silently.
    Routes,
}

impl Table {
    /// All netdevs, by their numbers.
    pub fn all(&self) -> impl Iterator<Item = &Netdev> {
        self.netdevs.values().map(|known| &known.netdev)
    }

    /// The netdev with this number.
    pub fn get(&self, index: u32) -> Option<&Netdev> {
        self.netdevs.get(&index).map(|known| &known.netdev)
    }

    /// The netdev that has this name now.
    pub fn by_name(&self, name: &str) -> Option<&Netdev> {
        self.all().find(|netdev| netdev.name == name)
    }

    /// True once all netdevs and routes of the host have been told; before that, what is not here may be there.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Netdevs that had no place here ([`NETDEVS_MAX`]).
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The next of what has happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Takes what a message says. `bus_of` looks up what the netdev of a name hangs on.
    pub(crate) fn take(&mut self, said: Said, bus_of: &dyn Fn(&str) -> Bus) -> Doubt {
        match said {
            Said::Link(link) => return self.link(link, bus_of),
            Said::LinkGone(index) => self.gone(index),
            Said::Route(route) => self.route(&route),
            Said::RouteGone(route) => return self.route_gone(&route),
            Said::Done | Said::Refused(_) | Said::Nothing => {}
        }
        Doubt::No
    }

    /// The netdevs are going to be listed.
    pub(crate) fn links_begin(&mut self) {
        self.round = self.round.wrapping_add(1);
    }

    /// The netdevs are listed, all of them: those that were not are gone.
    pub(crate) fn links_end(&mut self) {
        let unseen = |known: &&Known| known.round != self.round;
        let gone: Vec<u32> = self.netdevs.values().filter(unseen).map(|known| known.netdev.index).collect();
        gone.into_iter().for_each(|index| self.gone(index));
    }

    /// The routes are going to be listed.
    pub(crate) fn routes_begin(&mut self) {
        self.fresh = Some(Routes::default());
    }

    /// The routes are listed.
    pub(crate) fn routes_end(&mut self) {
        if let Some(fresh) = self.fresh.take() {
            let before = std::mem::replace(&mut self.routes, fresh);
            let concerned: Vec<u32> = before.netdevs().chain(self.routes.netdevs()).collect();
            self.judge(&concerned);
        }
        self.complete = true;
    }

    fn link(&mut self, link: Link, bus_of: &dyn Fn(&str) -> Bus) -> Doubt {
        let round = self.round;
        let routed = self.routes.lead_over(link.index);
        let Some(known) = self.netdevs.get_mut(&link.index) else {
            return self.came(link, bus_of);
        };
        known.round = round;
        let old = &known.netdev;
        // What it hangs on stays; but it may have been looked up under a name that was already another's.
        let bus = if link.pci.is_none() && link.name != old.name { bus_of(&link.name) } else { old.bus };
        let new = netdev(link, bus, routed);
        let silent = routed && !new.is_up();
        let old = std::mem::replace(&mut known.netdev, new);
        let new = &known.netdev;
        if old.name != new.name {
            self.events.push_back(Event::Renamed { index: new.index, from: old.name.clone() });
        }
        if (Netdev { name: new.name.clone(), ..old }) != *new {
            self.events.push_back(Event::Changed(new.index));
        }
        if silent { Doubt::Routes } else { Doubt::No }
    }

    fn came(&mut self, link: Link, bus_of: &dyn Fn(&str) -> Bus) -> Doubt {
        if self.netdevs.len() >= NETDEVS_MAX {
            self.left_out += 1;
            return Doubt::No;
        }
        let (index, routed, round) = (link.index, self.routes.lead_over(link.index), self.round);
        let bus = if link.pci.is_some() { Bus::None } else { bus_of(&link.name) };
        self.netdevs.insert(index, Known { netdev: netdev(link, bus, routed), round });
        self.events.push_back(Event::Came(index));
        Doubt::No
    }

    fn gone(&mut self, index: u32) {
        self.both_routes(|routes| routes.forget(index));
        if let Some(known) = self.netdevs.remove(&index) {
            self.events.push_back(Event::Gone(known.netdev));
        }
    }

    fn route(&mut self, route: &Route) {
        self.both_routes(|routes| routes.add(route.key, &route.over, route.replaces));
        // Of one that was replaced nobody says where it led.
        let all = route.replaces.then(|| self.netdevs.keys().copied().collect());
        self.judge(&all.unwrap_or_else(|| route.over.clone()));
    }

    fn route_gone(&mut self, route: &Route) -> Doubt {
        self.both_routes(|routes| routes.remove(&route.key, &route.over));
        self.judge(&route.over);
        if route.own && route.key.family == Family::V4 { Doubt::Routes } else { Doubt::No }
    }

    fn both_routes(&mut self, change: impl Fn(&mut Routes)) {
        change(&mut self.routes);
        if let Some(fresh) = &mut self.fresh {
            change(fresh);
        }
    }

    /// Says of netdevs whether they are routed.
    fn judge(&mut self, concerned: &[u32]) {
        for index in concerned {
            let Some(known) = self.netdevs.get_mut(index) else { continue };
            let routed = self.routes.lead_over(*index);
            if std::mem::replace(&mut known.netdev.routed, routed) != routed {
                self.events.push_back(Event::Changed(*index));
            }
        }
    }
}

/// What a message tells of a netdev, with what it does not.
fn netdev(link: Link, bus: Bus, routed: bool) -> Netdev {
    let Link { index, name, mac, perm_mac, state, mtu, kind, master, pci } = link;
    Netdev { index, name, mac, perm_mac, state, mtu, kind, master, bus: pci.map_or(bus, Bus::Pci), routed }
}

#[cfg(test)]
mod tests;
