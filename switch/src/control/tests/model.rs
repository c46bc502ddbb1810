// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The whole life of namespaces, ports and static PvDs against a model that is too plain to be wrong: three maps.

use super::{NOW, name, path, spec};
use crate::control::{Control, Opening, Request};
use crate::path::NamespacePath;
use crate::port::Notice;
use crate::quota::{Quotas, Resource};
use crate::reference::PortPath;
use crate::spec::{NamespaceChange, NamespaceSpec};
use crate::stated::{FactList, PvdKey};
use crate::view::{Observer, PortView, PvdView, View};
use ::pvd::Statement;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const PATHS: [&str; 8] = ["a", "a/b", "a/b/c", "a/d", "a-b", "e", "e/f", "e/f/g"];
const PORTS: [&str; 2] = ["p0", "p1"];
const PVDS: [&str; 3] = ["x.example.", "y.example.", "z.example."];
const PREFIXES: [&str; 3] = ["2001:db8:1::/64", "2001:db8:2::/64", "2001:db8:3::/64"];

/// What is asked of the switch. Indices choose among few names, so that requests meet.
#[derive(Clone, Debug)]
enum Action {
    Add(usize, Option<u64>, Option<u64>),
    Del {
        at: usize,
        recursive: bool,
        force: bool,
    },
    SetPorts(usize, Option<u64>),
    PortAdd(usize, usize),
    PortDel(usize, usize, bool),
    PvdAdd(usize, usize, Vec<usize>),
    PvdSet(usize, usize, Vec<usize>),
    PvdDel(usize, usize),
    /// One request: each static PvD of a namespace has the prefixes of the next one.
    Rotate(usize),
    Attach(usize, usize, bool),
    /// Somebody reads a port from now on; or all of these go.
    Hold(usize, usize),
    Release,
    Bind(usize),
    Tick,
    Restart,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let (at, port) = (|| 0..PATHS.len(), || 0..PORTS.len());
    let pvd = || 0..PVDS.len();
    let prefixes = || proptest::sample::subsequence((0..PREFIXES.len()).collect::<Vec<_>>(), 0..=2);
    let quota = || prop_oneof![3 => Just(None), 1 => (0..4u64).prop_map(Some)];
    let action = prop_oneof![
        6 => (at(), quota(), quota()).prop_map(|(at, below, ports)| Action::Add(at, below, ports)),
        3 => (at(), any::<bool>(), any::<bool>())
            .prop_map(|(at, recursive, force)| Action::Del { at, recursive, force }),
        1 => (at(), quota()).prop_map(|(at, ports)| Action::SetPorts(at, ports)),
        6 => (port(), at()).prop_map(|(port, at)| Action::PortAdd(port, at)),
        2 => (port(), at(), any::<bool>()).prop_map(|(port, at, force)| Action::PortDel(port, at, force)),
        4 => (pvd(), at(), prefixes()).prop_map(|(pvd, at, prefixes)| Action::PvdAdd(pvd, at, prefixes)),
        2 => (pvd(), at(), prefixes()).prop_map(|(pvd, at, prefixes)| Action::PvdSet(pvd, at, prefixes)),
        1 => (pvd(), at()).prop_map(|(pvd, at)| Action::PvdDel(pvd, at)),
        1 => at().prop_map(Action::Rotate),
        2 => (port(), at(), any::<bool>()).prop_map(|(port, at, up)| Action::Attach(port, at, up)),
        2 => (port(), at()).prop_map(|(port, at)| Action::Hold(port, at)),
        1 => Just(Action::Release),
        2 => at().prop_map(Action::Bind),
        1 => Just(Action::Tick),
        1 => Just(Action::Restart),
    ];
    proptest::collection::vec(action, 0..150)
}

fn port_at(port: usize, at: usize) -> PortPath {
    PortPath::new(path(PATHS[at]), name(PORTS[port]))
}

fn pvd_at(pvd: usize, at: usize) -> PvdKey {
    PvdKey { namespace: path(PATHS[at]), name: PVDS[pvd].parse().unwrap() }
}

