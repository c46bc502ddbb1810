// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Between the switch's types and those of the wire. This is the only file that knows both, so either side can change
//! without the other; what crosses here is the contract with `weft`.

mod checked;
mod learnt;
mod mediation;
mod namespace;
mod ra_guard;
mod stated;
mod times;
mod vf;
mod watch;

pub use checked::ra_checked;
pub use learnt::{pvd, pvd_shown, ra, ra_shown};
pub use mediation::mediation_edit;
pub use namespace::{answer, delegation, namespace, namespace_spec, quotas, second_source, throttle};
pub use stated::{pvd_announcement, pvd_key, pvd_statement};
pub use vf::{lane, vf_edit, vf_state};
pub use watch::pvd_news;

use crate::config::ConfigError;
use crate::runtime::{PollMode, Work, WorkerStats};
use crate::vhost_user::feature_names;
use ctl::proto::v1;
use dataplane::PortStats;
use switch::{
    Confined, Departure, FdbKey, FdbView, Handover, Limit, Limits, Mode, Name, NamespacePath, PortPath, PortRef,
    PortSpec, PortView, Rate, Refusal, VhostUser,
};
use wire::MacAddr;

/// A refusal as an error of the wire.
pub fn refusal(refusal: Refusal) -> v1::Error {
    match refusal {
        Refusal::NotFound { kind, name } => v1::Error::NotFound { kind: kind.to_string(), name: name.to_string() },
        Refusal::Ambiguous { kind, name, candidates, more } => {
            let candidates = candidates.iter().map(ToString::to_string).collect();
            v1::Error::Ambiguous { kind: kind.to_string(), name, candidates, more }
        }
        Refusal::Exists { kind, name } => v1::Error::Exists { kind: kind.to_string(), name: name.to_string() },
        Refusal::InUse { kind, name, by } => {
            v1::Error::InUse { kind: kind.to_string(), name: name.to_string(), by: by.to_string() }
        }
        Refusal::Invalid { field, value, expected } => v1::Error::Invalid { field, value, expected },
        Refusal::Limit { what, limit } => v1::Error::Limit { what: what.to_string(), limit, quota: None },
        Refusal::Depth { limit } => {
            v1::Error::Limit { what: "namespaces inside each other".to_owned(), limit, quota: None }
        }
        Refusal::Everywhere { what, limit, .. } => v1::Error::Limit { what: what.to_owned(), limit, quota: None },
        Refusal::Quota { resource, owner, limit } => {
            v1::Error::Limit { what: resource.as_str().to_owned(), limit, quota: Some(owner.to_string()) }
        }
        Refusal::Conflict { why } => v1::Error::Conflict { message: why.to_string() },
    }
}

/// A mistake in a configuration as an error of the wire.
pub fn config_error(why: ConfigError) -> v1::Error {
    v1::Error::Config { file: why.file, line: why.line, key: why.key, message: why.message }
}

/// A name that came over the wire.
///
/// # Errors
/// [`v1::Error::Invalid`] with `field`.
pub fn name(field: &str, text: &str) -> Result<Name, v1::Error> {
    Name::parse(field, text).map_err(refusal)
}

/// A name of a port, with or without its namespace, that came over the wire.
///
/// # Errors
/// [`v1::Error::Invalid`] with `field`.
pub fn port_ref(field: &str, text: &str) -> Result<PortRef, v1::Error> {
    PortRef::parse(field, text).map_err(refusal)
}

/// The full name of a port to be, that came over the wire.
///
/// # Errors
/// [`v1::Error::Invalid`] with `field`.
pub fn port_path(field: &str, text: &str) -> Result<PortPath, v1::Error> {
    let expected = "NAMESPACE:NAME, such as red/dev:up";
    text.parse().map_err(|_| refusal(Refusal::invalid(field, text, expected)))
}

/// A path of a namespace that came over the wire.
///
/// # Errors
/// [`v1::Error::Invalid`] with `field`.
pub fn path(field: &str, text: &str) -> Result<NamespacePath, v1::Error> {
    NamespacePath::parse(field, text).map_err(refusal)
}

