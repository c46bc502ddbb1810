// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The text socket of one namespace with its clients, as the control loop drives it.

use super::CLIENTS_MAX;
use super::client::{Client, Gone};
use super::desk::Desk;
use super::dialogue::Dialogue;
use super::listen::Listener;
use crate::ctl_server::access::{Access, Gate};
use event_manager::{EventOps, Events, MutEventSubscriber};
use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Instant;
use vmm_sys_util::epoll::EventSet;

/// Clients that are accepted or turned away before others have their turn again.
const ACCEPTED_AT_ONCE: usize = 64;
/// What those are told who may not even look.
const REFUSED: &[u8] = b"PVD_ERROR refused connection: this user may not look here\n";
/// What those are told who come when there is no place.
const FULL: &[u8] = b"PVD_ERROR limit connection: there are as many clients as this socket may have\n";

/// A text socket and its clients.
pub struct TextServer {
    listener: Listener,
    gates: Vec<Gate>,
    clients: BTreeMap<RawFd, Client>,
    /// Nobody is accepted until the next tick.
    paused: bool,
    /// A client has something to be done for that has not had its turn.
    busy: bool,
    /// The last event that all clients were offered.
    seen: u64,
    /// Clients that the loop still knows.
    gone: Vec<(RawFd, Gone)>,
}

impl TextServer {
    /// Serves an open socket. Whoever may do something by one of `gates` may do it here.
    pub fn new(listener: Listener, gates: Vec<Gate>) -> TextServer {
        TextServer { listener, gates, clients: BTreeMap::new(), paused: false, busy: false, seen: 0, gone: Vec::new() }
    }

    /// Whether [`TextServer::turn`] has something to do when this was the last event.
    pub fn is_due(&self, last_event: u64) -> bool {
        self.busy || self.seen != last_event
    }

    /// Gives every client its turn; [`TextServer::settle`] has to follow. True: one of them has more to be done for.
    pub fn turn(&mut self, desk: &mut dyn Desk) -> bool {
        (self.busy, self.seen) = (false, desk.last_event());
        for (fd, client) in &mut self.clients {
            match client.turn(desk) {
                Ok(more) => self.busy |= more,
                Err(why) => self.gone.push((*fd, why)),
            }
        }
        self.busy
    }

    /// Tells the loop what to wait for after a turn.
    pub fn settle(&mut self, ops: &mut EventOps) {
        for (fd, client) in &self.clients {
            // Fails only when the descriptor is not registered, and it is.
            let _ = ops.modify(Events::new_raw(*fd, client.interest()));
        }
        for (fd, why) in std::mem::take(&mut self.gone) {
            if let Gone::Io(why) = why {
                tracing::info!(%why, "a client of a text socket is dropped");
            }
            self.drop_client(fd, ops);
        }
    }

    /// What is due by time: drops clients that do not read, and accepts again after there was a shortage. To be called about
    /// once a second.
    pub fn tick(&mut self, now: Instant, ops: &mut EventOps) {
        let stalled: Vec<RawFd> =
            self.clients.iter().filter(|(_, client)| client.is_stalled(now)).map(|(fd, _)| *fd).collect();
        for fd in stalled {
            tracing::info!("a client of a text socket does not read its answers: dropped");
            self.drop_client(fd, ops);
        }
        if std::mem::take(&mut self.paused) {
            let _ = ops.modify(Events::new(&self.listener, EventSet::IN));
        }
    }

    fn accept_all(&mut self, ops: &mut EventOps) {
        for _ in 0..ACCEPTED_AT_ONCE {
            let (stream, access) = match self.listener.accept(&self.gates) {
                Ok(Some(accepted)) => accepted,
                Ok(None) => return,
                Err(why) => {
                    // While descriptors or memory are short the socket would be reported ready again and again.
                    tracing::warn!(%why, "a text socket cannot accept a client now");
                    self.paused = true;
                    let _ = ops.modify(Events::new(&self.listener, EventSet::empty()));
                    return;
                }
            };
            let room = self.clients.len() < CLIENTS_MAX || self.make_room(access.unwrap_or(Access::Read), ops);
            let refusal = match access {
                Some(Access::None) => Some(REFUSED),
                _ => (!room).then_some(FULL),
            };
            if let Some(refusal) = refusal {
                // Whether it hears that is its own business.
                let _ = stream.write(refusal);
                continue;
            }
            let fd = stream.as_raw_fd();
            if ops.add(Events::new_raw(fd, EventSet::IN)).is_ok() {
                self.clients.insert(fd, Client::new(stream, Dialogue::new(access)));
            }
        }
    }

    /// Drops a client for one that may do `access`, so that connections that are merely held keep nobody out. False: there
    /// is none.
    fn make_room(&mut self, access: Access, ops: &mut EventOps) -> bool {
        let yielding = self.clients.iter().filter_map(|(fd, client)| Some((client.yields_to(access)?, *fd)));
        let Some((_, fd)) = yielding.min() else { return false };
        tracing::debug!("a text socket is full: the client that was silent for longest is dropped");
        self.drop_client(fd, ops);
        true
    }

    fn drop_client(&mut self, fd: RawFd, ops: &mut EventOps) {
        // Before the descriptor is closed: the loop does not expect events of one that it does not know.
        let _ = ops.remove(Events::empty_raw(fd));
        self.clients.remove(&fd);
    }
}

impl MutEventSubscriber for TextServer {
    fn process(&mut self, events: Events, ops: &mut EventOps) {
        if events.fd() == self.listener.as_raw_fd() {
            return self.accept_all(ops);
        }
        let Some(client) = self.clients.get_mut(&events.fd()) else { return };
        // Who hangs up while an answer waits will not read it.
        if events.event_set().intersects(EventSet::HANG_UP | EventSet::ERROR) {
            return self.drop_client(events.fd(), ops);
        }
        client.has_sent();
        self.busy = true;
    }

    fn init(&mut self, ops: &mut EventOps) {
        ops.add(Events::new(&self.listener, EventSet::IN)).expect("a new socket is in no epoll set yet");
    }
}
