// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The one mutator. A request becomes steps, and each step is taken on the desired state, which refuses what contradicts
//! itself, and on the plant. When one is refused those before it are taken back in reverse; so every request is all or
//! nothing, whatever it asks for, and costs what it changes, however much there is.

use crate::change::PortChange;
use crate::delegation::Delegation;
use crate::desired::{Desired, FdbKey};
use crate::diff::{Change, Diff, Op, Step, diff};
use crate::handover::{Awaited, Handover, Passage};
use crate::information::Informing;
use crate::name::Name;
use crate::numbers::SavedNumbers;
use crate::path::NamespacePath;
use crate::plant::Plant;
use crate::port::{Notice, PortRecord};
use crate::ra_learning::RoutersFound;
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::spec::{NamespaceChange, NamespaceSpec, PortSpec, VhostUser, link_ends};
use crate::stated::PvdKey;
use crate::subsystem::{Key, Subsystem};
use crate::vf::VfAsk;
use crate::vfs::Vfs;
use dataplane::{DropReason, Emission, Instant, RingFault};
use pvd::Statement;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

mod announcing;
mod entries;
mod vf;

use announcing::Again;
pub use vf::{LaneAsk, LaneNotice, LaneOpening, VmmNotice};

/// What may be asked of the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Make a namespace.
    NamespaceAdd(NamespacePath, NamespaceSpec),
    /// Make a namespace with these numbers in those that it lies in, its parent's first.
    NamespaceAddAs(NamespacePath, NamespaceSpec, Vec<u32>),
    /// Remove a namespace, and only with `recursive` when there is something in it.
    NamespaceDel {
        /// The namespace.
        path: NamespacePath,
        /// Also when there are ports and namespaces in it, and these with it.
        recursive: bool,
        /// Also when guests are attached to its ports.
        force: bool,
    },
    /// Change what may change while a namespace is in use.
    NamespaceSet(NamespacePath, NamespaceChange),
    /// Put a namespace into somebody's hands, or take it back from whoever has it. What was delegated below it by whoever
    /// had it is taken back, too.
    NamespaceDelegate(NamespacePath, Option<Delegation>),
    /// Make a port of that name in the namespace that its spec names.
    PortAdd(Name, PortSpec),
    /// Make a port with these numbers, that of its own namespace first.
    PortAddAs(Name, PortSpec, Vec<u32>),
    /// Remove a port, and only with `force` when a guest is attached to it.
    PortDel {
        /// The port.
        port: PortPath,
        /// Also when a guest is attached.
        force: bool,
    },
    /// Change what may change under a running guest.
    PortSet(PortPath, PortChange),
    /// Offer, revoke or use the VF of a port.
    Vf {
        /// The port.
        port: PortPath,
        /// What is asked for.
        ask: VfAsk,
    },
    /// Join two namespaces by a link, and make its two ends.
    LinkAdd {
        /// The ends, in different namespaces.
        ends: [PortPath; 2],
        /// The largest network-layer packet that crosses, in bytes; the default if `None`.
        mtu: Option<u16>,
        /// Whether Router Advertisements cross.
        routers: bool,
    },
    /// Take a link away, and both its ends, one of which this is.
    LinkDel(PortPath),
    /// Make a static MAC entry that leads to a port of its namespace.
    FdbAdd(FdbKey, Name),
    /// Remove a static or a learned MAC entry.
    FdbDel(FdbKey),
    /// Forget what was learned, in one namespace or in all.
    FdbFlush(Option<NamespacePath>),
    /// Make a static PvD.
    PvdAdd(PvdKey, Statement),
    /// Say all about a static PvD anew.
    PvdSet(PvdKey, Statement),
    /// Take back what is said about a static PvD. It is gone unless routers speak of it.
    PvdDel(PvdKey),
    /// Make everything as it is said here.
    Apply(Desired),
}

/// What a request that was carried out answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is done; this has changed.
    Changed(Vec<Change>),
    /// So many learned entries were forgotten.
    Flushed(usize),
}

/// What the caller of [`Control`] has to do next, in order.
pub enum Action {
    /// Close the session of a port.
    CloseEndpoint(PortPath),
    /// Open a session for a port.
    OpenEndpoint(Box<Opening>),
    /// Tell the guest of a port, when it next attaches, of this MTU.
    SetMtu(PortPath, u16),
    /// Open and close the sockets of namespaces, so that they are those of [`Desired::delegations`] and
    /// [`Desired::text_sockets`].
    OpenSockets,
    /// Do something with the other lane of a port, or its only one.
    Lane(PortPath, LaneAsk),
    /// The VF of a port has come, changed or gone: speak with its VMM, and look for it on the host, as its spec wants.
    FollowVf(PortPath),
    /// Log where the move of a port stands; `None`: its guest is here.
    Moved(PortPath, Option<Handover>),
    /// Store what an operator said and what was offered.
    Save,
}

