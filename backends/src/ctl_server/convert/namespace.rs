// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Namespaces: what is asked of one, in whose hands it is, and what it is like.

use super::{checked, counters, limits, limits_said, refusal};
use ctl::proto::v1;
use std::time::Duration;
use switch::{
    AnswerPolicy, Delegate, Delegation, Grant, Limits, NamespaceSpec, NamespaceView, PeerView, Refusal, Resource,
    SecondSource,
};

/// Quotas that came over the wire.
///
/// # Errors
/// [`v1::Error::Invalid`]: there is no such resource.
pub fn quotas(asked: &[v1::Quota]) -> Result<Vec<(Resource, Option<u64>)>, v1::Error> {
    let expected = Resource::ALL.map(Resource::as_str).join(", ");
    let unknown = |quota: &v1::Quota| refusal(Refusal::invalid("quota", &quota.resource, expected.as_str()));
    asked.iter().map(|q| Ok((Resource::of(&q.resource).ok_or_else(|| unknown(q))?, q.max))).collect()
}

/// What a `NamespaceAdd` asks for.
///
/// # Errors
/// [`v1::Error::Invalid`].
pub fn namespace_spec(asked: &v1::NamespaceAdd) -> Result<NamespaceSpec, v1::Error> {
    let mut spec = NamespaceSpec::default();
    if let Some(macs) = asked.macs_max {
        // Beyond the type it is beyond the limit too, which the switch knows and tells.
        spec.macs_max = u32::try_from(macs).unwrap_or(u32::MAX);
    }
    if let Some(age) = asked.age_s {
        spec.age = Duration::from_secs(age);
    }
    spec.answering.policy = asked.answer.map_or(spec.answering.policy, answer);
    spec.ra_throttle = asked.ra_throttle_s.and_then(throttle);
    spec.second_source = asked.second_source.map_or(spec.second_source, second_source);
    spec.answering.within = asked.answer_within_ms.map_or(spec.answering.within, Duration::from_millis);
    spec.quotas = spec.quotas.with(&quotas(&asked.quotas)?);
    limits(asked.limits.as_ref()).into_iter().for_each(|(limit, rate)| spec.limits.set(limit, rate));
    Ok(spec)
}

/// When a namespace is to answer.
pub fn answer(asked: v1::Answer) -> AnswerPolicy {
    match asked {
        v1::Answer::Off => AnswerPolicy::Off,
        v1::Answer::WhenSilent => AnswerPolicy::WhenSilent,
        v1::Answer::Always => AnswerPolicy::Always,
    }
}

/// For how long repetitions are to be held back; 0 is not at all.
pub fn throttle(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// What is to come of a second source.
pub fn second_source(asked: v1::SecondSource) -> SecondSource {
    match asked {
        v1::SecondSource::Accept => SecondSource::Accept,
        v1::SecondSource::Alert => SecondSource::Alert,
        v1::SecondSource::Deny => SecondSource::Deny,
    }
}

fn answer_said(policy: AnswerPolicy) -> v1::Answer {
    match policy {
        AnswerPolicy::Off => v1::Answer::Off,
        AnswerPolicy::WhenSilent => v1::Answer::WhenSilent,
        AnswerPolicy::Always => v1::Answer::Always,
    }
}

/// What a `NamespaceDelegate` asks for.
///
/// # Errors
/// [`v1::Error::Invalid`]: it is not for either a user or a group.
pub fn delegation(asked: &v1::NamespaceDelegate) -> Result<Delegation, v1::Error> {
    let to = match (asked.uid, asked.gid) {
        (Some(uid), None) => Delegate::Uid(uid),
        (None, Some(gid)) => Delegate::Gid(gid),
        (uid, _) => {
            let value = if uid.is_some() { "both" } else { "neither" };
            return Err(refusal(Refusal::invalid("uid, gid", value, "one of them")));
        }
    };
    let grant = match asked.role.unwrap_or_default() {
        v1::Grant::Reader => Grant::Reader,
        v1::Grant::Admin => Grant::Admin,
    };
    let directory = asked.sockets.clone().unwrap_or_else(|| Delegation::directory_default(&asked.socket));
    let mut said = Limits::default();
    limits(asked.limits.as_ref()).into_iter().for_each(|(limit, rate)| said.set(limit, rate));
    Ok(Delegation { socket: asked.socket.clone(), directory, to, grant, limits: said, confined: None })
}

fn delegation_said(Delegation { socket, directory, to, grant, limits, .. }: &Delegation) -> v1::Delegation {
    let (uid, gid) = match *to {
        Delegate::Uid(uid) => (Some(uid), None),
        Delegate::Gid(gid) => (None, Some(gid)),
    };
    let role = match grant {
        Grant::Reader => v1::Grant::Reader,
        Grant::Admin => v1::Grant::Admin,
    };
    v1::Delegation { socket: socket.clone(), sockets: directory.clone(), uid, gid, role, limits: limits_said(limits) }
}

/// A namespace for the wire.
pub fn namespace(view: &NamespaceView) -> v1::Namespace {
    let usage = |resource: Resource| {
        let (used, max) = (view.usage.get(resource), view.spec.quotas.get(resource));
        let said = used > 0 || max.is_some();
        said.then(|| v1::Usage { resource: resource.as_str().to_owned(), used, max })
    };
    v1::Namespace {
        name: view.path.to_string(),
        number: view.number,
        ports: view.ports as u64,
        macs: view.macs.into(),
        macs_max: view.spec.macs_max.into(),
        age_s: view.spec.age.as_secs(),
        answer: answer_said(view.spec.answering.policy),
        ra_throttle_s: view.spec.ra_throttle.map(|throttle| throttle.as_secs()),
        second_source: match view.spec.second_source {
            SecondSource::Accept => v1::SecondSource::Accept,
            SecondSource::Alert => v1::SecondSource::Alert,
            SecondSource::Deny => v1::SecondSource::Deny,
        },
        answer_within_ms: view.spec.answering.within.as_millis() as u64,
        usage: Resource::ALL.into_iter().filter_map(usage).collect(),
        limits: limits_said(&view.spec.limits),
        learnt: checked::learnt(&view.learnt),
        counters: counters(&view.stats),
        peers: view.peers.iter().map(peer).collect(),
        delegation: view.spec.delegation.as_ref().map(delegation_said),
    }
}

fn peer(PeerView { number, path }: &PeerView) -> v1::Peer {
    v1::Peer { number: *number, name: path.as_ref().map(ToString::to_string) }
}
