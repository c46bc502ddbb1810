// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What each call needs. Every call comes by [`check`], and nothing else decides about one.
//!
//! To look includes to have a configuration checked, and compared with what runs: neither tells more than the lists do,
//! and the work is bounded by the size of a message and grows with it in proportion.
//!
//! A [`Tenant`] has what is in his namespace. What is of the daemon as a whole is not his, nor is what bounds him: he
//! cannot delete his namespace, change what is said of it or delegate it, only what is below. A port that an operator
//! made, or gave limits that tenants' ports do not have, or bound to PvDs, is the operator's: otherwise whoever deletes and
//! adds it again would be rid of that. What a port may say as a router is the operator's too, as its role is: whoever adds it
//! again has a host, which may say nothing. Names cannot lead out of a namespace, so nothing needs to be decided about them; paths of
//! sockets can, so they have to be in the tenant's directory by their words, and are held to it by
//! [`crate::place`] when something is done with them.

mod vf;

use super::access::{Access, Policy, Tenant};
use ctl::proto::v1::{Error, MacPolicy, NamespaceDelegate, PortAdd, PortSet, PvdStatement, Request, Role};
use std::borrow::Cow;
use switch::{Mediation, NamespacePath, PortRef, PortSpec, PortView, PvdKey, View, is_inside};

/// What only an operator may do.
const OPERATOR: &str = "the operator of weftd";

/// What a call needs, and how texts name it. A match without a default: a new method must be thought about.
pub fn needs(request: &Request) -> (Access, &'static str) {
    match request {
        Request::GetInfo | Request::GetInterfaceDescription(_) => (Access::None, "introspect"),
        Request::Status(_) => (Access::Read, "status"),
        Request::WorkerList(_) => (Access::Read, "worker list"),
        Request::NamespaceList(_) => (Access::Read, "namespace list"),
        Request::NamespaceZombies(_) => (Access::Read, "namespace zombies"),
        Request::PortList(_) => (Access::Read, "port list"),
        Request::FdbList(_) => (Access::Read, "fdb list"),
        Request::PvdList(_) => (Access::Read, "pvd list"),
        Request::PvdShow(_) => (Access::Read, "pvd show"),
        Request::PvdWatch(_) => (Access::Read, "pvd watch"),
        Request::RaList(_) => (Access::Read, "ra list"),
        Request::RaShow(_) => (Access::Read, "ra show"),
        Request::RaCheck(_) => (Access::Read, "ra check"),
        Request::DropReasons(_) => (Access::Read, "explain"),
        Request::ConfigCheck(_) => (Access::Read, "config check"),
        Request::ConfigDiff(_) => (Access::Read, "config diff"),
        Request::ConfigShow(_) => (Access::Read, "config show"),
        Request::NamespaceAdd(_) => (Access::Administer, "namespace add"),
        Request::NamespaceDel(_) => (Access::Administer, "namespace del"),
        Request::NamespaceSet(_) => (Access::Administer, "namespace set"),
        Request::NamespaceDelegate(_) => (Access::Administer, "namespace delegate"),
        Request::NamespaceUndelegate(_) => (Access::Administer, "namespace undelegate"),
        Request::PortAdd(_) => (Access::Administer, "port add"),
        Request::PortDel(_) => (Access::Administer, "port del"),
        Request::PortSet(_) => (Access::Administer, "port set"),
        Request::PortExport(_) => (Access::Administer, "port export"),
        Request::PortImport(_) => (Access::Administer, "port import"),
        Request::PortLeave(_) => (Access::Administer, "migrate prepare"),
        Request::PortStay(_) => (Access::Administer, "migrate cancel"),
        Request::MoveWatch(_) => (Access::Administer, "migrate prepare"),
        Request::MoveTell(_) => (Access::Administer, "migrate prepare"),
        Request::VfStatus(_) => (Access::Read, "vf status"),
        Request::VfOffer(_) => (Access::Administer, "vf offer"),
        Request::VfRevoke(_) => (Access::Administer, "vf revoke"),
        Request::VfSwitch(_) => (Access::Administer, "vf switch"),
        Request::LinkAdd(_) => (Access::Administer, "link add"),
        Request::LinkDel(_) => (Access::Administer, "link del"),
        Request::PvdCreate(_) => (Access::Administer, "pvd create"),
        Request::PvdSet(_) => (Access::Administer, "pvd set"),
        Request::PvdDelete(_) => (Access::Administer, "pvd delete"),
        Request::PvdFetch(_) => (Access::Administer, "pvd fetch"),
        Request::FdbAdd(_) => (Access::Administer, "fdb add"),
        Request::FdbDel(_) => (Access::Administer, "fdb del"),
        Request::FdbFlush(_) => (Access::Administer, "fdb flush"),
        Request::ConfigApply(_) => (Access::Administer, "config apply"),
        Request::LogSet(_) => (Access::Administer, "log set"),
        Request::Upgrade(_) => (Access::Administer, "upgrade"),
    }
}

