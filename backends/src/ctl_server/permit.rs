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
        // What is fetched, and how often, is what the daemon does in the operator's network.
        Request::PvdFetch(_) => Err(Missing::Right(OPERATOR)),
        Request::WorkerList(_) | Request::LogSet(_) => Err(Missing::Right(OPERATOR)),
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
mod test {
    use super::*;
    use crate::config::Others;
    use ctl::codec::Call;
    use ctl::proto::v1::METHODS;
    use serde_json::json;
    use switch::{
        Announcement, Control, Delegate, Delegation, Grant, Limits, Mode, NamespaceSpec, Request as Add, Statement,
        VhostUser,
    };

    /// Every method of the interface, with parameters that parse, and who may call it.
    #[test]
    fn test_what_each_may_do() {
        let readers = [
            "Status",
            "WorkerList",
            "NamespaceList",
            "NamespaceZombies",
            "PortList",
            "VfStatus",
            "FdbList",
            "PvdList",
            "PvdShow",
            "PvdWatch",
            "RaList",
            "RaShow",
            "RaCheck",
            "DropReasons",
            "ConfigCheck",
            "ConfigDiff",
            "ConfigShow",
        ];
        let policy = Policy::new("weft", Others::Read);
        for method in METHODS {
            let request = Request::parse(&call(method)).unwrap_or_else(|why| panic!("{method}: {why}"));
            let short = method.rsplit('.').next().unwrap();
            let allowed = |access| check(&policy, access, None, &request).is_ok();
            assert!(allowed(Access::Administer), "{method}");
            assert_eq!(allowed(Access::Read), readers.contains(&short), "{method}");
            assert!(!allowed(Access::None), "{method}");
        }
        let request = Request::parse(&call("org.varlink.service.GetInfo")).unwrap();
        assert!(check(&policy, Access::None, None, &request).is_ok());
    }

    fn call(method: &str) -> Call {
        let all = serde_json::json!({
            "name": "a", "namespace": "a", "socket": "/run/red.d/a", "uid": 1, "number": 1, "mac": "a", "port": "a", "text": "a", "one": "a", "other": "a", "file": "a", "filter": "a", "said": {}, "lane": "vf",
            "vhost_user": { "path": "/run/red.d/a", "mode": "server" }
        });
        let wanted: &[&str] = match method.rsplit('.').next().unwrap_or_default() {
            "NamespaceAdd"
            | "NamespaceDel"
            | "NamespaceSet"
            | "NamespaceUndelegate"
            | "PortDel"
            | "PortSet"
            | "VfOffer"
            | "VfRevoke" => &["name"],
            "VfSwitch" => &["name", "lane"],
            "NamespaceDelegate" => &["name", "socket", "uid"],
            "PortAdd" => &["name", "namespace", "vhost_user"],
            "LinkAdd" => &["one", "other"],
            "LinkDel" => &["port"],
            "FdbAdd" => &["namespace", "mac", "port"],
            "FdbDel" => &["namespace", "mac"],
            "PvdShow" => &["name"],
            "PvdWatch" | "RaCheck" => &["namespace"],
            "PvdCreate" | "PvdDelete" | "PvdFetch" => &["namespace", "name"],
            "PvdSet" => &["namespace", "name", "said"],
            "RaShow" => &["namespace", "number"],
            "ConfigCheck" | "ConfigDiff" | "ConfigApply" => &["text", "file"],
            "LogSet" => &["filter"],
            _ => &[],
        };
        let parameters = wanted.iter().map(|key| ((*key).to_owned(), all[*key].clone())).collect();
        Call { method: method.to_owned(), parameters: Some(serde_json::Value::Object(parameters)), ..Call::default() }
    }

    /// A switch with a port `one` in red and red/dev each, the first made by the operator, and the tenant of red.
    fn red() -> (Control, Tenant) {
        let mut control = Control::new(1, std::collections::BTreeMap::new());
        let (socket, directory) = ("/run/red".to_owned(), "/run/red.d".to_owned());
        let (to, grant, limits) = (Delegate::Uid(1), Grant::Admin, Limits::default());
        let delegation = Delegation { socket, directory, to, grant, limits, confined: None };
        for (namespace, confined) in [("red", None), ("red/dev", Some(delegation.confines()))] {
            let namespace: NamespacePath = namespace.parse().unwrap();
            control.handle_request(Add::NamespaceAdd(namespace.clone(), NamespaceSpec::default())).unwrap();
            let socket = VhostUser { path: format!("/run/{}", namespace.depth()), mode: Mode::Server };
            let name = "one".parse().unwrap();
            let spec = PortSpec { confined, ..PortSpec::new(&name, namespace, socket) };
            control.handle_request(Add::PortAdd(name, spec)).unwrap();
        }
        // One like the tenant's, to which the operator gave a VF.
        let socket = VhostUser { path: "/run/two".to_owned(), mode: Mode::Server };
        let name = "two".parse().unwrap();
        let home: NamespacePath = "red/dev".parse().unwrap();
        let vf = Some(switch::VfSpec::new("packet:eth1".parse().unwrap()));
        let spec = PortSpec { confined: Some(delegation.confines()), vf, ..PortSpec::new(&name, home, socket) };
        control.handle_request(Add::PortAdd(name, spec)).unwrap();
        control.handle_request(Add::NamespaceAdd("red/told".parse().unwrap(), NamespaceSpec::default())).unwrap();
        let announcement = Announcement {
            router: "fe80::1".parse().unwrap(),
            mac: "02:00:00:00:00:01".parse().unwrap(),
            lifetime: 0,
            inner: false,
        };
        for (namespace, name, announcement) in
            [("red", "a.example", None), ("red/told", "told.example", Some(announcement))]
        {
            let key = PvdKey { namespace: namespace.parse().unwrap(), name: name.parse().unwrap() };
            control.handle_request(Add::PvdAdd(key, Statement { announcement, ..Statement::default() })).unwrap();
        }
        (control, Tenant { namespace: "red".parse().unwrap(), delegation })
    }

