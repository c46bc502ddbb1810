// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The calls of the control socket, each from parameters to reply.

use super::daemon::Daemon;
use super::options::differing;
use super::subscriber::Loop;
use crate::config::{Config, Settings};
use crate::ctl_server::access;
use crate::ctl_server::convert;
use crate::ctl_server::{Answer, Pending};
use crate::runtime::clock;
use ctl::codec::Reply;
use ctl::proto::service;
use ctl::proto::v1::{self, Empty, Error, FDB_PAGE, Request, ServiceError};
use serde::Serialize;
use std::ops::Bound;
use std::time::{Duration, Instant};
use switch::{FdbKey, NamespacePath, PortPath, PortView, State};

mod links;
mod namespaces;

/// The answer to a call, which may not go out before what it changed is saved.
pub(super) struct Answered {
    answer: Answer,
    /// Something that must survive a restart is different now.
    changed: bool,
}

impl Answered {
    /// What goes out when it was tried to save, and `unsaved` is why that failed.
    pub(super) fn settled(self, unsaved: Option<&str>) -> Answer {
        let Some(why) = unsaved.filter(|_| self.changed) else { return self.answer };
        Reply::error(&Error::Failed { message: format!("it is done and would not survive a restart of weftd: {why}") })
            .into()
    }
}

/// Answers a call, or a part of one. Whatever it asks for, there is a reply.
pub(super) fn answer(daemon: &mut Daemon, events: &mut Loop, pending: &Pending) -> Answered {
    let before = daemon.changes;
    match carry_out(daemon, events, pending) {
        Ok(answer) => Answered { answer, changed: daemon.changes != before },
        Err(why) => Answered { answer: Reply::error(&why).into(), changed: false },
    }
}

fn carry_out(daemon: &mut Daemon, events: &mut Loop, pending: &Pending) -> Result<Answer, Error> {
    let call = &pending.call;
    let request = Request::parse(call)?;
    access::check(&daemon.policy, pending.access, &request)?;
    match request {
        _ if call.upgrade => Err(ServiceError::invalid("upgrade is not offered")),
        Request::FdbList(asked) => fdb_list(daemon, &asked, call.more, pending.from.as_ref()),
        request => Calls { daemon, events }.carry_out(request).map(Answer::from),
    }
}

fn reply<T: Serialize>(result: &T) -> Result<Reply, Error> {
    Reply::result(result).map_err(|why| Error::Failed { message: why.to_string() })
}

/// What a call works on.
struct Calls<'a> {
    daemon: &'a mut Daemon,
    events: &'a mut Loop,
}