/// What a session of a port needs.
pub struct Opening {
    /// The port.
    pub port: PortPath,
    /// What was asked for.
    pub spec: PortSpec,
    /// The socket that its guest attaches to.
    pub vhost_user: VhostUser,
    /// Virtio features that a guest of this port was ever offered; they must be offered again.
    pub offered: u64,
    /// The data-plane object of its namespace.
    pub namespace: Arc<dataplane::Namespace>,
    /// The data-plane object of the port.
    pub device: Arc<dataplane::Port>,
}

/// The control half of the switch. See the crate's theory of operation.
pub struct Control {
    pub(crate) desired: Desired,
    pub(crate) plant: Plant,
    /// What is fetched about PvDs, if anything is.
    pub(crate) informing: Option<Informing>,
    pub(crate) offered: BTreeMap<PortPath, u64>,
    pub(crate) actions: VecDeque<Action>,
    /// The VFs of ports.
    pub(crate) vfs: Vfs,
    /// Ports that came from other switches, or go there.
    pub(crate) moves: BTreeMap<PortPath, Passage>,
    pub(crate) awaited: Awaited,
    /// The time that was last told.
    pub(crate) now: Duration,
    /// Guests that are to be announced again.
    pub(crate) again: Again,
    pub(crate) emissions: Vec<Emission>,
    /// Ports whose guests hear again.
    pub(crate) releases: Vec<Arc<dataplane::Port>>,
}

impl Control {
    /// An empty switch. `seed` should be secret: the MAC tables are hashed with it. `offered` is what an earlier
    /// process offered to the guests of each port, by [`Control::offered`].
    pub fn new(seed: u64, offered: BTreeMap<PortPath, u64>) -> Control {
        Control::restored(seed, offered, SavedNumbers::default())
    }

    /// Like [`Control::new`], and whatever comes gets the numbers that it had in an earlier process, by
    /// [`Control::numbers`], if they can be had.
    pub fn restored(seed: u64, offered: BTreeMap<PortPath, u64>, numbers: SavedNumbers) -> Control {
        let (desired, plant) = (Desired::default(), Plant::new(seed, numbers));
        let (actions, emissions, releases) = (VecDeque::new(), Vec::new(), Vec::new());
        let (vfs, again, now) = (Vfs::default(), Again::default(), Duration::ZERO);
        let (moves, awaited) = (BTreeMap::new(), Awaited::default());
        Control {
            desired,
            plant,
            informing: None,
            offered,
            actions,
            vfs,
            moves,
            awaited,
            now,
            again,
            emissions,
            releases,
        }
    }

    /// Registers a subsystem: from now on every namespace has an instance of it.
    ///
    /// # Errors
    /// It refused in one of those that exist; then none has one.
    pub fn register_subsystem<S: Subsystem>(&mut self, subsystem: S) -> Result<Key<S::Instance>, Refusal> {
        self.plant.tree.register_subsystem(subsystem)
    }

    /// Registers a device: as a subsystem, but made after all of those and unmade before them.
    ///
    /// # Errors
    /// It refused in one namespace that exists; then none has one.
    pub fn register_device<S: Subsystem>(&mut self, device: S) -> Result<Key<S::Instance>, Refusal> {
        self.plant.tree.register_device(device)
    }

    /// The numbers of all objects, to be stored.
    pub fn numbers(&self) -> SavedNumbers {
        self.plant.save_numbers()
    }

    /// What RA guard has decided of each port of which it has, to be stored.
    pub fn routers_found(&self) -> BTreeMap<PortPath, RoutersFound> {
        self.plant.save_decided()
    }

    /// What an earlier process decided, by [`Control::routers_found`], of ports that have not come yet: there nothing has to
    /// be learnt anew.
    pub fn restore_routers(&mut self, found: BTreeMap<PortPath, RoutersFound>) {
        self.plant.decided = found;
    }

    /// What an operator wants, and what therefore exists.
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// Virtio features that the guests of each port were ever offered, to be stored.
    pub fn offered(&self) -> &BTreeMap<PortPath, u64> {
        &self.offered
    }

