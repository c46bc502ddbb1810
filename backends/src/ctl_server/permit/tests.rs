// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::*;
use crate::config::Others;
use ctl::codec::Call;
use ctl::proto::v1::METHODS;
use serde_json::json;
use switch::{
    Announcement, Control, Delegate, Delegation, Grant, Limits, Mode, NamespaceSpec, Request as Add, Statement,
    VhostUser,
};

/// What changes nothing, and tells of namespaces.
const LOOKS: [&str; 13] = [
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

/// What changes nothing, and tells of the daemon as a whole.
const LOOKS_AT_ALL: [&str; 4] = ["WorkerList", "ConfigCheck", "ConfigDiff", "ConfigShow"];

/// Every method of the interface, with parameters that parse, and who may call it.
#[test]
fn test_what_each_may_do() {
    let policy = Policy::new("weft", Others::Read);
    for method in METHODS {
        let request = Request::parse(&call(method)).unwrap_or_else(|why| panic!("{method}: {why}"));
        let short = method.rsplit('.').next().unwrap();
        let allowed = |access| check(&policy, access, None, &request).is_ok();
        assert!(allowed(Access::Administer), "{method}");
        assert_eq!(allowed(Access::Read), LOOKS.contains(&short) || LOOKS_AT_ALL.contains(&short), "{method}");
        assert!(!allowed(Access::None), "{method}");
    }
    let request = Request::parse(&call("org.varlink.service.GetInfo")).unwrap();
    assert!(check(&policy, Access::None, None, &request).is_ok());
}

fn call(method: &str) -> Call {
    let all = serde_json::json!({
        "name": "a", "namespace": "a", "socket": "/run/red.d/a", "uid": 1, "number": 1, "mac": "a", "id": "1-0000000000000001", "guest": "stopped", "port": "a", "text": "a", "one": "a", "other": "a", "file": "a", "filter": "a", "said": {}, "lane": "vf",
        "vhost_user": { "path": "/run/red.d/a", "mode": "server" }
    });
    let wanted: &[&str] = match method.rsplit('.').next().unwrap_or_default() {
        "NamespaceAdd"
        | "NamespaceDel"
        | "NamespaceSet"
        | "NamespaceUndelegate"
        | "PortDel"
        | "PortSet"
        | "PortExport"
        | "PortStay"
        | "VfOffer"
        | "VfRevoke" => &["name"],
        "PortImport" => &["text"],
        "PortLeave" | "MoveWatch" => &["name", "id"],
        "MoveTell" => &["id", "guest"],
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
    let never = [
        "LinkAdd",
        "LinkDel",
        "PortExport",
        "PortImport",
        "PortLeave",
        "PortStay",
        "MoveWatch",
        "MoveTell",
        "WorkerList",
        "ConfigCheck",
        "ConfigDiff",
        "ConfigApply",
        "ConfigShow",
        "LogSet",
        "Upgrade",
        "PvdFetch",
    ];
    for method in METHODS {
        let short = method.rsplit('.').next().unwrap();
        let allowed = |access| asks(access, &call(method)).is_ok();
        assert_eq!(allowed(Access::Administer), !never.contains(&short), "{method}");
        assert_eq!(allowed(Access::Read), LOOKS.contains(&short), "{method}");
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
    let of_host = ["packet:eth1", "tap:tap1", "auto", "pcap:/run/red.d/a", "fault:7:null", "bypass:0000:65:00.1"];
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