/// A MAC address that came over the wire.
///
/// # Errors
/// [`v1::Error::Invalid`].
pub fn mac(text: &str) -> Result<MacAddr, v1::Error> {
    let expected = crate::config::MAC_EXPECTED;
    text.parse().map_err(|_| refusal(Refusal::invalid("mac", text, format!("a MAC address, {expected}"))))
}

/// The key of a MAC table entry that came over the wire.
///
/// # Errors
/// [`v1::Error::Invalid`].
pub fn fdb_key(namespace: &str, address: &str) -> Result<FdbKey, v1::Error> {
    Ok((path("namespace", namespace)?, mac(address)?).into())
}

/// The port that an entry shall lead to: one of the namespace that the entry is in, which may be said or not.
///
/// # Errors
/// [`v1::Error::Invalid`].
pub fn port_of(text: &str, key: &FdbKey) -> Result<Name, v1::Error> {
    let PortRef { namespace, name } = port_ref("port", text)?;
    match namespace.is_none_or(|said| said == key.namespace) {
        true => Ok(name),
        false => Err(refusal(Refusal::invalid("port", text, format!("a port of namespace {}", key.namespace)))),
    }
}

/// What a `PortAdd` asks for, defaults filled in. What a delegate says is `confined`.
///
/// # Errors
/// [`v1::Error::Invalid`].
pub fn port_spec(port: &Name, asked: &v1::PortAdd, confined: Option<Confined>) -> Result<PortSpec, v1::Error> {
    let namespace = path("namespace", &asked.namespace)?;
    let mut spec = match (&asked.vhost_user, &asked.lane) {
        (Some(vhost_user), None) => PortSpec::new(port, namespace, vhost_user_meant(vhost_user)),
        (None, Some(lane)) => PortSpec::device(port, namespace, vf::lane_spec("lane", lane)?),
        (vhost_user, _) => {
            let value = if vhost_user.is_some() { "both" } else { "neither" };
            return Err(refusal(Refusal::invalid("vhost_user, lane", value, "one of them")));
        }
    };
    spec.vf = vf_edit(asked.vf.as_ref(), None, confined.clone())?.over(None).map_err(refusal)?;
    spec.confined = confined;
    if let Some(text) = &asked.mac {
        spec.mac = mac(text)?;
    }
    spec.role = asked.role.map_or(spec.role, role);
    spec.macs = asked.macs.map_or(switch::default_macs(spec.role), macs);
    spec.mtu = asked.mtu.unwrap_or(spec.mtu);
    spec.queue_pairs = asked.queues.unwrap_or(spec.queue_pairs);
    limits(asked.limits.as_ref()).into_iter().for_each(|(limit, rate)| spec.limits.set(limit, rate));
    let mediation = mediation_edit(asked.pvds.as_deref(), asked.inject_pvd.as_ref(), asked.ra_guard.as_ref())?;
    spec.mediation = mediation.over(spec.mediation);
    Ok(spec)
}

/// A role that came over the wire.
pub fn role(role: v1::Role) -> switch::Role {
    match role {
        v1::Role::Host => switch::Role::Host,
        v1::Role::Router => switch::Role::Router,
        v1::Role::Uplink => switch::Role::Uplink,
        v1::Role::Monitor => switch::Role::Monitor,
    }
}

/// A MAC policy that came over the wire.
pub fn macs(macs: v1::MacPolicy) -> switch::MacPolicy {
    match macs {
        v1::MacPolicy::Own => switch::MacPolicy::Own,
        v1::MacPolicy::Any => switch::MacPolicy::Any,
    }
}

/// Limits that came over the wire, each with its new rate, or `None` where it is to go.
pub fn limits(asked: Option<&v1::Limits>) -> Vec<(Limit, Option<Rate>)> {
    let rate = |limit: Limit, v1::Rate { rate: per_second, burst }| {
        let burst = burst.unwrap_or_else(|| limit.burst_default(per_second));
        (limit, (per_second > 0).then_some(Rate { per_second, burst }))
    };
    let said = asked.into_iter().flat_map(v1::Limits::iter);
    said.filter_map(|(name, asked)| Some(rate(Limit::of_name(name)?, asked))).collect()
}

