// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is seen from a namespace: its subtree, in its own numbers and with paths that begin at it.
//!
//! A [`View`] is the only way to look into [`Control`]. Nothing that it takes or gives can name what lies beside or
//! above: paths are joined to the observer's own, numbers are looked up in the observer's own, and what has no number
//! there is not found, whether it exists elsewhere or not. An [`Observer`] is a handle with a generation: it sees nothing
//! when its namespace is gone, also when another one has the same path by then.
//!
//! # Names of others
//!
//! Whatever an observer says leads below his own namespace ([`View::absolute`]) before anything is looked up, and nobody
//! asks afterwards whether there is something of that name elsewhere. So a name of somebody else is answered as one that
//! nobody has is, because it is none, and in the same time, because that is the same work:
//!
//! * A namespace, a port by its full name or a MAC entry is searched for in an ordered map. What lies outside his subtree
//!   differs from all that he can ask for within the bytes of his own path, so it compares alike with every name that he can
//!   say; the search takes the same way through it, and depends on what he says only among what he sees.
//! * A name of a port alone is looked for among the ports that he sees, all of them, and among no others.
//! * Numbers are looked up in the observer's own book.
//!
//! What time can tell is how much there is in all, for all names alike.
//!
//! Snapshots are plain data, copied out, without a reference into the switch.

mod checked;
mod learnt;
mod news;
mod vf;

pub use checked::{FindingView, LearntCounters, RaCheck};
pub use learnt::{PvdPage, PvdView, RaView, SourceView};
pub use news::{ChangeView, PvdEventView, PvdNews};
pub use vf::{LaneCounts, LaneLosses, VfCounts, VfLaneView, VfView};

use crate::arena::Handle;
use crate::control::Control;
use crate::handover::Handover;
use crate::name::Name;
use crate::path::NamespacePath;
use crate::port::{PortRecord, State};
use crate::quota::{Resource, Usage};
use crate::ra_learning::RaLearningView;
use crate::reference::{PortPath, PortRef};
use crate::refusal::{Kind, Refusal};
use crate::spec::{Lane, NamespaceSpec, PortSpec};
use crate::subsystem::ports::PortSet;
use crate::tree::Namespace;
use dataplane::{Address, Instant, MacTable, PortStats};
use pvd::Mediated;
use std::time::Duration;
use wire::MacAddr;

/// Whoever looks: someone who is bound to a namespace for as long as that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observer(Handle<Namespace>);

/// What one observer sees.
#[derive(Clone, Copy)]
pub struct View<'a> {
    control: &'a Control,
    base: &'a Namespace,
}

/// One namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceView {
    /// Its path from the observer on.
    pub path: NamespacePath,
    /// Its number; 0 for the observer himself.
    pub number: u32,
    /// What was asked for.
    pub spec: NamespaceSpec,
    /// What it and all below it have.
    pub usage: Usage,
    /// Ports in it.
    pub ports: usize,
    /// Entries in its MAC table.
    pub macs: u32,
    /// What its ports have moved and lost since it is there, those too that are gone.
    pub stats: PortStats,
    /// The namespaces that it is linked with, by number.
    pub peers: Vec<PeerView>,
    /// What it has counted of its routers.
    pub learnt: LearntCounters,
}

/// A namespace as one that it is linked with knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerView {
    /// Its number there, whoever looks.
    pub number: u32,
    /// Its path, as the observer names it; `None`: it is out of his sight.
    pub path: Option<NamespacePath>,
}

/// A namespace that is deleted and not freed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZombieView {
    /// Its path from the observer on, while it lived.
    pub path: NamespacePath,
    /// Its number, while it lived.
    pub number: u32,
    /// What it waits for, in words; empty: it goes with the next batch.
    pub waits_for: Vec<String>,
}