    /// Carries out a request. [`Control::poll_action`] must be called afterwards until it has no more.
    ///
    /// # Errors
    /// A refusal; nothing has changed.
    pub fn handle_request(&mut self, request: Request) -> Result<Reply, Refusal> {
        let old = &self.desired;
        let diff = match request {
            Request::NamespaceAdd(path, spec) => Diff::add_namespace(path, spec, Vec::new()),
            Request::NamespaceAddAs(path, spec, numbers) => Diff::add_namespace(path, spec, numbers),
            Request::NamespaceDel { path, recursive, force } => {
                self.check_namespace_deletable(&path, recursive, force)?;
                Diff::del_namespace(old, &path, recursive)?
            }
            Request::NamespaceSet(path, change) => {
                let spec = change.of(old.namespace(&path)?);
                Diff::set_namespace(old, path, spec)?
            }
            Request::NamespaceDelegate(path, delegation) => Diff::delegate(old, &path, delegation)?,
            Request::PortAdd(name, spec) => Diff::add_port(name, spec, Vec::new()),
            Request::PortAddAs(name, spec, numbers) => Diff::add_port(name, spec, numbers),
            Request::PortDel { port, force } => {
                self.check_deletable(&port, force)?;
                Diff::del_port(old, &port)?
            }
            Request::PortSet(port, change) => {
                let relearn = change.mediation.relearn;
                let spec = change.of(old.port(&port)?)?;
                self.check_vf_change(&port, &spec)?;
                return self.set_port(&port, spec, relearn);
            }
            Request::Vf { port, ask } => return self.ask_vf(&port, ask),
            Request::LinkAdd { ends, mtu, routers } => Diff::add_link(link_ends(&ends, mtu, routers)),
            Request::LinkDel(end) => Diff::del_link(old, &end)?,
            Request::FdbAdd(key, port) => Diff::add_fdb(key, port),
            Request::FdbDel(key) => match Diff::del_fdb(old, &key) {
                Some(diff) => diff,
                None => return self.forget(&key),
            },
            Request::FdbFlush(namespace) => return self.flush(namespace.as_ref()),
            Request::PvdAdd(key, said) => Diff::add_pvd(key, said),
            Request::PvdSet(key, said) => {
                self.check_static(&key)?;
                Diff::set_pvd(old, key, said)?
            }
            Request::PvdDel(key) => {
                self.check_static(&key)?;
                Diff::del_pvd(old, &key)?
            }
            Request::Apply(next) => diff(old, &next),
        };
        self.carry_out(diff)
    }

    /// Takes note of what a session tells. A port that is gone has no more to tell.
    pub fn handle_notice(&mut self, port: &PortPath, notice: Notice) {
        if let Some(record) = self.plant.port_mut(port) {
            record.note(notice);
        }
    }

    /// Takes note of the features that a port now offers to its guests. The set never shrinks: a VMM that has seen a
    /// feature refuses to reconnect to a device without it.
    pub fn handle_offered(&mut self, port: &PortPath, features: u64) {
        if self.plant.port(port).is_none() {
            return;
        }
        let known = self.offered.entry(port.clone()).or_default();
        if *known | features != *known {
            *known |= features;
            self.actions.push_back(Action::Save);
        }
    }

    /// What is due by time: ages learned entries, frees what nobody reads any more. To be called about once a second.
    pub fn handle_tick(&mut self, now: Instant) {
        self.now = now.since_origin();
        if self.plant.tick(now) {
            self.actions.push_back(Action::Save);
        }
        self.emissions.extend(self.plant.ask_routers(self.now));
    }

    /// Destroys the deleted namespaces that nobody reads any more, without waiting for the next tick: for a caller that
    /// has just closed sessions.
    pub fn reap(&mut self) {
        self.plant.tree.reap();
    }

    /// The next thing for the caller to do.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What a session of this port needs, to open it once more; `None` when there is no such port.
    pub fn opening(&self, port: &PortPath) -> Option<Opening> {
        let record = self.plant.port(port)?;
        Some(Opening {
            vhost_user: record.spec.vhost_user()?.clone(),
            port: port.clone(),
            spec: record.spec.clone(),
            offered: self.offered.get(port).copied().unwrap_or(0),
            namespace: Arc::clone(self.plant.set_of(&record.spec.namespace).ok()?.plane()),
            device: Arc::clone(&record.device),
        })
    }

    /// Ports whose VMM did what no reset of the guest can mend, and what that was: their sessions have to be ended.
    pub fn ports_to_end(&self) -> Vec<(PortPath, RingFault)> {
        let fault = |record: &PortRecord| record.fault().filter(|fault| fault.ends_session());
        self.plant.ports().filter_map(|(port, record)| fault(record).map(|fault| (port.clone(), fault))).collect()
    }

    /// Frames that were dropped because they spoke as routers and should not: of each port and reason that occurred, in the
    /// order of ports and reasons.
    pub fn guarded(&self) -> impl Iterator<Item = (&PortPath, DropReason, u64)> {
        let ports = self.plant.ports();
        ports.flat_map(|(path, record)| record.device.guarded().map(move |(reason, count)| (path, reason, count)))
    }

    /// The namespaces whose routers have said something else than before, or are routers again, since this was last asked.
    pub fn take_changed_routers(&mut self) -> Vec<NamespacePath> {
        self.plant.take_changed()
    }

    /// Whether a guest is attached to the port, or about to be.
    pub fn is_attached(&self, port: &PortPath) -> bool {
        self.plant.port(port).is_some_and(PortRecord::attached)
    }

