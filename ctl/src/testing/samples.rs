// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One sample of every wire object with every field filled.

mod handover;
mod learnt;
mod mediation;
mod vf;

use std::collections::BTreeMap;

#[cfg(test)]
pub(crate) use learnt::FRAME;
pub(crate) use learnt::{checked, news, pvd_said, pvd_shown, pvd_stated, pvds, ra_shown, ras};
use mediation::{inject_pvd, mediated, pvds_seen};
use serde::Serialize;
use serde_json::Value;
#[cfg(test)]
pub(crate) use vf::state as vf_state;

use crate::proto::Method;
use crate::proto::v1::{
    Answer, Change, ChangesReply, ConfigApply, ConfigCheck, ConfigDiff, ConfigShow, ConfigShowReply, Counters, Counts,
    Delegation, DropReason, DropReasons, DropReasonsReply, Empty, Error, FdbAdd, FdbDel, FdbEntry, FdbFlush,
    FdbFlushReply, FdbKind, FdbList, FdbListReply, Grant, Handover, Lane, Limits, LinkAdd, LinkDel, LinkReply, LogSet,
    LogSetReply, MacPolicy, Mode, MoveWatch, Namespace, NamespaceAdd, NamespaceDel, NamespaceDelegate, NamespaceList,
    NamespaceListReply, NamespaceReply, NamespaceSet, NamespaceUndelegate, NamespaceZombies, NamespaceZombiesReply,
    Operation, Peer, Poll, Port, PortAdd, PortDel, PortExport, PortLeave, PortList, PortListReply, PortReply, PortSet,
    PortSpec, PortStay, PortStayReply, Preference, PvdCreate, PvdDelete, PvdFetch, PvdList, PvdSet, PvdShow, PvdWatch,
    Quota, RaCheck, RaGuard, RaLearning, RaLearningState, RaList, RaShow, Rate, Role, SecondSource, State, Status,
    StatusReply, Upgrade, UpgradeReply, Usage, VfOffer, VfReply, VfRevoke, VfStatus, VfStatusReply, VfSwitch,
    VhostUser, Work, Worker, WorkerList, WorkerListReply, Zombie,
};

/// A method with full parameters and the full reply to it.
pub(crate) struct Exchange {
    pub(crate) method: &'static str,
    pub(crate) parameters: Value,
    pub(crate) reply: Value,
}