fn said(prefixes: &[usize]) -> Statement {
    let mut said = Statement::default();
    let texts: Vec<&str> = prefixes.iter().map(|which| PREFIXES[*which]).collect();
    FactList::Prefixes.set(&mut said, &texts).unwrap();
    said
}

/// A namespace, as the model has it.
#[derive(Clone)]
struct Space {
    /// Tells two namespaces of one path apart.
    life: usize,
    below: Option<u64>,
    /// Of ports, and of static PvDs as well.
    ports: Option<u64>,
}

/// A port, as the model has it.
struct Port {
    attached: bool,
    life: usize,
}

#[derive(Default)]
struct Model {
    spaces: BTreeMap<NamespacePath, Space>,
    ports: BTreeMap<PortPath, Port>,
    pvds: BTreeMap<PvdKey, Vec<usize>>,
    lives: usize,
}

impl Model {
    fn inside(&self, top: &NamespacePath) -> impl Iterator<Item = &NamespacePath> {
        self.spaces.keys().filter(move |path| path.is_within(top) && *path != top)
    }

    fn ports_inside(&self, top: &NamespacePath) -> impl Iterator<Item = (&PortPath, bool)> {
        let inside = self.ports.iter().filter(|(path, _)| path.namespace.is_within(top));
        inside.map(|(path, port)| (path, port.attached))
    }

    fn pvds_inside(&self, top: &NamespacePath) -> usize {
        self.pvds.keys().filter(|key| key.namespace.is_within(top)).count()
    }

    fn exists(&self, path: &NamespacePath) -> bool {
        path.is_root() || self.spaces.contains_key(path)
    }

    /// Whether everybody from `path` up may have one more namespace, or port.
    fn room(&self, path: &NamespacePath, ports: bool) -> bool {
        path.and_ancestors().filter_map(|owner| Some((self.spaces.get(&owner)?, owner))).all(|(space, owner)| {
            let used = if ports { self.ports_inside(&owner).count() } else { self.inside(&owner).count() };
            let most = if ports { space.ports } else { space.below };
            most.is_none_or(|most| (used as u64) < most)
        })
    }

    fn add(&mut self, path: NamespacePath, below: Option<u64>, ports: Option<u64>) -> bool {
        let parent = path.parent().unwrap();
        if self.exists(&path) || !self.exists(&parent) || !self.room(&parent, false) {
            return false;
        }
        self.lives += 1;
        self.spaces.insert(path, Space { life: self.lives, below, ports });
        true
    }

    fn del(&mut self, top: &NamespacePath, recursive: bool, force: bool) -> bool {
        let empty = self.inside(top).next().is_none() && self.ports_inside(top).next().is_none();
        let empty = empty && self.pvds_inside(top) == 0;
        let free = !self.ports_inside(top).any(|(_, attached)| attached);
        if !self.spaces.contains_key(top) || !(empty || recursive) || !(free || force) {
            return false;
        }
        self.ports.retain(|path, _| !path.namespace.is_within(top));
        self.pvds.retain(|key, _| !key.namespace.is_within(top));
        self.spaces.retain(|path, _| !path.is_within(top));
        true
    }

    /// Nobody else in its namespace has one of the prefixes.
    fn is_free(&self, key: &PvdKey, prefixes: &[usize]) -> bool {
        let others = self.pvds.iter().filter(|(other, _)| other.namespace == key.namespace && *other != key);
        others.flat_map(|(_, theirs)| theirs).all(|theirs| !prefixes.contains(theirs))
    }

    fn add_pvd(&mut self, key: PvdKey, prefixes: Vec<usize>) -> bool {
        let room = key.namespace.and_ancestors().all(|owner| {
            let most = self.spaces.get(&owner).and_then(|space| space.ports);
            most.is_none_or(|most| (self.pvds_inside(&owner) as u64) < most)
        });
        let fits =
            room && self.exists(&key.namespace) && !self.pvds.contains_key(&key) && self.is_free(&key, &prefixes);
        if fits {
            self.pvds.insert(key, prefixes);
        }
        fits
    }

