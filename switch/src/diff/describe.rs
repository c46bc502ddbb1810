// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A difference in words. One line for each object that an operator would recognise as changed: an object that is
//! merely taken away and put back because of another one's change shows as changed too, for its guest notices.

use super::{Change, Leaving, Op};
use crate::delegation::Delegation;
use crate::desired::{Desired, FdbKey};
use crate::name::Name;
use crate::path::NamespacePath;
use crate::quota::Resource;
use crate::ra_guard;
use crate::rates;
use crate::reference::PortPath;
use crate::refusal::Kind;
use crate::spec::{Lane, NamespaceSpec, PortSpec, VhostUser};
use crate::stated::{self, PvdKey};
use crate::vf::VfSpec;
use crate::words::{macs_word, role_word};
use pvd::Statement;

pub(super) fn changes(old: &Desired, new: &Desired, leaving: &Leaving) -> Vec<Change> {
    let mut all = namespaces(old, new);
    all.extend(ports(old, new, leaving));
    all.extend(entries(old, new));
    all.extend(pvds(old, new));
    all.sort_by_key(|change| change.op);
    all
}

fn change(op: Op, kind: Kind, name: impl Into<String>, detail: String, disrupts: bool) -> Change {
    Change { op, kind, name: name.into(), detail, disrupts }
}

pub(crate) fn namespace(op: Op, path: &NamespacePath) -> Change {
    change(op, Kind::Namespace, path.as_str(), String::new(), false)
}

pub(crate) fn namespace_set(path: &NamespacePath, old: &NamespaceSpec, new: &NamespaceSpec, disrupts: bool) -> Change {
    change(Op::Set, Kind::Namespace, path.as_str(), namespace_detail(old, new), disrupts)
}

pub(crate) fn port(op: Op, path: &PortPath, spec: &PortSpec) -> Change {
    let behind = match &spec.lane {
        Lane::VhostUser(_) => String::new(),
        Lane::Link(far) => format!(", linked with {far}"),
        Lane::Device(lane) => format!(", on {lane}"),
    };
    change(op, Kind::Port, path.to_string(), format!("mac {}{behind}", spec.mac), op == Op::Del)
}

pub(crate) fn port_set(path: &PortPath, old: &PortSpec, new: &PortSpec, disrupts: bool) -> Change {
    change(Op::Set, Kind::Port, path.to_string(), port_detail(old, new), disrupts)
}

pub(crate) fn entry(op: Op, key: &FdbKey, port: &Name) -> Change {
    change(op, Kind::Fdb, key.label(), format!("port {port}"), false)
}

pub(crate) fn pvd(op: Op, key: &PvdKey) -> Change {
    change(op, Kind::Pvd, key.label(), String::new(), false)
}

pub(crate) fn pvd_set(key: &PvdKey, old: &Statement, new: &Statement) -> Change {
    change(Op::Set, Kind::Pvd, key.label(), differing(stated::pairs(old, new)), false)
}

fn namespaces(old: &Desired, new: &Desired) -> Vec<Change> {
    let gone = old.namespaces().keys().filter(|path| !new.namespaces().contains_key(path));
    let mut all: Vec<Change> = gone.map(|path| namespace(Op::Del, path)).collect();
    for (path, spec) in new.namespaces() {
        match old.namespaces().get(path) {
            None => all.push(namespace(Op::Add, path)),
            Some(before) if before != spec => {
                let resized = before.macs_max != spec.macs_max;
                let disrupts = resized && old.ports_within(path).next().is_some();
                all.push(namespace_set(path, before, spec, disrupts));
            }
            Some(_) => {}
        }
    }
    all
}

fn ports(old: &Desired, new: &Desired, leaving: &Leaving) -> Vec<Change> {
    let gone = old.ports().iter().filter(|(path, _)| !new.ports().contains_key(*path));
    let mut all: Vec<Change> = gone.map(|(path, spec)| port(Op::Del, path, spec)).collect();
    for (path, spec) in new.ports() {
        let disrupts = leaving.ports.contains(path);
        match old.ports().get(path) {
            None => all.push(port(Op::Add, path, spec)),
            Some(before) if before != spec || disrupts => all.push(port_set(path, before, spec, disrupts)),
            Some(_) => {}
        }
    }
    all
}

fn entries(old: &Desired, new: &Desired) -> Vec<Change> {
    let gone = old.fdb().iter().filter(|(key, _)| !new.fdb().contains_key(key));
    let mut all: Vec<Change> = gone.map(|(key, port)| entry(Op::Del, key, port)).collect();
    for (key, port) in new.fdb() {
        match old.fdb().get(key) {
            None => all.push(entry(Op::Add, key, port)),
            Some(before) if before != port => {
                all.push(change(Op::Set, Kind::Fdb, key.label(), format!("port {before} -> {port}"), false));
            }
            Some(_) => {}
        }
    }
    all
}