impl Calls<'_> {
    fn carry_out(&mut self, request: Request) -> Result<Reply, Error> {
        match request {
            Request::GetInfo => reply(&service::info(env!("CARGO_PKG_VERSION"))),
            Request::GetInterfaceDescription(asked) => reply(&service::describe(&asked.interface)?),
            Request::Status(_) => reply(&self.status()?),
            Request::WorkerList(_) => reply(&v1::WorkerListReply { workers: self.workers() }),
            Request::NamespaceAdd(asked) => reply(&self.namespace_add(&asked)?),
            Request::NamespaceDel(asked) => reply(&self.namespace_del(&asked)?),
            Request::NamespaceSet(asked) => reply(&self.namespace_set(&asked)?),
            Request::NamespaceList(asked) => reply(&self.namespace_list(&asked)?),
            Request::NamespaceZombies(asked) => reply(&self.namespace_zombies(&asked)?),
            Request::PortAdd(asked) => reply(&self.port_add(&asked)?),
            Request::PortDel(asked) => reply(&self.port_del(&asked)?),
            Request::PortSet(asked) => reply(&self.port_set(&asked)?),
            Request::PortList(asked) => reply(&self.port_list(&asked)?),
            Request::LinkAdd(asked) => reply(&self.link_add(&asked)?),
            Request::LinkDel(asked) => reply(&self.link_del(&asked)?),
            Request::FdbList(_) => Err(ServiceError::invalid("fdb list is answered as a stream")),
            Request::FdbAdd(asked) => reply(&self.fdb_add(&asked)?),
            Request::FdbDel(asked) => reply(&self.fdb_del(&asked)?),
            Request::FdbFlush(asked) => reply(&self.fdb_flush(asked.namespace.as_deref())?),
            Request::ConfigCheck(asked) => reply(&self.config(&asked.text, &asked.file).map(|_| Empty {})?),
            Request::ConfigDiff(asked) => reply(&self.config_diff(&asked.text, &asked.file)?),
            Request::ConfigApply(asked) if asked.dry_run => reply(&self.config_diff(&asked.text, &asked.file)?),
            Request::ConfigApply(asked) => reply(&self.config_apply(&asked.text, &asked.file)?),
            Request::LogSet(asked) => reply(&self.log_set(&asked)?),
            Request::DropReasons(asked) => reply(&convert::drop_reasons(asked.name.as_deref())?),
        }
    }

    fn request(&mut self, request: switch::Request) -> Result<switch::Reply, Error> {
        self.daemon.request(self.events, request).map_err(convert::refusal)
    }

    fn status(&self) -> Result<v1::StatusReply, Error> {
        let daemon = &self.daemon;
        let view = daemon.control.operator();
        let ports = view.ports(None).map_err(convert::refusal)?;
        let namespaces = view.namespaces();
        Ok(v1::StatusReply {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_s: daemon.started.elapsed().as_secs(),
            workers: self.workers(),
            counts: v1::Counts {
                namespaces: namespaces.len() as u64,
                ports: ports.len() as u64,
                ports_up: ports.iter().filter(|port| port.state == State::Up).count() as u64,
                fdb_entries: namespaces.iter().map(|namespace| u64::from(namespace.macs)).sum(),
                zombies: view.zombies().len() as u64,
            },
            warnings: self.warnings(&ports),
        })
    }

    fn workers(&self) -> Vec<v1::Worker> {
        let stats = self.daemon.endpoints.workers().stats();
        let worker = |(id, stats)| convert::worker(id, stats, &self.daemon.load.lately(id));
        stats.iter().enumerate().map(worker).collect()
    }

    /// What an operator ought to know or repair.
    fn warnings(&self, ports: &[PortView]) -> Vec<String> {
        let because = |port: &PortView| port.reason.clone().unwrap_or_default();
        let broken = ports.iter().filter(|port| port.state == State::Broken);
        let broken = broken.map(|port| format!("port {} is broken: {}", port.path(), because(port)));
        let closed = self.daemon.endpoints.without_socket();
        let closed = closed.filter_map(|path| ports.iter().find(|port| port.path() == *path));
        let closed = closed.map(|port| format!("port {} has no socket: {}", port.path(), because(port)));
        let zombies =
            self.daemon.control.operator().zombies().into_iter().filter(|zombie| !zombie.waits_for.is_empty());
        let zombies = zombies.map(|zombie| {
            format!("namespace {} is deleted and still in use by {}", zombie.path, zombie.waits_for.join(" and "))
        });
        self.daemon.warnings.all().chain(broken).chain(closed).chain(zombies).collect()
    }

    fn port_add(&mut self, asked: &v1::PortAdd) -> Result<v1::PortReply, Error> {
        let name = convert::name("name", &asked.name)?;
        let spec = convert::port_spec(&name, asked)?;
        let path = spec.path(name);
        let equal = self.daemon.control.desired().port(&path).is_ok_and(|there| *there == spec);
        if !(asked.may_exist && equal) {
            self.port_make(&path, spec, asked.number)?;
        }
        self.port(path)
    }

    /// Makes a port, and unmakes it when its socket cannot be opened: a port that never could work is not left behind.
    fn port_make(&mut self, path: &PortPath, spec: switch::PortSpec, number: Option<u32>) -> Result<(), Error> {
        let control = &mut self.daemon.control;
        let request = switch::Request::PortAddAs(path.name.clone(), spec, number.into_iter().collect());
        control.handle_request(request).map_err(convert::refusal)?;
        let failures = self.daemon.act(self.events);
        let Some(why) = failures.into_iter().next() else { return Ok(()) };
        let unmade = switch::Request::PortDel { port: path.clone(), force: true };
        self.daemon.request(self.events, unmade).map_err(convert::refusal)?;
        Err(Error::Failed { message: format!("port {path} was not added: {why}") })
    }

    fn port_del(&mut self, asked: &v1::PortDel) -> Result<Empty, Error> {
        let port = match self.port_meant(&asked.name) {
            Err(Error::NotFound { .. }) if asked.if_exists => return Ok(Empty {}),
            found => found?,
        };
        self.request(switch::Request::PortDel { port, force: asked.force }).map(|_| Empty {})
    }

    fn port_set(&mut self, asked: &v1::PortSet) -> Result<v1::PortReply, Error> {
        let port = self.port_meant(&asked.name)?;
        let (role, macs) = (asked.role.map(convert::role), asked.macs.map(convert::macs));
        let limits = convert::limits(asked.limits.as_ref());
        self.request(switch::Request::PortSet { port: port.clone(), role, macs, mtu: asked.mtu, limits })?;
        self.port(port)
    }

    fn port_list(&self, asked: &v1::PortList) -> Result<v1::PortListReply, Error> {
        let namespace = asked.namespace.as_deref().map(|path| convert::path("namespace", path)).transpose()?;
        let view = self.daemon.control.operator();
        let views = match &asked.name {
            None => view.ports(namespace.as_ref()),
            Some(name) => view.port(&convert::port_ref("name", name)?).map(|port| vec![port]),
        };
        let views = views.map_err(convert::refusal)?.into_iter();
        let wanted = views.filter(|view| namespace.as_ref().is_none_or(|name| view.spec.namespace == *name));
        Ok(v1::PortListReply { ports: wanted.map(convert::port).collect() })
    }

    /// The port that the caller means.
    fn port_meant(&self, said: &str) -> Result<PortPath, Error> {
        let said = convert::port_ref("name", said)?;
        self.daemon.control.operator().resolve(&said).map_err(convert::refusal)
    }

    fn port(&self, path: PortPath) -> Result<v1::PortReply, Error> {
        let view = self.daemon.control.operator().port(&path.into()).map_err(convert::refusal)?;
        Ok(v1::PortReply { port: convert::port(view) })
    }

    fn fdb_add(&mut self, asked: &v1::FdbAdd) -> Result<Empty, Error> {
        let key = convert::fdb_key(&asked.namespace, &asked.mac)?;
        let port = convert::port_of(&asked.port, &key)?;
        self.request(switch::Request::FdbAdd(key, port)).map(|_| Empty {})
    }

    fn fdb_del(&mut self, asked: &v1::FdbDel) -> Result<Empty, Error> {
        let key = convert::fdb_key(&asked.namespace, &asked.mac)?;
        self.request(switch::Request::FdbDel(key)).map(|_| Empty {})
    }

    fn fdb_flush(&mut self, namespace: Option<&str>) -> Result<v1::FdbFlushReply, Error> {
        let namespace = namespace.map(|path| convert::path("namespace", path)).transpose()?;
        match self.request(switch::Request::FdbFlush(namespace))? {
            switch::Reply::Flushed(removed) => Ok(v1::FdbFlushReply { removed: removed as u64 }),
            switch::Reply::Changed(_) => Ok(v1::FdbFlushReply { removed: 0 }),
        }
    }

    fn config(&self, text: &str, file: &str) -> Result<Config, Error> {
        Config::parse(file, text).map_err(convert::config_error)
    }

    fn config_diff(&self, text: &str, file: &str) -> Result<v1::ChangesReply, Error> {
        let config = self.config(text, file)?;
        let changes = switch::diff(self.daemon.control.desired(), &config.desired).changes;
        Ok(self.changes(changes, &config.settings))
    }

    fn config_apply(&mut self, text: &str, file: &str) -> Result<v1::ChangesReply, Error> {
        let config = self.config(text, file)?;
        let settings = config.settings.clone();
        let reply = self.daemon.apply(self.events, config).map_err(convert::refusal)?;
        match reply {
            switch::Reply::Changed(changes) => Ok(self.changes(changes, &settings)),
            switch::Reply::Flushed(_) => Ok(self.changes(Vec::new(), &settings)),
        }
    }

    /// Changes of objects, and the settings that differ: those are read at the start and at no other time.
    fn changes(&self, changes: Vec<switch::Change>, settings: &Settings) -> v1::ChangesReply {
        let settings = differing(&self.daemon.settings, settings).into_iter();
        let settings = settings.map(|(key, old, new)| v1::Change {
            op: v1::Operation::Change,
            kind: "setting".to_owned(),
            name: key.to_owned(),
            detail: format!("{old} -> {new} when weftd next starts with this file"),
            disrupts: false,
        });
        v1::ChangesReply { changes: changes.into_iter().map(convert::change).chain(settings).collect() }
    }

    fn log_set(&mut self, asked: &v1::LogSet) -> Result<v1::LogSetReply, Error> {
        let span = asked.for_s.map(Duration::from_secs);
        let set = self.daemon.logging.set(&asked.filter, span, Instant::now());
        let expected = "a level such as info, or module=level pairs".to_owned();
        let invalid = |_| Error::Invalid { field: "filter".into(), value: asked.filter.clone(), expected };
        Ok(v1::LogSetReply { previous: set.map_err(invalid)? })
    }
}

