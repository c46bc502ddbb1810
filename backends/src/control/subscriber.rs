// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the control loop watches.

use crate::ctl_server::Server;
use crate::pvdd::TextServer;
use crate::vhost_user::Endpoint;
use event_manager::{EventManager, EventOps, Events, MutEventSubscriber};
use std::cell::RefCell;
use std::os::fd::RawFd;
use std::rc::Rc;
use vmm_sys_util::epoll::EventSet;

/// The control loop.
pub(super) type Loop = EventManager<Subscriber>;

/// One thing that the control loop watches.
pub(super) enum Subscriber {
    /// The control socket and its clients; shared, for the loop answers their calls after the events are dispatched.
    Ctl(Rc<RefCell<Server>>),
    /// The text socket of a namespace and its clients; shared for the same reason.
    Text(Rc<RefCell<TextServer>>),
    /// The socket and session of a port; shared with those who look after it.
    Endpoint(Rc<RefCell<Endpoint>>),
    /// A descriptor that only has to wake the loop, which reads it itself.
    Wake(RawFd),
}

impl MutEventSubscriber for Subscriber {
    fn process(&mut self, events: Events, ops: &mut EventOps<'_>) {
        match self {
            Subscriber::Ctl(server) => server.borrow_mut().process(events, ops),
            Subscriber::Text(server) => server.borrow_mut().process(events, ops),
            Subscriber::Endpoint(endpoint) => endpoint.borrow_mut().process(events, ops),
            Subscriber::Wake(_) => {}
        }
    }

    fn init(&mut self, ops: &mut EventOps<'_>) {
        match self {
            Subscriber::Ctl(server) => server.borrow_mut().init(ops),
            Subscriber::Text(server) => server.borrow_mut().init(ops),
            Subscriber::Endpoint(endpoint) => endpoint.borrow_mut().init(ops),
            Subscriber::Wake(fd) => {
                ops.add(Events::new_raw(*fd, EventSet::IN)).expect("a new descriptor is in no epoll set yet");
            }
        }
    }
}