/// One exchange for every method.
pub(crate) fn exchanges() -> Vec<Exchange> {
    let (name, namespace, mac) = (|| "vm1".to_owned(), || "red".to_owned(), || "02:00:00:00:00:01".to_owned());
    let (text, file) = (|| "[namespace.red]\n".to_owned(), || "weft.toml".to_owned());
    let pvd = || "corp.example".to_owned();
    let log_set = LogSet { filter: "info,vhost_user=debug".to_owned(), for_s: Some(300) };
    let (macs, role, limits) = (Some(MacPolicy::Any), Some(Role::Router), Some(limits()));
    let port_set = PortSet {
        name: name(),
        macs,
        mtu: Some(9000),
        role,
        limits,
        pvds: pvds_seen(),
        inject_pvd: inject_pvd(),
        ra_guard: Some(ra_guard()),
        vf: Some(vf::asked()),
    };
    vec![
        exchange(&Status {}, &status()),
        exchange(&WorkerList {}, &WorkerListReply { workers: workers() }),
        exchange(&namespace_add(), &NamespaceReply { namespace: delegated() }),
        exchange(&NamespaceDel { name: namespace(), recursive: true, force: true, if_exists: true }, &Empty {}),
        exchange(&namespace_set(), &NamespaceReply { namespace: delegated() }),
        exchange(&namespace_delegate(), &NamespaceReply { namespace: delegated() }),
        exchange(&NamespaceUndelegate { name: namespace() }, &NamespaceReply { namespace: delegated() }),
        exchange(&NamespaceList { name: Some(namespace()) }, &namespaces()),
        exchange(&NamespaceZombies { name: Some(namespace()) }, &zombies()),
        exchange(&port_add(), &PortReply { port: port() }),
        exchange(&PortDel { name: name(), force: true, if_exists: true }, &Empty {}),
        exchange(&port_set, &PortReply { port: port() }),
        exchange(&PortList { name: Some(name()), namespace: Some(namespace()) }, &ports()),
        exchange(&PortExport { name: name() }, &handover::exported()),
        exchange(&handover::import(), &handover::imported()),
        exchange(&PortLeave { name: name(), id: handover::id() }, &PortReply { port: port() }),
        exchange(&PortStay { name: name() }, &PortStayReply { port: port(), id: handover::id() }),
        exchange(&MoveWatch { name: name(), id: handover::id() }, &handover::gone()),
        exchange(&handover::tell(), &handover::told()),
        exchange(&VfOffer { name: name() }, &VfReply { vf: vf::state() }),
        exchange(&VfRevoke { name: name() }, &VfReply { vf: vf::state() }),
        exchange(&VfSwitch { name: name(), lane: Lane::Vf }, &VfReply { vf: vf::state() }),
        exchange(&VfStatus { name: Some(name()) }, &VfStatusReply { vfs: vec![vf::state()] }),
        exchange(&link_add(), &LinkReply { ports: vec![port(), port()] }),
        exchange(&LinkDel { port: "red:up".to_owned(), if_exists: true }, &Empty {}),
        exchange(&FdbList { namespace: Some(namespace()) }, &fdb()),
        exchange(&FdbAdd { namespace: namespace(), mac: mac(), port: name() }, &Empty {}),
        exchange(&FdbDel { namespace: namespace(), mac: mac() }, &Empty {}),
        exchange(&FdbFlush { namespace: Some(namespace()) }, &FdbFlushReply { removed: 3 }),
        exchange(&PvdList { namespace: Some(namespace()) }, &pvds()),
        exchange(&PvdShow { name: pvd(), namespace: Some(namespace()) }, &pvd_shown()),
        exchange(&pvd_watch(), &news()),
        exchange(&PvdCreate { namespace: namespace(), name: pvd(), said: pvd_said() }, &pvd_stated()),
        exchange(&PvdSet { namespace: namespace(), name: pvd(), said: pvd_said() }, &pvd_stated()),
        exchange(&PvdDelete { namespace: namespace(), name: pvd(), if_exists: true }, &Empty {}),
        exchange(&PvdFetch { namespace: namespace(), name: pvd() }, &Empty {}),
        exchange(&RaList { namespace: Some(namespace()) }, &ras()),
        exchange(&RaShow { namespace: namespace(), number: 7 }, &ra_shown()),
        exchange(&RaCheck { namespace: namespace() }, &checked()),
        exchange(&ConfigCheck { text: text(), file: file() }, &Empty {}),
        exchange(&ConfigDiff { text: text(), file: file() }, &changes()),
        exchange(&ConfigShow {}, &ConfigShowReply { text: text() }),
        exchange(&ConfigApply { text: text(), file: file(), dry_run: true, force: true }, &changes()),
        exchange(&log_set, &LogSetReply { previous: "info".to_owned() }),
        exchange(&Upgrade { force: true }, &upgraded()),
        exchange(&DropReasons { name: Some("spoofed-mac".to_owned()) }, &reasons()),
    ]
}

fn exchange<M: Method>(method: &M, reply: &M::Reply) -> Exchange {
    Exchange { method: M::NAME, parameters: value(method), reply: value(reply) }
}

fn value<T: Serialize>(object: &T) -> Value {
    serde_json::to_value(object).unwrap()
}

pub(crate) fn status() -> StatusReply {
    StatusReply {
        version: "0.1.0".to_owned(),
        pid: 4711,
        uptime_s: 10_921,
        workers: workers(),
        counts: Counts { namespaces: 2, ports: 3, ports_up: 2, fdb_entries: 5, zombies: 1 },
        warnings: vec!["the memory of vm1 is not sealed".to_owned()],
    }
}

