// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The text sockets of namespaces, one server each. They follow what is wanted; one that cannot be opened is told as a
//! warning and tried again.

use super::daemon::Daemon;
use super::subscriber::{Loop, Subscriber};
use crate::ctl_server::access::{Gate, Policy, Tenant};
use crate::pvdd::{Desk, EVENTS_AT_ONCE, ListenError, Listener, News, Order, PAGE, TextServer, Told, attributes};
use crate::runtime::clock;
use event_manager::{SubscriberId, SubscriberOps};
use pvd::Cursor;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};
use switch::{Confined, Delegation, Desired, NamespacePath, PvdKey, Request, Statement, TextSocket, View, is_inside};

/// The text socket of one namespace, open.
struct Text {
    wanted: Wanted,
    server: Rc<RefCell<TextServer>>,
    id: SubscriberId,
}

/// What a server is made from; when this changes, it is made anew.
#[derive(Clone, PartialEq)]
struct Wanted {
    socket: TextSocket,
    /// Who has the namespace in his hands, and who has what it lies in.
    delegations: Vec<(NamespacePath, Delegation)>,
}

/// Those of all namespaces.
#[derive(Default)]
pub(super) struct Texts {
    open: BTreeMap<NamespacePath, Text>,
    /// Why others are not open.
    shut: BTreeMap<NamespacePath, String>,
}

impl Texts {
    /// Closes what is not wanted any more, then opens what is wanted and not open.
    pub(super) fn follow(&mut self, events: &mut Loop, desired: &Desired, policy: &Policy) {
        let all = desired.text_sockets();
        let wanted: BTreeMap<NamespacePath, Wanted> =
            all.map(|(path, socket)| (path.clone(), Wanted::new(desired, path, socket))).collect();
        let doomed = self.open.iter().filter(|(path, text)| wanted.get(*path) != Some(&text.wanted));
        let doomed: Vec<NamespacePath> = doomed.map(|(path, _)| path.clone()).collect();
        doomed.iter().for_each(|path| self.close(events, path));
        self.shut.clear();
        for (path, wanted) in wanted {
            if self.open.contains_key(&path) {
                continue;
            }
            match Text::open(events, wanted, policy) {
                Ok(text) => drop(self.open.insert(path, text)),
                Err(why) => drop(self.shut.insert(path, why.to_string())),
            }
        }
    }

    /// All that are open, by namespace.
    fn all(&self) -> Vec<(NamespacePath, Rc<RefCell<TextServer>>, SubscriberId)> {
        self.open.iter().map(|(path, text)| (path.clone(), Rc::clone(&text.server), text.id)).collect()
    }

    /// What is due by time, about once a second.
    pub(super) fn tick(&self, events: &mut Loop, now: Instant) {
        for text in self.open.values() {
            if let Ok(mut ops) = events.event_ops(text.id) {
                text.server.borrow_mut().tick(now, &mut ops);
            }
        }
    }

    /// True: one should be open and is not.
    pub(super) fn lacks_any(&self) -> bool {
        !self.shut.is_empty()
    }

    /// What ought to be known of those below `base`.
    pub(super) fn warnings(&self, base: &NamespacePath) -> impl Iterator<Item = String> {
        let seen = self.shut.iter().filter_map(|(path, why)| Some((path.seen_from(base)?, why)));
        seen.map(|(path, why)| format!("the text socket (pvdd) of namespace {path} is not open: {why}"))
    }

    /// Closes all, which removes their sockets.
    pub(super) fn close_all(&mut self, events: &mut Loop) {
        let all: Vec<NamespacePath> = self.open.keys().cloned().collect();
        all.iter().for_each(|path| self.close(events, path));
    }

    fn close(&mut self, events: &mut Loop, path: &NamespacePath) {
        if let Some(text) = self.open.remove(path) {
            // Fails only for an id that the loop does not know, and then there is nothing to close.
            drop(events.remove_subscriber(text.id));
        }
    }
}

impl Wanted {
    fn new(desired: &Desired, path: &NamespacePath, socket: &TextSocket) -> Wanted {
        let up = std::iter::successors(Some(path.clone()), NamespacePath::parent);
        let held = |path: NamespacePath| desired.namespaces().get(&path)?.delegation.clone().map(|held| (path, held));
        Wanted { socket: socket.clone(), delegations: up.filter_map(held).collect() }
    }

    /// In the directory of a delegate, who may change it at any time, the socket is made as his own are.
    fn confined(&self) -> Option<Confined> {
        let TextSocket::Unix(file) = &self.socket else { return None };
        let mut around = self.delegations.iter().filter(|(_, delegation)| is_inside(file, &delegation.directory));
        around.next().map(|(_, delegation)| delegation.confines())
    }
}