/// One port.
#[derive(Clone, Debug)]
pub struct PortView {
    /// Its name.
    pub name: Name,
    /// Its number.
    pub number: u32,
    /// Its number in its namespace.
    pub number_at_home: u32,
    /// What was asked for, defaults filled in; its namespace as the observer names it.
    pub spec: PortSpec,
    /// The other end, of an end of a link; `None` too where that is out of sight.
    pub far: Option<PortPath>,
    /// The number by which its namespace knows that of the other end, of an end of a link that has one.
    pub peer: Option<u32>,
    /// Whether frames can flow.
    pub state: State,
    /// Why, when there is something to say; printable.
    pub reason: Option<String>,
    /// Virtio feature bits that its guest accepted; 0 while none is attached.
    pub features: u64,
    /// What it has moved and lost.
    pub stats: PortStats,
    /// What became of Router Advertisements that came from it and that control decided about.
    pub mediated: Mediated,
    /// Its VF, if it has one.
    pub vf: Option<VfView>,
    /// What its lanes beside its rings have lost, of one that has, or may have, such a lane.
    pub lane_losses: Option<LaneLosses>,
    /// How far RA guard is with learning.
    pub ra_learning: RaLearningView,
    /// Where its move to or from another switch stands, if it has one.
    pub handover: Option<Handover>,
    /// IP addresses of its guest, by what that has said, in order.
    pub addresses: Vec<Address>,
    /// What it has said of addresses and is not known any more: there was too much of it.
    pub addresses_lost: u64,
    /// How often nothing was said over uplinks of where its guest is, or nothing of its addresses: that had been said too often.
    pub unannounced: u64,
}

/// One entry of a MAC table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FdbView {
    /// The namespace of the table, as the observer names it.
    pub namespace: NamespacePath,
    /// The address.
    pub mac: MacAddr,
    /// The port that it leads to.
    pub port: Name,
    /// How it came to be.
    pub kind: dataplane::Kind,
    /// How long ago it was last seen; of a learned entry only.
    pub age: Option<Duration>,
}

impl PortView {
    /// Its full name, as the observer says it.
    pub fn path(&self) -> PortPath {
        self.spec.path(self.name.clone())
    }
}

impl Control {
    /// The operator's view: everything.
    pub fn operator(&self) -> View<'_> {
        View { control: self, base: self.plant.tree.root() }
    }

    /// What an observer sees.
    ///
    /// # Errors
    /// His namespace is gone.
    pub fn view(&self, observer: Observer) -> Result<View<'_>, Refusal> {
        let base = self.plant.tree.get(observer.0);
        let base = base.ok_or_else(|| Refusal::not_found(Kind::Namespace, NamespacePath::root().as_str()))?;
        Ok(View { control: self, base })
    }
}

impl<'a> View<'a> {
    /// Someone who is bound to a namespace that is seen here, and will see less.
    ///
    /// # Errors
    /// There is none of that path.
    pub fn observer(&self, path: &NamespacePath) -> Result<Observer, Refusal> {
        Ok(Observer(self.find(path)?.handle()))
    }

    /// Where a path leads when the operator names it. It stays within what is seen here.
    pub fn absolute(&self, path: &NamespacePath) -> NamespacePath {
        self.base.path().join(path)
    }

    /// The namespaces below the observer, in tree order.
    pub fn namespaces(&self) -> Vec<NamespaceView> {
        self.inside().skip(1).map(|namespace| self.namespace_view(namespace)).collect()
    }