    /// Differs from what it was when something has happened to a PvD of any namespace since: whoever watches looks then.
    pub fn pvd_stirs(&self) -> u64 {
        self.plant.learning.stirs()
    }

    /// Ports and namespaces that are deleted and may still be read by a session or a worker.
    pub fn retired(&self) -> usize {
        self.plant.retired()
    }

    fn set_port(&mut self, port: &PortPath, spec: PortSpec, relearn: bool) -> Result<Reply, Refusal> {
        if relearn && spec.mediation.learn.is_none() {
            let expected = "at a port where RA guard learns: `ra-guard-learn` tells for how long";
            return Err(Refusal::invalid("ra-guard-relearn", "true", expected));
        }
        let reply = self.carry_out(Diff::set_port(&self.desired, port.clone(), spec)?)?;
        if relearn {
            self.plant.relearn(port);
            // What was decided shall not come back with a restart.
            self.actions.push_back(Action::Save);
        }
        Ok(reply)
    }

    pub(crate) fn carry_out(&mut self, Diff { steps, changes }: Diff) -> Result<Reply, Refusal> {
        let mut back = Vec::with_capacity(steps.len());
        let done = steps.iter().try_for_each(|step| {
            back.push(step.apply_to(&mut self.desired)?);
            self.plant.step(step)
        });
        if let Err(refusal) = done {
            self.plant.roll_back();
            // Each leads to where the desired state was a moment ago, which it did not refuse then.
            back.iter().rev().for_each(|step| drop(step.apply_to(&mut self.desired)));
            return Err(refusal);
        }
        self.plant.commit();
        self.note_ports(&changes);
        if steps.iter().chain(&back).any(Step::has_sockets) {
            self.actions.push_back(Action::OpenSockets);
        }
        self.push_actions(&changes);
        self.follow_lanes(&changes);
        Ok(Reply::Changed(changes))
    }

    /// Closes come before opens: a port may take over the socket of one that goes.
    fn push_actions(&mut self, changes: &[Change]) {
        let ports = || changes.iter().filter(|change| change.kind == Kind::Port);
        let path = |change: &Change| change.name.parse::<PortPath>().ok();
        for change in ports().filter(|change| change.op != Op::Add && change.disrupts) {
            self.actions.extend(path(change).map(Action::CloseEndpoint));
        }
        for change in ports().filter(|change| change.op != Op::Del) {
            let Some(opening) = path(change).and_then(|port| self.opening(&port)) else { continue };
            self.actions.push_back(match change.op == Op::Set && !change.disrupts {
                true => Action::SetMtu(opening.port, opening.spec.mtu),
                false => Action::OpenEndpoint(Box::new(opening)),
            });
        }
        if !changes.is_empty() {
            self.actions.push_back(Action::Save);
        }
    }

    /// Whether a port can be deleted, so that its session can be ended before its place in the namespace is given up.
    ///
    /// # Errors
    /// It does not exist, or a guest is attached to it and `force` is not given.
    pub fn check_deletable(&self, port: &PortPath, force: bool) -> Result<(), Refusal> {
        self.desired.port(port)?;
        match self.is_attached(port) && !force {
            true => Err(Refusal::in_use(Kind::Port, port, "a connected guest")),
            false => Ok(()),
        }
    }

    /// Whether a namespace can be deleted; answers the ports that go with it, so that their sessions can be ended before.
    ///
    /// # Errors
    /// It does not exist, something is in it and `recursive` is not given, or a guest is attached to one of its ports
    /// and `force` is not given.
    pub fn check_namespace_deletable(
        &self,
        path: &NamespacePath,
        recursive: bool,
        force: bool,
    ) -> Result<Vec<PortPath>, Refusal> {
        self.desired.namespace(path)?;
        if let Some(by) = self.desired.users(path).filter(|_| !recursive) {
            return Err(Refusal::in_use(Kind::Namespace, path, by));
        }
        let ports: Vec<PortPath> = self.desired.ports_within(path).map(|(port, _)| port.clone()).collect();
        ports.iter().try_for_each(|port| self.check_deletable(port, force))?;
        Ok(ports)
    }

    /// Whether an operator made a PvD.
    ///
    /// # Errors
    /// There is none, or only routers speak of it.
    pub fn check_static(&self, key: &PvdKey) -> Result<(), Refusal> {
        self.desired.namespace(&key.namespace)?;
        match self.desired.pvd(key) {
            Err(_) if self.plant.knows_pvd(key) => {
                let expected =
                    "a static PvD; this one is known from routers only, `weft pvd create` makes it static too";
                Err(Refusal::invalid("name", key.name.to_string(), expected))
            }
            said => said.map(drop),
        }
    }
}

#[cfg(test)]
mod tests;