    fn set_pvd(&mut self, key: &PvdKey, prefixes: Vec<usize>) -> bool {
        let fits = self.pvds.contains_key(key) && self.is_free(key, &prefixes);
        self.pvds.entry(key.clone()).and_modify(|before| {
            if fits {
                *before = prefixes;
            }
        });
        fits
    }

    fn add_port(&mut self, port: PortPath) -> bool {
        let home = &port.namespace;
        let fits = !self.ports.contains_key(&port) && self.exists(home) && self.room(home, true);
        if fits {
            self.lives += 1;
            self.ports.insert(port, Port { attached: false, life: self.lives });
        }
        fits
    }
}

/// The switch, the model, and those who look and hold.
struct World {
    control: Control,
    model: Model,
    held: Vec<Opening>,
    observers: Vec<(Observer, NamespacePath, usize)>,
    /// The number under which the operator saw each port, by its life.
    numbers: BTreeMap<usize, u32>,
}

impl World {
    fn new() -> World {
        let control = Control::new(7, BTreeMap::new());
        World { control, model: Model::default(), held: vec![], observers: vec![], numbers: BTreeMap::new() }
    }

    /// Asks for something that the model allows or not.
    fn ask(&mut self, request: &Request, allowed: bool) {
        let before = self.control.desired().clone();
        let answer = self.control.handle_request(request.clone());
        assert_eq!(answer.is_ok(), allowed, "{request:?}: {answer:?}");
        assert!(allowed || *self.control.desired() == before, "{request:?} changed something");
        while self.control.poll_action().is_some() {}
    }

    fn step(&mut self, action: &Action) {
        match action.clone() {
            Action::Add(at, below, ports) => {
                let quotas = [(Resource::Namespaces, below), (Resource::Ports, ports), (Resource::Pvds, ports)];
                let quotas = Quotas::default().with(&quotas);
                let allowed = self.model.add(path(PATHS[at]), below, ports);
                self.ask(
                    &Request::NamespaceAdd(path(PATHS[at]), NamespaceSpec { quotas, ..Default::default() }),
                    allowed,
                );
            }
            Action::Del { at, recursive, force } => {
                let allowed = self.model.del(&path(PATHS[at]), recursive, force);
                self.ask(&Request::NamespaceDel { path: path(PATHS[at]), recursive, force }, allowed);
            }
            Action::SetPorts(at, most) => self.set_ports(path(PATHS[at]), most),
            Action::PortAdd(port, at) => {
                let allowed = self.model.add_port(port_at(port, at));
                self.ask(&Request::PortAdd(name(PORTS[port]), spec(PORTS[port], PATHS[at])), allowed);
            }
            Action::PortDel(port, at, force) => {
                let port = port_at(port, at);
                let allowed = self.model.ports.get(&port).is_some_and(|port| force || !port.attached);
                self.ask(&Request::PortDel { port: port.clone(), force }, allowed);
                self.model.ports.retain(|other, _| !allowed || *other != port);
            }
            Action::PvdAdd(pvd, at, prefixes) => {
                let allowed = self.model.add_pvd(pvd_at(pvd, at), prefixes.clone());
                self.ask(&Request::PvdAdd(pvd_at(pvd, at), said(&prefixes)), allowed);
            }
            Action::PvdSet(pvd, at, prefixes) => {
                let allowed = self.model.set_pvd(&pvd_at(pvd, at), prefixes.clone());
                self.ask(&Request::PvdSet(pvd_at(pvd, at), said(&prefixes)), allowed);
            }
            Action::PvdDel(pvd, at) => {
                let allowed = self.model.pvds.remove(&pvd_at(pvd, at)).is_some();
                self.ask(&Request::PvdDel(pvd_at(pvd, at)), allowed);
            }
            Action::Rotate(at) => self.rotate(&path(PATHS[at])),
            Action::Attach(port, at, up) => self.attach(&port_at(port, at), up),
            Action::Hold(port, at) => self.held.extend(self.control.opening(&port_at(port, at))),
            Action::Release => self.held.clear(),
            Action::Bind(at) => self.bind(path(PATHS[at])),
            Action::Tick => self.control.handle_tick(NOW),
            Action::Restart => self.restart(),
        }
    }