    /// The paths of the observer's own namespace and all below it, in tree order, from `start` on.
    pub fn paths_from(&self, start: &NamespacePath) -> impl Iterator<Item = NamespacePath> + use<'a> {
        let (base, first) = (self.base.path().clone(), self.absolute(start));
        // What is said of the root is not among what was said of the others.
        let root = first.is_root().then(NamespacePath::root);
        let below = self.control.desired.namespaces().range(first..).map(move |(path, _)| path.seen_from(&base));
        root.into_iter().chain(below.map_while(|path| path))
    }

    /// The namespace of a path; `/` is the observer's own.
    ///
    /// # Errors
    /// There is none.
    pub fn namespace(&self, path: &NamespacePath) -> Result<NamespaceView, Refusal> {
        Ok(self.namespace_view(self.find(path)?))
    }

    /// The namespace of a number.
    pub fn namespace_numbered(&self, nr: u32) -> Option<NamespaceView> {
        let found = self.control.plant.tree.find_numbered(self.base, nr)?;
        Some(self.namespace_view(found))
    }

    /// Namespaces that were deleted below the observer and are not freed yet.
    pub fn zombies(&self) -> Vec<ZombieView> {
        let seen = |zombie: crate::tree::Zombie<'_>| {
            let number = zombie.namespace.nr_in(self.base);
            let path = zombie.namespace.path().seen_from(self.base.path()).filter(|_| number > 0)?;
            Some(ZombieView { path, number, waits_for: zombie.waits_for })
        };
        self.control.plant.tree.zombies().into_iter().filter_map(seen).collect()
    }

    /// All ports by name, those of one name in tree order; or those of one namespace.
    ///
    /// # Errors
    /// There is no such namespace.
    pub fn ports(&self, namespace: Option<&NamespacePath>) -> Result<Vec<PortView>, Refusal> {
        let one = namespace.map(|path| self.find(path)).transpose()?;
        let all = one.is_none().then(|| self.inside());
        let sets = one.into_iter().chain(all.into_iter().flatten());
        let sets = sets.filter_map(|namespace| namespace.get(self.control.plant.sets));
        let ports = sets.flat_map(PortSet::handles);
        let mut views: Vec<PortView> =
            ports.filter_map(|handle| self.port_view(self.control.plant.port_at(handle)?)).collect();
        views.sort_by(|a, b| (&a.name, &a.spec.namespace).cmp(&(&b.name, &b.spec.namespace)));
        Ok(views)
    }

    /// One port.
    ///
    /// # Errors
    /// There is none, or it could be one of several.
    pub fn port(&self, said: &PortRef) -> Result<PortView, Refusal> {
        self.port_at(&self.resolve(said)?)
    }

    /// The port of a full name from the root, which [`View::resolve`] found.
    ///
    /// # Errors
    /// It is not seen here.
    pub fn port_at(&self, path: &PortPath) -> Result<PortView, Refusal> {
        let found = self.control.plant.port(path).and_then(|record| self.port_view(record));
        found.ok_or_else(|| Refusal::not_found(Kind::Port, path))
    }

    /// Which port is meant, by the name that requests to [`Control`] know. It is one that is seen here.
    ///
    /// # Errors
    /// There is none, or it could be one of several.
    pub fn resolve(&self, said: &PortRef) -> Result<PortPath, Refusal> {
        said.resolve(self.base.path(), self.within())
    }

    /// The full names of the ports that are seen here.
    fn within(&self) -> impl Iterator<Item = &'a PortPath> + use<'a> {
        self.control.plant.paths_within(self.base.path())
    }

    /// The port of a number.
    pub fn port_numbered(&self, nr: u32) -> Option<PortView> {
        let plant = &self.control.plant;
        self.port_view(plant.port_at(plant.tree.look_up(plant.numbers, self.base.handle(), nr)?)?)
    }

    /// At most `most` entries of the MAC table of one namespace, by address: the first of those behind `after`.
    ///
    /// # Errors
    /// There is no such namespace.
    pub fn fdb(
        &self,
        now: Instant,
        path: &NamespacePath,
        after: Option<MacAddr>,
        most: usize,
    ) -> Result<Vec<FdbView>, Refusal> {
        let namespace = self.find(path)?;
        let Some(set) = namespace.get(self.control.plant.sets) else { return Ok(Vec::new()) };
        let owners = set.owners();
        let mut entries = set.plane().fdb_if_made().map(|table| table.entries(now)).unwrap_or_default();
        entries.retain(|entry| after.is_none_or(|mac| entry.mac > mac) && owners.contains_key(&entry.port));
        if entries.len() > most {
            entries.select_nth_unstable_by_key(most, |entry| entry.mac);
            entries.truncate(most);
        }
        entries.sort_by_key(|entry| entry.mac);
        let view = |entry: dataplane::Entry| {
            let age = (entry.kind == dataplane::Kind::Learned).then_some(entry.age);
            let port = (*owners.get(&entry.port)?).clone();
            Some(FdbView { namespace: path.clone(), mac: entry.mac, port, kind: entry.kind, age })
        };
        Ok(entries.into_iter().filter_map(view).collect())
    }

    /// The observer's own namespace and all below it.
    fn inside(&self) -> impl Iterator<Item = &'a Namespace> + use<'a> {
        self.control.plant.tree.subtree(self.base.path())
    }

    fn find(&self, path: &NamespacePath) -> Result<&'a Namespace, Refusal> {
        let found = self.control.plant.tree.find(&self.absolute(path));
        found.map_err(|_| Refusal::not_found(Kind::Namespace, path.as_str()))
    }

    fn namespace_view(&self, namespace: &Namespace) -> NamespaceView {
        let plant = &self.control.plant;
        let path = namespace.path();
        NamespaceView {
            path: path.seen_from(self.base.path()).unwrap_or_else(NamespacePath::root),
            number: namespace.nr_in(self.base),
            spec: namespace.spec().clone(),
            // Static PvDs are among those that the registries have.
            usage: self.control.desired.usage(path).without(Resource::Pvds).and(plant.learning.usage(path)),
            ports: namespace.get(plant.sets).map_or(0, PortSet::len),
            macs: namespace.get(plant.macs).and_then(|place| place.made()).map_or(0, MacTable::used),
            stats: plant.stats(namespace),
            peers: self.peers(namespace),
            learnt: self.learnt_counters(namespace),
        }
    }

    /// What links tell; that two namespaces were linked once is nobody's to see.
    fn peers(&self, namespace: &Namespace) -> Vec<PeerView> {
        let plant = &self.control.plant;
        let ports = namespace.get(plant.sets).into_iter().flat_map(PortSet::handles);
        let peer = |handle| {
            let record = plant.port_at(handle)?;
            let path = record.spec.far()?.namespace.seen_from(self.base.path());
            Some(PeerView { number: plant.peer_of(record)?, path })
        };
        let mut peers: Vec<PeerView> = ports.filter_map(peer).collect();
        peers.sort();
        peers
    }

    /// `None`: the observer does not see it.
    fn port_view(&self, record: &PortRecord) -> Option<PortView> {
        let number = record.ident.nr_in(self.base);
        let namespace = record.spec.namespace.seen_from(self.base.path()).filter(|_| number > 0)?;
        let (state, reason) = record.state();
        let far = record.spec.far().and_then(|far| far.seen_from(self.base.path()));
        let mut spec = PortSpec { namespace, ..record.spec.clone() };
        if let Lane::Link(said) = &mut spec.lane {
            // What is out of sight has no name here; then the end names itself.
            *said = far.clone().unwrap_or_else(|| PortPath::new(spec.namespace.clone(), record.name.clone()));
        }
        Some(PortView {
            name: record.name.clone(),
            number,
            number_at_home: record.ident.nr_at_home(),
            spec,
            far,
            peer: self.control.plant.peer_of(record),
            state,
            reason,
            features: record.session.features,
            stats: record.device.stats(),
            mediated: self.mediated(record),
            vf: vf::vf_view(self.control, record),
            lane_losses: record.has_other_lane().then_some(record.lane_losses),
            ra_learning: record.learning.view(&record.spec.mediation.guard),
            handover: self.control.handover(record),
            addresses: in_order(record.device.addresses(Instant::default() + self.control.now)),
            addresses_lost: record.device.addresses_lost(),
            unannounced: record.device.unannounced(),
        })
    }

    /// What became of a port's advertisements.
    fn mediated(&self, record: &PortRecord) -> Mediated {
        let plant = &self.control.plant;
        let home = plant.tree.find(&record.spec.namespace).ok();
        let mediator = home.and_then(|home| home.get(plant.mediators));
        mediator.map(|mediator| mediator.counters(record.ident.nr_at_home())).unwrap_or_default()
    }
}

fn in_order(mut addresses: Vec<Address>) -> Vec<Address> {
    addresses.sort_unstable();
    addresses
}

#[cfg(test)]
mod tests;
