// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The control socket: varlink on a Unix socket, served by the control loop.
//!
//! # Theory of operation
//!
//! [`Server`] is a subscriber of the control loop. It accepts clients, cuts what they send into calls, and queues the
//! calls; the loop takes one with [`Server::next_call`], does what it asks for, and hands the replies to
//! [`Server::answer`]. A client has one call outstanding: the next is not read before the replies of the last are
//! written. A long answer is asked for part by part: the next is made when the client has read the one before. An answer
//! that goes on when something happens ([`Answer::Later`]) is a place to go on from, and nothing is made for it until the
//! loop says that something has ([`Server::wake_waiting`]). So what a client can make the daemon hold is bounded by one
//! message in, one reply out and 32 clients, and a client that does not read a reply within [`STALL_MAX`] is dropped.
//!
//! Who a client is, is asked of the kernel once, when it connects ([`access`]); what it may do is decided for each call
//! ([`permit`]). Those who may only read cannot be in the way of those who administer: the calls of
//! administrators come first, and their connections take the places of others when there is no room. Names on the wire
//! are turned into types and back in [`convert`] and nowhere else.

pub mod access;
mod client;
pub mod convert;
pub mod permit;
pub mod socket;

use crate::place::Place;
use access::{Access, Gate, Tenant};
use client::{Asked, Client};
use ctl::codec::{Call, Reply};
use event_manager::{EventOps, Events, MutEventSubscriber};
use socket::Socket;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};
use switch::{Departure, FdbKey, NamespacePath};
use vmm_sys_util::epoll::EventSet;

/// Clients at a time; one more takes the place of an idle one, or is turned away.
pub const CLIENTS_MAX: usize = 32;

/// Clients at a time of a socket that is bound to a namespace.
pub const TENANT_CLIENTS_MAX: usize = 4;

/// A client that has not read a reply to its end after so long is dropped.
pub const STALL_MAX: Duration = Duration::from_secs(10);

/// Where a long list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Behind this MAC table entry.
    Fdb(FdbKey),
    /// In this namespace, at this PvD; at its first one if `None`.
    Pvds(NamespacePath, Option<pvd::Cursor>),
    /// In this namespace, behind the Router Advertisement of this number.
    Ras(NamespacePath, u64),
    /// Behind the event of this number.
    Events(u64),
    /// Behind the events of these numbers, each of one namespace; of others behind none. The turn is that of the one after this.
    EventsBelow(BTreeMap<NamespacePath, u64>, NamespacePath),
    /// At the end of the upgrade that is under way.
    Upgrade,
    /// When the guest of a port that leaves is elsewhere than there.
    Departure(Departure),
}

/// The answer to a call, or a part of it.
pub enum Answer {
    /// All of it, or the end of it.
    Whole(Reply),
    /// What goes out now, and from where on the call is to be answered again when that is read.
    Part(Reply, Mark),
    /// Nothing for now: the call is to be answered again, from there on, when something has happened.
    Later(Mark),
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        Answer::Whole(reply)
    }
}

/// A call that waits to be answered.
pub struct Pending {
    /// Who asks; to be given back to [`Server::answer`].
    client: RawFd,
    /// What the client may do.
    pub access: Access,
    /// What it asks for.
    pub call: Call,
    /// What was last told, when this is not the first part of the answer.
    pub from: Option<Mark>,
}

/// The server's side of the control socket.
pub struct Server {
    socket: Socket,
    gate: Gate,
    clients: BTreeMap<RawFd, Client>,
    calls: VecDeque<Pending>,
    /// No clients are accepted until the next tick.
    paused: bool,
}

impl Server {
    /// Serves a socket that is open already.
    pub fn new(socket: Socket, gate: Gate) -> Server {
        let (clients, calls) = (BTreeMap::new(), VecDeque::new());
        Server { socket, gate, clients, calls, paused: false }
    }

    /// Serves a socket that another process serves still, from the first tick on.
    pub(crate) fn asleep(socket: Socket, gate: Gate) -> Server {
        Server { paused: true, ..Server::new(socket, gate) }
    }

    /// The socket for a weftd after this one.
    ///
    /// # Errors
    /// As [`Socket::share`].
    pub(crate) fn share(&self) -> io::Result<(OwnedFd, bool)> {
        self.socket.share()
    }

    /// The socket is nobody else's, and its file at `place` is ours.
    pub(crate) fn take_over(&mut self, place: &Place) {
        self.socket.take_over(place);
    }

    /// The next call that waits to be answered; those of administrators first.
    pub fn next_call(&mut self) -> Option<Pending> {
        let urgent = self.calls.iter().position(|pending| pending.access == Access::Administer);
        self.calls.remove(urgent.unwrap_or(0))
    }

