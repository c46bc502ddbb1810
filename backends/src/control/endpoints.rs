// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The vhost-user endpoints of all ports: opened, closed, and opened again when that failed.

use super::inherited::Inherited;
use super::subscriber::{Loop, Subscriber};
use crate::place::Place;
use crate::runtime::Workers;
use crate::vhost_user::{
    self, Adoption, Endpoint, EndpointConfig, FeatureSpec, Legacy, OpenError, SealPolicy, Side, offered_features,
};
use event_manager::{EventOps, SubscriberId, SubscriberOps};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use switch::{Mode, Notice, Opening, PortPath};
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};

/// After this long an endpoint that could not be opened is tried again: its directory may have appeared.
const RETRY: Duration = Duration::from_secs(5);

/// What a session tells, and of which port.
type Told = (String, Notice);

/// An endpoint that is open.
struct Open {
    id: SubscriberId,
    endpoint: Rc<RefCell<Endpoint>>,
}

/// The endpoints of all ports.
pub(super) struct Endpoints {
    workers: Workers,
    seals: SealPolicy,
    inherited: Inherited,
    /// What a weftd before this one has left to endpoints that were not opened yet; `None`: there was none, or it is gone.
    left: Option<BTreeMap<PortPath, Legacy>>,
    /// Ports that could not be opened though something was left to them.
    bereft: BTreeSet<PortPath>,
    open: BTreeMap<PortPath, Open>,
    /// Ports that have no endpoint, and when the next attempt is due.
    failed: BTreeMap<PortPath, Instant>,
    /// Ports whose endpoint is to be opened anew when their guest leaves.
    outdated: BTreeSet<PortPath>,
    told: Sender<Told>,
    heard: Receiver<Told>,
    wake: EventFd,
}

impl Endpoints {
    /// No endpoints yet.
    ///
    /// # Errors
    /// The system is out of descriptors.
    pub(super) fn new(workers: Workers, seals: SealPolicy, inherited: Inherited) -> io::Result<Endpoints> {
        let (told, heard) = channel();
        Ok(Endpoints {
            workers,
            seals,
            inherited,
            left: None,
            bereft: BTreeSet::new(),
            open: BTreeMap::new(),
            failed: BTreeMap::new(),
            outdated: BTreeSet::new(),
            told,
            heard,
            wake: EventFd::new(EFD_NONBLOCK)?,
        })
    }

    /// What wakes the loop when there are notices.
    pub(super) fn wake(&self) -> &EventFd {
        &self.wake
    }

    pub(super) fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Opens the endpoint of a port and returns the features that it offers. When that fails it is tried again later.
    pub(super) fn open(&mut self, events: &mut Loop, opening: &Opening) -> Result<u64, OpenError> {
        let spec = FeatureSpec { queue_pairs: opening.spec.queue_pairs, offloads: true };
        let features = offered_features(&spec) | opening.offered;
        let was_left = self.left.as_ref().is_some_and(|left| left.contains_key(&opening.port));
        match self.try_open(opening, features) {
            Ok(endpoint) => {
                let endpoint = Rc::new(RefCell::new(endpoint));
                let id = events.add_subscriber(Subscriber::Endpoint(Rc::clone(&endpoint)));
                self.open.insert(opening.port.clone(), Open { id, endpoint });
                self.failed.remove(&opening.port);
                Ok(features)
            }
            Err(why) => {
                self.failed.insert(opening.port.clone(), Instant::now() + RETRY);
                self.bereft.extend(was_left.then(|| opening.port.clone()));
                Err(why)
            }
        }
    }

    /// Closes the endpoint of a port; its guest is detached when this returns.
    pub(super) fn close(&mut self, events: &mut Loop, port: &PortPath) {
        self.failed.remove(port);
        self.outdated.remove(port);
        if let Some(open) = self.open.remove(port) {
            // Fails only for an id that the loop does not know, and then there is nothing to close.
            drop(events.remove_subscriber(open.id));
        }
    }

    /// What is left to the endpoints of the weftd after this one. `lenient`: without sessions that cannot go on there just now.
    ///
    /// # Errors
    /// One of them cannot go on elsewhere just now: the text says which, and why.
    pub(super) fn legacies(&self, lenient: bool) -> Result<BTreeMap<PortPath, Legacy>, String> {
        let legacy = |(port, open): (&PortPath, &Open)| {
            let endpoint = open.endpoint.borrow();
            let legacy = endpoint.legacy(true).or_else(|why| match lenient {
                true => {
                    tracing::warn!(%port, %why, "the session ends here");
                    endpoint.legacy(false)
                }
                false => Err(why),
            });
            legacy.map(|legacy| (port.clone(), legacy)).map_err(|why| format!("port {port}: {why}"))
        };
        self.open.iter().map(legacy).collect()
    }

    /// Stops all rings of one side. Those from guests are to stop first, so that no frame is under way when those to guests do.
    pub(super) fn suspend(&self, side: Side) {
        self.open.values().for_each(|open| open.endpoint.borrow().suspend(side));
    }