    fn set_ports(&mut self, path: NamespacePath, most: Option<u64>) {
        let used = (self.model.ports_inside(&path).count()).max(self.model.pvds_inside(&path)) as u64;
        let space = self.model.spaces.get_mut(&path).filter(|_| most.is_none_or(|most| most >= used));
        let allowed = space.map(|space| space.ports = most).is_some();
        let quotas = vec![(Resource::Ports, most), (Resource::Pvds, most)];
        let change = NamespaceChange { quotas, ..NamespaceChange::default() };
        self.ask(&Request::NamespaceSet(path, change), allowed);
    }

    fn rotate(&mut self, home: &NamespacePath) {
        let keys: Vec<PvdKey> = self.model.pvds.keys().filter(|key| key.namespace == *home).cloned().collect();
        let mut lists: Vec<Vec<usize>> = keys.iter().map(|key| self.model.pvds[key].clone()).collect();
        let mut next = self.control.desired().clone();
        keys.iter().for_each(|key| next.set_pvd(key, Statement::default()).unwrap());
        if !lists.is_empty() {
            lists.rotate_left(1);
        }
        for (key, list) in keys.into_iter().zip(lists) {
            next.set_pvd(&key, said(&list)).unwrap();
            self.model.pvds.insert(key, list);
        }
        self.ask(&Request::Apply(next), true);
    }

    fn attach(&mut self, port: &PortPath, up: bool) {
        let notice = if up { Notice::Up { features: 1 } } else { Notice::Down { reason: "it left".into() } };
        self.control.handle_notice(port, notice);
        self.model.ports.entry(port.clone()).and_modify(|port| port.attached = up);
    }

    fn bind(&mut self, path: NamespacePath) {
        let found = self.control.operator().observer(&path);
        assert_eq!(found.is_ok(), self.model.exists(&path));
        let life = self.model.spaces.get(&path).map(|space| space.life);
        self.observers.extend(found.ok().zip(life).map(|(observer, life)| (observer, path, life)));
    }

    /// Another process takes over, from what this one would have stored.
    fn restart(&mut self) {
        let (desired, numbers) = (self.control.desired().clone(), self.control.numbers());
        self.held.clear();
        self.observers.clear();
        self.control = Control::restored(8, BTreeMap::new(), numbers.clone());
        self.ask(&Request::Apply(desired), true);
        assert_eq!(self.control.numbers(), numbers, "everybody has his numbers again");
        self.model.ports.values_mut().for_each(|port| port.attached = false);
    }

    fn check(&mut self) {
        let model = &self.model;
        check_view(&self.control.operator(), model, &NamespacePath::root());
        for port in self.control.operator().ports(None).unwrap() {
            let known = self.numbers.entry(model.ports[&port.path()].life).or_insert(port.number);
            assert_eq!(*known, port.number, "{}: a number stays", port.name);
        }
        for (observer, base, life) in &self.observers {
            let alive = model.spaces.get(base).is_some_and(|space| space.life == *life);
            let view = self.control.view(*observer);
            assert_eq!(view.is_ok(), alive, "{base}: a view ends with its namespace");
            view.into_iter().for_each(|view| check_view(&view, model, base));
        }
        let dying: BTreeSet<_> = self.control.operator().zombies().into_iter().map(|zombie| zombie.number).collect();
        assert!(!dying.contains(&0));
    }