/// A worker that is told all that one can be told and is busy, and one that is neither.
pub(crate) fn workers() -> Vec<Worker> {
    let pinned = Worker {
        id: 0,
        poll: Poll::Always,
        pin: Some("2-3".to_owned()),
        sources: 3,
        busy_permille: 123,
        cycle: "tsc".to_owned(),
        work: Work { cycles: 900_000_000, busy_cycles: 90_000_000, frames: 1_000_000, bursts: 40_000, wakeups: 17 },
        lately: Work { cycles: 3_000_000, busy_cycles: 369_000, frames: 3_000, bursts: 70, wakeups: 2 },
    };
    let (work, lately) = (Work::default(), Work::default());
    let idle =
        Worker { id: 1, poll: Poll::Adaptive, pin: None, sources: 0, busy_permille: 0, work, lately, ..pinned.clone() };
    vec![pinned, idle]
}

pub(crate) fn namespace() -> Namespace {
    let usage = |resource: &str, used, max| Usage { resource: resource.to_owned(), used, max };
    let usage = vec![usage("ports", 2, Some(16)), usage("namespaces", 0, None)];
    Namespace {
        name: "red".to_owned(),
        number: 1,
        ports: 2,
        macs: 3,
        macs_max: 8192,
        age_s: 300,
        answer: Answer::WhenSilent,
        answer_within_ms: 500,
        ra_throttle_s: Some(10),
        second_source: SecondSource::Alert,
        usage,
        // In truth none of what is received; here every field is filled.
        limits: limits(),
        delegation: None,
        peers: vec![Peer { number: 1, name: Some("blue".to_owned()) }, Peer { number: 2, name: None }],
        learnt: BTreeMap::from([("answered".to_owned(), 4), ("refreshed".to_owned(), 371)]),
        counters: counters(),
    }
}

fn quotas() -> Vec<Quota> {
    let quota = |resource: &str, max| Quota { resource: resource.to_owned(), max };
    vec![quota("ports", Some(16)), quota("macs", None)]
}

/// A namespace that is delegated; in truth either to a user or to a group.
pub(crate) fn delegated() -> Namespace {
    let (socket, sockets) = ("/run/weft/red.sock".to_owned(), "/run/weft/red.sock.d".to_owned());
    let (uid, gid, role) = (Some(1000), Some(100), Grant::Admin);
    Namespace { delegation: Some(Delegation { socket, sockets, uid, gid, role, limits: limits() }), ..namespace() }
}

fn namespace_delegate() -> NamespaceDelegate {
    NamespaceDelegate {
        name: "red".to_owned(),
        socket: "/run/weft/red.sock".to_owned(),
        sockets: Some("/run/weft/red".to_owned()),
        uid: Some(1000),
        gid: Some(100),
        role: Some(Grant::Admin),
        limits: Some(limits()),
    }
}

fn namespace_set() -> NamespaceSet {
    NamespaceSet {
        name: "red".to_owned(),
        age_s: Some(60),
        answer: Some(Answer::Always),
        answer_within_ms: Some(0),
        ra_throttle_s: Some(10),
        second_source: Some(SecondSource::Deny),
        quotas: quotas(),
        limits: Some(limits()),
    }
}

fn upgraded() -> UpgradeReply {
    UpgradeReply { version: "0.2.0".to_owned(), pid: 4711, guests: 12, gap_us: 1750 }
}

fn namespaces() -> NamespaceListReply {
    NamespaceListReply { namespaces: vec![delegated()] }
}

pub(crate) fn zombies() -> NamespaceZombiesReply {
    let waits_for = vec!["a session or worker of port \"vm1\"".to_owned()];
    NamespaceZombiesReply { zombies: vec![Zombie { name: "red".to_owned(), waits_for }] }
}

fn namespace_add() -> NamespaceAdd {
    NamespaceAdd {
        name: "red".to_owned(),
        number: Some(1),
        macs_max: Some(8192),
        age_s: Some(300),
        answer: Some(Answer::Off),
        answer_within_ms: Some(500),
        ra_throttle_s: Some(0),
        second_source: Some(SecondSource::Accept),
        quotas: quotas(),
        limits: Some(limits()),
        may_exist: true,
    }
}