    /// What becomes of a call of red's tenant.
    fn asks(access: Access, call: &Call) -> Result<(), Error> {
        let (control, tenant) = red();
        let observer = control.operator().observer(&tenant.namespace).unwrap();
        let request = Request::parse(call).unwrap_or_else(|why| panic!("{call:?}: {why}"));
        let seen = control.view(observer).unwrap();
        check(&Policy::new("weft", Others::Read), access, Some((&tenant, seen)), &request)
    }

    /// Every method of the interface: nothing that is of the daemon as a whole, and nothing for a stranger.
    #[test]
    fn test_what_a_tenant_may_do() {
        let looks = [
            "Status",
            "NamespaceList",
            "NamespaceZombies",
            "PortList",
            "VfStatus",
            "FdbList",
            "PvdList",
            "PvdShow",
            "PvdWatch",
            "RaList",
            "RaShow",
            "RaCheck",
            "DropReasons",
        ];
        let never = [
            "LinkAdd",
            "LinkDel",
            "WorkerList",
            "ConfigCheck",
            "ConfigDiff",
            "ConfigApply",
            "ConfigShow",
            "LogSet",
            "PvdFetch",
        ];
        for method in METHODS {
            let short = method.rsplit('.').next().unwrap();
            let allowed = |access| asks(access, &call(method)).is_ok();
            assert_eq!(allowed(Access::Administer), !never.contains(&short), "{method}");
            assert_eq!(allowed(Access::Read), looks.contains(&short), "{method}");
            assert!(!allowed(Access::None), "{method}");
        }
        asks(Access::None, &call("org.varlink.service.GetInfo")).unwrap();
    }

