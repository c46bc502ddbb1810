// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The calls of the control socket, each from parameters to reply.

use super::daemon::Daemon;
use super::subscriber::Loop;
use crate::ctl_server::access::Tenant;
use crate::ctl_server::{Answer, Mark, Pending};
use crate::ctl_server::{convert, permit};
use ctl::codec::Reply;
use ctl::proto::introspection;
use ctl::proto::v1::{self, Empty, Error, Request, ServiceError};
use serde::Serialize;
use std::time::{Duration, Instant};
use switch::{Confined, NamespacePath, PortChange, PortPath, PortView, Refusal, State, VfAsk, View};

mod config;
mod learnt;
mod links;
mod moves;
mod namespaces;
mod stated;
mod tables;
mod vfs;
mod watch;

/// The answer to a call, which may not go out before what it changed is saved.
pub(super) struct Answered {
    answer: Answer,
    /// Something that must survive a restart is different now.
    changed: bool,
    is_tenants: bool,
}

impl Answered {
    /// What goes out when it was tried to save, and `unsaved` is why that failed.
    pub(super) fn settled(self, unsaved: Option<&str>) -> Answer {
        let Some(why) = unsaved.filter(|_| self.changed) else { return self.answer };
        let why = if self.is_tenants { "its operator is told why" } else { why };
        Reply::error(&Error::Failed { message: format!("it is done and would not survive a restart of weftd: {why}") })
            .into()
    }
}

/// Answers a call, or a part of one. Whatever it asks for, there is a reply.
pub(super) fn answer(daemon: &mut Daemon, events: &mut Loop, pending: &Pending, tenant: Option<&Tenant>) -> Answered {
    let (before, is_tenants) = (daemon.changes, tenant.is_some());
    match (Calls { daemon, events, tenant }).answer(pending) {
        Ok(answer) => Answered { answer, changed: daemon.changes != before, is_tenants },
        Err(why) => Answered { answer: Reply::error(&why).into(), changed: false, is_tenants },
    }
}

fn reply<T: Serialize>(result: &T) -> Result<Reply, Error> {
    Reply::result(result).map_err(|why| Error::Failed { message: why.to_string() })
}

/// What a call works on.
struct Calls<'a> {
    daemon: &'a mut Daemon,
    events: &'a mut Loop,
    /// Whom the caller is bound to, if to anybody. All paths that he says and hears begin at the tenant's namespace.
    tenant: Option<&'a Tenant>,
}