fn port_add() -> PortAdd {
    PortAdd {
        name: "vm1".to_owned(),
        namespace: "red".to_owned(),
        number: Some(3),
        mac: Some("02:00:00:00:00:01".to_owned()),
        // Only one of the two is said; here every field is filled.
        vhost_user: Some(VhostUser { path: "/run/weft/vm1.sock".to_owned(), mode: Mode::Client }),
        lane: Some("packet:eth0".to_owned()),
        vf: Some(vf::asked()),
        queues: Some(2),
        role: Some(Role::Uplink),
        mtu: Some(9000),
        macs: Some(MacPolicy::Any),
        limits: Some(limits()),
        pvds: pvds_seen(),
        inject_pvd: inject_pvd(),
        ra_guard: Some(ra_guard()),
        may_exist: true,
    }
}

fn limits() -> Limits {
    let rate = |rate, burst| Some(Rate { rate, burst: Some(burst) });
    Limits {
        tx_frames: rate(10_000, 1000),
        tx_bytes: rate(125_000_000, 12_500_000),
        rx_frames: rate(1_500_000, 64),
        rx_bytes: rate(1_000_000_000, 100_000_000),
        flood_frames: rate(1001, 100),
        flood_bytes: rate(65_557, 65_557),
    }
}

fn ra_guard() -> RaGuard {
    let list = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    RaGuard {
        routers: list(&["fe80::1", "fe80::2"]),
        macs: list(&["02:00:00:00:00:01"]),
        prefixes: list(&["2001:db8::/32"]),
        pvds: list(&["corp.example."]),
        pvd_required: Some(true),
        http: Some(false),
        pvd_size: Some(512),
        preference: Some(Preference::Medium),
        unrecognised: Some(true),
        learn: Some(60),
        relearn: Some(true),
    }
}

fn ra_learning() -> RaLearning {
    let list = |text: &str| vec![text.to_owned()];
    RaLearning {
        state: RaLearningState::Learning,
        left_s: Some(12),
        routers: list("fe80::1"),
        macs: list("02:00:00:00:00:01"),
        prefixes: list("2001:db8:1::/64"),
    }
}

/// A port that is up, whose counters are past what a double can hold.
pub(crate) fn port() -> Port {
    Port {
        number: 3,
        number_at_home: Some(1),
        peer: Some(1),
        spec: PortSpec {
            name: "vm1".to_owned(),
            namespace: "red".to_owned(),
            mac: "02:00:00:00:00:01".to_owned(),
            role: Role::Host,
            macs: MacPolicy::Own,
            mtu: 1500,
            queues: 1,
            limits: limits(),
            pvds: pvds_seen(),
            inject_pvd: inject_pvd(),
            ra_guard: Some(ra_guard()),
            vhost_user: Some(VhostUser { path: "/run/weft/vm1.sock".to_owned(), mode: Mode::Server }),
            // A port has one of the three; here every field is filled.
            lane: Some("packet:eth0".to_owned()),
            vf: Some(vf::asked()),
            far: Some("blue:down".to_owned()),
        },
        state: State::Up,
        reason: Some("its guest is connected".to_owned()),
        active: Some(Lane::Vf),
        lane_losses: Some(vf::losses()),
        mediated: Some(mediated()),
        ra_learning: Some(ra_learning()),
        handover: Some(Handover::Leaving),
        addresses: vec!["192.0.2.7".to_owned(), "2001:db8::7".to_owned()],
        addresses_lost: Some(3),
        unannounced: Some(2),
        features: vec!["version-1".to_owned(), "mrg-rxbuf".to_owned()],
        counters: counters(),
    }
}

fn counters() -> Counters {
    let drops = [("ring-full".to_owned(), 2), ("spoofed-mac".to_owned(), 10)];
    Counters {
        rx_frames: 100,
        tx_frames: 200,
        rx_bytes: 9_007_199_254_740_993,
        tx_bytes: 25_600,
        software_checksums: 7,
        software_segments: 21,
        snooped_advertisements: 372,
        snooped_solicitations: 4,
        snoop_missed: 1,
        drops: BTreeMap::from(drops),
    }
}