    /// Answers a call. A client that is gone by now has no use for it.
    pub fn answer(&mut self, pending: &Pending, answer: Answer, ops: &mut EventOps) {
        let Some(client) = self.clients.get_mut(&pending.client) else { return };
        match client.answer(answer, &pending.call) {
            Ok(()) => self.advance(pending.client, ops),
            Err(why) => self.give_up(pending.client, &why, ops),
        }
    }

    /// Something has happened: calls that were answered with [`Answer::Later`] are to be answered again.
    pub fn wake_waiting(&mut self) {
        for (fd, client) in &mut self.clients {
            let access = client.access();
            let asked = client.wake();
            self.calls.extend(asked.map(|(call, from): Asked| Pending { client: *fd, access, call, from }));
        }
    }

    /// What is due by time: drops clients that do not read their replies, and accepts again after there was a shortage.
    /// To be called about once a second.
    pub fn tick(&mut self, now: Instant, ops: &mut EventOps) {
        self.drop_stalled(now, ops);
        if std::mem::take(&mut self.paused) {
            self.watch(EventSet::IN, ops);
        }
    }

    fn drop_stalled(&mut self, now: Instant, ops: &mut EventOps) {
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

    /// What the calls that come here are bound to; `None`: to nothing.
    pub fn tenant(&self) -> Option<&Tenant> {
        self.gate.tenant()
    }

    fn places(&self) -> usize {
        if self.tenant().is_some() { TENANT_CLIENTS_MAX } else { CLIENTS_MAX }
    }

    fn accept_all(&mut self, ops: &mut EventOps) {
        loop {
            let stream = match self.socket.accept() {
                Ok(Some(stream)) => stream,
                Ok(None) => return,
                Err(why) => return self.pause(&why, ops),
            };
            let access = self.gate.access_of(stream.as_fd());
            if self.clients.len() >= self.places() && !self.make_room(access, ops) {
                tracing::warn!("a control socket has {} clients already: one more was turned away", self.places());
                continue;
            }
            let fd = stream.as_raw_fd();
            if ops.add(Events::new_raw(fd, EventSet::IN)).is_ok() {
                self.clients.insert(fd, Client::new(stream, access));
            }
        }
    }

    /// Leaves those who wait to be accepted alone until the next tick: while descriptors or memory are short the socket
    /// would be reported ready again and again.
    fn pause(&mut self, why: &io::Error, ops: &mut EventOps) {
        tracing::warn!(%why, "the control socket cannot accept a client now");
        self.paused = true;
        self.watch(EventSet::empty(), ops);
    }

    fn watch(&self, events: EventSet, ops: &mut EventOps) {
        // Fails only when the socket is not registered, and it is.
        let _ = ops.modify(Events::new(&self.socket, events));
    }

    /// Drops a client for one that may do `access`: one that may do less, or one that does nothing, or only waits for
    /// something to happen, and may do no more. So nobody is kept out by connections that are merely held, and no
    /// administrator by others at all. False: there is none.
    fn make_room(&mut self, access: Access, ops: &mut EventOps) -> bool {
        let held = |client: &Client| client.is_idle() || client.is_waiting();
        let lesser = |client: &Client| client.access() < access || client.access() == access && held(client);
        let rank = |client: &Client| (client.access(), !held(client), client.is_waiting(), client.heard());
        let found = self.clients.iter().filter(|(_, client)| lesser(client)).min_by_key(|(_, client)| rank(client));
        let Some(fd) = found.map(|(fd, _)| *fd) else { return false };
        tracing::debug!("the control socket is full: the client that was silent for longest is dropped");
        self.drop_client(fd, ops);
        true
    }

    /// Moves a client on as far as it goes without waiting, and asks to be told when it can go on.
    fn advance(&mut self, fd: RawFd, ops: &mut EventOps) {
        let Some(client) = self.clients.get_mut(&fd) else { return };
        match client.advance() {
            Ok(asked) => {
                let access = client.access();
                self.calls.extend(asked.map(|(call, from): Asked| Pending { client: fd, access, call, from }));
                // Fails only when the descriptor is not registered, and it is.
                let _ = ops.modify(Events::new_raw(fd, client.interest()));
            }
            Err(client::Gone::Closed) => self.drop_client(fd, ops),
            Err(why) => self.give_up(fd, &why, ops),
        }
    }

    fn give_up(&mut self, fd: RawFd, why: &client::Gone, ops: &mut EventOps) {
        tracing::info!(%why, "a client of the control socket is dropped");
        self.drop_client(fd, ops);
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
        let events = if self.paused { EventSet::empty() } else { EventSet::IN };
        ops.add(Events::new(&self.socket, events)).expect("a new socket is in no epoll set yet");
    }
}

#[cfg(test)]
mod tests;
