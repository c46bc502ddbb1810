// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The control sockets of delegations, one server each. They follow what is wanted; one that cannot be opened is told as
//! a warning and tried again.

use super::subscriber::{Loop, Subscriber};
use crate::ctl_server::Server;
use crate::ctl_server::access::{Gate, Tenant};
use crate::ctl_server::socket::{Socket, SocketError};
use crate::place::Place;
use event_manager::{SubscriberId, SubscriberOps};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use switch::{Delegation, Desired, NamespacePath};

/// The control socket of one delegation, open.
#[derive(Clone)]
pub(super) struct Door {
    delegation: Delegation,
    pub(super) server: Rc<RefCell<Server>>,
    pub(super) id: SubscriberId,
}

/// Those of all delegations.
#[derive(Default)]
pub(super) struct Doors {
    open: BTreeMap<NamespacePath, Door>,
    /// Why others are not open.
    shut: BTreeMap<NamespacePath, String>,
}

impl Doors {
    /// Closes what is not wanted any more, then opens what is wanted and not open.
    pub(super) fn follow(&mut self, events: &mut Loop, desired: &Desired) {
        let wanted: BTreeMap<&NamespacePath, &Delegation> = desired.delegations().collect();
        let stays = |path: &NamespacePath, door: &Door| wanted.get(path) == Some(&&door.delegation);
        let doomed: Vec<NamespacePath> =
            self.open.iter().filter(|(path, door)| !stays(path, door)).map(|(path, _)| path.clone()).collect();
        doomed.iter().for_each(|path| self.close(events, path));
        self.shut.clear();
        for (path, delegation) in wanted {
            if self.open.contains_key(path) {
                continue;
            }
            match Door::open(events, path, delegation) {
                Ok(door) => drop(self.open.insert(path.clone(), door)),
                Err(why) => drop(self.shut.insert(path.clone(), why.to_string())),
            }
        }
    }

    /// All that are open, by namespace.
    pub(super) fn all(&self) -> Vec<Door> {
        self.open.values().cloned().collect()
    }

    /// Why that of a namespace is not open, if it should be.
    pub(super) fn failure(&self, path: &NamespacePath) -> Option<&str> {
        self.shut.get(path).map(String::as_str)
    }

    /// True: one should be open and is not.
    pub(super) fn lacks_any(&self) -> bool {
        !self.shut.is_empty()
    }

    /// What ought to be known of those below `base`.
    pub(super) fn warnings(&self, base: &NamespacePath) -> impl Iterator<Item = String> {
        let seen = self.shut.iter().filter_map(|(path, why)| Some((path.seen_from(base)?, why)));
        seen.map(|(path, why)| format!("the control socket of namespace {path} is not open: {why}"))
    }

    /// Closes all, which removes their sockets.
    pub(super) fn close_all(&mut self, events: &mut Loop) {
        let all: Vec<NamespacePath> = self.open.keys().cloned().collect();
        all.iter().for_each(|path| self.close(events, path));
    }

    fn close(&mut self, events: &mut Loop, path: &NamespacePath) {
        if let Some(door) = self.open.remove(path) {
            // Fails only for an id that the loop does not know, and then there is nothing to close.
            drop(events.remove_subscriber(door.id));
        }
    }
}

impl Door {
    fn open(events: &mut Loop, path: &NamespacePath, delegation: &Delegation) -> Result<Door, SocketError> {
        let delegation = delegation.clone();
        let gate = Gate::Tenant(Box::new(Tenant { namespace: path.clone(), delegation: delegation.clone() }));
        let place = |path: &str| Place::new(path, delegation.confined.clone());
        let socket = Socket::bind(&place(&delegation.socket), &gate)?;
        place(&delegation.directory).make_directory(delegation.to).map_err(|why| SocketError::Io {
            path: (&delegation.directory).into(),
            what: "make it",
            why,
        })?;
        let server = Rc::new(RefCell::new(Server::new(socket, gate)));
        let id = events.add_subscriber(Subscriber::Ctl(Rc::clone(&server)));
        Ok(Door { delegation, server, id })
    }
}