fn link_add() -> LinkAdd {
    LinkAdd { one: "red:up".to_owned(), other: "blue:down".to_owned(), mtu: Some(9000), routers: true }
}

/// Both ends of a link.
pub(crate) fn ends() -> Vec<Port> {
    let end = |number, (namespace, name): (&str, &str), far: &str| {
        let mut port = port();
        port.number = number;
        port.spec.namespace = namespace.to_owned();
        port.spec.name = name.to_owned();
        (port.spec.vhost_user, port.spec.far) = (None, Some(far.to_owned()));
        (port.spec.lane, port.spec.vf, port.active, port.lane_losses) = (None, None, None, None);
        (port.reason, port.features) = (None, Vec::new());
        port
    };
    vec![end(4, ("red", "up"), "blue:down"), end(5, ("blue", "down"), "red:up")]
}

fn ports() -> PortListReply {
    PortListReply { ports: vec![port()] }
}

/// Entries of every kind.
pub(crate) fn fdb() -> FdbListReply {
    let entry = |last: u8, kind, age_s| FdbEntry {
        namespace: "red".to_owned(),
        mac: format!("02:00:00:00:00:{last:02x}"),
        port: "vm1".to_owned(),
        kind,
        age_s,
    };
    let entries =
        vec![entry(3, FdbKind::Learned, Some(12)), entry(1, FdbKind::Port, None), entry(2, FdbKind::Static, None)];
    FdbListReply { entries }
}

/// Changes of every kind.
pub(crate) fn changes() -> ChangesReply {
    let change = |op, kind: &str, name: &str, detail: &str, disrupts| Change {
        op,
        kind: kind.to_owned(),
        name: name.to_owned(),
        detail: detail.to_owned(),
        disrupts,
    };
    let changes = vec![
        change(Operation::Add, "namespace", "blue", "", false),
        change(Operation::Change, "port", "red:vm1", "mtu 1500 -> 9000", false),
        change(Operation::Del, "port", "red:vm2", "", true),
    ];
    ChangesReply { changes }
}

pub(crate) fn reasons() -> DropReasonsReply {
    let reason =
        |name: &str, explanation: &str| DropReason { name: name.to_owned(), explanation: explanation.to_owned() };
    let reasons = vec![
        reason("ring-full", "The guest did not take frames fast enough."),
        reason("spoofed-mac", "The guest sent from a MAC that is not its own; `--macs any` allows it."),
    ];
    DropReasonsReply { reasons }
}

/// One error of every kind that is named in the interface file.
pub(crate) fn errors() -> Vec<Error> {
    let text = |text: &str| text.to_owned();
    vec![
        Error::NotFound { kind: text("port"), name: text("p9") },
        Error::Ambiguous {
            kind: text("port"),
            name: text("vm1"),
            candidates: vec![text("red:vm1"), text("red/dev:vm1")],
            more: 3,
        },
        Error::Exists { kind: text("port"), name: text("vm1") },
        Error::InUse { kind: text("namespace"), name: text("red"), by: text("port red:vm1") },
        Error::Invalid { field: text("mac"), value: text("x"), expected: text("02:00:00:00:00:01") },
        Error::Denied { action: text("port add"), needed: text("root or group weft") },
        Error::Limit { what: text("ports"), limit: 64, quota: Some(text("red")) },
        Error::Conflict { message: text("no VF of red:vm1 is offered: `weft vf offer red:vm1` first") },
        Error::Config {
            file: text("weft.toml"),
            line: 7,
            key: text("port.vm1.mtu"),
            message: text("expected a number"),
        },
        Error::Failed { message: text("cannot listen on /run/x: permission denied") },
    ]
}

fn pvd_watch() -> PvdWatch {
    let known = [("red/dev".to_owned(), 1_000_000_041)].into();
    PvdWatch { namespace: "red".to_owned(), since: Some(1_000_000_041), recursive: true, known }
}
