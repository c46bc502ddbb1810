// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Gives ports the netdevs that they wish for: no I/O, no time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use wire::MacAddr;

use super::wish::judge;
use super::{Bus, Change, Found, Netdev, Outcome, Reason, Table, Wish};

/// Wishes of ports, and what has come of them. `P` says which port.
#[derive(Debug)]
pub struct Finder<P> {
    ports: BTreeMap<P, Asked<P>>,
    /// Who has what, by the netdev's number.
    holders: BTreeMap<u32, P>,
    /// Netdevs that weft itself has in use.
    own: BTreeSet<u32>,
    /// Counts wishes: who asked first comes first.
    asked: u64,
}

/// A port's wish.
#[derive(Debug)]
struct Asked<P> {
    wish: Wish,
    since: u64,
    /// It is another than the one for which the port got what it has.
    fresh: bool,
    outcome: Outcome<P>,
}

/// Netdevs by the MACs that they use or were made with.
type ByMac<'a> = BTreeMap<MacAddr, Vec<&'a Netdev>>;

impl<P> Default for Finder<P> {
    fn default() -> Finder<P> {
        Finder { ports: BTreeMap::new(), holders: BTreeMap::new(), own: BTreeSet::new(), asked: 0 }
    }
}

impl<P: Ord + Clone> Finder<P> {
    /// A port wishes for a netdev, from now on or otherwise than before. [`Finder::settle`] says what comes of it.
    pub fn wish(&mut self, port: P, wish: Wish) {
        self.asked += 1;
        let since = self.asked;
        let new = |wish| Asked { wish, since, fresh: true, outcome: Outcome::Unsettled };
        match self.ports.get_mut(&port) {
            Some(asked) if asked.wish == wish => {}
            Some(asked) => (asked.wish, asked.fresh) = (wish, true),
            None => {
                self.ports.insert(port, new(wish));
            }
        }
    }

    /// A port wishes for none any more; what it had, for the caller to unplug.
    pub fn forget(&mut self, port: &P) -> Option<Found> {
        let Outcome::Found(found) = self.ports.remove(port)?.outcome else { return None };
        self.holders.remove(&found.index);
        Some(found)
    }

    /// Says by number which netdevs weft has in use otherwise: taps that it made, netdevs that are a port's only lane. Not
    /// those that were found here.
    pub fn set_own(&mut self, own: BTreeSet<u32>) {
        self.own = own;
    }

    /// How things stand with a port; nothing when it has no wish.
    pub fn outcome(&self, port: &P) -> Option<&Outcome<P>> {
        self.ports.get(port).map(|asked| &asked.outcome)
    }

    /// All ports that have a wish, and how things stand with them.
    pub fn outcomes(&self) -> impl Iterator<Item = (&P, &Outcome<P>)> {
        self.ports.iter().map(|(port, asked)| (port, &asked.outcome))
    }

    /// Looks which wishes are fulfilled and says what is different: first what was lost, then all else. Due after events
    /// and after wishes. As long as not everything is known, nothing is different.
    pub fn settle(&mut self, table: &Table) -> Vec<Change<P>> {
        if !table.is_complete() {
            return Vec::new();
        }
        let mut changes = self.release(table);
        let by_mac = by_mac(table);
        let mut order: Vec<(u64, P)> = self.ports.iter().map(|(port, asked)| (asked.since, port.clone())).collect();
        order.sort();
        for (_, port) in order {
            changes.extend(self.settle_one(table, &by_mac, &port));
        }
        changes
    }

    /// Takes away what does not fit any more.
    fn release(&mut self, table: &Table) -> Vec<Change<P>> {
        let mut changes = Vec::new();
        for (port, asked) in &mut self.ports {
            let Outcome::Found(found) = &asked.outcome else { continue };
            let kept = match table.get(found.index) {
                Some(netdev) => keeps(asked, netdev).and_then(|()| usable(&self.own, table, netdev)),
                None => Err(Reason::Gone(found.name.clone())),
            };
            if let Err(why) = kept {
                self.holders.remove(&found.index);
                changes.push(Change::Lost { port: port.clone(), index: found.index, why: why.clone() });
                // Said now, and not again unless it finds another or waits for something else.
                asked.outcome = Outcome::Nothing(why);
            }
        }
        changes
    }