    /// Everything goes, and nothing is left.
    fn end(mut self) {
        self.held.clear();
        for top in ["a", "a-b", "e"] {
            let allowed = self.model.del(&path(top), true, true);
            self.ask(&Request::NamespaceDel { path: path(top), recursive: true, force: true }, allowed);
        }
        self.control.handle_tick(NOW);
        assert_eq!((self.control.retired(), self.control.plant.tree.zombie_count()), (0, 0));
        assert_eq!(self.control.plant.tree.len(), 1, "the root");
        assert_eq!(*self.control.desired(), Default::default());
    }
}

/// A view from `base` shows what lies in it, all of it and nothing else, under numbers that lead back.
fn check_view(view: &View<'_>, model: &Model, base: &NamespacePath) {
    let namespaces = view.namespaces();
    let seen: Vec<NamespacePath> = namespaces.iter().map(|namespace| view.absolute(&namespace.path)).collect();
    assert!(seen.iter().eq(model.inside(base)), "{base}: {seen:?}");
    for namespace in &namespaces {
        assert_eq!(view.namespace_numbered(namespace.number).as_ref(), Some(namespace));
        assert_eq!(view.namespace(&namespace.path).as_ref(), Ok(namespace));
        let ports = model.ports_inside(&view.absolute(&namespace.path)).count() as u64;
        assert_eq!(namespace.usage.get(Resource::Ports), ports);
        check_pvds(view, model, &namespace.path);
    }
    check_pvds(view, model, &NamespacePath::root());
    let ports = view.ports(None).unwrap();
    let seen: BTreeSet<PortPath> = ports.iter().map(PortView::path).collect();
    let inside = model.ports_inside(base).map(|(path, _)| path.seen_from(base).unwrap());
    assert_eq!(seen, inside.collect(), "{base}");
    for port in &ports {
        let path = port.path();
        assert_eq!(view.port_numbered(port.number).map(|found| found.path()), Some(path.clone()));
        assert_eq!(view.port(&path.into()).unwrap().number, port.number);
        let twins = ports.iter().filter(|other| other.name == port.name).count();
        assert_eq!(view.port(&port.name.clone().into()).is_ok(), twins == 1, "a name alone");
    }
    let outside = model.ports.keys().filter(|path| !path.namespace.is_within(base));
    outside.for_each(|path| assert!(seen.contains(path) || view.port(&path.clone().into()).is_err()));
    let unused = (1..64).filter(|nr| ports.iter().all(|port| port.number != *nr));
    unused.for_each(|nr| assert!(view.port_numbered(nr).is_none()));
}

/// The static PvDs of a namespace have come to its registry, with their prefixes, under numbers of their own.
fn check_pvds(view: &View<'_>, model: &Model, path: &NamespacePath) {
    let home = view.absolute(path);
    let mut pvds = view.pvds(path, None, usize::MAX, Duration::ZERO).unwrap().pvds;
    pvds.sort_by(|a, b| a.name.cmp(&b.name));
    let prefixes = |view: &PvdView| -> Vec<String> {
        view.known.iter().filter_map(|known| Some(known.fact.owned_prefix()?.to_string())).collect()
    };
    let seen: Vec<(String, Vec<String>)> = pvds.iter().map(|pvd| (pvd.name.clone(), prefixes(pvd))).collect();
    let own = model.pvds.iter().filter(|(key, _)| key.namespace == home);
    let texts = |list: &Vec<usize>| list.iter().map(|which| PREFIXES[*which].to_owned()).collect();
    assert_eq!(seen, own.map(|(key, list)| (key.name.to_string(), texts(list))).collect::<Vec<_>>(), "{home}");
    let numbers: BTreeSet<u32> = pvds.iter().map(|pvd| pvd.number).collect();
    assert!(numbers.len() == pvds.len() && !numbers.contains(&0));
    let used = view.namespace(path).unwrap().usage.get(Resource::Pvds);
    assert_eq!(used, model.pvds_inside(&home) as u64);
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(96))]
    #[test]
    fn test_the_switch_does_what_the_model_does(actions in actions()) {
        let mut world = World::new();
        for action in &actions {
            world.step(action);
            world.check();
        }
        world.end();
    }
}