    /// What bounds a tenant is not his to change, however he says it.
    #[test]
    fn test_what_a_tenant_may_not_say() {
        let ask = |method: &str, parameters: serde_json::Value| {
            let method = format!("org.weft.Switch1.{method}");
            asks(Access::Administer, &Call { method, parameters: Some(parameters), ..Call::default() })
        };
        let add = |more: serde_json::Value| {
            let vhost_user = json!({ "path": "/run/red.d/a", "mode": "client" });
            let mut whole = json!({ "name": "a", "namespace": "/", "vhost_user": vhost_user });
            whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            ask("PortAdd", whole)
        };
        add(json!({ "role": "host", "macs": "own", "mtu": 9000, "queues": 8 })).unwrap();
        let limits = json!({ "tx_frames": { "rate": 1 } });
        let (inject, rules) = (json!({ "name": "work.example" }), json!({ "unrecognised": true }));
        for more in [
            json!({ "role": "router" }),
            json!({ "macs": "any" }),
            json!({ "limits": limits }),
            json!({ "pvds": ["all"] }),
            json!({ "inject_pvd": inject }),
            json!({ "ra_guard": rules }),
        ] {
            assert!(matches!(add(more.clone()), Err(Error::Denied { .. })), "{more}");
        }
        for path in ["/run/blue.d/a", "/run/red.d", "/run/red.d/../blue.d/a", "/run/red.d//a", "/run/red", "a", ""] {
            let answer = add(json!({ "vhost_user": { "path": path, "mode": "server" } })).unwrap_err();
            let expected = "a path in /run/red.d".to_owned();
            assert_eq!(answer, Error::Invalid { field: "vhost-user".into(), value: path.into(), expected });
        }
        ask("PortSet", json!({ "name": "dev:one", "mtu": 1400 })).unwrap();
        ask("PortDel", json!({ "name": "dev:one" })).unwrap();
        ask("NamespaceDel", json!({ "name": "dev", "recursive": true })).unwrap();
        ask("PvdCreate", json!({ "namespace": "dev", "name": "b.example", "said": { "announce": [] } })).unwrap();
        ask("PvdDelete", json!({ "namespace": "/", "name": "a.example" })).unwrap();
        let announce = json!({ "router": "fe80::1", "mac": "02:00:00:00:00:01" });
        let delegate = |socket: &str| json!({ "name": "dev", "socket": socket, "uid": 2 });
        ask("NamespaceDelegate", delegate("/run/red.d/dev")).unwrap();
        assert!(matches!(ask("NamespaceDelegate", delegate("/run/dev")), Err(Error::Invalid { .. })));
        for (method, parameters) in [
            ("PortSet", json!({ "name": "dev:one", "limits": limits })),
            ("PortSet", json!({ "name": "dev:one", "role": "router" })),
            ("PortSet", json!({ "name": "dev:one", "pvds": [] })),
            ("PortSet", json!({ "name": "dev:one", "inject_pvd": inject })),
            ("PortSet", json!({ "name": "dev:one", "ra_guard": rules })),
            ("PortSet", json!({ "name": "dev:one", "ra_guard": { "prefixes": ["2001:db8::/64"] } })),
            ("PortSet", json!({ "name": "/:one", "mtu": 1400 })),
            ("PortDel", json!({ "name": "/:one", "force": true })),
            ("NamespaceDel", json!({ "name": "/", "recursive": true })),
            ("NamespaceSet", json!({ "name": "/", "quotas": [{ "resource": "ports" }] })),
            ("NamespaceDelegate", json!({ "name": "/", "socket": "/run/red.d/x", "uid": 2 })),
            ("NamespaceDelegate", json!({ "name": "dev", "socket": "/run/red.d/x", "uid": 2, "limits": limits })),
            ("NamespaceUndelegate", json!({ "name": "/" })),
            ("PvdCreate", json!({ "namespace": "/", "name": "b.example", "said": { "announce": [announce] } })),
            ("PvdSet", json!({ "namespace": "/", "name": "a.example", "said": { "announce": [announce] } })),
            ("PvdSet", json!({ "namespace": "told", "name": "Told.example", "said": { "mtu": 1400 } })),
            ("PvdDelete", json!({ "namespace": "told", "name": "told.example", "if_exists": true })),
            ("PvdFetch", json!({ "namespace": "/", "name": "a.example" })),
            ("NamespaceDel", json!({ "name": "told", "recursive": true })),
        ] {
            let answer = ask(method, parameters.clone());
            assert!(matches!(answer, Err(Error::Denied { .. })), "{method} {parameters}: {answer:?}");
        }
    }

    /// His are lanes that are sockets in his directory, and a VF that he said himself.
    #[test]
    fn test_what_a_tenant_may_say_of_lanes() {
        let ask = |method: &str, parameters: serde_json::Value| {
            let method = format!("org.weft.Switch1.{method}");
            asks(Access::Administer, &Call { method, parameters: Some(parameters), ..Call::default() })
        };
        let set = |name: &str, vf: &serde_json::Value| ask("PortSet", json!({ "name": name, "vf": vf }));
        let vmm = |socket: &str| json!({ "kind": "qmp", "socket": socket });
        set("dev:one", &json!({ "lane": "dgram:/run/red.d/a,peer=/run/red.d/b", "vmm": vmm("/run/red.d/q") })).unwrap();
        ask("PortAdd", json!({ "name": "a", "namespace": "/", "lane": "stream:/run/red.d/a" })).unwrap();
        for vf in [
            json!({ "lane": "dgram:/run/red.d/a,peer=/run/b" }),
            json!({ "lane": "stream:/run/red.d/../b" }),
            json!({ "vmm": vmm("/run/qmp") }),
        ] {
            let answer = set("dev:one", &vf);
            assert!(matches!(answer, Err(Error::Invalid { .. })), "{vf}: {answer:?}");
        }
        let of_host = ["packet:eth1", "tap:tap1", "auto", "pcap:/run/red.d/a", "bypass:0000:65:00.1"];
        for lane in of_host {
            let answers = [
                set("dev:one", &json!({ "lane": lane })),
                ask("PortAdd", json!({ "name": "a", "namespace": "/", "lane": lane })),
            ];
            for answer in answers {
                assert!(matches!(answer, Err(Error::Denied { .. })), "{lane}: {answer:?}");
            }
        }
        for vf in [json!({ "lane": "none" }), json!({ "model": "bond" }), json!({ "lane": "null" })] {
            let answer = set("dev:two", &vf);
            assert!(matches!(answer, Err(Error::Denied { .. })), "{vf}: {answer:?}");
        }
    }

    #[test]
    fn test_a_refusal_says_who_may() {
        let policy = Policy::new("operators", Others::Read);
        let request = Request::parse(&call("org.weft.Switch1.PortDel")).unwrap();
        let error = check(&policy, Access::Read, None, &request).unwrap_err();
        let needed = "root or a member of the group operators".to_owned();
        assert_eq!(error, Error::Denied { action: "port del".into(), needed });
    }
}
