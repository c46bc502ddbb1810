// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a configuration means. Objects are added to a [`Desired`] one by one, which refuses what does not fit; the
//! refusal is then put beside the key that caused it.

use super::low::{self, Number, Text};
use super::mistake::{Mistake, line_of};
use super::{Config, daemon, mediation, pvds, vf};
use pvd::DELAY_MAX;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;
use switch::{
    AnswerPolicy, Confined, Delegate, Delegation, Desired, Grant, Kind, Lane, LaneSpec, Name, NamespacePath,
    NamespaceSpec, PortSpec, Refusal, Resource, Role, TextSocket, limits,
};
use wire::MacAddr;

/// What a MAC address looks like, for error texts here and on the control socket.
pub(crate) const MAC_EXPECTED: &str = "six hex pairs, e.g. 02:00:00:00:00:01";

pub(super) fn config(text: &str) -> Result<Config, Mistake> {
    let file: low::File = toml::from_str(text).map_err(|why| Mistake::of_toml(&why))?;
    let mut desired = Desired::default();
    // What a namespace lies in may stand below it in the file.
    let mut namespaces: Vec<&low::Namespace> = file.namespace.iter().collect();
    namespaces.sort_by_key(|namespace| namespace.name.get_ref().matches('/').count());
    for namespace in namespaces {
        add_namespace(&mut desired, namespace)?;
    }
    for (i, port) in file.port.iter().enumerate() {
        let same = |other: &&low::Port| full_name(other) == full_name(port);
        let twin = file.port[..i].iter().find(same);
        if let Some(twin) = twin {
            return Err(defined_twice(port, line_of(text, twin.name.span().start)));
        }
        add_port(&mut desired, port)?;
    }
    for link in &file.link {
        add_link(&mut desired, link)?;
    }
    for entry in &file.fdb {
        add_fdb(&mut desired, entry)?;
    }
    for pvd in &file.pvd {
        pvds::add(&mut desired, pvd)?;
    }
    Ok(Config { desired, settings: daemon::settings(&file)? })
}

fn add_namespace(desired: &mut Desired, low: &low::Namespace) -> Result<(), Mistake> {
    let mut spec = NamespaceSpec::default();
    if let Some(macs) = &low.macs_max {
        let (least, most) = limits::MACS_RANGE;
        spec.macs_max = number(macs, i64::from(least)..=i64::from(most))?;
    }
    if let Some(age) = &low.age {
        let (least, most) = limits::AGE_RANGE_SECONDS;
        spec.age = Duration::from_secs(number(age, least as i64..=most as i64)?);
    }
    if let Some(answer) = &low.answer {
        spec.answering.policy = known(answer, AnswerPolicy::of, "off, when-silent or always")?;
    }
    if let Some(within) = &low.answer_within {
        spec.answering.within = Duration::from_millis(number(within, 0..=DELAY_MAX.as_millis() as i64)?);
    }
    if let Some(throttle) = &low.ra_throttle {
        let (least, most) = limits::RA_THROTTLE_RANGE_SECONDS;
        spec.ra_throttle = Some(Duration::from_secs(number(throttle, least as i64..=most as i64)?));
    }
    for (resource, quota) in [
        (Resource::Namespaces, &low.quotas.namespaces),
        (Resource::Ports, &low.quotas.ports),
        (Resource::Macs, &low.quotas.macs),
        (Resource::Pvds, &low.quotas.pvds),
        (Resource::RaEntries, &low.quotas.ra_entries),
    ] {
        spec.quotas.set(resource, quota.as_ref().map(|quota| number(quota, 0..=i64::MAX)).transpose()?);
    }
    spec.limits = low.limits.meaning()?;
    spec.delegation = low.delegation.as_ref().map(delegation).transpose()?;
    spec.pvdd = low.pvdd.as_ref().map(text_socket).transpose()?;
    let result = desired.add_namespace(path(&low.name)?, spec);
    // Limits of a delegation have the same names, so they are looked for where there is none of the namespace's own.
    let told = low.pvdd.as_ref().map(|text| ("vhost-user", text.span()));
    let keys: Vec<_> = low.limits.keys().chain(low.delegation.iter().flat_map(delegation_keys)).chain(told).collect();
    result.map_err(|refusal| at_key(&refusal, low.name.span(), &keys))
}

fn text_socket(text: &Text) -> Result<TextSocket, Mistake> {
    TextSocket::parse(text.get_ref()).map_err(|refusal| at_key(&refusal, text.span(), &[]))
}

fn delegation(low: &low::Delegation) -> Result<Delegation, Mistake> {
    let to = delegate(low.uid.as_ref(), low.gid.as_ref(), &low.listen)?;
    let socket = low.listen.get_ref().clone();
    let directory =
        low.sockets.as_ref().map_or_else(|| Delegation::directory_default(&socket), |s| s.get_ref().clone());
    let grant = match &low.role {
        Some(role) => known(role, Grant::of, "admin or reader")?,
        None => Grant::Admin,
    };
    let confined = low.confined.as_ref().map(confined).transpose()?;
    Ok(Delegation { socket, directory, to, grant, limits: low.limits.meaning()?, confined })
}