/// Lists MAC tables page by page, those behind `from`. A page is made when the client has read the one before, of what
/// the tables say then: nothing is kept for it in between.
fn fdb_list(daemon: &Daemon, asked: &v1::FdbList, more: bool, from: Option<&FdbKey>) -> Result<Answer, Error> {
    let only = asked.namespace.as_deref().map(|path| convert::path("namespace", path)).transpose()?;
    let mut entries = Vec::new();
    for path in namespaces(daemon, only, from) {
        let after = from.filter(|key| key.namespace == path).map(|key| key.mac);
        // One more than fits tells that there is another page.
        let room = FDB_PAGE + 1 - entries.len();
        entries.extend(daemon.control.operator().fdb(clock(), &path, after, room).map_err(convert::refusal)?);
        if entries.len() > FDB_PAGE {
            break;
        }
    }
    let is_last = entries.len() <= FDB_PAGE;
    if !more && !is_last {
        let what = "MAC table entries for one reply; ask for a stream (more)".to_owned();
        return Err(Error::Limit { what, limit: FDB_PAGE as u64 });
    }
    entries.truncate(FDB_PAGE);
    let reply = reply(&v1::FdbListReply { entries: entries.iter().map(convert::fdb_entry).collect() })?;
    let last = entries.pop().filter(|_| !is_last).map(|entry| (entry.namespace, entry.mac).into());
    Ok(Answer { reply: if is_last { reply } else { reply.continued() }, rest: last })
}

/// The namespaces that are to be listed still: one, or all from that of `from` on.
fn namespaces(daemon: &Daemon, only: Option<NamespacePath>, from: Option<&FdbKey>) -> Vec<NamespacePath> {
    let start = from.map_or(Bound::Unbounded, |key| Bound::Included(&key.namespace));
    let below = || daemon.control.desired().namespaces().range((start, Bound::Unbounded)).map(|(path, _)| path.clone());
    let root = || from.is_none_or(|key| key.namespace.is_root()).then(NamespacePath::root);
    only.map_or_else(|| root().into_iter().chain(below()).collect(), |path| vec![path])
}
