// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The vhost-user endpoints of all ports: opened, closed, and opened again when that failed.

use super::inherited::Inherited;
use super::subscriber::{Loop, Subscriber};
use crate::place::Place;
use crate::runtime::Workers;
use crate::vhost_user::{self, Endpoint, EndpointConfig, FeatureSpec, OpenError, SealPolicy, offered_features};
use event_manager::{SubscriberId, SubscriberOps};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use switch::{Mode, Notice, Opening, PortPath};
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};

/// After this long an endpoint that could not be opened is tried again: its directory may have appeared.
const RETRY: Duration = Duration::from_secs(5);

/// What a session tells, and of which port.
type Told = (String, Notice);

/// The endpoints of all ports.
pub(super) struct Endpoints {
    workers: Workers,
    seals: SealPolicy,
    inherited: Inherited,
    open: BTreeMap<PortPath, SubscriberId>,
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
        match self.try_open(opening, features) {
            Ok(endpoint) => {
                let id = events.add_subscriber(Subscriber::Endpoint(Box::new(endpoint)));
                self.open.insert(opening.port.clone(), id);
                self.failed.remove(&opening.port);
                Ok(features)
            }
            Err(why) => {
                self.failed.insert(opening.port.clone(), Instant::now() + RETRY);
                Err(why)
            }
        }
    }

    /// Closes the endpoint of a port; its guest is detached when this returns.
    pub(super) fn close(&mut self, events: &mut Loop, port: &PortPath) {
        self.failed.remove(port);
        self.outdated.remove(port);
        if let Some(id) = self.open.remove(port) {
            // Fails only for an id that the loop does not know, and then there is nothing to close.
            drop(events.remove_subscriber(id));
        }
    }

    /// Closes all endpoints, which removes their sockets.
    pub(super) fn close_all(&mut self, events: &mut Loop) {
        let ports: Vec<PortPath> = self.open.keys().cloned().collect();
        ports.iter().for_each(|port| self.close(events, port));
    }

    /// Ends the session of a port from our side.
    pub(super) fn end_session(&mut self, events: &mut Loop, port: &PortPath, reason: &str) {
        let Some(id) = self.open.get(port) else { return };
        if let Ok(Subscriber::Endpoint(endpoint)) = events.subscriber_mut(*id) {
            endpoint.end_session(reason.to_owned());
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

    fn try_open(&self, opening: &Opening, features: u64) -> Result<Endpoint, OpenError> {
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