/// Whose something is that is in the directory, or at the socket, of `path`.
fn delegate(uid: Option<&Number>, gid: Option<&Number>, path: &Text) -> Result<Delegate, Mistake> {
    let range = 0..=i64::from(u32::MAX - 1);
    match (uid, gid) {
        (Some(uid), None) => Ok(Delegate::Uid(number(uid, range)?)),
        (None, Some(gid)) => Ok(Delegate::Gid(number(gid, range)?)),
        _ => Err(Mistake::new(path.span(), "say either uid or gid: whom the namespace is delegated to")),
    }
}

pub(super) fn confined(low: &low::Confined) -> Result<Confined, Mistake> {
    if !low.beneath.get_ref().starts_with('/') {
        return Err(not(&low.beneath, "an absolute path", "a path that begins with /"));
    }
    let owner = delegate(low.uid.as_ref(), low.gid.as_ref(), &low.beneath)?;
    Ok(Confined { beneath: low.beneath.get_ref().clone(), owner })
}

fn delegation_keys(low: &low::Delegation) -> Vec<(&'static str, Range<usize>)> {
    let sockets = low.sockets.as_ref().unwrap_or(&low.listen).span();
    let paths = [("socket", low.listen.span()), ("sockets", sockets), ("vhost-user", low.listen.span())];
    paths.into_iter().chain(low.limits.keys()).collect()
}

fn add_port(desired: &mut Desired, low: &low::Port) -> Result<(), Mistake> {
    let port = name(&low.name)?;
    let mut spec = match vf::behind(low)? {
        Lane::VhostUser(vhost_user) => PortSpec::new(&port, path(&low.namespace)?, vhost_user),
        lane => PortSpec { lane, ..PortSpec::device(&port, path(&low.namespace)?, LaneSpec::Null) },
    };
    spec.vf = low.vf.as_ref().map(vf::Vf::meaning).transpose()?;
    if let Some(text) = &low.mac {
        spec.mac = mac(text)?;
    }
    spec.role = role(low.role.as_ref())?.unwrap_or(spec.role);
    spec.macs = match &low.macs {
        Some(macs) => known(macs, switch::macs_of, "own or any")?,
        None => switch::default_macs(spec.role),
    };
    spec.mtu = mtu(low.mtu.as_ref())?.unwrap_or(spec.mtu);
    if let Some(queues) = &low.queues {
        spec.queue_pairs = number(queues, 1..=i64::from(limits::QUEUE_PAIRS_MAX))?;
    }
    spec.limits = low.limits.meaning()?;
    let (pvds, inject) = (low.pvds.as_ref(), low.inject_pvd.as_ref());
    spec.mediation = mediation::meaning(pvds, inject)?;
    (spec.mediation.guard, spec.mediation.learn) = (low.ra_guard.meaning()?, low.ra_guard.learn()?);
    spec.confined = low.confined.as_ref().map(confined).transpose()?;
    let mac_span = low.mac.as_ref().map_or(low.name.span(), Text::span);
    let keys = [("namespace", low.namespace.span()), ("mac", mac_span)];
    let keys = keys.into_iter().chain(vf::keys(low)).chain(low.limits.keys()).chain(mediation::keys(pvds, inject));
    let keys: Vec<_> = keys.chain(low.ra_guard.keys()).collect();
    let mistake = |refusal| vf::taken(&refusal, low).unwrap_or_else(|| at_key(&refusal, low.name.span(), &keys));
    desired.add_port(port, spec).map_err(mistake)
}

fn add_link(desired: &mut Desired, low: &low::Link) -> Result<(), Mistake> {
    let bad = |text: &Text| not(text, "a port to be", "NAMESPACE:NAME");
    let end = |text: &Text| text.get_ref().parse().map_err(|_| bad(text));
    let ends = switch::link_ends(&[end(&low.one)?, end(&low.other)?], mtu(low.mtu.as_ref())?, low.routers);
    let said = [(&low.one, &low.at_one), (&low.other, &low.at_other)];
    for ((name, mut spec), (text, own)) in ends.into_iter().zip(said) {
        spec.role = role(own.role.as_ref())?.unwrap_or(spec.role);
        spec.mtu = mtu(own.mtu.as_ref())?.unwrap_or(spec.mtu);
        spec.limits = own.limits.meaning()?;
        let (pvds, inject) = (own.pvds.as_ref(), own.inject_pvd.as_ref());
        spec.mediation = mediation::meaning(pvds, inject)?;
        (spec.mediation.guard, spec.mediation.learn) = (own.ra_guard.meaning()?, own.ra_guard.learn()?);
        let keys = own.limits.keys().chain(mediation::keys(pvds, inject)).chain(own.ra_guard.keys());
        let keys: Vec<_> = keys.collect();
        desired.add_port(name, spec).map_err(|refusal| at_key(&refusal, text.span(), &keys))?;
    }
    Ok(())
}