impl Text {
    fn open(events: &mut Loop, wanted: Wanted, policy: &Policy) -> Result<Text, ListenError> {
        let operator = Gate::Operator(policy.clone());
        let tenant = |(namespace, delegation): &(NamespacePath, Delegation)| {
            Gate::Tenant(Box::new(Tenant { namespace: namespace.clone(), delegation: delegation.clone() }))
        };
        let tenants = wanted.delegations.iter().map(tenant);
        let gates: Vec<Gate> = tenants.chain([operator]).collect();
        // A delegate must be able to connect: the first gate says who may open the file.
        let listener = Listener::open(&wanted.socket, wanted.confined(), &gates[0])?;
        let server = Rc::new(RefCell::new(TextServer::new(listener, gates)));
        let id = events.add_subscriber(Subscriber::Text(Rc::clone(&server)));
        Ok(Text { wanted, server, id })
    }
}

impl Daemon {
    /// Gives the clients of text sockets their turn. True: there is more to be done for one.
    pub(super) fn turn_texts(&mut self, events: &mut Loop) -> bool {
        let (mut more, now) = (false, clock().since_origin());
        for (path, server, id) in self.texts.all() {
            let mut server = server.borrow_mut();
            let mut desk = NamespaceDesk { daemon: self, events, path, now };
            if !server.is_due(desk.last_event()) {
                continue;
            }
            more |= server.turn(&mut desk);
            if let Ok(mut ops) = events.event_ops(id) {
                server.settle(&mut ops);
            }
        }
        more
    }
}

/// What a namespace sees of itself, and may change.
struct NamespaceDesk<'a> {
    daemon: &'a mut Daemon,
    events: &'a mut Loop,
    path: NamespacePath,
    now: Duration,
}

/// The namespace itself, as it sees itself.
const HERE: fn() -> NamespacePath = NamespacePath::root;

impl NamespaceDesk<'_> {
    /// `None`: it is about to be closed.
    fn view(&self) -> Option<View<'_>> {
        let control = &self.daemon.control;
        control.view(control.operator().observer(&self.path).ok()?).ok()
    }

    fn key(&self, name: &str) -> Result<PvdKey, String> {
        let name = PvdKey::parse_name(name).map_err(|why| why.to_string())?;
        Ok(PvdKey { namespace: self.path.clone(), name })
    }
}

impl Desk for NamespaceDesk<'_> {
    fn names(&self) -> Vec<String> {
        self.view().and_then(|view| view.pvd_names(&HERE()).ok()).unwrap_or_default()
    }

    fn find(&self, name: &str) -> Option<Told> {
        let pvd = self.view()?.pvd(&HERE(), name, self.now).ok()?;
        Some(Told { attributes: attributes(&pvd, self.now), name: pvd.name })
    }

    fn page(&self, from: Option<Cursor>) -> (Vec<Told>, Option<Cursor>) {
        let page = self.view().and_then(|view| view.pvds(&HERE(), from, PAGE, self.now).ok());
        let Some(page) = page else { return (Vec::new(), None) };
        let told = |pvd: switch::PvdView| Told { attributes: attributes(&pvd, self.now), name: pvd.name };
        (page.pvds.into_iter().map(told).collect(), page.next)
    }

    fn last_event(&self) -> u64 {
        self.view().and_then(|view| view.pvd_news(&HERE(), None, 0).ok()).map_or(0, |news| news.seq)
    }

    fn news(&self, since: u64) -> Option<Vec<News>> {
        let news = self.view()?.pvd_news(&HERE(), Some(since), EVENTS_AT_ONCE).ok().filter(|news| !news.missed)?;
        Some(news.events.into_iter().map(|event| News { seq: event.seq, name: event.name, kind: event.kind }).collect())
    }

    fn statement(&self, name: &str) -> Option<Statement> {
        self.daemon.control.desired().pvd(&self.key(name).ok()?).ok().cloned()
    }

    fn carry_out(&mut self, order: Order) -> Result<(), String> {
        let request = match order {
            Order::Create(name) => Request::PvdAdd(self.key(&name)?, Statement::default()),
            Order::Remove(name) => Request::PvdDel(self.key(&name)?),
            Order::Say(name, statement) => Request::PvdSet(self.key(&name)?, *statement),
        };
        if let Err(why) = self.daemon.request(self.events, request) {
            let usage = self.daemon.control.desired().usage(&self.path);
            return Err(why.seen_from(&self.path, &usage).to_string());
        }
        self.daemon.settle();
        let unsaved = self.daemon.unsaved().map(|why| format!("it is done and would not survive a restart: {why}"));
        unsaved.map_or(Ok(()), Err)
    }
}