/// Lets a call pass or says what is missing. `seen` is what the caller sees, of a tenant.
///
/// # Errors
/// [`Error::Denied`], or [`Error::Invalid`] for a path that is not the tenant's.
pub fn check(
    policy: &Policy,
    access: Access,
    tenant: Option<(&Tenant, View<'_>)>,
    request: &Request,
) -> Result<(), Error> {
    let (level, action) = needs(request);
    let denied = |needed: &str| Err(Error::Denied { action: action.to_owned(), needed: needed.to_owned() });
    match tenant {
        None if access >= level => Ok(()),
        None => denied(&policy.needed(level)),
        Some(_) if access == Access::None && level > Access::None => denied("whom this socket is for"),
        Some((tenant, seen)) => match is_tenants(tenant, &seen, request) {
            Ok(()) if access >= level => Ok(()),
            Ok(()) => denied("a delegation with the role admin"),
            Err(Missing::Right(needed)) => denied(needed),
            Err(Missing::Inside(field, value)) => {
                let expected = format!("a path in {}", tenant.delegation.directory);
                Err(Error::Invalid { field: field.to_owned(), value: value.into_owned(), expected })
            }
        },
    }
}

/// Why a call is not a tenant's to make.
enum Missing<'a> {
    /// It needs this.
    Right(&'static str),
    /// This parameter is not in his directory.
    Inside(&'static str, Cow<'a, str>),
}

/// Whether a call is about what a tenant has. A match without a default, as above.
fn is_tenants<'a>(tenant: &Tenant, seen: &View<'_>, request: &'a Request) -> Result<(), Missing<'a>> {
    match request {
        Request::GetInfo | Request::GetInterfaceDescription(_) | Request::DropReasons(_) | Request::Status(_) => Ok(()),
        Request::NamespaceList(_) | Request::NamespaceZombies(_) | Request::NamespaceAdd(_) => Ok(()),
        Request::PortList(_) | Request::VfStatus(_) => Ok(()),
        // A VF may be the operator's; using it is the tenant's.
        Request::VfOffer(_) | Request::VfRevoke(_) | Request::VfSwitch(_) => Ok(()),
        Request::FdbList(_) | Request::FdbAdd(_) | Request::FdbDel(_) | Request::FdbFlush(_) => Ok(()),
        Request::PvdList(_) | Request::PvdShow(_) | Request::PvdWatch(_) => Ok(()),
        Request::RaList(_) | Request::RaShow(_) | Request::RaCheck(_) => Ok(()),
        Request::PvdCreate(asked) => may_state(&asked.said),
        Request::PvdSet(asked) => {
            may_state(&asked.said).and_then(|()| may_restate(seen, &asked.namespace, &asked.name))
        }
        Request::PvdDelete(asked) => may_restate(seen, &asked.namespace, &asked.name),
        Request::NamespaceDel(asked) => is_below(&asked.name).and_then(|()| may_empty(tenant, seen, &asked.name)),
        Request::NamespaceSet(asked) => is_below(&asked.name),
        Request::NamespaceDelegate(asked) => may_delegate(tenant, asked),
        Request::NamespaceUndelegate(asked) => is_below(&asked.name),
        Request::PortAdd(asked) => may_add(tenant, asked),
        Request::PortDel(asked) => may_change(tenant, seen, &asked.name),
        Request::PortSet(asked) => {
            may_set(asked)?;
            may_change(tenant, seen, &asked.name)?;
            vf::may_say_vf(tenant, asked.vf.as_ref()).and_then(|()| vf::may_change_vf(seen, asked))
        }
        // Frames come in by a link, and its ends have no limits of a tenant's.
        Request::LinkAdd(_) | Request::LinkDel(_) => Err(Missing::Right(OPERATOR)),
        // What comes and goes with a guest is the host's, and may be more than a tenant may say.
        Request::PortExport(_) | Request::PortImport(_) | Request::PortLeave(_) | Request::PortStay(_) => {
            Err(Missing::Right(OPERATOR))
        }
        Request::MoveWatch(_) | Request::MoveTell(_) => Err(Missing::Right(OPERATOR)),
        // What is fetched, and how often, is what the daemon does in the operator's network.
        Request::PvdFetch(_) => Err(Missing::Right(OPERATOR)),
        Request::WorkerList(_) | Request::LogSet(_) | Request::Upgrade(_) => Err(Missing::Right(OPERATOR)),
        Request::ConfigCheck(_) | Request::ConfigDiff(_) => Err(Missing::Right(OPERATOR)),
        Request::ConfigApply(_) | Request::ConfigShow(_) => Err(Missing::Right(OPERATOR)),
    }
}

fn require(good: bool, needed: &'static str) -> Result<(), Missing<'static>> {
    if good { Ok(()) } else { Err(Missing::Right(needed)) }
}

/// Not the tenant's own namespace, which bounds him.
fn is_below(name: &str) -> Result<(), Missing<'static>> {
    require(name != NamespacePath::root().as_str(), OPERATOR)
}

fn may_add<'a>(tenant: &Tenant, asked: &'a PortAdd) -> Result<(), Missing<'a>> {
    let plain = matches!(asked.role, None | Some(Role::Host)) && matches!(asked.macs, None | Some(MacPolicy::Own));
    let bounds = asked.limits.is_some() || asked.ra_guard.is_some();
    let says_nothing = !bounds && asked.pvds.is_none() && asked.inject_pvd.is_none();
    require(plain && says_nothing, OPERATOR)?;
    vf::may_have_lane(tenant, "lane", asked.lane.as_deref())?;
    vf::may_say_vf(tenant, asked.vf.as_ref())?;
    let path = asked.vhost_user.as_ref().map(|vhost_user| vhost_user.path.as_str());
    match path.filter(|path| !is_inside(path, &tenant.delegation.directory)) {
        Some(path) => Err(Missing::Inside("vhost-user", path.into())),
        None => Ok(()),
    }
}