fn role(text: Option<&Text>) -> Result<Option<Role>, Mistake> {
    text.map(|text| known(text, switch::role_of, "host, router or uplink")).transpose()
}

fn mtu(said: Option<&Number>) -> Result<Option<u16>, Mistake> {
    said.map(|mtu| number(mtu, i64::from(limits::MTU_MIN)..=i64::from(limits::MTU_MAX))).transpose()
}

fn add_fdb(desired: &mut Desired, low: &low::Fdb) -> Result<(), Mistake> {
    let key = (path(&low.namespace)?, mac(&low.mac)?).into();
    let keys = [("namespace", low.namespace.span()), ("port", low.port.span())];
    desired.add_fdb(key, name(&low.port)?).map_err(|refusal| at_key(&refusal, low.mac.span(), &keys))
}

pub(super) fn path(text: &Text) -> Result<NamespacePath, Mistake> {
    let bad = |_| not(text, "the path of a namespace", NamespacePath::EXPECTED);
    text.get_ref().parse().map_err(bad)
}

fn name(text: &Text) -> Result<Name, Mistake> {
    let bad = |_| not(text, "a name", Name::EXPECTED);
    text.get_ref().parse().map_err(bad)
}

pub(super) fn mac(text: &Text) -> Result<MacAddr, Mistake> {
    MacAddr::from_str(text.get_ref()).map_err(|_| not(text, "a MAC address", MAC_EXPECTED))
}

pub(super) fn word<T: Copy>(text: &Text, words: &[(&str, T)]) -> Result<T, Mistake> {
    let expected = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    known(text, |given| words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value), &expected)
}

pub(super) fn known<T>(text: &Text, meaning: impl Fn(&str) -> Option<T>, expected: &str) -> Result<T, Mistake> {
    meaning(text.get_ref()).ok_or_else(|| Mistake::new(text.span(), invalid(&quoted(text), expected)))
}

pub(super) fn number<T: TryFrom<i64>>(number: &Number, range: std::ops::RangeInclusive<i64>) -> Result<T, Mistake> {
    let value = Some(*number.get_ref()).filter(|value| range.contains(value));
    let fits = value.and_then(|value| T::try_from(value).ok());
    let expected = format!("{} to {}", range.start(), range.end());
    fits.ok_or_else(|| Mistake::new(number.span(), invalid(&number.get_ref().to_string(), &expected)))
}

/// A number from 0 to `most`, which is 0 unless it is said.
pub(super) fn small_number<T>(said: Option<&Number>, most: T) -> Result<T, Mistake>
where
    T: TryFrom<i64> + Into<i64> + Default,
{
    said.map_or_else(|| Ok(T::default()), |said| number(said, 0..=most.into()))
}

pub(super) fn not(text: &Text, what: &str, expected: &str) -> Mistake {
    Mistake::new(text.span(), format!("{} is not {what} (expected {expected})", quoted(text)))
}

fn invalid(value: &str, expected: &str) -> String {
    format!("{value} is not valid (expected {expected})")
}

pub(super) fn quoted(text: &Text) -> String {
    format!("{:?}", text.get_ref())
}

/// What no other port may be called.
fn full_name(port: &low::Port) -> (&str, &str) {
    (port.namespace.get_ref(), port.name.get_ref())
}

fn defined_twice(port: &low::Port, line: u32) -> Mistake {
    let message = format!("there is a port of this name in this namespace in line {line} already");
    Mistake::new(port.name.span(), message)
}

/// Puts a refusal beside the key that it is about, or else beside `object`.
pub(super) fn at_key(refusal: &Refusal, object: Range<usize>, keys: &[(&str, Range<usize>)]) -> Mistake {
    let (field, message) = match refusal {
        Refusal::Invalid { field, value, expected } => (field.as_str(), invalid(&format!("{value:?}"), expected)),
        Refusal::NotFound { kind: Kind::Namespace, name } => {
            ("namespace", format!("{name:?} does not exist (expected the name of a [[namespace]])"))
        }
        Refusal::NotFound { kind: Kind::Port, name } => {
            ("port", format!("{name:?} does not exist (expected the name of a [[port]] of that namespace)"))
        }
        Refusal::InUse { kind: Kind::Prefix, name, by } => ("prefixes", format!("{name:?} is in use by {by}")),
        Refusal::InUse { kind: Kind::Mac, name, by } => ("mac", format!("{name:?} is in use by {by}")),
        Refusal::InUse { kind: Kind::Socket, name, by } => ("vhost-user", format!("{name:?} is in use by {by}")),
        other => ("", other.to_string()),
    };
    let span = keys.iter().find(|(key, _)| *key == field).map_or(object, |(_, span)| span.clone());
    Mistake::new(span, message)
}