    /// Has them run again. Those to guests are to run first, so that no frame finds its receiver stopped.
    pub(super) fn resume(&self, side: Side) {
        self.open.values().for_each(|open| open.endpoint.borrow().resume(side));
    }

    /// Endpoints that are opened from now on go on with what was left to them.
    pub(super) fn inherit(&mut self, left: BTreeMap<PortPath, Legacy>) {
        // What systemd has made stays for whoever is opened there later.
        let of_systemd = left.values().filter_map(|legacy| match &legacy.listener {
            Some((fd, false)) => Some((legacy.path.clone(), fd.try_clone().ok()?)),
            _ => None,
        });
        self.inherited.extend(of_systemd);
        self.left = Some(left);
    }

    /// A port that something was left to, and that is not here or cannot be opened.
    pub(super) fn unclaimed(&self) -> Option<&PortPath> {
        self.left.as_ref()?.keys().chain(&self.bereft).next()
    }

    /// Whether all endpoints have come so far with what was left to them. `lenient`: those that cannot go on give it up.
    ///
    /// # Errors
    /// One of them cannot go on with it: the text says which, and why.
    pub(super) fn have_adopted(&self, events: &mut Loop, wanted: &Adoption, lenient: bool) -> Result<bool, String> {
        let mut all = true;
        for (port, open) in &self.open {
            let Ok(mut ops) = events.event_ops(open.id) else { continue };
            let mut endpoint = open.endpoint.borrow_mut();
            match endpoint.adoption(&mut ops) {
                Adoption::Failed(_) if lenient => endpoint.abandon(&mut ops),
                Adoption::Failed(why) => return Err(format!("port {port}: {why}")),
                Adoption::Done => {}
                now => all &= now == *wanted,
            }
        }
        Ok(all)
    }

    /// The weftd before this one has stopped its rings: those to guests run here, and the next time those from guests.
    pub(super) fn proceed(&self, events: &mut Loop) {
        self.with_ops(events, Endpoint::proceed);
    }

    /// It will not go on any more.
    pub(super) fn take_over(&mut self, events: &mut Loop) {
        self.left = None;
        self.with_ops(events, Endpoint::take_over);
    }

    fn with_ops(&self, events: &mut Loop, act: impl Fn(&mut Endpoint, &mut EventOps<'_>)) {
        for open in self.open.values() {
            // Fails only for an id that the loop does not know.
            if let Ok(mut ops) = events.event_ops(open.id) {
                act(&mut open.endpoint.borrow_mut(), &mut ops);
            }
        }
    }

    /// Closes all endpoints, which removes their sockets.
    pub(super) fn close_all(&mut self, events: &mut Loop) {
        let ports: Vec<PortPath> = self.open.keys().cloned().collect();
        ports.iter().for_each(|port| self.close(events, port));
    }

    /// Ends the session of a port from our side.
    pub(super) fn end_session(&self, port: &PortPath, reason: &str) {
        if let Some(open) = self.open.get(port) {
            open.endpoint.borrow_mut().end_session(reason.to_owned());
        }
    }

    /// Notes that the endpoint of a port should be opened anew as soon as no guest is attached to it.
    pub(super) fn outdate(&mut self, port: PortPath) {
        self.outdated.insert(port);
    }

    /// Whether the endpoint should be opened anew; asked when its guest has left.
    pub(super) fn take_outdated(&mut self, port: &PortPath) -> bool {
        self.outdated.remove(port)
    }

    /// The ports for which another attempt is due.
    pub(super) fn due(&self, now: Instant) -> Vec<PortPath> {
        self.failed.iter().filter(|(_, at)| **at <= now).map(|(port, _)| port.clone()).collect()
    }

    /// Ports whose socket cannot be opened.
    pub(super) fn without_socket(&self) -> impl Iterator<Item = &PortPath> {
        self.failed.keys()
    }

    /// What the sessions have told since the last call, in order.
    pub(super) fn take_notices(&mut self) -> Vec<(PortPath, Notice)> {
        // An error only says that nothing was told.
        let _ = self.wake.read();
        let told = self.heard.try_iter();
        told.filter_map(|(port, told)| Some((port.parse().ok()?, told))).collect()
    }

    fn try_open(&mut self, opening: &Opening, features: u64) -> Result<Endpoint, OpenError> {
        let path = Path::new(&opening.vhost_user.path);
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        let config = EndpointConfig {
            port: opening.port.to_string(),
            place: Place::new(path, opening.spec.confined.clone()),
            mode: match opening.vhost_user.mode {
                Mode::Server => vhost_user::Mode::Server,
                Mode::Client => vhost_user::Mode::Client,
            },
            inherited: self.inherited.get(path).filter(|_| opening.spec.confined.is_none()),
            legacy: self.left.as_mut().map(|left| left.remove(&opening.port).unwrap_or_default()),
            queue_pairs: opening.spec.queue_pairs,
            mac: opening.spec.mac,
            mtu: opening.spec.mtu,
            features,
            seals: self.seals,
        };
        let host = self.workers.attachment(&opening.namespace, &opening.device);
        Endpoint::open(config, host, self.told.clone(), self.wake.try_clone().map_err(io)?)
    }
}