fn limits_said(limits: &Limits) -> v1::Limits {
    let rate =
        |limit| limits.get(limit).map(|Rate { per_second, burst }| v1::Rate { rate: per_second, burst: Some(burst) });
    v1::Limits {
        tx_frames: rate(Limit::TxFrames),
        tx_bytes: rate(Limit::TxBytes),
        rx_frames: rate(Limit::RxFrames),
        rx_bytes: rate(Limit::RxBytes),
        flood_frames: rate(Limit::FloodFrames),
        flood_bytes: rate(Limit::FloodBytes),
    }
}

/// A port for the wire.
pub fn port(view: PortView) -> v1::Port {
    v1::Port {
        number: view.number,
        number_at_home: Some(view.number_at_home).filter(|number| *number != view.number),
        spec: port_said(view.name.as_str(), &view.spec, view.far),
        peer: view.peer,
        state: match view.state {
            switch::State::Down => v1::State::Down,
            switch::State::Connecting => v1::State::Connecting,
            switch::State::Up => v1::State::Up,
            switch::State::Broken => v1::State::Broken,
        },
        active: vf::active(view.vf.as_ref()),
        lane_losses: view.lane_losses.map(vf::losses),
        reason: view.reason,
        mediated: mediation::mediated(&view.mediated),
        ra_learning: ra_guard::learning_said(&view.ra_learning),
        handover: view.handover.map(handover),
        addresses: view.addresses.iter().map(|address| address.ip.to_string()).collect(),
        addresses_lost: (view.addresses_lost > 0).then_some(view.addresses_lost),
        unannounced: (view.unannounced > 0).then_some(view.unannounced),
        features: feature_names(view.features),
        counters: counters(&view.stats),
    }
}

fn counters(stats: &PortStats) -> v1::Counters {
    let drops = stats.drops.nonzero().map(|(reason, count)| (reason.name().to_owned(), count));
    v1::Counters {
        rx_frames: stats.rx.frames,
        tx_frames: stats.tx.frames,
        rx_bytes: stats.rx.bytes,
        tx_bytes: stats.tx.bytes,
        software_checksums: stats.software_checksums,
        software_segments: stats.software_segments,
        snooped_advertisements: stats.snooped.advertisements,
        snooped_solicitations: stats.snooped.solicitations,
        snoop_missed: stats.snooped.lost,
        drops: drops.collect(),
    }
}

fn handover(stands: Handover) -> v1::Handover {
    match stands {
        Handover::Staged => v1::Handover::Staged,
        Handover::Leaving => v1::Handover::Leaving,
        Handover::Moved => v1::Handover::Moved,
    }
}

/// Where the guest of a port is that leaves.
pub fn departure(guest: Departure) -> v1::Departure {
    match guest {
        Departure::Runs => v1::Departure::Runs,
        Departure::Stopped => v1::Departure::Stopped,
        Departure::Gone => v1::Departure::Gone,
        Departure::Stays => v1::Departure::Stays,
    }
}

/// The same, as another weftd knows it.
pub fn departure_meant(guest: v1::Departure) -> Departure {
    match guest {
        v1::Departure::Runs => Departure::Runs,
        v1::Departure::Stopped => Departure::Stopped,
        v1::Departure::Gone => Departure::Gone,
        v1::Departure::Stays => Departure::Stays,
    }
}

/// How a guest attaches, that came over the wire.
pub fn vhost_user_meant(asked: &v1::VhostUser) -> VhostUser {
    let mode = match asked.mode {
        v1::Mode::Server => Mode::Server,
        v1::Mode::Client => Mode::Client,
    };
    VhostUser { path: asked.path.clone(), mode }
}

fn vhost_user(said: &VhostUser) -> v1::VhostUser {
    let mode = match said.mode {
        Mode::Server => v1::Mode::Server,
        Mode::Client => v1::Mode::Client,
    };
    v1::VhostUser { path: said.path.clone(), mode }
}