fn pvds(old: &Desired, new: &Desired) -> Vec<Change> {
    let gone = old.pvds().keys().filter(|key| !new.pvds().contains_key(key));
    let mut all: Vec<Change> = gone.map(|key| pvd(Op::Del, key)).collect();
    for (key, said) in new.pvds() {
        match old.pvds().get(key) {
            None => all.push(pvd(Op::Add, key)),
            Some(before) if before != said => all.push(pvd_set(key, before, said)),
            Some(_) => {}
        }
    }
    all
}

fn namespace_detail(old: &NamespaceSpec, new: &NamespaceSpec) -> String {
    let quota = |spec: &NamespaceSpec, resource| spec.quotas.get(resource).map_or("none".into(), |n| n.to_string());
    let own = [
        ("macs-max".to_owned(), old.macs_max.to_string(), new.macs_max.to_string()),
        ("age".to_owned(), format!("{}s", old.age.as_secs()), format!("{}s", new.age.as_secs())),
        ("answer".to_owned(), old.answering.policy.as_str().to_owned(), new.answering.policy.as_str().to_owned()),
        ("answer-within".to_owned(), within(old), within(new)),
        ("ra-throttle".to_owned(), throttle(old), throttle(new)),
        ("second-source".to_owned(), old.second_source.as_str().to_owned(), new.second_source.as_str().to_owned()),
    ];
    let quotas = Resource::ALL.map(|r| (format!("quotas.{}", r.as_str()), quota(old, r), quota(new, r)));
    let held = |spec: &NamespaceSpec| spec.delegation.as_ref().map_or("none".into(), Delegation::label);
    let delegation = ("delegation".to_owned(), held(old), held(new));
    let told = |spec: &NamespaceSpec| spec.pvdd.as_ref().map_or("none".into(), ToString::to_string);
    let pvdd = ("pvdd".to_owned(), told(old), told(new));
    let limits = rates::pairs(&old.limits, &new.limits).map(|(name, old, new)| (name.to_owned(), old, new));
    differing(own.into_iter().chain(quotas).chain(limits).chain([delegation, pvdd]))
}

fn within(spec: &NamespaceSpec) -> String {
    format!("{}ms", spec.answering.within.as_millis())
}

fn port_detail(old: &PortSpec, new: &PortSpec) -> String {
    let pairs = [
        ("mac", old.mac.to_string(), new.mac.to_string()),
        ("role", role_word(old.role).into(), role_word(new.role).into()),
        ("macs", macs_word(old.macs).into(), macs_word(new.macs).into()),
        ("mtu", old.mtu.to_string(), new.mtu.to_string()),
        ("queues", old.queue_pairs.to_string(), new.queue_pairs.to_string()),
        ("vhost-user", socket(old, |socket| socket.path.clone()), socket(new, |socket| socket.path.clone())),
        ("mode", socket(old, |socket| socket.mode.as_str().into()), socket(new, |socket| socket.mode.as_str().into())),
        ("link", far(old), far(new)),
        ("lane", device(old), device(new)),
        ("vf", vf(old), vf(new)),
        ("pvds", old.mediation.sight_label(), new.mediation.sight_label()),
        ("inject-pvd", old.mediation.inject_label(), new.mediation.inject_label()),
        ("ra-guard-learn", old.mediation.learn_label(), new.mediation.learn_label()),
    ];
    let rules = ra_guard::pairs(&old.mediation.guard, &new.mediation.guard);
    match differing(pairs.into_iter().chain(rates::pairs(&old.limits, &new.limits)).chain(rules)) {
        detail if detail.is_empty() => "attached anew: its namespace changes".into(),
        detail => detail,
    }
}

fn socket(spec: &PortSpec, part: impl Fn(&VhostUser) -> String) -> String {
    spec.vhost_user().map_or("none".into(), part)
}

fn far(spec: &PortSpec) -> String {
    spec.far().map_or("none".into(), ToString::to_string)
}

fn device(spec: &PortSpec) -> String {
    spec.device_lane().map_or("none".into(), ToString::to_string)
}

fn vf(spec: &PortSpec) -> String {
    spec.vf.as_ref().map_or("none".into(), VfSpec::label)
}

fn differing<K: std::fmt::Display>(pairs: impl IntoIterator<Item = (K, String, String)>) -> String {
    let differing = pairs.into_iter().filter(|(_, old, new)| old != new);
    differing.map(|(key, old, new)| format!("{key} {old} -> {new}")).collect::<Vec<_>>().join(", ")
}

fn throttle(spec: &NamespaceSpec) -> String {
    spec.ra_throttle.map_or("none".into(), |throttle| format!("{}s", throttle.as_secs()))
}