fn may_set(asked: &PortSet) -> Result<(), Missing<'static>> {
    let pvds = asked.pvds.is_none() && asked.inject_pvd.is_none();
    let bounds = asked.limits.is_some() || asked.ra_guard.is_some();
    require(asked.role.is_none() && asked.macs.is_none() && !bounds && pvds, OPERATOR)
}

/// What is not there is as good as his own: he will hear that it is not there.
fn may_change(tenant: &Tenant, seen: &View<'_>, port: &str) -> Result<(), Missing<'static>> {
    let found = port.parse::<PortRef>().ok().and_then(|said| seen.port(&said).ok());
    require(found.is_none_or(|port| is_his(tenant, &port)), OPERATOR)
}

/// Whether he may delete all ports in a namespace, and what is said there.
fn may_empty(tenant: &Tenant, seen: &View<'_>, namespace: &str) -> Result<(), Missing<'static>> {
    let Ok(top) = namespace.parse::<NamespacePath>() else { return Ok(()) };
    let ports = seen.ports(None).unwrap_or_default();
    let mut inside = ports.iter().filter(|port| port.spec.namespace.is_within(&top));
    require(inside.all(|port| is_his(tenant, port)) && !seen.announces(&top), OPERATOR)
}

/// Whether a port is as a tenant makes them.
fn is_his(tenant: &Tenant, port: &PortView) -> bool {
    let PortSpec { confined, limits, mediation, .. } = &port.spec;
    // Rules for routers do not bind a host, which is what he would have if he made it anew.
    let unbound = Mediation { guard: mediation.guard.clone(), ..Mediation::default() };
    confined.is_some() && *limits == tenant.delegation.limits && *mediation == unbound
}

/// Whoever tells hosts something of a PvD speaks as a router, and the role of a router is the operator's to give.
fn may_state(said: &PvdStatement) -> Result<(), Missing<'static>> {
    require(said.announce.as_ref().is_none_or(Vec::is_empty), OPERATOR)
}

/// Nor does he change what hosts are told, or take it back.
fn may_restate(seen: &View<'_>, namespace: &str, name: &str) -> Result<(), Missing<'static>> {
    let said = namespace.parse().ok().zip(PvdKey::parse_name(name).ok());
    let said = said.and_then(|(path, name)| seen.stated(&path, &name));
    require(said.is_none_or(|said| said.announcement.is_none()), OPERATOR)
}

fn may_delegate<'a>(tenant: &Tenant, asked: &'a NamespaceDelegate) -> Result<(), Missing<'a>> {
    is_below(&asked.name)?;
    require(asked.limits.is_none(), OPERATOR)?;
    let directory = &tenant.delegation.directory;
    if !is_inside(&asked.socket, directory) {
        return Err(Missing::Inside("socket", asked.socket.as_str().into()));
    }
    match asked.sockets.as_ref().filter(|sockets| !is_inside(sockets, directory)) {
        Some(sockets) => Err(Missing::Inside("sockets", sockets.as_str().into())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