    /// What is different for one port.
    fn settle_one(&mut self, table: &Table, by_mac: &ByMac<'_>, port: &P) -> Option<Change<P>> {
        let asked = self.ports.get(port)?;
        let now = match &asked.outcome {
            Outcome::Found(found) => Outcome::Found(Found::of(table.get(found.index)?)),
            _ => self.look(table, by_mac, &asked.wish).map_or_else(Outcome::Nothing, Outcome::Found),
        };
        if let Outcome::Found(found) = &now {
            self.holders.insert(found.index, port.clone());
        }
        let asked = self.ports.get_mut(port)?;
        asked.fresh = false;
        let before = std::mem::replace(&mut asked.outcome, now);
        let port = port.clone();
        match (&before, &asked.outcome) {
            (Outcome::Found(old), Outcome::Found(new)) if old == new => None,
            (Outcome::Found(_), Outcome::Found(new)) => Some(Change::Altered { port, found: new.clone() }),
            (_, Outcome::Found(new)) => Some(Change::Found { port, found: new.clone() }),
            (Outcome::Nothing(old), Outcome::Nothing(new)) if old == new => None,
            (_, Outcome::Nothing(why)) => Some(Change::Nothing { port, why: why.clone() }),
            (_, Outcome::Unsettled) => None,
        }
    }

    /// The netdev for a port that has none.
    fn look(&self, table: &Table, by_mac: &ByMac<'_>, wish: &Wish) -> Result<Found, Reason<P>> {
        let (candidates, none) = match &wish.iface {
            Some(name) => (table.by_name(name).into_iter().collect(), Reason::NoName(name.clone())),
            None => (by_mac.get(&wish.mac).cloned().unwrap_or_default(), Reason::NoMac(wish.mac)),
        };
        let mut ranked: Vec<&Netdev> = candidates;
        // A VF before whatever else has its MAC; one that has it by birth before one to which it was given.
        ranked.sort_by_key(|netdev| Reverse((matches!(netdev.bus, Bus::Pci(_)), netdev.perm_mac == Some(wish.mac))));
        let mut first_reason = None;
        for netdev in ranked {
            match self.fits(table, wish, netdev) {
                Ok(()) => return Ok(Found::of(netdev)),
                Err(why) => first_reason = first_reason.or(Some(why)),
            }
        }
        Err(first_reason.unwrap_or(none))
    }

    fn fits(&self, table: &Table, wish: &Wish, netdev: &Netdev) -> Result<(), Reason<P>> {
        judge(wish, netdev, false)?;
        usable(&self.own, table, netdev)?;
        match self.holders.get(&netdev.index) {
            Some(by) => Err(Reason::Claimed { netdev: netdev.name.clone(), by: by.clone() }),
            None => Ok(()),
        }
    }
}

/// Whether a port keeps what it has.
fn keeps<P>(asked: &Asked<P>, netdev: &Netdev) -> Result<(), Reason<P>> {
    let another = |name: &String| asked.fresh && *name != netdev.name;
    if asked.wish.iface.as_ref().is_some_and(another) {
        return Err(Reason::Unwished(netdev.name.clone()));
    }
    judge(&asked.wish, netdev, !asked.fresh)
}

/// Whether nobody else has a netdev: neither weft nor another netdev. A NetVSC has its VF, as it should.
fn usable<P>(own: &BTreeSet<u32>, table: &Table, netdev: &Netdev) -> Result<(), Reason<P>> {
    if own.contains(&netdev.index) {
        return Err(Reason::Own(netdev.name.clone()));
    }
    let Some(index) = netdev.master else { return Ok(()) };
    let master = table.get(index);
    if master.is_some_and(|master| master.bus == Bus::NetVsc) {
        return Ok(());
    }
    let master = master.map_or_else(|| format!("netdev {index}"), |master| master.name.clone());
    Err(Reason::Member { netdev: netdev.name.clone(), master })
}

fn by_mac(table: &Table) -> ByMac<'_> {
    let mut all = ByMac::new();
    for netdev in table.all() {
        let macs = BTreeSet::from([Some(netdev.mac), netdev.perm_mac]);
        for mac in macs.into_iter().flatten().filter(|mac| mac.is_station()) {
            all.entry(mac).or_default().push(netdev);
        }
    }
    all
}

#[cfg(test)]
mod tests;