impl Calls<'_> {
    fn answer(&mut self, pending: &Pending) -> Result<Answer, Error> {
        let call = &pending.call;
        let request = Request::parse(call)?;
        self.permit(pending, &request)?;
        match request {
            _ if call.upgrade => Err(ServiceError::invalid("upgrade is not offered")),
            Request::FdbList(asked) => self.fdb_list(&asked, call.more, pending.from.as_ref()),
            Request::PvdList(asked) => self.pvd_list(&asked, call.more, pending.from.as_ref()),
            Request::RaList(asked) => self.ra_list(&asked, call.more, pending.from.as_ref()),
            Request::PvdWatch(asked) => self.pvd_watch(&asked, call.more, pending.from.as_ref()),
            Request::MoveWatch(asked) => self.move_watch(&asked, call.more, pending.from.as_ref()),
            Request::Upgrade(asked) => self.upgrade(asked, pending.from.as_ref()),
            request => self.carry_out(request).map(Answer::from),
        }
    }

    /// Lets a request pass that the caller may make.
    fn permit(&self, pending: &Pending, request: &Request) -> Result<(), Error> {
        let tenant = self.tenant.map(|tenant| Ok::<_, Error>((tenant, self.view()?))).transpose()?;
        permit::check(&self.daemon.policy, pending.access, tenant, request)
    }

    /// What confines that which the caller makes.
    fn confines(&self) -> Option<Confined> {
        self.tenant.map(|tenant| tenant.delegation.confines())
    }

    /// Where paths begin for the caller.
    fn base(&self) -> NamespacePath {
        self.tenant.map_or_else(NamespacePath::root, |tenant| tenant.namespace.clone())
    }

    fn carry_out(&mut self, request: Request) -> Result<Reply, Error> {
        match request {
            Request::GetInfo => reply(&introspection::info(env!("CARGO_PKG_VERSION"))),
            Request::GetInterfaceDescription(asked) => reply(&introspection::describe(&asked.interface)?),
            Request::Status(_) => reply(&self.status()?),
            Request::WorkerList(_) => reply(&v1::WorkerListReply { workers: self.workers() }),
            Request::NamespaceAdd(asked) => reply(&self.namespace_add(&asked)?),
            Request::NamespaceDel(asked) => reply(&self.namespace_del(&asked)?),
            Request::NamespaceSet(asked) => reply(&self.namespace_set(&asked)?),
            Request::NamespaceDelegate(asked) => reply(&self.namespace_delegate(&asked)?),
            Request::NamespaceUndelegate(asked) => reply(&self.namespace_undelegate(&asked)?),
            Request::NamespaceList(asked) => reply(&self.namespace_list(&asked)?),
            Request::NamespaceZombies(asked) => reply(&self.namespace_zombies(&asked)?),
            Request::PortAdd(asked) => reply(&self.port_add(&asked)?),
            Request::PortDel(asked) => reply(&self.port_del(&asked)?),
            Request::PortSet(asked) => reply(&self.port_set(&asked)?),
            Request::PortList(asked) => reply(&self.port_list(&asked)?),
            Request::PortExport(asked) => reply(&self.port_export(&asked)?),
            Request::PortImport(asked) => reply(&self.port_import(&asked)?),
            Request::PortLeave(asked) => reply(&self.port_leave(&asked)?),
            Request::PortStay(asked) => reply(&self.port_stay(&asked)?),
            Request::MoveTell(asked) => reply(&self.move_tell(&asked)?),
            Request::VfOffer(asked) => reply(&self.vf(&asked.name, VfAsk::Offer)?),
            Request::VfRevoke(asked) => reply(&self.vf(&asked.name, VfAsk::Revoke)?),
            Request::VfSwitch(asked) => reply(&self.vf(&asked.name, VfAsk::Switch(convert::lane(asked.lane)))?),
            Request::VfStatus(asked) => reply(&self.vf_status(asked.name.as_deref())?),
            Request::LinkAdd(asked) => reply(&self.link_add(&asked)?),
            Request::LinkDel(asked) => reply(&self.link_del(&asked)?),
            Request::FdbList(_)
            | Request::PvdList(_)
            | Request::PvdWatch(_)
            | Request::MoveWatch(_)
            | Request::RaList(_)
            | Request::Upgrade(_) => Err(ServiceError::invalid("this is not answered at once")),
            Request::PvdShow(asked) => reply(&self.pvd_show(&asked)?),
            Request::PvdCreate(asked) => reply(&self.pvd_create(&asked)?),
            Request::PvdSet(asked) => reply(&self.pvd_set(&asked)?),
            Request::PvdDelete(asked) => reply(&self.pvd_delete(&asked)?),
            Request::PvdFetch(asked) => reply(&self.pvd_fetch(&asked)?),
            Request::RaShow(asked) => reply(&self.ra_show(&asked)?),
            Request::RaCheck(asked) => reply(&self.ra_check(&asked)?),
            Request::FdbAdd(asked) => reply(&self.fdb_add(&asked)?),
            Request::FdbDel(asked) => reply(&self.fdb_del(&asked)?),
            Request::FdbFlush(asked) => reply(&self.fdb_flush(asked.namespace.as_deref())?),
            Request::ConfigCheck(asked) => reply(&self.config(&asked.text, &asked.file).map(|_| Empty {})?),
            Request::ConfigDiff(asked) => reply(&self.config_diff(&asked.text, &asked.file)?),
            Request::ConfigApply(asked) if asked.dry_run => reply(&self.config_diff(&asked.text, &asked.file)?),
            Request::ConfigApply(asked) => reply(&self.config_apply(&asked)?),
            Request::ConfigShow(_) => reply(&self.config_show()?),
            Request::LogSet(asked) => reply(&self.log_set(&asked)?),
            Request::DropReasons(asked) => reply(&convert::drop_reasons(asked.name.as_deref())?),
        }
    }

    /// Has another weftd take the place of this one. What came of that is told at the end.
    fn upgrade(&mut self, asked: v1::Upgrade, from: Option<&Mark>) -> Result<Answer, Error> {
        let failed = |message| Error::Failed { message };
        match (from, self.daemon.upgrade_answer()) {
            (Some(Mark::Upgrade), Some(answer)) => return Ok(answer),
            (Some(Mark::Upgrade), None) => {}
            _ => self.daemon.begin_upgrade(asked.force, self.events).map_err(failed)?,
        }
        Ok(Answer::Later(Mark::Upgrade))
    }

    fn request(&mut self, request: switch::Request) -> Result<switch::Reply, Error> {
        self.daemon.request(self.events, request).map_err(|why| self.refused(why))
    }

    /// What the caller sees.
    fn view(&self) -> Result<View<'_>, Error> {
        let control = &self.daemon.control;
        let view = control.operator().observer(&self.base()).and_then(|observer| control.view(observer));
        view.map_err(|why| self.refused(why))
    }

    /// A refusal in the names of the caller.
    fn refused(&self, why: Refusal) -> Error {
        let base = self.base();
        convert::refusal(why.seen_from(&base, &self.daemon.control.desired().usage(&base)))
    }

    /// Where a path leads that the caller said.
    fn path(&self, field: &str, text: &str) -> Result<NamespacePath, Error> {
        let said = convert::path(field, text)?;
        Ok(self.view()?.absolute(&said))
    }

    fn status(&self) -> Result<v1::StatusReply, Error> {
        let daemon = &self.daemon;
        let view = self.view()?;
        let ports = view.ports(None).map_err(convert::refusal)?;
        let namespaces = view.namespaces();
        let own = self.tenant.map(|_| view.namespace(&NamespacePath::root())).transpose().map_err(convert::refusal)?;
        Ok(v1::StatusReply {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_s: daemon.started.elapsed().as_secs(),
            workers: if self.tenant.is_some() { Vec::new() } else { self.workers() },
            counts: v1::Counts {
                namespaces: namespaces.len() as u64,
                ports: ports.len() as u64,
                ports_up: ports.iter().filter(|port| port.state == State::Up).count() as u64,
                fdb_entries: namespaces.iter().chain(&own).map(|namespace| u64::from(namespace.macs)).sum(),
                zombies: view.zombies().len() as u64,
            },
            warnings: self.warnings(&view, &ports),
        })
    }

    fn workers(&self) -> Vec<v1::Worker> {
        let stats = self.daemon.endpoints.workers().stats();
        let worker = |(id, stats)| convert::worker(id, stats, &self.daemon.load.lately(id));
        stats.iter().enumerate().map(worker).collect()
    }

    /// What an operator ought to know or repair.
    fn warnings(&self, view: &View<'_>, ports: &[PortView]) -> Vec<String> {
        let because = |port: &PortView| port.reason.clone().unwrap_or_default();
        let broken = ports.iter().filter(|port| port.state == State::Broken);
        let broken = broken.map(|port| format!("port {} is broken: {}", port.path(), because(port)));
        let closed = self.daemon.endpoints.without_socket();
        let base = self.base();
        let closed = closed.filter_map(|path| path.seen_from(&base));
        let closed = closed.filter_map(|path| ports.iter().find(|port| port.path() == path));
        let closed = closed.map(|port| format!("port {} has no socket: {}", port.path(), because(port)));
        let zombies = view.zombies().into_iter().filter(|zombie| !zombie.waits_for.is_empty());
        let zombies = zombies.map(|zombie| {
            format!("namespace {} is deleted and still in use by {}", zombie.path, zombie.waits_for.join(" and "))
        });
        let doors = self.daemon.doors.warnings(&base).chain(self.daemon.texts.warnings(&base));
        let daemon = self.daemon.warnings.all().filter(|_| self.tenant.is_none());
        daemon.chain(doors).chain(broken).chain(closed).chain(zombies).collect()
    }

    fn port_add(&mut self, asked: &v1::PortAdd) -> Result<v1::PortReply, Error> {
        let name = convert::name("name", &asked.name)?;
        let mut spec = convert::port_spec(&name, asked, self.confines())?;
        spec.namespace = self.view()?.absolute(&spec.namespace);
        if let Some(Tenant { delegation, .. }) = self.tenant {
            spec.limits = delegation.limits;
        }
        let path = spec.path(name);
        let equal = self.daemon.control.desired().port(&path).is_ok_and(|there| *there == spec);
        if !(asked.may_exist && equal) {
            self.port_make(&path, spec, asked.number)?;
        }
        self.port(&path)
    }

    /// Makes a port, and unmakes it when its socket cannot be opened: a port that never could work is not left behind.
    fn port_make(&mut self, path: &PortPath, spec: switch::PortSpec, number: Option<u32>) -> Result<(), Error> {
        let request = switch::Request::PortAddAs(path.name.clone(), spec, number.into_iter().collect());
        self.daemon.control.handle_request(request).map_err(|why| self.refused(why))?;
        let failures = self.daemon.act(self.events);
        let Some(why) = failures.into_iter().next() else { return Ok(()) };
        let unmade = switch::Request::PortDel { port: path.clone(), force: true };
        let numbers = self.daemon.control.numbers_of(path);
        self.daemon.request(self.events, unmade).map_err(|why| self.refused(why))?;
        self.daemon.control.turn_back(&numbers);
        let path = path.seen_from(&self.base()).map_or_else(String::new, |path| path.to_string());
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
        let before = self.daemon.control.desired().port(&port).ok().and_then(|spec| spec.vf.as_ref());
        let vf = convert::vf_edit(asked.vf.as_ref(), before, self.confines())?;
        let (pvds, inject, guard) = (asked.pvds.as_deref(), asked.inject_pvd.as_ref(), asked.ra_guard.as_ref());
        let change = PortChange {
            role: asked.role.map(convert::role),
            macs: asked.macs.map(convert::macs),
            mtu: asked.mtu,
            limits: convert::limits(asked.limits.as_ref()),
            mediation: convert::mediation_edit(pvds, inject, guard)?,
            vf,
        };
        self.request(switch::Request::PortSet(port.clone(), change))?;
        self.port(&port)
    }

    fn port_list(&self, asked: &v1::PortList) -> Result<v1::PortListReply, Error> {
        let namespace = asked.namespace.as_deref().map(|path| convert::path("namespace", path)).transpose()?;
        let view = self.view()?;
        let views = match &asked.name {
            None => view.ports(namespace.as_ref()),
            Some(name) => view.port(&convert::port_ref("name", name)?).map(|port| vec![port]),
        };
        let views = views.map_err(|why| self.refused(why))?.into_iter();
        let wanted = views.filter(|view| namespace.as_ref().is_none_or(|name| view.spec.namespace == *name));
        Ok(v1::PortListReply { ports: wanted.map(convert::port).collect() })
    }

    /// The port that the caller means, among those that he sees.
    fn port_meant(&self, said: &str) -> Result<PortPath, Error> {
        let said = convert::port_ref("name", said)?;
        self.view()?.resolve(&said).map_err(|why| self.refused(why))
    }

    /// A port by its full name, as the caller sees it.
    fn port(&self, path: &PortPath) -> Result<v1::PortReply, Error> {
        let view = self.view()?.port_at(path).map_err(|why| self.refused(why))?;
        Ok(v1::PortReply { port: convert::port(view) })
    }

    fn log_set(&mut self, asked: &v1::LogSet) -> Result<v1::LogSetReply, Error> {
        let span = asked.for_s.map(Duration::from_secs);
        let set = self.daemon.logging.set(&asked.filter, span, Instant::now());
        let expected = "a level such as info, or module=level pairs".to_owned();
        let invalid = |_| Error::Invalid { field: "filter".into(), value: asked.filter.clone(), expected };
        Ok(v1::LogSetReply { previous: set.map_err(invalid)? })
    }
}