fn port_said(name: &str, spec: &PortSpec, far: Option<PortPath>) -> v1::PortSpec {
    let (pvds, inject_pvd) = mediation::said(&spec.mediation);
    v1::PortSpec {
        name: name.to_owned(),
        namespace: spec.namespace.to_string(),
        mac: spec.mac.to_string(),
        role: match spec.role {
            switch::Role::Host => v1::Role::Host,
            switch::Role::Router => v1::Role::Router,
            switch::Role::Uplink => v1::Role::Uplink,
            switch::Role::Monitor => v1::Role::Monitor,
        },
        macs: match spec.macs {
            switch::MacPolicy::Own => v1::MacPolicy::Own,
            switch::MacPolicy::Any => v1::MacPolicy::Any,
        },
        mtu: spec.mtu,
        queues: spec.queue_pairs,
        limits: limits_said(&spec.limits),
        pvds,
        inject_pvd,
        ra_guard: ra_guard::ra_guard_said(&spec.mediation),
        vhost_user: spec.vhost_user().map(vhost_user),
        lane: spec.device_lane().map(ToString::to_string),
        vf: spec.vf.as_ref().map(vf::vf_said),
        far: far.map(|far| far.to_string()),
    }
}

/// An entry of a MAC table for the wire.
pub fn fdb_entry(view: &FdbView) -> v1::FdbEntry {
    v1::FdbEntry {
        namespace: view.namespace.to_string(),
        mac: view.mac.to_string(),
        port: view.port.to_string(),
        kind: match view.kind {
            dataplane::Kind::Port => v1::FdbKind::Port,
            dataplane::Kind::Static => v1::FdbKind::Static,
            dataplane::Kind::Learned => v1::FdbKind::Learned,
            dataplane::Kind::Away => v1::FdbKind::Away,
        },
        age_s: view.age.map(|age| age.as_secs()),
    }
}

/// A change for the wire.
pub fn change(change: switch::Change) -> v1::Change {
    v1::Change {
        op: match change.op {
            switch::Op::Add => v1::Operation::Add,
            switch::Op::Del => v1::Operation::Del,
            switch::Op::Set => v1::Operation::Change,
        },
        kind: change.kind.to_string(),
        name: change.name,
        detail: change.detail,
        disrupts: change.disrupts,
    }
}

/// A worker for the wire; `lately` is what it did in the last second.
pub fn worker(id: usize, stats: &WorkerStats, lately: &Work) -> v1::Worker {
    v1::Worker {
        id: id as u32,
        poll: match stats.spec.poll {
            PollMode::Adaptive => v1::Poll::Adaptive,
            PollMode::Always => v1::Poll::Always,
            PollMode::Never => v1::Poll::Never,
        },
        pin: stats.spec.pin.as_ref().map(ToString::to_string),
        sources: stats.sources as u64,
        busy_permille: lately.busy_permille(),
        cycle: sys::CYCLE.to_owned(),
        work: work(&stats.work),
        lately: work(lately),
    }
}

fn work(work: &Work) -> v1::Work {
    let Work { cycles, busy_cycles, frames, bursts, wakeups } = *work;
    v1::Work { cycles, busy_cycles, frames, bursts, wakeups }
}

/// Why frames are dropped: the reason of that name, or all.
///
/// # Errors
/// [`v1::Error::NotFound`].
pub fn drop_reasons(only: Option<&str>) -> Result<v1::DropReasonsReply, v1::Error> {
    let chosen = dataplane::DropReason::ALL.iter().filter(|reason| only.is_none_or(|name| reason.name() == name));
    let reasons: Vec<v1::DropReason> = chosen
        .map(|reason| v1::DropReason { name: reason.name().to_owned(), explanation: reason.explain().to_owned() })
        .collect();
    match only.filter(|_| reasons.is_empty()) {
        Some(name) => Err(v1::Error::NotFound { kind: "drop reason".to_owned(), name: name.to_owned() }),
        None => Ok(v1::DropReasonsReply { reasons }),
    }
}
