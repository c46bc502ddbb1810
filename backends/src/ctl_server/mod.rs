// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The control socket: varlink on a Unix socket, served by the control loop.
//!
//! # Theory of operation
//!
//! [`Server`] is a subscriber of the control loop. It accepts clients, cuts what they send into calls, and queues the
//! calls; the loop takes one with [`Server::next_call`], does what it asks for, and hands the replies to
//! [`Server::answer`]. A client has one call outstanding: the next is not read before the replies of the last are
//! written. So what a client can make the daemon hold is bounded by one message in, one reply out and 32 clients, and
//! a client that does not read its replies for [`STALL_MAX`] is dropped.
//!
//! Who a client is, is asked of the kernel once, when it connects ([`access`]); what it may do is decided in the same
//! file, for each call. Names on the wire are turned into types and back in [`convert`] and nowhere else.

pub mod access;
mod client;
pub mod convert;
pub mod socket;

use access::{Access, Policy};
use client::Client;
use ctl::codec::{Call, Reply};
use event_manager::{EventOps, Events, MutEventSubscriber};
use socket::Socket;
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, Instant};
use vmm_sys_util::epoll::EventSet;

/// Clients at a time; one more is turned away.
pub const CLIENTS_MAX: usize = 32;

/// A client that reads nothing for so long, while a reply waits for it, is dropped.
pub const STALL_MAX: Duration = Duration::from_secs(10);

/// The replies to one call, made as the client reads them.
pub type Replies = Box<dyn Iterator<Item = Reply>>;

/// A call that waits to be answered.
pub struct Pending {
    /// Who asks; to be given back to [`Server::answer`].
    client: RawFd,
    /// What the client may do.
    pub access: Access,
    /// What it asks for.
    pub call: Call,
}

/// The server's side of the control socket.
pub struct Server {
    socket: Socket,
    policy: Policy,
    clients: BTreeMap<RawFd, Client>,
    calls: VecDeque<Pending>,
}

impl Server {
    /// Serves a socket that is open already.
    pub fn new(socket: Socket, policy: Policy) -> Server {
        Server { socket, policy, clients: BTreeMap::new(), calls: VecDeque::new() }
    }

    /// The next call that waits to be answered.
    pub fn next_call(&mut self) -> Option<Pending> {
        self.calls.pop_front()
    }

    /// Answers a call. A client that is gone by now has no use for it.
    pub fn answer(&mut self, pending: &Pending, replies: Replies, ops: &mut EventOps) {
        if let Some(client) = self.clients.get_mut(&pending.client) {
            client.answer(replies, pending.call.oneway);
            self.advance(pending.client, ops);
        }
    }

    /// Drops clients that do not read their replies. To be called about once a second.
    pub fn drop_stalled(&mut self, now: Instant, ops: &mut EventOps) {
        let stalled = |client: &Client| client.stalled_for(now) > STALL_MAX;
        let doomed: Vec<RawFd> = self.clients.iter().filter(|(_, c)| stalled(c)).map(|(fd, _)| *fd).collect();
        for fd in doomed {
            tracing::info!("a client of the control socket does not read its replies: dropped");
            self.drop_client(fd, ops);
        }
    }

    /// Clients that are connected.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    fn accept_all(&mut self, ops: &mut EventOps) {
        while let Some(stream) = self.socket.accept() {
            if self.clients.len() >= CLIENTS_MAX {
                tracing::warn!("the control socket has {CLIENTS_MAX} clients already: one more was turned away");
                continue;
            }
            let access = match sys::fd::peer_credentials(stream.as_fd()) {
                Ok(peer) => self.policy.access_of(peer.uid, peer.gid),
                Err(_) => Access::None,
            };
            let fd = stream.as_raw_fd();
            if ops.add(Events::new_raw(fd, EventSet::IN)).is_ok() {
                self.clients.insert(fd, Client::new(stream, access));
            }
        }
    }

    /// Moves a client on as far as it goes without waiting, and asks to be told when it can go on.
    fn advance(&mut self, fd: RawFd, ops: &mut EventOps) {
        let Some(client) = self.clients.get_mut(&fd) else { return };
        match client.advance() {
            Ok(call) => {
                let access = client.access();
                self.calls.extend(call.map(|call| Pending { client: fd, access, call }));
                // Fails only when the descriptor is not registered, and it is.
                let _ = ops.modify(Events::new_raw(fd, client.interest()));
            }
            Err(client::Gone::Closed) => self.drop_client(fd, ops),
            Err(why) => {
                tracing::info!(%why, "a client of the control socket is dropped");
                self.drop_client(fd, ops);
            }
        }
    }

    fn drop_client(&mut self, fd: RawFd, ops: &mut EventOps) {
        // Before the descriptor is closed: the loop does not expect events of one that it does not know.
        let _ = ops.remove(Events::empty_raw(fd));
        self.clients.remove(&fd);
        self.calls.retain(|pending| pending.client != fd);
    }
}

impl MutEventSubscriber for Server {
    fn process(&mut self, events: Events, ops: &mut EventOps) {
        if events.fd() == self.socket.as_raw_fd() {
            return self.accept_all(ops);
        }
        if let Some(client) = self.clients.get_mut(&events.fd()) {
            client.note_hangup(events.event_set());
        }
        self.advance(events.fd(), ops);
    }

    fn init(&mut self, ops: &mut EventOps) {
        ops.add(Events::new(&self.socket, EventSet::IN)).expect("a new socket is in no epoll set yet");
    }
}

#[cfg(test)]
mod tests;
